"""What the use cases need from technology. Adapters and the store implement these; nothing here does I/O."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from gateway.model import Cursor, Intake, LedgerEntry, Page, Reading
from gateway.outbox import Batch, Item, Step
from schemas.envelope import Result


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

    def accept(self, intake: Intake) -> None:
        """Store a judged page in ONE transaction: outbox, ledger, rows set aside and released, cursor.

        StoreError if it cannot be written; then nothing of it is.
        """


class OutboxStore(Protocol):
    """What uploading asks of the local store. Every change is a compare-and-set: a lost race changes nothing."""

    def recover(self, target: str, now: datetime) -> Sequence[Item]:
        """Items whose lease ran out or whose unknown outcome is due to be settled; the caller decides with `next_step`."""

    def lease(self, target: str, now: datetime, until: datetime) -> Batch | None:
        """Take the most urgent items of one institution and data set; None when nothing is due."""

    def mark_sending(self, batch: Batch, now: datetime) -> str | None:
        """Just before the bytes leave. Returns the msgid; None if the lease was lost, then nothing may be sent."""

    def apply(self, steps: Sequence[Step], now: datetime) -> None:
        """Write what `next_step` decided."""


class Bureau(Protocol):
    """The platform of one target as the gateway sees it."""

    def deliver(self, institution: str, dataset: str, msgid: str, bodies: Sequence[bytes]) -> Sequence[Result]:
        """Send one batch and read one result per record.

        NotDeliveredError, OutcomeUnknownError or RefusedError when there are no results.
        """
