"""What the work list is made of."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from gateway.store import worklist
from gateway.store.desks.opened import Opened
from gateway.store.engine import reading, write
from gateway.worklist import Age, Complaint, Finding, LocalRow, TaskFilter, TaskNote


class WorkListDesk(Opened):
    """Each method is one transaction."""

    def findings(self, wanted: TaskFilter) -> Sequence[Finding]:
        """Rows that a person must mend; owner and deadline are not asked for here."""
        with reading(self._engine) as connection:
            return worklist.find(connection, wanted)

    def ages(self, wanted: TaskFilter, *, kinds: bool = True) -> Sequence[Age]:
        """How many of them there are, by institution, hour and, where asked, kind."""
        with reading(self._engine) as connection:
            return worklist.ages(connection, wanted, kinds=kinds)

    def findings_by_age(self, wanted: TaskFilter, until: datetime | None, start: int, size: int) -> Sequence[Finding]:
        """Some of them, those first that are wrong since longest; `until`: only those that were so before."""
        with reading(self._engine) as connection:
            return worklist.by_age(connection, wanted, until, start, size)

    def complaints(self, rows: Collection[LocalRow]) -> Mapping[LocalRow, Sequence[Complaint]]:
        """What is said of each of these rows now."""
        with reading(self._engine) as connection:
            return worklist.complaints(connection, self.keyring, rows)

    def note_history(self, row: LocalRow) -> Sequence[TaskNote]:
        """Who had a row and what was said of it, oldest first."""
        with reading(self._engine) as connection:
            return worklist.history(connection, row)

    def write_notes(self, entries: Mapping[LocalRow, TaskNote]) -> None:
        """Add an entry to the history of each row."""
        if entries:
            write(self._engine, lambda connection: worklist.write_notes(connection, entries))

    def departments(self) -> Sequence[str]:
        """Those that have something to mend."""
        with reading(self._engine) as connection:
            return worklist.departments(connection)
