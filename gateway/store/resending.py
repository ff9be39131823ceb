"""What a platform lost goes back to the queue as the version it is, because a person said so; parent before child."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, select

from gateway.outbox import Doubt, Lost, State, next_step
from gateway.standing import Resent
from gateway.store import outbox as deliveries
from gateway.store import parents, sealing, turns
from gateway.store.leasing import COLUMNS, item_of
from gateway.store.sealing import Keyring
from gateway.store.tables import ledger, outbox, parcel
from schemas.model import Edition


def resend(connection: Connection, edition: Edition, keyring: Keyring, doubts: Sequence[Doubt], now: datetime) -> Resent:
    """Queue again those that are still accepted and still the newest version of their key.

    The keys are locked before they are asked for: a version that intake has put on top meanwhile goes instead, so that two
    of a key are never queued. A record whose body was shredded stays as it is. One whose parent was queued again before it
    is held behind it, as intake holds it.
    """
    places = [(each.institution, each.dataset, each.item.key) for each in doubts]
    turns.lock_keys(connection, places)
    query = (
        select(*COLUMNS, outbox.c.target, parcel.c.body)
        .join(parcel, _version_of(parcel))
        .join(ledger, _version_of(ledger))
        .where(outbox.c.id.in_([each.item.id for each in doubts]), outbox.c.state == State.ACCEPTED)
    )
    found = connection.execute(query).all()
    left = [row for row in found if row.body]
    items = [item_of(row, edition.datasets) for row in left]
    queued = deliveries.apply(connection, [next_step(item, Lost(), now) for item in items], now)
    parents.hold_back(connection, list(_links(edition, keyring, left)), {row.target for row in left}, now)
    return Resent(queued, len(found) - len(left))


def _links(edition: Edition, keyring: Keyring, rows: Sequence[Row[*tuple[Any, ...]]]) -> Iterator[parents.Link]:
    """Whom each of them names; a data set that today's edition does not know is not sent anyway."""
    for row in rows:
        if row.dataset in edition.datasets and edition.datasets[row.dataset].parent:
            place = (row.institution, row.dataset, row.record_key, row.version)
            if found := parents.link(edition, place, keyring.open(row.body, sealing.of_parcel(*place))):
                yield found


def _version_of(table: Table) -> ColumnElement[bool]:
    return and_(
        table.c.institution == outbox.c.institution,
        table.c.dataset == outbox.c.dataset,
        table.c.record_key == outbox.c.record_key,
        table.c.version == outbox.c.version,
    )
