"""When a record is due (DATASETS §5): one rule for the gateway that sends and the bureau that counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta

from schemas import workdays
from schemas.model import Cadence, DayOff
from schemas.wire import SHANGHAI

#: the last moment there is; a day short of the calendar's end, so that every time zone can write it
LAST = datetime(9999, 12, 30, tzinfo=SHANGHAI)
#: the longest limit there is ends so long after its business time, holidays included
_AHEAD = timedelta(days=75)
_DAY = timedelta(days=1)
Closed = Callable[[date], bool]


def open_always(day: date) -> bool:
    """Of an institution that has announced no closed day."""
    return False


def due_at(cadence: Cadence, occurred: datetime, closed: Closed = open_always) -> datetime:
    """The last moment at which a record of that business time is on time.

    Real time: so many minutes after. D+n: 24:00 n days after the business date, Asia/Shanghai.
    Monthly: 24:00 of the given day of the next month. Days to `skip` are not counted; if the last one is a day to `postpone`,
    it is the next that is none. `closed` says which days are the institution's own.
    Past the end of the calendar it is LAST: an old record may say any year.
    """
    try:
        return _due_at(cadence, occurred, closed)
    except OverflowError:
        return LAST


def unknown_years(cadences: Iterable[Cadence], today: date) -> tuple[int, ...]:
    """Years that limits running now may end in, and whose rest days nobody knows; () where no limit depends on them."""
    if not any(DayOff.REST in (*each.skip, *each.postpone) for each in cadences):
        return ()
    return tuple(year for year in sorted({today.year, (today + _AHEAD).year}) if not workdays.is_known(year))


def _due_at(cadence: Cadence, occurred: datetime, closed: Closed) -> datetime:
    local = occurred.astimezone(SHANGHAI)
    if cadence.minutes is not None:
        return local + timedelta(minutes=cadence.minutes)
    start, days = local.date(), cadence.days
    if days is None:
        start, days = end_of_month(start), cadence.day_of_next_month or 1
    last = _counted(start, days, cadence.skip, closed) if cadence.skip else start + timedelta(days=days)
    while _is_off(last, (*cadence.skip, *cadence.postpone), closed):
        last += _DAY
    return datetime.combine(last + _DAY, time(), SHANGHAI)  # its 24:00


def end_of_month(day: date) -> date:
    """The last day of its month."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1) - _DAY


def _counted(start: date, days: int, skip: tuple[DayOff, ...], closed: Closed) -> date:
    """The day that is so many after `start`, those to skip not counted."""
    last = start
    while days:
        last += _DAY
        days -= not _is_off(last, skip, closed)
    return last


def _is_off(day: date, kinds: tuple[DayOff, ...], closed: Closed) -> bool:
    return (DayOff.REST in kinds and workdays.is_rest_day(day)) or (DayOff.CLOSED in kinds and closed(day))
