"""The first sheet of an old Excel workbook (.xls, BIFF), which many a HIS still exports: texts, numbers, days and clocks.

Only this kind of file needs xlrd, and only who has such files installs it (ADR 0026).
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from adapters.databases import mislabelled
from adapters.dropped.filetext import BadFileError, Encoding
from schemas.tablefile import MOST_CELLS

#: from this version of the format on its texts are Unicode
_UNICODE = 80
#: what a manifest may say of older ones, and the code pages that are the same
_CHINESE = {Encoding.GBK: "gbk", Encoding.GB18030: "gb18030"}
_CODE_PAGES = frozenset({936, 54936})

_DAMAGED = (
    "不是旧格式的 Excel 工作簿（.xls），或已损坏、加了密码；"
    "只是名字叫 .xls 的：其实是 .xlsx 的请改名，其实是网页或文本的请厂商导出 CSV"
)
#: a number of more digits than these has lost the last ones: it stays a float, which no code is made of
_FLOAT_HOLDS = 10**15


def rows(content: bytes, encoding: Encoding) -> Iterator[tuple[int, Sequence[Any]]]:
    """Every row with its number; cells as a newer workbook has them. BadFileError tells why it cannot be read.

    Other sheets are not read, and short rows are filled up one by one: all at once they take ten times the memory and time.
    """
    book, sheet = _opened(content, "")
    if book.biff_version < _UNICODE:
        book, sheet = _in_charset(content, encoding, book, sheet)
    if sheet.nrows * sheet.ncols > MOST_CELLS:
        raise BadFileError("工作表过大，请删去表以外的行列（带格式的空行也算）")
    for number in range(sheet.nrows):
        cells = [_plain(cell, number + 1, book.datemode) for cell in sheet.row(number)]
        yield number + 1, cells + [None] * (sheet.ncols - len(cells))


def _opened(content: bytes, charset: str) -> tuple[Any, Any]:
    import xlrd

    try:
        book = xlrd.open_workbook(
            file_contents=content, logfile=io.StringIO(), on_demand=True, ragged_rows=True, encoding_override=charset or None
        )
        return book, book.sheet_by_index(0)
    except UnicodeDecodeError:
        raise BadFileError(f"有不是 {charset or '文件自己所写字符集'} 的字节：字符集不对，或文件已损坏") from None
    except Exception as error:  # at the edge: the library raises whatever its parsers trip over
        unknown = type(error) is LookupError  # a codec's; those of lists and tables are kinds of it
        raise BadFileError("文件写明的代码页程序不认识：请让厂商另存为 .xlsx 或 CSV" if unknown else _DAMAGED) from None


def _in_charset(content: bytes, encoding: Encoding, book: Any, sheet: Any) -> tuple[Any, Any]:
    """A workbook of before 1997 in the right characters: its texts are bytes, of the code page that it names, or of none.

    The library takes those of none for Latin letters, without a word.
    """
    ours = _CHINESE.get(encoding)
    if book.codepage is not None:
        if ours and book.codepage not in _CODE_PAGES:
            raise BadFileError(
                f"文件写明的代码页是 {book.codepage}，适配包写的是 {encoding}，分不清哪个对：请让厂商另存为 .xlsx 或 CSV"
            )
        if book.codepage not in _CODE_PAGES and mislabelled.garbled(_rectangle(sheet)):
            raise BadFileError(
                f"文件写明的代码页是 {book.codepage}，里面却像是 GBK 的中文，读出来是乱码：请让厂商另存为 .xlsx 或 CSV"
            )
        return book, sheet
    if ours:
        return _opened(content, ours)
    if not all(cell.isascii() for number in range(sheet.nrows) for cell in sheet.row_values(number) if isinstance(cell, str)):
        raise BadFileError("是 Excel 95 以前的文件，没有写明字符集：请在 manifest.yaml 写明 encoding（多半是 gbk）")
    return book, sheet


def _rectangle(sheet: Any) -> Iterator[list[Any]]:
    """Its values with the short rows filled up."""
    for number in range(sheet.nrows):
        values = sheet.row_values(number)
        yield values + [None] * (sheet.ncols - len(values))


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
