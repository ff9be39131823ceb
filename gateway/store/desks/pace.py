"""How often a target may be called, and what its clock says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from gateway.skew import PlatformClock
from gateway.store import clocks, pace
from gateway.store.desks.opened import Opened
from gateway.store.engine import reading, write


class PaceDesk(Opened):
    """Each method is one transaction."""

    def platform_clock(self, target: str) -> PlatformClock | None:
        """What the latest replies say of a target's clock; None before the first."""
        with reading(self._engine) as connection:
            return clocks.known(connection, target)

    def note_clock(self, target: str, heard: Sequence[timedelta], now: datetime) -> None:
        """By how much a target's clock was ahead in its latest replies."""
        if clocks.worth_noting(self.platform_clock(target), heard, now):
            write(self._engine, lambda connection: clocks.note(connection, target, heard, now))

    def calls_left(self, target: str, rate: int, now: datetime) -> bool:
        """Whether another call of a target is allowed in this minute."""
        with reading(self._engine) as connection:
            return pace.left(connection, target, rate, now + self._skew(connection))

    def take_call(self, target: str, rate: int, now: datetime) -> bool:
        """Count one; False: there is none left, and none was counted."""
        return write(self._engine, lambda connection: pace.take(connection, target, rate, now + self._skew(connection)))
