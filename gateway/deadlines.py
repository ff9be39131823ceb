"""When a record of an institution is due: the edition's cadence, and the days on which the institution is closed.

A closed day shifts no deadline unless the cadence says so (`closed_days`); it is shown, so that nobody takes it for silence.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from schemas import cadence, workdays
from schemas.model import Dataset, Edition
from schemas.wire import SHANGHAI

WEEKDAYS = ("周一", "周二", "周三", "周四", "周五", "周六", "周日")


@dataclass(frozen=True, slots=True)
class Closure:
    """The days on which an institution is closed, as its configuration says."""

    days: frozenset[date] = frozenset()
    weekdays: frozenset[int] = frozenset()  #: 0 is Monday

    def __call__(self, day: date) -> bool:
        """Whether it is closed that day."""
        return day in self.days or day.weekday() in self.weekdays


#: of an institution that named no closed day
NEVER = Closure()


def due_at(edition: Edition, dataset: Dataset, occurred: datetime, closed: Closure = NEVER) -> datetime:
    """The last moment at which a record of that business time is on time."""
    return cadence.due_at(edition.cadences[dataset.cadence], occurred, closed)


def earliest(edition: Edition, dataset: Dataset, after: datetime, closures: Collection[Closure]) -> datetime:
    """No record of a business time before it is due later than `after`."""
    back = timedelta(days=1)
    while any(due_at(edition, dataset, after - back, closed) > after for closed in (NEVER, *closures)):
        back *= 2
    return after - back


def remarks(edition: Edition, closures: Mapping[str, Closure], now: datetime) -> list[str]:
    """What a person has to know: due times that are only an estimate yet, and who is closed today."""
    today = now.astimezone(SHANGHAI).date()
    closed = [code for code, closure in closures.items() if closure(today)]
    return [*unknown_years(edition, now), *(f"机构 {code} 今天休业（按配置 institutions 的 closed）" for code in closed)]


def unknown_years(edition: Edition, now: datetime) -> list[str]:
    """A sentence for each year whose rest days are not known and in which something falls due by working days."""
    used = {dataset.cadence for dataset in edition.datasets.values() if dataset.uploaded}
    years = cadence.unknown_years((edition.cadences[name] for name in used), now.astimezone(SHANGHAI).date())
    return list(map(workdays.unknown, years))
