"""逐日报送: what of an institution's data set should be here of a business date, and what is. Pure.

Silence is never health: a day of which there are neither rows, nor a stated zero, nor a reason is 静默 once its limit is over.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from compliance.declared import Declaration
from schemas import cadence
from schemas.cadence import Closed
from schemas.manifest import Entry, digest
from schemas.model import Cadence
from schemas.wire import SHANGHAI

_DAY = timedelta(days=1)
_MOMENT = timedelta(microseconds=1)


class DayState(StrEnum):
    """What one business date of one data set of one institution comes to."""

    MATCHED = "相符"  #: everything that the manifest states is here, and on time
    ZERO = "零报"  #: the manifest states that there was nothing, and nothing is here
    PENDING = "未到期"  #: its limit is not over
    ELSEWHERE = "本月已报"  #: of a monthly data set: nothing of this day, something of the month
    UNPROVEN = "未核对"  #: rows are here, and no manifest that fits them
    LATE = "迟报"  #: all is here, some of it late
    OVERDUE = "逾期"  #: the manifest states rows that are still not here
    DIFFERING = "不符"  #: what is here is not what the manifest stated when it came
    DECLARED = "已申明"  #: missing or late, and declared before the deadline
    DECLARED_LATE = "申明过晚"  #: the same, declared after it
    CLOSED = "休业"  #: nothing, and the institution was closed
    EXEMPT = "缓建"  #: not assessed
    SILENT = "静默"  #: nothing at all, and nobody said why


#: those that somebody has to ask
WANTING = (DayState.LATE, DayState.OVERDUE, DayState.DIFFERING, DayState.DECLARED_LATE, DayState.SILENT)


@dataclass(frozen=True, slots=True)
class Arrival:
    """One version of a record as it was accepted."""

    dataset: str
    key: str
    version: int
    content_hash: str
    live: bool
    occurred_at: datetime
    accepted_at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Manifest:
    """One version of OP01 as it was accepted."""

    dataset: str
    day: date
    received_at: datetime
    read: int
    accepted: int
    zero: bool  #: it states that there was nothing to report
    outstanding: int  #: rows that are owed and were not accepted yet
    under_way: int  #: those of them that may be here nevertheless: no answer yet, or another platform is behind
    digest: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked of an institution, and what it said in advance."""

    cadence: Cadence
    manifests_by: Cadence  #: the limit of manifests
    closed: Closed
    deferred: bool
    declarations: Sequence[Declaration]
    open_for: timedelta  #: an open declaration counts so long


@dataclass(frozen=True, slots=True)
class DayCell:
    """One data set on one business date."""

    dataset: str
    day: date
    state: DayState
    due_at: datetime
    live: int = 0  #: records held, newest version, not void
    on_time: int = 0  #: keys first accepted in time, withdrawn ones included
    late: int = 0
    missing: int = 0  #: stated by the manifest and not here
    stated: int | None = None  #: accepted as the manifest says; None: there is none
    equal: bool | None = None  #: whether the manifest's digest is that of what is held; None: there is none
    revoked: bool = False  #: a zero was stated, and rows came after all
    excused: int = 0  #: of late and missing, those declared before the deadline

    @property
    def owed(self) -> int:
        """及时率's denominator: what is here and what is missing, without what is excused."""
        return self.on_time + self.late + self.missing - self.excused


@dataclass(frozen=True, slots=True)
class _Day:
    """What there is of the day."""

    keys: Mapping[str, Sequence[Arrival]]  #: every version of the keys whose newest one happened that day
    moved: Sequence[Sequence[Arrival]]  #: the same of the keys that were of that day once, and are of another one now
    manifests: Sequence[Manifest]

    @property
    def live(self) -> list[Arrival]:
        """What counts now."""
        return [versions[-1] for versions in self.keys.values() if versions[-1].live]

    @property
    def revoked(self) -> bool:
        """Whether the manifest said that there was nothing, and a row came after it."""
        zeros = [each.received_at for each in self.manifests if each.zero]
        firsts = (min(each.accepted_at for each in versions) for versions in self.keys.values())
        return bool(zeros) and any(first > min(zeros) for first in firsts)

    @property
    def late(self) -> int:
        """Keys whose first acceptance was late; a later correction makes nothing late."""
        firsts = (min(versions, key=lambda each: (each.accepted_at, each.version)) for versions in self.keys.values())
        return sum(each.accepted_at > each.due_at for each in firsts)


def cells(
    datasets: Mapping[str, Plan], days: Sequence[date], arrivals: Iterable[Arrival], manifests: Iterable[Manifest], now: datetime
) -> tuple[DayCell, ...]:
    """Every data set on every day, as of `now`; what came later must not be among what is given."""
    held, moved = _by_day(arrivals)
    stated: dict[tuple[str, date], list[Manifest]] = defaultdict(list)
    for each in sorted(manifests, key=lambda each: each.received_at):
        stated[each.dataset, each.day].append(each)
    heard = {(code, day.replace(day=1)) for (code, day), keys in held.items() if any(each[-1].live for each in keys.values())}
    return tuple(
        _cell(
            *(code, plan, day, _Day(held.get((code, day), {}), moved.get((code, day), ()), stated.get((code, day), ()))),
            *((code, day.replace(day=1)) in heard, now),
        )
        for code, plan in datasets.items()
        for day in days
    )


_Place = tuple[str, date]  #: data set and business date


def _by_day(arrivals: Iterable[Arrival]) -> tuple[dict[_Place, dict[str, list[Arrival]]], dict[_Place, list[list[Arrival]]]]:
    """Every key where its newest version says, and where its older versions said otherwise."""
    keys: dict[tuple[str, str], list[Arrival]] = defaultdict(list)
    for each in arrivals:
        keys[each.dataset, each.key].append(each)
    found: dict[_Place, dict[str, list[Arrival]]] = defaultdict(dict)
    moved: dict[_Place, list[list[Arrival]]] = defaultdict(list)
    for (dataset, key), versions in keys.items():
        versions.sort(key=lambda each: each.version)
        days = [each.occurred_at.astimezone(SHANGHAI).date() for each in versions]
        found[dataset, days[-1]][key] = versions
        for day in set(days) - {days[-1]}:
            moved[dataset, day].append(versions)
    return found, moved


def _cell(code: str, plan: Plan, day: date, found: _Day, in_month: bool, now: datetime) -> DayCell:
    begin = datetime.combine(day, time(), SHANGHAI)
    due = cadence.due_at(plan.cadence, begin + _DAY - _MOMENT, plan.closed)
    live, late = found.live, found.late
    manifest = found.manifests[-1] if found.manifests else None
    missing = max(0, manifest.accepted + manifest.outstanding - len(live)) if manifest and now > due else 0
    told = _told(plan, code, begin, due)
    in_time = told is not None and told <= due
    cell = DayCell(
        dataset=code,
        day=day,
        state=DayState.PENDING,
        due_at=due,
        live=len(live),
        on_time=len(found.keys) - late,
        late=late,
        missing=missing,
        stated=manifest.accepted if manifest else None,
        equal=_digest(live) == manifest.digest if manifest else None,
        revoked=found.revoked,
        excused=late + missing if in_time else 0,
    )
    reason = DayState.DECLARED if in_time else DayState.DECLARED_LATE if told else None
    return replace(cell, state=_state(cell, plan, found, reason, in_month, now))


def _state(cell: DayCell, plan: Plan, found: _Day, reason: DayState | None, in_month: bool, now: datetime) -> DayState:
    """The worst that is true of it."""
    if plan.deferred:
        return DayState.EXEMPT
    if not found.keys and not found.manifests:
        return _nothing(cell, plan, reason, in_month, now)
    if cell.equal is False and not _fitted(found, cell.day) and not _ahead(found):
        return DayState.DIFFERING
    if cell.missing:
        return reason or DayState.OVERDUE
    if cell.late:
        return reason or DayState.LATE
    if cell.equal:
        return DayState.MATCHED if found.keys or not found.manifests[-1].zero else DayState.ZERO
    begin = datetime.combine(cell.day, time(), SHANGHAI)
    wanted = cadence.due_at(plan.manifests_by, begin + _DAY - _MOMENT, plan.closed)
    return DayState.UNPROVEN if now > wanted else DayState.PENDING


def _nothing(cell: DayCell, plan: Plan, reason: DayState | None, in_month: bool, now: datetime) -> DayState:
    if plan.closed(cell.day):
        return DayState.CLOSED
    if now <= cell.due_at:
        return DayState.PENDING
    if plan.cadence.day_of_next_month and in_month:
        return DayState.ELSEWHERE
    return reason or DayState.SILENT


def _fitted(found: _Day, day: date) -> bool:
    """Whether the manifest was right about what was here when it came: rows that came or left since make it old, not wrong."""
    manifest = found.manifests[-1]
    then = _then((*found.keys.values(), *found.moved), manifest.received_at)
    return _digest(each for each in then if each.live and each.occurred_at.astimezone(SHANGHAI).date() == day) == manifest.digest


def _then(keys: Iterable[Sequence[Arrival]], moment: datetime) -> Iterator[Arrival]:
    """The newest version of each as of that moment."""
    for versions in keys:
        if known := [each for each in versions if each.accepted_at <= moment]:
            yield known[-1]


def _ahead(found: _Day) -> bool:
    """Whether more was here when the manifest came than it says, by no more than it says to be under way.

    Its digest is over what the gateway knows to be held, by every platform that it reports to: of a lost answer, or while another
    platform is behind, it cannot be that of what is here. The next manifest without such rows is held to it.
    """
    manifest = found.manifests[-1]
    here = sum(each.live for each in _then(found.keys.values(), manifest.received_at))
    return 0 < here - manifest.accepted <= manifest.under_way


def _told(plan: Plan, code: str, begin: datetime, due: datetime) -> datetime | None:
    """When it was first declared that the day, or the moment at which it is due, cannot be met."""
    spans = ((begin, begin + _DAY), (due - _MOMENT, due))
    times = (each.told_at(code, *span, plan.open_for) for each in plan.declarations for span in spans)
    return min(filter(None, times), default=None)


def _digest(entries: Iterable[Arrival]) -> str:
    return digest(Entry(each.key, each.version, each.content_hash) for each in entries)
