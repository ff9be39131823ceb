"""Sheet 逐日报送: institution x data set x business date, each with the worst that is true of it."""

from __future__ import annotations

from collections.abc import Sequence

from openpyxl.utils import get_column_letter

from compliance.board import BoardReport, DayRow
from compliance.days import DayCell, DayState
from compliance.workbook.book import Book
from compliance.workbook.page import FIRST_BODY_ROW, Column, Page, wall_clock
from compliance.workbook.rate import rate
from compliance.workbook.style import Look

#: one character a state: fourteen days have to stand beside each other, and a black and white copy has to be read
MARKS = {
    DayState.MATCHED: "√",
    DayState.ZERO: "零",
    DayState.PENDING: "—",
    DayState.ELSEWHERE: "月",
    DayState.UNPROVEN: "核",
    DayState.LATE: "迟",
    DayState.OVERDUE: "逾",
    DayState.DIFFERING: "异",
    DayState.DECLARED: "申",
    DayState.DECLARED_LATE: "晚",
    DayState.CLOSED: "休",
    DayState.EXEMPT: "缓",
    DayState.SILENT: "静",
}
_LOOKS = {
    **dict.fromkeys((DayState.MATCHED, DayState.ZERO), Look.STATE_GOOD),
    **dict.fromkeys((DayState.DECLARED, DayState.CLOSED, DayState.EXEMPT), Look.STATE_ASIDE),
    **dict.fromkeys((DayState.PENDING, DayState.ELSEWHERE), Look.STATE_NONE),
}
_FIRST_DAY = 6
_NO_MANIFEST = "无"


def add(book: Book, report: BoardReport, title: str, imprint: Sequence[str]) -> None:
    """Add the sheet; `imprint` are the sentences that end it."""
    page = book.add_page("逐日报送", _columns(report))
    page.head(title, wall_clock(report.as_of).date(), "单位：条、％")
    page.freeze(5)
    sheet = _Sheet(page, len(report.asked.days))
    for number, row in enumerate(report.rows, start=1):
        sheet.row(number, row)
    if not report.rows:
        page.blank(Look.CENTRED)
        page.text(2, "（名册中没有要报送的机构）")
        page.end_row()
    page.filter(page.row - 1)
    sheet.totals(report.rows)
    page.foot([*_definitions(), *imprint])


def _columns(report: BoardReport) -> list[Column]:
    days = report.asked.days
    span = f"业务日（{days[0]:%m月%d日} 至 {days[-1]:%m月%d日}）"
    last = f"{days[-1]:%m月%d日}"
    return [
        *(Column("序号", 6), Column("机构名称", 26), Column("机构编码", 15)),
        *(Column("代码", 8, "数据集"), Column("名称", 18, "数据集")),
        *(Column(f"{day.day}", 4.5, span) for day in days),
        *(Column("有效", 8, last), Column("清单", 8, last)),
        *(
            Column("应报", 8, "各日合计（条、％）"),
            Column("按时", 8, "各日合计（条、％）"),
            Column("迟报", 8, "各日合计（条、％）"),
        ),
        *(Column("缺", 7, "各日合计（条、％）"), Column("及时率", 9, "各日合计（条、％）")),
    ]


class _Sheet:
    """Where each figure stands."""

    def __init__(self, page: Page, days: int) -> None:
        self._page = page
        after = _FIRST_DAY + days
        self._live, self._stated, self._owed, self._on_time, self._late, self._missing, self._rate = range(after, after + 7)

    def row(self, number: int, row: DayRow) -> None:
        """One data set of one institution."""
        page = self._page
        page.number(1, number, Look.CENTRED)
        page.text(2, row.institution)
        page.text(3, row.code, Look.CODE)
        page.text(4, row.dataset, Look.CODE)
        page.text(5, row.dataset_name)
        for place, cell in enumerate(row.cells):
            page.text(_FIRST_DAY + place, MARKS[cell.state], _LOOKS.get(cell.state, Look.STATE_OPEN))
        page.number(self._live, row.last.live)
        self._manifest(row.last)
        for column, count in zip(self._counted, _counts([row]), strict=True):
            page.number(column, count)
        self._timeliness(row.on_time, row.owed, Look.RATE)
        page.end_row()

    @property
    def _counted(self) -> tuple[int, int, int, int]:
        return self._owed, self._on_time, self._late, self._missing

    def _manifest(self, cell: DayCell) -> None:
        """A manifest that is not there is no zero."""
        if cell.stated is None:
            self._page.text(self._stated, _NO_MANIFEST, Look.CODE)
        else:
            self._page.number(self._stated, cell.stated)

    def totals(self, rows: Sequence[DayRow]) -> None:
        """Of everyone."""
        last = self._page.row - 1
        self._page.blank(Look.TOTAL)
        self._page.label(1, _FIRST_DAY - 1, "合计", Look.TOTAL)
        for column, result in zip(self._counted, counts := _counts(rows), strict=True):
            letter = get_column_letter(column)
            self._page.formula(column, f"=SUM({letter}{FIRST_BODY_ROW}:{letter}{last})", result, Look.TOTAL_COUNT)
        self._timeliness(counts[1], counts[0], Look.TOTAL_RATE)
        self._page.end_row()

    def _timeliness(self, on_time: int, owed: int, look: Look) -> None:
        part, whole = (f"{get_column_letter(column)}{self._page.row}" for column in (self._on_time, self._owed))
        formula, result = rate(part, whole, on_time, owed)
        self._page.formula(self._rate, formula, result, look)


def _counts(rows: Sequence[DayRow]) -> list[int]:
    """应报, 按时, 迟报, 缺."""
    cells = [cell for row in rows for cell in row.assessed]
    return [
        sum(cell.owed for cell in cells),
        sum(cell.on_time for cell in cells),
        sum(cell.late for cell in cells),
        sum(cell.missing for cell in cells),
    ]


def _definitions() -> list[str]:
    words = {state: f"“{MARKS[state]}”{state}" for state in DayState}
    good = (
        f"{words[DayState.MATCHED]}：有效数据的条数和内容与机构的日清单（OP01）一致，全部按时；"
        f"{words[DayState.ZERO]}：日清单说明当天没有应报的，平台也没有；"
        f"{words[DayState.PENDING]}：还没有到时限；{words[DayState.ELSEWHERE]}：按月报送的，本月别的日期有数据；"
        f"{words[DayState.CLOSED]}、{words[DayState.EXEMPT]}：不要求；"
        f"{words[DayState.DECLARED]}：有缺或有迟，机构在时限之前作过申明。"
    )
    bad = (
        f"{words[DayState.UNPROVEN]}：有数据，没有与之相符的日清单，不能证明齐全；{words[DayState.LATE]}：齐全，有的过了时限才到；"
        f"{words[DayState.OVERDUE]}：过了时限，日清单里说有而平台没有；{words[DayState.DIFFERING]}：平台有的与日清单说的不是同一批；"
        f"{words[DayState.DECLARED_LATE]}：过了时限才申明；{words[DayState.SILENT]}：过了时限，没有数据、没有零报、没有申明。"
        "静默不等于没有业务。"
    )
    figures = (
        "有效：平台现有的、最新一版没有作废的记录；清单：日清单说平台已收下的条数，“无”是没有收到清单。"
        "应报＝按时＋迟报＋缺－已在时限前申明的；缺：日清单说有而过了时限平台还没有的。及时率＝按时÷应报，没到的算不及时；"
        "应报为零时记“不适用”。数据集没有清单的日期，缺多少无从知道，不计入应报。缓建的不计入各日合计。"
    )
    return [good, bad, figures]
