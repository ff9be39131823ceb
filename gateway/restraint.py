"""The brake on rows that the site itself marks as void (DESIGN.md §4): one slip of an UPDATE must not empty the platform.

A site's people cancel things all day, so a mark is believed, unless one look finds more new marks than both guards allow.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from gateway.model import Brake, BrakeKind
from gateway.ports import IntakeStore
from gateway.voiding import Guards
from schemas.model import Violation
from schemas.wire import SHANGHAI

#: why a row that is marked void is not withdrawn yet; once a person let it go the store says `ALLOWED` instead
HELD, ALLOWED = "mass_void", "mass_void_allowed"
TOO_MANY = Violation("", HELD, "本地一次标了太多作废，已暂停作废，等人核实")
_EVER = (datetime(1900, 1, 1, tzinfo=SHANGHAI), datetime(2200, 1, 1, tzinfo=SHANGHAI))


@dataclass
class Restraint:
    """Of one look at one data set of a source."""

    store: IntakeStore
    source: str
    dataset: str
    guards: Guards = field(default_factory=Guards)
    _marked: set[str] = field(default_factory=set)  #: rows whose mark this look believed
    _allowed: set[str] = field(default_factory=set)  #: rows that a person let go

    def held(self, refs: Collection[str], now: datetime) -> Collection[str]:
        """Which of these rows must wait for a person; they are marked void, and the platform holds them as live."""
        if not refs:
            return ()
        self._allowed |= self.store.allowed_marks(self.source, self.dataset, refs)
        fresh = set(refs) - self._allowed
        return fresh if fresh and (self._waiting() or self._stops(fresh, now)) else ()

    def believed(self, refs: Collection[str]) -> None:
        """These rows were withdrawn."""
        self._marked.update(set(refs) - self._allowed)

    def _waiting(self) -> bool:
        here = (self.source, self.dataset, BrakeKind.MARKED)
        return any((each.source, each.dataset, each.kind) == here for each in self.store.brakes())

    def _stops(self, fresh: Collection[str], now: datetime) -> bool:
        count = len(self._marked | set(fresh))
        if count <= self.guards.rows:
            return False
        live = self.store.count_live(self.source, self.dataset, *_EVER) + len(self._marked)
        if not self.guards.stops_marked(count, live):
            return False
        sentence = f"本地一次标了 {count} 行作废（报送过的共 {live} 行），已暂停作废，等人核实"
        self.store.engage(Brake(self.source, self.dataset, BrakeKind.MARKED, sentence, now))
        return True
