"""Unknown outcomes resolved by asking, and a restored ledger rebuilt from what the platform holds (DESIGN.md §4).

The platform's word settles both: whether it took what we sent and heard nothing of, and which version of a key is next
when our own ledger is older than the truth.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto

import structlog

from gateway.errors import GatewayError, NotAdmittedError, NotDeliveredError, OutcomeUnknownError, RefusedError
from gateway.outbox import (
    Doubt,
    GraceOver,
    Held,
    HeldOther,
    NotHeld,
    NotWithdrawn,
    Outcome,
    QueryFailed,
    SentBack,
    State,
    Withdrawn,
    next_step,
)
from gateway.ports import Bureau, OutboxStore
from gateway.standing import EVERYTHING, Extent, Resent
from schemas.holdings import Asked, Fate, Holding, Question
from schemas.model import Replay

_log = structlog.get_logger()
_Group = tuple[str, str]
#: so long one worker has an item for itself, where the caller does not know how long a call may take
HOLD = timedelta(minutes=10)
#: records sent again by one transaction
_PAGE = 200


class Mend(Enum):
    """What becomes of a key whose version the platform holds otherwise."""

    ACCEPTED = auto()  #: the platform's newest says what we want to say: our version is that one
    NEXT = auto()  #: our content goes out as the version after the platform's newest
    AGAIN = auto()  #: our newest version is free: it goes out as it is
    SUPERSEDED = auto()  #: a newer version of ours is on its way, or needs no sending


@dataclass(frozen=True, slots=True)
class Claim:
    """What our ledger says of a key: its newest version and content, and the version that met the conflict."""

    version: int
    content_hash: str
    conflicting: int


def mend(claim: Claim, holding: Holding) -> Mend:
    """Decide by the newest version on either side. A number the platform has seen is never used for other content."""
    if holding.version >= claim.version:
        return Mend.ACCEPTED if holding.content_hash == claim.content_hash else Mend.NEXT
    return Mend.AGAIN if claim.conflicting == claim.version else Mend.SUPERSEDED


def resolve(store: OutboxStore, bureau: Bureau, target: str, *, clock: Callable[[], datetime], hold: timedelta = HOLD) -> None:
    """Settle every unknown outcome that is due, then every conflict; each is reserved for a while before it is looked into."""
    after = 0
    while doubts := store.doubts(target, State.UNKNOWN, clock(), after):
        for (institution, dataset), group in _by_dataset(doubts).items():
            for part in _parts(bureau, dataset, group):
                if mine := store.reserve(part, clock(), clock() + hold):
                    outcomes = _look_into(store, bureau, institution, dataset, mine)
                    now = clock()
                    store.apply([next_step(each.item, outcome, now) for each, outcome in zip(mine, outcomes, strict=True)], now)
        after = doubts[-1].item.id
    heal(store, bureau, target, clock=clock, hold=hold)


def _parts(bureau: Bureau, dataset: str, group: Sequence[Doubt]) -> Sequence[Sequence[Doubt]]:
    """What is looked into under one reservation: all that one question is about, but each record alone that is taken back alone."""
    alone = bureau.withdraws(dataset) and not bureau.answers_queries
    return [[each] for each in group] if alone else [group]


def heal(store: OutboxStore, bureau: Bureau, target: str, *, clock: Callable[[], datetime], hold: timedelta = HOLD) -> int:
    """Rebuild the ledger of keys in conflict from the platform's newest version; returns how many keys.

    Each number given is above all the platform has seen of the key, so what is sent next cannot meet the same conflict.
    """
    after, healed = 0, 0
    while doubts := store.doubts(target, State.CONFLICT, clock(), after):
        for (institution, dataset), group in _by_dataset(doubts).items():
            if mine := store.reserve(group, clock(), clock() + hold):
                healed += _rebuild(store, bureau, target, institution, dataset, mine, clock())
        after = doubts[-1].item.id
    return healed


@dataclass(frozen=True, slots=True)
class Audit:
    """What comparing the whole ledger with a platform came to."""

    asked: int
    differing: int  #: keys that the platform holds otherwise: they are healed by the next upload
    missing: int  #: keys that were accepted and that the platform does not hold any more
    failures: tuple[str, ...]  #: why it could not be asked
    resent: Resent = field(default_factory=Resent)  #: of the missing ones


def audit(
    store: OutboxStore, bureau: Bureau, target: str, now: datetime, *, extent: Extent = EVERYTHING, resend: bool = False
) -> Audit:
    """Compare what the ledger takes for accepted with what the platform holds.

    After a restore the ledger may call a row unchanged that the platform shows otherwise; such a row is never sent, so
    no conflict would tell of it. What the platform lost is sent again only if a person says so (`resend`): it may have been
    taken away on purpose. What has no record above it goes back to the queue at once, the rest when everything was looked
    at: a child is held behind a parent that is lost too, whichever of them was found first.
    """
    after, found, failures, resent = 0, Counter[type[Outcome]](), set[str](), Resent()
    below: dict[int, list[Doubt]] = defaultdict(list)
    while doubts := store.settled(target, after, extent):
        for (institution, dataset), group in _by_dataset(doubts).items():
            outcomes = _compared(bureau, institution, dataset, group)
            other = [(each, outcome) for each, outcome in zip(group, outcomes, strict=True) if isinstance(outcome, HeldOther)]
            store.apply([next_step(each.item, outcome, now) for each, outcome in other], now)
            lost = [each for each, outcome in zip(group, outcomes, strict=True) if isinstance(outcome, NotHeld)]
            depth = store.depth(dataset) if resend else 0
            below[depth].extend(lost if depth else ())
            resent += store.resend(lost, now) if resend and lost and not depth else Resent()
            found.update(map(type, outcomes))
            failures.update(each.cause for each in outcomes if isinstance(each, QueryFailed))
        after = doubts[-1].item.id
    for part in (part for depth in sorted(below) for part in _pages(below[depth])):
        resent += store.resend(part, now)
    return Audit(found.total(), found[HeldOther], found[NotHeld], tuple(sorted(failures)), resent)


def _pages(doubts: Sequence[Doubt]) -> Iterator[Sequence[Doubt]]:
    """As many as one transaction takes."""
    yield from (doubts[start : start + _PAGE] for start in range(0, len(doubts), _PAGE))


def _compared(bureau: Bureau, institution: str, dataset: str, group: Sequence[Doubt]) -> Sequence[Outcome]:
    held = _ask(bureau, institution, dataset, group)
    return [held] * len(group) if isinstance(held, QueryFailed) else [_told(each, held[each.item.key]) for each in group]


def _rebuild(
    store: OutboxStore, bureau: Bureau, target: str, institution: str, dataset: str, group: Sequence[Doubt], now: datetime
) -> int:
    if not bureau.answers_queries:
        store.apply([next_step(each.item, GraceOver(), now) for each in group], now)
        return 0
    held = _ask(bureau, institution, dataset, group)
    if isinstance(held, QueryFailed):
        store.apply([next_step(each.item, held, now) for each in group], now)
        return 0
    store.rebuild(target, [(each, held[each.item.key]) for each in group], now)
    _log.warning("ledger_rebuilt", target=target, institution=institution, dataset=dataset, keys=len(group))
    return len(group)


def _look_into(store: OutboxStore, bureau: Bureau, institution: str, dataset: str, group: Sequence[Doubt]) -> Sequence[Outcome]:
    """Ask where the platform answers; else what the transaction's `replay` allows without asking."""
    if not bureau.answers_queries:
        return [_unasked(store, bureau, each) for each in group]
    held = _ask(bureau, institution, dataset, group)
    if isinstance(held, QueryFailed):
        return [held] * len(group)
    outcomes = [_told(each, held[each.item.key]) for each in group]
    _log.info("asked", institution=institution, dataset=dataset, records=len(group))
    return outcomes


def _unasked(store: OutboxStore, bureau: Bureau, doubt: Doubt) -> Outcome:
    """Take back before sending again, where the data set says so and a transaction to take back is declared."""
    if doubt.item.replay is not Replay.DELETE_AND_RESEND or not bureau.withdraws(doubt.dataset):
        return GraceOver()
    try:
        bureau.withdraw(doubt.institution, doubt.dataset, store.record(doubt))
    except (NotAdmittedError, NotDeliveredError, OutcomeUnknownError) as error:  # taking back twice takes back once
        return QueryFailed(str(error))
    except RefusedError as error:
        return NotWithdrawn(str(error))
    return Withdrawn()


def _ask(bureau: Bureau, institution: str, dataset: str, group: Sequence[Doubt]) -> Mapping[str, Holding] | QueryFailed:
    """What the platform holds, by key; every key of the group is in it."""
    question = Question(dataset, tuple(Asked(each.item.key, each.item.version) for each in group))
    try:
        found = {each.key: each for each in bureau.holdings(institution, question).holdings}
    except GatewayError as error:
        _log.warning("query_failed", institution=institution, dataset=dataset, cause=str(error))
        return QueryFailed(f"查询平台没有成功：{error}")
    if any(each.item.key not in found for each in group):
        return QueryFailed("查询平台没有成功：应答缺少所问的记录")
    return found


def _told(doubt: Doubt, holding: Holding) -> Outcome:
    """What the platform said of this very version."""
    same = holding.asked_version == doubt.item.version and holding.asked_hash == doubt.content_hash
    if holding.version > doubt.item.version or (holding.fate is Fate.ACCEPTED and not same):
        return HeldOther(holding.version)
    if same and holding.fate is Fate.ACCEPTED:
        return Held(holding.accepted_at)
    return SentBack(holding.reasons) if same and holding.fate is Fate.REJECTED else NotHeld()


def _by_dataset(doubts: Sequence[Doubt]) -> Mapping[_Group, list[Doubt]]:
    """One question is about one data set of one institution; of two versions of a key only one can be in flight."""
    groups: dict[_Group, list[Doubt]] = defaultdict(list)
    for each in doubts:
        groups[each.institution, each.dataset].append(each)
    return groups
