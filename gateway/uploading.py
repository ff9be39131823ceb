"""Path 1b: lease -> mark -> send -> classify each record -> finish (DESIGN.md §4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway import reconcile
from gateway.breaker import report_of
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
    5. Once `stop` says so, or the `gate` is closed, nothing more is leased; the batch in hand is finished, or given back if it
       has not left. While the gate is closed nothing is asked either.

    `lease` must be longer than the whole HTTP timeout. A crash anywhere leaves states from which step 1 goes on.
    """
    delivery = Delivery()
    settled_at = clock()
    settle(store, bureau, target, clock=clock, lease=lease, asking=not gate.closed())
    while not stop() and not _paused(delivery, gate.closed()) and (batch := store.lease(target, clock(), clock() + lease)):
        reach("after_lease")
        if stop() or _paused(delivery, gate.admit()):
            store.release(batch, clock())
            break
        msgid = store.mark_sending(batch, clock())
        if msgid is None:
            continue
        reach("before_send")
        outcomes = _send(store, bureau, target, batch, msgid)
        reach("after_reply")
        now = clock()
        steps = [next_step(item, outcome, now) for item, outcome in zip(batch.items, outcomes, strict=True)]
        store.apply(steps, now)
        reach("after_apply")
        delivery.states.update(step.state for step in steps)
        delivery.causes.update(step.cause for step in steps if step.cause)
        store.note(target, batch.institution, report_of(outcomes), now)
        if any(step.state is State.CONFLICT for step in steps):
            delivery.states[State.CONFLICT] -= reconcile.heal(store, bureau, target, clock=clock, hold=lease)
        progress(len(steps))
        if now - settled_at >= GRACE and not stop():  # what was left unknown meanwhile does not wait for the end of a long run
            settled_at = now
            settle(store, bureau, target, clock=clock, lease=lease, asking=not gate.closed())
    delivery.states = +delivery.states  # a conflict that was healed is none any more
    return delivery


def _paused(delivery: Delivery, cause: str) -> bool:
    delivery.paused = cause
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


def _send(store: OutboxStore, bureau: Bureau, target: str, batch: Batch, msgid: str) -> Sequence[Outcome]:
    """One request; an outcome for each record of the batch, in order."""
    try:
        results = bureau.deliver(batch.institution, batch.dataset, msgid, batch.bodies)
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
    answers = {(result.key, result.version): result for result in results}
    found = (answers.get((item.key, item.version)) for item in batch.items)
    silence = Unanswered("平台的应答缺少这条记录的结果", len(batch.items))
    return [Answered(result) if result else silence for result in found]
