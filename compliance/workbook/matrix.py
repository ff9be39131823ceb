"""Sheet 覆盖情况: institutions down, scenes across, and the three figures the bureau is asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from openpyxl.utils import get_column_letter

from compliance.coverage import Cell, CellState, CoverageReport, InstitutionCoverage
from compliance.workbook.book import Book
from compliance.workbook.page import FIRST_BODY_ROW, Column, Page, wall_clock
from compliance.workbook.rate import rate
from compliance.workbook.style import Look

#: Symbol and words both, so that a black and white copy says the same as the screen.
LABELS = {
    CellState.RECEIVING: f"● {CellState.RECEIVING}",
    CellState.NOT_STARTED: f"○ {CellState.NOT_STARTED}",
    CellState.DEFERRED: f"△ {CellState.DEFERRED}",
    CellState.NOT_PLANNED: f"— {CellState.NOT_PLANNED}",
}
_LOOKS = {
    CellState.RECEIVING: Look.STATE_GOOD,
    CellState.NOT_STARTED: Look.STATE_OPEN,
    CellState.DEFERRED: Look.STATE_ASIDE,
    CellState.NOT_PLANNED: Look.STATE_NONE,
}
_FIRST_SCENE = 4
_FIGURES = ("规划\n建设", "其中：\n缓建", "应建", "接收中", "覆盖率")
_COUNTED = "场景数（个）"
_WITHDRAWN = "已全部作废"


def add(book: Book, report: CoverageReport, title: str, imprint: Sequence[str]) -> None:
    """Add the sheet to the book; `imprint` are the sentences that end it."""
    page = book.add_page("覆盖情况", _columns(report.scenes))
    page.head(title, wall_clock(report.as_of).date(), "单位：个、％")
    page.freeze(2)
    sheet = _Matrix(page, report)
    for row in report.institutions:
        sheet.institution(row)
    if not report.institutions:
        sheet.nothing()
    sheet.totals()
    page.foot([*_definitions(report), *imprint])


def _columns(scenes: tuple[str, ...]) -> list[Column]:
    columns = [Column("序号", 5.5), Column("医疗机构名称", 26), Column("机构编码", 14.5)]
    for scene in scenes or ("场景",):
        columns += [Column("状态", 10.5, scene), Column("最近接收日期", 15, scene)]
    return columns + [Column(title, 8.5, _COUNTED) for title in _FIGURES[:-1]] + [Column(_FIGURES[-1], 9.5)]


class _Matrix:
    """Where each figure stands, so that formulas and cells cannot point past each other."""

    def __init__(self, page: Page, report: CoverageReport) -> None:
        self._page = page
        self._report = report
        after = _FIRST_SCENE + 2 * max(1, len(report.scenes))
        self._scenes = f"{get_column_letter(_FIRST_SCENE)}{{row}}:{get_column_letter(after - 1)}{{row}}"
        self._planned, self._deferred, self._assessed, self._receiving, self._rate = range(after, after + 5)

    def institution(self, row: InstitutionCoverage) -> None:
        """One line: names, states, and what they add up to."""
        page = self._page
        page.number(1, row.number, Look.CENTRED)
        page.text(2, row.name)
        page.text(3, row.code, Look.CODE)
        for number, cell in enumerate(_in_order(self._report.scenes, row.cells)):
            page.text(_FIRST_SCENE + 2 * number, LABELS[cell.state], _LOOKS[cell.state])
            self._last_received(_FIRST_SCENE + 2 * number + 1, cell)
        self._figures(row.cells)
        page.end_row()

    def _last_received(self, column: int, cell: Cell) -> None:
        """A date beside 未开始 would contradict it: what was taken back whole is said in words."""
        if cell.withdrawn:
            self._page.text(column, _WITHDRAWN, Look.CODE)
        else:
            self._page.moment(column, cell.last_received, Look.DATE)

    def nothing(self) -> None:
        """Say in words that the district has no institution: an empty table looks like a fault."""
        self._page.blank(Look.CENTRED)
        self._page.text(2, "（名录中没有医疗机构）")
        self._page.end_row()

    def totals(self) -> None:
        """合计, then the deferred ones by themselves: they are planned, but nobody is assessed on them."""
        last = self._page.row - 1
        self._total_label("合计")
        self._scene_totals(last, CellState.RECEIVING, CellState.NOT_STARTED)
        planned, assessed, receiving = self._report.planned, self._report.assessed, self._report.receiving
        for column, result in zip(
            (self._planned, self._deferred, self._assessed, self._receiving),
            (planned, planned - assessed, assessed, receiving),
            strict=True,
        ):
            self._page.formula(column, f"=SUM({_down(column, last)})", result, Look.TOTAL_COUNT)
        self._coverage(receiving, assessed, Look.TOTAL_RATE)
        self._page.end_row()
        self._deferred_total(last, planned - assessed)

    def _deferred_total(self, last: int, deferred: int) -> None:
        self._total_label("其中：缓建（不考核）")
        self._scene_totals(last, CellState.DEFERRED)
        above = f"{get_column_letter(self._deferred)}{self._page.row - 1}"
        for column in (self._planned, self._deferred):
            self._page.formula(column, f"={above}", deferred, Look.TOTAL_COUNT)
        for column in (self._assessed, self._receiving):
            self._page.number(column, 0, Look.TOTAL_COUNT)
        self._coverage(0, 0, Look.TOTAL_RATE)
        self._page.end_row()

    def _total_label(self, label: str) -> None:
        self._page.blank(Look.TOTAL)
        self._page.label(1, _FIRST_SCENE - 1, label, Look.TOTAL)

    def _scene_totals(self, last: int, *states: CellState) -> None:
        """Per scene and state, in words and number, e.g. 接收中 5 ／ 未开始 13."""
        for number, _ in enumerate(self._report.scenes):
            column = _FIRST_SCENE + 2 * number
            counts = Counter(row.cells[number].state for row in self._report.institutions)
            parts = [f'"{state} "&{_count(_down(column, last), state)}' for state in states]
            result = " ／ ".join(f"{state} {counts[state]}" for state in states)
            self._page.formula(column, "=" + '&" ／ "&'.join(parts), result, Look.TOTAL)
            self._page.span(column, column + 1)

    def _figures(self, cells: tuple[Cell, ...]) -> None:
        """The counts of one institution: each formula counts the very words that stand in its row."""
        states = Counter(cell.state for cell in cells)
        receiving, open_, deferred = (states[state] for state in (CellState.RECEIVING, CellState.NOT_STARTED, CellState.DEFERRED))
        page, row = self._page, self._page.row
        scenes = self._scenes.format(row=row)
        parts = f"{get_column_letter(self._deferred)}{row}+{get_column_letter(self._assessed)}{row}"
        page.formula(self._planned, f"={parts}", receiving + open_ + deferred)
        page.formula(self._deferred, f"={_count(scenes, CellState.DEFERRED)}", deferred)
        assessed = f"={_count(scenes, CellState.RECEIVING)}+{_count(scenes, CellState.NOT_STARTED)}"
        page.formula(self._assessed, assessed, receiving + open_)
        page.formula(self._receiving, f"={_count(scenes, CellState.RECEIVING)}", receiving)
        self._coverage(receiving, receiving + open_, Look.RATE)

    def _coverage(self, receiving: int, assessed: int, look: Look) -> None:
        row = self._page.row
        part, whole = (f"{get_column_letter(column)}{row}" for column in (self._receiving, self._assessed))
        formula, result = rate(part, whole, receiving, assessed)
        self._page.formula(self._rate, formula, result, look)


def _in_order(scenes: tuple[str, ...], cells: tuple[Cell, ...]) -> Iterable[Cell]:
    """The cells, once it is certain that each stands under its own scene."""
    if tuple(cell.scene for cell in cells) != scenes:
        raise ValueError("cells are not in the order of the report's scenes")
    return cells


def _count(area: str, state: CellState) -> str:
    return f'COUNTIF({area},"{LABELS[state]}")'


def _down(column: int, last: int) -> str:
    letter = get_column_letter(column)
    return f"{letter}{FIRST_BODY_ROW}:{letter}{last}"


def _definitions(report: CoverageReport) -> list[str]:
    planned, assessed = report.planned, report.assessed
    figures = (
        "规划建设＝建设方案要求建设的场景，含缓建；应建＝规划建设－缓建，应建不含缓建，缓建只列示、不考核；覆盖率＝接收中÷应建。"
        f"本表规划建设{planned}个，其中缓建{planned - assessed}个，应建{assessed}个，接收中{report.receiving}个。"
    )
    states = (
        "● 接收中：平台已接收该场景至少一条有效数据；○ 未开始：应建，尚未接收到有效数据；"
        "△ 缓建：经同意暂缓建设；— 不适用：方案未要求建设该场景。"
        f"最近接收日期栏记“{_WITHDRAWN}”的，曾接收过数据，后经机构全部作废，现无有效数据，不计入接收中。"
    )
    blanks = "应建为零时，覆盖率记“不适用”，不记0％或100％。机构编码空白的，表示尚未核发。"
    return [figures, states, blanks]
