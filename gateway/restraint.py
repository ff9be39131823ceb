"""The brake on rows that the site itself marks as void (DESIGN.md §4): one slip of an UPDATE must not empty the platform.

A site's people cancel things all day, so a mark is believed, unless too many come in one look or within a few minutes.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.model import Brake, BrakeKind
from gateway.ports import IntakeStore
from gateway.voiding import Guards
from schemas.model import Violation

#: why a row that is marked void is not withdrawn yet; once a person let it go the store says `ALLOWED` instead
HELD, ALLOWED = "mass_void", "mass_void_allowed"
TOO_MANY = Violation("", HELD, "本地一次标了太多作废，已暂停作废，等人核实")
#: looks, and pushes of single rows, so close together count as one
WINDOW = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Restraint:
    """Of one data set of a source."""

    store: IntakeStore
    source: str
    dataset: str
    guards: Guards = field(default_factory=Guards)

    def held(self, refs: Collection[str], now: datetime) -> Collection[str]:
        """Which of these rows must wait for a person; they are marked void, and the platform holds them as live."""
        if not refs:
            return ()
        fresh = set(refs) - self.store.allowed_marks(self.source, self.dataset, refs)
        return fresh if fresh and (self._waiting() or self._stops(len(fresh), now)) else ()

    def _waiting(self) -> bool:
        here = (self.source, self.dataset, BrakeKind.MARKED)
        return any((each.source, each.dataset, each.kind) == here for each in self.store.brakes())

    def _stops(self, fresh: int, now: datetime) -> bool:
        count = fresh + self.store.withdrawn(self.source, self.dataset, now, WINDOW)
        if count <= self.guards.rows:
            return False
        sentence = f"本地短时间内标了 {count} 行作废，已暂停作废，等人核实"
        self.store.engage(Brake(self.source, self.dataset, BrakeKind.MARKED, sentence, now))
        return True
