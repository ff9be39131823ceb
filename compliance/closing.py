"""休业: the days on which an institution is closed, as it told the bureau. Pure.

A closed day excuses silence, and moves a limit only where the edition's cadence says so (`closed_days`). Whenever a closure
is entered, records received before are judged by it as if it had been known: see `compliance.store.closures`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from compliance.errors import ComplianceError
from schemas.cadence import Closed
from schemas.model import DayOff, Edition

WEEKDAYS = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")
#: an institution that is closed for longer is taken off the roster; and a limit that skips closed days has to end some day
LONGEST = timedelta(days=366)
_REASON = 200
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Closure:
    """Days of one institution: each from the first to the last, or such weekdays of them."""

    institution: str  #: fixmedins_code
    first: date
    last: date | None  #: None: until it is removed; of weekly closed days only
    weekdays: frozenset[int]  #: 0 is Monday; empty: every day
    reason: str
    entered_by: str
    entered_at: datetime
    id: int = 0  #: 0 before it is stored

    def __call__(self, day: date) -> bool:
        """Whether it is closed that day."""
        return (
            self.first <= day and (self.last is None or day <= self.last) and (not self.weekdays or day.weekday() in self.weekdays)
        )

    @property
    def days(self) -> str:
        """In Chinese, as a person reads it."""
        if self.first == self.last:
            return f"{self.first}"
        weekly = "每" + "、".join(WEEKDAYS[number] for number in sorted(self.weekdays)) if self.weekdays else ""
        span = f"{self.first} 至 {self.last}" if self.last else f"{self.first} 起"
        return f"{span}{weekly and f'，{weekly}'}"


def calendar(closures: Iterable[Closure]) -> Closed:
    """Whether any of them closes a day."""
    found = tuple(closures)
    return lambda day: any(closure(day) for closure in found)


def since(closed: Closed, day: date) -> date | None:
    """The first of the closed days in a row that `day` is one of; None if it is not closed."""
    if not closed(day):
        return None
    for _ in range(LONGEST.days):
        if not closed(day - _DAY):
            break
        day -= _DAY
    return day


def faults(closure: Closure) -> Iterator[str]:
    """What is wrong with one, each in a sentence."""
    if closure.last is None and not closure.weekdays:
        yield "没有写到哪天为止（只有每周固定的休业日可以不写）"
    if closure.last is not None and closure.last < closure.first:
        yield "结束日期早于开始日期"
    if not closure.reason or len(closure.reason) > _REASON:
        yield f"须写明原因，不超过 {_REASON} 字"


def check(closures: Iterable[Closure]) -> None:
    """ComplianceError if together they leave no open day for longer than is possible."""
    found = tuple(closures)
    closed = calendar(found)
    for start in {closure.first for closure in found}:
        if all(closed(start + timedelta(days=number)) for number in range(LONGEST.days + 1)):
            raise ComplianceError(f"从 {start} 起连续休业超过 {LONGEST.days} 天，没有录入；长期停业的请在名册里处理")


def counting(edition: Edition) -> tuple[str, ...]:
    """The data sets whose limit depends on closed days."""
    cadences = {name for name, each in edition.cadences.items() if DayOff.CLOSED in (*each.skip, *each.postpone)}
    return tuple(code for code, dataset in edition.datasets.items() if dataset.cadence in cadences)
