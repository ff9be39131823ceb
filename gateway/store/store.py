"""The store as the use cases see it: each method is one transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cached_property

from sqlalchemy import Connection, Engine, select, update

from gateway.model import Cursor, Intake, LedgerEntry
from gateway.outbox import Batch, Item, Step
from gateway.standing import Grievance, Queue, Route, Standing
from gateway.store import cursors, intake, leasing, outbox, standing
from gateway.store.engine import open_engine, reading, write
from gateway.store.tables import installation
from schemas.envelope import message_id
from schemas.model import Edition


def open_store(url: str, edition: Edition, now: datetime) -> Store:
    """Open or create the store. ConfigError for a bad URL, StoreError if it cannot be used."""
    return Store(open_engine(url, now), edition)


class Store:
    """Implements IntakeStore and OutboxStore on SQLAlchemy."""

    def __init__(self, engine: Engine, edition: Edition) -> None:
        self._engine, self._edition = engine, edition

    @cached_property
    def rid(self) -> str:
        """The installation epoch that every record carries."""
        with reading(self._engine) as connection:
            return str(connection.execute(select(installation.c.rid)).scalar_one())

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    # what intake asks

    def cursor(self, source: str, dataset: str) -> Cursor | None:
        """See IntakeStore."""
        with reading(self._engine) as connection:
            return cursors.load(connection, source, dataset)

    def ledger(self, institution: str, dataset: str, keys: Collection[str]) -> Mapping[str, LedgerEntry]:
        """See IntakeStore."""
        with reading(self._engine) as connection:
            return intake.entries(connection, institution, dataset, keys)

    def accept(self, page: Intake) -> None:
        """See IntakeStore."""
        write(self._engine, lambda connection: intake.accept(connection, page))

    # what uploading asks

    def recover(self, target: str, now: datetime) -> Sequence[Item]:
        """See OutboxStore."""
        with reading(self._engine) as connection:
            return leasing.recoverable(connection, self._edition.datasets, target, now)

    def lease(self, target: str, now: datetime, until: datetime) -> Batch | None:
        """See OutboxStore."""
        return write(self._engine, lambda connection: leasing.lease(connection, self._edition, target, now, until))

    def mark_sending(self, batch: Batch, now: datetime) -> str | None:
        """See OutboxStore."""
        return write(self._engine, lambda connection: _mark(connection, batch, now))

    def apply(self, steps: Sequence[Step], now: datetime) -> None:
        """See OutboxStore."""
        if steps:
            write(self._engine, lambda connection: outbox.apply(connection, steps, now))

    # what a person asks

    def standings(self, routes: Sequence[Route]) -> list[Standing]:
        """Where every row ever read stands, per route."""
        with reading(self._engine) as connection:
            return standing.standings(connection, routes)

    def queue(self, target: str) -> Queue:
        """What waits for a target."""
        with reading(self._engine) as connection:
            return standing.queue(connection, target)

    def grievances(self) -> list[Grievance]:
        """Why rows are set aside or were sent back."""
        with reading(self._engine) as connection:
            return standing.grievances(connection)


def _mark(connection: Connection, batch: Batch, now: datetime) -> str | None:
    """A fresh message id and the state, together; without the lease, neither."""
    connection.execute(update(installation).values(sequence=installation.c.sequence + 1))
    sequence = connection.execute(select(installation.c.sequence)).scalar_one()
    msgid = message_id(batch.institution, now, sequence)
    if leasing.mark_sending(connection, batch, msgid, now):
        return msgid
    connection.rollback()
    return None
