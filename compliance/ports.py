"""What the use cases need from the store. `compliance.store` implements these; nothing here does I/O."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from compliance.model import Accepted, Held, Institution, Receipt, Rejected, Tally


class Book(Protocol):
    """One institution's records, open for writing inside one transaction."""

    def held(self, dataset: str, keys: Collection[str]) -> Mapping[str, Mapping[int, Held]]:
        """key -> version -> what is held; a key never accepted is absent."""

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
