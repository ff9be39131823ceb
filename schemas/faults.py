"""One broken rule at a time: a valid record -> (faulty record, path, rule) for each way in which each field can be wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from schemas.model import Dataset, Edition, Field, FieldType, Severity

#: a wire text of each type that its format forbids
_MALFORMED = {
    FieldType.TEXT: "TEST\x00",
    FieldType.NUMBER: "1E5",
    FieldType.DATE: "2026/01/01",
    FieldType.DATETIME: "2026-01-01T00:00:00",
}
_NO_SUCH = "no_such_field"
Fault = tuple[dict[str, Any], str, str]


def faults(edition: Edition, dataset: Dataset, record: Mapping[str, Any]) -> Iterator[Fault]:
    """`record` must be valid and hold every field that is to be broken. It is left as it is."""
    yield from _row(edition, (*edition.common, *dataset.fields), record)
    yield {**record, "key": f"{record['key']}-TAMPERED"}, "key", "key"
    yield {**record, "content_hash": f"sha256:{'0' * 64}"}, "content_hash", "content_hash"
    for spec in _free_texts(dataset)[:1]:
        yield {**record, spec.name: f"{record[spec.name]}-T"}, "content_hash", "content_hash"


def content_faults(edition: Edition, specs: tuple[Field, ...], content: Mapping[str, Any]) -> Iterator[Fault]:
    """The same of a row that carries no common fields, such as a node of a called transaction."""
    yield from _row(edition, specs, content)


def _free_texts(dataset: Dataset) -> list[Field]:
    """Fields that may say anything: changing one on the way breaks nothing but the digest."""
    return [spec for spec in dataset.fields if spec.type is FieldType.TEXT and not spec.codes and spec.name not in dataset.key]


def _row(edition: Edition, specs: tuple[Field, ...], row: Mapping[str, Any]) -> Iterator[Fault]:
    for spec in specs:
        if spec.name in row:
            yield from _field(edition, spec, row)
            yield from _rows(edition, spec, row)
    yield {**row, _NO_SUCH: "1"}, _NO_SUCH, "unknown"


def _field(edition: Edition, spec: Field, row: Mapping[str, Any]) -> Iterator[Fault]:
    for value, rule in (*_missing(spec), *_misshapen(spec), *_oversized(edition, spec), *_uncoded(edition, spec)):
        yield {**row, spec.name: value}, spec.name, rule
    rule = _demand(spec)
    if rule:
        yield {name: value for name, value in row.items() if name != spec.name}, spec.name, rule


def _demand(spec: Field) -> str:
    """The rule that asks for the field, if one does. A conditional field is in the row only when it must be."""
    return "required" if spec.required else "required_if" if spec.required_if else ""


def _missing(spec: Field) -> Iterator[tuple[Any, str]]:
    rule = _demand(spec)
    if not rule:
        return
    yield None, rule
    if spec.type is FieldType.ROWS:
        yield [], rule
    elif not spec.blank_allowed:
        yield "", rule


def _misshapen(spec: Field) -> Iterator[tuple[Any, str]]:
    yield 1, "type"
    if spec.type in _MALFORMED:
        yield _MALFORMED[spec.type], "format"


def _oversized(edition: Edition, spec: Field) -> Iterator[tuple[str, str]]:
    if spec.type is FieldType.TEXT and spec.length:
        yield from ((text, "length") for text in _overlong(edition, spec))
    if spec.type is FieldType.NUMBER and spec.length:
        yield "9" * (spec.length - spec.scale + 1), "precision"
        yield f"0.{'0' * spec.scale}1", "precision"
    if spec.least is not None:
        yield f"{spec.least - 1:f}", "least"


def _overlong(edition: Edition, spec: Field) -> list[str]:
    """One text that is too long. Where that is only told, it must still be a code of the table, or a second rule is broken."""
    limit = spec.length or 0
    if spec.codes and spec.length_severity is Severity.WARN:
        return [code for code in edition.codes[spec.codes].values if len(code) > limit][:1]
    return ["9" * (limit + 1)]


def _uncoded(edition: Edition, spec: Field) -> Iterator[tuple[str, str]]:
    """A text of the right length that the code table does not hold."""
    if not spec.codes:
        return
    table = edition.codes[spec.codes]
    yield next(text for text in ("~", "~~") if text not in table.values), "code"


def _rows(edition: Edition, spec: Field, row: Mapping[str, Any]) -> Iterator[Fault]:
    """Break the first child row; the path names it."""
    if spec.type is not FieldType.ROWS:
        return
    for child, path, rule in _row(edition, spec.fields, row[spec.name][0]):
        children = deepcopy(row[spec.name])
        children[0] = child
        yield {**row, spec.name: children}, f"{spec.name}[0].{path}", rule
