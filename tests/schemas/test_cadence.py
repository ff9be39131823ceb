"""When a record is due, at the ends of days, months and years."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from schemas.cadence import LAST, due_at
from schemas.model import Cadence, Edition
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
    }


@pytest.mark.parametrize("cadence", [REALTIME, D1, MONTHLY])
@pytest.mark.parametrize("occurred", [datetime(9999, 12, 31, 23, 59, tzinfo=SHANGHAI), datetime(9999, 12, 31, 23, tzinfo=UTC)])
def test_a_due_time_past_the_end_of_the_calendar_is_the_last_there_is(cadence: Cadence, occurred: datetime) -> None:
    assert due_at(cadence, occurred) == LAST
    assert LAST.astimezone(UTC).year == 9999
