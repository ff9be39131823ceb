"""A value and its wire text say the same, and only one text says it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import wire
from schemas.errors import WireError
from schemas.model import Confidence, Field, FieldType, Source

SOURCE = Source("测试", "测试", Confidence.OURS)
TEXT, NUMBER, DATE, DATETIME = (
    Field(kind.lower(), kind.name, kind, SOURCE) for kind in (FieldType.TEXT, FieldType.NUMBER, FieldType.DATE, FieldType.DATETIME)
)
ROWS = Field("rows", "子节点", FieldType.ROWS, SOURCE, fields=(TEXT, NUMBER))

texts = st.text(st.characters(blacklist_categories=("Cs", "Cc"))).map(str.strip)
numbers = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=6)
# before 1992 the clocks of Shanghai were sometimes set back, so a wall clock could mean two moments
START = datetime(1992, 1, 1, tzinfo=wire.SHANGHAI)
moments = st.integers(0, 3_000_000_000).map(lambda seconds: START + timedelta(seconds=seconds))


@given(texts)
def test_text_survives_the_wire(value: str) -> None:
    assert wire.decode(TEXT, wire.encode(TEXT, value)) == value


@given(numbers)
def test_a_number_survives_the_wire(value: Decimal) -> None:
    assert wire.decode(NUMBER, wire.encode(NUMBER, value)) == value


@given(numbers)
def test_equal_numbers_have_one_text(value: Decimal) -> None:
    """Else the digest would move although nothing changed: 1.50 and 1.5 come from two columns of one site."""
    assert wire.encode(NUMBER, value) == wire.encode(NUMBER, value.normalize())


@given(st.dates(date(1900, 1, 1), date(2199, 12, 31)))
def test_a_date_survives_the_wire(value: date) -> None:
    assert wire.decode(DATE, wire.encode(DATE, value)) == value


@given(moments)
def test_a_moment_survives_the_wire(value: datetime) -> None:
    assert wire.decode(DATETIME, wire.encode(DATETIME, value)) == value


@given(st.lists(st.fixed_dictionaries({"text": texts.filter(bool), "number": numbers})))
def test_rows_survive_the_wire(rows: list[dict[str, Any]]) -> None:
    renamed = [{TEXT.name: row["text"], NUMBER.name: row["number"]} for row in rows]
    assert wire.decode(ROWS, wire.encode(ROWS, renamed)) == renamed


@pytest.mark.parametrize(
    ("value", "text"),
    [("1000", "1000"), ("1E+3", "1000"), ("1.500", "1.5"), ("0.00", "0"), ("-0", "0"), ("-2.50", "-2.5"), ("0E-9", "0")],
)
def test_a_number_is_written_without_exponent_and_trailing_zeros(value: str, text: str) -> None:
    assert wire.encode(NUMBER, Decimal(value)) == text


def test_a_moment_is_written_as_the_wall_clock_of_shanghai() -> None:
    assert wire.encode(DATETIME, datetime(2026, 1, 4, 16, 0, tzinfo=UTC)) == "2026-01-05 00:00:00"


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        (DATETIME, datetime(2026, 1, 5), "没有时区"),  # noqa: DTZ001 - that is the case
        (DATETIME, date(2026, 1, 5), "应为日期时间"),
        (DATE, datetime(2026, 1, 5, tzinfo=UTC), "应为日期"),
        (NUMBER, 1.5, "应为数值"),
        (NUMBER, Decimal("NaN"), "应为数值"),
        (NUMBER, Decimal("Infinity"), "应为数值"),
        (TEXT, 5, "应为文本"),
        (TEXT, "a\x00", "控制字符"),
        (TEXT, "a\ud800", "控制字符"),
    ],
)
def test_a_value_of_the_wrong_kind_is_not_written(field: Field, value: Any, sentence: str) -> None:
    with pytest.raises(WireError, match=sentence):
        wire.encode(field, value)


@pytest.mark.parametrize(
    "text", ["1E5", " 1", "1 ", "NaN", "Infinity", "1_000", "１２", "+1", ".5", "5.", "1,000", "", "--1", "1\n"]
)
def test_only_plain_decimal_text_is_a_number(text: str) -> None:
    with pytest.raises(WireError):
        wire.decode(NUMBER, text)


@pytest.mark.parametrize("text", ["2026-02-30", "2026-W01-1", "20260105", "2026/01/05", "2026-1-5", "2026-01-05 ", ""])
def test_only_a_real_day_is_a_date(text: str) -> None:
    with pytest.raises(WireError):
        wire.decode(DATE, text)


@pytest.mark.parametrize(
    "text",
    [
        *("2026-01-05T08:00:00", "2026-01-0508:00:00", "2026-01-05 8:00:00", "2026-01-05 08:00", "2026-1-05  08:00:00"),
        *("2026-01-05 24:00:00", "2026-02-29 08:00:00", "2026-01-05 08:00:00+08:00", "2026-01-05 08:00:00.000", ""),
    ],
)
def test_only_the_agreed_form_is_a_moment(text: str) -> None:
    with pytest.raises(WireError):
        wire.decode(DATETIME, text)


@pytest.mark.parametrize("year", [1, 202, 1899, 2200, 9999])
def test_a_year_that_cannot_be_meant_is_neither_written_nor_read(year: int) -> None:
    """0202 and 9999 are slips: nothing is due then, and not every database holds such a day."""
    values = ((DATE, date(year, 6, 1)), (DATETIME, datetime(year, 6, 1, 8, tzinfo=wire.SHANGHAI)))
    texts = ((DATE, f"{year:04}-06-01"), (DATETIME, f"{year:04}-06-01 08:00:00"))
    for field, value in values:
        with pytest.raises(WireError, match="年份应在 1900 至 2199 之间"):
            wire.encode(field, value)
    for field, text in texts:
        with pytest.raises(WireError, match="年份应在 1900 至 2199 之间"):
            wire.decode(field, text)


@pytest.mark.parametrize("day", [date(1900, 1, 1), date(2199, 12, 31)])
def test_the_first_and_the_last_day_are_taken(day: date) -> None:
    assert wire.decode(DATE, wire.encode(DATE, day)) == day
    last = datetime.combine(day, datetime.max.time().replace(microsecond=0), wire.SHANGHAI)
    assert wire.decode(DATETIME, wire.encode(DATETIME, last)) == last


def test_a_moment_that_shanghai_has_no_day_for_is_told() -> None:
    with pytest.raises(WireError):
        wire.encode(DATETIME, datetime(9999, 12, 31, 23, tzinfo=UTC))


def test_a_moment_that_was_reckoned_may_lie_beyond_the_years_of_a_record() -> None:
    """What was due after 2199-12-31 must still be shown, and what was stored before the rule be read."""
    assert wire.encode_datetime(wire.decode_datetime("2200-01-02 00:00:00")) == "2200-01-02 00:00:00"


def test_absent_null_and_blank_values_are_left_out_of_a_record() -> None:
    assert wire.encode_record((TEXT, NUMBER, DATE), {TEXT.name: "  ", NUMBER.name: None}) == {}


def test_a_record_that_cannot_be_written_names_the_field_and_not_the_value() -> None:
    with pytest.raises(WireError) as caught:
        wire.encode_record((NUMBER,), {NUMBER.name: "12a"})
    assert NUMBER.label in str(caught.value)
    assert "12a" not in str(caught.value)
