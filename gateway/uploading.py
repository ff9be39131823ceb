"""Path 1b: lease -> mark -> send -> classify each record -> finish (DESIGN.md §4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from gateway import reconcile
from gateway.breaker import Ended, report_of
from gateway.errors import NotAdmittedError, NotDeliveredError, OutcomeUnknownError, RefusedError
from gateway.failpoints import reach
from gateway.outbox import (
    GRACE,
    Answered,
    Batch,
    LeaseExpired,
    NotAdmitted,
    NotDelivered,
    Outcome,
    RefusedWhole,
    State,
    Unanswered,
    next_step,
)
from gateway.ports import Bureau, Gate, OutboxStore
from gateway.windows import ALWAYS
from schemas.envelope import Result


@dataclass
class Delivery:
    """What one run of uploading did."""

    states: Counter[State] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)  #: sentences of what did not go through
    paused: str = ""  #: why it ended before everything was sent: the platform may not be called now

    @property
    def accepted(self) -> int:
        """Records the platform holds now."""
        return self.states[State.ACCEPTED]


def upload(
    store: OutboxStore,
    bureau: Bureau,
    target: str,
    *,
    clock: Callable[[], datetime],
    lease: timedelta,
    progress: Callable[[int], None] = lambda done: None,
    stop: Callable[[], bool] = lambda: False,
    gate: Gate = ALWAYS,
) -> Delivery:
    """Send whatever is due for one target until nothing is: institutions in turn, the most urgent of each first.

    1. Settle leases that ran out and unknown outcomes whose grace is over; once more whenever so long has passed.
    2. Lease one batch; mark it as sending just before the bytes leave.
    3. Give each record its own outcome; a record without an answer is unknown, never assumed.
    4. Write the outcomes and tell the breakers: an institution that cannot pass stops itself only, a target that is away all.
       This and the next 2 are one change of the store where it may be: see `OutboxStore.advance`.
    5. Once `stop` says so, or the `gate` is closed, nothing more is leased; the batch in hand is finished, or given back if it
       has not left. While the gate is closed nothing is asked either.

    `lease` must be longer than the whole HTTP timeout. A crash anywhere leaves states from which step 1 goes on.
    """
    run = _Run(store, target, clock, lease, stop, gate)
    settled_at = clock()
    settle(store, bureau, target, clock=clock, lease=lease, asking=not gate.closed())
    while batch := run.take():
        reach("before_send")
        outcomes = _send(store, bureau, target, batch)
        reach("after_reply")
        now = clock()
        run.end(batch, outcomes, now)
        progress(len(batch.items))
        over = now - settled_at >= GRACE and not stop()
        if over or run.conflicts:
            run.write()
        if run.conflicts:
            run.conflicts = 0
            run.delivery.states[State.CONFLICT] -= reconcile.heal(store, bureau, target, clock=clock, hold=lease)
        if over:  # what was left unknown meanwhile does not wait for the end of a long run
            settled_at = now
            settle(store, bureau, target, clock=clock, lease=lease, asking=not gate.closed())
    run.delivery.states = +run.delivery.states  # a conflict that was healed is none any more
    return run.delivery


@dataclass
class _Run:
    """Takes one batch after the other; what became of the last is written before the next is sent."""

    store: OutboxStore
    target: str
    clock: Callable[[], datetime]
    lease: timedelta
    stop: Callable[[], bool]
    gate: Gate
    delivery: Delivery = field(default_factory=Delivery)
    ended: Ended | None = None  #: not written yet
    conflicts: int = 0  #: not healed yet

    def take(self) -> Batch | None:
        """The next batch, marked as sending; None when nothing is due, or nothing may be sent any more."""
        if self.stop() or self._paused(self.gate.closed()):
            self.write()
            return None
        return self._counted() if self.gate.counts else self._at_once()

    def _at_once(self) -> Batch | None:
        ended, self.ended, now = self.ended, None, self.clock()
        batch = self.store.advance(self.target, ended, now, now + self.lease)
        if ended:
            reach("after_apply")
        if batch is None:
            return None
        reach("after_lease")
        if self.stop():
            self.store.release(batch, self.clock())
            return None
        return batch

    def _counted(self) -> Batch | None:
        """A call is counted when there is something to send, and before it is said to be sent."""
        self.write()
        while batch := self.store.lease(self.target, self.clock(), self.clock() + self.lease):
            reach("after_lease")
            if self.stop() or self._paused(self.gate.admit()):
                self.store.release(batch, self.clock())
                return None
            if msgid := self.store.mark_sending(batch, self.clock()):
                return replace(batch, msgid=msgid)
        return None

    def end(self, batch: Batch, outcomes: Sequence[Outcome], now: datetime) -> None:
        """What became of a batch: decided now, written with the next step."""
        steps = [next_step(item, outcome, now) for item, outcome in zip(batch.items, outcomes, strict=True)]
        self.ended = Ended(batch, steps, report_of(outcomes))
        states = Counter([step.state for step in steps])
        self.conflicts += states[State.CONFLICT]
        self.delivery.states.update(states)
        self.delivery.causes.update([step.cause for step in steps if step.cause])

    def write(self) -> None:
        """Write what ended, by itself."""
        ended, self.ended, now = self.ended, None, self.clock()
        if ended:
            self.store.apply(ended.steps, now)
            reach("after_apply")
            self.store.note(self.target, ended.batch.institution, ended.report, now)

    def _paused(self, cause: str) -> bool:
        self.delivery.paused = cause
        return bool(cause)


def settle(
    store: OutboxStore, bureau: Bureau, target: str, *, clock: Callable[[], datetime], lease: timedelta, asking: bool
) -> None:
    """Move on what a dead worker or a lost answer left behind; `asking`: the platform may be called for it."""
    now = clock()
    stale = [item for item in store.recover(target, now) if item.state is not State.UNKNOWN]
    store.apply([next_step(item, LeaseExpired(), now) for item in stale], now)
    if asking:
        reconcile.resolve(store, bureau, target, clock=clock, hold=lease)


def _send(store: OutboxStore, bureau: Bureau, target: str, batch: Batch) -> Sequence[Outcome]:
    """One request; an outcome for each record of the batch, in order."""
    try:
        results = bureau.deliver(batch.institution, batch.dataset, batch.msgid, batch.bodies)
    except NotDeliveredError as error:
        return [NotDelivered(str(error), error.retry_after)] * len(batch.items)
    except OutcomeUnknownError as error:
        return [Unanswered(str(error), len(batch.items))] * len(batch.items)
    except NotAdmittedError as error:
        return [NotAdmitted(str(error))] * len(batch.items)
    except RefusedError as error:
        blamed = error.certain or _others_passed(store, target, batch)
        return [RefusedWhole(str(error), len(batch.items), blamed)] * len(batch.items)
    return _match(batch, results)


def _others_passed(store: OutboxStore, target: str, batch: Batch) -> bool:
    """Whether the platform took messages of this kind since a lone record was last refused: then it is this record."""
    alone = batch.items[0]
    return len(batch.items) == 1 and alone.sent_at is not None and store.passed(target, batch, alone.sent_at)


def _match(batch: Batch, results: Sequence[Result]) -> Sequence[Outcome]:
    """Each record's own answer, by key and version. One that is missing proves nothing about its record."""
    answers = {(result.key, result.version): Answered(result) for result in results}
    silence = Unanswered("平台的应答缺少这条记录的结果", len(batch.items))
    return [answers.get((item.key, item.version), silence) for item in batch.items]
