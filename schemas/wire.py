"""One value <-> its wire text. Only this module knows how dates, numbers and blanks look on the wire.

C: text. N: decimal text without exponent or trailing zeros. D: yyyy-MM-dd. DT: yyyy-MM-dd HH:mm:ss, Asia/Shanghai,
no offset (interface facts §0, column T). Absent and null are the same: the field is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from schemas.errors import WireError
from schemas.model import Field, FieldType

SHANGHAI = ZoneInfo("Asia/Shanghai")
_DATETIME = "%Y-%m-%d %H:%M:%S"


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
        raise WireError("应为文本")
    return _DECODERS[field.type](text)


def encode_datetime(value: Any) -> str:
    """Aware datetime -> Shanghai wall clock to the second."""
    if not isinstance(value, datetime):
        raise WireError("应为日期时间")
    if value.tzinfo is None:
        raise WireError("时间没有时区")
    return value.astimezone(SHANGHAI).strftime(_DATETIME)


def decode_datetime(text: str) -> datetime:
    """Shanghai wall clock -> aware datetime."""
    if len(text) != 19:
        raise WireError("格式应为 yyyy-MM-dd HH:mm:ss")
    try:
        return datetime.strptime(text, _DATETIME).replace(tzinfo=SHANGHAI)
    except ValueError:
        raise WireError("格式应为 yyyy-MM-dd HH:mm:ss") from None


def _encode_text(value: Any) -> str:
    if not isinstance(value, str):
        raise WireError("应为文本")
    return value.strip()


def _encode_number(value: Any) -> str:
    if not isinstance(value, Decimal) or not value.is_finite():
        raise WireError("应为数值")
    text = format(value, "f")
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def _encode_date(value: Any) -> str:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise WireError("应为日期")
    return value.isoformat()


def _decode_number(text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise WireError("应为数值") from None
    if not number.is_finite() or "e" in text.lower() or text != text.strip() or "_" in text:
        raise WireError("应为数值")
    return number


def _decode_date(text: str) -> date:
    if len(text) != 10 or text[4] != "-":
        raise WireError("格式应为 yyyy-MM-dd")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise WireError("格式应为 yyyy-MM-dd") from None


_ENCODERS: dict[FieldType, Callable[[Any], str]] = {
    FieldType.TEXT: _encode_text,
    FieldType.NUMBER: _encode_number,
    FieldType.DATE: _encode_date,
    FieldType.DATETIME: encode_datetime,
}
_DECODERS: dict[FieldType, Callable[[str], Any]] = {
    FieldType.TEXT: str,
    FieldType.NUMBER: _decode_number,
    FieldType.DATE: _decode_date,
    FieldType.DATETIME: decode_datetime,
}
