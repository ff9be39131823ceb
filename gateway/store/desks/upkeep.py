"""What keeping the store in order asks."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from gateway.disk import Usage
from gateway.store import backup, retention, usage
from gateway.store.backup import Copy
from gateway.store.desks.opened import Opened
from gateway.store.engine import place_of, reading


class UpkeepDesk(Opened):
    """Each method is one transaction."""

    def shred(self, keep: timedelta, now: datetime) -> int:
        """Empty the bodies that every target took longer ago than `keep`; returns how many."""
        return retention.shred(self._engine, keep, now)

    def back_up(self, to: Path) -> Copy:
        """Copy the store to a new file while others use it; the copy is verified."""
        return backup.back_up(backup.file_of(self._engine), to, self.keyring)

    @property
    def in_box(self) -> bool:
        """Whether it is a file, which this program can back up."""
        return place_of(self._engine) is not None

    def usage(self, now: datetime) -> Usage:
        """How much room the store takes."""
        with reading(self._engine) as connection:
            return usage.usage(connection, now)
