"""What the later looks at a source ask: see `gateway.ports.SweepStore`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import Connection

from gateway.manifest import DayReading
from gateway.model import Absence, Heir, LedgerEntry
from gateway.store import heirs, readings, revisits, sweeps
from gateway.store.desks.opened import Opened
from gateway.store.engine import reading, write, write_over
from gateway.voiding import SPACING


class SweepDesk(Opened):
    """Each method is one transaction."""

    def missing(
        self, source: str, dataset: str, start: datetime, end: datetime, seen: Callable[[LedgerEntry], bool]
    ) -> Sequence[LedgerEntry]:
        """See SweepStore."""
        with reading(self._engine) as connection:
            return sweeps.missing(connection, source, dataset, start, end, seen)

    def count_live(self, source: str, dataset: str, start: datetime, end: datetime) -> int:
        """See SweepStore."""
        with reading(self._engine) as connection:
            return sweeps.count(connection, source, dataset, start, end)

    def note_missing(
        self, place: tuple[str, str], span: tuple[datetime, datetime], gone: Sequence[LedgerEntry], now: datetime
    ) -> None:
        """See SweepStore."""

        def work(connection: Connection) -> None:
            sweeps.note(connection, place, span, gone, now + self._skew(connection), SPACING)

        write_over(self._engine, work)

    def heirs(self, dataset: str, entries: Sequence[LedgerEntry]) -> Mapping[tuple[str, str], Sequence[Heir]]:
        """See SweepStore."""
        with reading(self._engine) as connection:
            return heirs.find(connection, dataset, entries) if entries else {}

    def hand_over(self, dataset: str, heirs_of: Mapping[LedgerEntry, Heir]) -> None:
        """See SweepStore."""
        if heirs_of:
            write(self._engine, lambda connection: heirs.hand_over(connection, dataset, heirs_of))

    def due_absences(self, source: str, dataset: str, looks: int, since: datetime) -> Sequence[Absence]:
        """See SweepStore."""
        with reading(self._engine) as connection:
            return sweeps.due(connection, source, dataset, looks, since + self._skew(connection))

    def sweep_done(self, source: str, dataset: str, tier: str) -> tuple[str, datetime] | None:
        """See SweepStore."""
        with reading(self._engine) as connection:
            return sweeps.finished(connection, source, dataset, tier)

    def finish_sweep(self, source: str, dataset: str, tier: str, now: datetime, done_to: str = "") -> None:
        """See SweepStore."""
        write_over(self._engine, lambda connection: sweeps.finish(connection, source, dataset, tier, done_to, now))

    def keep_reading(self, source: str, dataset: str, day: date, found: DayReading) -> None:
        """See SweepStore."""
        write_over(self._engine, lambda connection: readings.keep(connection, source, dataset, day, found))

    def reading_of(self, source: str, dataset: str, day: date) -> DayReading | None:
        """The rows that the cold tier saw of a day when it read it last; None: it did not."""
        with reading(self._engine) as connection:
            return readings.of(connection, source, dataset, day)

    def readings(self, source: str, dataset: str, digest: str) -> Mapping[date, datetime]:
        """Day -> when the cold tier read it last, by a profile of that digest."""
        with reading(self._engine) as connection:
            return readings.moments(connection, source, dataset, digest)

    def forget_readings(self, source: str, dataset: str, before: date) -> None:
        """See SweepStore."""
        write(self._engine, lambda connection: readings.forget(connection, source, dataset, before))

    def lags(self, source: str, dataset: str, since: date) -> Mapping[date, Mapping[int, int]]:
        """Day -> step of lookback -> rows that came so late."""
        with reading(self._engine) as connection:
            return sweeps.lags(connection, source, dataset, since)

    def revisitable(self, source: str, dataset: str, before: datetime, complete: datetime | None = None) -> Sequence[str]:
        """Some rows set aside whose reason may be over by itself, or that a complete look begun at that time did not see."""
        with reading(self._engine) as connection:
            return revisits.due(connection, source, dataset, before, complete)

    def unseen(self, source: str, dataset: str, complete: datetime) -> Sequence[str]:
        """Some rows set aside that a complete look begun at that time did not see."""
        with reading(self._engine) as connection:
            return revisits.unseen(connection, source, dataset, complete)

    def forget(self, source: str, dataset: str, refs: Collection[str]) -> None:
        """These rows, set aside, are not at the site any more."""
        if refs:
            write(self._engine, lambda connection: revisits.forget(connection, source, dataset, refs))
