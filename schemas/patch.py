"""What an overlay says about fields and code tables, applied to those of its base.

A slip is told at its line: a name the base does not have is an error that names the nearest one.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from schemas.dateformat import dateformat
from schemas.errors import SpecError, WireError
from schemas.loader import (
    read_condition,
    read_decimal,
    read_enum,
    read_field,
    read_source,
)
from schemas.model import CodeTable, Field, FieldType, Severity, Source
from schemas.yamlfile import Section

_CLOCKS = (FieldType.DATE, FieldType.DATETIME)
_READERS: dict[str, Callable[[Section], Any]] = {
    "label": lambda section: section.need("label", str),
    "type": lambda section: read_enum(section, "type", FieldType, None),
    "length": lambda section: section.at_least("length", 1),
    "scale": lambda section: section.at_least("scale", 0),
    "length_severity": lambda section: read_enum(section, "length_severity", Severity, None),
    "codes": lambda section: section.need("codes", str) or None,  # "": no table limits it here
    "required": lambda section: section.need("required", bool),
    "required_if": lambda section: read_condition(section.section("required_if")),
    "blank_allowed": lambda section: section.need("blank_allowed", bool),
    "least": lambda section: read_decimal(section, "least"),
    "wire_name": lambda section: section.need("wire_name", str),
    "aliases": lambda section: section.texts("aliases"),
    "format": lambda section: section.need("format", str),
    "meaning": lambda section: section.need("meaning", str),
}
FIELD_KEYS = (*_READERS, "source", "fields", "add", "remove")
TABLE_KEYS = ("label", "source", "values", "remove", "on_wire")


def unknown(section: Section, key: str, what: str, name: str, names: Iterable[str]) -> SpecError:
    """The error for a name the base does not have; it stands at `key` of the section."""
    near = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    return section.error(f"上级版本中没有{what} {name}{f'，是否想写 {near[0]}？' if near else ''}", key)


@dataclass(frozen=True, slots=True)
class FieldPatch:
    """Changes fields; `source` is what a changed field cites when its own section has none."""

    tables: Mapping[str, CodeTable]
    source: Source

    def applied(self, specs: tuple[Field, ...], section: Section) -> tuple[Field, ...]:
        """`remove`, `fields` and `add` of a section, in this order."""
        removed = self._removed(specs, section)
        changes = section.named("fields")
        names = {spec.name for spec in specs}
        for name in changes:
            if name not in names:
                raise unknown(section.section("fields"), name, "字段", name, names)
            if name in removed:
                raise section.section("fields").error("字段已写在 remove 里，不能再改", name)
        kept = (spec for spec in specs if spec.name not in removed)
        changed = tuple(self._changed(spec, changes[spec.name]) if spec.name in changes else spec for spec in kept)
        return (*changed, *self._added(changed, section))

    def _removed(self, specs: tuple[Field, ...], section: Section) -> frozenset[str]:
        names = [spec.name for spec in specs]
        for name in section.texts("remove"):
            if name not in names:
                raise unknown(section, "remove", "字段", name, names)
        return frozenset(section.texts("remove"))

    def _added(self, specs: tuple[Field, ...], section: Section) -> tuple[Field, ...]:
        added = []
        for each in section.sections("add"):
            spec = read_field(each, self.source)
            if any(spec.name == other.name for other in specs):
                raise each.error(f"字段 {spec.name} 在上级版本中已有，要改它请写在 fields 下", "name")
            self._check(spec, each)
            added.append(spec)
        return tuple(added)

    def _changed(self, spec: Field, section: Section) -> Field:
        section.known(*FIELD_KEYS)
        changes = {key: read(section) for key, read in _READERS.items() if key in section.data}
        if "required" in changes:  # an unconditional word replaces the base's condition, unless a new one stands beside it
            changes.setdefault("required_if", None)
        elif "required_if" in changes:
            changes["required"] = False
        if "wire_name" in changes:  # often one of the spellings that the base already reads
            aliases = changes.get("aliases", spec.aliases)
            changes["aliases"] = tuple(alias for alias in aliases if alias != changes["wire_name"])
        inner = replace(self, source=read_source(section)) if "source" in section.data else self
        children = inner.applied(spec.fields, section)
        changed = replace(spec, **changes, fields=children, source=inner.source)
        self._check(changed, section)
        return changed

    def _check(self, spec: Field, section: Section) -> None:
        """Told here and not only by the lint, because here the line is known."""
        if spec.codes and spec.codes not in self.tables:
            raise unknown(section, "codes", "代码表", spec.codes, self.tables)
        if spec.format and spec.type not in _CLOCKS:
            raise section.error("只有 D 和 DT 类型可以写 format", "format")
        if spec.format:
            check_format(section, "format", spec.format, spec.type)


def check_format(section: Section, key: str, pattern: str, kind: FieldType) -> None:
    """SpecError when the region's date format cannot be used."""
    try:
        dateformat(pattern, kind)
    except WireError as error:
        raise section.error(str(error), key) from None


def patched_table(table: CodeTable, section: Section, source: Source) -> CodeTable:
    """A code table with codes added or relabelled (`values`), taken out (`remove`), or written otherwise (`on_wire`)."""
    section.known(*TABLE_KEYS)
    for code in section.texts("remove"):
        if code not in table.values:
            raise unknown(section, "remove", f"代码表 {table.name} 的代码", code, table.values)
    kept = {code: label for code, label in table.values.items() if code not in section.texts("remove")}
    values = kept | _texts(section, "values")
    on_wire = {code: wire for code, wire in table.on_wire.items() if code in values} | _texts(section, "on_wire")
    for code in on_wire:
        if code not in values:
            raise unknown(section.section("on_wire"), code, f"代码表 {table.name} 的代码", code, values)
    _check_one_to_one(section, values, on_wire)
    return CodeTable(
        name=table.name,
        label=section.text("label", table.label),
        values=values,
        source=read_source(section) if "source" in section.data else source,
        on_wire=on_wire,
    )


def _texts(section: Section, key: str) -> dict[str, str]:
    """code -> text; a code that YAML reads as a number is an error."""
    inner = section.optional(key)
    return {code: inner.need(code, str) for code in inner.data} if inner else {}


def _check_one_to_one(section: Section, values: Iterable[str], on_wire: Mapping[str, str]) -> None:
    """Two codes written alike could not be told apart when they come back."""
    seen: dict[str, str] = {}
    for code in values:
        wire = on_wire.get(code, code)
        if wire in seen:
            raise section.error(f"代码 {seen[wire]} 与 {code} 在报文中都写作 {wire}，读回来分不清", "on_wire")
        seen[wire] = code
