"""What a cross-record rule compares: the parameters of each kind of the closed set. Frozen, no I/O.

Every kind names the fields it reads, so that a rule can be held against an edition and only those fields be kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

from schemas.model import Condition, FieldType

NUMERIC = (FieldType.NUMBER,)
CLOCK = (FieldType.DATETIME,)
DAY = (FieldType.DATE, FieldType.DATETIME)
ANY = (FieldType.TEXT, FieldType.NUMBER, FieldType.DATE, FieldType.DATETIME)


class Unlisted(StrEnum):
    """What a stocktake means by an item it does not list."""

    ZERO = "zero"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Ref:
    """A field that a rule reads, with the types that make sense there. `rows.field` is a field of a child row."""

    dataset: str
    field: str
    types: tuple[FieldType, ...] = ANY


@dataclass(frozen=True, slots=True)
class Term:
    """Records of one data set as an account sees them: to which group each belongs, how much, and when."""

    dataset: str
    group: tuple[str, ...]  #: fields; equal by position with the other terms' groups
    amount: str = ""  #: field; "": each record counts one
    at: str = ""  #: field; "": time does not matter
    where: Condition | None = None  #: only records whose field holds one of the values

    def refs(self) -> Iterator[Ref]:
        """Every field it reads."""
        yield from (Ref(self.dataset, name) for name in self.group)
        if self.amount:
            yield Ref(self.dataset, self.amount, NUMERIC)
        if self.at:
            yield Ref(self.dataset, self.at, DAY)
        if self.where:
            yield Ref(self.dataset, self.where.field)


@dataclass(frozen=True, slots=True)
class Pair:
    """A field of the child and the parent's field it must equal; by day when one is a date."""

    child: str
    parent: str
    by_day: bool = False


@dataclass(frozen=True, slots=True)
class Window:
    """The child's time lies within the hours of the parent's shift, counted from midnight of the parent's date."""

    at: str
    date: str
    shift: str
    hours: Mapping[str, tuple[timedelta, timedelta]]  #: shift -> first moment, last moment; more than 24 h is the next day


@dataclass(frozen=True, slots=True)
class Between:
    """The child's day lies between two days of the parent, both included; an absent limit does not limit."""

    at: str
    begin: str
    end: str


@dataclass(frozen=True, slots=True)
class Within:
    """A child belongs to a parent: found by the first link whose fields the child has, then compared.

    Where several parents fit the link (lines of one order), one that agrees is enough.
    """

    child: str
    parent: str
    links: tuple[tuple[Pair, ...], ...]
    where: Condition | None = None  #: of the child
    day_begins: timedelta = timedelta()  #: what happens earlier belongs to the day before (night shift)
    same: tuple[Pair, ...] = ()
    window: Window | None = None
    between: Between | None = None
    parent_not: Condition | None = None

    def refs(self) -> Iterator[Ref]:
        """Every field it reads."""
        for pair in (*self.same, *(pair for link in self.links for pair in link)):
            types = DAY if pair.by_day else ANY
            yield Ref(self.child, pair.child, types)
            yield Ref(self.parent, pair.parent, types)
        if self.where:
            yield Ref(self.child, self.where.field)
        if self.parent_not:
            yield Ref(self.parent, self.parent_not.field)
        yield from self._times()

    def _times(self) -> Iterator[Ref]:
        if self.window:
            yield Ref(self.child, self.window.at, CLOCK)
            yield Ref(self.parent, self.window.date, DAY)
            yield Ref(self.parent, self.window.shift, (FieldType.TEXT,))
        if self.between:
            yield Ref(self.child, self.between.at, DAY)
            yield Ref(self.parent, self.between.begin, DAY)
            yield Ref(self.parent, self.between.end, DAY)


@dataclass(frozen=True, slots=True)
class Balance:
    """Opening + in - out = closing for each month and item; by lot where every record of the item names its lot."""

    closing: Term  #: the stocktake; `at` is the moment of the count, "": the end of the month
    month: str  #: field of the stocktake
    inward: tuple[Term, ...]
    outward: tuple[Term, ...]
    lot: str  #: field of the same name in every term; "": never by lot
    unit: str  #: field of the same name in every term; amounts in different units are not added up
    tolerance: Decimal
    unlisted: Unlisted

    def refs(self) -> Iterator[Ref]:
        """Every field it reads."""
        yield Ref(self.closing.dataset, self.month)
        for term in (self.closing, *self.inward, *self.outward):
            yield from term.refs()
            yield from (Ref(term.dataset, name) for name in (self.lot, self.unit) if name)


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What was used is not above what was allowed, for each group, over everything read.

    A group begins with its first stocktake, if it has one: what moved before that day no longer counts, and of that day
    itself only what speaks for the site, for nobody says whether the count came before or after.
    """

    allowed: tuple[Term, ...]
    withdrawn: tuple[Term, ...]  #: lowers what is allowed
    used: tuple[Term, ...]
    returned: tuple[Term, ...]  #: lowers what was used
    opening: Term | None  #: a stocktake
    opening_needed: bool  #: without it an excess is 无法核对, not a contradiction
    tolerance: Decimal

    def refs(self) -> Iterator[Ref]:
        """Every field it reads."""
        opening = (self.opening,) if self.opening else ()
        for term in (*opening, *self.allowed, *self.withdrawn, *self.used, *self.returned):
            yield from term.refs()


@dataclass(frozen=True, slots=True)
class Order:
    """Two times of one record stand in order. A date beside a time is compared by day."""

    dataset: str
    earlier: str
    later: str
    equal: bool  #: whether they may be equal

    def refs(self) -> Iterator[Ref]:
        """Every field it reads."""
        yield Ref(self.dataset, self.earlier, DAY)
        yield Ref(self.dataset, self.later, DAY)


@dataclass(frozen=True, slots=True)
class Precedes:
    """The first record of one kind comes before every record of the other kind of its group.

    With `unless`, an earlier record is a contradiction only if a stocktake from before it counted the same item (the group
    without its last field, the lot) and did not list this group; else what was read may begin too late: 无法核对.
    """

    before: Term
    after: Term
    unless: Term | None  #: what an earlier stocktake lists was there before anything that was read

    def refs(self) -> Iterator[Ref]:
        """Every field it reads."""
        for term in (self.before, self.after, *((self.unless,) if self.unless else ())):
            yield from term.refs()


@dataclass(frozen=True, slots=True)
class Overlap:
    """Records of one group do not overlap in time; one may begin when the other ends."""

    dataset: str
    group: tuple[str, ...]
    begin: str
    end: str

    def refs(self) -> Iterator[Ref]:
        """Every field it reads."""
        yield from (Ref(self.dataset, name) for name in self.group)
        yield Ref(self.dataset, self.begin, CLOCK)
        yield Ref(self.dataset, self.end, CLOCK)


@dataclass(frozen=True, slots=True)
class Repeat:
    """The same content is not recorded twice within so many seconds under two keys."""

    dataset: str
    same: tuple[str, ...]
    at: str
    seconds: int

    def refs(self) -> Iterator[Ref]:
        """Every field it reads."""
        yield from (Ref(self.dataset, name) for name in self.same)
        yield Ref(self.dataset, self.at, CLOCK)


@dataclass(frozen=True, slots=True)
class DoubleKey:
    """No business key comes twice, from one source or from two. `datasets` empty: every uploaded data set."""

    datasets: tuple[str, ...]

    def refs(self) -> Iterator[Ref]:
        """Every field it reads: the key is part of every record."""
        yield from ()


@dataclass(frozen=True, slots=True)
class Once:
    """A code is used up by one record, unless it came back."""

    used: Term  #: its group is the code's field, perhaps `rows.field`
    returned: Term

    def refs(self) -> Iterator[Ref]:
        """Every field it reads."""
        yield from self.used.refs()
        yield from self.returned.refs()


@dataclass(frozen=True, slots=True)
class Duration:
    """The stated minutes are not more than the clock allows."""

    dataset: str
    begin: str
    end: str
    minutes: str
    slack: Decimal

    def refs(self) -> Iterator[Ref]:
        """Every field it reads."""
        yield Ref(self.dataset, self.begin, CLOCK)
        yield Ref(self.dataset, self.end, CLOCK)
        yield Ref(self.dataset, self.minutes, NUMERIC)


@dataclass(frozen=True, slots=True)
class Least:
    """A number, or the difference of two, reaches a least value; a stated reason explains why not."""

    dataset: str
    field: str
    minus: str  #: field; "": nothing is taken off
    least: Decimal
    reason: str  #: field; "": nothing explains it
    exempt: Term | None = None  #: records of another kind that excuse those with the same values in the same fields

    def refs(self) -> Iterator[Ref]:
        """Every field it reads."""
        yield from (Ref(self.dataset, name, NUMERIC) for name in (self.field, self.minus) if name)
        if self.exempt:
            yield from self.exempt.refs()
            yield from (Ref(self.dataset, name) for name in self.exempt.group)
        if self.reason:
            yield Ref(self.dataset, self.reason)


Check = Within | Balance | Ceiling | Order | Precedes | Overlap | Repeat | DoubleKey | Once | Duration | Least
