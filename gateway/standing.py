"""Where every row ever read stands now; the accounting identity of DATASETS §7 as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.model import AsideState
from gateway.outbox import State


@dataclass(frozen=True, slots=True)
class Route:
    """A data set of a source on its way to a target, as configured."""

    source: str
    dataset: str
    target: str


@dataclass(frozen=True, slots=True)
class Standing:
    """One route's account."""

    route: Route
    read: int  #: distinct source rows ever read
    asides: Mapping[AsideState, int]  #: rows set aside of which the platform holds nothing
    states: Mapping[State, int]  #: rows in the ledger, by the state of their newest version
    outdated: int  #: rows in the ledger whose source has turned bad since: 平台仍为旧值
    voided: int = 0  #: of `states[ACCEPTED]`, those the platform holds as withdrawn

    @property
    def accounted(self) -> int:
        """Rows whose whereabouts are known."""
        return sum(self.asides.values()) + sum(self.states.values())

    @property
    def balanced(self) -> bool:
        """read = excluded + not_ready + quarantined + queued + … + accepted + rejected + superseded."""
        return self.read == self.accounted

    @property
    def unsettled(self) -> int:
        """Rows still on their way."""
        settled = (State.ACCEPTED, State.REJECTED, State.SUPERSEDED, State.CANCELLED)
        return sum(count for state, count in self.states.items() if state not in settled)


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits for one target, and why."""

    target: str
    waiting: int
    oldest_due: datetime | None
    causes: Mapping[str, int]  #: sentence -> rows it holds up


@dataclass(frozen=True, slots=True)
class Grievance:
    """A reason why rows are set aside or were sent back, with an example."""

    dataset: str
    reason: str
    rows: int
    example: str  #: a row's own key at the site


@dataclass(frozen=True, slots=True)
class Sieve:
    """Which deliveries a person means; "" matches everything."""

    target: str
    institution: str = ""
    dataset: str = ""
    key: str = ""
    reason: str = ""  #: words that the platform's reasons contain


@dataclass(frozen=True, slots=True)
class Awaited:
    """Records held until the one above them is accepted."""

    dataset: str  #: of the records above
    rows: int
    since: datetime  #: of the one that waits longest
