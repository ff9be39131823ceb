"""Which gateways reported for an institution: `compliance.epochs` over the store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from compliance import epochs
from compliance.model import Epoch, EpochState
from compliance.store.database import Database
from compliance.store.tables import epoch

_COLUMNS = (epoch.c.rid, epoch.c.state, epoch.c.first_seen, epoch.c.last_seen)


class StoredEpochs:
    """What a person sees and decides."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def all(self) -> list[tuple[str, Epoch]]:
        """(institution, epoch) of every gateway ever seen, newest of each institution last."""
        query = select(epoch.c.institution, *_COLUMNS).order_by(epoch.c.institution, epoch.c.first_seen)
        with self._database.read() as connection:
            return [(row[0], _epoch(*row[1:])) for row in connection.execute(query)]

    def approve(self, institution: str, rid: str, now: datetime) -> None:
        """Let this one report and fence the others. ComplianceError if it never reported."""
        with self._database.write(institution) as connection:
            save(connection, institution, epochs.approve(load(connection, institution), rid, now))


def load(connection: Connection, institution: str) -> list[Epoch]:
    """The epochs of one institution."""
    return [_epoch(*row) for row in connection.execute(select(*_COLUMNS).where(epoch.c.institution == institution))]


def save(connection: Connection, institution: str, changed: Sequence[Epoch]) -> None:
    """Write those that changed."""
    for each in changed:
        connection.execute(delete(epoch).where(epoch.c.institution == institution, epoch.c.rid == each.rid))
        row = {"rid": each.rid, "state": each.state, "first_seen": each.first_seen, "last_seen": each.last_seen}
        connection.execute(insert(epoch).values(institution=institution, **row))


def _epoch(rid: str, state: str, first_seen: datetime, last_seen: datetime) -> Epoch:
    return Epoch(rid, EpochState(state), first_seen, last_seen)
