"""One value <-> its wire text. Only this module knows how dates, numbers and blanks look on the wire.

C: text. N: decimal text without exponent or trailing zeros. D: yyyy-MM-dd. DT: yyyy-MM-dd HH:mm:ss, Asia/Shanghai,
no offset (interface facts §0, column T). Absent and null are the same: the field is left out. A year outside YEARS is a slip of
the site (0202, 9999): no document names a limit, but such a day has no due time, and some databases cannot hold it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from schemas.errors import WireError
from schemas.model import Field, FieldType

Day = TypeVar("Day", bound=date)
SHANGHAI = ZoneInfo("Asia/Shanghai")
#: of every date and time in a record
YEARS = range(1900, 2200)
# Patterns and not the parsers alone: Decimal takes `1E5`, ` 1` and full-width digits, fromisoformat takes week dates.
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATETIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}")
# PostgreSQL cannot store NUL, Excel none of these; fixed-width columns of old systems are padded with them.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")


def encode(field: Field, value: Any) -> Any:
    """The wire form of `value`, or None when there is nothing to send. WireError if the type does not fit."""
    if value is None:
        return None
    if field.type is FieldType.ROWS:
        return [encode_record(field.fields, row) for row in value]
    return _ENCODERS[field.type](value)


def encode_record(fields: tuple[Field, ...], values: Mapping[str, Any]) -> dict[str, Any]:
    """Wire form of a whole record; absent fields are left out. WireError names the field."""
    record: dict[str, Any] = {}
    for field in fields:
        try:
            text = encode(field, values.get(field.name))
        except WireError as error:
            raise WireError(f"{field.label}（{field.name}）{error}") from None
        if text is not None and (text != "" or field.blank_allowed):
            record[field.name] = text
    return record


def decode(field: Field, text: Any) -> Any:
    """The value of a wire text: str, Decimal, date, aware datetime or list of dict. WireError if malformed."""
    if field.type is FieldType.ROWS:
        if not isinstance(text, list) or not all(isinstance(row, dict) for row in text):
            raise WireError("应为数组")
        return [{child.name: decode(child, row[child.name]) for child in field.fields if child.name in row} for row in text]
    if not isinstance(text, str):
        raise WireError("应为文本（数值和日期在报文中也写成文本）")
    return _DECODERS[field.type](text)


class Decoded(Mapping[str, Any]):
    """The values of a record in wire form, each read when it is asked for: most are never asked for."""

    __slots__ = ("_content", "_fields")

    def __init__(self, fields: Mapping[str, Field], content: Mapping[str, Any]) -> None:
        self._fields, self._content = fields, content

    def __getitem__(self, name: str) -> Any:
        return decode(self._fields[name], self._content[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._content)

    def __len__(self) -> int:
        return len(self._content)


def encode_datetime(value: Any) -> str:
    """Aware datetime -> Shanghai wall clock to the second, of any year: what was only reckoned stands in no record."""
    return _wall_clock(value).isoformat(" ", "seconds")


def decode_datetime(text: str) -> datetime:
    """Shanghai wall clock -> aware datetime of any year: a record stored before YEARS was asked must still be read."""
    if not _DATETIME.fullmatch(text):
        raise WireError("应写成 yyyy-MM-dd HH:mm:ss")
    try:
        return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)
    except ValueError:
        raise WireError("没有这一天或这一时刻") from None


def in_years(day: Day) -> Day:
    """The date or time itself. WireError if its year cannot be meant."""
    if day.year not in YEARS:
        raise WireError(f"年份应在 {YEARS[0]} 至 {YEARS[-1]} 之间，请核对是否录错")
    return day


def _wall_clock(value: Any) -> datetime:
    if not isinstance(value, datetime):
        raise WireError("应为日期时间")
    if value.tzinfo is None:
        raise WireError("时间没有时区")
    try:
        return value.astimezone(SHANGHAI).replace(tzinfo=None)
    except OverflowError:  # the last hours of 9999 in a zone west of Shanghai
        raise WireError("没有这一天") from None


def _encode_moment(value: Any) -> str:
    return in_years(_wall_clock(value)).isoformat(" ", "seconds")


def _decode_moment(text: str) -> datetime:
    return in_years(decode_datetime(text))


def _encode_text(value: Any) -> str:
    if not isinstance(value, str):
        raise WireError("应为文本")
    return _decode_text(value.strip())


def _encode_number(value: Any) -> str:
    if not isinstance(value, Decimal) or not value.is_finite():
        raise WireError("应为数值")
    if not value:
        return "0"  # never -0 or 0.00
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _encode_date(value: Any) -> str:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise WireError("应为日期")
    return in_years(value).isoformat()


def _decode_text(text: str) -> str:
    if _CONTROL.search(text):
        raise WireError("含有不可见的控制字符")
    return text


def _decode_number(text: str) -> Decimal:
    if not _NUMBER.fullmatch(text):
        raise WireError("应为数值，只含数字、小数点和负号")
    return Decimal(text)


def _decode_date(text: str) -> date:
    if not _DATE.fullmatch(text):
        raise WireError("应写成 yyyy-MM-dd")
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise WireError("没有这一天") from None
    return in_years(day)


_ENCODERS: dict[FieldType, Callable[[Any], str]] = {
    FieldType.TEXT: _encode_text,
    FieldType.NUMBER: _encode_number,
    FieldType.DATE: _encode_date,
    FieldType.DATETIME: _encode_moment,
}
_DECODERS: dict[FieldType, Callable[[str], Any]] = {
    FieldType.TEXT: _decode_text,
    FieldType.NUMBER: _decode_number,
    FieldType.DATE: _decode_date,
    FieldType.DATETIME: _decode_moment,
}
