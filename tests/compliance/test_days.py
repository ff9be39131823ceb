"""逐日报送: every state by its real cause, through the real receiver."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from support.bureau import INSTITUTION
from support.watched import PLAN, Watched

from compliance.closing import Closure
from compliance.days import DayState
from compliance.store import database
from compliance.store.closures import StoredClosures
from compliance.store.database import Database
from compliance.store.watch import StoredWatch
from schemas import wire
from schemas.model import Edition
from schemas.wire import SHANGHAI

EIGHT = datetime(2026, 11, 24, 8, 0, tzinfo=SHANGHAI)
DAY = EIGHT.date()
HOUR = timedelta(hours=1)
NEXT = EIGHT + 24 * HOUR  #: in time: HD03 and OP01 are due at the end of this day
AFTER = EIGHT + 48 * HOUR


@pytest.fixture
def watched(edition: Edition, store: Database) -> Watched:
    return Watched(edition, store)


def test_nothing_at_all_is_silence_once_the_limit_is_over(watched: Watched) -> None:
    assert watched.cell(NEXT, DAY).state is DayState.PENDING
    assert watched.cell(AFTER, DAY).state is DayState.SILENT
    assert not watched.board(AFTER, DAY).well


def test_a_heartbeat_is_no_report(watched: Watched) -> None:
    watched.beat(NEXT)
    assert watched.cell(AFTER, DAY).state is DayState.SILENT


def test_rows_that_fit_their_manifest_match(watched: Watched) -> None:
    rows = watched.sessions(EIGHT, EIGHT, count=3)
    watched.state(DAY, NEXT, rows)
    cell = watched.cell(AFTER, DAY)
    assert (cell.state, cell.live, cell.stated, cell.equal, cell.on_time, cell.late) == (DayState.MATCHED, 3, 3, True, 3, 0)
    assert cell.owed == 3


def test_rows_without_a_manifest_are_not_proven_to_be_all(watched: Watched) -> None:
    watched.sessions(EIGHT, EIGHT)
    assert watched.cell(NEXT, DAY).state is DayState.PENDING
    assert watched.cell(AFTER, DAY).state is DayState.UNPROVEN


def test_another_content_under_the_same_number_of_rows_differs(watched: Watched) -> None:
    first, second = watched.sessions(EIGHT, EIGHT, count=2)
    watched.state(DAY, NEXT, [first, {**second, "content_hash": "sha256:" + "0" * 64}])
    cell = watched.cell(AFTER, DAY)
    assert (cell.state, cell.live, cell.stated, cell.equal) == (DayState.DIFFERING, 2, 2, False)


def test_rows_after_the_manifest_make_it_old_and_its_next_version_right(watched: Watched) -> None:
    rows = watched.sessions(EIGHT, EIGHT, count=2)
    watched.state(DAY, NEXT, rows)
    more = watched.sessions(EIGHT + HOUR, NEXT + HOUR)
    assert watched.cell(AFTER, DAY).state is DayState.UNPROVEN
    watched.state(DAY, NEXT + 2 * HOUR, [*rows, *more], version=2)
    assert watched.cell(AFTER, DAY).state is DayState.MATCHED


def test_a_withdrawn_row_is_not_live_on_either_side(watched: Watched) -> None:
    kept, gone = watched.sessions(EIGHT, EIGHT, count=2)
    watched.take([watched.maker.changed(gone, version="2", vali_flag="0")], "HD03", EIGHT + HOUR)
    watched.state(DAY, NEXT, [kept])
    cell = watched.cell(AFTER, DAY)
    assert (cell.state, cell.live, cell.on_time) == (DayState.MATCHED, 1, 2)


def test_rows_that_the_manifest_knows_and_the_bureau_does_not_are_overdue(watched: Watched) -> None:
    rows = watched.sessions(EIGHT, EIGHT, count=2)
    watched.state(DAY, NEXT, rows, quarantined=2, queued=1)
    assert watched.cell(NEXT + HOUR, DAY).missing == 0
    cell = watched.cell(AFTER, DAY)
    assert (cell.state, cell.missing, cell.owed) == (DayState.OVERDUE, 3, 5)


def test_all_here_and_some_of_it_late_is_late(watched: Watched) -> None:
    rows = watched.sessions(EIGHT, AFTER, count=2)
    watched.state(DAY, AFTER, rows)
    cell = watched.cell(AFTER + HOUR, DAY)
    assert (cell.state, cell.late, cell.on_time) == (DayState.LATE, 2, 0)


def test_a_zero_is_stated_and_revoked_by_a_row_of_that_day(watched: Watched) -> None:
    watched.state(DAY, NEXT)
    assert watched.cell(AFTER, DAY).state is DayState.ZERO
    rows = watched.sessions(EIGHT, AFTER)
    cell = watched.cell(AFTER + HOUR, DAY)
    assert (cell.state, cell.revoked) == (DayState.LATE, True)
    watched.state(DAY, AFTER + HOUR, rows, version=2)
    cell = watched.cell(AFTER + 2 * HOUR, DAY)
    assert (cell.state, cell.revoked, cell.equal) == (DayState.LATE, True, True)


def test_rows_that_were_withdrawn_before_the_zero_do_not_revoke_it(watched: Watched) -> None:
    (gone,) = watched.sessions(EIGHT, EIGHT)
    watched.take([watched.maker.changed(gone, version="2", vali_flag="0")], "HD03", EIGHT + HOUR)
    watched.state(DAY, NEXT)
    cell = watched.cell(AFTER, DAY)
    assert (cell.live, cell.equal, cell.revoked) == (0, True, False)


def test_a_row_whose_date_is_mended_after_the_manifest_makes_it_old_and_not_wrong(watched: Watched) -> None:
    kept, moved = watched.sessions(EIGHT, EIGHT, count=2)
    watched.state(DAY, NEXT, [kept, moved])
    times = {name: wire.encode_datetime(EIGHT + 24 * HOUR) for name in ("begn_time", "occurred_at")}
    until = wire.encode_datetime(EIGHT + 28 * HOUR)
    watched.take([watched.maker.changed(moved, version="2", end_time=until, **times)], "HD03", NEXT + HOUR)
    assert watched.cell(NEXT + 2 * HOUR, DAY).state is DayState.PENDING
    watched.state(DAY, NEXT + 3 * HOUR, [kept], version=2)
    assert watched.cell(AFTER, DAY).state is DayState.MATCHED


def test_what_came_and_is_not_known_to_have_come_is_not_proven_and_not_wrong(watched: Watched) -> None:
    rows = watched.sessions(EIGHT, EIGHT, count=3)
    watched.state(DAY, NEXT, rows[:1], unknown=1, queued=1)
    assert watched.cell(AFTER, DAY).state is DayState.UNPROVEN
    watched.state(DAY, AFTER, rows[:1], version=2, quarantined=2)
    assert watched.cell(AFTER + HOUR, DAY).state is DayState.DIFFERING


def test_rows_that_are_not_reported_by_rule_leave_a_zero(watched: Watched) -> None:
    watched.state(DAY, NEXT, excluded=4)
    assert watched.cell(AFTER, DAY).state is DayState.ZERO


def test_a_declaration_before_the_deadline_excuses_and_one_after_it_does_not(watched: Watched) -> None:
    watched.declare(NEXT, EIGHT, EIGHT + 3 * HOUR)
    assert watched.cell(AFTER, DAY).state is DayState.DECLARED
    assert watched.cell(AFTER + 24 * HOUR, DAY + timedelta(days=1)).state is DayState.SILENT


def test_a_declaration_after_the_deadline_is_told_as_too_late(watched: Watched) -> None:
    watched.declare(AFTER, EIGHT, EIGHT + 3 * HOUR)
    cell = watched.cell(AFTER + HOUR, DAY)
    assert (cell.state, cell.excused) == (DayState.DECLARED_LATE, 0)


def test_what_is_late_or_missing_and_declared_in_time_is_not_owed(watched: Watched) -> None:
    watched.declare(NEXT, EIGHT, EIGHT + 3 * HOUR, affected=[{"dataset": "HD03"}])
    rows = watched.sessions(EIGHT, AFTER, count=2)
    watched.state(DAY, AFTER, rows, queued=1)
    cell = watched.cell(AFTER + HOUR, DAY)
    assert (cell.state, cell.late, cell.missing, cell.excused, cell.owed) == (DayState.DECLARED, 2, 1, 3, 0)
    assert watched.cell(AFTER + HOUR, DAY, "HD02").state is DayState.SILENT


def test_what_a_later_version_adds_was_declared_when_it_came(watched: Watched) -> None:
    first = watched.declare(NEXT, EIGHT, EIGHT + HOUR, affected=[{"dataset": "HD02"}])
    wider = watched.maker.changed(first, "OP03", version="2", affected=[{"dataset": "HD02"}, {"dataset": "HD03"}])
    watched.take([wider], "OP03", AFTER)
    assert watched.cell(AFTER + HOUR, DAY, "HD02").state is DayState.DECLARED
    assert watched.cell(AFTER + HOUR, DAY, "HD03").state is DayState.DECLARED_LATE


def test_a_declaration_that_is_withdrawn_excuses_nothing(watched: Watched) -> None:
    first = watched.declare(NEXT, EIGHT, EIGHT + HOUR)
    watched.take([watched.maker.changed(first, "OP03", version="2", vali_flag="0")], "OP03", NEXT + HOUR)
    assert watched.cell(AFTER, DAY).state is DayState.SILENT


def test_a_declaration_that_was_taken_back_and_comes_again_was_made_when_it_came_again(watched: Watched) -> None:
    first = watched.declare(NEXT, EIGHT, EIGHT + HOUR)
    watched.take([watched.maker.changed(first, "OP03", version="2", vali_flag="0")], "OP03", NEXT + HOUR)
    watched.take([watched.maker.changed(first, "OP03", version="3")], "OP03", AFTER)
    assert watched.cell(AFTER + HOUR, DAY).state is DayState.DECLARED_LATE


def test_an_outage_at_the_deadline_concerns_what_is_due_then(watched: Watched) -> None:
    watched.declare(NEXT, NEXT, AFTER)
    assert watched.cell(AFTER, DAY).state is DayState.DECLARED


def test_a_declaration_that_came_after_its_own_limit_says_so(watched: Watched) -> None:
    watched.declare(AFTER, EIGHT, EIGHT + HOUR, declared=EIGHT + HOUR)
    assert watched.cell(AFTER + HOUR, DAY).state is DayState.DECLARED
    (reason,) = watched.board(AFTER + HOUR, DAY).reasons
    assert (reason.kind, reason.remark) == ("申明", "收到时已过申明自己的时限，申明时间为机构自述")


def test_a_closed_day_with_nothing_is_closed_and_with_rows_it_is_a_day_like_any_other(watched: Watched, edition: Edition) -> None:
    StoredClosures(watched.store, edition).add([Closure(INSTITUTION, DAY, None, frozenset({DAY.weekday()}), "周休", "test", EIGHT)])
    assert watched.cell(AFTER, DAY).state is DayState.CLOSED
    rows = watched.sessions(EIGHT, EIGHT)
    watched.state(DAY, NEXT, rows)
    assert watched.cell(AFTER, DAY).state is DayState.MATCHED


def test_who_is_deferred_is_exempt_and_the_board_is_well(edition: Edition, store: Database) -> None:
    watched = Watched(edition, store, replace(PLAN, deferred=True))
    watched.sessions(EIGHT, EIGHT)
    assert watched.cell(AFTER, DAY).state is DayState.EXEMPT
    assert (watched.row(AFTER, DAY).owed, watched.row(AFTER, DAY).on_time) == (0, 0)
    assert watched.board(AFTER, DAY).well


def test_what_is_not_planned_has_no_row(watched: Watched) -> None:
    assert {row.dataset for row in watched.board(AFTER, DAY).rows} == {*("HD01", "HD02", "HD03", "HD04A", "HD04B", "HD04C", "HD05")}


def test_a_monthly_data_set_is_silent_by_the_month(watched: Watched) -> None:
    due = datetime(2026, 12, 6, tzinfo=SHANGHAI)
    assert watched.cell(due, DAY, "HD05").state is DayState.PENDING
    assert watched.cell(due + HOUR, DAY, "HD05").state is DayState.SILENT
    (record,) = watched.maker.records("HD05")
    at = "2026-11-28 10:00:00"
    watched.take([watched.maker.changed(record, "HD05", occurred_at=at)], "HD05", due - HOUR)
    assert watched.cell(due + HOUR, DAY, "HD05").state is DayState.ELSEWHERE


def test_a_zero_of_one_day_does_not_speak_for_the_month(watched: Watched) -> None:
    watched.state(DAY - timedelta(days=1), NEXT, code="HD05")
    assert watched.cell(datetime(2026, 12, 6, 9, 0, tzinfo=SHANGHAI), DAY, "HD05").state is DayState.SILENT


def test_a_report_shows_what_was_known_at_its_cut_off(watched: Watched) -> None:
    rows = watched.sessions(EIGHT, EIGHT)
    watched.state(DAY, NEXT, rows)
    assert watched.cell(AFTER, DAY).state is DayState.MATCHED
    watched.take([watched.maker.changed(rows[0], version="2", patn_id="TEST-MENDED")], "HD03", AFTER + HOUR)
    assert watched.cell(AFTER, DAY).state is DayState.MATCHED
    assert watched.cell(AFTER + HOUR, DAY).state is DayState.UNPROVEN


def test_days_stand_beside_each_other_and_add_up(watched: Watched) -> None:
    first, second = watched.sessions(EIGHT, NEXT), watched.sessions(NEXT, NEXT + HOUR)
    watched.state(DAY, NEXT, first)
    watched.state(DAY + timedelta(days=1), AFTER, second, queued=1)
    row = watched.row(AFTER + 24 * HOUR, DAY + timedelta(days=1), length=3)
    assert [cell.state for cell in row.cells] == [DayState.SILENT, DayState.MATCHED, DayState.OVERDUE]
    assert (row.on_time, row.owed) == (2, 3)


def test_declarations_are_found_without_reading_every_record(edition: Edition, tmp_path: Path) -> None:
    store = database.connect(f"sqlite:///{tmp_path / 'bureau.db'}")
    store.create()
    asked: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        asked.append((statement, parameters))

    event.listen(store._engine, "before_cursor_execute", note)
    assert StoredWatch(store).declarations(AFTER) == ()
    event.remove(store._engine, "before_cursor_execute", note)
    ((statement, parameters),) = [each for each in asked if "FROM record" in each[0]]
    with store.read() as connection:
        plan = str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all())
    assert "record_told" in plan
    assert "TEMP B-TREE" not in plan
    store.close()
