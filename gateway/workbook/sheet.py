"""One sheet of a workbook: a title, a header that stays in sight with filter buttons, and rows of text, dates and numbers."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, WriteOnlyCell
from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.header_footer import HeaderFooterItem
from openpyxl.worksheet.properties import PageSetupProperties

from schemas.wire import SHANGHAI

Value = str | int | date | datetime | Decimal | None
_LINE_HEIGHT, _PADDING = 15.0, 5.0
_FORMULA_STARTS = ("=", "+", "-", "@")
_A4 = 9  #: paper code of the file format
_FORMATS: dict[type, str] = {datetime: "yyyy-mm-dd hh:mm", date: "yyyy-mm-dd", Decimal: "0.00%", int: "#,##0", str: "@"}
_SIDE = Side(style="thin", color="BFBFBF")
_INDENTED = ("left", "right")
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


@dataclass(frozen=True, slots=True)
class Look:
    """How a cell is drawn."""

    size: int = 10
    bold: bool = False
    colour: str = "000000"
    fill: str = ""
    side: str = ""  #: "": as the format sees fit
    high: str = ""  #: likewise
    wrapped: bool = False
    boxed: bool = False


class Paper:
    """A sheet that is written from the top, a line at a time: none is held, so there may be hundreds of thousands."""

    def __init__(self, book: Workbook, tab: str, widths: Sequence[float], frozen: str = "") -> None:
        self.sheet: Any = book.create_sheet(tab)  # of a book that is only written, which has no type of its own
        self.row = 1
        self._styles: dict[tuple[Look, str, bool], Any] = {}
        for number, width in enumerate(widths, start=1):
            self.sheet.column_dimensions[get_column_letter(number)].width = width
        self.sheet.sheet_view.showGridLines = False
        if frozen:
            self.sheet.freeze_panes = frozen
        _on_paper(self.sheet)

    def line(self, cells: Sequence[tuple[Value, Look]], height: float) -> None:
        """The next one."""
        self.sheet.row_dimensions[self.row].height = height
        self.sheet.append([self._cell(value, look) for value, look in cells])
        del self.sheet.row_dimensions[self.row]
        self.row += 1

    def _cell(self, value: Value, look: Look) -> Any:
        cell: Any = WriteOnlyCell(self.sheet)
        text = _plain(value) if isinstance(value, str) else ""
        shown = "General" if not text and isinstance(value, str | None) else _FORMATS[str if text else type(value)]
        cell._style = copy(self._style(look, shown, text.startswith(_FORMULA_STARTS)))
        if text:
            cell.value, cell.data_type = text, "s"  # openpyxl takes "=..." for a formula and "#N/A" for an error
        elif not isinstance(value, str):
            cell.value = _wall_clock(value) if isinstance(value, datetime) else value
        return cell

    def _style(self, look: Look, known: str, quoted: bool) -> Any:
        """Made once: a style costs more than all else of a cell. What begins like a formula stays text when it is edited."""
        if (found := self._styles.get((look, known, quoted))) is None:
            cell: Any = WriteOnlyCell(self.sheet)
            cell.font = Font(name="微软雅黑", size=look.size, bold=look.bold, color=look.colour)
            cell.alignment = Alignment(
                look.side or None, look.high or None, wrap_text=look.wrapped, indent=int(look.side in _INDENTED)
            )
            cell.number_format, cell.quotePrefix = known, quoted
            if look.boxed:
                cell.border = _BORDER
            if look.fill:
                cell.fill = PatternFill("solid", start_color=look.fill)
            found = self._styles[look, known, quoted] = cell._style
        return found


class Sheet:
    """A table being filled from the top: its title, a note, a header that stays in sight with the first columns."""

    def __init__(self, book: Workbook, tab: str, title: str, columns: Sequence[Column], note: str = "", *, frozen: int = 0) -> None:
        self._columns, self._header = tuple(columns), 3
        frozen_at = f"{get_column_letter(frozen + 1)}{self._header + 1}"
        self._paper = Paper(book, tab, [each.width for each in columns], frozen_at)
        self._paper.line([(title, Look(size=15, bold=True))], 26.0)
        self._paper.line([(note, Look(colour="595959"))], 18.0)
        self._paper.line([(each.title, _look(each.title, HEADER, centred=True)) for each in columns], 24.0)

    def add(self, values: Sequence[Value], tints: Sequence[Tint | None] = ()) -> None:
        """A row of the table."""
        colours = (*tints, *[None] * (len(values) - len(tints)))
        placed = list(zip(values, colours, self._columns, strict=True))
        lines = [lines_of(value, column.width) for value, _, column in placed if isinstance(value, str)]
        cells = [(value, _look(value, tint, centred=column.centred)) for value, tint, column in placed]
        self._paper.line(cells, _LINE_HEIGHT * max(lines, default=1) + _PADDING)

    def finish(self, printed: int = 0) -> None:
        """Filter buttons; on each printed page the header. `printed`: how many of the columns go on paper; 0: all."""
        sheet, header = self._paper.sheet, self._header
        last, end = get_column_letter(len(self._columns)), max(self._paper.row - 1, header)
        sheet.print_area = f"A1:{get_column_letter(printed or len(self._columns))}{end}"
        sheet.auto_filter.ref = f"A{header}:{last}{end}"
        sheet.print_title_rows = f"{header}:{header}"


def _look(value: Value, tint: Tint | None, *, centred: bool) -> Look:
    """A cell of the table: dates and what is said to be in the middle, numbers to the right."""
    side = "center" if centred or isinstance(value, date) else "right" if isinstance(value, int | Decimal) else "left"
    drawn = Look(side=side, high="center", wrapped=True, boxed=True)
    return replace(drawn, bold=tint.bold, colour=tint.font, fill=tint.fill) if tint else drawn


def _on_paper(sheet: Any) -> None:
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


def _plain(value: str) -> str:
    """Without control characters, which the file format forbids, and no longer than it allows."""
    return ILLEGAL_CHARACTERS_RE.sub("", value)[:_LONGEST]


def _wall_clock(moment: datetime) -> datetime:
    """Excel knows no zones."""
    return moment.astimezone(SHANGHAI).replace(tzinfo=None)


def lines_of(text: str, width: float) -> int:
    """Lines that a text takes: a Chinese character is as wide as two digits."""
    return sum(_wrapped(line, width - 2.0) for line in text.split("\n"))


def _wrapped(line: str, width: float) -> int:
    taken = sum(2 if unicodedata.east_asian_width(character) in "WFA" else 1 for character in line)
    return max(1, -int(-taken // width))
