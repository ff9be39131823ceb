"""Sheet 数据上传情况: what each institution uploaded of each data set, and whether in time."""

from __future__ import annotations

from collections.abc import Sequence

from openpyxl.utils import get_column_letter

from compliance.coverage import CoverageReport, UploadLine
from compliance.workbook.book import Book
from compliance.workbook.page import FIRST_BODY_ROW, Column, Page, wall_clock
from compliance.workbook.rate import rate
from compliance.workbook.style import Look

_COLUMNS = (
    Column("序号", 6),
    Column("机构名称", 30),
    Column("机构编码", 15),
    Column("代码", 9, "数据集"),
    Column("名称", 20, "数据集"),
    Column("报送周期", 10, "数据集"),
    Column("已接收", 10, "接收情况（条）"),
    Column("其中：\n作废", 9, "接收情况（条）"),
    Column("被拒收\n（未改正）", 12, "接收情况（条）"),
    Column("按时", 10, "报送时效（条、％）"),
    Column("迟报", 10, "报送时效（条、％）"),
    Column("及时率", 10, "报送时效（条、％）"),
    Column("最近接收时间", 22),
    Column("备注", 8),
)
_RECEIVED, _WITHDRAWN, _REJECTED, _ON_TIME, _LATE, _RATE, _LAST, _REMARK = range(7, 15)
_COUNTS = (_RECEIVED, _WITHDRAWN, _REJECTED, _ON_TIME, _LATE)
_DEFERRED = "缓建"


def add(book: Book, report: CoverageReport, title: str, imprint: Sequence[str]) -> None:
    """Add the sheet to the book; `imprint` are the sentences that end it."""
    page = book.add_page("数据上传情况", _COLUMNS)
    page.head(title, wall_clock(report.as_of).date(), "单位：条、％")
    page.freeze(2)
    deferred = {(row.name, row.code) for row in report.institutions if row.deferred}
    aside = [(line.institution, line.code) in deferred for line in report.uploads]
    for number, (line, is_aside) in enumerate(zip(report.uploads, aside, strict=True), start=1):
        _line(page, number, line, _DEFERRED if is_aside else "")
    if not report.uploads:
        page.blank(Look.CENTRED)
        page.text(2, "（尚未接收到数据）")
        page.end_row()
    page.filter(page.row - 1)
    _totals(page, report.uploads, [line for line, is_aside in zip(report.uploads, aside, strict=True) if is_aside])
    page.foot([*_definitions(), *imprint])


def _line(page: Page, number: int, line: UploadLine, remark: str) -> None:
    page.number(1, number, Look.CENTRED)
    page.text(2, line.institution)
    page.text(3, line.code, Look.CODE)
    page.text(4, line.dataset, Look.CODE)
    page.text(5, line.dataset_name)
    page.text(6, line.cadence, Look.CODE)
    for column, count in zip(_COUNTS, _counts([line]), strict=True):
        page.number(column, count)
    _timeliness(page, line.on_time, line.late, Look.RATE)
    page.moment(_LAST, line.last_received, Look.MOMENT)
    page.text(_REMARK, remark, Look.CODE)
    page.end_row()


def _totals(page: Page, lines: Sequence[UploadLine], deferred: Sequence[UploadLine]) -> None:
    """合计 = 缓建 + 纳入考核: three rows, because a rate over both would be nobody's rate."""
    last = page.row - 1
    remarks = f"${get_column_letter(_REMARK)}${FIRST_BODY_ROW}:${get_column_letter(_REMARK)}${last}"
    everything, aside = _counts(lines), _counts(deferred)
    assessed = [total - part for total, part in zip(everything, aside, strict=True)]
    area = f"{{0}}{FIRST_BODY_ROW}:{{0}}{last}"
    _total(page, "合计", f"=SUM({area})", everything)
    _total(page, "其中：缓建（不考核）", f'=SUMIF({remarks},"{_DEFERRED}",{area})', aside)
    _total(page, "其中：纳入考核", f"={{0}}{last + 1}-{{0}}{last + 2}", assessed)


def _total(page: Page, label: str, formula: str, counts: Sequence[int]) -> None:
    """One total row; `formula` has {0} where the letter of the column belongs."""
    page.blank(Look.TOTAL)
    page.label(1, _RECEIVED - 1, label, Look.TOTAL)
    for column, count in zip(_COUNTS, counts, strict=True):
        page.formula(column, formula.format(get_column_letter(column)), count, Look.TOTAL_COUNT)
    *_, on_time, late = counts
    _timeliness(page, on_time, late, Look.TOTAL_RATE)
    page.end_row()


def _timeliness(page: Page, on_time: int, late: int, look: Look) -> None:
    first, second = (f"{get_column_letter(column)}{page.row}" for column in (_ON_TIME, _LATE))
    formula, result = rate(first, f"{first}+{second}", on_time, on_time + late)
    page.formula(_RATE, formula, result, look)


def _counts(lines: Sequence[UploadLine]) -> list[int]:
    return [
        sum(line.received for line in lines),
        sum(line.withdrawn for line in lines),
        sum(line.rejected for line in lines),
        sum(line.on_time for line in lines),
        sum(line.late for line in lines),
    ]


def _definitions() -> list[str]:
    counts = (
        "已接收：平台接收的不重复记录，同一记录多次上报只计最新版本一次；"
        "其中作废：最新版本为作废（撤销）的记录，含在已接收和按时、迟报之内，已接收减作废即现有的有效记录；"
        "被拒收（未改正）：最新版本仍被拒收、机构尚未改正的不重复记录，不计入已接收。"
    )
    timely = "及时率＝按时÷（按时＋迟报），在报送时限内到达的为按时。尚未到达的数据不在本表，及时率不代表应报数据已全部报齐。"
    blanks = "按时、迟报均为零时，及时率记“不适用”，不记0％或100％。缓建机构只列示、不考核。机构编码空白的，表示尚未核发。"
    return [counts, timely, blanks]
