"""The look-back follows how late rows really come, between its bounds, and says so when they come later and later."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from gateway.lookback import STEPS, Bounds, alarm, look_back, step, tail

BOUNDS = Bounds(timedelta(days=3), timedelta(days=31))
TODAY = date(2026, 11, 25)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def days(rows: int, late: timedelta, first: int, last: int) -> dict[date, dict[int, int]]:
    """So many rows that late on each of the days so long ago."""
    return {TODAY - timedelta(days=ago): {step(late): rows} for ago in range(first, last + 1)}


@pytest.mark.parametrize(("late", "upper"), [(timedelta(0), MINUTE), (MINUTE, MINUTE), (2 * DAY, 2 * DAY), (9000 * DAY, STEPS[-1])])
def test_a_delay_is_counted_in_the_step_that_holds_it(late: timedelta, upper: timedelta) -> None:
    assert STEPS[step(late)] == upper


def test_the_tail_is_what_999_of_1000_rows_keep() -> None:
    assert tail({step(MINUTE): 9990, step(10 * DAY): 10}) == MINUTE
    assert tail({step(MINUTE): 9989, step(10 * DAY): 11}) == 10 * DAY
    assert tail({}) is None


def test_nothing_observed_gives_the_floor() -> None:
    assert look_back({}, BOUNDS) == BOUNDS.floor


def test_late_rows_lengthen_the_look_back_up_to_the_cap() -> None:
    assert look_back(days(100, MINUTE, 0, 13), BOUNDS) == BOUNDS.floor
    assert look_back(days(100, 9 * DAY, 0, 13), BOUNDS) == 10 * DAY
    assert look_back(days(100, 90 * DAY, 0, 13), BOUNDS) == BOUNDS.cap


def test_a_growing_tail_raises_an_alarm_that_says_from_what_to_what() -> None:
    calm = days(100, 2 * DAY, 2, 13)
    assert alarm(calm | days(100, 2 * DAY, 0, 1), TODAY, BOUNDS) == ""
    assert "近 2 天为 7 天，此前为 2 天" in alarm(calm | days(100, 6 * DAY, 0, 1), TODAY, BOUNDS)


def test_a_tail_beyond_the_cap_raises_an_alarm() -> None:
    assert "超过回看上限 31 天" in alarm(days(100, 60 * DAY, 0, 13), TODAY, BOUNDS)


def test_a_handful_of_late_rows_below_the_floor_is_no_alarm() -> None:
    calm = days(100, MINUTE, 2, 13)
    assert alarm(calm | days(100, DAY, 0, 1), TODAY, BOUNDS) == ""
    assert alarm(calm | days(5, 9 * DAY, 0, 1), TODAY, BOUNDS) == ""
