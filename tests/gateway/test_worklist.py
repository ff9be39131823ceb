"""The work list: one task for each wrong row, in the site's words, from the moment it is wrong until it is right."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from support.databases import KEY
from support.delivery import INSTITUTION, START, Clock, prescription
from support.desk import Desk, found_by, wrong

from gateway import worklist
from gateway.deadlines import Closure
from gateway.errors import ConfigError
from gateway.model import RowState
from gateway.outbox import State
from gateway.standing import Route, Sieve
from gateway.store import Store, open_store
from gateway.worklist import LocalRow, TaskFilter, TaskKind, TaskNote
from schemas.model import Edition
from schemas.wire import SHANGHAI


@pytest.fixture
def desk(store: Store, edition: Edition, clock: Clock) -> Desk:
    return Desk(store, edition, clock)


# which tasks there are


def test_a_row_is_a_task_while_it_is_wrong_and_only_then(desk: Desk) -> None:
    desk.refused = {"RX00003|1"}
    desk.take_in(prescription(1), wrong(2), prescription(3), prescription(4))
    desk.send()
    desk.take_in(prescription(1), wrong(2), prescription(3), wrong(4))
    assert desk.kinds() == {"id=2": TaskKind.MEND, "id=3": TaskKind.RETURNED, "id=4": TaskKind.OUTDATED}
    desk.take_in(prescription(2), prescription(3, cnt=Decimal(5)), prescription(4))
    assert desk.kinds() == {}
    assert desk.store.grievances() == []


def test_a_row_sent_back_and_mended_leaves_the_list_the_reasons_and_in_the_end_the_store(desk: Desk) -> None:
    desk.refused = {"RX00001|1"}
    desk.take_in(prescription(1))
    desk.send()
    assert desk.kinds() == {"id=1": TaskKind.RETURNED}
    desk.refused = set()
    desk.take_in(prescription(1, cnt=Decimal(9)))
    desk.send()
    assert desk.kinds() == {}
    assert desk.store.grievances() == []
    assert desk.store.shred(timedelta(), desk.clock() + timedelta(days=1)) == 2  # the body of the version sent back too


def test_what_was_sent_back_keeps_its_body_while_a_newer_version_has_no_answer(desk: Desk) -> None:
    desk.refused = {"RX00001|1"}
    desk.take_in(prescription(1))
    desk.send()
    desk.take_in(prescription(1, cnt=Decimal(9)))
    assert desk.store.shred(timedelta(), desk.clock() + timedelta(days=1)) == 0


def test_a_row_that_is_wrong_here_and_was_sent_back_before_is_one_task_with_both_reasons(desk: Desk) -> None:
    desk.refused = {"RX00001|1"}
    desk.take_in(prescription(1))
    desk.send()
    desk.clock.move(3600)
    desk.take_in(wrong(1))
    found = desk.task("id=1")
    assert (found.kind, found.since) == (TaskKind.MEND, START)
    assert [(each.rule, each.target) for each in found.reasons] == [("required", ""), ("register", "bureau")]


def test_rows_that_are_left_out_or_not_finished_are_nobodys_task(desk: Desk) -> None:
    states = (RowState.EXCLUDED, RowState.NOT_READY)
    desk.take_in(*(prescription(n, row_state=state, row_reason="未完成") for n, state in enumerate(states, 1)))
    assert desk.find() == []


def test_tasks_and_the_account_count_alike(desk: Desk) -> None:
    desk.refused = {"RX00003|1", "RX00005|1"}
    desk.take_in(prescription(1), wrong(2), prescription(3), prescription(4), prescription(5))
    desk.send()
    desk.take_in(prescription(1), wrong(2), prescription(3), wrong(4), prescription(5))
    (account,) = desk.store.standings([Route("his", "RX01", "bureau")])
    kinds = list(desk.kinds().values())
    assert account.balanced
    assert kinds.count(TaskKind.MEND) == sum(account.asides.values())
    assert kinds.count(TaskKind.OUTDATED) == account.outdated
    assert kinds.count(TaskKind.RETURNED) == account.states[State.REJECTED]


def test_a_page_asks_a_few_questions_whatever_its_length_and_walks_through_no_deliveries(tmp_path: Path, edition: Edition) -> None:
    """Of a million deliveries: SQLite, left to itself, makes an index of all of them for every page."""
    store = open_store(f"sqlite:///{tmp_path / 'test.db'}", edition, START, KEY)
    desk = Desk(store, edition, Clock())
    desk.refused = {f"RX{number:05d}|1" for number in range(30, 60)}
    desk.take_in(*(wrong(number) for number in range(30)), *(prescription(number) for number in range(30, 90)))
    desk.send()
    asked: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        asked.append((statement, parameters))

    event.listen(store._engine, "before_cursor_execute", note)
    assert sum(each.rows for each in store.ages(TaskFilter())) == 60
    found = store.findings_by_age(TaskFilter(), None, 0, 50)
    said = store.complaints([each.row for each in found])
    event.remove(store._engine, "before_cursor_execute", note)
    assert [len(each) for each in said.values()] == [1] * 50
    questions = [(statement, parameters) for statement, parameters in asked if statement.startswith("SELECT")]
    assert len(questions) < 20
    with store._engine.connect() as connection:
        plans = [str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {said}", parameters).all()) for said, parameters in questions]
    assert any("SEARCH outbox" in plan for plan in plans)
    assert [plan for plan in plans if "SCAN outbox" in plan or "AUTOMATIC" in plan] == []
    store.close()


# since when, and until when


def test_the_clock_starts_when_the_row_is_first_wrong_and_no_reading_or_replay_winds_it_back(desk: Desk) -> None:
    desk.refused = {"RX00002|1"}
    desk.take_in(wrong(1), prescription(2))
    desk.send()
    for _ in range(2):
        desk.clock.move(3600)
        desk.take_in(wrong(1), prescription(2))
        assert desk.store.requeue(Sieve("bureau"), desk.clock()) == 1
        desk.send()
    assert [each.since for each in desk.find()] == [START, START]


def test_a_row_that_was_not_finished_is_wrong_only_from_the_moment_it_is(desk: Desk) -> None:
    desk.take_in(prescription(1, row_state=RowState.NOT_READY, row_reason="未完成"))
    desk.clock.move(3600)
    desk.take_in(wrong(1))
    assert [each.since for each in desk.find()] == [START + timedelta(hours=1)]


def test_a_row_mended_here_and_then_sent_back_has_been_wrong_all_the_time(desk: Desk) -> None:
    desk.take_in(wrong(1))
    desk.clock.move(3600)
    desk.refused = {"RX00001|1"}
    desk.take_in(prescription(1))
    desk.send()
    assert [(each.kind, each.since) for each in desk.find()] == [(TaskKind.RETURNED, START)]


def test_a_row_that_was_right_in_between_is_wrong_anew(desk: Desk) -> None:
    desk.take_in(wrong(1))
    desk.take_in(prescription(1))
    desk.clock.move(60)
    desk.send()
    desk.clock.move(3600)
    desk.take_in(wrong(1))
    assert [each.since for each in desk.find()] == [desk.clock()]


def test_a_number_that_is_given_to_another_row_one_day_begins_anew(desk: Desk) -> None:
    desk.take_in(wrong(1))
    desk.store.forget("his", "RX01", ["id=1"])
    desk.clock.move(3600)
    desk.take_in(wrong(1))
    assert [each.since for each in desk.find()] == [desk.clock()]


def test_seven_days_are_counted_to_their_midnight_by_the_edition(edition: Edition) -> None:
    since = datetime(2026, 11, 25, 8, 0, tzinfo=SHANGHAI)
    assert worklist.deadline(edition, since) == datetime(2026, 12, 3, tzinfo=SHANGHAI)
    closed = Closure(days=frozenset({date(2026, 12, 2)}))
    assert worklist.deadline(edition, since, closed) == datetime(2026, 12, 3, tzinfo=SHANGHAI)


# in the site's words


def test_a_task_says_where_it_is_found_and_what_is_wrong_with_which_column(desk: Desk) -> None:
    desk.take_in(prescription(1, med_list_codg="X" * 80, **found_by(1)), prescription(2, cnt=Decimal("1.123456789"), **found_by(2)))
    found = desk.task("id=2")
    assert (found.document, found.department, found.key) == ("D0002", "内科门诊", "RX00002|1")
    (reason,) = found.reasons
    assert (reason.field, reason.rule, reason.label, reason.columns) == ("cnt", "precision", "数量", ("quantity",))
    assert reason.value == "1.123456789"
    assert reason.advice
    assert desk.task("id=1").reasons[0].columns == ()


def test_what_was_sent_back_is_found_by_its_document_too_and_shows_the_value_that_was_sent(desk: Desk) -> None:
    desk.refused = {"RX00001|1"}
    desk.take_in(prescription(1, dr_codg="D999900000001", **found_by(1)))
    desk.send()
    found = desk.task("id=1")
    assert (found.document, found.department) == ("D0001", "内科门诊")
    (reason,) = found.reasons
    assert (reason.target, reason.label, reason.columns, reason.value) == ("bureau", "医师编码", ("doctor",), "D999900000001")
    assert "gateway todo replay" in reason.advice


def test_words_and_numbers_of_persons_are_never_shown(desk: Desk) -> None:
    number = "990000199001011234"
    named = prescription(1, med_list_name="张" * 300)
    desk.take_in(named, prescription(2, med_list_codg=f"{number}-{'X' * 60}", row_document=number))
    assert [each.value for each in desk.task("id=1").reasons] == ["***（300 个字符）"]
    found = desk.task("id=2")
    assert number not in repr(found)
    assert found.document == "***"
    assert found.reasons[0].value.startswith("***-XXX")


def test_the_row_that_has_the_key_already_is_named(desk: Desk) -> None:
    desk.take_in(prescription(1), prescription(9, rx_id="RX00001"))
    found = desk.task("id=9")
    assert found.rival == "来源 his 的 id=1"
    assert [each.rule for each in found.reasons] == ["duplicate_key"]


# whose they are


@pytest.mark.parametrize(
    ("wanted", "refs"),
    [
        ({}, ["id=1", "id=2", "id=3"]),
        ({"source": "his", "dataset": "RX01", "institution": INSTITUTION}, ["id=1", "id=2", "id=3"]),
        ({"source": "elsewhere"}, []),
        ({"department": "外科"}, ["id=2"]),
        ({"reason": "未登记"}, ["id=3"]),
        ({"reason": "required"}, ["id=1", "id=2"]),
        ({"reason": "%"}, []),
        ({"key": "RX00003|1"}, ["id=3"]),
        ({"word": "id=1"}, ["id=1"]),
        ({"word": "D0002"}, ["id=2"]),
        ({"word": "RX00003|1"}, ["id=3"]),
        ({"kind": TaskKind.RETURNED}, ["id=3"]),
        ({"first": date(2026, 11, 25)}, ["id=1", "id=3"]),
        ({"last": date(2026, 11, 24)}, ["id=2"]),
        ({"first": date(2026, 11, 26)}, []),
    ],
)
def test_only_what_is_meant_is_found(desk: Desk, wanted: dict[str, Any], refs: list[str]) -> None:
    desk.refused = {"RX00003|1"}
    yesterday = START - timedelta(days=1)
    rows = [
        wrong(1, **found_by(1)),
        wrong(2, rx_time=yesterday, **{**found_by(2), "row_department": "外科"}),
        prescription(3, **found_by(3)),
    ]
    desk.take_in(*rows)
    desk.send()
    assert [each.row.ref for each in desk.find(**wanted)] == refs


def test_departments_with_work_are_known(desk: Desk) -> None:
    desk.refused = {"RX00003|1"}
    desk.take_in(
        wrong(1), wrong(2, row_department="外科"), prescription(3, row_department="内科"), prescription(4, row_department="儿科")
    )
    desk.send()
    assert list(desk.store.departments()) == ["内科", "外科"]


def test_a_note_ends_with_its_task_and_its_history_stays(desk: Desk) -> None:
    row = LocalRow("his", "RX01", "id=1")
    desk.take_in(wrong(1))
    desk.clock.move(60)
    first = TaskNote("药房王", "问过厂家", desk.clock(), "clerk")
    desk.store.write_notes({row: first})
    assert [each.current for each in desk.find()] == [first]
    desk.take_in(wrong(1, rx_id="RX00009"))
    assert [each.current for each in desk.find()] == [first]
    desk.take_in(prescription(1))
    desk.clock.move(60)
    desk.send()
    desk.clock.move(60)
    desk.take_in(wrong(1))
    assert [each.current for each in desk.find()] == [None]
    assert list(desk.store.note_history(row)) == [first]


@pytest.mark.parametrize("note", ["电话 13900000000", "患者 990000199001011234", "两\n行", "长" * 501])
def test_a_note_with_a_number_of_a_person_is_refused(note: str) -> None:
    with pytest.raises(ConfigError, match="备注"):
        worklist.checked_note(note)
    assert worklist.checked_note("已问药房，明天补") == "已问药房，明天补"


@pytest.mark.parametrize(("within", "found"), [(None, 1), (timedelta(days=8), 1), (timedelta(days=1), 0)])
def test_what_is_due_soon_is_what_is_asked_for(desk: Desk, within: timedelta | None, found: int) -> None:
    desk.take_in(wrong(1))
    wanted = TaskFilter(due_within=within)
    due = worklist.deadline(desk.edition, START)
    assert sum(wanted.holds(each, due, desk.clock()) for each in desk.find()) == found
    overdue = START + timedelta(days=30)
    assert TaskFilter(due_within=timedelta()).holds(desk.find()[0], due, overdue)


def test_a_page_is_counted_and_cut_by_the_database_as_the_whole_list_would_be(desk: Desk) -> None:
    """Sent back, wrong, wrong since it was accepted, and both at once; of two departments, since different hours."""
    desk.refused = {"RX00001|1", "RX00002|1", "RX00003|1"}
    desk.take_in(*(prescription(number) for number in range(1, 7)))
    desk.send()
    for number in (2, 5, 6, 7):
        desk.clock.move(5000)
        desk.take_in(wrong(number))
    for wanted in (TaskFilter(), *(TaskFilter(kind=kind) for kind in TaskKind), TaskFilter(dataset="HD03")):
        found = sorted(desk.store.findings(wanted), key=lambda each: (each.since, each.row))
        ages = desk.store.ages(wanted)
        assert sum(each.rows for each in ages) == len(found)
        for kind in TaskKind:
            assert sum(each.rows for each in ages if each.kind is kind) == sum(each.kind is kind for each in found)
        assert all(each.since <= min(one.since for one in found) + timedelta(hours=9) for each in ages)
        pages = [desk.store.findings_by_age(wanted, None, start, 2) for start in range(0, len(found), 2)]
        assert [each for page in pages for each in page] == found
        if found:
            until = found[-1].since
            early = desk.store.findings_by_age(wanted, until, 0, 50)
            assert list(early) == [each for each in found if each.since < until]
    assert sum(each.rows for each in desk.store.ages(TaskFilter(), kinds=False)) == len(desk.store.findings(TaskFilter()))
