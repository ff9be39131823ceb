"""The state machine of delivery (DESIGN.md §4), pure: `next_step(item, outcome, now)` decides, the store writes.

    queued -> leased -> sending -> accepted | rejected | unknown | conflict
    beside them: held (parent or brake), superseded (a newer version is queued), cancelled

Nothing has been sent while an item is leased, so a lease that runs out goes back to queued. Once it is sending, only an
answer, the platform's word when asked, or what the transaction's `replay` allows, settles it. A conflict is settled by
rebuilding the ledger from what the platform holds: see `gateway.reconcile`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from gateway.hindrance import Hindrance
from schemas import wire
from schemas.envelope import Result, Status
from schemas.errors import WireError
from schemas.model import Replay, Violation
from schemas.values import value

FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(minutes=10)
#: an unknown outcome is left alone so long: the platform may still be working on it
GRACE = timedelta(seconds=60)
#: so many silences bring the largest batch down to one record
ISOLATED = 8
#: a wrong key or address is a person's matter; asking once a minute does no harm
ADMISSION_WAIT = timedelta(minutes=1)
#: so long a person has to look up what nobody could ask; then the sentence is told anew
PERSON_WITHIN = timedelta(days=1)


class State(StrEnum):
    """Where one version of one record stands with one target."""

    QUEUED = "queued"
    LEASED = "leased"
    SENDING = "sending"
    UNKNOWN = "unknown"
    CONFLICT = "conflict"  #: the platform holds something else under this version, or a newer one
    HELD = "held"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"


#: the platform may hold it although we have no answer: a newer version of the key must wait
IN_FLIGHT = (State.LEASED, State.SENDING, State.UNKNOWN, State.CONFLICT)


@value
class Item:
    """One outbox row, as far as deciding needs it."""

    id: int
    key: str
    version: int
    state: State
    attempts: int
    replay: Replay
    batch_cap: int  #: most records of the next batch it may travel in; 0: no limit of its own
    token: str | None = None  #: of the lease it is held under
    sent_at: datetime | None = None  #: when it last left before this


@dataclass(frozen=True, slots=True)
class Batch:
    """Items leased together: one institution, one data set, one request."""

    token: str
    institution: str
    dataset: str
    items: tuple[Item, ...]
    bodies: tuple[bytes, ...]
    lease: timedelta  #: so long it is ours, from the moment it was leased, and anew from the moment it is sent
    msgid: str = ""  #: under which it is being sent; "" while it is only leased


@dataclass(frozen=True, slots=True)
class Doubt:
    """An item whose outcome must be looked into, with what the question needs."""

    item: Item
    institution: str
    dataset: str
    content_hash: str


@value
class Answered:
    """The platform answered for this record."""

    result: Result


@dataclass(frozen=True, slots=True)
class NotDelivered:
    """Provably not taken."""

    cause: str
    retry_after: int = 0


@dataclass(frozen=True, slots=True)
class RefusedWhole:
    """The platform refused the batch this record travelled in, without saying which record is at fault."""

    cause: str
    size: int
    blamed: bool  #: the fault is known to lie in the records, not in the platform


@dataclass(frozen=True, slots=True)
class NotAdmitted:
    """The platform lets nothing of the institution in: key, address or edition. No record is at fault."""

    cause: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Sent, and no usable answer came: the platform may be away, or one of the records may be more than it can bear."""

    cause: str
    size: int  #: of the batch


@dataclass(frozen=True, slots=True)
class LeaseExpired:
    """The worker that held the item is gone."""


@dataclass(frozen=True, slots=True)
class GraceOver:
    """An unknown outcome has waited long enough."""


@dataclass(frozen=True, slots=True)
class Held:
    """Asked, the platform holds exactly this."""

    accepted_at: str = ""  #: wire time, as it says


@dataclass(frozen=True, slots=True)
class HeldOther:
    """Asked, the platform holds something else under this version, or a newer version."""

    newest: int


@dataclass(frozen=True, slots=True)
class SentBack:
    """Asked, the platform had judged and rejected exactly this."""

    reasons: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class NotHeld:
    """Asked, the platform never took it."""


@dataclass(frozen=True, slots=True)
class QueryFailed:
    """The platform could not be asked now."""

    cause: str


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """Whatever arrived was taken back at the platform, so sending again doubles nothing."""


@dataclass(frozen=True, slots=True)
class NotWithdrawn:
    """The platform refused to take it back: perhaps it never arrived, perhaps it may not be taken back any more."""

    cause: str


@dataclass(frozen=True, slots=True)
class Verified:
    """A person looked it up at the platform."""

    received: bool


@dataclass(frozen=True, slots=True)
class Requeued:
    """A person wants what was rejected to be sent once more as it is."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Asked, the platform does not hold what it once accepted, and a person wants it sent once more as it is."""


Outcome = (
    Answered
    | NotDelivered
    | RefusedWhole
    | NotAdmitted
    | Unanswered
    | LeaseExpired
    | GraceOver
    | Held
    | HeldOther
    | SentBack
    | NotHeld
    | QueryFailed
    | Withdrawn
    | NotWithdrawn
    | Verified
    | Requeued
    | Lost
)


@value
class Step:
    """What becomes of an item: written by compare-and-set on its state and lease token."""

    item: Item
    state: State
    attempts: int
    next_at: datetime | None  #: when it may be touched again; None: never by itself
    cause: str = ""  #: Chinese, for the person who looks
    reasons: tuple[Violation, ...] = ()
    batch_cap: int = 0
    accepted_at: datetime | None = None  #: by the platform's clock
    delay: Hindrance | None = None  #: what keeps it from going on, from its last sending until it may be touched again


def next_step(item: Item, outcome: Outcome, now: datetime) -> Step:
    """The transition table of DESIGN.md §4. ValueError if the outcome cannot befall an item in this state."""
    if type(outcome) is Answered and item.state is State.SENDING:  # as nearly always
        return _answered(item, outcome.result, now)
    match item.state, outcome:
        case State.SENDING, NotDelivered(cause, retry_after):
            step = _again(item, now + max(backoff(item.attempts), timedelta(seconds=retry_after)), cause)
            return replace(step, delay=Hindrance.BUSY if retry_after else Hindrance.UNREACHABLE)
        case State.SENDING, NotAdmitted(cause):
            return replace(_again(item, now + ADMISSION_WAIT, cause), delay=Hindrance.NOT_ADMITTED)
        case State.SENDING, RefusedWhole():
            return _split(item, now, outcome)
        case State.SENDING, Unanswered():
            return _silent(item, now, outcome)
        case State.SENDING, LeaseExpired():
            step = _to(item, State.UNKNOWN, now + GRACE, "发送途中程序中断，不知平台是否收到")
            return replace(step, delay=Hindrance.CRASHED)
        case State.LEASED, LeaseExpired():
            return _to(item, State.QUEUED, now, "")
        case State.UNKNOWN, GraceOver():
            return _settle_unknown(item, now)
        case State.CONFLICT, GraceOver():
            return _rejected_as_conflict(item)
    return _looked_into(item, outcome, now)


def _looked_into(item: Item, outcome: Outcome, now: datetime) -> Step:
    """What asking, or taking back, came to."""
    match item.state, outcome:
        case State.UNKNOWN, Held(accepted_at):
            return _to(item, State.ACCEPTED, None, "", accepted_at=_instant(accepted_at))
        case State.UNKNOWN | State.ACCEPTED, HeldOther(newest):  # accepted: the ledger is older than the truth
            return _conflict(item, newest, now)
        case State.UNKNOWN, SentBack(reasons):
            return _to(item, State.REJECTED, None, "平台退回", reasons=reasons)
        case State.UNKNOWN, NotHeld() | Withdrawn():
            return _resent(item, now)
        case State.UNKNOWN | State.CONFLICT, QueryFailed(cause):
            return _to(item, item.state, now + backoff(item.attempts), cause, attempts=item.attempts + 1)
        case State.UNKNOWN, Verified(received):
            return _to(item, State.ACCEPTED, None, "") if received else _to(item, State.QUEUED, now, "")
        case State.UNKNOWN, NotWithdrawn(cause):
            return _persons(item, now, cause)
        case State.REJECTED, Requeued():
            return replace(_to(item, State.QUEUED, None, "", attempts=0, batch_cap=0), delay=Hindrance.REJECTED)
        case State.ACCEPTED, Lost():
            return replace(_to(item, State.QUEUED, None, "平台收下过、现在没有了", attempts=0, batch_cap=0), delay=Hindrance.LOST)
    raise ValueError(f"{type(outcome).__name__} cannot befall an item that is {item.state}")


def backoff(attempts: int) -> timedelta:
    """5 s, 10 s, 20 s … at most 10 min."""
    return min(FIRST_WAIT * int(2 ** min(attempts, 10)), LONGEST_WAIT)


def _answered(item: Item, result: Result, now: datetime) -> Step:
    """A version that was taken as history only has not become what the platform shows: a conflict like any other."""
    if result.status is Status.REJECTED:
        return _to(item, State.REJECTED, None, "平台退回", reasons=result.reasons)
    if result.status is Status.CONFLICT or result.held_version > item.version:
        return _conflict(item, result.held_version, now)
    at = _instant(result.accepted_at)
    return Step(item, State.ACCEPTED, item.attempts, None, batch_cap=item.batch_cap, accepted_at=at)


@lru_cache(maxsize=64)
def _instant(text: str) -> datetime | None:
    """What the platform says; None if it does not say it as we write it. A batch says it a hundred times."""
    try:
        return wire.decode_datetime(text)
    except WireError:
        return None


def _conflict(item: Item, newest: int, now: datetime) -> Step:
    return _to(item, State.CONFLICT, now, f"平台已有第 {newest} 版，本机台账可能被恢复过，正按平台重建")


def _rejected_as_conflict(item: Item) -> Step:
    """Nobody can be asked which version is free, and a guess might overwrite what is right."""
    sentence = "平台已有同一版本号、内容不同的记录，而平台不回答查询，须由人核实"
    return _to(item, State.REJECTED, None, sentence, reasons=(Violation("version", "conflict", sentence),))


def _split(item: Item, now: datetime, refused: RefusedWhole) -> Step:
    """Halve until the bad record travels alone; then it, and only it, is rejected.

    A platform that refuses everything would get every record rejected so: one is blamed only when others got through.
    """
    if refused.size > 1:
        step = _to(item, State.QUEUED, now, refused.cause, batch_cap=max(refused.size // 2, 1))
        return replace(step, delay=Hindrance.REFUSED)
    if not refused.blamed:
        return replace(_again(item, now + backoff(item.attempts), refused.cause), delay=Hindrance.REFUSED)
    return _to(item, State.REJECTED, None, refused.cause, reasons=(Violation("", "refused", refused.cause),))


def _silent(item: Item, now: datetime, silence: Unanswered) -> Step:
    """Halved as what is refused is: a record that the platform breaks on must not take its batch along for ever."""
    attempts, cap = item.attempts + 1, max(silence.size // 2, 1)
    step = _to(item, State.UNKNOWN, now + GRACE, silence.cause, attempts=attempts, batch_cap=cap)
    return replace(step, delay=Hindrance.NO_ANSWER)


def _resent(item: Item, now: datetime) -> Step:
    """It may go once more, ever later: the grace it has rested counts. One that travels alone says how it fares."""
    at = now + max(backoff(item.attempts) - GRACE, timedelta())
    alone = item.batch_cap == 1 and item.attempts > 0
    told = f"平台没有应答单独报送的这一条（已试 {item.attempts} 次）"
    return _to(item, State.QUEUED, at, told if alone else "")


def _settle_unknown(item: Item, now: datetime) -> Step:
    if item.replay is Replay.RESEND:
        return _resent(item, now)
    return _persons(item, now, "结果不明，这个平台不回答查询，重发可能重复")


def _persons(item: Item, now: datetime, cause: str) -> Step:
    """What the program must not decide; looked at again at the deadline, when the platform may answer queries by then."""
    deadline = now + PERSON_WITHIN
    sentence = f"{cause}：请于 {wire.encode_datetime(deadline)} 前到平台核实"
    return _to(item, State.UNKNOWN, deadline, sentence)


def _again(item: Item, at: datetime, cause: str) -> Step:
    return _to(item, State.QUEUED, at, cause, attempts=item.attempts + 1)


def _to(
    item: Item,
    state: State,
    next_at: datetime | None,
    cause: str,
    *,
    attempts: int | None = None,
    reasons: tuple[Violation, ...] = (),
    batch_cap: int | None = None,
    accepted_at: datetime | None = None,
) -> Step:
    return Step(
        item=item,
        state=state,
        attempts=item.attempts if attempts is None else attempts,
        next_at=next_at,
        cause=cause,
        reasons=reasons,
        batch_cap=item.batch_cap if batch_cap is None else batch_cap,
        accepted_at=accepted_at,
    )
