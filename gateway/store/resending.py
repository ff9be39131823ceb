"""What a platform lost goes back to the queue as the version it is, because a person said so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Table, and_, select

from gateway.outbox import Doubt, Lost, State, next_step
from gateway.standing import Resent
from gateway.store import outbox as deliveries
from gateway.store import turns
from gateway.store.leasing import COLUMNS, item_of
from gateway.store.tables import ledger, outbox, parcel
from schemas.model import Dataset


def resend(connection: Connection, datasets: Mapping[str, Dataset], doubts: Sequence[Doubt], now: datetime) -> Resent:
    """Queue again those that are still accepted and still the newest version of their key.

    The keys are locked before they are asked for: a version that intake has put on top meanwhile goes instead, so that two
    of a key are never queued. A record whose body was shredded stays as it is.
    """
    places = [(each.institution, each.dataset, each.item.key) for each in doubts]
    turns.lock_keys(connection, places)
    query = (
        select(*COLUMNS, (parcel.c.body == b"").label("shredded"))
        .join(parcel, _version_of(parcel))
        .join(ledger, _version_of(ledger))
        .where(outbox.c.id.in_([each.item.id for each in doubts]), outbox.c.state == State.ACCEPTED)
    )
    found = connection.execute(query).all()
    items = [item_of(row, datasets) for row in found if not row.shredded]
    queued = deliveries.apply(connection, [next_step(item, Lost(), now) for item in items], now)
    return Resent(queued, sum(bool(row.shredded) for row in found))


def _version_of(table: Table) -> ColumnElement[bool]:
    return and_(
        table.c.institution == outbox.c.institution,
        table.c.dataset == outbox.c.dataset,
        table.c.record_key == outbox.c.record_key,
        table.c.version == outbox.c.version,
    )
