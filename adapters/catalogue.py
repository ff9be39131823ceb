"""The site's own catalogue: what its software does not hold about an item, e.g. the 医保码 of a bar code.

One CSV (UTF-8 or GBK, as Excel in China saves it) or one .xlsx sheet, first row the column names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.conversion import UnreadableError, is_blank, to_text
from gateway.errors import ConfigError
from schemas import tablefile
from schemas.errors import SpecError
from schemas.tablefile import Row


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
    try:
        table = tablefile.rows(path)
        _, first = next(table, (1, ()))
        header = [_cell(value, path, 1) for value in first]
        _check_header(header, key, path)
        return Catalogue(path.name, key, frozenset(header), _rows(header, table, key, path))
    except SpecError as error:
        raise ConfigError(f"目录对照表 {error}") from None


def _check_header(header: list[str], key: str, path: Path) -> None:
    if key not in header:
        raise ConfigError(f"目录对照表的第一行没有列 {key}", file=path)
    doubled = sorted({name for name in header if name and header.count(name) > 1})
    if doubled:
        raise ConfigError(f"目录对照表的列名重复：{'、'.join(doubled)}", file=path)


def _rows(header: list[str], lines: Iterator[Row], key: str, path: Path) -> dict[str, Mapping[str, str]]:
    rows: dict[str, Mapping[str, str]] = {}
    first: dict[str, int] = {}
    for number, line in lines:
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
