"""What lateness and declarations are told by."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from gateway.hindrance import Hindrance, Interruption, Place
from gateway.lateness import Track
from gateway.standing import Crowd, Progress, Waiting
from gateway.store import asides, changes, interruptions, situations, standing, tracks
from gateway.store.desks.opened import Opened
from gateway.store.engine import reading, write


class LatenessDesk(Opened):
    """Each method is one transaction."""

    def interrupted(self, place: Place, kind: Hindrance, cause: str, now: datetime) -> None:
        """Something could not be had."""
        if write(self._engine, lambda connection: interruptions.note(connection, place, kind, cause, now)):
            changes.interrupted(place, kind, cause)

    def restored(self, place: Place, now: datetime) -> None:
        """It can be had; nothing is written where nothing was interrupted."""
        with reading(self._engine) as connection:
            if not interruptions.lasting(connection, place):
                return
        write(self._engine, lambda connection: interruptions.over(connection, place, now))
        changes.restored(place)

    def interruptions(self, start: datetime, end: datetime) -> Sequence[Interruption]:
        """Those that touch [start, end), in the order they began."""
        with reading(self._engine) as connection:
            return interruptions.between(connection, start, end)

    def add_interruption(self, found: Interruption) -> None:
        """One that was noticed when it was over."""
        write(self._engine, lambda connection: interruptions.add(connection, found))

    def beat(self, name: str, now: datetime) -> datetime | None:
        """A sign of life; returns the one before."""
        return write(self._engine, lambda connection: interruptions.beat(connection, name, now))

    def beaten(self, name: str) -> datetime | None:
        """The last sign of life under that name."""
        with reading(self._engine) as connection:
            return situations.beaten(connection, name)

    def tracks(self, target: str, after: datetime, until: datetime, dataset: str = "") -> Iterator[Track]:
        """Every record due in (after, until] at a target, with its history; in bounded memory. `dataset`: only of this one."""
        return tracks.tracks(self._engine, target, after, until, dataset)

    def waiting(self, source: str, dataset: str, span: tuple[datetime, datetime]) -> Sequence[Waiting]:
        """Rows set aside that were never sent, of a span of business time."""
        with reading(self._engine) as connection:
            return list(asides.waiting(connection, source, dataset, span))

    def crowds(self, source: str, dataset: str, span: tuple[datetime, datetime]) -> Sequence[Crowd]:
        """How many they are, by institution and minute of business time."""
        with reading(self._engine) as connection:
            return asides.crowds(connection, source, dataset, span)

    def deliveries(self, dataset: str, keys: Collection[str] | None = None) -> Sequence[Progress]:
        """How far every record of a data set of few rows has come, or those of some keys."""
        with reading(self._engine) as connection:
            return standing.deliveries(connection, dataset, keys)
