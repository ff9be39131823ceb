"""Lines of a record in the file of the records, as a joined export writes them: a record stands there once for each line.

Or in a file of their own, each with the key of its record.
"""

from __future__ import annotations

import re

from adapters import children
from adapters.children import ChildRows
from adapters.conversion import is_blank, visible
from adapters.dropped.filetable import LocalRow
from adapters.dropped.filetext import BadFileError
from adapters.origins import SiteFacts

#: a number that orders lines; one of more digits is a text
_NUMBER = re.compile("[0-9]{1,18}")


class FileLines:
    """Gathers the lines of one field. `key` is the column that orders them; blank in a row, the record has none."""

    def __init__(self, spec: ChildRows, key: str, head: frozenset[str], facts: SiteFacts) -> None:
        """`head`: columns of the record itself, which must be the same in each of its rows."""
        self._key, self._head, self._own = key, sorted(head), spec.fields.columns
        self._place, self._wanted = children.place(spec.spec.name), spec.wanted(facts)

    @property
    def columns(self) -> frozenset[str]:
        """What is read of a row for its line."""
        return self._own | {self._key}

    def start(self, record: LocalRow) -> None:
        """A record whose lines stand elsewhere: it has none yet."""
        record[self._place] = []

    def put(self, record: LocalRow, row: LocalRow, number: int) -> None:
        """One of its lines. BadFileError if nobody can say where among them it stands."""
        if is_blank(row[self._key]):
            raise BadFileError(f"子表文件第 {number} 行数据的 {self._key} 为空，不能确定子行的次序")
        if line := self._line(row):
            record[self._place].append(line)

    def begin(self, row: LocalRow) -> None:
        """The first row of a record."""
        line = self._line(row)
        row[self._place] = [line] if line else []

    def add(self, first: LocalRow, row: LocalRow, number: int) -> None:
        """Another row of it. BadFileError if it is no line, or says something else of the record."""
        line = self._line(row)
        if differing := [name for name in self._head if first[name] != row[name]]:
            raise BadFileError(f"第 {number} 行数据与前面的一行是同一条记录，而 {'、'.join(differing)} 不同，不能确定哪一行算数")
        if is_blank(row[self._key]) or not (first[self._place] or not self._wanted):
            raise BadFileError(f"第 {number} 行数据与前面的一行是同一条记录，其中一行的 {self._key} 为空，认不出是哪一条子行")
        if line:
            first[self._place].append(line)

    def end(self, first: LocalRow) -> None:
        """After the last row of the file, of each record: its lines in their order."""
        first[self._place] = children.ordered(first[self._place])

    def _line(self, row: LocalRow) -> LocalRow | None:
        key = row[self._key]
        if is_blank(key) or not self._wanted:
            return None
        number = int(key) if isinstance(key, str) and _NUMBER.fullmatch(key := visible(key)) else key
        return {**{name: row[name] for name in self._own}, children.LINE_KEY: number}
