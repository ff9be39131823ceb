"""When a record is due, at the ends of days, months and years."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from schemas import workdays
from schemas.cadence import LAST, due_at, unknown_years
from schemas.model import Cadence, DayOff, Edition
from schemas.wire import SHANGHAI, encode_datetime

MONTHLY = Cadence("monthly", "每月", day_of_next_month=5)
D1 = Cadence("d1", "D+1日", days=1)
REALTIME = Cadence("realtime", "实时", minutes=10)


def at(text: str) -> datetime:
    """Shanghai wall clock."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("cadence", "occurred", "due"),
    [
        (REALTIME, "2026-01-05 08:00:00", "2026-01-05 08:10:00"),
        (REALTIME, "2026-12-31 23:55:00", "2027-01-01 00:05:00"),
        (D1, "2026-01-05 00:00:00", "2026-01-07 00:00:00"),
        (D1, "2026-01-05 23:59:59", "2026-01-07 00:00:00"),
        (D1, "2026-01-06 00:00:00", "2026-01-08 00:00:00"),
        (D1, "2028-02-28 12:00:00", "2028-03-01 00:00:00"),
        (D1, "2027-02-28 12:00:00", "2027-03-02 00:00:00"),
        (D1, "2026-12-31 12:00:00", "2027-01-02 00:00:00"),
        (MONTHLY, "2026-01-01 00:00:00", "2026-02-06 00:00:00"),
        (MONTHLY, "2026-01-31 23:59:59", "2026-02-06 00:00:00"),
        (MONTHLY, "2026-12-31 23:59:59", "2027-01-06 00:00:00"),
        (MONTHLY, "2028-02-29 12:00:00", "2028-03-06 00:00:00"),
        (Cadence("m", "每月", day_of_next_month=28), "2027-01-31 12:00:00", "2027-03-01 00:00:00"),
    ],
)
def test_due(cadence: Cadence, occurred: str, due: str) -> None:
    assert encode_datetime(due_at(cadence, at(occurred))) == due


REST, CLOSED = (DayOff.REST,), (DayOff.CLOSED,)


@pytest.mark.parametrize(
    ("days", "occurred", "due"),
    [
        (1, "2026-09-30 18:00:00", "2026-10-09 00:00:00"),  # 国庆 1 至 7 日
        (1, "2026-10-03 09:00:00", "2026-10-09 00:00:00"),
        (1, "2026-10-09 09:00:00", "2026-10-11 00:00:00"),  # 周六 10 日调休上班
        (2, "2026-10-09 09:00:00", "2026-10-13 00:00:00"),
        (0, "2026-10-03 09:00:00", "2026-10-09 00:00:00"),
        (1, "2026-02-13 09:00:00", "2026-02-15 00:00:00"),  # 周六 14 日上班，15 日起春节
        (1, "2026-02-14 09:00:00", "2026-02-25 00:00:00"),
        (1, "2026-11-24 09:00:00", "2026-11-26 00:00:00"),
    ],
)
def test_days_that_are_not_counted_pass_over_holidays_and_count_the_weekend_days_worked_for_them(
    days: int, occurred: str, due: str
) -> None:
    cadence = Cadence("d", "工作日", days=days, skip=REST)
    assert encode_datetime(due_at(cadence, at(occurred))) == due


def test_a_month_is_closed_on_the_fifth_working_day_or_on_the_next_after_the_fifth() -> None:
    occurred = at("2026-09-10 09:00:00")
    counted = Cadence("m", "次月第 5 个工作日", day_of_next_month=5, skip=REST)
    postponed = Cadence("m", "次月 5 日，遇节假日顺延", day_of_next_month=5, postpone=REST)
    assert encode_datetime(due_at(counted, occurred)) == "2026-10-14 00:00:00"  # 8、9、10、12、13 日
    assert encode_datetime(due_at(postponed, occurred)) == "2026-10-09 00:00:00"
    assert due_at(postponed, at("2026-10-10 09:00:00")) == at("2026-11-06 00:00:00")  # a Thursday as it is


def test_a_closed_day_shifts_nothing_unless_the_cadence_says_so() -> None:
    closed = {date(2026, 11, 25)}.__contains__
    occurred = at("2026-11-24 09:00:00")
    assert due_at(D1, occurred, closed) == due_at(D1, occurred) == at("2026-11-26 00:00:00")
    assert due_at(Cadence("d", "", days=1, skip=REST), occurred, closed) == at("2026-11-26 00:00:00")
    assert due_at(Cadence("d", "", days=1, skip=CLOSED), occurred, closed) == at("2026-11-27 00:00:00")
    assert due_at(Cadence("d", "", days=1, postpone=CLOSED), occurred, closed) == at("2026-11-27 00:00:00")


def test_of_a_year_nobody_knows_yet_the_weekends_are_left_out_and_a_person_is_told() -> None:
    """2100 stands for the year whose days are not fixed yet, whatever version of the library is installed."""
    cadence = Cadence("d", "", days=1, skip=REST)
    assert due_at(cadence, at("2100-10-01 09:00:00")) == at("2100-10-05 00:00:00")  # 周五，下一天是周一
    assert unknown_years([cadence], date(2100, 1, 1)) == (2100,)
    assert unknown_years([cadence], date(2099, 12, 1)) == (2099, 2100)
    assert unknown_years([cadence], date(2026, 3, 1)) == ()
    assert unknown_years([D1, MONTHLY, REALTIME], date(2100, 1, 1)) == ()
    assert "2100 年" in workdays.unknown(2100)


@pytest.mark.parametrize("year", range(2004, 2027))
def test_every_year_since_2004_is_known(year: int) -> None:
    assert workdays.is_known(year)


def test_one_that_is_never_open_is_due_at_the_end_of_the_calendar() -> None:
    assert due_at(Cadence("d", "", days=1, skip=CLOSED), at("9990-01-01 00:00:00"), lambda day: True) == LAST


def test_the_business_date_is_that_of_shanghai() -> None:
    """20:00 UTC is 04:00 of the next day there."""
    assert due_at(D1, datetime(2026, 1, 5, 20, tzinfo=UTC)) == at("2026-01-08 00:00:00")


def test_twenty_four_hundred_itself_is_on_time() -> None:
    due = due_at(D1, at("2026-01-05 09:00:00"))
    assert at("2026-01-06 23:59:59") <= due
    assert at("2026-01-07 00:00:00") <= due
    assert at("2026-01-07 00:00:01") > due


@pytest.mark.requirement("J-099")
def test_the_cadences_of_the_reference_edition(reference: Edition) -> None:
    occurred = at("2026-01-05 09:00:00")
    due = {name: encode_datetime(due_at(cadence, occurred)) for name, cadence in reference.cadences.items()}
    assert due == {
        "realtime": "2026-01-05 09:10:00",
        "d1": "2026-01-07 00:00:00",
        "monthly": "2026-02-06 00:00:00",
        "daily": "2026-01-07 00:00:00",
        "every5": "2026-01-05 09:05:00",
        "event": "2026-01-05 10:00:00",
        "correction": "2026-01-13 00:00:00",
    }


@pytest.mark.parametrize("cadence", [REALTIME, D1, MONTHLY])
@pytest.mark.parametrize("occurred", [datetime(9999, 12, 31, 23, 59, tzinfo=SHANGHAI), datetime(9999, 12, 31, 23, tzinfo=UTC)])
def test_a_due_time_past_the_end_of_the_calendar_is_the_last_there_is(cadence: Cadence, occurred: datetime) -> None:
    assert due_at(cadence, occurred) == LAST
    assert LAST.astimezone(UTC).year == 9999
