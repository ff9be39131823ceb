"""What the use cases need from technology. Adapters and the store implement these; nothing here does I/O."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Protocol

from gateway.model import Aside, Cursor, LedgerEntry, Page, Parcel, Reading


class RecordSource(Protocol):
    """One data set of one site, already mapped onto the edition's fields."""

    @property
    def name(self) -> str:
        """The source's name in the site's configuration."""

    @property
    def dataset(self) -> str:
        """Code of the data set it yields."""

    @property
    def reading(self) -> Reading:
        """Whether reading goes on after the cursor or starts over."""

    def pages(self, after: Cursor | None, size: int) -> Iterator[Page]:
        """Rows after `after` in (cursor time, cursor key) order, at most `size` a page; None reads from the start.

        SourceError if the site is away, SourceQueryError if the site's SQL is wrong. A row that cannot be mapped is
        still yielded, with its faults: a source never drops a row.
        """


class IntakeStore(Protocol):
    """What intake asks of the local store."""

    def cursor(self, source: str, dataset: str) -> Cursor | None:
        """How far this source was read; None before the first time."""

    def ledger(self, institution: str, dataset: str, keys: Collection[str]) -> Mapping[str, LedgerEntry]:
        """The newest version of each of these keys, if any."""

    def accept(
        self,
        source: str,
        dataset: str,
        *,
        parcels: Sequence[Parcel],
        asides: Sequence[Aside],
        cleared: Sequence[str],
        cursor: Cursor,
    ) -> None:
        """In ONE transaction: outbox, ledger, rows set aside, rows no longer aside (`cleared` refs), cursor."""
