"""A person sends once more what was rejected, and ends a wait: on three databases, and as typed."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from support.delivery import INSTITUTION, Clock, Platform, Rows, prescription

from gateway.errors import NotAdmittedError
from gateway.intake import accept
from gateway.judging import Judge
from gateway.outbox import ADMISSION_WAIT, State
from gateway.standing import Route, Sieve
from gateway.store import Store
from gateway.uploading import Delivery, upload
from schemas.envelope import Result, Status
from schemas.model import Edition, Violation

_UNREGISTERED = Violation("dr_code", "register", "开单医师（dr_code）未登记")


class Desk:
    """A store, and a platform that has not registered the doctor yet."""

    def __init__(self, store: Store, edition: Edition, clock: Clock) -> None:
        self.store, self.edition, self.clock, self.platform = store, edition, clock, Platform()
        self.platform.answer = self.reject
        self.take_in(*(prescription(number) for number in range(1, 5)))

    def reject(self, turn: int, bodies: Any) -> list[Result]:
        return [Result(f"RX{number:05d}|1", 1, Status.REJECTED, (_UNREGISTERED,)) for number in range(1, 5)]

    def take_in(self, *rows: Any) -> None:
        judge = Judge(self.edition, "RX01", self.store.rid)
        accept(Rows(list(rows)), judge, self.store, targets=("bureau",), clock=self.clock, from_start=True)

    def send(self) -> Delivery:
        return upload(self.store, self.platform, "bureau", clock=self.clock, lease=timedelta(seconds=120))

    def states(self) -> dict[State, int]:
        (found,) = self.store.standings([Route("his", "RX01", "bureau")])
        assert found.balanced
        return dict(found.states)


@pytest.fixture
def desk(store: Store, edition: Edition, clock: Clock) -> Desk:
    return Desk(store, edition, clock)


def test_what_was_rejected_goes_out_once_more_with_the_same_version(desk: Desk) -> None:
    desk.send()
    assert desk.states() == {State.REJECTED: 4}
    desk.platform.answer = lambda turn, bodies: None
    assert desk.send().states == {}
    assert desk.store.requeue(Sieve("bureau", reason="未登记"), desk.clock()) == 4
    assert desk.send().accepted == 4
    assert {version for _, version in desk.platform.held} == {1}
    assert desk.store.grievances() == []


@pytest.mark.parametrize(
    ("sieve", "count"),
    [
        (Sieve("bureau"), 4),
        (Sieve("bureau", key="RX00002|1"), 1),
        (Sieve("bureau", institution=INSTITUTION, dataset="RX01"), 4),
        (Sieve("bureau", dataset="HD03"), 0),
        (Sieve("bureau", institution="H99000199999"), 0),
        (Sieve("bureau", reason="未登_"), 0),
        (Sieve("elsewhere"), 0),
    ],
)
def test_only_what_is_meant_is_queued(desk: Desk, sieve: Sieve, count: int) -> None:
    desk.send()
    assert desk.store.requeue(sieve, desk.clock()) == count
    assert desk.states().get(State.QUEUED, 0) == count


def test_an_older_version_of_what_was_reported_anew_stays_where_it_is(desk: Desk) -> None:
    desk.send()
    desk.platform.answer = lambda turn, bodies: None
    desk.take_in(*(prescription(number, cnt=Decimal(9)) for number in range(1, 5)))
    desk.send()
    assert desk.store.requeue(Sieve("bureau"), desk.clock()) == 0


def test_after_a_mended_key_nothing_waits_for_its_time(desk: Desk) -> None:
    desk.platform.answer = lambda turn, bodies: NotAdmittedError("密钥不对")
    for _ in range(3):
        desk.clock.move(61)
        desk.send()
    assert desk.store.tripped("bureau")
    assert desk.store.queue("bureau").again == {"密钥不对": desk.clock.now + ADMISSION_WAIT}
    desk.platform.answer = lambda turn, bodies: None
    assert desk.send().accepted == 0
    assert desk.store.resume("bureau") == 4
    assert desk.store.tripped("bureau") == []
    assert desk.store.queue("bureau").again == {"密钥不对": None}
    assert desk.send().accepted == 4
