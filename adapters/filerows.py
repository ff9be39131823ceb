"""The lines of a dropped file -> its rows by their own keys, each once, with what the manifest says of them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from adapters.conversion import UnreadableError, is_blank, to_key
from adapters.filelines import FileLines
from adapters.filetable import LocalRow
from adapters.filetext import BadFileError
from adapters.mapping import CURSOR_KEY, CURSOR_TIME, ENTERED_AT, INSTITUTION, ROW_REF, RowMapping
from adapters.origins import SiteFacts

if TYPE_CHECKING:
    from adapters.filesplan import FileEntry

#: the parts of a row's own key
BETWEEN = "|"


class FileRows:
    """Makes the rows of one data set."""

    def __init__(self, entry: FileEntry, mapping: RowMapping, facts: SiteFacts) -> None:
        self._entry, self._mapping, self._facts = entry, mapping, facts

    def keyed(self, rows: Iterable[LocalRow]) -> dict[str, LocalRow]:
        """By the row's own key, which only the lines of a record may share. BadFileError also for a column that is not there."""
        found: dict[str, LocalRow] = {}
        lines = self._lines()
        needed = self._entry.columns | self._mapping.columns | (lines.columns if lines else frozenset())
        for number, row in enumerate(rows, start=1):
            if number == 1 and (missing := sorted(needed - row.keys())):
                raise BadFileError(f"缺少列 {'、'.join(missing)}（适配包的 manifest.yaml 或 {self._mapping.file} 要用）")
            ref = self._ref(row, number)
            if ref not in found:
                found[ref] = self._dressed(row, ref)
                if lines:
                    lines.begin(row)
            elif lines:
                lines.add(found[ref], row, number)
            else:
                raise BadFileError(f"第 {number} 行数据的 {'、'.join(self._entry.row_ref)} 与前面的一行相同，不能确定哪一行算数")
        if lines:
            for row in found.values():
                lines.end(row)
        return found

    def _lines(self) -> FileLines | None:
        head = self._entry.columns | self._mapping.columns
        return next(
            (FileLines(self._mapping.children[name], key, head, self._facts) for name, key in self._entry.children.items()), None
        )

    def _ref(self, row: LocalRow, number: int) -> str:
        parts = [row[name] for name in self._entry.row_ref]
        if any(map(is_blank, parts)):
            raise BadFileError(f"第 {number} 行数据的 {'、'.join(self._entry.row_ref)} 为空，认不出是哪一行")
        try:
            return BETWEEN.join(map(to_key, parts))
        except UnreadableError as error:
            raise BadFileError(f"第 {number} 行数据的 {'、'.join(self._entry.row_ref)} {error}") from None

    def _dressed(self, row: LocalRow, ref: str) -> LocalRow:
        row[ROW_REF] = row[CURSOR_KEY] = ref
        for column, name in ((self._entry.changed_at, CURSOR_TIME), (self._entry.entered_at, ENTERED_AT)):
            if column:
                row[name] = self._moment(row[column])
        if self._entry.institution:
            row[INSTITUTION] = row[self._entry.institution]
        return row

    def _moment(self, value: Any) -> Any:
        """As a moment where the manifest says how it is written; what cannot be read stays, and the mapping says so."""
        if self._entry.times is None or is_blank(value):
            return None if is_blank(value) else value
        try:
            return self._entry.times.apply(value, {})
        except UnreadableError:
            return value
