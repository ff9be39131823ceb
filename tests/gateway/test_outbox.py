"""The state machine as a table: every row of DESIGN.md §4, and every pair that must not happen."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, get_args

import pytest

from gateway.outbox import (
    GRACE,
    LONGEST_WAIT,
    PERSON_WITHIN,
    Answered,
    GraceOver,
    Held,
    HeldOther,
    Item,
    LeaseExpired,
    Lost,
    NotAdmitted,
    NotDelivered,
    NotHeld,
    NotWithdrawn,
    Outcome,
    QueryFailed,
    RefusedWhole,
    Requeued,
    SentBack,
    State,
    Unanswered,
    Verified,
    Withdrawn,
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


#: outcome -> state before -> state after; a pair that is missing must not happen
TABLE: list[tuple[object, dict[State, State]]] = [
    (answer(Status.ACCEPTED), {State.SENDING: State.ACCEPTED}),
    (answer(Status.DUPLICATE), {State.SENDING: State.ACCEPTED}),
    (answer(Status.REJECTED, reasons=(REASON,)), {State.SENDING: State.REJECTED}),
    (answer(Status.CONFLICT, held_version=4), {State.SENDING: State.CONFLICT}),
    (answer(Status.ACCEPTED, held_version=4), {State.SENDING: State.CONFLICT}),
    (answer(Status.DUPLICATE, held_version=4), {State.SENDING: State.CONFLICT}),
    (answer(Status.REJECTED, held_version=4), {State.SENDING: State.REJECTED}),
    (NotDelivered("连不上"), {State.SENDING: State.QUEUED}),
    (RefusedWhole("读不懂", 2, blamed=True), {State.SENDING: State.QUEUED}),
    (RefusedWhole("读不懂", 1, blamed=True), {State.SENDING: State.REJECTED}),
    (RefusedWhole("读不懂", 1, blamed=False), {State.SENDING: State.QUEUED}),
    (Requeued(), {State.REJECTED: State.QUEUED}),
    (Lost(), {State.ACCEPTED: State.QUEUED}),
    (NotAdmitted("密钥不对"), {State.SENDING: State.QUEUED}),
    (Unanswered("超时", 2), {State.SENDING: State.UNKNOWN}),
    (LeaseExpired(), {State.LEASED: State.QUEUED, State.SENDING: State.UNKNOWN}),
    (GraceOver(), {State.UNKNOWN: State.QUEUED, State.CONFLICT: State.REJECTED}),
    (Held(), {State.UNKNOWN: State.ACCEPTED}),
    (HeldOther(4), {State.UNKNOWN: State.CONFLICT, State.ACCEPTED: State.CONFLICT}),
    (SentBack((REASON,)), {State.UNKNOWN: State.REJECTED}),
    (NotHeld(), {State.UNKNOWN: State.QUEUED}),
    (QueryFailed("连不上"), {State.UNKNOWN: State.UNKNOWN, State.CONFLICT: State.CONFLICT}),
    (Verified(received=True), {State.UNKNOWN: State.ACCEPTED}),
    (Verified(received=False), {State.UNKNOWN: State.QUEUED}),
    (Withdrawn(), {State.UNKNOWN: State.QUEUED}),
    (NotWithdrawn("平台没有这一行"), {State.UNKNOWN: State.UNKNOWN}),
]
PAIRS = [(state, outcome, after.get(state)) for outcome, after in TABLE for state in State]


@pytest.mark.parametrize(("before", "outcome", "after"), PAIRS)
def test_each_outcome_leads_from_each_state_to_its_state_or_must_not_happen(
    before: State, outcome: Any, after: State | None
) -> None:
    if after is None:
        with pytest.raises(ValueError, match="cannot befall"):
            next_step(item(before), outcome, NOW)
    else:
        assert next_step(item(before), outcome, NOW).state is after


def test_the_table_names_every_outcome() -> None:
    assert {type(outcome) for outcome, _ in TABLE} == set(get_args(Outcome))


@pytest.mark.parametrize("replay", [Replay.QUERY, Replay.DELETE_AND_RESEND, Replay.PERSON])
def test_without_an_answer_an_unknown_outcome_is_a_persons_with_a_deadline_and_a_sentence(replay: Replay) -> None:
    step = next_step(item(State.UNKNOWN, replay=replay), GraceOver(), NOW)
    assert (step.state, step.next_at) == (State.UNKNOWN, NOW + PERSON_WITHIN)
    assert "请于 2026-11-26 08:00:00 前到平台核实" in step.cause


def test_a_withdrawal_that_was_refused_is_a_persons_and_says_why() -> None:
    step = next_step(item(State.UNKNOWN, replay=Replay.DELETE_AND_RESEND), NotWithdrawn("平台没有这一行"), NOW)
    assert (step.state, step.next_at) == (State.UNKNOWN, NOW + PERSON_WITHIN)
    assert step.cause.startswith("平台没有这一行")


def test_a_query_that_fails_is_asked_again_ever_later() -> None:
    waits = []
    for attempts in range(12):
        step = next_step(item(State.UNKNOWN, attempts=attempts), QueryFailed("连不上"), NOW)
        assert (step.attempts, step.cause, step.next_at) == (attempts + 1, "连不上", NOW + backoff(attempts))
        waits.append(backoff(attempts))
    assert waits == sorted(waits)


def test_what_was_sent_back_keeps_the_reasons_the_platform_tells_when_asked() -> None:
    assert next_step(item(State.UNKNOWN), SentBack((REASON,)), NOW).reasons == (REASON,)


def test_a_conflict_names_the_platforms_version() -> None:
    assert "第 4 版" in next_step(item(State.SENDING), answer(Status.CONFLICT, held_version=4), NOW).cause


def test_an_unknown_outcome_rests_for_the_grace_period_before_anything_is_done() -> None:
    assert next_step(item(State.SENDING), Unanswered("超时", 2), NOW).next_at == NOW + GRACE


def test_a_rejected_record_keeps_every_reason() -> None:
    other = Violation("cnt", "precision", "数量（cnt）超出精度")
    assert next_step(item(State.SENDING), answer(Status.REJECTED, reasons=(REASON, other)), NOW).reasons == (REASON, other)


def test_a_refused_batch_is_halved_until_the_bad_record_is_alone() -> None:
    caps = []
    size = 100
    while True:
        step = next_step(item(State.SENDING), RefusedWhole("有一条读不懂", size, blamed=True), NOW)
        if step.state is State.REJECTED:
            break
        caps.append(step.batch_cap)
        size = step.batch_cap
    assert caps == [50, 25, 12, 6, 3, 1]
    assert step.reasons[0].message == "有一条读不懂"


def test_a_lone_record_is_not_blamed_while_nothing_gets_through() -> None:
    step = next_step(item(State.SENDING), RefusedWhole("系统维护", 1, blamed=False), NOW)
    assert (step.state, step.attempts, step.cause) == (State.QUEUED, item(State.SENDING).attempts + 1, "系统维护")
    assert step.next_at == NOW + backoff(item(State.SENDING).attempts)


def test_what_is_requeued_starts_anew() -> None:
    step = next_step(replace(item(State.REJECTED), attempts=7, batch_cap=1), Requeued(), NOW)
    assert (step.state, step.attempts, step.batch_cap, step.next_at, step.reasons) == (State.QUEUED, 0, 0, None, ())


def test_a_refused_credential_rejects_no_record() -> None:
    step = next_step(item(State.SENDING), NotAdmitted("密钥不对"), NOW)
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
