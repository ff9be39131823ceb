"""The board as a workbook, or behind the coverage sheets: 连接与心跳, 逐日报送, 申明与休业."""

from __future__ import annotations

from pathlib import Path

from compliance.board import BoardReport
from compliance.workbook import daily, links, reasons
from compliance.workbook.book import Book
from compliance.workbook.imprint import imprint
from compliance.workbook.page import wall_clock

_SHEETS = "连接与心跳、逐日报送、申明与休业三张表"


def write(report: BoardReport, path: Path) -> None:
    """The three sheets alone. WorkbookError when it cannot be written; the old file then still stands."""
    book = Book(f"{report.district}{report.asked.day}对接与报送看板")
    add(book, report)
    book.save(path)


def add(book: Book, report: BoardReport) -> None:
    """Add the three sheets."""
    day = wall_clock(report.as_of)
    period = f"{report.district}{day.year}年{day.month}月"
    closing = imprint(report, _SHEETS)
    links.add(book, report, f"{period}智能场景监控连接与心跳统计表", closing)
    daily.add(book, report, f"{period}智能场景监控逐日报送情况统计表", closing)
    reasons.add(book, report, f"{period}智能场景监控申明与休业情况表", closing)
