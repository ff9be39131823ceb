"""Rows of a field table -> fields; whatever is guessed or lost is reported with its cell."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from schemas.exchanging import notation, understanding
from schemas.exchanging.codes import Tables
from schemas.exchanging.layout import Role, plain
from schemas.exchanging.report import Report
from schemas.exchanging.tables import NAME, Block, Line, bare_name, depth
from schemas.model import Condition, Confidence, Field, FieldType, Severity, Source


@dataclass(slots=True)
class _Draft:
    """A field whose children and siblings are not all known yet."""

    spec: Field
    line: Line
    conditional: bool
    children: list[_Draft]

    def finished(self) -> Field:
        return replace(self.spec, fields=tuple(child.finished() for child in self.children))


class FieldReader:
    """Reads the rows of one block."""

    def __init__(self, block: Block, source: Source, tables: Tables, report: Report, *, ours: bool) -> None:
        self.block, self.source, self.tables, self.report, self.ours = block, source, tables, report, ours

    def read(self) -> tuple[Field, ...]:
        """Every field of the block, children under their parents."""
        top: list[_Draft] = []
        last: _Draft | None = None
        for line in self.block.lines:
            if not self._is_field(line):
                self._note(line, last)
                continue
            self.report.fields_in += 1
            last = self._place(top, self._draft(line), line) or last
        self._conditions(top)
        return tuple(draft.finished() for draft in top)

    def _is_field(self, line: Line) -> bool:
        name = bare_name(line.text(Role.NAME))
        return bool(line.text(Role.TYPE)) or bool(NAME.match(name))

    def _note(self, line: Line, last: _Draft | None) -> None:
        """A row that is no field: the rest of the note above it, or a remark of the table's author."""
        texts = line.texts()
        if not texts:
            return
        if last and not line.text(Role.NAME) and line.text(Role.MEANING) and len(texts) == 1:
            self._append(last, texts[0])
            self._guess(line, Role.MEANING, f"没有字段名，作为上一字段 {last.spec.name} 的说明")
        else:
            self.report.miss(self.block.sheet, line.place, " ".join(texts), "不是字段，没有采用")

    @staticmethod
    def _append(draft: _Draft, text: str) -> None:
        draft.spec = replace(draft.spec, meaning="；".join(part for part in (draft.spec.meaning, text) if part))

    def _draft(self, line: Line) -> _Draft | None:
        """The field of a row; None if it cannot be taken, which has been reported."""
        for cell in line.cells.values():
            if cell.formula:
                self._lose(line, f"单元格 {cell.place} 是公式，请改成值")
                return None
        name = bare_name(line.text(Role.NAME)).rpartition(".")[2]
        if not NAME.fullmatch(name):
            self._lose(line, "没有字段名" if not name else "字段名须由字母、数字和下划线组成")
            return None
        kind = self._type(line)
        if kind is None:
            return None
        notes = [kind.rest] if kind.rest else []
        if kind.rest:
            self._guess(line, Role.TYPE, "类型之外的文字归入说明")
        length, scale = self._length(line, kind, notes)
        required = self._required(line, notes)
        spec = Field(
            name=name,
            label=self._label(line, name),
            type=kind.type,
            source=self._source(line),
            length=length,
            scale=scale,
            codes=self.tables.of_field(line, self.block.sheet, name) if kind.type is FieldType.TEXT or self.ours else None,
            required=required.required,
            required_if=self._condition(line),
            blank_allowed=plain(line.text(Role.BLANK)) == notation.YES,
            least=self._least(line),
            length_severity=self._severity(line),
            wire_name=line.text(Role.WIRE_NAME),
            aliases=notation.split(line.text(Role.ALIASES)),
            format=line.text(Role.FORMAT) or kind.format,
            meaning="；".join(part for part in (line.text(Role.MEANING), *notes) if part),
        )
        return _Draft(spec, line, required.conditional and spec.required_if is None, [])

    def _type(self, line: Line) -> understanding.TypeCell | None:
        text = line.text(Role.TYPE)
        if not text:
            self._guess(line, Role.TYPE, "没有写类型，按字符型")
            return understanding.TypeCell(FieldType.TEXT)
        kind = understanding.read_type(text)
        if kind is None:
            self._lose(line, "看不懂的数据类型", Role.TYPE)
        return kind

    def _length(self, line: Line, kind: understanding.TypeCell, notes: list[str]) -> tuple[int | None, int]:
        found = understanding.read_length(line.text(Role.LENGTH), kind.type)
        if found is None:
            self._miss(line, Role.LENGTH, "看不懂的长度，没有采用" + ("" if kind.length else "，暂不限长"))
            notes.append(line.text(Role.LENGTH))
            return kind.length, kind.scale
        if found.guessed:
            self._guess(line, Role.LENGTH, f"按总位数 {found.length}、小数 {found.scale} 位读")
        if found.rest:
            self._guess(line, Role.LENGTH, "长度之外的文字归入说明")
            notes.append(found.rest)
        if found.length and kind.length and found.length != kind.length:
            self._guess(line, Role.LENGTH, f"类型里写的是 {kind.length}，取长度列")
        scale = plain(line.text(Role.SCALE))
        decimals = int(scale) if scale.isdecimal() else found.scale or kind.scale
        return found.length or kind.length, decimals

    def _required(self, line: Line, notes: list[str]) -> understanding.RequiredCell:
        if Role.NULLABLE in line.cells and Role.REQUIRED not in line.cells:
            answer = understanding.read_required(line.text(Role.NULLABLE))
            return understanding.RequiredCell(required=bool(answer and not answer.required))
        found = understanding.read_required(line.text(Role.REQUIRED))
        if found is None:
            self._guess(line, Role.REQUIRED, "不是“是”或“否”，按选填，文字归入说明")
            notes.append(line.text(Role.REQUIRED))
            return understanding.RequiredCell(required=False, conditional=True)
        if found.rest:
            self._guess(line, Role.REQUIRED, "“是”“否”之外的文字归入说明")
            notes.append(found.rest)
        return found

    def _label(self, line: Line, name: str) -> str:
        label = line.text(Role.LABEL)
        if not label:
            self._guess(line, Role.LABEL, "没有中文名称，用字段名代替")
        return label or name

    def _condition(self, line: Line) -> Condition | None:
        text = line.text(Role.CONDITION)
        if not text:
            return None
        found = notation.read_condition(text)
        if found is None:
            self._miss(line, Role.CONDITION, "看不懂的必填条件，应写成“字段=值、值”")
        return found

    def _least(self, line: Line) -> Decimal | None:
        text = plain(line.text(Role.LEAST))
        try:
            return Decimal(text) if text else None
        except InvalidOperation:
            self._miss(line, Role.LEAST, "最小值应为数")
            return None

    def _severity(self, line: Line) -> Severity:
        text = line.text(Role.SEVERITY)
        found = notation.choice(Severity, text) if text else Severity.ERROR
        if found is None:
            self._miss(line, Role.SEVERITY, "只能写“退回”或“提醒”，按“退回”")
        return found or Severity.ERROR

    def _source(self, line: Line) -> Source:
        """The row's own source where it has one, else that of the sheet."""
        if not any(line.text(role) for role in (Role.DOC, Role.REF, Role.CONFIDENCE, Role.DATED)):
            return self.source
        level = line.text(Role.CONFIDENCE)
        if level and level not in tuple(Confidence):
            self._miss(line, Role.CONFIDENCE, "可信度只能是 A、B、C、O 之一")
        return Source(
            doc=line.text(Role.DOC) or self.source.doc,
            ref=line.text(Role.REF) or self.source.ref,
            confidence=Confidence(level) if level in tuple(Confidence) else self.source.confidence,
            dated=line.text(Role.DATED),
        )

    def _place(self, top: list[_Draft], draft: _Draft | None, line: Line) -> _Draft | None:
        """Put the field under its parent; None if it has no place, which is then reported."""
        if draft is None:
            return None
        siblings = self._siblings(top, draft, line)
        if siblings is None:
            self._lose(line, "上级字段没有出现，或不是子节点")
            return None
        twin = next((each for each in siblings if each.spec.name == draft.spec.name), None)
        if twin:
            same = "相同" if _alike(twin.spec, draft.spec) else "不同"
            self._lose(line, f"与 {twin.line.place_of(Role.NAME)} 的字段同名（内容{same}），只取第一个")
            return None
        siblings.append(draft)
        self.report.fields_out += 1
        return draft

    def _siblings(self, top: list[_Draft], draft: _Draft, line: Line) -> list[_Draft] | None:
        """The list the field belongs into: named by a dotted name, or the last 子节点 above an indented one."""
        parents = bare_name(line.text(Role.NAME)).split(".")[:-1]
        if (
            not parents
            and top
            and line.cells[Role.NAME].text
            and depth(line.cells[Role.NAME]) > depth(top[-1].line.cells[Role.NAME])
        ):
            return top[-1].children if top[-1].spec.type is FieldType.ROWS else top
        siblings = top
        for parent in parents:
            found = next((each for each in siblings if each.spec.name == parent), None)
            if found is None or found.spec.type is not FieldType.ROWS:
                return None
            siblings = found.children
        return siblings

    def _conditions(self, drafts: list[_Draft]) -> None:
        """条件必填 whose condition stands only in a note: taken if it names a field beside it."""
        names = {draft.spec.name for draft in drafts}
        for draft in drafts:
            self._conditions(draft.children)
            if not draft.conditional:
                continue
            found = understanding.condition_within(draft.spec.meaning)
            if found and found.field in names - {draft.spec.name}:
                draft.spec = replace(draft.spec, required_if=found)
                self._guess(draft.line, Role.REQUIRED, f"条件取自说明：{notation.condition(found)} 时必填")
            else:
                self._miss(draft.line, Role.REQUIRED, "没有看懂何时必填，按选填")

    def _lose(self, line: Line, sentence: str, role: Role = Role.NAME) -> None:
        content = line.text(role) or line.text(Role.LABEL)
        self.report.miss(self.block.sheet, line.place_of(role), content, f"字段没有采用：{sentence}", lost=True)

    def _miss(self, line: Line, role: Role, sentence: str) -> None:
        self.report.miss(self.block.sheet, line.place_of(role), line.text(role), sentence)

    def _guess(self, line: Line, role: Role, sentence: str) -> None:
        self.report.guess(self.block.sheet, line.place_of(role), line.text(role), sentence)


def _alike(first: Field, second: Field) -> bool:
    return replace(first, fields=(), source=second.source) == replace(second, fields=())


def every(fields: tuple[Field, ...]) -> Iterator[Field]:
    """The fields and all below them."""
    for spec in fields:
        yield spec
        yield from every(spec.fields)
