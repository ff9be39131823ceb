"""The circuit breaker of DESIGN.md §4, pure: `after(scope, breaker, report, now)` decides, the store writes.

    closed --(k failures of one kind in a row)--> open --(the wait is over)--> half open: one batch may try
    half open --(it went through)--> closed; --(it did not)--> open, for longer

Two breakers watch every request: the target's, which only a platform that is away or silent opens, and the institution's
own, which its admission or its messages open. So one clinic's bad key stops that clinic and nobody else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.outbox import (
    ADMISSION_WAIT,
    FIRST_WAIT,
    LONGEST_WAIT,
    Batch,
    NotAdmitted,
    NotDelivered,
    Outcome,
    RefusedWhole,
    State,
    Step,
    Unanswered,
)


class Scope(StrEnum):
    """What a breaker cuts off."""

    TARGET = "target"
    INSTITUTION = "institution"


class Signal(StrEnum):
    """What one request says about the way to the platform."""

    ANSWERED = "answered"  #: with a result per record, whatever the results are
    UNREACHABLE = "unreachable"  #: not delivered: away, or asking us to wait
    NOT_ADMITTED = "credential"  #: nothing of the institution is let in; the word is that of stores already in use
    REFUSED = "refused"  #: the whole message was refused
    NO_ANSWER = "no_answer"  #: sent, and whether it arrived is unknown


class Position(StrEnum):
    """Whether requests may pass."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"  #: one batch is trying, under a lease until `next_at`


@dataclass(frozen=True, slots=True)
class Breaker:
    """One breaker; as it is made, it is closed and remembers nothing."""

    position: Position = Position.CLOSED
    kind: Signal | None = None  #: of the failures in a row
    count: int = 0  #: failures in a row
    trips: int = 0  #: times it opened without a success between
    next_at: datetime | None = None  #: before this nothing passes; None while closed
    cause: str = ""  #: Chinese, of the last failure

    def blocks(self, now: datetime) -> bool:
        """Whether nothing may pass now. An open breaker whose wait is over lets one batch try."""
        return self.next_at is not None and now < self.next_at


@dataclass(frozen=True, slots=True)
class Report:
    """What one request came to."""

    signal: Signal
    cause: str = ""
    retry_after: int = 0  #: seconds the platform asked us to wait


@dataclass(frozen=True, slots=True)
class Ended:
    """What a request came to, for the records of its batch and for the way they went."""

    batch: Batch
    steps: Sequence[Step]  #: one for each of its items
    report: Report

    @property
    def smooth(self) -> bool:
        """Whether every record was accepted, as one reply says it; then all steps say the same and change nothing else."""
        at = self.steps[0].accepted_at
        return all(
            step.state is State.ACCEPTED
            and step.accepted_at == at
            and step.attempts == step.item.attempts
            and step.batch_cap == step.item.batch_cap
            for step in self.steps
        )


@dataclass(frozen=True, slots=True)
class Tripped:
    """An open breaker as status shows it."""

    target: str
    institution: str  #: "": the whole target
    breaker: Breaker


#: failures in a row that open; a poison row is isolated by about a dozen refusals, so refusals are many. A platform that
#: answers nothing is not fed on: each further batch would become one more of unknown outcome
LIMITS = {Signal.UNREACHABLE: 3, Signal.NO_ANSWER: 3, Signal.NOT_ADMITTED: 3, Signal.REFUSED: 20}
#: the first wait; it doubles with every trip. A key is mended by a person, so asking often is of no use
WAITS = {
    Signal.UNREACHABLE: FIRST_WAIT,
    Signal.NO_ANSWER: FIRST_WAIT,
    Signal.NOT_ADMITTED: ADMISSION_WAIT,
    Signal.REFUSED: ADMISSION_WAIT,
}
_FAILS = {
    Scope.TARGET: {Signal.UNREACHABLE, Signal.NO_ANSWER},
    Scope.INSTITUTION: {Signal.NOT_ADMITTED, Signal.REFUSED},
}
#: any reply proves the platform reachable; only results prove an institution's way clear
_HEALS = {Scope.TARGET: {Signal.ANSWERED, Signal.NOT_ADMITTED, Signal.REFUSED}, Scope.INSTITUTION: {Signal.ANSWERED}}


def after(scope: Scope, breaker: Breaker, report: Report, now: datetime) -> Breaker:
    """The transition table: what becomes of a breaker when a request came to `report`."""
    if report.signal in _HEALS[scope]:
        return Breaker()
    if report.signal not in _FAILS[scope]:
        return _opened(breaker, now, breaker.trips) if breaker.position is Position.HALF_OPEN else breaker
    if breaker.position is Position.OPEN:
        return breaker  # was under way when another request opened it
    count = breaker.count + 1 if breaker.kind is report.signal else 1
    failed = replace(breaker, kind=report.signal, count=count, cause=report.cause)
    if breaker.position is Position.HALF_OPEN or report.retry_after or count >= LIMITS[report.signal]:
        return _opened(failed, now, breaker.trips + 1, report.retry_after)
    return failed


def probing(breaker: Breaker, until: datetime) -> Breaker:
    """One batch tries; should its worker die, another may try after `until`."""
    return replace(breaker, position=Position.HALF_OPEN, next_at=until)


def wait(kind: Signal, trips: int) -> timedelta:
    """How long it stays open the n-th time: doubled each time, at most `LONGEST_WAIT`."""
    return min(WAITS[kind] * int(2 ** min(max(trips - 1, 0), 10)), LONGEST_WAIT)


def report_of(outcomes: Sequence[Outcome]) -> Report:
    """What the outcomes of one request say together: they fail together, or else there was an answer."""
    match outcomes[0]:
        case NotDelivered(cause, retry_after):
            return Report(Signal.UNREACHABLE, cause, retry_after)
        case NotAdmitted(cause):
            return Report(Signal.NOT_ADMITTED, cause)
        case RefusedWhole(cause):
            return Report(Signal.REFUSED, cause)
    silent = [outcome.cause for outcome in outcomes if isinstance(outcome, Unanswered)]
    if len(silent) == len(outcomes):
        return Report(Signal.NO_ANSWER, silent[0])
    return Report(Signal.ANSWERED)


def _opened(breaker: Breaker, now: datetime, trips: int, retry_after: int = 0) -> Breaker:
    kind = breaker.kind or Signal.UNREACHABLE
    pause = max(wait(kind, trips), timedelta(seconds=retry_after))
    return replace(breaker, position=Position.OPEN, trips=trips, next_at=now + pause)
