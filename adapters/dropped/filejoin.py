"""Head file and line file, read whole both, become one table: lines under their records, or each line with its head beside it.

A line whose head is not there is not left out: it becomes a row that says so, and that row is set aside (issue: nothing is lost).
Where no line at all finds its head, the two files are no pair.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from adapters.conversion import UnreadableError, is_blank, to_key
from adapters.dropped.filetable import Layout, LocalRow
from adapters.dropped.filetext import BadFileError
from adapters.mapping import HEADLESS

#: the key of a manifest, and what stands before the columns of a head
HEAD, PREFIX = "head", "主表."
BETWEEN = "|"


class Role(StrEnum):
    """What the second file holds."""

    LINES = "lines"  #: of the records in the first
    HEADS = "heads"  #: of the lines in the first


@dataclass(frozen=True, slots=True)
class Partner:
    """The second file of a data set."""

    pattern: str
    layout: Layout
    role: Role
    key: tuple[str, ...]  #: its columns by which a row of the first is found
    by: tuple[str, ...]  #: these columns there
    main_last: bool  #: whether the first file is written after it
    wait_minutes: int

    def decides(self) -> tuple[object, ...]:
        """What of it decides what a row becomes."""
        return repr(self.layout), self.role, self.key, self.by


def key_of(row: LocalRow, columns: Sequence[str], number: int) -> str:
    """The row's key of these columns. BadFileError if there is none."""
    parts = [row[name] for name in columns]
    if any(map(is_blank, parts)):
        raise BadFileError(f"第 {number} 行数据的 {'、'.join(columns)} 为空，认不出是哪一行")
    try:
        return BETWEEN.join(map(to_key, parts))
    except UnreadableError as error:
        raise BadFileError(f"第 {number} 行数据的 {'、'.join(columns)} {error}") from None


def need(rows: Sequence[LocalRow], columns: Iterable[str], told: str) -> None:
    """BadFileError where the table has not all of these columns; of a table without rows nothing is known."""
    if rows and (missing := sorted(set(columns) - rows[0].keys())):
        raise BadFileError(f"缺少列 {'、'.join(missing)}（{told}）")


def headed(lines: Sequence[LocalRow], heads: Sequence[LocalRow], partner: Partner, wanted: Iterable[str]) -> Iterator[LocalRow]:
    """Each line with the `wanted` columns of its head beside its own."""
    names = {name: name.removeprefix(PREFIX) for name in wanted}
    need(heads, (*partner.key, *names.values()), "主表文件；适配包的 manifest.yaml 或映射要用")
    found = _by_key(heads, partner)
    missed = 0
    for number, line in enumerate(lines, start=1):
        head = found.get(key_of(line, partner.by, number))
        missed += head is None
        line |= {name: None if head is None else head[column] for name, column in names.items()}
        if head is None:
            line[HEADLESS] = _headless(partner.by)
    check_matched(missed, len(lines), len(heads))
    yield from lines


def bare(lines: Sequence[LocalRow], heads: Sequence[LocalRow], partner: Partner) -> int:
    """How many heads have not one line: nothing is made of them, and that may be because lines were left out of the export."""
    return len(_by_key(heads, partner).keys() - {key_of(line, partner.by, number) for number, line in enumerate(lines, start=1)})


def check_matched(missed: int, lines: int, heads: int) -> None:
    """BadFileError where lines and heads have nothing to do with each other."""
    if heads and lines and missed == lines:
        told = "子表没有一行在主表文件里找得到：两份多半不是同一次导出的，或单号的写法不同，请厂商重新导出这一对"
        raise BadFileError(told)


def orphan(columns: Iterable[str], by: Sequence[str], line: LocalRow, key: Sequence[str]) -> LocalRow:
    """The row of a record that is not there, so that its lines are not lost without a word."""
    row: LocalRow = dict.fromkeys(columns)
    row |= {name: line[column] for name, column in zip(by, key, strict=True)}
    row[HEADLESS] = _headless(key)
    return row


def _headless(columns: Iterable[str]) -> str:
    return f"主表文件里没有这一行的主表行（按 {'、'.join(columns)} 找）"


def _by_key(heads: Sequence[LocalRow], partner: Partner) -> Mapping[str, LocalRow]:
    found: dict[str, LocalRow] = {}
    for number, row in enumerate(heads, start=1):
        key = key_of(row, partner.key, number)
        if key in found:
            raise BadFileError(f"主表文件第 {number} 行数据的 {'、'.join(partner.key)} 与前面的一行相同，不能确定哪一行算数")
        found[key] = row
    return found
