"""The canonical record <-> what the region writes in its messages (interface facts §10, rows 2-5, 9, 10, 16, 17).

Inside the product a record has the base edition's names and the wire texts of schemas/wire.py; validation, hash and
ledger know nothing else. Here, and only here, names, codes, dates, numbers and blanks become those of the region, and back.
Reading takes any spelling the edition knows; writing uses one. What cannot be read stays as it is and is refused by its rule.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from typing import Any

import orjson

from schemas.dateformat import CANONICAL
from schemas.errors import WireError
from schemas.model import Dataset, Edition, Empty, Encoding, Field, Numbers, Style
from schemas.regionrow import NumberText, Row


def render(edition: Edition, dataset: Dataset, record: Mapping[str, Any]) -> dict[str, Any]:
    """The record as the region writes it; numbers are Decimal, for `dumps`. WireError names the record's key and the field."""
    try:
        return _row(edition, dataset.code).write(record)
    except WireError as error:
        raise WireError(f"{dataset.code} 业务主键 {record.get('key', '')}：{error}") from None


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


@cache
def _row(edition: Edition, code: str) -> Row:
    return Row(edition, (*edition.common, *edition.datasets[code].fields))
