"""OP01, pure: the account of one institution, data set and business day, from where each row that was read stands (DATASETS §7).

A row is counted once: by why it is set aside if it is, else by how far the newest version of its record has come.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from gateway.model import AsideState
from gateway.outbox import State
from schemas.manifest import PARTS, Entry, zero

READ = "read"
#: from what needs most to be done to what is done; None: the target was never given it
_ADVANCE = (
    *(None, State.QUEUED, State.HELD, State.LEASED, State.SENDING, State.UNKNOWN, State.CONFLICT),
    *(State.REJECTED, State.SUPERSEDED, State.ACCEPTED),
)
#: where a part is not called as the state is
_PART_OF = {None: "queued", State.CONFLICT: "unknown"}


class Basis(StrEnum):
    """What the rows of a manifest were counted by."""

    SOURCE = "source"  #: the site's database, asked at that moment
    STORE = "store"  #: the ledger and the rows set aside, where the profile cannot ask for a business day


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where one row of a site stands, or one record whose row is gone."""

    source: str
    ref: str
    institution: str
    first_seen: datetime
    aside: AsideState | None = None
    key: str = ""  #: of its record; "" if it never became one
    version: int = 0
    content_hash: str = ""
    live: bool = True
    states: Mapping[str, State | None] = field(default_factory=dict)  #: of the newest version, by target

    @property
    def part(self) -> str:
        """In which part of the account the row is. With several targets the least advanced counts."""
        if self.aside:
            return str(self.aside)
        owed = [state for state in self.states.values() if state is not State.CANCELLED]
        if not owed:  # withdrawn before it was sent
            return str(AsideState.EXCLUDED)
        state = min(owed, key=_ADVANCE.index)
        if state is State.ACCEPTED and not self.live:  # withdrawn at the site, and at the platform too
            return str(AsideState.EXCLUDED)
        return _PART_OF.get(state) or str(state)


@dataclass(frozen=True, slots=True)
class DayReading:
    """The rows of one source and business day as a complete reading showed them; all were taken in."""

    read_at: datetime
    digest: str  #: of the profile that read it
    rows: Mapping[str, str]  #: ref -> institution


@dataclass(frozen=True, slots=True)
class Held:
    """The newest version of a key that a target accepted."""

    target: str
    institution: str
    key: str
    version: int
    content_hash: str
    live: bool

    @property
    def entry(self) -> Entry:
        """As the digest takes it."""
        return Entry(self.key, self.version, self.content_hash)


@dataclass(frozen=True, slots=True)
class Statement:
    """A manifest: what was read, where it is, and what is live at the platform, at one moment."""

    institution: str
    dataset: str
    day: date
    snapshot_at: datetime
    figures: Mapping[str, int]  #: read, and the parts that it is the sum of
    digest: str
    live: int  #: records that the digest is over
    query_digest: str  #: of the query that counted what was read; "" where the store was counted
    version: int = 0  #: of the record; 0: it is not stated yet
    revoked_at: datetime | None = None  #: a zero, when rows of that day turned up after all
    revoked_by: str = ""  #: which, in Chinese

    @property
    def zero(self) -> bool:
        """Whether it says that there was nothing to report, as the bureau reads it."""
        return zero(self.figures)

    @property
    def basis(self) -> Basis:
        """What it was counted by."""
        return Basis.SOURCE if self.query_digest else Basis.STORE

    @property
    def balanced(self) -> bool:
        """The accounting identity."""
        return self.figures[READ] == sum(self.figures[part] for part in PARTS)

    def says_as(self, other: Statement) -> bool:
        """Whether nothing has changed but the moment."""
        return (self.figures, self.digest, self.basis) == (other.figures, other.digest, other.basis)

    def values(self) -> dict[str, Any]:
        """The fields of the record."""
        counted = {name: Decimal(count) for name, count in self.figures.items()}
        named = {"dataset": self.dataset, "business_date": self.day, "snapshot_time": self.snapshot_at, "digest": self.digest}
        return {**named, **counted, **({"query_digest": self.query_digest} if self.query_digest else {})}


def figures(read: int, rows: Iterable[Whereabouts]) -> dict[str, int]:
    """The account; `read` was counted where the rows were read, so that one which is nowhere is missed."""
    counts = Counter(row.part for row in rows)
    return {READ: read, **{part: counts[part] for part in PARTS}}


def live_everywhere(held: Sequence[Held], targets: Iterable[str]) -> list[Entry]:
    """What each of the targets holds as live: with several of them, what they hold alike."""
    holds = [{each.entry for each in held if each.target == target and each.live} for target in targets]
    return sorted(set.intersection(*holds)) if holds else []
