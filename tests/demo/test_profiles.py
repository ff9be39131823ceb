"""What mapping and validator make of the played databases, held against what the story knows it put in."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path

import pytest
from sqlalchemy import URL

from adapters.databases.sql import SqlSource
from adapters.profile import Site, load, open_sources
from demo import his, pos, story
from demo.dirt import Fate
from demo.district import DISTRICT, Institution
from demo.rows import Change
from gateway.judging import Judge, Judged
from gateway.model import Cursor, RowState
from schemas.loader import reference
from schemas.wire import SHANGHAI

NOW = datetime(2026, 11, 25, tzinfo=SHANGHAI)
FEEDS = [(institution.code, dataset) for institution in DISTRICT.connected for dataset in institution.datasets]
GENERAL, PHARMACY = "H99000100001", "P99000100001"
Expected = dict[tuple[str, str], Counter[Fate]]


def source_of(institution: Institution, dataset: str, database: Path) -> SqlSource:
    constants = {"otc_prescriber": "无"} if institution.profile.startswith("pos/") else {}
    url = URL.create("sqlite", database=str(database))
    site = Site("demo", url, institution.code, constants, datasets=(dataset,))
    (source,) = open_sources(load(institution.profile), site, reference())
    return source


def judged(source: SqlSource, after: Cursor | None = None, size: int = 500) -> Iterator[Judged]:
    judge = Judge(reference(), source.dataset, "00000000-demo")
    for page in source.pages(after, size):
        yield from (judge.judge(row, NOW) for row in page.rows)


def fate(each: Judged, keys: set[str]) -> Fate:
    """`keys` remembers what was seen: the second row of a business key is for a person."""
    if each.row.state is not RowState.READY:
        return Fate(str(each.row.state))
    if each.reasons or each.key in keys:
        return Fate.QUARANTINED
    keys.add(each.key)
    return Fate.CLEAN


@pytest.mark.requirement("J-099")
@pytest.mark.parametrize(("code", "dataset"), FEEDS)
def test_every_row_meets_the_fate_the_story_gave_it(played: dict[str, Path], expected: Expected, code: str, dataset: str) -> None:
    keys: set[str] = set()
    source = source_of(DISTRICT.institution(code), dataset, played[code])
    found = Counter(fate(each, keys) for each in judged(source))
    assert found == expected[code, dataset]


@pytest.mark.parametrize(("code", "dataset"), FEEDS)
def test_every_page_size_reads_the_same_rows(played: dict[str, Path], code: str, dataset: str) -> None:
    source = source_of(DISTRICT.institution(code), dataset, played[code])
    refs = [row.ref for page in source.pages(None, 10_000) for row in page.rows]
    assert [row.ref for page in source.pages(None, 37) for row in page.rows] == refs
    assert len(refs) == len(set(refs))


def test_a_session_across_midnight_ends_on_the_next_day(played: dict[str, Path]) -> None:
    source = source_of(DISTRICT.institution(GENERAL), "HD03", played[GENERAL])
    ready = [each.row.values for each in judged(source) if each.record]
    nights = [values for values in ready if values["end_time"].date() != values["begn_time"].date()]
    assert len(nights) > 100
    for values in ready:
        lasted = values["end_time"] - values["begn_time"]
        assert timedelta(hours=3) < lasted < timedelta(hours=5)


def test_a_missing_catalogue_entry_is_told_as_the_cause_not_as_a_blank_code(played: dict[str, Path]) -> None:
    source = source_of(DISTRICT.institution(GENERAL), "RX01", played[GENERAL])
    told = {(reason.field, reason.rule) for each in judged(source) for reason in each.reasons}
    assert ("med_list_codg", "head") in told
    assert ("med_list_codg", "required") in told  # the item is there, its 医保码 is not


def test_an_undeclared_prescriber_holds_back_only_what_needs_one(played: dict[str, Path]) -> None:
    pharmacy = DISTRICT.institution(PHARMACY)
    site = Site("demo", URL.create("sqlite", database=str(played[pharmacy.code])), pharmacy.code, datasets=("3505",))
    (source,) = open_sources(load(pharmacy.profile), site, reference())
    found = list(judged(source))
    held = [each for each in found if any(reason.field == "prsc_dr_name" for reason in each.reasons)]
    assert held
    assert any(each.record for each in found)


@pytest.mark.parametrize(("code", "dataset"), [(GENERAL, "HD02"), (GENERAL, "HD03"), (PHARMACY, "3503"), (PHARMACY, "3505")])
def test_reading_day_by_day_ends_where_reading_at_once_does(
    tmp_path: Path, told: list[Change], expected: Expected, code: str, dataset: str
) -> None:
    """The cursor finds every insert and edit: the last reading of each row is the row as it ended."""
    institution = DISTRICT.institution(code)
    last = read_daily(institution, dataset, tmp_path / "growing.db", told)
    keys: set[str] = set()
    assert Counter(fate(each, keys) for each in last.values()) == expected[code, dataset]


def read_daily(institution: Institution, dataset: str, path: Path, told: list[Change]) -> dict[str, Judged]:
    (pos if institution.profile.startswith("pos/") else his).create(path)
    source = source_of(institution, dataset, path)
    last: dict[str, Judged] = {}
    cursor: Cursor | None = None
    own = [change for change in told if change.database == institution.database]
    with closing(sqlite3.connect(path)) as connection:
        for _, day in groupby(own, key=lambda change: change.at.date()):
            story.play(connection, day)
            for each in judged(source, cursor):
                last[each.row.ref], cursor = each, each.row.cursor
    return last
