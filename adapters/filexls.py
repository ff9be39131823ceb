"""The first sheet of an old Excel workbook (.xls, BIFF), which many a HIS still exports: texts, numbers, days and clocks.

Only this kind of file needs xlrd, and only who has such files installs it (ADR 0026).
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from adapters.filetext import BadFileError
from schemas.tablefile import MOST_CELLS

_DAMAGED = (
    "不是旧格式的 Excel 工作簿（.xls），或已损坏、加了密码；"
    "只是名字叫 .xls 的：其实是 .xlsx 的请改名，其实是网页或文本的请厂商导出 CSV"
)
#: a number of more digits than these has lost the last ones: it stays a float, which no code is made of
_FLOAT_HOLDS = 10**15


def rows(content: bytes) -> Iterator[tuple[int, Sequence[Any]]]:
    """Every row with its number; cells as a newer workbook has them. BadFileError tells why it cannot be read.

    Other sheets are not read, and short rows are filled up one by one: all at once they take ten times the memory and time.
    """
    import xlrd

    try:
        book = xlrd.open_workbook(file_contents=content, logfile=io.StringIO(), on_demand=True, ragged_rows=True)
        sheet = book.sheet_by_index(0)
    except Exception:  # at the edge: the library raises whatever its parsers trip over
        raise BadFileError(_DAMAGED) from None
    if sheet.nrows * sheet.ncols > MOST_CELLS:
        raise BadFileError("工作表过大，请删去表以外的行列（带格式的空行也算）")
    for number in range(sheet.nrows):
        cells = [_plain(cell, number + 1, book.datemode) for cell in sheet.row(number)]
        yield number + 1, cells + [None] * (sheet.ncols - len(cells))


def _plain(cell: Any, line: int, datemode: int) -> Any:
    """A number that is whole is an int; a text of nothing is nothing, as an empty cell is."""
    import xlrd

    match cell.ctype:
        case xlrd.XL_CELL_NUMBER:
            return int(cell.value) if cell.value.is_integer() and abs(cell.value) < _FLOAT_HOLDS else cell.value
        case xlrd.XL_CELL_DATE:
            return _moment(cell.value, line, datemode)
        case xlrd.XL_CELL_BOOLEAN:
            return bool(cell.value)
        case xlrd.XL_CELL_ERROR:
            wrong = xlrd.error_text_from_code.get(cell.value, "")
            raise BadFileError(f"第 {line} 行有一格是 Excel 的错误值 {wrong}：请改好公式，或粘贴成值再保存")
    return cell.value or None


def _moment(value: float, line: int, datemode: int) -> Any:
    """Excel counts days; what is less than one is a clock, and less than nothing, which it shows as #####, is neither."""
    import xlrd

    wrong = BadFileError(f"第 {line} 行有一格的日期不在日历里")
    if value < 0:
        raise wrong
    try:
        moment: datetime = xlrd.xldate_as_datetime(value, datemode)
    except (xlrd.XLDateError, OverflowError, ValueError):
        raise wrong from None
    return moment.time() if value < 1 else moment
