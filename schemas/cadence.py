"""When a record is due (DATASETS §5): one rule for the gateway that sends and the bureau that counts."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from schemas.model import Cadence
from schemas.wire import SHANGHAI

#: the last moment there is; a day short of the calendar's end, so that every time zone can write it
LAST = datetime(9999, 12, 30, tzinfo=SHANGHAI)


def due_at(cadence: Cadence, occurred: datetime) -> datetime:
    """The last moment at which a record of that business time is on time.

    Real time: so many minutes after. D+n: 24:00 n days after the business date, Asia/Shanghai.
    Monthly: 24:00 of the given day of the next month. Past the end of the calendar it is LAST: an old record may say any year.
    """
    try:
        return _due_at(cadence, occurred)
    except OverflowError:
        return LAST


def _due_at(cadence: Cadence, occurred: datetime) -> datetime:
    local = occurred.astimezone(SHANGHAI)
    if cadence.minutes is not None:
        return local + timedelta(minutes=cadence.minutes)
    if cadence.days is not None:
        return _end_of(local, cadence.days)
    first = (local.replace(day=1) + timedelta(days=32)).replace(day=1)
    return _end_of(first, (cadence.day_of_next_month or 1) - 1)


def _end_of(day: datetime, days_later: int) -> datetime:
    """24:00 of the day so many days later, which is midnight of the day after it."""
    return datetime.combine(day.date() + timedelta(days=days_later + 1), time(), SHANGHAI)
