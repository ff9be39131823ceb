"""Edition -> workbook: a cover, the common fields, a sheet per data set and a sheet per code table."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from schemas.errors import SpecError
from schemas.exchanging import layout, notation
from schemas.exchanging.layout import CODE_COLUMNS, FIELD_COLUMNS, RARE_COLUMNS, Role
from schemas.model import Cadence, CodeTable, Dataset, Edition, Encoding, Field, Node, Severity, Source

_WIDTHS = {
    Role.NUMBER: 6,
    Role.NAME: 26,
    Role.LABEL: 22,
    Role.MEANING: 48,
    Role.DOC: 24,
    Role.REF: 30,
    Role.CODES: 18,
    Role.CONDITION: 22,
}
_MOST_TEXT = 32767  # openpyxl would cut a longer text off without a word
_PLAIN, _BOLD, _LARGE = Font(), Font(bold=True), Font(bold=True, size=14)
_TOP, _TOP_WRAPPED = Alignment(vertical="top"), Alignment(vertical="top", wrap_text=True)
_HEAD_FILL = PatternFill("solid", fgColor="DDE6F0")
_LINE = Side(style="thin", color="BFBFBF")
_BOX = Border(left=_LINE, right=_LINE, top=_LINE, bottom=_LINE)
_NO_SOURCE = ("", "", "", "")


def workbook(edition: Edition, only: frozenset[str] | None = None) -> Workbook:
    """The field tables of a whole edition, or of the data sets named. SpecError if a text cannot stand in Excel."""
    book = Workbook()
    pages = _Pages(book)
    _cover(pages.next(layout.COVER), edition)
    common = pages.next(layout.COMMON)
    _title(common, f"{edition.name} 公共字段")
    _nodes(
        common,
        _usual((*edition.common, *edition.header)) or edition.source,
        (
            (f"输入（节点标识：{layout.RECORD_NODE}；每条记录都带的字段）", edition.common),
            (f"输入（节点标识：{layout.HEADER_NODE}；公共报文头）", edition.header),
        ),
    )
    datasets = [each for code, each in edition.datasets.items() if only is None or code in only]
    for dataset in datasets:
        _dataset(pages.next(f"{dataset.code} {dataset.name}"), edition, dataset)
    for table in _tables(edition, datasets, only):
        _codes(pages.next(f"代码 {table.name}"), table)
    return book


def _tables(edition: Edition, datasets: Iterable[Dataset], only: frozenset[str] | None) -> Iterator[CodeTable]:
    """Every table, or those that the chosen data sets and the common fields use."""
    nodes = [node.fields for each in datasets for node in (*each.input, *each.output)]
    used = {spec.codes for specs in (edition.common, edition.header, *nodes) for spec, _ in notation.paths(specs)}
    return (table for name, table in edition.codes.items() if only is None or name in used)


class _Pages:
    """Sheets with names that Excel takes: at most 31 characters, none twice."""

    def __init__(self, book: Workbook) -> None:
        self._book, self._taken = book, set[str]()
        if book.active:
            book.remove(book.active)

    def next(self, title: str) -> Worksheet:
        name = re.sub(r"[\[\]:*?/\\']", " ", title)[:31].strip()
        number = 2
        while name.lower() in self._taken:
            name, number = f"{name[:27].rstrip()} {number}", number + 1
        self._taken.add(name.lower())
        sheet: Worksheet = self._book.create_sheet(name)
        sheet.sheet_view.showGridLines = False
        return sheet


def _cover(sheet: Worksheet, edition: Edition) -> None:
    _title(sheet, f"{edition.name} 接口字段表")
    style, source = edition.style, edition.source
    rows: list[Sequence[str]] = [
        layout.FORMAT,
        ("版本代码", edition.code),
        ("版本号", edition.version),
        ("版本名称", edition.name),
        ("基于版本", edition.base),
        ("接口版本号", edition.infver),
        ("报文上限（字节）", str(edition.body_limit)),
        ("场景", *edition.scenes),
        ("来源", source.doc, source.ref, source.confidence, source.dated),
        ("数值写法", notation.word(style.numbers)),
        ("空值写法", notation.word(style.empty)),
        ("多余字段", notation.word(style.extra)),
        ("日期写法", style.date),
        ("日期时间写法", style.datetime),
        ("字符集", style.charset),
        ("报送周期", "标识", "名称", "业务时间后分钟", "业务日后天数", "次月日", "不计的日子", "末日逢之顺延"),
    ]
    rows += [("报送周期", each.name, each.label, *_limits(each)) for each in edition.cadences.values()]
    for row in rows:
        _put(sheet, row)
    _widths(sheet, (20, 24, 30, 18, 16, 10))


def _limits(cadence: Cadence) -> Iterator[str]:
    for limit in (cadence.minutes, cadence.days, cadence.day_of_next_month):
        yield "" if limit is None else str(limit)
    for days in (cadence.skip, cadence.postpone):
        yield notation.join(tuple(map(notation.word, days)))


def _dataset(sheet: Worksheet, edition: Edition, dataset: Dataset) -> None:
    _title(sheet, f"{dataset.code} {dataset.name}")
    cadence = edition.cadences.get(dataset.cadence)
    rows: list[Sequence[str]] = [
        ("数据集编号", dataset.code),
        ("交易编号", dataset.infno),
        ("名称", dataset.name),
        ("场景", dataset.scene),
        ("报送周期", dataset.cadence, cadence.label if cadence else ""),
        ("主键", notation.join(dataset.key)),
        ("业务时间", dataset.occurred),
        ("结果不明时", notation.word(dataset.replay)),
        ("每批条数", str(dataset.batch)),
        ("同一交易", dataset.alias_of),
    ]
    if dataset.parent:
        children, fields = zip(*dataset.parent.by, strict=True)
        rows.append(("上级", dataset.parent.dataset, notation.join(children), notation.join(fields)))
    rows += [
        ("成功条件", each.path, notation.join(each.values), notation.YES if each.optional else notation.NO, each.sentence)
        for each in dataset.success
    ]
    rows += [
        ("其他形式", each.infno, each.node, notation.word(each.encoding), notation.join(each.without)) for each in dataset.forms
    ]
    for row in rows:
        _put(sheet, row)
    ways = [("输入", node) for node in dataset.input] + [("输出", node) for node in dataset.output]
    _nodes(sheet, dataset.source, tuple((_node_line(way, node), node.fields) for way, node in ways))


def _node_line(way: str, node: Node) -> str:
    form = "" if node.encoding is Encoding.ARRAY else f"；形式：{notation.word(node.encoding)}"
    return f"{way}（节点标识：{node.name}{form}）"


def _nodes(sheet: Worksheet, source: Source, nodes: Sequence[tuple[str, tuple[Field, ...]]]) -> None:
    """Tables of fields, one after another, below their source; columns nobody needs are hidden."""
    _source(sheet, source)
    used: set[Role] = set()
    for line, fields in nodes:
        _put(sheet, ())
        _put(sheet, (line,), bold=True)
        _heads(sheet, FIELD_COLUMNS)
        for number, (spec, path) in enumerate(notation.paths(fields), start=1):
            cells = _cells(spec, number, path, source)
            used |= {role for role, text in cells.items() if text}
            _put(sheet, [cells[role] for role in FIELD_COLUMNS], boxed=True)
            sheet.cell(sheet.max_row, 2).alignment = Alignment(indent=path.count("."), vertical="top", wrap_text=True)
    _widths(sheet, [_WIDTHS.get(role, 12) for role in FIELD_COLUMNS])
    for index, role in enumerate(FIELD_COLUMNS, start=1):
        sheet.column_dimensions[get_column_letter(index)].hidden = role in RARE_COLUMNS - used


def _cells(spec: Field, number: int, path: str, inherited: Source) -> dict[Role, str]:
    doc, ref, confidence, dated = _NO_SOURCE if spec.source == inherited else _source_cells(spec.source)
    return {
        Role.NUMBER: str(number),
        Role.NAME: path,
        Role.LABEL: spec.label,
        Role.TYPE: notation.TYPES[spec.type],
        Role.LENGTH: notation.size(spec),
        Role.REQUIRED: notation.required(spec),
        Role.CONDITION: notation.condition(spec.required_if),
        Role.CODES: spec.codes or "",
        Role.MEANING: spec.meaning,
        Role.LEAST: "" if spec.least is None else str(spec.least),
        Role.BLANK: notation.YES if spec.blank_allowed else "",
        Role.SEVERITY: "" if spec.length_severity is Severity.ERROR else notation.word(spec.length_severity),
        Role.WIRE_NAME: spec.wire_name,
        Role.ALIASES: notation.join(spec.aliases),
        Role.FORMAT: spec.format,
        Role.DOC: doc,
        Role.REF: ref,
        Role.CONFIDENCE: confidence,
        Role.DATED: dated,
    }


def _codes(sheet: Worksheet, table: CodeTable) -> None:
    _title(sheet, f"代码表 {table.label}")
    _put(sheet, ("代码表", table.name))
    _put(sheet, ("名称", table.label))
    _source(sheet, table.source)
    _put(sheet, ())
    _heads(sheet, CODE_COLUMNS)
    for code, label in table.values.items():
        _put(sheet, (code, label, table.on_wire.get(code, "")), boxed=True)
    _widths(sheet, (20, 40, 16))


def _source(sheet: Worksheet, source: Source) -> None:
    for key, text in zip(("来源", "来源条款", "可信度", "来源日期"), _source_cells(source), strict=True):
        _put(sheet, (key, text))


def _source_cells(source: Source) -> tuple[str, str, str, str]:
    return source.doc, source.ref, source.confidence.value, source.dated


def _usual(fields: Sequence[Field]) -> Source | None:
    """The source most fields share."""
    counted = Counter(spec.source for spec in fields).most_common(1)
    return counted[0][0] if counted else None


def _title(sheet: Worksheet, text: str) -> None:
    _put(sheet, (text,), bold=True)
    sheet.cell(1, 1).font = _LARGE


def _heads(sheet: Worksheet, columns: Sequence[Role]) -> None:
    _put(sheet, columns, bold=True, boxed=True)
    for cell in sheet[sheet.max_row]:
        cell.fill = _HEAD_FILL


def _put(sheet: Worksheet, texts: Sequence[str], *, bold: bool = False, boxed: bool = False) -> None:
    """One more row. Everything is text: Excel would make a number of the code 01 and a formula of `=`."""
    for text in texts:
        _refuse(text)
    sheet.append([str(text) or None for text in texts])
    for column, cell in enumerate(sheet[sheet.max_row] if texts else ()):
        if cell.value is not None:
            cell.data_type = "s"
        cell.number_format = "@"
        cell.font = _BOLD if bold else _PLAIN
        cell.alignment = _TOP_WRAPPED if boxed and column > 0 else _TOP
        if boxed:
            cell.border = _BOX


def _refuse(text: str) -> None:
    if ILLEGAL_CHARACTERS_RE.search(text) or len(text) > _MOST_TEXT:
        raise SpecError(f"“{text[:20]!r}…”含控制字符或超过 {_MOST_TEXT} 字，Excel 写不下")


def _widths(sheet: Worksheet, widths: Sequence[int]) -> None:
    for index, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(index)].width = width
