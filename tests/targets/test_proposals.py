"""How often the right column is among the first three, on the databases of real products (bench/RESULTS.md has the table)."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters import profile
from adapters.databases.connection import SiteDatabase
from adapters.profile import Site
from adapters.proposing import folder
from adapters.proposing.folder import Product
from adapters.proposing.survey import Survey
from bench.proposals import Measured, measure
from schemas import loader
from schemas.wire import SHANGHAI

pytestmark = pytest.mark.targets


def measured(target: Any, *datasets: str) -> list[Measured]:
    survey, shipped = Survey(SiteDatabase(target.url, 30)), profile.load(target.profile)
    return [measure(survey, shipped, loader.reference(), each) for each in datasets]


def test_every_column_of_the_dialysis_room_is_among_the_first_three(dialysis_room: Any) -> None:
    for found in measured(dialysis_room, "HD02", "HD03"):
        assert (found.among, found.rank) == (found.fields, 1), found


def test_three_in_four_of_openhis_though_its_drugs_lie_two_tables_away(openhis: Any) -> None:
    (found,) = measured(openhis, "RX01")
    assert found.among >= 9, found
    assert 1 <= found.rank <= 3


def test_three_in_four_of_jsherp_whose_movements_are_lines_of_a_document(jsherp: Any) -> None:
    found = measured(jsherp, "3503", "3505")
    assert sum(each.among for each in found) >= 15, found
    assert all(1 <= each.rank <= 3 for each in found)


@pytest.mark.parametrize(
    ("product", "dataset", "table"),
    [
        ("dialysis_room", "HD03", ""),
        ("openhis", "RX01", ""),
        ("jsherp", "3505", "jsh_depot_item"),
        ("rehab", "RH02", "hbot_treatment_record"),
    ],
)
def test_a_draft_reads_every_row_of_its_table(
    request: pytest.FixtureRequest, tmp_path: Path, product: str, dataset: str, table: str
) -> None:
    """In the idiom of PostgreSQL and MariaDB, over whatever key the table has, page by page."""
    target, edition = request.getfixturevalue(product), loader.reference()
    survey = Survey(SiteDatabase(target.url, 30))
    made = folder.write(
        survey, edition, [dataset], [table] if table else [], tmp_path / "draft", Product("草稿", "", ""), date(2026, 11, 25)
    )
    site = Site("his", target.url, "H41000000001")
    (source,) = profile.open_sources(profile.load(tmp_path / "draft"), site, edition)
    refs = [row.ref for page in source.pages(None, 7) for row in page.rows]
    assert len(refs) == len(set(refs)) == source.count()
    assert len(refs) > 10
    if made[0].sweeps:
        assert {row.ref for row in source.lookup(refs[:3])} == set(refs[:3])
        window = source.window(datetime(2000, 1, 1, tzinfo=SHANGHAI), datetime(2100, 1, 1, tzinfo=SHANGHAI), 50)
        assert {row.ref for page in window for row in page.rows} <= set(refs)
