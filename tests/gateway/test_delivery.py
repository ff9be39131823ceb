"""Intake and uploading over a real store on three databases: nothing lost, nothing twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from support.delivery import INSTITUTION, START, Clock, Platform, Rows, prescription

from gateway.errors import NotAdmittedError, NotDeliveredError, OutcomeUnknownError, RefusedError, StoppedError, StoreError
from gateway.intake import Manner, accept
from gateway.judging import Judge
from gateway.model import Cursor, RowState, Tally
from gateway.outbox import GRACE, LONGEST_WAIT, State
from gateway.standing import Route
from gateway.store import Store, open_store
from gateway.uploading import upload
from schemas.envelope import Result, Status
from schemas.model import Edition, Violation

ROUTE = Route("his", "RX01", "bureau")
LEASE = timedelta(seconds=120)


class Desk:
    """The two use cases with the pieces every test here needs."""

    def __init__(self, store: Store, edition: Edition, clock: Clock) -> None:
        self.store, self.edition, self.clock, self.platform = store, edition, clock, Platform()

    def take_in(self, *rows: Any, from_start: bool = False, page_size: int = 3) -> Tally:
        judge = Judge(self.edition, "RX01", self.store.rid)
        return accept(
            Rows(list(rows)), judge, self.store, targets=("bureau",), clock=self.clock, page_size=page_size, from_start=from_start
        )

    def send(self) -> Any:
        return upload(self.store, self.platform, "bureau", clock=self.clock, lease=LEASE)

    def states(self) -> dict[State, int]:
        (found,) = self.store.standings([ROUTE])
        assert found.balanced
        return dict(found.states)


@pytest.fixture
def desk(store: Store, edition: Edition, clock: Clock) -> Desk:
    return Desk(store, edition, clock)


def test_running_twice_sends_nothing_twice(desk: Desk) -> None:
    rows = [prescription(number) for number in range(1, 11)]
    assert desk.take_in(*rows) == Tally(read=10, queued=10)
    assert desk.send().accepted == 10
    assert desk.take_in(*rows, from_start=True) == Tally(read=10, unchanged=10)
    assert desk.send().accepted == 0
    assert len(desk.platform.held) == 10


def test_reading_goes_on_after_the_cursor(desk: Desk) -> None:
    desk.take_in(prescription(1), prescription(2))
    assert desk.take_in(prescription(1), prescription(2), prescription(3)) == Tally(read=1, queued=1)


def test_an_edited_row_arrives_as_version_2_with_another_hash(desk: Desk) -> None:
    desk.take_in(prescription(1))
    desk.send()
    assert desk.take_in(prescription(1, cursor=2, cnt=Decimal(5))) == Tally(read=1, queued=1)
    desk.send()
    first, second = (orjson.loads(desk.platform.held["RX00001|1", version]) for version in (1, 2))
    assert (first["cnt"], second["cnt"]) == ("2", "5")
    assert first["content_hash"] != second["content_hash"]
    assert first["rid"] == second["rid"] == desk.store.rid


def test_an_edit_before_sending_supersedes_the_older_version(desk: Desk) -> None:
    desk.take_in(prescription(1))
    desk.take_in(prescription(1, cursor=2, cnt=Decimal(5)))
    desk.send()
    assert list(desk.platform.held) == [("RX00001|1", 2)]


def test_two_edits_in_one_page_leave_only_the_last_on_its_way(desk: Desk) -> None:
    desk.take_in(prescription(1), prescription(1, cursor=2, cnt=Decimal(5)), prescription(1, cursor=3, cnt=Decimal(6)))
    desk.send()
    assert [version for _, version in desk.platform.held] == [3]


def test_a_bad_row_is_set_aside_with_every_reason_and_the_rest_go_on(desk: Desk) -> None:
    tally = desk.take_in(prescription(1), prescription(2, rx_time=None, med_list_codg=None), prescription(3))
    assert tally == Tally(read=3, quarantined=1, queued=2)
    assert {told.reason for told in desk.store.grievances()} == {
        "开方时间（rx_time）必填，当前为空",
        "医疗目录编码（med_list_codg）必填，当前为空",
    }
    assert desk.send().accepted == 2


def test_a_mended_row_leaves_quarantine_and_is_sent(desk: Desk) -> None:
    desk.take_in(prescription(1, rx_time=None))
    assert desk.take_in(prescription(1, cursor=2)) == Tally(read=1, queued=1)
    assert desk.store.grievances() == []
    assert desk.send().accepted == 1


def test_a_row_that_turns_bad_after_it_was_sent_is_told_as_outdated_at_the_platform(desk: Desk) -> None:
    desk.take_in(prescription(1))
    desk.send()
    desk.take_in(prescription(1, cursor=2, rx_time=None))
    (found,) = desk.store.standings([ROUTE])
    assert (found.read, found.outdated, found.balanced) == (1, 1, True)


def test_rows_excluded_or_not_ready_are_counted_and_never_sent(desk: Desk) -> None:
    tally = desk.take_in(
        prescription(1, row_state=RowState.EXCLUDED, row_reason="已删除"),
        prescription(2, row_state=RowState.NOT_READY, row_reason="尚未结束"),
        prescription(3, row_state=RowState.VOID, row_reason="已取消"),
    )
    assert tally == Tally(read=3, excluded=2, not_ready=1)
    assert desk.send().accepted == 0
    assert desk.states() == {}


def test_an_unfinished_row_is_sent_once_it_is_finished(desk: Desk) -> None:
    desk.take_in(prescription(1, row_state=RowState.NOT_READY, row_reason="尚未结束"))
    assert desk.take_in(prescription(1, cursor=2)).queued == 1
    assert desk.states() == {State.QUEUED: 1}


def test_two_rows_with_one_business_key_are_not_both_sent(desk: Desk) -> None:
    twin = prescription(2, rx_id="RX00001")
    assert desk.take_in(prescription(1), twin) == Tally(read=2, quarantined=1, queued=1)
    (told,) = desk.store.grievances()
    assert (told.example, told.rival) == ("id=2", "来源 his 的 id=1")


def test_a_fault_of_the_mapping_is_told_once_not_also_as_missing(desk: Desk) -> None:
    fault = Violation("rx_time", "unreadable", "开方时间（rx_time）无法识别")
    desk.take_in(prescription(1, rx_time=None, row_faults=(fault,)))
    assert [each.reason for each in desk.store.grievances()] == ["开方时间（rx_time）无法识别"]


def test_a_platform_that_is_away_keeps_everything_queued_and_later_gets_it_once(desk: Desk) -> None:
    desk.take_in(*(prescription(number) for number in range(1, 6)))
    desk.platform.answer = lambda turn, bodies: NotDeliveredError("连不上")
    assert desk.send().states == {State.QUEUED: 5}
    assert desk.send().states == {}, "nothing is due before the backoff is over"
    desk.clock.move(10)
    desk.platform.answer = None
    assert desk.send().accepted == 5


def test_a_lost_answer_is_unknown_and_is_resent_only_after_the_grace(desk: Desk) -> None:
    desk.take_in(prescription(1))

    def lose(turn: int, bodies: Any) -> Exception | None:
        if turn > 1:
            return None
        desk.platform._hold(orjson.loads(bodies[0]), bodies[0])  # applied, and then the answer is lost
        return OutcomeUnknownError("没有应答")

    desk.platform.answer = lose
    desk.send()
    assert desk.states() == {State.UNKNOWN: 1}
    desk.send()
    assert len(desk.platform.requests) == 1
    desk.clock.move(GRACE.total_seconds() + 1)
    desk.send()
    assert desk.states() == {State.ACCEPTED: 1}
    assert len(desk.platform.held) == 1


def test_a_newer_version_waits_while_the_older_ones_outcome_is_unknown(desk: Desk) -> None:
    desk.take_in(prescription(1))
    desk.platform.answer = lambda turn, bodies: OutcomeUnknownError("没有应答") if turn == 1 else None
    desk.send()
    desk.take_in(prescription(1, cursor=2, cnt=Decimal(9)))
    desk.send()
    assert len(desk.platform.requests) == 1
    assert desk.states() == {State.HELD: 1}
    desk.clock.move(GRACE.total_seconds() + 1)
    desk.send()
    assert [version for _, version in desk.platform.held] == [2], "the older one need not be sent again"
    assert desk.states() == {State.ACCEPTED: 1}


def test_a_newer_version_goes_at_once_when_the_older_one_is_answered(desk: Desk) -> None:
    desk.take_in(prescription(1))

    def edit_meanwhile(turn: int, bodies: Any) -> None:
        if turn == 1:
            desk.take_in(prescription(1, cursor=2, cnt=Decimal(9)))
            assert desk.states() == {State.HELD: 1}

    desk.platform.answer = edit_meanwhile
    desk.send()
    assert [version for _, version in desk.platform.held] == [1, 2]


def test_a_record_the_answer_does_not_mention_is_unknown_not_accepted(desk: Desk) -> None:
    desk.take_in(prescription(1), prescription(2))
    desk.platform.answer = lambda turn, bodies: [Result("RX00001|1", 1, Status.ACCEPTED)]
    desk.send()
    assert desk.states() == {State.ACCEPTED: 1, State.UNKNOWN: 1}


def test_a_refused_batch_is_split_until_only_the_bad_record_is_rejected(desk: Desk) -> None:
    desk.take_in(*(prescription(number) for number in range(1, 9)), page_size=100)

    def refuse(turn: int, bodies: Any) -> Exception | None:
        return RefusedError("其中一条无法处理") if any(b'"RX00005|1"' in body for body in bodies) else None

    desk.platform.answer = refuse
    desk.send()
    desk.clock.now += LONGEST_WAIT  # alone it is refused once more: others got through meanwhile
    desk.send()
    assert desk.states() == {State.ACCEPTED: 7, State.REJECTED: 1}
    assert [example.example for example in desk.store.grievances()] == ["RX00005|1"]


def test_a_platform_that_refuses_everything_for_days_gets_no_record_rejected(desk: Desk) -> None:
    desk.take_in(*(prescription(number) for number in range(1, 9)), page_size=100)
    desk.platform.answer = lambda turn, bodies: RefusedError("系统维护中")
    for _ in range(300):
        desk.send()
        desk.clock.now += LONGEST_WAIT
    assert desk.states() == {State.QUEUED: 8}
    desk.platform.answer = lambda turn, bodies: None
    desk.send()
    assert desk.states() == {State.ACCEPTED: 8}


def test_a_refused_key_of_the_institution_rejects_no_record(desk: Desk) -> None:
    desk.take_in(prescription(1))
    desk.platform.answer = lambda turn, bodies: NotAdmittedError("密钥不对")
    desk.send()
    assert desk.states() == {State.QUEUED: 1}
    assert desk.store.queue("bureau").causes == {"密钥不对": 1}


def test_a_rejected_record_shows_the_platforms_reason_and_is_sent_again_when_it_changes(desk: Desk) -> None:
    desk.take_in(prescription(1))
    reason = Violation("cnt", "stock", "数量（cnt）超过库存")
    desk.platform.answer = lambda turn, bodies: [Result("RX00001|1", 1, Status.REJECTED, (reason,))] if turn == 1 else None
    desk.send()
    assert [told.reason for told in desk.store.grievances()] == ["数量（cnt）超过库存"]
    assert desk.take_in(prescription(1), from_start=True).unchanged == 1
    assert desk.take_in(prescription(1, cursor=2, cnt=Decimal(1))).queued == 1
    assert desk.send().accepted == 1


def test_the_most_urgent_record_goes_first(desk: Desk) -> None:
    late = prescription(1, rx_time=START - timedelta(days=3))
    desk.take_in(*(prescription(number) for number in range(2, 130)), prescription(130, cursor=130), page_size=500)
    desk.take_in(prescription(1, cursor=131, rx_time=late.values["rx_time"]))
    desk.send()
    assert desk.platform.requests[0][0] == "RX00001|1"


def test_a_batch_holds_no_more_than_the_data_set_allows_and_message_ids_never_repeat(desk: Desk, edition: Edition) -> None:
    desk.take_in(*(prescription(number) for number in range(1, 351)), page_size=400)
    desk.send()
    limit = edition.datasets["RX01"].batch
    assert max(map(len, desk.platform.requests)) == limit
    assert len(set(desk.platform.msgids)) == len(desk.platform.msgids) >= 350 // limit
    assert all(len(msgid) == 30 and msgid.startswith(INSTITUTION) for msgid in desk.platform.msgids)


def test_a_crash_while_leased_costs_nothing_and_a_crash_while_sending_is_unknown(desk: Desk) -> None:
    desk.take_in(prescription(1), prescription(2))
    leased = desk.store.lease("bureau", desk.clock(), desk.clock() + LEASE)
    assert leased is not None
    desk.clock.move(LEASE.total_seconds() + 1)
    desk.send()
    assert desk.states() == {State.ACCEPTED: 2}
    assert desk.store.mark_sending(leased, desk.clock()) is None, "a lost lease must not send"

    desk.take_in(prescription(3))
    sending = desk.store.lease("bureau", desk.clock(), desk.clock() + LEASE)
    assert sending is not None
    assert desk.store.mark_sending(sending, desk.clock())
    desk.clock.move(LEASE.total_seconds() + 1)
    desk.send()
    assert desk.states() == {State.ACCEPTED: 2, State.UNKNOWN: 1}


def test_a_worker_that_lost_its_lease_cannot_finish_anothers_work(desk: Desk) -> None:
    from gateway.outbox import Answered, next_step

    desk.take_in(prescription(1))
    slow = desk.store.lease("bureau", desk.clock(), desk.clock() + LEASE)
    assert slow is not None
    assert desk.store.mark_sending(slow, desk.clock())
    desk.clock.move(LEASE.total_seconds() + 1)
    desk.send()  # unknown
    desk.clock.move(GRACE.total_seconds() + 1)
    rejected = Answered(Result("RX00001|1", 1, Status.REJECTED))
    desk.send()
    desk.store.apply([next_step(slow.items[0], rejected, desk.clock())], desk.clock())
    assert desk.states() == {State.ACCEPTED: 1}


def test_the_same_page_taken_in_again_after_a_crash_changes_nothing(desk: Desk) -> None:
    rows = [prescription(number) for number in range(1, 4)]
    desk.take_in(*rows)
    assert desk.take_in(*rows, from_start=True) == Tally(read=3, unchanged=3)
    assert desk.states() == {State.QUEUED: 3}


def test_a_store_that_cannot_be_written_stops_the_line_and_leaves_the_cursor(
    tmp_path: Path, edition: Edition, clock: Clock
) -> None:
    path = tmp_path / "gateway.db"
    store = open_store(f"sqlite:///{path}", edition, START)
    desk = Desk(store, edition, clock)
    desk.take_in(prescription(1))
    other = open_store(f"sqlite:///{path}", edition, START)
    with other._engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER full BEFORE INSERT ON parcel BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
        )
    with pytest.raises(StoreError, match="磁盘已满"):
        desk.take_in(prescription(1), prescription(2))
    assert store.cursor("his", "RX01", "profile") == Cursor(None, 1)
    store.close()
    other.close()


def test_a_change_time_in_the_future_does_not_hide_what_comes_after_it(desk: Desk) -> None:
    desk.take_in(prescription(1))
    slip = prescription(2, cursor=99)
    slip = replace(slip, cursor=Cursor(datetime(2126, 1, 1), 99))  # noqa: DTZ001  as a site writes it
    desk.take_in(prescription(1), slip)
    cursor = desk.store.cursor("his", "RX01", "profile")
    assert cursor is not None
    assert cursor.key == 1
    desk.send()
    assert len(desk.platform.held) == 2


def test_asked_to_stop_it_keeps_what_it_read_and_goes_on_there(desk: Desk) -> None:
    rows = Rows([prescription(number) for number in range(1, 11)])
    answers = iter([False, False, True])
    judge = Judge(desk.edition, "RX01", desk.store.rid)
    stopping = Manner(stop=lambda: next(answers))
    with pytest.raises(StoppedError, match="接着读"):
        accept(rows, judge, desk.store, targets=("bureau",), clock=desk.clock, page_size=3, manner=stopping)
    assert desk.states() == {State.QUEUED: 6}
    assert accept(rows, judge, desk.store, targets=("bureau",), clock=desk.clock, page_size=3) == Tally(read=4, queued=4)
