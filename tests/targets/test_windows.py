"""Window, look-up and mark of every built-in profile agree with its main query, on the product's own data."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from adapters.databases.sql import SqlSource
from gateway.judging import occurred_at
from gateway.model import RowState, SourceRow
from schemas import loader
from schemas.wire import SHANGHAI

PROFILES = ("demo_his", "demo_pos", "openhis", "dialysis_room", "jsherp", "rehab")
EVER = (datetime(1970, 1, 1, tzinfo=SHANGHAI), datetime(2100, 1, 1, tzinfo=SHANGHAI))


@pytest.fixture(params=PROFILES)
def sources(request: pytest.FixtureRequest) -> dict[str, SqlSource]:
    target: Any = request.getfixturevalue(request.param)
    found: dict[str, SqlSource] = target.sources()
    return {code: source for code, source in found.items() if not source.query.snapshot}


def everything(source: SqlSource) -> dict[str, SourceRow]:
    return {row.ref: row for page in source.pages(None, 1000) for row in page.rows}


def within(source: SqlSource, start: datetime, end: datetime, size: int = 7) -> dict[str, SourceRow]:
    return {row.ref: row for page in source.window(start, end, size) for row in page.rows}


def timed(source: SqlSource, rows: dict[str, SourceRow]) -> dict[str, datetime]:
    """Ref -> business time, of the rows that may be sent and have one."""
    dataset = loader.reference().datasets[source.dataset]
    times = {ref: occurred_at(dataset, row.values) for ref, row in rows.items() if row.state is RowState.READY}
    return {ref: time for ref, time in times.items() if time}


def test_the_window_over_all_time_holds_every_row_that_has_a_business_time(sources: dict[str, SqlSource]) -> None:
    for source in sources.values():
        rows = everything(source)
        found = within(source, *EVER)
        assert timed(source, rows).keys() <= found.keys() <= rows.keys()
        assert all(found[ref].values == rows[ref].values for ref in found)


def test_a_days_window_holds_exactly_the_rows_of_that_day(sources: dict[str, SqlSource]) -> None:
    """The guard of withdrawals: a row whose anchor lies in the window must be in what the window yields."""
    for source in sources.values():
        times = timed(source, everything(source))
        assert times
        for day in {time.astimezone(SHANGHAI).date() for time in times.values()}:
            start = datetime(day.year, day.month, day.day, tzinfo=SHANGHAI)
            end = start + timedelta(days=1)
            expected = {ref for ref, time in times.items() if start <= time < end}
            assert expected == within(source, start, end).keys() & times.keys()


def test_the_look_up_finds_each_row_by_its_ref_and_nothing_else(sources: dict[str, SqlSource]) -> None:
    for source in sources.values():
        rows = everything(source)
        refs = list(rows)[:5]
        absent = "99999999" if refs[0].isdigit() else "00000000-0000-0000-0000-00000000dead"
        found = {row.ref: row for row in source.lookup([*refs, absent])}
        assert found.keys() == set(refs)
        assert all(found[ref].values == rows[ref].values for ref in refs)


def test_the_mark_names_the_database_and_counts_its_rows(sources: dict[str, SqlSource]) -> None:
    for source in sources.values():
        mark = source.mark()
        assert mark == source.mark()
        assert mark.identity
        assert (mark.rows or 0) >= len(everything(source))


def test_only_what_tells_how_things_are_now_has_no_window(dialysis_room: Any) -> None:
    assert {code for code, source in dialysis_room.sources().items() if source.query.snapshot} == {"HD04C", "HD05"}


def test_the_head_table_has_as_many_rows_as_the_main_query_yields(sources: dict[str, SqlSource]) -> None:
    for source in sources.values():
        assert source.count() == len(everything(source)) > 0


def test_every_builtin_profile_can_be_swept(sources: dict[str, SqlSource]) -> None:
    assert all(source.sweeps and source.query.mark for source in sources.values())
