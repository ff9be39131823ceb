"""Every local value by its spec type: read exactly, or refused without being told."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from adapters.conversion import (
    ZONES,
    UnreadableError,
    convert,
    is_blank,
    local_code,
    to_date,
    to_key,
    to_moment,
    to_number,
    to_text,
    to_time,
)
from schemas.model import Confidence, Field, FieldType, Source
from schemas.wire import SHANGHAI

NOON = datetime(2026, 10, 5, 12, 0, tzinfo=SHANGHAI)


@pytest.mark.parametrize("value", [None, "", "  ", "\u3000", "NULL", " null ", "\ufeff", "\u200b\u200d", "\ufeff NULL\u2060"])
def test_what_stands_for_nothing_is_nothing(value: Any) -> None:
    assert is_blank(value)


@pytest.mark.parametrize("value", [0, Decimal(0), "0", False, "无"])
def test_a_zero_is_something(value: Any) -> None:
    assert not is_blank(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12, "12"),
        (12.0, "12"),
        (Decimal("12.000000"), "12"),
        (Decimal("1E+2"), "100"),
        (100, "100"),
        (0.5, "0.5"),
        (" 甲 ", "甲"),
        ("007", "007"),
        ("\ufeffA1\u200b", "A1"),
        ("\u202aA1\u202c", "A1"),
        ("\u200eA\u00ad1\u2069", "A1"),
        ("甲\u200c乙\u200d丙\u2060 ", "甲乙丙"),
        ("甲\u3000乙\xa0丙\u0301", "甲\u3000乙\xa0丙\u0301"),
        (1905911080649191425, "1905911080649191425"),
        (UUID("47f0e83e-4b7a-45e7-91d8-62e33c701303"), "47f0e83e-4b7a-45e7-91d8-62e33c701303"),
    ],
)
def test_a_text_loses_no_digit_and_gains_none(value: Any, text: str) -> None:
    assert to_text(value) == text


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (65.1, "65.1"),
        ("65.50", "65.50"),
        (3, "3"),
        ("-30", "-30"),
        (Decimal("0.10"), "0.10"),
        (" 7 ", "7"),
        ("1,234.50", "1234.50"),
        ("-12,345,678", "-12345678"),
        ("+1,000", "1000"),
        ("１，２３４．５０", "1234.50"),
        ("－６５", "-65"),
        ("１,234", "1234"),
    ],
)
def test_a_number_is_never_rounded_through_binary(value: Any, number: str) -> None:
    assert to_number(value) == Decimal(number)


@pytest.mark.parametrize(
    "value",
    [
        "65.5kg",
        "1,00",
        "1,0000",
        "1234,567",
        "0,123",
        "1,234,56",
        ",123",
        "1,234.",
        "1.234,5",
        "1 234",
        "１，２３",
        "壹",
        "1e3",
        "12_0",
        "1.",
        True,
        float("nan"),
        float("inf"),
        Decimal("NaN"),
        b"1",
        NOON,
    ],
)
def test_a_number_with_anything_else_is_refused_without_telling_the_value(value: Any) -> None:
    with pytest.raises(UnreadableError) as refusal:
        to_number(value)
    assert str(value) not in str(refusal.value)


@pytest.mark.parametrize("value", [True, b"x", NOON, [1]])
def test_a_text_is_not_made_of_what_is_no_text(value: Any) -> None:
    with pytest.raises(UnreadableError):
        to_text(value)


def test_unseen_characters_are_nowhere_in_the_way() -> None:
    assert to_number("\ufeff-65.50\u200b") == Decimal("-65.50")
    assert to_date("\ufeff2026-10-05", SHANGHAI) == date(2026, 10, 5)
    assert to_moment("2026-10-05\u200b 12:00:00\u2060", SHANGHAI) == NOON
    assert to_time("\u200d7:11") == time(7, 11)
    assert local_code("\ufeff1") == "1"


def test_a_local_line_number_stays_as_the_source_will_be_asked_for_it() -> None:
    assert to_key(" \ufeffA1\u200b ") == "\ufeffA1\u200b"
    assert to_key(Decimal("12.000")) == "12"


def test_an_aware_time_stays_the_same_moment() -> None:
    assert to_moment(datetime(2025, 3, 10, 16, 0, tzinfo=UTC), SHANGHAI) == datetime(2025, 3, 11, tzinfo=SHANGHAI)


@pytest.mark.parametrize("text", ["/Date(1791172800000)/", "/Date(1791172800000+0800)/", "/Date(1791172800000-0500)/"])
def test_a_moment_in_the_json_of_dot_net_is_read(text: str) -> None:
    """The zone says where it was written; the milliseconds are of UTC."""
    assert to_moment(text, SHANGHAI) == NOON
    assert to_date(text, SHANGHAI) == NOON.date()


@pytest.mark.parametrize("text", ["/Date(999999999999999)/", "/Date()/", "Date(1791172800000)"])
def test_what_only_looks_like_it_is_refused(text: str) -> None:
    with pytest.raises(UnreadableError):
        to_moment(text, SHANGHAI)


@pytest.mark.parametrize(
    ("value", "zone", "hour"),
    [
        (datetime(2026, 10, 5, 4, 0), "UTC", 12),  # noqa: DTZ001
        (datetime(2026, 10, 5, 12, 0), "Asia/Shanghai", 12),  # noqa: DTZ001
        ("2026-10-05 12:00:00", "Asia/Shanghai", 12),
        ("2026-10-05T04:00:00Z", "Asia/Shanghai", 12),
        ("2026-10-05T12:00:00+08:00", "UTC", 12),
    ],
)
def test_a_naive_time_stands_in_the_declared_zone(value: Any, zone: str, hour: int) -> None:
    assert to_moment(value, ZONES[zone]) == NOON.replace(hour=hour)


@pytest.mark.parametrize("value", [date(2026, 10, 5), "2026-10-05", "0000-00-00 00:00:00", "2026/10/05 12:00", "昨天", 20261005])
def test_no_midnight_is_invented_and_no_format_is_guessed(value: Any) -> None:
    with pytest.raises(UnreadableError):
        to_moment(value, SHANGHAI)


@pytest.mark.parametrize(
    ("value", "zone", "day"),
    [
        (date(2026, 10, 5), "Asia/Shanghai", 5),
        ("2026-10-05", "Asia/Shanghai", 5),
        (datetime(2026, 10, 4, 16, 0, tzinfo=UTC), "Asia/Shanghai", 5),
        (datetime(2026, 10, 4, 16, 0), "UTC", 5),  # noqa: DTZ001
        ("2026-10-04 16:00:00", "UTC", 5),
    ],
)
def test_a_date_is_the_day_in_shanghai(value: Any, zone: str, day: int) -> None:
    assert to_date(value, ZONES[zone]) == date(2026, 10, day)


@pytest.mark.parametrize("value", ["2026-13-01", "5.10.2026", 5, ""])
def test_a_broken_date_is_refused(value: Any) -> None:
    with pytest.raises(UnreadableError):
        to_date(value, SHANGHAI)


@pytest.mark.parametrize(
    ("value", "clock"),
    [
        (time(7, 11), time(7, 11)),
        (timedelta(hours=7, minutes=11, seconds=5), time(7, 11, 5)),
        ("07:11", time(7, 11)),
        ("7:11", time(7, 11)),
        ("7:11:05", time(7, 11, 5)),
        ("07:11:05.25", time(7, 11, 5)),
        (datetime(1970, 1, 1, 7, 11), time(7, 11)),  # noqa: DTZ001
    ],
)
def test_a_clock_is_read_as_each_driver_gives_it(value: Any, clock: time) -> None:
    assert to_time(value) == clock


@pytest.mark.parametrize("value", [timedelta(hours=24), timedelta(seconds=-1), "24:00", "7点", 711])
def test_a_clock_beyond_the_day_is_refused(value: Any) -> None:
    with pytest.raises(UnreadableError):
        to_time(value)


@pytest.mark.parametrize(
    ("value", "code"), [(True, "true"), (False, "false"), (b"\x01", "1"), (1, "1"), ("1 ", "1"), (date(2026, 1, 2), "2026-01-02")]
)
def test_a_local_code_reads_as_the_file_writes_it(value: Any, code: str) -> None:
    assert local_code(value) == code


def test_the_field_decides_the_type() -> None:
    source = Source("测试", "测试", Confidence.OURS)
    assert convert(Field("a", "甲", FieldType.TEXT, source), 1.0) == "1"
    assert convert(Field("a", "甲", FieldType.NUMBER, source), "1.0") == Decimal(1)
    assert convert(Field("a", "甲", FieldType.DATE, source), "2026-10-05") == date(2026, 10, 5)
    assert convert(Field("a", "甲", FieldType.DATETIME, source), "2026-10-05 12:00:00") == NOON


@pytest.mark.parametrize("text", ["2026-03-01 08", "2026-03-01T0830", "2026-03-01112:30", "2026-03-01x08:30", "2026-03-01"])
def test_a_clock_that_is_not_written_out_is_not_made_up(text: str) -> None:
    with pytest.raises(UnreadableError):
        to_moment(text, SHANGHAI)


def test_a_long_number_that_lost_its_last_digits_is_no_code() -> None:
    """Excel and float columns keep 15 digits; the rest would be sent as zeros."""
    assert to_text(999999999999999.0) == "999999999999999"
    with pytest.raises(UnreadableError, match="超过 15 位"):
        to_text(1.90591108064919e17)


@pytest.mark.parametrize("value", [Decimal("1E+999999999"), Decimal("-1E-999999"), 1e-300])
@pytest.mark.parametrize("read", [to_number, to_text])
def test_a_number_that_would_fill_the_memory_once_written_out_is_refused(read: Any, value: Any) -> None:
    """A JSON column or reply may hold it in eleven letters."""
    with pytest.raises(UnreadableError, match="大得或小得不可能"):
        read(value)
