"""The dossier as a workbook, so that the vendor can sort, filter and tick off."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from gateway.clerk.dossier import Dossier
from gateway.console import HABIT_WORDS
from gateway.workbook.sheet import lines_of

_THIN = Side(style="thin", color="C9D1DC")
_BORDER = Border(left=_THIN, right=_THIN, top=_THIN, bottom=_THIN)
_HEAD = PatternFill("solid", fgColor="EEF2F8")
Value = str | int | float
_LINE, _TALLEST = 17.5, 400.0  #: points: of a line of text, and what a row may have at most


def write(dossier: Dossier, path: Path) -> None:
    """One sheet for each table of the page."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for title, widths, heads, rows in _sheets(dossier):
        _fill(book.create_sheet(title), widths, heads, rows)
    book.save(path)


def _sheets(dossier: Dossier) -> Iterable[tuple[str, Sequence[float], Sequence[str], list[Sequence[Value]]]]:
    made = f"{dossier.institution}　规范 {dossier.edition}　{dossier.made_at:%Y-%m-%d %H:%M}　只读检查，没有发送；个人信息已遮盖"
    yield "请厂商修改", (6, 110), ("序号", made), [(number, each) for number, each in enumerate(dossier.changes, 1)]
    yield (
        "总账",
        (14, 26, 10, 12, 10, 10, 10, 8, 14),
        ("来源", "数据集", "读到", "按规则排除", "未完成", "待改正", "可报送", "核对", "每千行用时（秒）"),
        [
            (
                *(chapter.report.source, f"{chapter.report.dataset} {chapter.report.name}"),
                *(count for _, count in chapter.identity),
                *("平" if chapter.report.balanced else "不平", round(chapter.pace, 3) if chapter.pace is not None else "—"),
            )
            for chapter in dossier.chapters
        ],
    )
    yield (
        "原因",
        (14, 10, 10, 12, 50, 44, 24, 26, 44),
        ("来源", "数据集", "行数", "去向", "原因", "怎么改", "本地的列", "例：本地行号", "例：本地的值（与行号逐行对应）"),
        [
            (
                chapter.report.source,
                chapter.report.dataset,
                each.rows,
                each.where,
                each.message,
                each.advice,
                each.columns,
                "\n".join(ref for ref, _ in each.examples),
                "\n".join(values or "—" for _, values in each.examples) if each.columns else "",
            )
            for chapter in dossier.chapters
            for each in chapter.reasons
        ],
    )
    yield (
        "没有对照的代码",
        (14, 10, 24, 24, 24, 20, 10),
        ("来源", "数据集", "字段", "名称", "本地的列", "本地代码", "行数"),
        [
            (chapter.report.source, chapter.report.dataset, each.field, each.label, each.columns, each.code, each.rows)
            for chapter in dossier.chapters
            for each in chapter.unmapped
        ],
    )
    yield (
        "样例",
        (14, 10, 24, 10, 22, 22, 44, 30, 50),
        ("来源", "数据集", "本地行号", "去向", "字段", "名称", "本地的列和值", "报送值", "说明"),
        [
            (chapter.report.source, chapter.report.dataset, sample.ref, sample.verdict, *values)
            for chapter in dossier.chapters
            for sample in chapter.samples
            for values in sample.values
        ],
    )
    yield (
        "占位值",
        (10, 24, 24, 20, 10, 10, 10),
        ("数据集", "字段", "名称", "现象", "占比", "行数", "有值的行数"),
        [
            (
                each.dataset,
                each.field,
                each.label,
                f"{HABIT_WORDS[each.habit]} {each.other}".strip(),
                float(each.share),
                each.count,
                each.rows,
            )
            for each in dossier.shares
        ],
    )


def _fill(sheet: Worksheet, widths: Sequence[float], heads: Sequence[str], rows: list[Sequence[Value]]) -> None:
    for number, width in enumerate(widths, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = width
    for number, head in enumerate(heads, start=1):
        top: Any = sheet.cell(1, number, head)
        top.font, top.fill, top.border = Font(bold=True), _HEAD, _BORDER
        top.alignment = Alignment(wrap_text=True, vertical="center")
    for line, row in enumerate(rows, start=2):
        for number, value in enumerate(row, start=1):
            cell: Any = sheet.cell(line, number)
            if isinstance(value, str):
                cell.value, cell.data_type = ILLEGAL_CHARACTERS_RE.sub("", value), "s"  # text that begins with = stays text
                cell.quotePrefix = value.startswith(("=", "+", "-", "@"))
            else:
                cell.value = value
            cell.border, cell.alignment = _BORDER, Alignment(wrap_text=True, vertical="top")
        tallest = max(lines_of(str(value), width) for value, width in zip(row, widths, strict=True))
        sheet.row_dimensions[line].height = min(_TALLEST, _LINE * tallest)
    sheet.freeze_panes = "A2"
    if rows:
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(heads))}{len(rows) + 1}"
    sheet.page_setup.orientation, sheet.page_setup.fitToHeight = "landscape", 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.print_title_rows = "1:1"
