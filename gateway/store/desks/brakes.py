"""What stops a reading until a person looked, and what it is known by."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from gateway.model import Brake, BrakeKind, Mark
from gateway.store import brakes, changes, marked
from gateway.store.desks.opened import Opened
from gateway.store.engine import reading, write, write_over
from gateway.store.timing import host


class BrakeDesk(Opened):
    """Each method is one transaction."""

    def brakes(self) -> Sequence[Brake]:
        """Everything that waits for a person."""
        with reading(self._engine) as connection:
            return brakes.engaged(connection)

    def withdrawn(self, source: str, dataset: str, now: datetime, within: timedelta) -> int:
        """See IntakeStore."""
        with reading(self._engine) as connection:
            return marked.withdrawn(connection, source, dataset, now, within)

    def allowed_marks(self, source: str, dataset: str, refs: Collection[str]) -> frozenset[str]:
        """See IntakeStore."""
        with reading(self._engine) as connection:
            return marked.allowed(connection, source, dataset, refs)

    def engage(self, brake: Brake) -> None:
        """Stop it until a person looks."""
        if write_over(self._engine, lambda connection: brakes.engage(connection, brake)):
            changes.engaged(brake)

    def lift(self, source: str, dataset: str, kind: BrakeKind) -> None:
        """What stopped it is over by itself."""
        if write(self._engine, lambda connection: brakes.lift(connection, source, dataset, kind)):
            changes.lifted(source, dataset, kind)

    def release_brakes(
        self, source: str, dataset: str, seen: Mapping[BrakeKind, str], now: datetime | None = None
    ) -> Sequence[BrakeKind]:
        """A person looked: it may go on. `seen`: only what still says the sentence that was looked at."""
        kinds = write(self._engine, lambda connection: brakes.release(connection, source, dataset, seen, now or host()))
        for kind in kinds:
            changes.lifted(source, dataset, kind)
        return kinds

    def mark(self, source: str, dataset: str) -> tuple[Mark, datetime] | None:
        """The source's last fingerprint and when it was taken."""
        with reading(self._engine) as connection:
            return brakes.mark(connection, source, dataset)

    def save_mark(self, source: str, dataset: str, mark: Mark, now: datetime) -> None:
        """Keep the fingerprint for the next comparison."""
        write_over(self._engine, lambda connection: brakes.save_mark(connection, source, dataset, mark, now))
