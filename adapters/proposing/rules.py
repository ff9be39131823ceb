"""The mapping file of a draft: the best proposal of each field as a rule, the next ones as comments, and why."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from adapters.introspection.shapes import Shape
from adapters.proposing import doubts
from adapters.proposing.drafting import OWNER, Draft, Marked
from adapters.proposing.labels import best_label, listed
from adapters.proposing.proposal import Proposal
from adapters.proposing.sides import Offered
from adapters.proposing.vocabulary import vocabulary
from adapters.unfinished import DOUBT, PLACEHOLDER
from schemas import placeholders
from schemas.model import CodeTable, Edition, Field, FieldType

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WORDS_OF_YAML = frozenset({"y", "n", "yes", "no", "true", "false", "on", "off", "null"})
_SHOWN_LENGTH = 60
_DAY = len("1900-01-01")


class Rules:
    """Writes it."""

    def __init__(self, draft: Draft, edition: Edition) -> None:
        self._draft, self._edition = draft, edition

    def text(self) -> str:
        """The file."""
        return "".join(f"{line}\n" for line in self._lines())

    def _lines(self) -> Iterator[str]:
        dataset = self._draft.dataset
        yield f"# {dataset.code} {dataset.name}：由 gateway profile new 起草，每一条都要人核对；写法见 docs/mapping.md"
        yield f"# 主表 {self._draft.head.name}" + (f"（{_aside(self._draft.head.comment)}）" if self._draft.head.comment else "")
        yield f"dataset: {quoted(dataset.code)}"
        yield "zone: Asia/Shanghai      # 库里不带时区的时间是哪里的钟；存的是 UTC 就改成 UTC"
        yield from self._states()
        yield "fields:"
        for spec in dataset.fields:
            yield from self._field(spec)
        yield from self._absent()

    def _states(self) -> Iterator[str]:
        yield "# 哪些行不报（exclude）、已作废（void）、还没做完（not_ready）：规则按顺序问"
        gone = [mark for mark in self._draft.marks if mark.gone]
        if gone:
            yield "void:"
        for mark in gone:
            codes = ", ".join(json.dumps(code, ensure_ascii=False) for code in mark.gone)
            rule = f"{{column: {quoted(mark.name)}, in: [{codes}], reason: 已作废或删除}}"
            yield f"  - {rule}   # 请核对；见到的是 {_listed(mark.codes)}"
        open_ones = [mark for mark in self._draft.marks if not mark.gone]
        for mark in open_ones:
            yield from _owned(mark) if mark.what == OWNER else _asked(mark)
        if example := next((mark.name for mark in open_ones if mark.what != OWNER), ""):
            yield "# 上面各列的值，不该报的写进 exclude，作废的写进 void，没做完的写进 not_ready，例："
            yield f'#   - {{column: {quoted(example)}, in: ["…"], reason: 已取消}}'
        yield from self._unfinished()

    def _unfinished(self) -> Iterator[str]:
        """A thing that has begun and not ended waits; so does one that is told when it ends, as a stay in hospital."""
        spec = self._ending() or self._ended()
        proposal = self._draft.active.get(spec.name) if spec else None
        if proposal and not proposal.offered.path:
            name = self._draft.name_of(proposal, clock=proposal.clock is not None)
            yield "not_ready:"
            yield f"  - {{column: {quoted(name)}, is: blank, reason: 尚未结束}}"

    def _ended(self) -> Field | None:
        """The business time, where it is the end of what happened and rows are seen that have none yet."""
        spec = self._draft.dataset.field(self._draft.dataset.occurred)
        said = frozenset().union(*vocabulary().of_text(spec.label))
        content = self._draft.occurred.offered.content if self._draft.occurred else None
        return spec if said & {"end", "discharge"} and content and content.filled < content.rows else None

    def _field(self, spec: Field) -> Iterator[str]:
        needed = "必填" if spec.required else "有条件必填" if spec.required_if else "选填"
        yield f"  # {spec.label}（{needed}）{'：' + _aside(spec.meaning) if spec.meaning else ''}"
        if spec.type is FieldType.ROWS:
            yield f"  #   {spec.name} 是子表：另写一条查询，规则写在 children 下，见 docs/mapping.md"
            return
        active = self._draft.active.get(spec.name)
        if spec.name == self._draft.single:
            yield f'  {spec.name}: {{fixed: "1", why: 主表一行就是一张单据}}'
            yield f"  #   {DOUBT}处方号、单号取的是主表的主键，所以行号固定为 1；一张单据有几行的，主表不对"
        if active:
            yield f"  {spec.name}: {self._rule(spec, active)}   # {self._why(active)}"
            yield from (f"  #   {DOUBT}{_aside(each, longest=160)}" for each in doubts.of(self._draft, spec))
            yield from (f"  #   {line}" for line in self._doubts(spec, active))
        for each in self._draft.others.get(spec.name, ()):
            rule = self._rule(spec, each)
            yield f"  #   {spec.name}: {rule or '（查询里还没有这一列）'}   # 备选：{self._why(each)}"
        if active is None:
            yield from self._lasting(spec)

    def _lasting(self, spec: Field) -> Iterator[str]:
        """A duration that no column tells, by the moments that the draft has: whether that is what is meant, a person says."""
        known, dataset = vocabulary(), self._draft.dataset
        said = known.of_text(spec.label)
        if spec.type is not FieldType.NUMBER or not any("minutes" in slot for slot in said) or any("plan" in slot for slot in said):
            return
        start, end = self._draft.active.get(dataset.occurred), self._ending()
        if start and end and dataset.field(dataset.occurred).type is FieldType.DATETIME:
            span = f"{dataset.field(dataset.occurred).label}到{end.label}"
            told = f"{span}的分钟数；中途停的时间也在内，请核对"
            yield f"  #   {spec.name}: {{minutes: [{dataset.occurred}, {end.name}]}}   # 备选：{told}"

    def _ending(self) -> Field | None:
        """The field of when what happened was over, if the draft has it."""
        known, dataset = vocabulary(), self._draft.dataset
        for spec in dataset.fields:
            ends = any("end" in slot for slot in known.of_text(spec.label))
            if ends and spec.type is FieldType.DATETIME and spec.name != dataset.occurred and spec.name in self._draft.active:
                return spec
        return None

    def _rule(self, spec: Field, proposal: Proposal) -> str:
        """The rule as YAML; "" if the query does not yield its column."""
        name = self._draft.name_of(proposal)
        if not name:
            return ""
        offered = proposal.offered
        if proposal.clock:
            parts = [f"date: {self._day(name, offered)}", f"time: {quoted(self._draft.name_of(proposal, clock=True))}"]
            return "{" + ", ".join([*parts, *self._rolls(spec, proposal)]) + "}"
        parts = [f"json: {quoted(name)}, at: {quoted(offered.path)}"] if offered.path else [f"column: {quoted(name)}"]
        return "{" + ", ".join([*parts, *self._reading(spec, offered)]) + "}"

    def _day(self, name: str, offered: Offered) -> str:
        formats = _formats(offered)
        return f"{{column: {quoted(name)}, {formats}}}" if formats else quoted(name)

    def _rolls(self, spec: Field, proposal: Proposal) -> Iterator[str]:
        """An end that has the same day as the beginning may lie after midnight."""
        occurred = self._draft.occurred
        same = occurred and occurred.clock and occurred.offered.column.name == proposal.offered.column.name
        if same and spec.name != self._draft.dataset.occurred:
            yield f"next_day_if_before: {self._draft.dataset.occurred}"

    def _reading(self, spec: Field, offered: Offered) -> Iterator[str]:
        if empty := self._empty(spec, offered):
            yield "empty: [" + ", ".join(json.dumps(each, ensure_ascii=False) for each in empty) + "]"
        if spec.codes:
            table = self._edition.codes[spec.codes]
            codes = translated(offered, table)
            if codes and any(local != code for local, code in codes.items()):
                yield (
                    "codes: {"
                    + ", ".join(f'{json.dumps(local, ensure_ascii=False)}: "{code}"' for local, code in codes.items())
                    + "}"
                )
        if spec.type in (FieldType.DATE, FieldType.DATETIME) and (formats := _formats(offered)):
            yield formats
        if spec.type is FieldType.NUMBER and (units := measured(spec, offered)):
            yield (
                "units: {"
                + ", ".join(f'{json.dumps(unit, ensure_ascii=False)}: "{factor}"' for unit, factor in units.items())
                + "}"
            )

    def _empty(self, spec: Field, offered: Offered) -> list[str]:
        """What was met that says nothing in this field; a number that is kept as text has the words of a text."""
        as_text = replace(spec, type=FieldType.TEXT) if spec.type is FieldType.NUMBER else spec
        listed = placeholders.reference().fillers(self._edition, self._draft.dataset.code, as_text)
        return [each for each in offered.content.fillers if {each.casefold(), each[:_DAY]} & listed]

    def _why(self, proposal: Proposal) -> str:
        content = proposal.offered.content
        filled = f"，抽样 {content.rows} 行填了 {content.filled}" if content.rows else "，没有抽到行"
        reasons = "、".join(proposal.score.reasons) or "只是有些像"
        sure = f"（{proposal.score.value:.2f}）" if proposal.score.value else ""
        return _aside(f"{proposal.shown}：{reasons}{filled}{sure}", longest=160)

    def _doubts(self, spec: Field, proposal: Proposal) -> Iterator[str]:
        """What a person must look at in the active rule."""
        offered = proposal.offered
        if spec.codes:
            table = self._edition.codes[spec.codes]
            codes = translated(offered, table)
            if left := [f"“{each}”" for each in (*offered.content.codes, *listed(offered.column.comment)) if each not in codes]:
                accepted = "、".join(f"{code} {label}" for code, label in list(table.values.items())[:12])
                yield f"没有对照的本地代码：{'、'.join(dict.fromkeys(left))}；可填：{accepted}"
        if spec.type is FieldType.DATETIME and not proposal.clock and offered.content.share(Shape.DATE) > 0.6:
            yield "这一列只有日期，没有时刻：请找到时刻的列，写成 {date: …, time: …}"
        if offered.content.units:
            known = measured(spec, offered)
            left = [each for each in offered.content.units if each not in known]
            yield "数值带着单位，倍数要自己核对" + (f"；没有写倍数的：{'、'.join(left)}" if left else "")

    def _absent(self) -> Iterator[str]:
        told = {*self._draft.active, self._draft.single}
        missing = [spec for spec in self._draft.dataset.fields if spec.required and spec.name not in told]
        if missing:
            yield "# 没有找到像样的列的必填字段。找到了就写进 fields；本系统确实没有的，把“请填写原因”改成实话，"
            yield "# 或者由站点声明（constant）、查目录对照表（catalogue）"
            yield "absent:"
        for spec in missing:
            yield f"  {spec.name}: {PLACEHOLDER}   # {spec.label}"


def translated(offered: Offered, table: CodeTable) -> dict[str, str]:
    """Local codes that surely say what a code of the table says: by the comment's word, by themselves, or because they are it."""
    said = listed(offered.column.comment)
    found: dict[str, str] = {}
    for local in dict.fromkeys((*offered.content.codes, *said)):
        code = best_label(said.get(local, local), table)
        if not code and local in table.values and local not in said:
            code = local
        if code:
            found[local] = code
    return found


def measured(spec: Field, offered: Offered) -> dict[str, str]:
    """What each local unit is in the field's own; a single unit of a field without one stays as it is."""
    units = [unit for unit in offered.content.units if unit]
    own = vocabulary().units.get(spec.name.rpartition("_")[2], {})
    factors = {unit: own[unit] for unit in units if unit in own}
    if not own and len(units) == 1:
        factors = {units[0]: "1"}
    return {**factors, "": "1"} if factors and "" in offered.content.units else factors


def quoted(name: str) -> str:
    """A name as YAML reads it back."""
    return name if _PLAIN.fullmatch(name) and name.lower() not in _WORDS_OF_YAML else json.dumps(name, ensure_ascii=False)


def _formats(offered: Offered) -> str:
    return (
        "formats: [" + ", ".join(json.dumps(each, ensure_ascii=False) for each in offered.content.notations) + "]"
        if offered.content.notations
        else ""
    )


def _asked(mark: Marked) -> Iterator[str]:
    """A rare state is not among the newest rows: only the whole table tells which there are."""
    table, _, column = mark.shown.rpartition(".")
    seen = f"抽样见到的是 {_listed(mark.codes)}；少见的抽不到"
    yield f"# {DOUBT}{mark.what} {mark.name}：{seen}，全表有哪些用这句 SQL 查（大表在夜间查）："
    yield f"#   {_counted(table, column)}"
    if not mark.sure:
        yield f"#   它是 {table} 的：那张表若是目录（药品、商品、项目），停用的也照样开过、卖过，不要写"


def _owned(mark: Marked) -> Iterator[str]:
    """Whose a row is."""
    yield f"# {DOUBT}{mark.what} {mark.name}：这张表里不止一家机构的，别家的行会当成本机构的报出去；有几家用这句 SQL 查："
    yield f"#   {_counted(*mark.shown.rsplit('.', 1))}"
    yield "#   只有一家：删去上面一行注释。几家都由这个网关报：查询里把它写成 AS fixmedins_code，配置里写 institutions；"
    yield "#   只报一家的，写进 exclude，例："
    yield f'#   - {{column: {quoted(mark.name)}, not_in: ["本机构在这一列的值"], reason: 别家机构的}}'


def _counted(table: str, column: str) -> str:
    return " ".join(("SELECT", f"{column},", "COUNT(*)", "FROM", table, "GROUP BY", column))


def _listed(codes: Mapping[str, str]) -> str:
    return _aside("、".join(f"{code} {label}".strip() for code, label in codes.items()))


def _aside(text: str, longest: int = _SHOWN_LENGTH) -> str:
    """A database's own text in a comment: on one line, not too long."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"
