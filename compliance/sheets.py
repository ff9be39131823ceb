"""A CSV or Excel file that a person made -> rows of trimmed text with their row numbers. Nothing is interpreted."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from compliance.errors import ComplianceError

Rows = tuple[tuple[int, tuple[str, ...]], ...]
_EXCEL = (".xlsx", ".xlsm")
#: what Excel writes on a Chinese machine; with BOM first, or it would stay in the first cell
_ENCODINGS = ("utf-8-sig", "gb18030")


def read(path: Path) -> Rows:
    """Every row that is not blank, numbered as the person sees it. ComplianceError if the file cannot be read."""
    try:
        rows = _excel(path) if path.suffix.lower() in _EXCEL else _csv(path)
    except OSError as error:
        raise ComplianceError(f"{path}：文件读不出来（{type(error).__name__}）") from None
    return tuple((number, cells) for number, cells in enumerate(rows, start=1) if any(cells))


def _excel(path: Path) -> list[tuple[str, ...]]:
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError):
        raise ComplianceError(f"{path}：不是 Excel 工作簿（.xlsx）") from None
    try:
        return _texts(book.worksheets[0].iter_rows(values_only=True))
    finally:
        book.close()


def _csv(path: Path) -> list[tuple[str, ...]]:
    if path.suffix.lower() == ".xls":
        raise ComplianceError(f"{path}：旧格式 .xls 读不了，请另存为 .xlsx 或 CSV")
    content = path.read_bytes()
    for encoding in _ENCODINGS:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return _texts(csv.reader(io.StringIO(text, newline="")))
    raise ComplianceError(f"{path}：既不是 UTF-8 也不是 GBK 编码的文本")


def _texts(rows: Iterable[Iterable[Any]]) -> list[tuple[str, ...]]:
    return [tuple(_text(cell) for cell in row) for row in rows]


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))  # Excel keeps every number as a float
    return str(cell).strip()
