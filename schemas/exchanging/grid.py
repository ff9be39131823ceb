"""An .xlsx from somewhere -> sheets of text cells. Refuses in one sentence what would hurt the machine or is no workbook."""

from __future__ import annotations

import re
import warnings
import zipfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.cell.cell import Cell as ExcelCell
from openpyxl.cell.cell import MergedCell
from openpyxl.utils import range_boundaries
from openpyxl.worksheet.worksheet import Worksheet

from schemas.errors import SpecError, file_trouble

MOST_BYTES = 20 * 1024 * 1024  #: of the file; a field table has some hundred kB
MOST_UNPACKED = 64 * 1024 * 1024  #: of all its parts; openpyxl needs some forty times as much memory
MOST_PARTS = 2000
MOST_CELLS = 1_000_000  #: of one sheet, empty ones included, and of all merged cells
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"  # also what an encrypted .xlsx begins with
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z0-9:]{1,30})"')
_DECLARED = re.compile(rb"<!(?:DOCTYPE|ENTITY)")


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell as text, with what its text does not tell."""

    text: str  #: without outer blanks
    place: str  #: e.g. C7
    number: bool = False  #: Excel held a number: leading zeros are gone
    formula: bool = False
    filled: bool = False  #: the text is that of a merged cell above
    indent: int = 0  #: blanks before the text


Row = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet; rows without any text are left out."""

    name: str
    rows: tuple[Row, ...]


def read(path: Path) -> tuple[Sheet, ...]:
    """Every sheet. SpecError if the file is no usable workbook."""
    _weigh(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl tells of drop-down lists and styles it does not keep
            book = openpyxl.load_workbook(path)
    except Exception:  # at the edge: openpyxl raises whatever its parsers trip over
        raise SpecError("不是能读的 Excel 工作簿（.xlsx），可能已损坏", file=path) from None
    for sheet in book.worksheets:
        if sheet.max_row * sheet.max_column > MOST_CELLS:
            raise SpecError(f"工作表“{sheet.title}”过大，请删去字段表以外的行列（带格式的空行也算）", file=path)
    return tuple(_sheet(each) for each in book.worksheets)


def _weigh(path: Path) -> None:
    """Look at the outside first: a small archive may unpack to more than the machine has."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(len(_OLD_EXCEL))
    except OSError as error:
        raise SpecError(f"文件读不出来：{file_trouble(error)}", file=path) from None
    if head == _OLD_EXCEL:
        raise SpecError("是旧格式 .xls 或加了密码的文件，请另存为不加密的 .xlsx", file=path)
    if size > MOST_BYTES:
        raise SpecError(f"文件超过 {MOST_BYTES // 1024**2} MB，不像字段表，没有读", file=path)
    try:
        with zipfile.ZipFile(path) as archive:
            _weigh_parts(path, archive)
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, RuntimeError, EOFError):
        raise SpecError("不是 Excel 工作簿（.xlsx），或已损坏", file=path) from None


def _weigh_parts(path: Path, archive: zipfile.ZipFile) -> None:
    parts = archive.infolist()
    # zipfile never hands out more of a part than the size it declares
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED:
        raise SpecError("文件解压后过大，不像字段表，没有读", file=path)
    merged = 0
    for part in parts:
        content = archive.read(part)
        if _DECLARED.search(content):
            raise SpecError("文件内含 XML 声明，正常的工作簿没有，没有读", file=path)
        merged += sum(_area(each.decode()) for each in _MERGED.findall(content))
    if merged > MOST_CELLS:  # openpyxl makes an object of each
        raise SpecError("合并单元格的范围过大，请取消整列整表的合并", file=path)


def _area(reference: str) -> int:
    try:
        left, top, right, bottom = range_boundaries(reference)
    except (ValueError, TypeError):
        return 0
    if left is None or top is None or right is None or bottom is None:
        return MOST_CELLS + 1
    return (right - left + 1) * (bottom - top + 1)


def _sheet(sheet: Worksheet) -> Sheet:
    fills = _fills(sheet)
    rows = (tuple(_cell(cell, fills) for cell in cells) for cells in sheet.iter_rows())
    return Sheet(sheet.title, tuple(row for row in rows if any(cell.text for cell in row)))


def _fills(sheet: Worksheet) -> dict[str, ExcelCell]:
    """Cell below the first of a vertical merge -> that first cell."""
    found: dict[str, ExcelCell] = {}
    for merged in sheet.merged_cells.ranges:
        first = sheet.cell(merged.min_row, merged.min_col)
        for row in range(merged.min_row + 1, merged.max_row + 1):
            found[sheet.cell(row, merged.min_col).coordinate] = first  # type: ignore[assignment]
    return found


def _cell(cell: ExcelCell | MergedCell, fills: dict[str, ExcelCell]) -> Cell:
    first = fills.get(cell.coordinate)
    if first is not None:
        return Cell(_text(first.value), cell.coordinate, filled=True)
    value = cell.value
    raw = value if isinstance(value, str) else ""
    blanks = len(raw) - len(raw.lstrip())
    indent = 0 if isinstance(cell, MergedCell) else int(cell.alignment.indent or 0)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return Cell(_text(value), cell.coordinate, number, formula=cell.data_type == "f", indent=blanks + indent)


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # Excel keeps every number as a float
    if isinstance(value, date):
        return value.isoformat()[:10]
    return str(value).strip()
