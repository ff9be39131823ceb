"""Sheet 连接与心跳: whether the bureau hears of each institution, and how much of a day it did."""

from __future__ import annotations

from collections.abc import Sequence

from openpyxl.utils import get_column_letter

from compliance.board import BoardReport, LinkLine
from compliance.connection import Link
from compliance.workbook.book import Book
from compliance.workbook.page import FIRST_BODY_ROW, Column, Page, wall_clock
from compliance.workbook.rate import rate
from compliance.workbook.style import Look

_LOOKS = {
    Link.CONNECTED: Look.STATE_GOOD,
    Link.CLOSED: Look.STATE_ASIDE,
    Link.DECLARED: Look.STATE_ASIDE,
}
_SAID = "最近一次心跳所报"
_STATE, _LAST, _BEATS, _WHOLE, _COVERED, _RATE, _GAP, _OFFSET, _QUEUE, _OLDEST, _VERSION, _REMARK = range(4, 16)


def add(book: Book, report: BoardReport, title: str, imprint: Sequence[str]) -> None:
    """Add the sheet; `imprint` are the sentences that end it."""
    page = book.add_page("连接与心跳", _columns(report))
    page.head(title, wall_clock(report.as_of).date(), "单位：次、分钟、秒、条、％")
    page.freeze(2)
    for line in report.links:
        _line(page, line)
    if not report.links:
        page.blank(Look.CENTRED)
        page.text(2, "（名册中没有机构，或这一版接口规范没有心跳）")
        page.end_row()
    page.filter(page.row - 1)
    _totals(page, report.links)
    page.foot([*_definitions(report), *imprint])


def _columns(report: BoardReport) -> list[Column]:
    day = f"业务日 {report.asked.day:%m月%d日}"
    return [
        *(Column("序号", 6), Column("机构名称", 28), Column("机构编码", 15), Column("状态", 11), Column("最近心跳时间", 21)),
        *(Column("心跳\n（次）", 8, day), Column("应有\n（分钟）", 9, day), Column("覆盖\n（分钟）", 9, day)),
        *(Column("覆盖率", 9, day), Column("最长中断\n（分钟）", 9, day), Column("时钟偏差\n（秒）", 9, day)),
        *(Column("待报\n（条）", 8, _SAID), Column("最早未报的业务时间", 21, _SAID), Column("网关版本", 10, _SAID)),
        Column("备注", 26),
    ]


def _line(page: Page, line: LinkLine) -> None:
    page.number(1, line.number, Look.CENTRED)
    page.text(2, line.name)
    page.text(3, line.code, Look.CODE)
    page.text(_STATE, str(line.state), Look.STATE_ASIDE if line.deferred else _LOOKS.get(line.state, Look.STATE_OPEN))
    page.moment(_LAST, line.last_at, Look.MOMENT)
    page.number(_BEATS, line.beats)
    page.number(_WHOLE, line.coverage.whole)
    page.number(_COVERED, line.coverage.covered)
    _share(page, line.coverage.covered, line.coverage.whole, Look.RATE)
    page.number(_GAP, line.coverage.gap)
    _number(page, _OFFSET, line.offset_seconds)
    _number(page, _QUEUE, line.newest.queue_depth if line.newest else None)
    page.moment(_OLDEST, line.newest.oldest_unsent if line.newest else None, Look.MOMENT)
    page.text(_VERSION, line.newest.gateway_version if line.newest else "", Look.CODE)
    page.text(_REMARK, "；".join(line.remarks))
    page.end_row()


def _number(page: Page, column: int, value: int | None) -> None:
    """What is not known stays empty: it is no zero."""
    if value is None:
        page.text(column, "", Look.CODE)
    else:
        page.number(column, value)


def _share(page: Page, covered: int, whole: int, look: Look) -> None:
    part, all_ = (f"{get_column_letter(column)}{page.row}" for column in (_COVERED, _WHOLE))
    formula, result = rate(part, all_, covered, whole)
    page.formula(_RATE, formula, result, look)


def _totals(page: Page, lines: Sequence[LinkLine]) -> None:
    last = page.row - 1
    page.blank(Look.TOTAL)
    page.label(1, _LAST, "合计", Look.TOTAL)
    sums = {
        _BEATS: sum(line.beats for line in lines),
        _WHOLE: sum(line.coverage.whole for line in lines),
        _COVERED: sum(line.coverage.covered for line in lines),
    }
    for column, result in sums.items():
        letter = get_column_letter(column)
        page.formula(column, f"=SUM({letter}{FIRST_BODY_ROW}:{letter}{last})", result, Look.TOTAL_COUNT)
    _share(page, sums[_COVERED], sums[_WHOLE], Look.TOTAL_RATE)
    page.end_row()


def _definitions(report: BoardReport) -> list[str]:
    minutes = int(report.interval.total_seconds() // 60)
    late, silent = report.limits.late_after * minutes, report.limits.silent_after * minutes
    states = (
        f"状态是截止时刻的：在线，{late} 分钟内有心跳；迟到，{late} 至 {silent} 分钟没有心跳；静默，{silent} 分钟以上没有心跳，"
        "又没有休业或申明；休业、已申明，没有心跳而有此理由；从未连接，一次也没有收到过。静默、从未连接不等于正常。"
    )
    covered = (
        f"覆盖按平台收到心跳的时刻算，一次心跳管 {late} 分钟；覆盖率＝覆盖÷应有，应有是当天的全部分钟（第一次心跳之前的不算）。"
        f"心跳间隔 {minutes} 分钟由接口规范定；覆盖率低于 {report.limits.day_coverage}％、"
        f"时钟偏差超过 {report.limits.clock_seconds} 秒的写在备注里。"
    )
    clock = "时钟偏差＝机构网关的时钟减平台收到的时刻，取当天的中位数，正数为快；含传输所用的时间。空白的是不知道，不是零。"
    return [states, covered, clock]
