"""Who looks into a doubtful delivery: one worker at a time, by compare-and-set, for as long as it is reserved.

Two that take the same record back would undo each other: the slower would take back what the faster has sent again.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, or_, select, update

from gateway.outbox import Doubt
from gateway.store.tables import outbox


def free(now: datetime) -> ColumnElement[bool]:
    """Nobody looks into it, or whoever did is gone."""
    return or_(outbox.c.lease_token.is_(None), outbox.c.lease_until < now)


def take(connection: Connection, doubts: Sequence[Doubt], now: datetime, until: datetime) -> list[Doubt]:
    """Those that are still as they were found, due, and nobody else's: as their item is under the reservation."""
    token = str(uuid.uuid4())
    still = (
        outbox.c.id.in_([each.item.id for each in doubts]),
        outbox.c.state == doubts[0].item.state,
        outbox.c.next_at <= now,
    )
    taking = update(outbox).where(*still, free(now)).values(lease_token=token, lease_until=until)
    if not connection.execute(taking).rowcount:
        return []
    mine = set(connection.execute(select(outbox.c.id).where(outbox.c.lease_token == token)).scalars())
    return [replace(each, item=replace(each.item, token=token)) for each in doubts if each.item.id in mine]
