"""The lines of a dropped file -> its rows by their own keys, each once, with what the manifest says of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from adapters.conversion import UnreadableError, is_blank
from adapters.dropped import filejoin
from adapters.dropped.filejoin import PREFIX, Partner, Role
from adapters.dropped.filelines import FileLines
from adapters.dropped.filetable import LocalRow
from adapters.dropped.filetext import BadFileError
from adapters.mapping import CURSOR_KEY, CURSOR_TIME, ENTERED_AT, HEADLESS, INSTITUTION, ROW_REF, RowMapping
from adapters.origins import SiteFacts

if TYPE_CHECKING:
    from adapters.dropped.filesplan import FileEntry


class FileRows:
    """Makes the rows of one data set."""

    def __init__(self, entry: FileEntry, mapping: RowMapping, facts: SiteFacts) -> None:
        self._entry, self._mapping, self._facts = entry, mapping, facts

    def keyed(self, rows: Sequence[LocalRow], further: Sequence[LocalRow] = ()) -> dict[str, LocalRow]:
        """By the row's own key, which only the lines of a record may share; `further` is the other file's.

        BadFileError also for a column that is not there.
        """
        partner, lines = self._entry.partner, self._lines()
        if partner is not None and partner.role is Role.HEADS:
            filejoin.need(rows, self._own() | set(partner.by), self._wanted_by())
            beside = sorted(name for name in self._needed() if name.startswith(PREFIX))
            return self._single(filejoin.headed(rows, further, partner, beside), lines)
        if partner is None or lines is None:
            return self._single(rows, lines)
        found = self._single(rows, None)
        self._gather(found, further, partner, lines)
        return found

    def _needed(self) -> frozenset[str]:
        return self._entry.columns | self._mapping.columns

    def _own(self) -> frozenset[str]:
        return frozenset(name for name in self._needed() if not name.startswith(PREFIX))

    def _wanted_by(self) -> str:
        return f"适配包的 manifest.yaml 或 {self._mapping.file} 要用"

    def _single(self, rows: Iterable[LocalRow], lines: FileLines | None) -> dict[str, LocalRow]:
        found: dict[str, LocalRow] = {}
        needed = self._needed() | (lines.columns if lines else frozenset())
        for number, row in enumerate(rows, start=1):
            if number == 1:
                filejoin.need([row], needed, self._wanted_by())
            ref = filejoin.key_of(row, self._entry.row_ref, number)
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

    def _gather(self, found: dict[str, LocalRow], further: Sequence[LocalRow], partner: Partner, lines: FileLines) -> None:
        """Put each line of the other file under its record; of a record that is not there a row is made that says so."""
        filejoin.need(further, lines.columns | set(partner.key), f"子表文件；{self._wanted_by()}")
        heads, missed = len(found), 0
        for row in found.values():
            lines.start(row)
        for number, line in enumerate(further, start=1):
            ref = filejoin.key_of(line, partner.key, number)
            if ref not in found:
                found[ref] = self._dressed(filejoin.orphan(self._needed(), partner.by, line, partner.key), ref)
                lines.start(found[ref])
            missed += HEADLESS in found[ref]
            lines.put(found[ref], line, number)
        filejoin.check_matched(missed, len(further), heads)
        for row in found.values():
            lines.end(row)

    def _lines(self) -> FileLines | None:
        return next(
            (
                FileLines(self._mapping.children[name], key, self._needed(), self._facts)
                for name, key in self._entry.children.items()
            ),
            None,
        )

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
