"""What the use cases need from the store. `compliance.store` implements these; nothing here does I/O."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import Protocol

from compliance.closing import Closure
from compliance.connection import Heard
from compliance.days import Arrival, Manifest
from compliance.declared import Declaration
from compliance.model import Accepted, Epoch, Held, Institution, Receipt, Rejected, Tally
from schemas.holdings import Asked, Holding


class Book(Protocol):
    """One institution's records, open for writing inside one transaction."""

    def held(self, dataset: str, keys: Collection[str]) -> Mapping[str, Mapping[int, Held]]:
        """key -> version -> what is held; a key never accepted is absent."""

    def epochs(self) -> Sequence[Epoch]:
        """The gateways that reported for the institution."""

    def closures(self) -> Sequence[Closure]:
        """The days on which the institution is closed."""

    def mark(self, changed: Sequence[Epoch]) -> None:
        """Write epochs that changed."""

    def accept(self, dataset: str, msgid: str, records: Sequence[Accepted]) -> None:
        """Store records; none of their versions may be held."""

    def reject(self, dataset: str, msgid: str, records: Sequence[Rejected], received_at: datetime) -> None:
        """Remember that these were refused, and why."""

    def note(self, receipt: Receipt) -> None:
        """Remember the message itself."""


class Archive(Protocol):
    """Where messages are kept."""

    def writing(self, institution: str) -> AbstractContextManager[Book]:
        """One transaction, alone with this institution's records; an exception undoes all of it."""


class Shelf(Protocol):
    """What is held, for those who ask."""

    def of_keys(self, institution: str, dataset: str, asked: Sequence[Asked]) -> tuple[Holding, ...]:
        """One holding per key that was asked, in the order of the question."""

    def between(
        self, institution: str, dataset: str, begin: datetime, end: datetime, after_key: str, most: int
    ) -> tuple[Holding, ...]:
        """Keys whose newest version happened in [begin, end), after a key, in the order of the store's keys."""


class NonceMemory(Protocol):
    """Which nonces were seen, for as long as a repetition could pass the clock check."""

    def spend(self, paasid: str, nonce: str, now: datetime, until: datetime) -> bool:
        """Remember the nonce until then; False if it was spent before."""


class Roll(Protocol):
    """The institutions the bureau oversees."""

    def institutions(self) -> tuple[Institution, ...]:
        """All, in roster order."""


class Standing(Protocol):
    """What has come in."""

    def tallies(self, as_of: datetime) -> tuple[Tally, ...]:
        """Per institution and data set, as of a cut-off."""


class Watch(Protocol):
    """What the board asks of the store."""

    def closures(self) -> tuple[Closure, ...]:
        """Those in force, of everyone."""

    def declarations(self, as_of: datetime) -> tuple[Declaration, ...]:
        """Everyone's, with what had come of each by then."""

    def heard(self, institution: str, day: date, until: datetime) -> Heard:
        """What is known of an institution's heartbeats as of `until`, with a day and the one before it."""

    def arrivals(
        self, institution: str, datasets: Collection[str], begin: datetime, end: datetime, as_of: datetime
    ) -> tuple[Arrival, ...]:
        """Every version, accepted by `as_of`, of each key that has one whose business time is in [begin, end)."""

    def manifests(self, institution: str, begin: datetime, end: datetime, as_of: datetime) -> tuple[Manifest, ...]:
        """The live versions of the manifests of these business dates, accepted by `as_of`."""
