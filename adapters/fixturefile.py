"""fixtures/<dataset>.yaml: local rows and what becomes of them, so that a mapping is tried without any database.

dataset: HD03
constants: {dialysis_item_codg: "X1"}          # what the site declares in all cases
catalogues: {drug_name: [{drug_name: 甲药, drug_codg: "D1"}]}
row: {session_id: "s1", end_time: "11:00"}     # columns of every case; a case replaces some of them
children: {drugs: [{line_key: 1, drug_name: 甲药}]}
cases:
  - name: 平常的一次
    expected: {sess_id: "s1", end_time: "2026-10-05 11:00:00"}     # the whole content, as it is sent
  - name: 还没有结束
    row: {end_time: null}
    state: not_ready
  - name: 没有上机时间
    row: {start_time: null}
    faults: {begn_time: required}              # field -> rule, all of them
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from adapters import children
from adapters.catalogue import Catalogue
from adapters.mapping import CURSOR_KEY, ROW_REF, RowMapping
from adapters.origins import SiteFacts
from gateway.model import Cursor, RowState, SourceRow
from schemas import wire, yamlfile
from schemas.errors import WireError
from schemas.yamlfile import Section

_INSTITUTION = "H00000000000"


@dataclass(frozen=True, slots=True)
class Case:
    """One local row and what becomes of it."""

    name: str
    row: Mapping[str, Any]
    lines: Mapping[str, Sequence[Mapping[str, Any]]]
    facts: SiteFacts
    state: RowState = RowState.READY
    expected: Mapping[str, Any] | None = None  #: None: not compared
    faults: Mapping[str, str] = field(default_factory=dict)

    def differences(self, mapping: RowMapping) -> Iterator[str]:
        """What the mapping makes of it otherwise than expected, each in Chinese; none if it is right."""
        local = {ROW_REF: "1", CURSOR_KEY: 1, **self.row}
        local |= {children.place(name): [{**line, ROW_REF: "1"} for line in self.lines.get(name, ())] for name in mapping.children}
        if missing := sorted(mapping.columns - local.keys()):
            yield f"{self.name}：row 缺少列 {'、'.join(missing)}"
            return
        found = mapping.source_row(local, Cursor(None, 1), self.facts)
        if found.state is not self.state:
            yield f"{self.name}：应为 {self.state}，实为 {found.state}（{found.reason or '可报送'}）"
            return
        yield from self._of_faults(found)
        if self.expected is not None:
            yield from self._of_content(mapping, found)

    def _of_faults(self, found: SourceRow) -> Iterator[str]:
        told = {fault.field: fault.rule for fault in found.faults}
        for name in sorted(told.keys() | self.faults.keys()):
            if told.get(name) != self.faults.get(name):
                yield f"{self.name}：{name} 的原因应为 {self.faults.get(name, '无')}，实为 {told.get(name, '无')}"

    def _of_content(self, mapping: RowMapping, found: SourceRow) -> Iterator[str]:
        try:
            content = wire.encode_record(mapping.dataset.fields, found.values)
        except WireError as error:
            yield f"{self.name}：{error}"
            return
        expected = self.expected or {}
        for name in sorted(content.keys() | expected.keys()):
            if content.get(name) != expected.get(name):
                yield f"{self.name}：{name} 应为 {expected.get(name, '无')}，实为 {content.get(name, '无')}"


def read(path: Path) -> tuple[str, tuple[Case, ...]]:
    """The data set and its cases. SpecError names file and key of what is wrong."""
    section = yamlfile.read(path).known("dataset", "constants", "catalogues", "row", "children", "cases")
    facts = SiteFacts(_INSTITUTION, _texts(section.optional("constants")), _catalogues(section))
    row, lines = dict(section.get("row", dict, {}) or {}), dict(section.get("children", dict, {}) or {})
    cases = tuple(_case(each, row, lines, facts) for each in section.sections("cases"))
    if not cases:
        raise section.error("至少写一个例子", "cases")
    return section.need("dataset", str), cases


def of(folder: Path) -> tuple[Path, ...]:
    """The fixture files of a profile."""
    return tuple(sorted((folder / "fixtures").glob("*.yaml")))


def _case(section: Section, row: Mapping[str, Any], lines: Mapping[str, Any], facts: SiteFacts) -> Case:
    section.known("name", "row", "children", "constants", "state", "expected", "faults")
    constants = _texts(section.optional("constants"))
    faults = section.optional("faults")
    return Case(
        name=section.need("name", str),
        row={**row, **(section.get("row", dict, {}) or {})},
        lines={**lines, **(section.get("children", dict, {}) or {})},
        facts=replace(facts, constants={**facts.constants, **constants}),
        state=_state(section),
        expected=section.get("expected", dict),
        faults={name: faults.need(name, str) for name in faults.data} if faults else {},
    )


def _state(section: Section) -> RowState:
    try:
        return RowState(section.text("state", RowState.READY))
    except ValueError:
        raise section.error(f"只能是 {'、'.join(RowState)} 之一", "state") from None


def _texts(section: Section | None) -> dict[str, str]:
    return {name: section.text(name) for name in section.data} if section else {}


def _catalogues(section: Section) -> dict[str, Catalogue]:
    inner = section.optional("catalogues")
    if inner is None:
        return {}
    found: dict[str, Catalogue] = {}
    for key in inner.data:
        rows = [{name: each.text(name) for name in each.data} for each in inner.sections(key)]
        columns = frozenset(name for row in rows for name in row)
        found[key] = Catalogue(section.file.name, key, columns, {row[key]: row for row in rows})
    return found
