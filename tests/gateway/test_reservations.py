"""Who settles what was left unknown: one worker at a time, and before a long run is over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from support.databases import KEY, KINDS, database
from support.delivery import START, Clock, Platform, Rows, prescription

from gateway.errors import OutcomeUnknownError
from gateway.intake import accept
from gateway.judging import Judge
from gateway.outbox import GRACE, Held, State, next_step
from gateway.standing import Route
from gateway.store import Store, open_store
from gateway.uploading import upload
from schemas.envelope import Result
from schemas.holdings import Answer, Question
from schemas.model import Edition, Replay

LEASE = timedelta(seconds=120)


def nothing() -> None:
    """Nothing comes between."""


@dataclass
class Books(Platform):
    """Books every record that arrives once more, and takes back one booking at a time. The first reply is lost."""

    booked: Counter[str] = field(default_factory=Counter)
    lost: int = 1
    between: Callable[[], object] = nothing  #: what happens while a record is being taken back

    def deliver(self, institution: str, dataset: str, msgid: str, bodies: Sequence[bytes]) -> Sequence[Result]:
        self.booked.update(orjson.loads(body)["key"] for body in bodies)
        results = super().deliver(institution, dataset, msgid, bodies)
        if self.lost:
            self.lost -= 1
            raise OutcomeUnknownError("没有应答")
        return results

    def withdraws(self, dataset: str) -> bool:
        return True

    def withdraw(self, institution: str, dataset: str, body: bytes) -> None:
        between, self.between = self.between, nothing
        between()
        self.booked[orjson.loads(body)["key"]] -= 1


def of_replay(edition: Edition, replay: Replay, batch: int = 100) -> Edition:
    changed = replace(edition.datasets["RX01"], replay=replay, batch=batch)
    return replace(edition, datasets={**edition.datasets, "RX01": changed})


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path, edition: Edition) -> Iterator[Store]:
    """One whose prescriptions are taken back before they are sent again, ten a batch."""
    with database(request.param, tmp_path) as url:
        opened = open_store(url, of_replay(edition, Replay.DELETE_AND_RESEND, batch=10), START, KEY)
        yield opened
        opened.close()


def take_in(store: Store, edition: Edition, clock: Clock, rows: int) -> None:
    source = Rows([prescription(number) for number in range(1, rows + 1)])
    accept(source, Judge(edition, "RX01", store.rid), store, targets=("bureau",), clock=clock)


def send(store: Store, platform: Platform, clock: Clock) -> None:
    upload(store, platform, "bureau", clock=clock, lease=LEASE)


def states(store: Store) -> dict[State, int]:
    (found,) = store.standings([Route("his", "RX01", "bureau")])
    return dict(found.states)


def test_the_slower_of_two_senders_takes_nothing_back_that_the_faster_has_sent_again(
    store: Store, edition: Edition, clock: Clock
) -> None:
    take_in(store, edition, clock, 5)
    platform = Books()
    send(store, platform, clock)
    clock.move(GRACE.total_seconds())
    platform.between = lambda: send(store, platform, clock)
    send(store, platform, clock)
    assert states(store) == {State.ACCEPTED: 5}
    assert set(platform.booked.values()) == {1}


def test_what_a_dead_worker_reserved_is_looked_into_once_that_has_run_out(store: Store, edition: Edition, clock: Clock) -> None:
    take_in(store, edition, clock, 1)
    platform = Books()
    send(store, platform, clock)
    clock.move(GRACE.total_seconds())
    doubts = store.doubts("bureau", State.UNKNOWN, clock(), 0)
    assert len(store.reserve(doubts, clock(), clock() + LEASE)) == 1
    assert store.reserve(doubts, clock(), clock() + LEASE) == []
    send(store, platform, clock)
    assert states(store) == {State.UNKNOWN: 1}
    clock.move(LEASE.total_seconds() + 1)
    send(store, platform, clock)
    assert states(store) == {State.ACCEPTED: 1}


def test_what_was_decided_under_a_reservation_that_ran_out_is_not_written(store: Store, edition: Edition, clock: Clock) -> None:
    take_in(store, edition, clock, 1)
    send(store, Books(), clock)
    clock.move(GRACE.total_seconds())
    doubts = store.doubts("bureau", State.UNKNOWN, clock(), 0)
    (slow,) = store.reserve(doubts, clock(), clock() + LEASE)
    clock.move(LEASE.total_seconds() + 1)
    assert store.reserve(doubts, clock(), clock() + LEASE)
    store.apply([next_step(slow.item, Held(), clock())], clock())
    assert states(store) == {State.UNKNOWN: 1}


@dataclass
class Slow(Platform):
    """Takes a minute a batch and loses its first reply."""

    clock: Clock = field(default_factory=Clock)
    answers_queries: bool = True
    sent_before_asking: list[int] = field(default_factory=list)

    def deliver(self, institution: str, dataset: str, msgid: str, bodies: Sequence[bytes]) -> Sequence[Result]:
        self.clock.move(60)
        results = super().deliver(institution, dataset, msgid, bodies)
        if len(self.requests) == 1:
            raise OutcomeUnknownError("没有应答")
        return results

    def holdings(self, institution: str, question: Question) -> Answer:
        self.sent_before_asking.append(len(self.requests))
        return super().holdings(institution, question)


def test_a_lost_answer_does_not_wait_for_the_end_of_a_long_run(store: Store, edition: Edition, clock: Clock) -> None:
    take_in(store, edition, clock, 100)
    platform = Slow(clock=clock)
    send(store, platform, clock)
    assert platform.sent_before_asking[0] <= 3
    assert states(store) == {State.ACCEPTED: 100}


def test_a_lease_begins_anew_when_the_bytes_leave(store: Store, edition: Edition, clock: Clock) -> None:
    take_in(store, edition, clock, 1)
    batch = store.lease("bureau", clock(), clock() + LEASE)
    assert batch is not None
    clock.move(LEASE.total_seconds() - 1)
    assert store.mark_sending(batch, clock())
    clock.move(LEASE.total_seconds() - 1)
    assert store.recover("bureau", clock()) == []
    clock.move(2)
    assert [item.state for item in store.recover("bureau", clock())] == [State.SENDING]


def test_a_lease_that_ran_out_sends_nothing_even_if_nobody_has_taken_it(store: Store, edition: Edition, clock: Clock) -> None:
    take_in(store, edition, clock, 1)
    batch = store.lease("bureau", clock(), clock() + LEASE)
    assert batch is not None
    clock.move(LEASE.total_seconds() + 1)
    assert store.mark_sending(batch, clock()) is None
    send(store, Books(lost=0), clock)
    assert states(store) == {State.ACCEPTED: 1}
