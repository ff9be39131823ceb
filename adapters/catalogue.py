"""The site's own catalogue: what its software does not hold about an item, e.g. the 医保码 of a bar code.

One CSV (UTF-8 or GBK, as Excel in China saves it) or one .xlsx sheet, first row the column names. With two columns of dates a key
may have several rows, each for its own time: what is sent late is sent by what was in force then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import zip_longest
from pathlib import Path
from typing import Any

from adapters.conversion import UnreadableError, is_blank, to_text
from gateway.errors import ConfigError
from schemas import tablefile
from schemas.errors import SpecError
from schemas.tablefile import Row


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of a catalogue with dates, and when it is in force: from the first day to the last one, both in it."""

    row: Mapping[str, str]
    first: date
    last: date

    def covers(self, day: date) -> bool:
        """Whether it is in force on that day."""
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Rows of the catalogue by their key."""

    name: str
    key: str  #: the column that finds a row
    columns: frozenset[str]
    rows: Mapping[str, Mapping[str, str]]  #: of one without dates
    entries: Mapping[str, Sequence[Entry]] = field(default_factory=dict)  #: of one with dates

    @property
    def dated(self) -> bool:
        """Whether a day is needed to find a row."""
        return bool(self.entries)

    def find(self, key: str, day: date | None = None) -> Mapping[str, str] | None:
        """The row of that key, with dates the one in force on `day`; or None."""
        if day is None:
            return self.rows.get(key)
        return next((each.row for each in self.entries.get(key, ()) if each.covers(day)), None)

    def knows(self, key: str) -> bool:
        """Whether the key stands in it, for whatever time."""
        return key in self.rows or key in self.entries


def read(path: Path, key: str, dates: tuple[str, str] = ("", "")) -> Catalogue:
    """Read the catalogue at `path`, found by column `key`; `dates` are the columns of first and last day, used if it has them.

    ConfigError names the file, and the row at fault.
    """
    if not path.is_file():
        raise ConfigError("目录对照表不存在", file=path)
    try:
        table = tablefile.rows(path)
        _, first = next(table, (1, ()))
        header = [_cell(value, path, 1) for value in first]
        _check_header(header, key, path)
        lines = list(_lines(header, table, key, path))
        if _has(dates, header, path):
            return Catalogue(path.name, key, frozenset(header), {}, _entries(lines, key, dates, path))
        return Catalogue(path.name, key, frozenset(header), _rows(lines, key, path))
    except SpecError as error:
        raise ConfigError(f"目录对照表 {error}") from None


def _check_header(header: list[str], key: str, path: Path) -> None:
    if key not in header:
        raise ConfigError(f"目录对照表的第一行没有列 {key}", file=path)
    doubled = sorted({name for name in header if name and header.count(name) > 1})
    if doubled:
        raise ConfigError(f"目录对照表的列名重复：{'、'.join(doubled)}", file=path)


def _has(dates: tuple[str, str], header: list[str], path: Path) -> bool:
    """Whether it has the two columns of dates. One of them alone is a slip: its rows would count as if they had no dates."""
    found = [name for name in dates if name and name in header]
    if len(found) == 1:
        other = next(name for name in dates if name != found[0])
        raise ConfigError(f"目录对照表有列 {found[0]}，没有列 {other}：两列日期要么都有，要么都没有", file=path)
    return bool(found)


def _lines(header: list[str], lines: Iterator[Row], key: str, path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    for number, line in lines:
        if all(is_blank(value) for value in line):
            continue
        if len(line) > len(header):
            raise ConfigError(f"目录对照表第 {number} 行的列数多于表头", file=path)
        row = {name: _cell(value, path, number) for name, value in zip_longest(header, line) if name}
        if not row.get(key, ""):
            raise ConfigError(f"目录对照表第 {number} 行的 {key} 为空", file=path)
        yield number, row


def _rows(lines: Sequence[tuple[int, dict[str, str]]], key: str, path: Path) -> dict[str, Mapping[str, str]]:
    rows: dict[str, Mapping[str, str]] = {}
    first: dict[str, int] = {}
    for number, row in lines:
        value = row[key]
        if value in rows:
            raise ConfigError(f"目录对照表第 {number} 行与第 {first[value]} 行的 {key} 重复", file=path)
        rows[value], first[value] = row, number
    return rows


def _entries(
    lines: Sequence[tuple[int, dict[str, str]]], key: str, dates: tuple[str, str], path: Path
) -> Mapping[str, Sequence[Entry]]:
    """Two rows of a key must not be in force on the same day: nobody could say which of them is meant."""
    found: dict[str, list[tuple[int, Entry]]] = defaultdict(list)
    for number, row in lines:
        first = _day(row, dates[0], date.min, path, number)
        entry = Entry(row, first, _day(row, dates[1], date.max, path, number))
        if entry.last < first:
            raise ConfigError(f"目录对照表第 {number} 行的 {dates[1]} 早于 {dates[0]}", file=path)
        for other, known in found[row[key]]:
            if known.first <= entry.last and first <= known.last:
                raise ConfigError(f"目录对照表第 {number} 行与第 {other} 行的 {key} 相同，生效的日期又有重叠", file=path)
        found[row[key]].append((number, entry))
    return {value: [entry for _, entry in entries] for value, entries in found.items()}


def _day(row: Mapping[str, str], column: str, default: date, path: Path, number: int) -> date:
    """A blank is without limit."""
    text = row.get(column, "")
    try:
        return date.fromisoformat(text.replace("/", "-")) if text else default
    except ValueError:
        raise ConfigError(f"目录对照表第 {number} 行的 {column} 应为日期 yyyy-MM-dd", file=path) from None


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
