"""Who held a late record, pure: the stretch from its deadline to its arrival is split among those in whose hands it was.

    occurred -> entered           临床录入, and the time of one poll more: so long nobody can know
    entered  -> first seen        HIS; 网关 while it did not run
    first seen -> taken in        临床录入: not finished, or to be corrected
    taken in -> accepted          网络, 平台, 网关, 临床录入 by what kept it (`PARTY_OF`); 网关 where nothing is known to have

Only what lies after the deadline is charged: whoever passed it on in time is not at fault for what followed. So the parts add
up to the lateness, and the record is charged to the one with the largest part.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from gateway.hindrance import Hindrance


class Party(StrEnum):
    """Whom lateness is charged to."""

    CLINICAL = "临床录入"
    HIS = "HIS"
    SITE = "院内"  #: entry or HIS: the site keeps no time of entry, so nobody can tell
    GATEWAY = "网关"
    NETWORK = "网络"
    PLATFORM = "平台"

    @property
    def told(self) -> str:
        """With what it means where the word alone does not say it."""
        return f"{self}（本地不记录入时间，分不清临床录入和 HIS）" if self is Party.SITE else str(self)


#: in whose hands a record is while this keeps it
PARTY_OF = {
    Hindrance.UNREACHABLE: Party.NETWORK,
    Hindrance.NO_ANSWER: Party.NETWORK,
    Hindrance.BUSY: Party.PLATFORM,
    Hindrance.REFUSED: Party.PLATFORM,
    Hindrance.NOT_ADMITTED: Party.GATEWAY,  # the site's key, address or edition: the gateway's people mend it
    Hindrance.CRASHED: Party.GATEWAY,
    Hindrance.REJECTED: Party.CLINICAL,  # what is wrong in a record is corrected where it was entered
    Hindrance.PARENT: Party.CLINICAL,
    Hindrance.UNREADABLE: Party.HIS,
    Hindrance.STOPPED: Party.GATEWAY,
    Hindrance.LOST: Party.PLATFORM,
    Hindrance.SHUT: Party.PLATFORM,
}


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch in which something kept the record, or everybody's."""

    kind: Hindrance
    began: datetime
    ended: datetime | None = None  #: None: until now

    def covers(self, at: datetime) -> bool:
        """Whether it lasted at that moment."""
        return self.began <= at and (self.ended is None or at < self.ended)


@dataclass(frozen=True, slots=True)
class History:
    """What is stored of one record on its way to one target."""

    due: datetime
    occurred: datetime
    entered: datetime | None  #: None: the site keeps no such time
    first_seen: datetime | None  #: its row; None: not yet
    taken_in: datetime | None  #: its first version; None: not yet, it is set aside
    sent: datetime | None = None  #: for the last time
    arrived: datetime | None = None  #: None: it is not there yet
    own: tuple[Span, ...] = ()  #: what kept this very record, in the order they began
    target: tuple[Span, ...] = ()  #: what kept everything from its target
    halts: tuple[Span, ...] = field(default=())  #: when the gateway did not run


def charge(history: History, poll: timedelta, now: datetime) -> Mapping[Party, timedelta]:
    """How long each had it in hand after its deadline; nothing of one that is not late."""
    end = history.arrived or now
    edges = sorted({history.due, end, *(at for at in _edges(history, poll) if history.due < at < end)})
    parts: dict[Party, timedelta] = defaultdict(timedelta)
    for began, ended in pairwise(edges):
        parts[holder(history, began, poll)] += ended - began
    return dict(parts) if end > history.due else {}


def charged(parts: Mapping[Party, timedelta]) -> Party:
    """The one with the largest part; of equal ones the earlier on the way."""
    return max(Party, key=lambda party: parts.get(party, timedelta()))


def holder(history: History, at: datetime, poll: timedelta) -> Party:
    """In whose hands the record was at that moment: the table at the head of this module, line by line."""
    if history.first_seen is None or at < history.first_seen:
        return _unseen(history, at, poll)
    if history.taken_in is None or at < history.taken_in:
        return Party.CLINICAL
    for span in _reasons(history):
        if span.covers(at):
            return PARTY_OF[span.kind]
    if history.sent is not None and at >= history.sent:
        return Party.PLATFORM  # it has it, and has not said so yet
    return Party.GATEWAY


def _reasons(history: History) -> Iterator[Span]:
    """What may have kept it, the nearest first. A parent that did not get through for an outage is not to blame for it."""
    yield from history.halts
    yield from (span for span in reversed(history.own) if span.kind is not Hindrance.PARENT)
    yield from history.target
    yield from (span for span in history.own if span.kind is Hindrance.PARENT)


def _unseen(history: History, at: datetime, poll: timedelta) -> Party:
    if history.entered is None:
        return Party.GATEWAY if _halted(history, at) else Party.SITE
    if at < history.entered + poll:
        return Party.CLINICAL
    return Party.GATEWAY if _halted(history, at) else Party.HIS


def _halted(history: History, at: datetime) -> bool:
    return any(span.covers(at) for span in history.halts)


def _edges(history: History, poll: timedelta) -> Iterator[datetime]:
    """Every moment at which it may have changed hands."""
    clocks = (history.entered and history.entered + poll, history.first_seen, history.taken_in, history.sent)
    yield from (at for at in clocks if at)
    for span in (*history.own, *history.target, *history.halts):
        yield span.began
        if span.ended:
            yield span.ended


def spans(found: Sequence[tuple[Hindrance, datetime, datetime | None]], sent: datetime | None) -> tuple[Span, ...]:
    """A record's delays in the order they began; one without an end lasted until the record was sent again."""
    ordered = sorted(found, key=lambda each: each[1])
    followers = [*(began for _, began, _ in ordered[1:]), sent]
    return tuple(
        Span(kind, began, ended or (follower if follower and follower > began else None))
        for (kind, began, ended), follower in zip(ordered, followers, strict=bool(ordered))
    )


@dataclass(frozen=True, slots=True)
class Track:
    """One record and its history; `history.own` is told of late ones only."""

    dataset: str
    institution: str
    ref: str  #: source and row at the site, for a person to look up; the key may name a person
    history: History


#: late records that are named
_WORST = 3


@dataclass
class Account:
    """One data set on its way to one target, on one day of deadlines."""

    dataset: str
    on_time: int = 0
    late: int = 0  #: arrived after its deadline
    overdue: int = 0  #: not there, although it should be
    pending: int = 0  #: not there, and not yet due
    parts: dict[Party, timedelta] = field(default_factory=dict)
    records: dict[Party, int] = field(default_factory=dict)  #: late and overdue ones charged to it
    worst: list[tuple[timedelta, str, str]] = field(default_factory=list)  #: lateness, charged to, row at the site

    @property
    def due(self) -> int:
        """All of them."""
        return self.on_time + self.late + self.overdue + self.pending

    def take(self, track: Track, poll: timedelta, now: datetime) -> None:
        """Count one record, and charge its lateness if there is any."""
        history = track.history
        parts = charge(history, poll, now)
        self.late += bool(history.arrived and parts)
        self.on_time += bool(history.arrived and not parts)
        self.overdue += bool(not history.arrived and parts)
        self.pending += bool(not history.arrived and not parts)
        if not parts:
            return
        party = charged(parts)
        self.records[party] = self.records.get(party, 0) + 1
        self.parts = {each: self.parts.get(each, timedelta()) + parts.get(each, timedelta()) for each in {*self.parts, *parts}}
        self.worst = sorted([*self.worst, (sum(parts.values(), timedelta()), str(party), track.ref)], reverse=True)[:_WORST]
