"""What a person must mend, as values: one task for each local row that is wrong, with every reason in the site's own words.

A task begins when the row is first seen wrong, ends by itself when it is right, and has a deadline (DESIGN.md §4: the
correction clock). The store finds the rows, `gateway.mending` puts both together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from gateway import redaction
from gateway.advice import advice
from gateway.deadlines import NEVER, Closure
from gateway.errors import ConfigError
from schemas import cadence
from schemas.model import Dataset, DayOff, Edition, Field, Violation
from schemas.wire import SHANGHAI

#: name, among the edition's cadences, of the time that a person has to mend a row
CORRECTION = "correction"
#: rules that blame no row: a look-up that raced with an edit, and withdrawals that wait for a person
_BLAMELESS = frozenset({"vanished", "mass_void", "mass_void_allowed", "shredded"})
#: characters of a note, and of a name
NOTE_LENGTH, OWNER_LENGTH = 500, 40
_INDEX = re.compile(r"\[\d+\]")
_STEP = re.compile(r"([^.\[\]]+)(?:\[(\d+)\])?")
#: columns that fill a field of a data set of a source; () where nobody knows
Columns = Callable[[str, str, str], tuple[str, ...]]


class TaskKind(StrEnum):
    """Why a row is a person's work."""

    MEND = "mend"  #: it does not pass, and was never reported
    RETURNED = "returned"  #: the platform sent it back
    OUTDATED = "outdated"  #: it does not pass any more, and the platform shows what it was before


#: in the words of a screen
KIND_WORDS = {TaskKind.MEND: "待改正", TaskKind.RETURNED: "平台退回", TaskKind.OUTDATED: "平台仍为旧值"}


@dataclass(frozen=True, slots=True, order=True)
class LocalRow:
    """A row of a site, by which a task is known."""

    source: str
    dataset: str
    ref: str


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that is wrong with a row."""

    rule: str
    message: str  #: Chinese; carries no value
    field: str = ""  #: of the interface; "" where it is no field's fault
    label: str = ""  #: its Chinese name
    columns: tuple[str, ...] = ()  #: of the site's query, that fill it
    value: str = ""  #: as far as it may be shown; "" where there is none, or nothing was kept of it
    advice: str = ""  #: what to do, where the rule tells
    target: str = ""  #: the platform that says so; "": we do

    @property
    def told(self) -> str:
        """One sentence: who says it, what is wrong, where it stands at the site, and what stands there."""
        says = f"平台 {self.target}：" if self.target else ""
        column = f"本地列 {'、'.join(self.columns)}" if self.columns else ""
        where = "，".join(part for part in (column, f"现在的值 {self.value}" if self.value else "") if part)
        return f"{says}{self.message}" + (f"〔{where}〕" if where else "")


@dataclass(frozen=True, slots=True)
class TaskNote:
    """An entry in the history of a task: who has it and what is to be said of it, as they are from then on."""

    owner: str
    note: str
    written_at: datetime
    written_by: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A wrong row as the store knows it; what costs nothing to know of thousands."""

    row: LocalRow
    kind: TaskKind
    since: datetime
    institution: str
    key: str
    document: str
    department: str
    occurred_at: datetime | None
    targets: tuple[str, ...] = ()  #: that sent it back
    note: TaskNote | None = None  #: the latest entry, of this task or of one before it

    @property
    def current(self) -> TaskNote | None:
        """The latest entry, unless it was written for an earlier task of the row."""
        return self.note if self.note and self.note.written_at >= self.since else None


@dataclass(frozen=True, slots=True)
class Age:
    """Wrong rows that are alike: of one institution, of one kind, wrong since the same hour."""

    institution: str
    since: datetime  #: the beginning of the hour
    kind: TaskKind
    rows: int


@dataclass(frozen=True, slots=True)
class Complaint:
    """What is said of a row, by us or by a target, and the values it is said of."""

    reasons: tuple[Violation, ...]
    content: Mapping[str, Any]  #: wire form; empty where it was shredded
    target: str = ""
    rival: str = ""  #: the row that has its key already


@dataclass(frozen=True, slots=True)
class Task:
    """A row that a person must mend."""

    row: LocalRow
    kind: TaskKind
    institution: str
    key: str
    document: str  #: the number by which the site's people find it
    department: str
    occurred_at: datetime | None
    since: datetime
    deadline: datetime | None  #: None where the edition sets none
    owner: str = ""
    note: str = ""
    reasons: tuple[Reason, ...] = ()
    rival: str = ""

    @property
    def number(self) -> str:
        """Its local number as far as it may be shown: a site may have made it of a person's."""
        return redaction.shown(self.row.ref)

    def left(self, now: datetime) -> timedelta | None:
        """Time until the deadline; negative once it is over."""
        return self.deadline - now if self.deadline else None

    @property
    def last_day(self) -> date | None:
        """The last day of the deadline, in Shanghai: at its 24:00 the time is over."""
        return (self.deadline - timedelta(microseconds=1)).astimezone(SHANGHAI).date() if self.deadline else None

    def left_told(self, now: datetime) -> str:
        """The same in words, in days of the calendar."""
        if self.last_day is None:
            return "没有期限"
        days = (self.last_day - now.astimezone(SHANGHAI).date()).days
        if days == 0:
            return "今天到期"
        return f"还剩 {days} 天" if days > 0 else f"已超期 {-days} 天"

    @property
    def advice(self) -> tuple[str, ...]:
        """What to do, each thing once."""
        return tuple(dict.fromkeys(each.advice for each in self.reasons if each.advice))


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Which tasks a person means; "" and None match everything."""

    source: str = ""
    dataset: str = ""
    institution: str = ""
    department: str = ""
    owner: str = ""
    reason: str = ""  #: words that its reasons contain, or the id of a rule
    key: str = ""
    word: str = ""  #: its local number, document number or business key, exactly
    kind: TaskKind | None = None
    first: date | None = None  #: of its business date; of a row without one, of the day since which it is wrong
    last: date | None = None
    due_within: timedelta | None = None  #: overdue ones are always within
    row: LocalRow | None = None

    @property
    def narrow(self) -> bool:
        """Whether it leaves anything out."""
        return self != TaskFilter()

    def holds(self, found: Finding, deadline: datetime | None, now: datetime) -> bool:
        """What is not asked of the store: the owner and the deadline."""
        owner = found.current.owner if found.current else ""
        late = self.due_within is None or (deadline is not None and deadline - now <= self.due_within)
        return late and (not self.owner or owner == self.owner)

    def span(self) -> tuple[datetime | None, datetime | None]:
        """[start, end) of the business time."""
        last = self.last + timedelta(days=1) if self.last else None
        return _midnight(self.first), _midnight(last)


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of tasks that were tried once more."""

    looked: int = 0  #: looked up at their source and judged again
    right: int = 0  #: of them, those that are right now
    absent: int = 0  #: of them, those that the source does not have: left as they are
    requeued: int = 0  #: deliveries that go out once more as they are
    unreadable: tuple[str, ...] = ()  #: why some could not be looked up, in Chinese

    def __add__(self, other: Replayed) -> Replayed:
        return Replayed(
            self.looked + other.looked,
            self.right + other.right,
            self.absent + other.absent,
            self.requeued + other.requeued,
            tuple(dict.fromkeys((*self.unreadable, *other.unreadable))),
        )


@dataclass(frozen=True, slots=True)
class TaskPage:
    """Some of the tasks that were asked for, soonest deadline first."""

    tasks: tuple[Task, ...]
    total: int  #: that match
    overdue: int  #: of them
    kinds: Mapping[TaskKind, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stack:
    """What one department has to mend."""

    department: str
    kinds: Mapping[TaskKind, int]
    late: int  #: of them, those whose time is over
    tasks: Iterable[Task]  #: soonest deadline first; read from the store as they are asked for, and once

    @property
    def total(self) -> int:
        """How many there were when they were counted."""
        return sum(self.kinds.values())


def blames(reasons: Collection[Violation]) -> bool:
    """Whether the row itself is at fault."""
    return any(reason.rule not in _BLAMELESS for reason in reasons)


def deadline(edition: Edition, since: datetime, closed: Closure = NEVER) -> datetime | None:
    """When a row that is wrong since then should be right; None where the edition says nothing."""
    limit = edition.cadences.get(CORRECTION)
    return cadence.due_at(limit, since, closed) if limit else None


def by_day(edition: Edition, closures: Collection[Closure]) -> bool:
    """Whether all rows that are wrong since one day have one deadline, and those of an earlier day no later one.

    Not where the limit is in minutes, or where closed days move it and institutions are closed on different days.
    """
    limit = edition.cadences.get(CORRECTION)
    moved = limit is not None and DayOff.CLOSED in (*limit.skip, *limit.postpone)
    return (limit is None or limit.minutes is None) and (not moved or len(set(closures)) <= 1)


def task(found: Finding, due: datetime | None, said: Sequence[Complaint], dataset: Dataset | None, columns: Columns) -> Task:
    """A task with its reasons. `dataset`: None of one that the edition does not have any more."""
    entry = found.current
    reasons = [_reason(reason, each, found.row, dataset, columns) for each in said for reason in each.reasons]
    return Task(
        row=found.row,
        kind=found.kind,
        institution=found.institution,
        key=redaction.shown(found.key),
        document=redaction.shown(found.document),
        department=redaction.shown(found.department),
        occurred_at=found.occurred_at,
        since=found.since,
        deadline=due,
        owner=entry.owner if entry else "",
        note=entry.note if entry else "",
        reasons=tuple(dict.fromkeys(reasons)),
        rival=next((redaction.shown(each.rival) for each in said if each.rival), ""),
    )


def _reason(reason: Violation, of: Complaint, row: LocalRow, dataset: Dataset | None, columns: Columns) -> Reason:
    spec = _spec(dataset, reason.field)
    filled_by = columns(row.source, row.dataset, reason.field) if spec else ()
    return Reason(
        rule=reason.rule,
        message=reason.message,
        field=reason.field,
        label=spec.label if spec else "",
        columns=filled_by,
        value=_value(spec, reason.field, of.content),
        advice=advice(reason.rule, ours=not of.target),
        target=of.target,
    )


def _spec(dataset: Dataset | None, path: str) -> Field | None:
    """The field a reason points at; that of a child row for `drugs[0].drug_codg`."""
    specs, found = dataset.fields if dataset else (), None
    for name in path.split("."):
        found = next((spec for spec in specs if spec.name == _INDEX.sub("", name)), None)
        if found is None:
            return None
        specs = found.fields
    return found


def _value(spec: Field | None, path: str, content: Mapping[str, Any]) -> str:
    """Of the record, or of the line that the path points at."""
    value: Any = content
    for name, number in _STEP.findall(path):
        value = value.get(name) if isinstance(value, Mapping) else None
        if number:
            value = value[int(number)] if isinstance(value, list) and int(number) < len(value) else None
    return redaction.value(spec, value) if spec and isinstance(value, str) and value else ""


def checked_note(note: str) -> str:
    """A note that may be kept and shown: one line without a number of a person. ConfigError if it is none."""
    return _checked(note, NOTE_LENGTH, f"备注须写成一行、不超过 {NOTE_LENGTH} 字，不能有证件号、电话、卡号")


def checked_owner(owner: str) -> str:
    """The name or department of who sees to it, likewise."""
    return _checked(owner, OWNER_LENGTH, f"负责人须写成一行、不超过 {OWNER_LENGTH} 字，不能有证件号、电话、卡号")


def _checked(text: str, longest: int, told: str) -> str:
    if redaction.shown(text, longest) != text:
        raise ConfigError(told)
    return text


def _midnight(day: date | None) -> datetime | None:
    return datetime(day.year, day.month, day.day, tzinfo=SHANGHAI) if day else None
