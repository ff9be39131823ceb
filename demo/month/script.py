"""The script: who works when, and what goes wrong on which day of October 2026. Everything said of a day is held against it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from schemas import workdays
from schemas.wire import SHANGHAI

#: the weeks before the month give every data set a rhythm: silence is told by what is usual
BEGINS, FIRST, LAST = date(2026, 9, 7), date(2026, 10, 1), date(2026, 10, 31)
HOSPITAL, CLINIC, CENTRE = "H99000200001", "H99000200002", "H99000200003"
NAMES = {HOSPITAL: "云溪区第二医院", CLINIC: "云溪区安康诊所", CENTRE: "云溪区康复中心"}
DATASETS = ("RX01", "RH02")
#: when rows are stored; the gateways read five minutes later
HOURS = (8, 12, 16)
#: rows of each data set at each of these hours
ROWS = 6
_FIVE = timedelta(minutes=5)

#: 国庆放假: the rehabilitation centre announced it, in its configuration and to the bureau; Sundays it is closed anyway
CLOSED = tuple(date(2026, 10, day) for day in range(1, 8))
#: 断网: the hospital's line to the bureau is cut for a day, nobody declares anything
CUT = (datetime(2026, 10, 13, 9, tzinfo=SHANGHAI), datetime(2026, 10, 13, 18, tzinfo=SHANGHAI))
#: 申明停机: the centre moves its server, told the evening before
DECLARED_ON = datetime(2026, 10, 13, 20, tzinfo=SHANGHAI)
MOVED = (datetime(2026, 10, 14, 6, tzinfo=SHANGHAI), datetime(2026, 10, 15, 7, tzinfo=SHANGHAI))
#: 零日: the clinic has no patient on a working Friday; two days later somebody enters a prescription of it
EMPTY, ENTERED_AFTER_ALL = date(2026, 10, 16), datetime(2026, 10, 18, 15, 55, tzinfo=SHANGHAI)
#: 补录: a treatment of Monday is entered on Thursday
LATE_OF, LATE_ON = date(2026, 10, 19), datetime(2026, 10, 22, 11, 55, tzinfo=SHANGHAI)
#: 静默: the clinic's gateway is off for three days and nobody says so
OFF = (datetime(2026, 10, 26, 6, tzinfo=SHANGHAI), datetime(2026, 10, 29, 7, tzinfo=SHANGHAI))


@dataclass(frozen=True, slots=True)
class Row:
    """What an institution's people enter."""

    institution: str
    dataset: str
    at: datetime  #: business time
    entered: datetime


def days() -> list[date]:
    """From the first day of the rhythm to the last of the month."""
    return [BEGINS + timedelta(days=number) for number in range((LAST - BEGINS).days + 1)]


def works(institution: str, day: date) -> bool:
    """Whether there are patients: in the hospital every day, in the clinic on working days, in the centre but on Sundays."""
    if institution == CLINIC:
        return not workdays.is_rest_day(day) and day != EMPTY
    return not closed(institution, day)


def closed(institution: str, day: date) -> bool:
    """Whether it has announced to be closed."""
    return institution == CENTRE and (day in CLOSED or day.weekday() == 6)


def running(institution: str, moment: datetime) -> bool:
    """Whether its gateway runs."""
    stretch = {CENTRE: MOVED, CLINIC: OFF}.get(institution)
    return stretch is None or not stretch[0] <= moment < stretch[1]


def reachable(institution: str, moment: datetime) -> bool:
    """Whether its line to the bureau is up."""
    return institution != HOSPITAL or not CUT[0] <= moment < CUT[1]


def rows(day: date) -> Iterator[Row]:
    """What is entered that day, in order of entry."""
    for hour in HOURS:
        moment = datetime.combine(day, time(hour), SHANGHAI) - _FIVE
        for institution in NAMES:
            for dataset in DATASETS if works(institution, day) else ():
                yield from (Row(institution, dataset, moment, moment) for _ in range(ROWS))
        if moment == ENTERED_AFTER_ALL:
            yield Row(CLINIC, "RX01", datetime.combine(EMPTY, time(10), SHANGHAI), moment)
        if moment == LATE_ON:
            yield Row(HOSPITAL, "RH02", datetime.combine(LATE_OF, time(10), SHANGHAI), moment)
