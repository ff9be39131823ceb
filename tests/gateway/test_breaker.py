"""The breaker's transition table, and what it does to the institutions around a broken one."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from gateway.breaker import LIMITS, Breaker, Position, Report, Scope, Signal, after, probing, report_of, wait
from gateway.outbox import LONGEST_WAIT, Answered, NotAdmitted, NotDelivered, RefusedWhole, Unanswered
from schemas.envelope import Result, Status
from schemas.wire import SHANGHAI

NOW = datetime(2026, 11, 25, 8, 0, tzinfo=SHANGHAI)
LATER = NOW + timedelta(minutes=3)
OPENS = {Scope.TARGET: Signal.UNREACHABLE, Scope.INSTITUTION: Signal.NOT_ADMITTED}


def failed(scope: Scope, times: int, signal: Signal | None = None) -> Breaker:
    breaker = Breaker()
    for _ in range(times):
        breaker = after(scope, breaker, Report(signal or OPENS[scope], "不通"), NOW)
    return breaker


@pytest.mark.parametrize(
    ("scope", "signal"),
    [
        (Scope.TARGET, Signal.UNREACHABLE),
        (Scope.TARGET, Signal.NO_ANSWER),
        (Scope.INSTITUTION, Signal.NOT_ADMITTED),
        (Scope.INSTITUTION, Signal.REFUSED),
    ],
)
def test_it_opens_at_the_last_of_k_failures_of_one_kind_and_not_before(scope: Scope, signal: Signal) -> None:
    before = failed(scope, LIMITS[signal] - 1, signal)
    opened = failed(scope, LIMITS[signal], signal)
    assert (before.position, before.next_at) == (Position.CLOSED, None)
    assert (opened.position, opened.next_at, opened.cause) == (Position.OPEN, NOW + wait(signal, 1), "不通")
    assert opened.blocks(NOW)
    assert not opened.blocks(NOW + wait(signal, 1))


@pytest.mark.parametrize(
    ("scope", "signal", "closes"),
    [
        (Scope.TARGET, Signal.ANSWERED, True),
        (Scope.TARGET, Signal.NOT_ADMITTED, True),
        (Scope.TARGET, Signal.REFUSED, True),
        (Scope.TARGET, Signal.NO_ANSWER, False),
        (Scope.INSTITUTION, Signal.ANSWERED, True),
        (Scope.INSTITUTION, Signal.UNREACHABLE, False),
        (Scope.INSTITUTION, Signal.NO_ANSWER, False),
    ],
)
def test_a_probe_closes_it_or_opens_it_again(scope: Scope, signal: Signal, closes: bool) -> None:
    half_open = probing(failed(scope, LIMITS[OPENS[scope]]), NOW + timedelta(minutes=2))
    found = after(scope, half_open, Report(signal), LATER)
    assert (found == Breaker()) is closes
    assert found.position is (Position.CLOSED if closes else Position.OPEN)


def test_silence_says_nothing_of_an_institution() -> None:
    before = failed(Scope.INSTITUTION, 2)
    assert after(Scope.INSTITUTION, before, Report(Signal.NO_ANSWER), NOW) == before


def test_a_platform_that_answers_nothing_is_left_alone_after_a_few_batches() -> None:
    opened = failed(Scope.TARGET, LIMITS[Signal.NO_ANSWER], Signal.NO_ANSWER)
    assert (opened.position, opened.cause) == (Position.OPEN, "不通")


def test_a_failure_of_another_kind_starts_the_count_anew() -> None:
    breaker = failed(Scope.INSTITUTION, 2, Signal.NOT_ADMITTED)
    assert after(Scope.INSTITUTION, breaker, Report(Signal.REFUSED), NOW).count == 1


def test_one_institutions_refusals_never_open_the_target_and_an_absent_target_blames_no_institution() -> None:
    for signal in (Signal.NOT_ADMITTED, Signal.REFUSED):
        assert failed(Scope.TARGET, 100, signal) == Breaker()
    assert failed(Scope.INSTITUTION, 100, Signal.UNREACHABLE) == Breaker()


def test_each_failed_probe_waits_longer_up_to_a_limit() -> None:
    breaker, waits = failed(Scope.TARGET, LIMITS[Signal.UNREACHABLE]), []
    for _ in range(12):
        breaker = after(Scope.TARGET, probing(breaker, NOW), Report(Signal.UNREACHABLE), NOW)
        assert breaker.next_at is not None
        waits.append(breaker.next_at - NOW)
    assert waits[:3] == [timedelta(seconds=10), timedelta(seconds=20), timedelta(seconds=40)]
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_WAIT


def test_a_failure_that_was_under_way_does_not_lengthen_the_wait() -> None:
    opened = failed(Scope.TARGET, LIMITS[Signal.UNREACHABLE])
    assert after(Scope.TARGET, opened, Report(Signal.UNREACHABLE), LATER) == opened


def test_a_platform_that_asks_for_a_pause_gets_it_at_once() -> None:
    opened = after(Scope.TARGET, Breaker(), Report(Signal.UNREACHABLE, "正忙", retry_after=120), NOW)
    assert (opened.position, opened.next_at) == (Position.OPEN, NOW + timedelta(seconds=120))


def test_outcomes_of_a_request_are_read_together() -> None:
    answered = Answered(Result("K", 1, Status.REJECTED))
    assert report_of([NotDelivered("正忙", 30)] * 2) == Report(Signal.UNREACHABLE, "正忙", 30)
    assert report_of([NotAdmitted("密钥")]).signal is Signal.NOT_ADMITTED
    assert report_of([RefusedWhole("格式", 1, blamed=False)]).signal is Signal.REFUSED
    assert report_of([Unanswered("断开", 2)] * 2) == Report(Signal.NO_ANSWER, "断开")
    assert report_of([Unanswered("缺少", 2), answered]).signal is Signal.ANSWERED
