"""The canonical record <-> what the region writes in its messages (interface facts §10, rows 2-5, 9, 10, 16, 17).

Inside the product a record has the base edition's names and the wire texts of schemas/wire.py; validation, hash and
ledger know nothing else. Here, and only here, names, codes, dates, numbers and blanks become those of the region, and back.
Reading takes any spelling the edition knows; writing uses one. What cannot be read stays as it is and is refused by its rule.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Any

import orjson

from schemas.dateformat import CANONICAL, dateformat
from schemas.errors import WireError
from schemas.model import Dataset, Edition, Empty, Encoding, Field, FieldType, Numbers, Style

#: a number as both JSON and schemas/wire.py write it
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?")
#: stands for a code that is not the region's; the code rule refuses it
_FOREIGN = "~"
_LARGEST_EXPONENT = 40  #: far above any N of the interface; an exponent of a billion would fill the memory
Step = Callable[[Any], Any]


class NumberText(str):
    """A JSON number as it stands in the message, so that an amount never passes through float."""

    __slots__ = ()


def render(edition: Edition, dataset: Dataset, record: Mapping[str, Any]) -> dict[str, Any]:
    """The record as the region writes it; numbers are Decimal, for `dumps`. WireError if it cannot be written."""
    return _row(edition, dataset.code).write(record)


def fill(edition: Edition, dataset: Dataset, records: Sequence[Any]) -> Any:
    """What stands at the data set's node: the records in the region's encoding.

    A record is a mapping, canonical JSON bytes or an orjson.Fragment of them; where nothing differs it goes out unopened.
    """
    if plain(edition, dataset):
        return [orjson.Fragment(record) if isinstance(record, bytes) else record for record in records]
    written = [render(edition, dataset, opened(record)) for record in records]
    match dataset.input[0].encoding:
        case Encoding.ARRAY:
            return written
        case Encoding.JSON_TEXT:
            return dumps(written).decode("utf-8")
        case Encoding.OBJECT:
            if len(written) != 1:
                raise WireError(f"{dataset.infno} 一次只能报一条，实为 {len(written)} 条")
            return written[0]


def read(edition: Edition, dataset: Dataset, value: Any) -> tuple[dict[str, Any], ...]:
    """The canonical records that stand at the node. WireError if it does not hold records; they are not judged here."""
    encoding = dataset.input[0].encoding
    if encoding is Encoding.JSON_TEXT:
        value = loads(value) if isinstance(value, str) else None
    rows = [value] if encoding is Encoding.OBJECT else value
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise WireError(f"应为{_SHAPES[encoding]}")
    return tuple(rows) if plain_to_read(edition, dataset) else tuple(_row(edition, dataset.code).read(row) for row in rows)


_SHAPES = {Encoding.ARRAY: "记录数组", Encoding.OBJECT: "一条记录", Encoding.JSON_TEXT: "写成 JSON 文本的记录数组"}


def dumps(value: Any) -> bytes:
    """JSON in UTF-8; a Decimal becomes a JSON number digit by digit."""
    return orjson.dumps(value, default=_decimal)


def loads(text: bytes | str) -> Any:
    """JSON whose numbers are NumberText. WireError if it is none; orjson judges first, because json is lenient."""
    try:
        orjson.loads(text)
        return json.loads(text, parse_int=NumberText, parse_float=NumberText)
    except orjson.JSONDecodeError:
        raise WireError("不是合法的 JSON") from None
    except RecursionError:  # orjson goes a little deeper than json does
        raise WireError("嵌套太深") from None


def plain(edition: Edition, dataset: Dataset) -> bool:
    """Whether the region writes this data set exactly as the product does, so that nothing need be opened."""
    return _plain(edition, dataset.code)


def plain_to_read(edition: Edition, dataset: Dataset) -> bool:
    """Whether a message of the region also has no other spelling that must be understood."""
    return plain(edition, dataset) and not _has_aliases(edition, dataset.code)


@cache
def _plain(edition: Edition, code: str) -> bool:
    dataset = edition.datasets[code]
    fields = (*edition.common, *dataset.fields)
    array = dataset.input[0].encoding is Encoding.ARRAY
    return array and _style_is_plain(edition.style) and all(_is_plain(edition, spec) for spec in fields)


@cache
def _has_aliases(edition: Edition, code: str) -> bool:
    return any(_spelt_otherwise(spec) for spec in (*edition.common, *edition.datasets[code].fields))


def _spelt_otherwise(spec: Field) -> bool:
    return bool(spec.aliases) or any(_spelt_otherwise(child) for child in spec.fields)


def ambiguities(edition: Edition) -> Iterator[str]:
    """Two fields of one node that share a name in messages: one Chinese sentence each."""
    for dataset in edition.datasets.values():
        for node in (*dataset.input, *dataset.output):
            common = edition.common if dataset.uploaded and node is dataset.input[0] else ()
            yield from _shared_names(f"{dataset.code} 节点 {node.name}", (*common, *node.fields))


def _shared_names(place: str, specs: tuple[Field, ...]) -> Iterator[str]:
    owners: dict[str, str] = {}
    for spec in specs:
        for name in {spec.on_wire, *spec.aliases}:
            if owners.setdefault(name, spec.name) != spec.name:
                yield f"{place}：字段 {owners[name]} 与 {spec.name} 在报文中都叫 {name}"
        yield from _shared_names(f"{place} 字段 {spec.name}", spec.fields)


def _decimal(value: Any) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(format(value, "f"))
    raise TypeError(type(value).__name__)


def opened(record: Any) -> Mapping[str, Any]:
    """The canonical record of a mapping, of JSON bytes or of an orjson.Fragment."""
    if isinstance(record, Mapping):
        return record
    opened: dict[str, Any] = orjson.loads(record if isinstance(record, bytes) else orjson.dumps(record))
    return opened


def _style_is_plain(style: Style) -> bool:
    return (style.numbers, style.empty) == (Numbers.TEXT, Empty.OMIT) and (style.date, style.datetime) == tuple(CANONICAL.values())


def _is_plain(edition: Edition, spec: Field) -> bool:
    recoded = bool(spec.codes and edition.codes[spec.codes].on_wire)
    return not (recoded or spec.format or spec.on_wire != spec.name) and all(_is_plain(edition, child) for child in spec.fields)


@dataclass(frozen=True, slots=True)
class _Column:
    """One field and the two steps of its value: canonical -> region, region -> canonical."""

    spec: Field
    write: Step
    read: Step

    def holds(self, value: Any) -> bool:
        """Whether a value says anything; "" does only where the field may be blank, an empty array is an array."""
        return value is not None and (value != "" or self.spec.blank_allowed)


class _Row:
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
                written[column.spec.on_wire] = column.write(value)
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


@cache
def _row(edition: Edition, code: str) -> _Row:
    return _Row(edition, (*edition.common, *edition.datasets[code].fields))


def _column(edition: Edition, spec: Field) -> _Column:
    match spec.type:
        case FieldType.ROWS:
            return _rows(spec, _Row(edition, spec.fields))
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


def _rows(spec: Field, row: _Row) -> _Column:
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
    if not isinstance(text, str) or not _NUMBER.fullmatch(text):
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
