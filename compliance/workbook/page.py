"""One printed table: title, two header rows, body, totals, signatures, definitions; in that order, from top to bottom."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from compliance.workbook.results import Result
from compliance.workbook.style import LINE_HEIGHT, Look, set_up_print
from schemas.wire import SHANGHAI

HEADER_ROWS = 4  #: title, who and when, group headers, column headers
FIRST_BODY_ROW = HEADER_ROWS + 1
_PADDING = 4.0
_DATE_WIDTH = 16.0  #: characters of 2026年11月25日
_BODY_HEIGHT = LINE_HEIGHT + _PADDING
_FORMULA_STARTS = ("=", "+", "-", "@")
_SIGNATURES = "审核人：{gap}填表人：{gap}联系电话：{gap}（单位盖章）{gap}年　　月　　日"


@dataclass(frozen=True, slots=True)
class Column:
    """A column; neighbours of the same group share a merged header above their own."""

    title: str
    width: float  #: in characters, as Excel counts them
    group: str = ""


class Page:
    """A sheet being filled from the top; `row` is the row that is written now."""

    def __init__(self, sheet: Worksheet, columns: Sequence[Column]) -> None:
        self._sheet = sheet
        self._columns = tuple(columns)
        self.row = FIRST_BODY_ROW
        self.results: dict[str, Result] = {}  #: what each formula of this sheet evaluates to
        for number, column in enumerate(columns, start=1):
            sheet.column_dimensions[get_column_letter(number)].width = column.width
        set_up_print(sheet, HEADER_ROWS)

    def head(self, title: str, filled: date, unit: str) -> None:
        """Rows 1 to 4. The stamp goes over 填报单位, so nothing is printed after it."""
        width = len(self._columns)
        third = width // 3
        self._merged(1, 1, width, title, Look.TITLE)
        self._merged(2, 1, third, "填报单位（盖章）：", Look.NOTE)
        self._merged(2, third + 1, 2 * third - 1, "填报日期：", Look.NOTE_RIGHT)
        last = self._room(2 * third)
        self._merged(2, 2 * third, last, filled, Look.NOTE_DATE)
        self._merged(2, last + 1, width, unit, Look.NOTE_RIGHT)
        self._column_headers()
        for row, height in ((1, 36.0), (2, 22.0), (3, 22.0), (4, 2 * LINE_HEIGHT + _PADDING)):
            self._sheet.row_dimensions[row].height = height

    def _room(self, first: int) -> int:
        """The last of so many columns, two at least, that a date has room in them."""
        last = first + 1
        while last < len(self._columns) - 1 and sum(column.width for column in self._columns[first - 1 : last]) < _DATE_WIDTH:
            last += 1
        return last

    def freeze(self, columns: int) -> None:
        """Headers and the first columns stay in sight while the clerk scrolls."""
        self._sheet.freeze_panes = f"{get_column_letter(columns + 1)}{FIRST_BODY_ROW}"

    def filter(self, last_row: int) -> None:
        """Filter buttons on the column headers, for the body without its totals."""
        self._sheet.auto_filter.ref = f"A{HEADER_ROWS}:{get_column_letter(len(self._columns))}{last_row}"

    def text(self, column: int, value: str, look: Look = Look.TEXT) -> None:
        """Text stays text: a name that begins like a formula is shown, never calculated, not even after editing."""
        _put_text(self._cell(self.row, column, look), value)
        self._make_room(column, value)

    def number(self, column: int, value: int, look: Look = Look.COUNT) -> None:
        """A count."""
        self._cell(self.row, column, look).value = value

    def moment(self, column: int, value: datetime | None, look: Look) -> None:
        """A date or time as Excel keeps it: Shanghai wall clock without a zone. None leaves the cell empty."""
        cell = self._cell(self.row, column, look)
        if value is not None:
            local = wall_clock(value)
            cell.value = local.date() if look is Look.DATE else local

    def formula(self, column: int, formula: str, result: Result, look: Look = Look.COUNT) -> None:
        """A formula a clerk can click on, and what it evaluates to for viewers that do not calculate."""
        cell = self._cell(self.row, column, look)
        cell.value = formula
        self.results[cell.coordinate] = result

    def blank(self, look: Look) -> None:
        """Rule the whole row, for a row that does not fill every column."""
        for column in range(1, len(self._columns) + 1):
            self._cell(self.row, column, look)

    def label(self, first: int, last: int, text: str, look: Look) -> None:
        """Our own words over several columns of the row that is written now."""
        self._merged(self.row, first, last, text, look)

    def span(self, first: int, last: int) -> None:
        """Join cells of the row that is written now; the first one keeps its content."""
        self._sheet.merge_cells(start_row=self.row, end_row=self.row, start_column=first, end_column=last)

    def end_row(self) -> None:
        """Go to the next row."""
        dimension = self._sheet.row_dimensions[self.row]
        dimension.height = max(dimension.height or 0.0, _BODY_HEIGHT)
        self.row += 1

    def foot(self, definitions: Sequence[str]) -> None:
        """Signature line, then what the figures mean, from when they are and how to identify them."""
        width = len(self._columns)
        self._merged(self.row, 1, width, _SIGNATURES.format(gap="　" * 9), Look.NOTE)
        self._sheet.row_dimensions[self.row].height = 30.0
        for line in ("口径说明：", *(f"{number}. {line}" for number, line in enumerate(definitions, start=1))):
            self.row += 1
            self._merged(self.row, 1, width, line, Look.NOTE)
            self._sheet.row_dimensions[self.row].height = LINE_HEIGHT * _lines(line, sum(c.width for c in self._columns))

    def _column_headers(self) -> None:
        for number, column in enumerate(self._columns, start=1):
            _put_text(self._cell(3, number, Look.HEADER), column.group or column.title)
            _put_text(self._cell(4, number, Look.HEADER), column.title)
        start = 1
        for group, members in groupby(self._columns, key=lambda column: column.group):
            size = len(list(members))
            if group:
                self._merge(3, 3, start, start + size - 1)
            else:
                for number in range(start, start + size):
                    self._merge(3, 4, number, number)
            start += size

    def _merge(self, first_row: int, last_row: int, first: int, last: int) -> None:
        self._sheet.merge_cells(start_row=first_row, end_row=last_row, start_column=first, end_column=last)

    def _merged(self, row: int, first: int, last: int, value: str | date, look: Look) -> None:
        for column in range(first, last + 1):
            self._cell(row, column, look)
        cell = self._cell(row, first, look)
        if isinstance(value, str):
            _put_text(cell, value)
        else:
            cell.value = value
        self._merge(row, row, first, last)

    def _cell(self, row: int, column: int, look: Look) -> Cell:
        cell = self._sheet.cell(row, column)
        if not isinstance(cell, Cell):
            raise TypeError(f"{cell.coordinate} lies inside a merged range")
        cell.style = look.value
        return cell

    def _make_room(self, column: int, value: str) -> None:
        """Excel does not heighten rows of files it did not write, so a long name would be cut off."""
        needed = LINE_HEIGHT * _lines(value, self._columns[column - 1].width - 1) + _PADDING
        dimension = self._sheet.row_dimensions[self.row]
        dimension.height = max(dimension.height or 0.0, needed)


def wall_clock(moment: datetime) -> datetime:
    """Shanghai time without a zone: Excel knows none. A naive time is a bug of the caller."""
    if moment.tzinfo is None:
        raise ValueError("time without a zone")
    return moment.astimezone(SHANGHAI).replace(tzinfo=None)


def _put_text(cell: Cell, value: str) -> None:
    """Control characters, which the file format forbids and paper cannot show, are left out."""
    text = ILLEGAL_CHARACTERS_RE.sub("", value)
    if text:
        cell.value = text
        cell.data_type = "s"  # openpyxl takes "=..." for a formula and "#N/A" for an error
        cell.quotePrefix = text.startswith(_FORMULA_STARTS)  # so that Excel does not either, once the cell is edited


def _lines(text: str, width: float) -> int:
    """Lines the text needs: a Chinese character is as wide as two digits."""
    taken = sum(2 if unicodedata.east_asian_width(character) in "WFA" else 1 for character in text)
    return max(1, -int(-taken // width))
