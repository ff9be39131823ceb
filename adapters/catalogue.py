"""The site's own catalogue: what its software does not hold about an item, e.g. the 医保码 of a bar code.

One CSV (UTF-8 or GBK, as Excel in China saves it) or one .xlsx sheet, first row the column names.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from adapters.conversion import UnreadableError, is_blank, to_text
from gateway.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Rows of the catalogue by their key."""

    name: str
    key: str  #: the column that finds a row
    columns: frozenset[str]
    rows: Mapping[str, Mapping[str, str]]

    def find(self, key: str) -> Mapping[str, str] | None:
        """The row of that key, or None."""
        return self.rows.get(key)


def read(path: Path, key: str) -> Catalogue:
    """Read the catalogue at `path`, found by column `key`. ConfigError names the file, and the row at fault."""
    if not path.is_file():
        raise ConfigError("目录对照表不存在", file=path)
    table = _workbook(path) if path.suffix.lower() == ".xlsx" else _csv(path)
    header = [_cell(value, path, 1) for value in table[0]] if table else []
    _check_header(header, key, path)
    return Catalogue(path.name, key, frozenset(header), _rows(header, table[1:], key, path))


def _check_header(header: list[str], key: str, path: Path) -> None:
    if key not in header:
        raise ConfigError(f"目录对照表的第一行没有列 {key}", file=path)
    doubled = sorted({name for name in header if name and header.count(name) > 1})
    if doubled:
        raise ConfigError(f"目录对照表的列名重复：{'、'.join(doubled)}", file=path)


def _rows(header: list[str], lines: Iterable[Sequence[Any]], key: str, path: Path) -> dict[str, Mapping[str, str]]:
    rows: dict[str, Mapping[str, str]] = {}
    first: dict[str, int] = {}
    for number, line in enumerate(lines, start=2):
        if all(is_blank(value) for value in line):
            continue
        if len(line) > len(header):
            raise ConfigError(f"目录对照表第 {number} 行的列数多于表头", file=path)
        row = {name: _cell(value, path, number) for name, value in zip(header, line, strict=False) if name}
        value = row.get(key, "")
        if not value:
            raise ConfigError(f"目录对照表第 {number} 行的 {key} 为空", file=path)
        if value in rows:
            raise ConfigError(f"目录对照表第 {number} 行与第 {first[value]} 行的 {key} 重复", file=path)
        rows[value], first[value] = row, number
    return rows


def _cell(value: Any, path: Path, number: int) -> str:
    """A cell's text. Excel keeps 1002 as a number; a date becomes yyyy-MM-dd."""
    if is_blank(value):
        return ""
    if hasattr(value, "isoformat"):
        return str(value.isoformat())[:10]
    try:
        return to_text(value)
    except UnreadableError as error:
        raise ConfigError(f"目录对照表第 {number} 行有一格{error}", file=path) from None


def _csv(path: Path) -> list[list[str]]:
    data = path.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return list(csv.reader(io.StringIO(text, newline="")))
    raise ConfigError("目录对照表既不是 UTF-8 也不是 GBK 文本", file=path)


def _workbook(path: Path) -> list[list[Any]]:
    try:
        import openpyxl  # only a site whose catalogue is an .xlsx needs it
        from openpyxl.utils.exceptions import InvalidFileException
    except ImportError:
        raise ConfigError("读 .xlsx 目录须安装 openpyxl；也可以另存为 CSV", file=path) from None
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (InvalidFileException, BadZipFile, KeyError, ValueError, OSError) as error:
        raise ConfigError(f"目录对照表不是可读的 .xlsx：{type(error).__name__}", file=path) from None
    try:
        return [list(line) for line in book.worksheets[0].iter_rows(values_only=True)]
    finally:
        book.close()
