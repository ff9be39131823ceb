"""Which local columns a field or a reason comes from, and what stands there, masked: what a vendor needs to find the place.

A column that fills a field of a person is masked wherever it is shown, also beside a field of a thing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from adapters import children
from adapters.introspection import namelike
from adapters.mapping import RowMapping
from adapters.origins import Row
from gateway.clerk import masking
from schemas.model import Field, Violation

_CHILD = re.compile(r"(\w+)\[(\d+)\]\.(\w+)")
NOTHING = "（空）"
#: a name, or a number too long to be met by chance
_TELLING = re.compile(r"[\u4e00-\u9fff]{2}|^\w{8,}$")


def columns(mapping: RowMapping, reason: Violation) -> tuple[str, ...]:
    """The local columns a reason is about; () where it is about none: a constant, a field that is declared absent."""
    if reason.field == "key":
        found = [column for name in mapping.dataset.key for column in mapping.origin_of(name)]
    else:
        found = [*_of_head(mapping, reason), *mapping.origin_of(reason.field), *_of_states(mapping, reason)]
    return tuple(dict.fromkeys(found))


def values(mapping: RowMapping, row: Row, reason: Violation) -> str:
    """What stands in those columns of that row, or of that line of it: `时长=四小时；…`."""
    line, spec = _place(mapping, row, reason.field)
    long = reason.rule == "length"
    told = "；".join(
        f"{column}={shown(mapping, line, column, spec)}{_length(line, column) if long else ''}"
        for column in columns(mapping, reason)
    )
    return _which_line(mapping, reason.field) + told if told else ""


def _which_line(mapping: RowMapping, path: str) -> str:
    """Of a record with many lines only one may be wrong: which, counted as they are ordered."""
    found = _CHILD.fullmatch(path)
    return f"{mapping.specs[found[1]].label}第 {int(found[2]) + 1} 条：" if found and found[1] in mapping.specs else ""


def _length(row: Row, column: str) -> str:
    """What is too long is cut or masked: how long it is can be told."""
    return f"（{len(str(row.get(column, '')))} 个字符）"


def shown(mapping: RowMapping, row: Row, column: str, spec: Field | None) -> str:
    """One value, as far as it may be shown beside that field."""
    value: Any = row.get(column)
    text = masking.masked(value, person=hidden(mapping, column, spec), plain=masking.own_number(value))
    return nameless(mapping, row, text, spec) or NOTHING


def first_line(mapping: RowMapping, row: Row, name: str) -> str:
    """What fills the first line of a field that is lines: `第 1 条：剂量取 jl=1.5`; "" if there is none."""
    lines: list[Mapping[str, Any]] = list(row.get(children.place(name)) or ())
    told = [
        f"{spec.label}取 {column}={shown(mapping, lines[0], column, spec)}"
        for spec in mapping.specs[name].fields
        for column in mapping.origin_of(f"{name}[0].{spec.name}")
        if lines
    ]
    return f"第 1 条：{'；'.join(told)}" if told else ""


def hidden(mapping: RowMapping, column: str, spec: Field | None) -> bool:
    """Whether what stands in a column is not shown beside that field, nor what is made of it."""
    if spec is not None and (masking.of_person(spec) or masking.of_remarks(spec)):
        return True
    thing = spec is not None and spec.name.endswith("name")
    return (masking.column_of_person(column) and not thing) or column in set(_of_persons(mapping))


def nameless(mapping: RowMapping, row: Row, text: str, spec: Field | None) -> str:
    """The text without the persons of its row, and without words that look like a name where no thing has one."""
    for word in _persons(mapping, row):
        text = re.sub(rf"(?<![0-9A-Za-z]){re.escape(word)}(?![0-9A-Za-z])", "***", text)
    return text if spec is not None and masking.names_nobody(spec) else namelike.masked(text)


def _persons(mapping: RowMapping, row: Row) -> list[str]:
    """What the row's columns of persons hold, as far as it cannot be a part of something else; the longest first."""
    told = {column for column in row if masking.column_of_person(column) and not masking.column_of_thing(column)}
    columns = (told - set(_of_things(mapping))) | set(_of_persons(mapping))
    found = {str(row.get(column, "")).strip() for column in columns}
    return sorted((word for word in found if _TELLING.search(word)), key=len, reverse=True)


def _of_head(mapping: RowMapping, reason: Violation) -> Iterator[str]:
    """The column by which a joined row is known to be missing."""
    if reason.rule == "head":
        yield from (head.column for head in mapping.heads if head.reason in reason.message)


def _of_states(mapping: RowMapping, reason: Violation) -> Iterator[str]:
    """The columns by which a rule of the profile left the row out, or could not tell."""
    for rule in mapping.states:
        if reason.field in ("", str(rule.state)) and rule.reason in reason.message:
            yield from (each.column for each in rule.conditions if each.column)


def _place(mapping: RowMapping, row: Row, path: str) -> tuple[Row, Field | None]:
    """The row or the line where the field's columns are, and the field."""
    if not (found := _CHILD.fullmatch(path)):
        return row, mapping.specs.get(path)
    name, number, inner = found[1], int(found[2]), found[3]
    lines: list[Mapping[str, Any]] = list(row.get(children.place(name)) or ())
    spec = next((each for each in mapping.specs[name].fields if each.name == inner), None) if name in mapping.specs else None
    return (lines[number] if number < len(lines) else {}), spec


def _of_persons(mapping: RowMapping) -> Iterator[str]:
    for name, rule in mapping.fields.items():
        if name in mapping.specs and masking.of_person(mapping.specs[name]):
            yield from rule.origin.columns


def _of_things(mapping: RowMapping) -> Iterator[str]:
    for name, rule in mapping.fields.items():
        if name in mapping.specs and masking.names_nobody(mapping.specs[name]) and not masking.of_person(mapping.specs[name]):
            yield from rule.origin.columns
