"""One local value -> its wire text in one step, "" for blank: short ways for what databases commonly give.

Anything else goes the long way: `conversion.convert`, then `wire.encode`. A short way must give the same text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, timezone
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from adapters.conversion import UnreadableError, convert, is_blank, to_date, to_time
from schemas import wire
from schemas.compiling import moments
from schemas.model import Field, FieldType

Write = Callable[[Any], str]
#: number texts that are written on the wire as they stand
_NUMBER = re.compile(r"0|-?[1-9][0-9]*|-?(?:0|[1-9][0-9]*)\.[0-9]*[1-9]").fullmatch
#: what stands after the day, by the minute of the day, and after that
MINUTES, SECONDS = sorted(moments.MINUTES), sorted(moments.SECONDS)
#: most days remembered in each direction, a century
_MOST = 40_000


class _Texts(dict[date, str]):
    """Days as text: writing one takes eight times as long as finding it. WireError if the wire does not take the day."""

    def __missing__(self, day: date) -> str:
        text = wire.in_years(day).isoformat()
        if len(self) < _MOST:
            self[day] = text
        return text


TEXTS = _Texts()


def writer(spec: Field, zone: ZoneInfo | timezone) -> Write:
    """How values of this field are written, None excepted. The function raises UnreadableError or WireError."""

    def slowly(value: Any) -> str:
        text: str = "" if is_blank(value) else wire.encode(spec, convert(spec, value, zone))
        return text

    if spec.type is FieldType.DATETIME and zone is not wire.SHANGHAI:
        return slowly
    return _SHORT[spec.type](slowly)


def _text(slowly: Write) -> Write:
    def write(value: Any) -> str:
        return str(value) if type(value) is int else slowly(value)

    return write


def _number(slowly: Write) -> Write:
    def write(value: Any) -> str:
        return str(value) if type(value) is str and _NUMBER(value) else slowly(value)

    return write


def trimmed(number: str) -> str:
    """The text of an int or Decimal that ends in 0, as the wire writes it: no zeros after the point, no sign before nothing."""
    text = number.rstrip("0").rstrip(".") if "." in number else number
    return "0" if text == "-0" else text


def _day(slowly: Write) -> Write:
    def write(value: Any) -> str:
        if type(value) is date:
            return TEXTS[value]
        return value if type(value) is str and value in moments.DAYS else slowly(value)

    return write


def _moment(slowly: Write) -> Write:
    def write(value: Any) -> str:
        if type(value) is datetime and value.tzinfo is None:
            return f"{TEXTS[value.date()]}{MINUTES[value.hour * 60 + value.minute]}{SECONDS[value.second]}"
        return value if type(value) is str and moments.is_moment(value) else slowly(value)

    return write


_SHORT: dict[FieldType, Callable[[Write], Write]] = {
    FieldType.TEXT: _text,
    FieldType.NUMBER: _number,
    FieldType.DATE: _day,
    FieldType.DATETIME: _moment,
}


def joined(day: Any, clock: Any) -> str:
    """A day and a wall clock of Shanghai in two values; "" if either is blank. UnreadableError or WireError."""
    if is_blank(day) or is_blank(clock):
        return ""
    wall: time = to_time(clock).replace(tzinfo=None)
    return f"{TEXTS[to_date(day, wire.SHANGHAI)]} {wall.isoformat('seconds')}"


def next_day(moment: str) -> str:
    """The same wall clock one day later. UnreadableError or WireError after the last day there is."""
    return _day_after(moment[:10]) + moment[10:]


@lru_cache(_MOST)
def _day_after(day: str) -> str:
    try:
        return TEXTS[date.fromisoformat(day) + timedelta(days=1)]
    except OverflowError:
        raise UnreadableError("没有下一天") from None
