"""Silence is told by what is usual at this hour of such a day, by the data set's own history."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta

import pytest

from gateway.rhythm import silence
from schemas import workdays
from schemas.wire import SHANGHAI

PLACE = ("his", "HD03")
WEDNESDAY = datetime(2026, 11, 25, 15, 30, tzinfo=SHANGHAI)


def never(day: date) -> bool:
    return False


def history(now: datetime, rows: int = 10, days: int = 60, hours: range = range(8, 18)) -> dict[datetime, int]:
    """So many rows in each of these hours of every working day before today."""
    midnight = now.replace(hour=0, minute=0)
    return {
        midnight - timedelta(days=back) + timedelta(hours=hour): rows
        for back in range(1, days)
        for hour in hours
        if not workdays.is_rest_day((midnight - timedelta(days=back)).date())
    }


def usual(hours: dict[datetime, int], now: datetime, closed: Callable[[date], bool] = never) -> int | None:
    found = silence(PLACE, hours, now, closed=closed, rests=workdays.is_rest_day)
    return found.usual if found else None


def test_a_morning_without_a_row_is_held_against_the_same_hours_of_such_days() -> None:
    found = silence(PLACE, history(WEDNESDAY), WEDNESDAY, closed=never, rests=workdays.is_rest_day)
    assert found is not None
    assert (found.usual, found.since) == (70, WEDNESDAY.replace(hour=0, minute=0))
    assert found.days >= 6


def test_a_row_of_today_begins_the_stretch_anew() -> None:
    hours = history(WEDNESDAY) | {WEDNESDAY.replace(hour=12, minute=0): 3}
    found = silence(PLACE, hours, WEDNESDAY, closed=never, rests=workdays.is_rest_day)
    assert found is not None
    assert (found.since.hour, found.usual) == (13, 20)
    hours[WEDNESDAY.replace(hour=15, minute=0)] = 1
    assert usual(hours, WEDNESDAY) is None


@pytest.mark.parametrize("at", [datetime(2026, 11, 25, 7, 30, tzinfo=SHANGHAI), datetime(2026, 11, 22, 15, 30, tzinfo=SHANGHAI)])
def test_before_the_doors_open_and_on_a_sunday_nothing_is_missing(at: datetime) -> None:
    assert usual(history(at), at) == 0


def test_a_holiday_is_not_held_against_working_days() -> None:
    national_day = datetime(2026, 10, 1, 15, 30, tzinfo=SHANGHAI)
    assert workdays.is_rest_day(national_day.date())
    assert usual(history(national_day), national_day) is None


def test_a_closed_day_is_no_silence_and_closed_days_of_the_past_do_not_count() -> None:
    assert usual(history(WEDNESDAY), WEDNESDAY, lambda day: day == WEDNESDAY.date()) is None
    past = {WEDNESDAY.date() - timedelta(weeks=week) for week in range(1, 5)}
    hours = {hour: rows for hour, rows in history(WEDNESDAY).items() if hour.date() not in past}
    assert usual(hours, WEDNESDAY) in (0, 35), "half of the days without a row hide the rhythm"
    assert usual(hours, WEDNESDAY, past.__contains__) == 70


def test_a_bulk_load_does_not_make_a_quiet_clinic_loud() -> None:
    hours = history(WEDNESDAY, rows=0) | {WEDNESDAY.replace(hour=10, minute=0) - timedelta(weeks=2): 500_000}
    assert usual(hours, WEDNESDAY) == 0


def test_the_first_weeks_say_nothing() -> None:
    assert usual(history(WEDNESDAY, days=15), WEDNESDAY) is None
    assert usual({}, WEDNESDAY) is None


def test_midnight_ends_no_silence_a_row_does() -> None:
    """Nothing came on Wednesday. "Over" at midnight would be a lie, and the next morning's alarm a second one."""
    hours = history(WEDNESDAY)
    night = datetime(2026, 11, 26, 0, 10, tzinfo=SHANGHAI)
    for now, missing in ((night, 100), (night.replace(hour=7), 100), (night.replace(hour=10), 120)):
        found = silence(PLACE, hours, now, closed=never, rests=workdays.is_rest_day)
        assert found is not None
        assert (found.since, found.usual) == (WEDNESDAY.replace(hour=0, minute=0), missing)
    for row in (night.replace(minute=0), night.replace(hour=9, minute=0)):
        assert usual(hours | {row: 1}, night.replace(hour=9, minute=30)) in (None, 10)
    assert usual(hours | {night.replace(minute=0): 1}, night) is None, "within the hour that is not over yet"


def test_a_long_silence_is_followed_back_a_week_and_no_further() -> None:
    later = WEDNESDAY + timedelta(days=40)
    found = silence(PLACE, history(WEDNESDAY), later, closed=never, rests=workdays.is_rest_day)
    assert found is None or later - found.since <= timedelta(days=9)
