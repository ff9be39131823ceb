"""Where every row ever read stands now; the accounting identity of DATASETS §7 as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gateway.model import AsideState
from gateway.outbox import State

_UNSERVED = (
    "{} 行还没有派给目标 {}，多半因为它是新加的：下一轮自动从头重读时补上；一直不减少的，请运行 gateway run --once --from-start，"
    "仍不减少的是本地已经读不到的行，请与医保局商定"
)


@dataclass(frozen=True, slots=True)
class Route:
    """A data set of a source on its way to a target, as configured."""

    source: str
    dataset: str
    target: str


@dataclass(frozen=True, slots=True)
class Backlog:
    """What of one institution waits for one target."""

    waiting: int = 0
    oldest: datetime | None = None  #: business time of the oldest; None if nothing waits


@dataclass(frozen=True, slots=True)
class Standing:
    """One route's account."""

    route: Route
    read: int  #: distinct source rows ever handed over, counted as they were read: see `store.sightings`
    asides: Mapping[AsideState, int]  #: rows set aside of which the platform holds nothing
    states: Mapping[State, int]  #: rows in the ledger, by the state of their newest version
    outdated: int  #: rows in the ledger whose source has turned bad since: 平台仍为旧值
    voided: int = 0  #: of `states[ACCEPTED]`, those the platform holds as withdrawn
    rekeyed: int = 0  #: of `states`, old keys of rows that have another by now
    replaced: int = 0  #: rows that are gone and whose key another row has by now
    unserved: int = 0  #: rows in the ledger that the target was never given
    strays: tuple[str, ...] = ()  #: some of the rows that are nowhere

    @property
    def accounted(self) -> int:
        """Rows whose whereabouts are known."""
        return sum(self.asides.values()) + sum(self.states.values()) - self.rekeyed + self.replaced

    @property
    def balanced(self) -> bool:
        """read = excluded + not_ready + quarantined + queued + … + accepted + rejected + superseded.

        Where keys were edited, or taken over from rows that are gone, a row is counted once all the same.
        """
        return self.read == self.accounted

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the figures do not say by themselves, in Chinese."""
        found = (
            (self.rekeyed, f"{self.rekeyed} 个业务主键是行改过主键之前的，不另计入“读到”"),
            (self.replaced, f"{self.replaced} 行在本地已没有，业务主键由另一行接着用，只计入“读到”"),
            (self.unserved, _UNSERVED.format(self.unserved, self.route.target)),
        )
        return tuple(f"{self.route.source} {self.route.dataset}：{sentence}" for count, sentence in found if count)

    @property
    def named(self) -> tuple[str, ...]:
        """What names single rows: for those who may see rows."""
        told = f"没有着落的行（本地行号）：{'、'.join(self.strays)}，请把这几行和日志交给实施人员"
        return (f"{self.route.source} {self.route.dataset}：{told}",) if self.strays else ()

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
    again: Mapping[str, datetime | None] = field(default_factory=dict)  #: of those to be sent again: when; None: next round


@dataclass(frozen=True, slots=True)
class Grievance:
    """A reason why rows are set aside or were sent back, with an example."""

    dataset: str
    reason: str
    rows: int
    example: str  #: a row's own key at the site
    rival: str = ""  #: of the example: the row that has its key already

    @property
    def shown(self) -> str:
        """The example, and the row it collides with."""
        return f"{self.example}（另一行：{self.rival}）" if self.rival else self.example


@dataclass(frozen=True, slots=True)
class Sieve:
    """Which deliveries a person means; "" matches everything."""

    target: str
    institution: str = ""
    dataset: str = ""
    key: str = ""
    reason: str = ""  #: words that the platform's reasons contain
    keys: tuple[str, ...] = ()  #: of any of these; () matches everything


@dataclass(frozen=True, slots=True)
class Extent:
    """Which part of what is reported is held against a platform; "" and None: all of it."""

    dataset: str = ""
    span: tuple[datetime, datetime] | None = None  #: business time from, and before


EVERYTHING = Extent()


@dataclass(frozen=True, slots=True)
class Resent:
    """What became of records that a platform lost."""

    queued: int = 0
    shredded: int = 0  #: nothing is left of them to be sent

    def __add__(self, other: Resent) -> Resent:
        return Resent(self.queued + other.queued, self.shredded + other.shredded)


@dataclass(frozen=True, slots=True)
class Awaited:
    """Records held until the one above them is accepted."""

    dataset: str  #: of the records above
    rows: int
    since: datetime  #: of the one that waits longest
    cause: str = ""  #: the sentence of each of them, which is among the causes of the queue


@dataclass(frozen=True, slots=True)
class Waiting:
    """A row set aside that was never sent: it waits for its end at the site, or for a person."""

    source: str
    dataset: str
    ref: str
    institution: str
    first_seen: datetime
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class Crowd:
    """Rows set aside that were never sent and are alike: of one institution, of business times within one minute."""

    dataset: str
    institution: str
    occurred_at: datetime  #: the beginning of the minute
    rows: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the newest version of one record has come on its way to one target."""

    target: str
    institution: str
    key: str
    version: int
    state: State
    settled_at: datetime | None  #: when the platform answered, by its own clock if it told
