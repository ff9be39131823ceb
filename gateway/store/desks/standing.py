"""What a person asks: where rows stand, why, and what to do once more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from gateway.breaker import Tripped
from gateway.quality import Quality
from gateway.standing import Awaited, Grievance, Queue, Route, Sieve, Standing
from gateway.store import breakers, parents, quality, requeueing, standing, whereabouts
from gateway.store.desks.opened import Opened
from gateway.store.engine import reading, write
from gateway.whereabouts import RowTrail, Sought


class StandingDesk(Opened):
    """Each method is one transaction."""

    def requeue(self, sieve: Sieve, now: datetime) -> int:
        """Send once more what a target rejected; returns how many rows."""
        datasets = self._edition.datasets
        return write(self._engine, lambda connection: requeueing.requeue(connection, datasets, sieve, now + self._skew(connection)))

    def resume(self, target: str) -> int:
        """Wait for nothing any longer; returns how many rows waited."""
        return write(self._engine, lambda connection: requeueing.resume(connection, target))

    def find(self, sought: Sought) -> Sequence[RowTrail]:
        """The rows that a number names, each with its whole way."""
        with reading(self._engine) as connection:
            return whereabouts.find(connection, sought)

    def awaited(self, target: str) -> Sequence[Awaited]:
        """What is held until a record above it is accepted."""
        with reading(self._engine) as connection:
            return parents.awaiting(connection, target)

    def tripped(self, target: str) -> Sequence[Tripped]:
        """Where sending is cut off for a while."""
        with reading(self._engine) as connection:
            return breakers.tripped(connection, target)

    def standings(self, routes: Sequence[Route]) -> list[Standing]:
        """Where every row ever read stands, per route."""
        with reading(self._engine) as connection:
            return standing.standings(connection, routes)

    def queue(self, target: str) -> Queue:
        """What waits for a target."""
        with reading(self._engine) as connection:
            return standing.queue(connection, target)

    def grievances(self) -> list[Grievance]:
        """Why rows are set aside or were sent back."""
        with reading(self._engine) as connection:
            return standing.grievances(connection)

    def quality(self, route: Route, start: datetime, end: datetime) -> Sequence[Quality]:
        """First-pass and final quality of each business date in [start, end)."""
        with reading(self._engine) as connection:
            return quality.quality(connection, route, start, end)
