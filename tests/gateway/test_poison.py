"""A record that the platform breaks on: it answers HTTP 500, resets the connection, or says nothing, for it and all beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import orjson
import pytest
from support.delivery import INSTITUTION, START, Clock, Platform
from support.queued import fill

from gateway.errors import NotDeliveredError, OutcomeUnknownError
from gateway.outbox import GRACE, LONGEST_WAIT, Item, NotHeld, State, Unanswered, Withdrawn, next_step
from gateway.store import Store
from gateway.uploading import upload
from schemas.envelope import Result
from schemas.model import Replay

POISON = "poison"
LEASE = timedelta(seconds=120)
UNKNOWN = Item(7, "RX1|1", 1, State.UNKNOWN, 1, Replay.RESEND, 1)


@dataclass
class Brittle(Platform):
    """Breaks on one record and answers queries."""

    answers_queries: bool = True

    def deliver(self, institution: str, dataset: str, msgid: str, bodies: Sequence[bytes]) -> Sequence[Result]:
        keys = [orjson.loads(body)["key"] for body in bodies]
        self.requests.append(keys)
        if POISON in keys:
            raise OutcomeUnknownError("平台 bureau（HTTP 500）")
        return [self._hold({"content_hash": "", **orjson.loads(body)}, body) for body in bodies]


def send_for(store: Store, platform: Platform, clock: Clock, minutes: int) -> None:
    for _ in range(minutes):
        clock.move(60)
        upload(store, platform, "bureau", clock=clock, lease=LEASE)


def test_it_does_not_keep_those_beside_it(store: Store, clock: Clock) -> None:
    innocent = [f"K{number}" for number in range(29)]
    fill(store, [(INSTITUTION, key) for key in (*innocent[:7], POISON, *innocent[7:])])
    platform = Brittle()
    send_for(store, platform, clock, 30)
    assert {key for key, _ in platform.held} == set(innocent)


def test_alone_it_is_tried_ever_more_rarely_and_the_status_says_how_it_fares(store: Store, clock: Clock) -> None:
    fill(store, [(INSTITUTION, POISON)])
    platform = Brittle()
    send_for(store, platform, clock, 120)
    tried = len(platform.requests)
    send_for(store, platform, clock, 60)
    assert 4 <= len(platform.requests) - tried <= 6
    (cause,) = store.queue("bureau").causes
    assert cause.startswith(f"平台没有应答单独报送的这一条（已试 {len(platform.requests)} 次）")


def test_what_comes_later_is_not_kept_by_a_breaker_that_only_it_tries(store: Store, clock: Clock) -> None:
    """After hours of silence both wait ten minutes: the breaker, and the record that would try it first."""
    fill(store, [(INSTITUTION, POISON)])
    platform = Brittle()
    send_for(store, platform, clock, 240)
    fill(store, [(INSTITUTION, "later")], dataset="HD03")
    with store._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE outbox SET due_at = '2026-12-01T00:00:00.000000Z' WHERE record_key = 'later'")
    send_for(store, platform, clock, 11)
    assert [key for key, _ in platform.held] == ["later"]


def silent(turn: int, bodies: Sequence[bytes]) -> Exception:
    return OutcomeUnknownError("没有应答")


def restarted(turn: int, bodies: Sequence[bytes]) -> Exception:
    return NotDeliveredError("连不上")


@pytest.mark.parametrize("restart", [False, True])
def test_after_a_long_silence_they_travel_together_again(store: Store, clock: Clock, restart: bool) -> None:
    fill(store, [(INSTITUTION, f"K{number}") for number in range(40)])
    platform = Platform(answer=silent, answers_queries=True)
    send_for(store, platform, clock, 12 * 60)
    assert len({len(request) for request in platform.requests}) > 1, "they were halved"
    platform.answer = restarted if restart else None
    send_for(store, platform, clock, 15 if restart else 0)
    platform.answer = None
    platform.requests.clear()
    send_for(store, platform, clock, 12)
    assert len(platform.held) == 40
    assert len(platform.requests) <= 4, [len(request) for request in platform.requests]


def test_what_breaks_the_platform_by_itself_all_night_stays_alone(store: Store, clock: Clock) -> None:
    fill(store, [(INSTITUTION, POISON)])
    platform = Brittle()
    send_for(store, platform, clock, 12 * 60)
    fill(store, [(INSTITUTION, f"K{number}") for number in range(30)])
    platform.requests.clear()
    send_for(store, platform, clock, 60)
    assert len(platform.held) == 30
    assert [request for request in platform.requests if POISON in request and len(request) > 1] == []


def test_no_answer_halves_what_the_records_travel_in_next() -> None:
    sending = replace(UNKNOWN, state=State.SENDING, batch_cap=0, attempts=0)
    steps = [next_step(sending, Unanswered("没有应答", size), START) for size in (100, 3, 2, 1)]
    assert [step.batch_cap for step in steps] == [50, 1, 1, 1]
    assert {step.attempts for step in steps} == {1}


@pytest.mark.parametrize("outcome", [NotHeld(), Withdrawn()])
def test_the_rest_after_silence_counts_towards_the_wait(outcome: NotHeld | Withdrawn) -> None:
    waits: list[datetime | None] = []
    for attempts in (1, 3, 4, 12):
        step = next_step(replace(UNKNOWN, attempts=attempts), outcome, START)
        assert (step.state, step.attempts, step.batch_cap) == (State.QUEUED, attempts, 1)
        waits.append(step.next_at)
    assert waits == [START, START, START + timedelta(seconds=20), START + LONGEST_WAIT - GRACE]
