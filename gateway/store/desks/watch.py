"""What alarms, metrics and health ask."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from gateway.alarms import Alarm
from gateway.model import AsideState
from gateway.notices import Notice
from gateway.rhythm import Counts
from gateway.situation import Owed
from gateway.standing import Backlog
from gateway.store import alarms, rhythms, situations, standing
from gateway.store.desks.opened import Opened
from gateway.store.engine import reading, write, write_over


class WatchDesk(Opened):
    """Each method is one transaction."""

    def owed(self, targets: Collection[str], now: datetime, horizons: Collection[timedelta]) -> Sequence[Owed]:
        """Everything on its way to these targets, in groups of alike ones."""
        with reading(self._engine) as connection:
            return situations.owed(connection, targets, now, horizons)

    def oldest(self, target: str) -> datetime | None:
        """When what waits longest for a target was taken in."""
        with reading(self._engine) as connection:
            return situations.oldest(connection, target)

    def rejected(self, targets: Collection[str]) -> Mapping[tuple[str, str], int]:
        """(target, data set) -> rows whose newest version was sent back."""
        with reading(self._engine) as connection:
            return situations.rejected(connection, targets)

    def aside_counts(self) -> Mapping[tuple[str, str, AsideState], int]:
        """(source, data set, state) -> rows set aside."""
        with reading(self._engine) as connection:
            return situations.asides(connection)

    def backlogs(self, target: str) -> Mapping[str, Backlog]:
        """What waits for a target, by institution."""
        with reading(self._engine) as connection:
            return standing.backlogs(connection, target)

    def rhythm(self, now: datetime) -> Counts:
        """When rows came in the last weeks."""
        with reading(self._engine) as connection:
            return rhythms.counts(connection, now)

    def made(self) -> tuple[datetime, int]:
        """When the store was made, and the version of its tables."""
        with reading(self._engine) as connection:
            return situations.made(connection)

    def look(self, found: Sequence[Alarm], now: datetime) -> Sequence[Notice]:
        """Keep what a look found; returns every alarm that is kept."""
        write_over(self._engine, lambda connection: alarms.look(connection, found, now))
        return self.notices()

    def notices(self) -> Sequence[Notice]:
        """Every alarm that is kept, also those that are over."""
        with reading(self._engine) as connection:
            return alarms.kept(connection)

    def claim(self, notices: Sequence[Notice], now: datetime, until: datetime) -> Sequence[Notice]:
        """Those of them that nobody else is telling: ours until then."""
        return write(self._engine, lambda connection: alarms.claim(connection, notices, now, until))

    def told(self, notices: Sequence[Notice], now: datetime) -> None:
        """A message named them."""
        write(self._engine, lambda connection: alarms.told(connection, notices, now))

    def untold(self, notices: Sequence[Notice], until: datetime) -> None:
        """No channel took the message: not before then."""
        write(self._engine, lambda connection: alarms.untold(connection, notices, until))

    def know(self, kind: str, place: str | None, now: datetime) -> int:
        """A person knows of it: not told again while it lasts; returns how many."""
        return write(self._engine, lambda connection: alarms.know(connection, kind, place, now))

    def note_channel(self, name: str, cause: str, now: datetime) -> timedelta:
        """How a message fared on a channel; returns how long to wait before the next try."""
        return write_over(self._engine, lambda connection: alarms.note_channel(connection, name, cause, now))

    def failing_channels(self) -> Mapping[str, tuple[int, datetime, str]]:
        """Channel -> failures in a row, the last try, its cause."""
        with reading(self._engine) as connection:
            return alarms.failing(connection)
