"""Sheet 申明与休业: why something may be missing, who said so and when."""

from __future__ import annotations

from collections.abc import Sequence

from compliance.board import BoardReport, Reason
from compliance.workbook.book import Book
from compliance.workbook.page import Column, Page, wall_clock
from compliance.workbook.style import Look

_COLUMNS = (
    Column("序号", 6),
    Column("机构名称", 26),
    Column("机构编码", 15),
    Column("类别", 8),
    Column("编号", 20),
    Column("数据集", 16),
    Column("起止", 34),
    Column("原因", 34),
    Column("申明（录入）时间", 21),
    Column("平台收到时间", 21),
    Column("备注", 26),
)


def add(book: Book, report: BoardReport, title: str, imprint: Sequence[str]) -> None:
    """Add the sheet; `imprint` are the sentences that end it."""
    page = book.add_page("申明与休业", _COLUMNS)
    page.head(title, wall_clock(report.as_of).date(), "单位：条")
    page.freeze(2)
    for number, reason in enumerate(report.reasons, start=1):
        _line(page, number, reason)
    if not report.reasons:
        page.blank(Look.CENTRED)
        page.text(2, "（这些日期没有申明，也没有休业）")
        page.end_row()
    page.filter(page.row - 1)
    page.foot([*_definitions(report), *imprint])


def _line(page: Page, number: int, reason: Reason) -> None:
    page.number(1, number, Look.CENTRED)
    texts = (reason.institution, reason.code, reason.kind, reason.number, reason.datasets, reason.span, reason.text)
    for column, text in enumerate(texts, start=2):
        page.text(column, text, Look.CODE if column in (3, 4) else Look.TEXT)
    page.moment(9, reason.told_at, Look.MOMENT)
    page.moment(10, reason.received_at, Look.MOMENT)
    page.text(11, reason.remark)
    page.end_row()


def _definitions(report: BoardReport) -> list[str]:
    days = report.limits.open_declaration_days
    return [
        "申明（OP03）由机构的网关报来，附网关自己记下的证据；休业由医保局录入（compliance closure）。只列与本表所含日期有关的。",
        (
            "申明须早于所影响数据的报送时限：申明时间晚于时限的，逐日报送表记“晚”。申明的内容后来扩大的，扩大的部分按平台收到的时间算。"
            f"没有写结束时间的，从开始起最多算 {days} 天。"
        ),
    ]
