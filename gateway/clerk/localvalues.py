"""Which local columns a field or a reason comes from, and what stands there, masked: what a vendor needs to find the place.

A column that fills a field of a person is masked wherever it is shown, also beside a field of a thing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from adapters import children
from adapters.mapping import RowMapping
from adapters.origins import Row
from gateway.clerk import masking
from schemas.model import Field, Violation

_CHILD = re.compile(r"(\w+)\[(\d+)\]\.(\w+)")
NOTHING = "（空）"


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
    return "；".join(
        f"{column}={shown(mapping, line, column, spec)}{_length(line, column) if long else ''}"
        for column in columns(mapping, reason)
    )


def _length(row: Row, column: str) -> str:
    """What is too long is cut or masked: how long it is can be told."""
    return f"（{len(str(row.get(column, '')))} 个字符）"


def shown(mapping: RowMapping, row: Row, column: str, spec: Field | None) -> str:
    """One value, as far as it may be shown beside that field."""
    value: Any = row.get(column)
    thing = spec is not None and not masking.of_person(spec) and spec.name.endswith("name")
    hidden = (spec is not None and masking.of_person(spec)) or (masking.column_of_person(column) and not thing)
    hidden = hidden or column in set(_of_persons(mapping))
    return masking.masked(value, person=hidden, plain=masking.own_number(value)) or NOTHING


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
