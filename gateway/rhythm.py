"""When rows usually come, from the data set's own history: so silence is told by what is usual at this hour of such a day.

Such a day: the same weekday, a working day or a rest day like today, and not one on which the institution was closed. The
median over them leaves a bulk load or a day without power out of account.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from statistics import median

from schemas.wire import SHANGHAI

#: weeks of history that are looked at
WEEKS = 8
#: fewer comparable days say nothing
_FEWEST = 3
#: days that a silence is followed back
_REACH = 7
_HOUR, _MOMENT = timedelta(hours=1), timedelta(microseconds=1)

#: (source, data set) -> the beginning of an hour -> rows that were seen for the first time in it
Counts = Mapping[tuple[str, str], Mapping[datetime, int]]


@dataclass(frozen=True, slots=True)
class Silence:
    """No row came since then, although some usually do."""

    source: str
    dataset: str
    since: datetime
    usual: int  #: rows that usually come in the same hours of such days
    days: int  #: that were compared


def silence(
    place: tuple[str, str],
    hours: Mapping[datetime, int],
    now: datetime,
    *,
    closed: Callable[[date], bool],
    rests: Callable[[date], bool],
) -> Silence | None:
    """The stretch without a row up to now; None on a closed day, or where nothing can be said.

    Only whole hours are compared, so a row that is a few minutes late raises nothing. Midnight ends no silence: what was
    missing yesterday is missing still, until a row comes.
    """
    until = now.astimezone(SHANGHAI).replace(minute=0, second=0, microsecond=0)
    if any(rows and until <= hour <= now for hour, rows in hours.items()):
        return None
    return _before(place, hours, until, _REACH, closed, rests)


def _before(
    place: tuple[str, str],
    hours: Mapping[datetime, int],
    until: datetime,
    days: int,
    closed: Callable[[date], bool],
    rests: Callable[[date], bool],
) -> Silence | None:
    """The stretch without a row that ends at a full hour, `days` back at most."""
    day = (until - _MOMENT).date()
    midnight = datetime.combine(day, time(), SHANGHAI)
    latest = max((hour for hour, rows in hours.items() if rows and midnight <= hour < until), default=None)
    since = latest + _HOUR if latest else midnight
    if closed(day) or since >= until:
        return None
    found = _of_day(place, hours, (since.astimezone(SHANGHAI), until), closed, rests)
    earlier = _before(place, hours, midnight, days - 1, closed, rests) if latest is None and days else None
    if earlier is None or not earlier.usual:
        return found
    return Silence(*place, earlier.since, earlier.usual + found.usual, min(earlier.days, found.days)) if found else earlier


def _of_day(
    place: tuple[str, str],
    hours: Mapping[datetime, int],
    span: tuple[datetime, datetime],
    closed: Callable[[date], bool],
    rests: Callable[[date], bool],
) -> Silence | None:
    """What usually comes in that part of such a day."""
    since, until = span
    day = since.date()
    first = min((hour.astimezone(SHANGHAI).date() for hour in hours), default=day)
    alike = [
        back
        for back in (timedelta(weeks=week) for week in range(1, WEEKS + 1))
        if day - back > first and rests(day - back) == rests(day) and not closed(day - back)
    ]
    if len(alike) < _FEWEST:
        return None
    sums = [sum(rows for hour, rows in hours.items() if since - back <= hour < until - back) for back in alike]
    return Silence(*place, since, int(median(sums)), len(alike))
