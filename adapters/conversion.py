"""One local value -> the type its spec field wants. Never guesses: what cannot be read is an UnreadableError.

Its sentence says what was expected, never what stood there: the value may be a name or an ID number.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from schemas.model import Field, FieldType
from schemas.wire import SHANGHAI

#: zones a naive local time may stand in
ZONES: dict[str, ZoneInfo | timezone] = {"Asia/Shanghai": SHANGHAI, "UTC": timezone(timedelta(0), "UTC")}
#: a number, plain or with a comma before every three digits; 12,34 and 0,123 are neither
NUMBER = r"[+-]?(?:[0-9]+|[1-9][0-9]{0,2}(?:,[0-9]{3})+)(?:\.[0-9]+)?"
_NUMBER = re.compile(NUMBER)
#: the full-width signs of a number, as Chinese input methods write them
_HALF_WIDTH = {ord(full): chr(ord(full) - 0xFEE0) for full in "０１２３４５６７８９，．＋－"}
_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9])(?:\.[0-9]+)?)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
#: how a moment begins: the parser alone would take any letter between, and an hour without minutes
_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}")
#: a moment in the JSON of .NET: milliseconds since 1970 in UTC; the zone behind them only says where it was written
_COUNTED = re.compile(r"/Date\((-?[0-9]{1,15})(?:[+-][0-9]{4})?\)/")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
#: what nobody sees in a text and every comparison does: the byte order mark, zero-width spaces and joiners, marks of direction
#: (Windows puts them around what is copied from its windows) and the hyphen of a line's end
_UNSEEN = re.compile("[\ufeff\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069]+")
#: a number of more digits than these, kept as a float or by Excel, has lost the last ones
_FLOAT_HOLDS = 10**15
#: digits before or behind the point that a number of a site may have: 1E999999999 is short until it is written out
_MOST_DIGITS = 60


class UnreadableError(ValueError):
    """A local value does not fit the field's type."""


def visible(text: str) -> str:
    """The text as a person sees it, without white space around it and without the characters that have no width.

    They come from web pages, Word and files with a byte order mark, and would make another key and no code of any table.
    No such character is printable, which costs a tenth of looking for them.
    """
    return text.strip() if text.isascii() or text.isprintable() else _UNSEEN.sub("", text).strip()


def is_blank(value: Any) -> bool:
    """Nothing at all: NULL, an empty, white or unseen text, or the text NULL that exports leave behind."""
    return value is None or (isinstance(value, str) and visible(value).upper() in ("", "NULL"))


def convert(field: Field, value: Any, zone: ZoneInfo | timezone = SHANGHAI) -> Any:
    """The value as str, Decimal, date or aware datetime. `zone` is where naive times stand."""
    if field.type is FieldType.DATE:
        return to_date(value, zone)
    if field.type is FieldType.DATETIME:
        return to_moment(value, zone)
    return _PLAIN[field.type](value)


def to_text(value: Any) -> str:
    """Codes, numbers of documents, names: 12, 12.0 and Decimal('12.000000') are all "12"."""
    if isinstance(value, str):
        return visible(value)
    if type(value) is int:
        return str(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise UnreadableError("应为文本或数字")
    if isinstance(value, float) and abs(value) >= _FLOAT_HOLDS:
        raise UnreadableError("号码超过 15 位却存成了数，后面几位已经不对：请把这一列改成文本，重新导出")
    text = format(to_number(value), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def to_key(value: Any) -> str:
    """A row_ref or cursor key as it is stored, unseen characters too: the source is asked by it, and orders its rows by it."""
    return value.strip() if isinstance(value, str) else to_text(value)


def to_number(value: Any) -> Decimal:
    """A decimal; a float by its shortest text, so 65.5 stays 65.5. A text with a unit is not a number; `1,234.50` is."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise UnreadableError("应为数值")
    text = half_width(visible(value)) if isinstance(value, str) else str(value)
    if isinstance(value, str) and not _NUMBER.fullmatch(text):
        raise UnreadableError("应为数值，不能带单位或其他文字")
    number = Decimal(text.replace(",", ""))
    if not number.is_finite():
        raise UnreadableError("应为数值")
    if abs(number.adjusted()) > _MOST_DIGITS:
        raise UnreadableError("数值大得或小得不可能")
    return number


def half_width(text: str) -> str:
    """The text with the digits, commas, points and signs of ASCII, where it has them in full width."""
    return text if text.isascii() else text.translate(_HALF_WIDTH)


def to_date(value: Any, zone: ZoneInfo | timezone) -> date:
    """The day in Shanghai. A moment stored in UTC may lie on the day before."""
    if isinstance(value, datetime):
        return to_moment(value, zone).date()
    if isinstance(value, date):
        return value
    if isinstance(value, str) and not _DATE.fullmatch(visible(value)):
        return to_moment(value, zone).date()
    day: date = _parsed(value, _DATE, date.fromisoformat, "应为日期 yyyy-MM-dd")
    return day


def to_moment(value: Any, zone: ZoneInfo | timezone) -> datetime:
    """An aware time in Shanghai. A date alone is refused: midnight would be invented."""
    if isinstance(value, str) and _DATE.fullmatch(visible(value)):
        raise UnreadableError("只有日期，没有时间")
    if isinstance(value, date) and not isinstance(value, datetime):
        raise UnreadableError("只有日期，没有时间")
    expected = "应为日期时间 yyyy-MM-dd HH:mm:ss"
    try:
        if isinstance(value, str) and (counted := _COUNTED.fullmatch(visible(value))):
            return (_EPOCH + timedelta(milliseconds=int(counted[1]))).astimezone(SHANGHAI)
        moment = value if isinstance(value, datetime) else _parsed(value, _MOMENT, datetime.fromisoformat, expected)
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(SHANGHAI)
    except OverflowError:  # the last hours of 9999 in UTC
        raise UnreadableError("超出日历的范围") from None


def to_time(value: Any) -> time:
    """A wall clock time. MySQL drivers give TIME as a timedelta, some sites store it as a text or in a datetime."""
    if isinstance(value, datetime):
        return value.time()
    if isinstance(value, time):
        return value
    if isinstance(value, timedelta) and timedelta(0) <= value < timedelta(days=1):
        return time(value.seconds // 3600, value.seconds // 60 % 60, value.seconds % 60)
    match = _TIME.fullmatch(visible(value)) if isinstance(value, str) else None
    if match:
        hour, minute, second = (int(part or 0) for part in match.groups())
        return time(hour, minute, second)
    raise UnreadableError("应为时间 HH:mm:ss")


def local_code(value: Any) -> str:
    """A local code as the mapping file writes it; true and false for booleans, 1 and 0 for a MySQL BIT."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return str(int.from_bytes(value))
    return str(value) if isinstance(value, date) else to_text(value)


def _parsed(value: Any, begins: re.Pattern[str], parse: Callable[[str], Any], expected: str) -> Any:
    if not isinstance(value, str) or not begins.match(visible(value)):
        raise UnreadableError(expected)
    try:
        return parse(visible(value))
    except ValueError:
        raise UnreadableError(expected) from None


_PLAIN: dict[FieldType, Callable[[Any], Any]] = {FieldType.TEXT: to_text, FieldType.NUMBER: to_number}
