"""How the gateway is at one moment, as values: what alarms, metrics and health are all made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.breaker import Tripped
from gateway.disk import Forecast
from gateway.hindrance import Interruption
from gateway.lateness import Party
from gateway.model import AsideState, Brake
from gateway.outbox import State
from gateway.rhythm import Silence

#: how far ahead deadlines are counted, beside what the site has configured
HORIZONS = (timedelta(hours=1), timedelta(hours=4), timedelta(hours=24))


@dataclass(frozen=True, slots=True)
class Owed:
    """Rows on their way to a target that are alike, and how many of them are due when."""

    target: str
    institution: str
    dataset: str
    state: State
    hold: str
    rows: int
    overdue: int
    due: Mapping[timedelta, int]  #: within so long from now, the overdue ones left out


@dataclass(frozen=True, slots=True)
class Shares:
    """What of one data set is due soon or overdue at a target, and in whose hands it is."""

    dataset: str
    party: Party
    soon: int
    overdue: int


@dataclass(frozen=True, slots=True)
class Arrears:
    """What one target has not got."""

    target: str
    states: Mapping[State, int]
    oldest: datetime | None  #: when what waits longest was queued
    history: Sequence[int]  #: rows that waited at each look, the latest last
    due: Mapping[timedelta, int]
    overdue: int
    rejected: Mapping[str, int]  #: data set -> rows
    parts: Sequence[Shares] = ()

    @property
    def waiting(self) -> int:
        """Rows on their way."""
        return sum(self.states.values())

    @property
    def datasets(self) -> list[str]:
        """Of which anything is due soon or overdue."""
        return sorted({each.dataset for each in self.parts})

    def shares(self, dataset: str, *, overdue: bool) -> Mapping[Party, int]:
        """In whose hands they are."""
        found: Counter[Party] = Counter()
        for each in self.parts:
            if each.dataset == dataset:
                found[each.party] += each.overdue if overdue else each.soon
        return found


@dataclass(frozen=True, slots=True)
class Situation:
    """One moment of a gateway."""

    now: datetime
    arrears: Sequence[Arrears]
    asides: Mapping[tuple[str, str, AsideState], int]  #: (source, data set, state) -> rows
    tripped: Sequence[Tripped]
    brakes: Sequence[Brake]
    unreadable: Sequence[Interruption]
    silences: Sequence[Silence]
    disk: Forecast
    disk_sentence: str
    skews: Mapping[str, timedelta] = field(default_factory=dict)  #: target -> its clock is ahead of ours
    clocks: Mapping[str, str] = field(default_factory=dict)  #: target -> a sentence, where it is off
    doubt: str = ""  #: why nothing is cleared by this machine's clock, once it has been put off for an hour
    calendar: Sequence[str] = ()  #: years whose rest days are not known
    corrections: tuple[int, int] = (0, 0)  #: tasks whose time to be mended ends soon, and those of them whose time is over
    failing: Mapping[str, str] = field(default_factory=dict)  #: channel of alarms -> why it takes none
    backed_up_at: datetime | None = None
    made_at: datetime | None = None  #: the store; None where this program cannot back it up
