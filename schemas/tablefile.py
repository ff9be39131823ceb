"""A CSV or Excel file that a person made -> its rows, nothing interpreted. Whatever such a file can be is told in one sentence.

CSV as Excel in China saves it (UTF-8 with or without BOM, or GBK), or the first sheet of an .xlsx. A damaged file, a quotation
mark without its partner and an archive that unpacks to more than the machine has are SpecErrors; a table is never cut short.
"""

from __future__ import annotations

import csv
import io
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from schemas.errors import SpecError, file_trouble

MOST_BYTES = 100 * 1024 * 1024  #: of the file; the national drug catalogue has some 30 MB
MOST_UNPACKED = 512 * 1024 * 1024  #: of all parts of a workbook
MOST_PARTS = 2000
_MOST_DEFLATED = 1032  # bytes that one byte can stand for (zlib's technical notes): who declares more is damaged, not large
MOST_CELLS = 10_000_000  #: empty ones included: a row of one cell at the far right is 16384 wide
_EXCEL = (".xlsx", ".xlsm")
_OLD_EXCEL = b"\xd0\xcf\x11\xe0"  # also what an encrypted .xlsx begins with
#: what Excel writes on a Chinese machine; with BOM first, or it would stay in the first cell
_ENCODINGS = ("utf-8-sig", "gb18030")
#: what stands in a cell whose formula came to nothing: a text like any other to whoever reads it
_ERRORS = frozenset({"#N/A", "#VALUE!", "#REF!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!"})

Row = tuple[int, Sequence[Any]]


def rows(path: Path) -> Iterator[Row]:
    """Every row with its number as the person sees it; cells are texts, of a workbook also numbers, dates and None.

    SpecError names the file, and the row where there is one; also while the rows are being read.
    """
    try:
        return parsed(path, content_of(path))
    except OSError as error:
        raise SpecError(f"文件读不出来：{file_trouble(error)}", file=path) from None


def parsed(path: Path, content: bytes) -> Iterator[Row]:
    """The same of a file that was read already; `path` tells what it is, and is named in errors."""
    if content.startswith(_OLD_EXCEL) or path.suffix.lower() == ".xls":
        raise SpecError("是旧格式 .xls 或加了密码的文件，读不了，请另存为不加密的 .xlsx 或 CSV", file=path)
    return _workbook(path, content) if path.suffix.lower() in _EXCEL else _csv(path, content)


def content_of(path: Path) -> bytes:
    """All of a file, unless it is too large: SpecError. OSError as it comes."""
    if path.stat().st_size > MOST_BYTES:
        raise SpecError(f"文件超过 {MOST_BYTES // 1024**2} MB，没有读", file=path)
    return path.read_bytes()


def _csv(path: Path, content: bytes) -> Iterator[Row]:
    text = _text(path, content)
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise SpecError("含有空字符（NUL），文件多半已损坏", file=path, line=line)
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    return enumerate(_lines(reader, path), start=1)


def _text(path: Path, content: bytes) -> str:
    for encoding in _ENCODINGS:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise SpecError("既不是 UTF-8 也不是 GBK 编码的文本", file=path)


def _lines(reader: Any, path: Path) -> Iterator[list[str]]:
    """Strict, or a mark left open would swallow the rest of the file into one cell."""
    while True:
        begins = reader.line_num + 1
        try:
            line = next(reader, None)
        except csv.Error:
            raise SpecError('引号不成对，或一格太长（格内的引号应写成两个 ""）', file=path, line=begins) from None
        if line is None:
            return
        yield line


def _workbook(path: Path, content: bytes) -> Iterator[Row]:
    try:
        import openpyxl  # only who has an .xlsx needs it
    except ImportError:
        raise SpecError("读 .xlsx 须安装 openpyxl；也可以另存为 CSV", file=path) from None
    _weigh(path, content)
    return enumerate(_cells(openpyxl, path, content), start=1)


def _weigh(path: Path, content: bytes) -> None:
    """zipfile never hands out more of a part than the size it declares, so the sum of those is what can be unpacked."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, ValueError, EOFError):
        raise _damaged(path) from None
    if any(part.file_size > part.compress_size * _MOST_DEFLATED for part in parts):
        raise _damaged(path)
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED:
        raise SpecError("工作簿解压后过大，没有读；请另存为 CSV", file=path)


def _cells(openpyxl: Any, path: Path, content: bytes) -> Iterator[tuple[Any, ...]]:
    seen = number = 0
    lines = _sheet(openpyxl, content)
    while True:
        try:
            line = next(lines, None)
        except Exception:  # at the edge: openpyxl raises whatever its parsers trip over
            raise _damaged(path) from None
        if line is None:
            return
        number += 1
        seen += len(line)
        if wrong := next((each for each in line if each in _ERRORS), None):
            told = f"有一格是 Excel 的错误值 {wrong}：请改好公式，或粘贴成值再保存"
            raise SpecError(told, file=path, line=number)
        if seen > MOST_CELLS:
            raise SpecError("工作表过大，请删去表以外的行列（带格式的空行也算）", file=path)
        yield line


def _sheet(openpyxl: Any, content: bytes) -> Iterator[tuple[Any, ...]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl tells of drop-down lists and styles it does not keep
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    try:
        yield from book.worksheets[0].iter_rows(values_only=True)
    finally:
        book.close()


def _damaged(path: Path) -> SpecError:
    return SpecError("不是 Excel 工作簿（.xlsx），或已损坏", file=path)
