"""What is withdrawn at the site is withdrawn at the platform: once, only where it may be held, and never by mistake."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest
from support.brakes import release
from support.delivery import Clock, Platform, Rows, prescription

from gateway.errors import NotDeliveredError, OutcomeUnknownError
from gateway.intake import accept
from gateway.judging import Judge
from gateway.model import BrakeKind, RowState, SourceRow, Tally
from gateway.outbox import GRACE, State
from gateway.restraint import WINDOW
from gateway.standing import Route, Standing
from gateway.store import Store
from gateway.uploading import upload
from gateway.voiding import Guards
from schemas.envelope import Result, Status
from schemas.model import Edition, Violation
from schemas.record import content_hash

BUREAU, PROVINCE = "bureau", "province"
LEASE = timedelta(seconds=120)


class Desk:
    """Taking in and sending, to one target or to two."""

    def __init__(self, store: Store, edition: Edition, clock: Clock, targets: tuple[str, ...] = (BUREAU,)) -> None:
        self.store, self.edition, self.clock, self.targets = store, edition, clock, targets
        self.platforms = {target: Platform() for target in targets}

    def take_in(self, *rows: SourceRow) -> Tally:
        judge = Judge(self.edition, "RX01", self.store.rid)
        source = Rows(list(rows))
        return accept(source, judge, self.store, targets=self.targets, clock=self.clock, from_start=True)

    def send(self, target: str = BUREAU) -> None:
        upload(self.store, self.platforms[target], target, clock=self.clock, lease=LEASE)

    def standing(self, target: str = BUREAU) -> Standing:
        (found,) = self.store.standings([Route("his", "RX01", target)])
        assert found.balanced
        return found

    def held(self, target: str = BUREAU) -> dict[int, dict[str, Any]]:
        """Version -> record, of the one key that these tests use."""
        return {version: orjson.loads(body) for (_, version), body in self.platforms[target].held.items()}


@pytest.fixture
def desk(store: Store, edition: Edition, clock: Clock) -> Desk:
    return Desk(store, edition, clock)


def void(number: int = 1, **changes: Any) -> SourceRow:
    return prescription(number, row_state=RowState.VOID, row_reason="已作废", **changes)


def test_a_row_void_at_the_site_is_withdrawn_by_the_next_version_with_what_was_sent_last(desk: Desk, edition: Edition) -> None:
    desk.take_in(prescription(1))
    desk.send()
    assert desk.take_in(void(med_list_name="改过的名字")) == Tally(read=1, voided=1)
    desk.send()
    held = desk.held()
    assert [held[version]["vali_flag"] for version in (1, 2)] == ["1", "0"]
    assert held[2]["med_list_name"] == held[1]["med_list_name"]
    assert held[2]["content_hash"] == content_hash(edition.datasets["RX01"], held[2])
    assert desk.standing().voided == 1


def test_a_withdrawal_is_sent_once_however_often_the_row_is_read(desk: Desk) -> None:
    desk.take_in(prescription(1))
    desk.send()
    desk.take_in(void())
    desk.send()
    assert desk.take_in(void()) == Tally(read=1, unchanged=1)
    desk.send()
    assert sorted(desk.held()) == [1, 2]


def test_a_row_withdrawn_before_it_was_sent_is_cancelled_and_never_travels(desk: Desk) -> None:
    desk.take_in(prescription(1))
    desk.take_in(void())
    desk.send()
    assert desk.held() == {}
    assert desk.standing().states == {State.CANCELLED: 1}


def rejecting(_: int, bodies: Sequence[bytes]) -> Sequence[Result]:
    reason = (Violation("cnt", "rule", "平台不收"),)
    records = [orjson.loads(body) for body in bodies]
    return [Result(each["key"], int(each["version"]), Status.REJECTED, reason) for each in records]


def test_a_withdrawal_of_what_was_never_accepted_is_owed_to_nobody_and_leaves_no_work(desk: Desk) -> None:
    desk.platforms[BUREAU].answer = rejecting
    desk.take_in(prescription(1))
    desk.send()
    assert desk.store.grievances()
    desk.take_in(void())
    desk.platforms[BUREAU].answer = None
    desk.send()
    assert desk.held() == {}
    assert desk.standing().states == {State.CANCELLED: 1}
    assert desk.store.grievances() == []


def test_a_row_void_from_the_start_is_set_aside_and_owed_to_nobody(desk: Desk) -> None:
    assert desk.take_in(void()) == Tally(read=1, excluded=1)
    desk.send()
    assert desk.held() == {}


def test_a_row_that_comes_back_is_the_next_version_and_live(desk: Desk) -> None:
    for row in (prescription(1), void(), prescription(1)):
        desk.take_in(row)
        desk.send()
    assert [record["vali_flag"] for _, record in sorted(desk.held().items())] == ["1", "0", "1"]
    assert desk.standing().voided == 0


def test_a_row_that_comes_back_after_a_cancelled_start_is_sent(desk: Desk) -> None:
    for row in (prescription(1), void(), prescription(1)):
        desk.take_in(row)
    desk.send()
    assert [record["vali_flag"] for record in desk.held().values()] == ["1"]
    assert desk.standing().states == {State.ACCEPTED: 1}


def test_an_edit_that_still_waits_is_overtaken_by_the_withdrawal(desk: Desk) -> None:
    desk.take_in(prescription(1))
    desk.send()
    desk.take_in(prescription(1, cnt=Decimal(9)))
    desk.take_in(void())
    desk.send()
    held = desk.held()
    assert sorted(held) == [1, 3]
    assert held[3]["vali_flag"] == "0"


def unanswered(_: int, bodies: Sequence[bytes]) -> Exception:
    return OutcomeUnknownError("没有应答")


def test_a_withdrawal_waits_for_the_outcome_of_the_version_under_way(desk: Desk) -> None:
    platform = desk.platforms[BUREAU]
    platform.answer = unanswered
    desk.take_in(prescription(1))
    desk.send()
    desk.take_in(void())
    assert desk.standing().states == {State.HELD: 1}
    platform.answer = None
    desk.clock.move(GRACE.total_seconds() + 1)
    desk.send()
    assert {version: record["vali_flag"] for version, record in desk.held().items()}.get(2, "0") == "0"
    assert desk.standing().unsettled == 0


def refused_then(platform: Platform, last: Callable[..., Any]) -> Callable[..., Any]:
    def answer(number: int, bodies: Sequence[bytes]) -> Any:
        platform.answer = None
        return last(number, bodies)

    return answer


def test_a_withdrawal_behind_a_version_that_is_rejected_is_not_sent(desk: Desk) -> None:
    platform = desk.platforms[BUREAU]

    def void_meanwhile(number: int, bodies: Sequence[bytes]) -> Sequence[Result]:
        platform.answer = None
        desk.take_in(void())
        return rejecting(number, bodies)

    platform.answer = void_meanwhile
    desk.take_in(prescription(1))
    desk.send()
    desk.send()
    assert desk.held() == {}
    assert desk.standing().states == {State.CANCELLED: 1}


def test_only_the_target_that_holds_the_key_is_told(store: Store, edition: Edition, clock: Clock) -> None:
    desk = Desk(store, edition, clock, (BUREAU, PROVINCE))
    desk.take_in(prescription(1))
    desk.send(BUREAU)
    desk.take_in(void())
    for target in desk.targets:
        desk.send(target)
    assert sorted(desk.held(BUREAU)) == [1, 2]
    assert desk.held(PROVINCE) == {}
    assert desk.standing(PROVINCE).states == {State.CANCELLED: 1}


def test_another_row_may_take_over_the_key_of_a_withdrawn_one(desk: Desk) -> None:
    desk.take_in(prescription(1))
    desk.send()
    successor = prescription(1, row_ref="id=77", cnt=Decimal(4))
    assert desk.take_in(successor, void()) == Tally(read=2, queued=1, voided=1)
    desk.send()
    newest = desk.held()[max(desk.held())]
    assert (newest["vali_flag"], newest["cnt"]) == ("1", "4")
    assert desk.take_in(successor, void()) == Tally(read=2, unchanged=1, excluded=1)


def test_a_withdrawal_that_could_not_be_delivered_is_tried_again(desk: Desk) -> None:
    desk.take_in(prescription(1))
    desk.send()
    desk.take_in(void())
    platform = desk.platforms[BUREAU]
    platform.answer = refused_then(platform, lambda *_: NotDeliveredError("连接不上"))
    desk.send()
    desk.clock.move(600)
    desk.send()
    assert desk.held()[2]["vali_flag"] == "0"


MANY = 2 * Guards().rows


def marked(count: int, of: int = MANY) -> list[SourceRow]:
    return [void(number) if number <= count else prescription(number) for number in range(1, of + 1)]


def test_marks_in_a_mass_wait_for_a_person_and_then_exactly_they_are_withdrawn(desk: Desk) -> None:
    desk.take_in(*marked(0))
    desk.send()
    slip = desk.take_in(*marked(MANY - 5))
    assert (slip.voided, slip.quarantined, slip.unchanged) == (0, MANY - 5, 5)
    (brake,) = desk.store.brakes()
    assert (brake.kind, f"标了 {MANY - 5} 行作废" in brake.sentence) == (BrakeKind.MARKED, True)
    desk.send()
    assert desk.standing().outdated == MANY - 5
    assert desk.standing().voided == 0

    assert desk.take_in(*marked(MANY - 4)).voided == 0, "while it is on, nothing more is withdrawn"
    assert release(desk.store, "RX01") == [BrakeKind.MARKED]
    assert desk.take_in(*marked(MANY - 3)).voided == MANY - 3
    desk.send()
    assert desk.standing().voided == MANY - 3
    assert desk.store.brakes() == []
    assert desk.store.grievances() == []


def test_marks_in_a_mass_are_counted_over_the_pages_of_one_look(store: Store, edition: Edition, clock: Clock) -> None:
    desk = Desk(store, edition, clock)
    judge = Judge(edition, "RX01", store.rid)
    for rows in (marked(0), marked(MANY)):
        found = accept(Rows(rows), judge, store, targets=(BUREAU,), clock=clock, from_start=True, page_size=7)
    assert found.voided <= Guards().rows
    assert found.quarantined >= MANY - Guards().rows
    assert desk.store.brakes()


def test_a_mistake_that_was_undone_withdraws_nothing(desk: Desk) -> None:
    desk.take_in(*marked(0))
    desk.send()
    desk.take_in(*marked(MANY))
    assert desk.take_in(*marked(0)) == Tally(read=MANY, unchanged=MANY)
    release(desk.store, "RX01")
    desk.take_in(*marked(0))
    desk.send()
    assert (desk.standing().voided, desk.standing().outdated) == (0, 0)


def test_a_days_cancellations_are_no_mass(desk: Desk) -> None:
    few = Guards().rows
    desk.take_in(*marked(0))
    desk.send()
    assert desk.take_in(*marked(few)).voided == few
    desk.clock.now += WINDOW + timedelta(seconds=1)
    assert desk.take_in(*marked(2 * few)).voided == few
    assert desk.store.brakes() == []


def test_marks_that_come_one_by_one_in_a_rush_are_a_mass_too(desk: Desk) -> None:
    desk.take_in(*marked(0))
    desk.send()
    voided = 0
    for number in range(1, MANY + 1):
        desk.clock.move(1)
        voided += desk.take_in(void(number)).voided
    assert voided == Guards().rows
    assert [brake.kind for brake in desk.store.brakes()] == [BrakeKind.MARKED]
