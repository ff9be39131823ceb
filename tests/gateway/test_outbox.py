"""The state machine as a table: every row of DESIGN.md §4, and every pair that must not happen."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from gateway.outbox import (
    GRACE,
    LONGEST_WAIT,
    Answered,
    CredentialRefused,
    GraceOver,
    Item,
    LeaseExpired,
    NotDelivered,
    RefusedWhole,
    State,
    Unanswered,
    backoff,
    next_step,
)
from schemas.envelope import Result, Status
from schemas.model import Replay, Violation
from schemas.wire import SHANGHAI

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=SHANGHAI)
REASON = Violation("rx_time", "required", "开方时间（rx_time）必填，当前为空")


def item(state: State, *, attempts: int = 0, replay: Replay = Replay.RESEND, batch_cap: int = 0) -> Item:
    return Item(7, "RX1|1", 1, state, attempts, replay, batch_cap, "token")


def answer(status: Status, **details: object) -> Answered:
    return Answered(Result("RX1|1", 1, status, **details))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "outcome", "after"),
    [
        (State.SENDING, answer(Status.ACCEPTED), State.ACCEPTED),
        (State.SENDING, answer(Status.DUPLICATE), State.ACCEPTED),
        (State.SENDING, answer(Status.REJECTED, reasons=(REASON,)), State.REJECTED),
        (State.SENDING, answer(Status.CONFLICT, held_version=4), State.REJECTED),
        (State.SENDING, NotDelivered("连不上"), State.QUEUED),
        (State.SENDING, CredentialRefused("密钥不对"), State.QUEUED),
        (State.SENDING, Unanswered("超时"), State.UNKNOWN),
        (State.SENDING, LeaseExpired(), State.UNKNOWN),
        (State.LEASED, LeaseExpired(), State.QUEUED),
        (State.UNKNOWN, GraceOver(), State.QUEUED),
    ],
)
def test_each_outcome_leads_to_its_state(before: State, outcome: object, after: State) -> None:
    assert next_step(item(before), outcome, NOW).state is after  # type: ignore[arg-type]


@pytest.mark.parametrize("state", [State.QUEUED, State.ACCEPTED, State.REJECTED, State.SUPERSEDED, State.CANCELLED, State.HELD])
def test_nothing_befalls_an_item_that_is_not_under_way(state: State) -> None:
    for outcome in (answer(Status.ACCEPTED), NotDelivered(""), Unanswered(""), LeaseExpired(), GraceOver()):
        with pytest.raises(ValueError, match="cannot befall"):
            next_step(item(state), outcome, NOW)


def test_an_answer_cannot_befall_an_item_whose_bytes_never_left() -> None:
    with pytest.raises(ValueError, match="cannot befall"):
        next_step(item(State.LEASED), answer(Status.ACCEPTED), NOW)


@pytest.mark.parametrize("replay", [Replay.QUERY, Replay.DELETE_AND_RESEND, Replay.PERSON])
def test_an_unknown_outcome_is_never_resent_unless_the_transaction_is_idempotent(replay: Replay) -> None:
    step = next_step(item(State.UNKNOWN, replay=replay), GraceOver(), NOW)
    assert (step.state, step.next_at) == (State.UNKNOWN, None)
    assert "核实" in step.cause


def test_an_unknown_outcome_rests_for_the_grace_period_before_anything_is_done() -> None:
    assert next_step(item(State.SENDING), Unanswered("超时"), NOW).next_at == NOW + GRACE


def test_a_rejected_record_keeps_every_reason() -> None:
    other = Violation("cnt", "precision", "数量（cnt）超出精度")
    assert next_step(item(State.SENDING), answer(Status.REJECTED, reasons=(REASON, other)), NOW).reasons == (REASON, other)


def test_a_refused_batch_is_halved_until_the_bad_record_is_alone() -> None:
    caps = []
    size = 100
    while True:
        step = next_step(item(State.SENDING), RefusedWhole("有一条读不懂", size), NOW)
        if step.state is State.REJECTED:
            break
        caps.append(step.batch_cap)
        size = step.batch_cap
    assert caps == [50, 25, 12, 6, 3, 1]
    assert step.reasons[0].message == "有一条读不懂"


def test_a_refused_credential_rejects_no_record() -> None:
    step = next_step(item(State.SENDING), CredentialRefused("密钥不对"), NOW)
    assert step.state is State.QUEUED
    assert step.next_at is not None
    assert step.next_at > NOW


def test_waiting_grows_and_is_capped() -> None:
    waits = [backoff(attempts) for attempts in range(12)]
    assert waits[:3] == [timedelta(seconds=5), timedelta(seconds=10), timedelta(seconds=20)]
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_WAIT


def test_a_platform_that_names_a_wait_is_given_it() -> None:
    step = next_step(item(State.SENDING), NotDelivered("正忙", retry_after=120), NOW)
    assert step.next_at == NOW + timedelta(seconds=120)
