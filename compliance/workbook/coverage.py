"""The coverage workbook: who is connected (覆盖情况) and what has arrived (数据上传情况)."""

from __future__ import annotations

from pathlib import Path

from compliance.board import BoardReport
from compliance.coverage import CoverageReport
from compliance.workbook import board, matrix, uploads
from compliance.workbook.book import Book
from compliance.workbook.imprint import imprint
from compliance.workbook.page import wall_clock


def write(report: CoverageReport, path: Path, watched: BoardReport | None = None) -> None:
    """Write the report as an Excel workbook at `path`. WorkbookError when that fails; the old file then still stands.
    With `watched`, the three sheets of the board stand behind its own.

    Totals and rates are formulas, so that whoever clicks on one sees what was counted, and a column can be followed to
    its rows. Each carries its result from the report, because previews and Excel's protected view do not calculate.
    Both are tested to agree: sheet 1 shows exactly `report.planned`, `report.assessed` and `report.receiving`.
    填报日期 is the day of the data cut-off, so writing the same report again gives the same sheets.
    """
    month = wall_clock(report.as_of)
    period = f"{report.district}{month.year}年{month.month}月"
    closing = imprint(report, "覆盖情况、数据上传情况两张表" if watched else "本工作簿")
    book = Book(f"{period}智能场景监控覆盖情况")
    matrix.add(book, report, f"{period}智能场景监控覆盖情况统计表", closing)
    uploads.add(book, report, f"{period}智能场景监控数据上传情况统计表", closing)
    if watched:
        board.add(book, watched)
    book.save(path)
