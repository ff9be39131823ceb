"""Code tables of a workbook: sheets of their own, long lists, or codes written into a field's row."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from schemas.exchanging import understanding
from schemas.exchanging.facts import read_source
from schemas.exchanging.layout import Role, plain
from schemas.exchanging.report import Report
from schemas.exchanging.tables import Block, Line
from schemas.model import CodeTable, Source

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]+")
_YES = frozenset({"Y", "是", "√", "YES"})


class Tables:
    """The code tables found so far, and which of them a field means."""

    def __init__(self, base: Mapping[str, CodeTable], source: Source, report: Report, *, ours: bool) -> None:
        self._base, self._source, self._report, self._ours = base, source, report, ours
        self.found: dict[str, CodeTable] = {}

    def read(self, block: Block) -> None:
        """Take the tables of one block: one table, or several told apart by a column."""
        if Role.TABLE not in block.roles:
            self._add(block, block.lines, self._named(block))
            return
        groups: dict[str, list[Line]] = {}
        for line in block.lines:
            groups.setdefault(line.text(Role.TABLE), []).append(line)
        for title, lines in groups.items():
            self._add(block, tuple(lines), self._identity(title, block.sheet, lines[0].place))

    def _named(self, block: Block) -> tuple[str, str]:
        """(name, label) as the lines above the table say, or the sheet's own name."""
        above = block.heading
        name, label = above.text("代码表"), above.text("名称")
        if name:
            return name, label or name
        title = above.title
        return self._identity(label or (title.text if title else block.sheet), block.sheet, title.place if title else "A1")

    def _identity(self, title: str, sheet: str, place: str) -> tuple[str, str]:
        """`人员证件类型（psn_cert_type）` -> its two names; a Chinese name alone may be that of a table we know."""
        names = _NAME.findall(plain(title))
        label = re.sub(r"[()\s:_-]|代码表", "", _NAME.sub("", plain(title))) or title
        if names:
            return max(names, key=len), label
        known = next((table.name for table in self._base.values() if label in (table.label, table.label + "表")), None)
        name = known or f"codes_{len(self.found) + 1}"
        self._report.guess(sheet, place, title, f"代码表没有写英文标识，作为 {name}")
        return name, label

    def _add(self, block: Block, lines: tuple[Line, ...], identity: tuple[str, str]) -> None:
        name, label = identity
        values: dict[str, str] = {}
        on_wire: dict[str, str] = {}
        for line in lines:
            code = self._code(block, line, values)
            if code is None:
                continue
            values[code] = line.text(Role.CODE_LABEL) or code
            if line.text(Role.CODE_ON_WIRE):
                on_wire[code] = line.text(Role.CODE_ON_WIRE)
        if name in self.found:
            self._report.miss(block.sheet, lines[0].place if lines else "A1", name, "同名代码表写了两次，只取第一个")
            return
        source = read_source(block.heading, block.sheet, self._source, self._report)
        self.found[name] = CodeTable(name, label, values, source, on_wire)

    def _code(self, block: Block, line: Line, taken: Mapping[str, str]) -> str | None:
        """The code of a row; None if there is none to take, which is then reported."""
        cell = line.cells.get(Role.CODE)
        if cell is None or not cell.text or cell.formula:
            self._report.miss(block.sheet, line.place, " ".join(line.texts()), "代码行没有代码，没有采用")
            return None
        if cell.text in taken:
            self._report.miss(block.sheet, cell.place, cell.text, "代码写了两次，只取第一个")
            return None
        if cell.number:
            self._report.guess(block.sheet, cell.place, cell.text, "代码存成了数，前导零可能已丢失，请核对")
        if not line.text(Role.CODE_LABEL):
            self._report.guess(block.sheet, cell.place, cell.text, "代码没有名称，用代码代替")
        return cell.text

    def of_field(self, line: Line, sheet: str, name: str) -> str | None:
        """The table that limits the field, or None. What a code column says and nobody understands is reported."""
        text = line.text(Role.CODES)
        if self._ours and not text:
            return None
        known = self._known(plain(text)) if text else None
        if known:
            return known
        if text and plain(text).upper() not in _YES:
            return self._listed(line, sheet, name, Role.CODES, understanding.inline_codes(text))
        return self._from_note(line, sheet, name, asked=bool(text) and plain(text).upper() in _YES)

    def _listed(self, line: Line, sheet: str, name: str, role: Role, codes: dict[str, str]) -> str | None:
        if codes:
            return self._written(line, sheet, name, role, codes)
        if plain(line.text(role)).upper() not in {"N", "否", "-", "/", "无", "NO"}:
            self._report.miss(sheet, line.place_of(role), line.text(role), "看不懂的代码表，字段按不限取值采用")
        return None

    def _from_note(self, line: Line, sheet: str, name: str, *, asked: bool) -> str | None:
        """A table that only the note names or lists: 参照人员证件类型, `0：否，1：是`."""
        note = line.text(Role.MEANING)
        listed = understanding.inline_codes(note)  # the whole note is a list, perhaps without signs: `1男 2女`
        codes = understanding.codes_within(note) or (listed if len(listed) > 1 else {})
        if codes:
            return self._written(line, sheet, name, Role.MEANING, codes)
        tables = {**self._base, **self.found}
        named = next((each.name for each in tables.values() if _refers(note, each)), None)
        if named is None and asked and name in tables:
            named = name
        if named:
            self._report.guess(sheet, line.place_of(Role.MEANING), note, f"按代码表 {named}")
            return self._known(named)
        if asked:
            self._report.miss(sheet, line.place_of(Role.CODES), line.text(Role.CODES), "标为代码字段，但没有写是哪个代码表")
        return None

    def _written(self, line: Line, sheet: str, name: str, role: Role, codes: dict[str, str]) -> str:
        """A table for codes written into the row: an equal one if there is one, else a new one of the field's name."""
        equal = next((each.name for each in self.found.values() if dict(each.values) == codes), None)
        if equal is None:
            equal = self._free(name)
            self.found[equal] = CodeTable(equal, line.text(Role.LABEL) or name, codes, replace(self._source, ref=sheet))
        self._report.guess(sheet, line.place_of(role), line.text(role), f"取值写在单元格里，{len(codes)} 个，作为代码表 {equal}")
        return equal

    def _free(self, name: str) -> str:
        number = 2
        free = name
        while free in self.found:
            free, number = f"{name}_{number}", number + 1
        return free

    def _known(self, text: str) -> str | None:
        """The table of that name or label: of this workbook, else of the base, which then comes along."""
        for tables in (self.found, self._base):
            for table in tables.values():
                if text in (table.name, table.label, f"{table.label}代码表"):
                    self.found.setdefault(table.name, table)
                    return table.name
        return None


def _refers(note: str, table: CodeTable) -> bool:
    return bool(re.search(rf"(?:参照|参见|见|按)\s*[“《\"]?{re.escape(table.label)}", note)) or f"（{table.name}）" in note
