"""Workbook -> edition, with a report of what became of every row.

Our own workbook (it has our cover) says everything itself, whatever a clerk changed in it. A foreign one is read as far as it
goes, and what such tables never say (limits, common fields, cadences) is taken from a base edition.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from schemas.errors import SpecError
from schemas.exchanging import cover, grid, layout, notation, tables
from schemas.exchanging.codes import Tables
from schemas.exchanging.facts import read_source
from schemas.exchanging.fields import FieldReader, every
from schemas.exchanging.grid import Sheet
from schemas.exchanging.report import Report
from schemas.exchanging.tables import Block, Heading
from schemas.model import CodeTable, Confidence, Dataset, Edition, Encoding, Field, Form, Node, Parent, Replay, Source, Success

#: what may stand in a file name
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_NUMBER = re.compile(r"(?<![A-Za-z0-9])([A-Z]{0,3}\d{2,5}[A-Z]?)(?![A-Za-z0-9])")


def read(path: Path, base: Edition) -> tuple[Edition, Report]:
    """The edition a workbook describes. SpecError if it is no workbook or holds no field table."""
    sheets = grid.read(path)
    ours, rest = cover.find(path, sheets)
    report = Report(sheets=len(sheets))
    head = ours.edition() if ours else cover.borrowed(base, path)
    return _Reader(path, head, base, report, ours=ours is not None).read(rest), report


class _Reader:
    def __init__(self, path: Path, head: Edition, base: Edition, report: Report, *, ours: bool) -> None:
        self.path, self.head, self.base, self.report, self.ours = path, head, base, report, ours
        self.codes = Tables({} if ours else base.codes, head.source, report, ours=ours)
        self.common: dict[str, tuple[Field, ...]] = {}
        self.datasets: dict[str, Dataset] = {}
        self.common_source = head.source
        self.current = ""  #: data set that a table without a number of its own belongs to

    def read(self, sheets: Iterable[Sheet]) -> Edition:
        found = [(sheet, tables.blocks(sheet, ours=self.ours)) for sheet in sheets]
        for _, blocks in found:
            for block in blocks:
                if block.of_codes:
                    self._unread(block)
                    self.codes.read(block)
        for sheet, blocks in found:
            self._sheet(sheet, blocks)
        if not self.report.fields_in:
            raise SpecError("没有找到字段表（要有“字段名、名称、类型、长度”这样的表头）", file=self.path)
        return self._edition()

    def _sheet(self, sheet: Sheet, blocks: tuple[Block, ...]) -> None:
        if not blocks:
            for row in sheet.rows:
                text = " ".join(cell.text for cell in row if cell.text)
                place = next(cell.place for cell in row if cell.text)
                self.report.miss(sheet.name, place, text, "这张表没有表头，没有采用")
        self.current = ""
        for block in blocks:
            if not block.of_codes:
                self._unread(block)
                self._table(sheet, block)

    def _unread(self, block: Block) -> None:
        """Tell what stands around the table and was not taken."""
        for cell in block.heading.unread:
            self.report.miss(block.sheet, cell.place, cell.text, "表前的文字，没有采用")
        for cell in block.strange:
            self.report.miss(block.sheet, cell.place, cell.text, "不认识的列，没有采用")
        if block.swapped:
            self.report.guess(block.sheet, block.lines[0].place, "", "按内容判断哪一列是字段名、哪一列是中文名称")

    def _table(self, sheet: Sheet, block: Block) -> None:
        if self.ours and block.heading.node in (layout.RECORD_NODE, layout.HEADER_NODE) and self._is_common(sheet):
            self.common_source = read_source(block.heading, sheet.name, self.common_source, self.report)
            self.common[block.heading.node] = self._fields(block, self.common_source)
            return
        code = self._code(sheet, block)
        if code not in self.datasets:
            self.datasets[code] = self._dataset(code, sheet, block.heading)
        dataset = self.datasets[code]
        self.current = code
        output = bool(block.heading.output)
        nodes = dataset.output if output else dataset.input
        node = self._node(block, nodes, dataset.source)
        self.datasets[code] = replace(dataset, output=(*nodes, node)) if output else replace(dataset, input=(*nodes, node))

    def _is_common(self, sheet: Sheet) -> bool:
        return not any(row[0].text == "数据集编号" for row in sheet.rows)

    def _fields(self, block: Block, source: Source) -> tuple[Field, ...]:
        return FieldReader(block, source, self.codes, self.report, ours=self.ours).read()

    def _node(self, block: Block, taken: tuple[Node, ...], source: Source) -> Node:
        encoding = notation.choice(Encoding, block.heading.encoding) if block.heading.encoding else Encoding.ARRAY
        if encoding is None:
            self.report.miss(block.sheet, "A1", block.heading.encoding, "节点的形式只能是数组、对象、JSON文本之一，按数组")
        name = block.heading.node or "data"
        if not self.ours and name in {node.name for node in taken}:
            name = f"{name}{len(taken) + 1}"
            self.report.guess(block.sheet, block.lines[0].place if block.lines else "A1", name, "没有写节点标识，另起一个节点")
        return Node(name, self._fields(block, source), encoding or Encoding.ARRAY)

    def _code(self, sheet: Sheet, block: Block) -> str:
        """Which data set the table belongs to: what its lines say, its title, or the sheet's name."""
        above = block.heading
        stated = above.text("数据集编号") or above.text("交易编号")
        if stated:
            code = layout.plain(stated)
            if not _CODE.fullmatch(code):
                raise SpecError(f"工作表“{sheet.name}”的编号 {code[:20]} 只能由字母、数字、- 和 _ 组成", file=self.path)
            return code
        title = above.title.text if above.title else ""
        for text in (title, sheet.name) if not self.current else (title,):
            found = _NUMBER.search(layout.plain(text))
            if found:
                self.report.guess(sheet.name, above.title.place if above.title else "A1", text, f"编号 {found[1]} 取自标题")
                return found[1]
        if self.current:
            return self.current
        code = next(f"T{number}" for number in range(1, 10_000) if f"T{number}" not in self.datasets)
        self.report.guess(sheet.name, "A1", title or sheet.name, f"没有写交易编号，暂编为 {code}")
        return code

    def _dataset(self, code: str, sheet: Sheet, above: Heading) -> Dataset:
        """The data set without its nodes: what its lines say; of a foreign table the rest as in the base."""
        known = None if self.ours else self._known(code, above)
        if known:
            self.report.guess(sheet.name, "A1", code, f"没有写的主键、周期等取自 {self.base.id} 的 {known.code}")
        default = known or Dataset(code, sheet.name, code, "", "", (), "", (), self.head.source)
        infno = layout.plain(above.text("交易编号")) or default.infno
        title = above.title.text if above.title else sheet.name
        batch = layout.plain(above.text("每批条数"))
        source = Source(self.head.source.doc, sheet.name, Confidence.SINGLE)
        return Dataset(
            code=code,
            name=above.text("名称") or (known.name if known else _NUMBER.sub("", title).strip(" ：:（）()【】[]") or code),
            infno=infno,
            scene=above.text("场景") or default.scene,
            cadence=self._cadence(sheet, above) or default.cadence,
            key=notation.split(above.text("主键")) or default.key,
            occurred=above.text("业务时间") or default.occurred,
            input=(),
            source=read_source(above, sheet.name, source, self.report),
            replay=self._replay(sheet, above) or default.replay,
            batch=int(batch) if batch.isdecimal() and int(batch) else default.batch,
            success=tuple(_success(above)) or default.success,
            alias_of=above.text("同一交易") or default.alias_of,
            forms=tuple(_forms(above)) or (default.forms if infno == default.infno else ()),
            parent=_parent(above),
        )

    def _known(self, code: str, above: Heading) -> Dataset | None:
        number = layout.plain(above.text("交易编号")) or code
        same = (each for each in self.base.datasets.values() if number in (each.code, each.infno))
        return self.base.datasets.get(code) or next(same, None)

    def _cadence(self, sheet: Sheet, above: Heading) -> str:
        text = above.text("报送周期")
        if not text:
            return ""
        plain = layout.plain(text).replace("日", "")
        for each in self.head.cadences.values():
            if text == each.name or plain == layout.plain(each.label).replace("日", ""):
                return each.name
        self.report.miss(sheet.name, above.place("报送周期"), text, "不认识的报送周期")
        return ""

    def _replay(self, sheet: Sheet, above: Heading) -> Replay | None:
        text = above.text("结果不明时")
        found = notation.choice(Replay, text) if text else None
        if text and found is None:
            self.report.miss(sheet.name, above.place("结果不明时"), text, "不认识的处理办法")
        return found

    def _edition(self) -> Edition:
        if not self.ours:
            self.report.guess("", "", self.path.name, f"没有封面：公共字段、报送周期、报文上限等取自 {self.base.id}")
        common = self.common.get(layout.RECORD_NODE, () if self.ours else self.base.common)
        header = self.common.get(layout.HEADER_NODE, () if self.ours else self.base.header)
        datasets = {code: _sound(each, self.report, ours=self.ours) for code, each in self.datasets.items()}
        codes = self._tables((*common, *header))
        self.report.datasets, self.report.tables = len(datasets), len(codes)
        scenes = dict.fromkeys((*self.head.scenes, *(each.scene for each in datasets.values() if each.scene)))
        return replace(self.head, common=common, header=header, datasets=datasets, codes=codes, scenes=tuple(scenes))

    def _tables(self, common: tuple[Field, ...]) -> Mapping[str, CodeTable]:
        """The tables found, and those of the base that the common fields use."""
        wanted = {spec.codes for spec in every(common) if spec.codes}
        borrowed = {} if self.ours else {name: table for name, table in self.base.codes.items() if name in wanted}
        return borrowed | self.codes.found


def _sound(dataset: Dataset, report: Report, *, ours: bool) -> Dataset:
    """A foreign data set whose key or time is not among its fields can only be called; the table must say better."""
    names = {spec.name for node in dataset.input[:1] for spec in node.fields}
    if not ours:
        dataset = _within(dataset, names, report)
    missing = [name for name in (*dataset.key, dataset.occurred) if name and name not in names]
    if ours or not dataset.key or not (missing or not dataset.occurred or not dataset.cadence):
        return dataset
    report.miss(dataset.code, "", "、".join(missing), "主键、业务时间或报送周期不全，按只调用、不报送的交易采用")
    return replace(dataset, key=(), occurred="", cadence="")


def _within(dataset: Dataset, names: set[str], report: Report) -> Dataset:
    """Without what the base says of fields that this table does not have."""
    gone = [name for form in dataset.forms for name in form.without if name not in names]
    if not gone:
        return dataset
    report.guess(dataset.code, "", "、".join(gone), "表中没有这些字段，取自上级版本的其他形式不再提到它们")
    forms = (replace(form, without=tuple(name for name in form.without if name in names)) for form in dataset.forms)
    return replace(dataset, forms=tuple(forms))


def _success(above: Heading) -> Iterable[Success]:
    for row in above.facts.get("成功条件", []):
        path, values, optional, sentence = (*(cell.text for cell in row), "", "", "", "")[:4]
        yield Success(path, notation.split(values), optional == notation.YES, sentence)


def _parent(above: Heading) -> Parent | None:
    for row in above.facts.get("上级", []):
        dataset, children, fields = (*(cell.text for cell in row), "", "", "")[:3]
        return Parent(dataset, tuple(zip(notation.split(children), notation.split(fields), strict=False)))
    return None


def _forms(above: Heading) -> Iterable[Form]:
    for row in above.facts.get("其他形式", []):
        infno, node, encoding, without = (*(cell.text for cell in row), "", "", "", "")[:4]
        yield Form(infno, node, notation.choice(Encoding, encoding) or Encoding.OBJECT, notation.split(without))
