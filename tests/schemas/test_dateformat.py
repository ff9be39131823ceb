"""A region's way of writing dates, and back; a pattern that cannot say the date is refused before it is used."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.dateformat import DateFormat
from schemas.errors import WireError
from schemas.model import FieldType

PATTERNS = [
    "yyyyMMddHHmmss",
    "yyyyMMddHHmmssSSS",
    "yyyy-MM-ddHH:mm:ss",
    "yyyy-MM-dd'T'HH:mm:ss",
    "dd/MM/yyyy HH.mm.ss",
    "{yyyy}MMddHHmmss",
    "yyyy年MM月dd日 HH:mm:ss".replace("年", "'年'").replace("月", "'月'").replace("日", "'日'"),
]


@pytest.mark.parametrize("pattern", PATTERNS)
@given(moment=st.datetimes(min_value=datetime(1000, 1, 1)))  # noqa: DTZ001 - a wall clock
def test_what_is_written_is_read_back(pattern: str, moment: datetime) -> None:
    text = moment.isoformat(" ", "seconds")
    form = DateFormat(pattern, FieldType.DATETIME)
    assert form.read(form.write(text)) == text


def test_a_time_is_written_as_the_pattern_says() -> None:
    assert DateFormat("yyyyMMddHHmmss", FieldType.DATETIME).write("2026-01-05 08:09:10") == "20260105080910"
    assert DateFormat("yyyy-MM-dd'T'HH:mm:ss.SSS", FieldType.DATETIME).write("2026-01-05 08:09:10") == "2026-01-05T08:09:10.000"


def test_a_date_may_be_written_with_a_time_of_day_which_must_then_be_midnight() -> None:
    form = DateFormat("yyyy-MM-dd HH:mm:ss", FieldType.DATE)
    assert form.write("2026-01-05") == "2026-01-05 00:00:00"
    assert form.read("2026-01-05 00:00:00") == "2026-01-05"
    assert form.read("2026-01-05 08:00:00") == "2026-01-05 08:00:00"


@pytest.mark.parametrize("text", ["", "20260105", "2026/01/05 08:00:00", "２０２６0105080910"])
def test_what_does_not_fit_stays_as_it_is(text: str) -> None:
    form = DateFormat("yyyyMMddHHmmss", FieldType.DATETIME)
    assert (form.read(text), form.write(text)) == (text, text)


@pytest.mark.parametrize(
    ("pattern", "kind", "reason"),
    [
        ("yyyyMM", FieldType.DATE, "缺少 dd"),
        ("yyyy-MM-dd", FieldType.DATETIME, "缺少 HH、mm、ss"),
        ("yyyy-MM-ddTHH:mm:ss", FieldType.DATETIME, "不认识 T"),
        ("yyyyMMddMM", FieldType.DATE, "同一部分写了两次"),
        ("", FieldType.DATE, "缺少 yyyy、MM、dd"),
    ],
)
def test_a_pattern_that_cannot_say_the_value_is_refused(pattern: str, kind: FieldType, reason: str) -> None:
    with pytest.raises(WireError, match=reason):
        DateFormat(pattern, kind)
