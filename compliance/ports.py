"""What the use cases need from the store. `compliance.store` implements these; nothing here does I/O."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from compliance.model import Accepted, Epoch, Held, Institution, Receipt, Rejected, Tally
from schemas.holdings import Asked, Holding


class Book(Protocol):
    """One institution's records, open for writing inside one transaction."""

    def held(self, dataset: str, keys: Collection[str]) -> Mapping[str, Mapping[int, Held]]:
        """key -> version -> what is held; a key never accepted is absent."""

    def epochs(self) -> Sequence[Epoch]:
        """The gateways that reported for the institution."""

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
