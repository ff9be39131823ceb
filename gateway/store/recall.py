"""Take back what was leased and has not left, marked as sending or not: it is again as it was before."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, select, update

from gateway.outbox import Batch, State
from gateway.store.tables import outbox


def recall(connection: Connection, batch: Batch, ids: Collection[int]) -> list[int]:
    """These items of a batch are queued again; returns which still were the batch's own. When one was sent before stays known."""
    own = (outbox.c.id.in_(ids), outbox.c.lease_token == batch.token, outbox.c.state.in_((State.LEASED, State.SENDING)))
    mine = list(connection.execute(select(outbox.c.id).where(*own).with_for_update()).scalars())
    sent = {item.id: item.sent_at for item in batch.items}
    for sent_at in {sent[each] for each in mine}:
        alike = [each for each in mine if sent[each] == sent_at]
        free = {"state": State.QUEUED, "lease_token": None, "lease_until": None, "sent_at": sent_at}
        connection.execute(update(outbox).where(outbox.c.id.in_(alike)).values(free))
    return mine
