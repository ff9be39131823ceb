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
_HOUR = timedelta(hours=1)

#: (source, data set) -> the beginning of an hour -> rows that were seen for the first time in it
Counts = Mapping[tuple[str, str], Mapping[datetime, int]]


@dataclass(frozen=True, slots=True)
class Silence:
    """No row came since then, although some usually do."""

    source: str
    dataset: str
    since: datetime
    usual: int  #: rows of an average such day in the same hours
    days: int  #: that were compared


def silence(
    place: tuple[str, str],
    hours: Mapping[datetime, int],
    now: datetime,
    *,
    closed: Callable[[date], bool],
    rests: Callable[[date], bool],
) -> Silence | None:
    """The stretch of today without a row; None on a closed day, or where nothing can be said.

    Only whole hours are compared, so a row that is a few minutes late raises nothing.
    """
    today = now.astimezone(SHANGHAI).date()
    midnight = datetime.combine(today, time(), SHANGHAI)
    latest = max((hour for hour, rows in hours.items() if rows and midnight <= hour <= now), default=None)
    since = latest + _HOUR if latest else midnight
    until = now.astimezone(SHANGHAI).replace(minute=0, second=0, microsecond=0)
    if closed(today) or since >= until:
        return None
    first = min((hour.astimezone(SHANGHAI).date() for hour in hours), default=today)
    alike = [
        back
        for back in (timedelta(weeks=week) for week in range(1, WEEKS + 1))
        if today - back > first and rests(today - back) == rests(today) and not closed(today - back)
    ]
    if len(alike) < _FEWEST:
        return None
    sums = [sum(rows for hour, rows in hours.items() if since - back <= hour < until - back) for back in alike]
    return Silence(*place, since, int(median(sums)), len(alike))
