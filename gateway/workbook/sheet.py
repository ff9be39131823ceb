"""One sheet of a workbook: a title, a header that stays in sight with filter buttons, and rows of text, dates and numbers."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.header_footer import HeaderFooterItem
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from schemas.wire import SHANGHAI

Value = str | int | date | datetime | Decimal | None
_LINE_HEIGHT, _PADDING = 15.0, 5.0
_FORMULA_STARTS = ("=", "+", "-", "@")
_A4 = 9  #: paper code of the file format
_FORMATS: dict[type, str] = {datetime: "yyyy-mm-dd hh:mm", date: "yyyy-mm-dd", Decimal: "0.00%", int: "#,##0", str: "@"}
_SIDE = Side(style="thin", color="BFBFBF")
_BORDER = Border(left=_SIDE, right=_SIDE, top=_SIDE, bottom=_SIDE)
#: a cell's longest text in the file format; a longer one is cut
_LONGEST = 32_000


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table."""

    title: str
    width: float  #: in characters, as Excel counts them
    centred: bool = False


@dataclass(frozen=True, slots=True)
class Tint:
    """Colours of a cell. They repeat what its words say: most copies are printed in black and white."""

    fill: str
    font: str = "000000"
    bold: bool = False


HEADER = Tint("DCE6F1", bold=True)
LATE = Tint("F8D7DA", "9C0006", bold=True)
SOON = Tint("FFF2CC", "7F6000", bold=True)
TOTAL = Tint("F2F2F2", bold=True)


class Sheet:
    """A sheet being filled from the top."""

    def __init__(self, sheet: Worksheet, title: str, columns: Sequence[Column], note: str = "") -> None:
        self._sheet, self._columns = sheet, tuple(columns)
        self._put(1, 1, title, font=Font(name="微软雅黑", size=15, bold=True))
        self._put(2, 1, note, font=Font(name="微软雅黑", size=10, color="595959"))
        sheet.row_dimensions[1].height, sheet.row_dimensions[2].height = 26.0, 18.0
        self.header = self.row = 3
        for number, column in enumerate(columns, start=1):
            sheet.column_dimensions[get_column_letter(number)].width = column.width
            self._table(number, column.title, HEADER, centred=True)
        sheet.row_dimensions[self.row].height = 24.0
        self.row += 1

    def add(self, values: Sequence[Value], tints: Sequence[Tint | None] = ()) -> None:
        """A row of the table."""
        colours = (*tints, *[None] * (len(values) - len(tints)))
        for number, (value, tint) in enumerate(zip(values, colours, strict=True), start=1):
            self._table(number, value, tint, centred=self._columns[number - 1].centred)
        lines = [_lines(value, each.width) for value, each in zip(values, self._columns, strict=True) if isinstance(value, str)]
        self._sheet.row_dimensions[self.row].height = _LINE_HEIGHT * max(lines, default=1) + _PADDING
        self.row += 1

    def finish(self, frozen: int = 0, printed: int = 0) -> None:
        """Header and the first columns stay in sight; filter buttons; on paper as wide as the page, the header on each.

        `printed`: how many of the columns go on paper; 0: all.
        """
        last, end = get_column_letter(len(self._columns)), max(self.row - 1, self.header)
        self._sheet.print_area = f"A1:{get_column_letter(printed or len(self._columns))}{end}"
        self._sheet.freeze_panes = f"{get_column_letter(frozen + 1)}{self.header + 1}"
        self._sheet.auto_filter.ref = f"A{self.header}:{last}{end}"
        self._sheet.sheet_view.showGridLines = False
        on_paper(self._sheet)
        self._sheet.print_title_rows = f"{self.header}:{self.header}"

    def _table(self, column: int, value: Value, tint: Tint | None, *, centred: bool) -> None:
        font = Font(name="微软雅黑", size=10, bold=bool(tint and tint.bold), color=tint.font if tint else "000000")
        cell = self._put(self.row, column, value, font=font)
        cell.border = _BORDER
        numeric = isinstance(value, int | Decimal)
        side = "center" if centred or isinstance(value, date) else "right" if numeric else "left"
        cell.alignment = Alignment(horizontal=side, vertical="center", wrap_text=True, indent=int(side != "center"))
        if tint:
            cell.fill = PatternFill("solid", start_color=tint.fill)

    def _put(self, row: int, column: int, value: Value, font: Font) -> Cell:
        cell = self._sheet.cell(row, column)
        if not isinstance(cell, Cell):
            raise TypeError(f"{cell.coordinate} lies inside a merged range")
        cell.font = font
        if isinstance(value, str):
            put_text(cell, value)
        elif value is not None:
            cell.value = _wall_clock(value) if isinstance(value, datetime) else value
            cell.number_format = _FORMATS[type(value)]
        return cell


def on_paper(sheet: Worksheet) -> None:
    """A4 across, as wide as the page, pages numbered."""
    setup = sheet.page_setup
    setup.orientation, setup.paperSize, setup.fitToWidth, setup.fitToHeight = "landscape", _A4, 1, 0
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    footer = HeaderFooterItem()
    footer.center.text = "第 &P 页，共 &N 页"
    sheet.oddFooter = footer
    margins = sheet.page_margins
    margins.left = margins.right = 0.4
    margins.top, margins.bottom, margins.footer = 0.5, 0.7, 0.3


def put_text(cell: Cell, value: str) -> None:
    """Text stays text: what begins like a formula is shown, never calculated, not even after editing.

    Control characters, which the file format forbids, are left out.
    """
    text = ILLEGAL_CHARACTERS_RE.sub("", value)[:_LONGEST]
    if text:
        cell.value = text
        cell.data_type = "s"  # openpyxl takes "=..." for a formula and "#N/A" for an error
        cell.number_format = _FORMATS[str]
        cell.quotePrefix = text.startswith(_FORMULA_STARTS)  # so that Excel does not either, once the cell is edited


def _wall_clock(moment: datetime) -> datetime:
    """Excel knows no zones."""
    return moment.astimezone(SHANGHAI).replace(tzinfo=None)


def _lines(text: str, width: float) -> int:
    """Lines that a text takes: a Chinese character is as wide as two digits."""
    return sum(_wrapped(line, width - 2.0) for line in text.split("\n"))


def _wrapped(line: str, width: float) -> int:
    taken = sum(2 if unicodedata.east_asian_width(character) in "WFA" else 1 for character in line)
    return max(1, -int(-taken // width))
