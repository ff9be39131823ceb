"""One row of a region's message, field by field, in both directions: names, codes, dates, numbers, blanks.

Reading takes any spelling the edition knows; writing uses one. What cannot be read stays as it is and is refused by its rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import orjson

from schemas.dateformat import dateformat
from schemas.errors import WireError
from schemas.model import Edition, Empty, Field, FieldType, Numbers

#: a number as JSON writes it
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
#: a number as schemas/wire.py reads it
_TEXT_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
#: stands for a code that is not the region's; the code rule refuses it
_FOREIGN = "~"
_LARGEST_EXPONENT = 40  #: far above any N of the interface; an exponent of a billion would fill the memory
Step = Callable[[Any], Any]


class NumberText(str):
    """A JSON number as it stands in the message, so that an amount never passes through float."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class _Column:
    """One field and the two steps of its value: canonical -> region, region -> canonical."""

    spec: Field
    write: Step
    read: Step

    def holds(self, value: Any) -> bool:
        """Whether a value says anything; "" does only where the field may be blank, an empty array is an array."""
        return value is not None and (value != "" or self.spec.blank_allowed)


class Row:
    """The fields of one node, in both directions."""

    def __init__(self, edition: Edition, specs: tuple[Field, ...]) -> None:
        self._columns = {spec.name: _column(edition, spec) for spec in specs}
        self._empty = edition.style.empty
        spellings = [{column.spec.name: column for column in self._columns.values()}]
        spellings.append({alias: column for column in self._columns.values() for alias in column.spec.aliases})
        spellings.append({column.spec.on_wire: column for column in self._columns.values()})
        self._named: dict[str, _Column] = {name: column for each in spellings for name, column in each.items()}

    def write(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """A field the edition does not know goes through as it is, for regions that keep such (interface facts §10.6)."""
        written: dict[str, Any] = {}
        for name, column in self._columns.items():
            value = record.get(name)
            if column.holds(value):
                written[column.spec.on_wire] = _written(column, value)
            elif self._empty is Empty.NULL:
                written[column.spec.on_wire] = None
            elif self._empty is Empty.BLANK and not column.spec.blank_allowed:  # there "" would be a value
                written[column.spec.on_wire] = ""
        for name in record.keys() - self._columns.keys():
            if name in self._named:
                raise WireError(f"规范以外的字段 {name} 与 {self._named[name].spec.name} 在报文中的名称相同")
            written[name] = record[name]
        return written

    def read(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """WireError when one field is given under two of its names with different contents."""
        record: dict[str, Any] = {}
        for name, raw in row.items():
            column = self._named.get(name)
            if column is None:
                record[name] = _ordinary(raw)
            elif column.holds(raw):
                value = column.read(raw)
                if record.setdefault(column.spec.name, value) != value:
                    raise WireError(f"{column.spec.label}（{column.spec.name}）以两个名称给出，内容不同")
        return record


def _written(column: _Column, value: Any) -> Any:
    try:
        return column.write(value)
    except WireError as error:
        raise WireError(f"{column.spec.label}（{column.spec.name}）{error}") from None


def _column(edition: Edition, spec: Field) -> _Column:
    match spec.type:
        case FieldType.ROWS:
            return _rows(spec, Row(edition, spec.fields))
        case FieldType.NUMBER:
            return (
                _Column(spec, _write_number, _read_number)
                if edition.style.numbers is Numbers.NUMBER
                else _Column(spec, _same, _ordinary)
            )
        case FieldType.DATE:
            return _clock(spec, spec.format or edition.style.date)
        case FieldType.DATETIME:
            return _clock(spec, spec.format or edition.style.datetime)
        case FieldType.TEXT:
            return _text(edition, spec)


def _rows(spec: Field, row: Row) -> _Column:
    def read_rows(raw: Any) -> Any:
        return [row.read(each) if isinstance(each, dict) else _ordinary(each) for each in raw] if _is_list(raw) else _ordinary(raw)

    return _Column(spec, lambda value: [row.write(each) for each in value], read_rows)


def _is_list(raw: Any) -> bool:
    return isinstance(raw, list)


def _clock(spec: Field, pattern: str) -> _Column:
    form = dateformat(pattern, spec.type)
    return _Column(spec, _on_text(form.write), _on_text(form.read))


def _text(edition: Edition, spec: Field) -> _Column:
    table = edition.codes[spec.codes] if spec.codes else None
    if table is None or not table.on_wire:
        return _Column(spec, _same, _ordinary)
    ours = {table.on_wire.get(code, code): code for code in table.values}
    theirs = {code: wire for wire, code in ours.items()}

    def read_code(wire: str) -> str:
        """A code of ours that the region writes otherwise is not a code of the region."""
        return ours.get(wire, _FOREIGN if wire in theirs else wire)

    return _Column(spec, _on_text(lambda code: theirs.get(code, code)), _on_text(read_code))


def _on_text(step: Callable[[str], str]) -> Step:
    """The step for texts; anything else stays what it is and is refused by its type."""
    return lambda value: step(value) if isinstance(value, str) and not isinstance(value, NumberText) else _ordinary(value)


def _same(value: Any) -> Any:
    return value


def _write_number(text: Any) -> Decimal:
    """Leading zeros are valid in our text (`00065.50`) and not in JSON; Decimal drops them."""
    if not isinstance(text, str) or not _TEXT_NUMBER.fullmatch(text):
        raise WireError("数值写不成 JSON 的数")
    return Decimal(text)


def _read_number(raw: Any) -> Any:
    """A region that writes JSON numbers is understood when it writes a text too (interface facts §10.16)."""
    if isinstance(raw, Decimal):
        return format(raw, "f")
    if not isinstance(raw, NumberText):
        return _ordinary(raw)
    if _NUMBER.fullmatch(raw):
        return str(raw)
    mantissa, _, exponent = raw.lower().partition("e")
    small = len(exponent.lstrip("+-")) <= 3 and abs(int(exponent)) <= _LARGEST_EXPONENT and len(mantissa) <= _LARGEST_EXPONENT
    return format(Decimal(raw), "f") if small else str(raw)


def _ordinary(value: Any) -> Any:
    """What orjson would have read: for values whose field is no number, or that the edition does not know."""
    if isinstance(value, NumberText):
        return orjson.loads(str(value))  # orjson takes no subclass of str
    if isinstance(value, list):
        return [_ordinary(each) for each in value]
    if isinstance(value, dict):
        return {name: _ordinary(each) for name, each in value.items()}
    return value
