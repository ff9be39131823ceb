"""How far each source was read, kept in the source's own types."""

from __future__ import annotations

from datetime import datetime

import orjson
from sqlalchemy import Connection, delete, insert, select

from gateway.model import Cursor
from gateway.store.tables import cursor


def load(connection: Connection, source: str, dataset: str, digest: str) -> Cursor | None:
    """The stored cursor; None before the first read, and once the profile has changed: then all is read again."""
    here = (cursor.c.source == source, cursor.c.dataset == dataset, cursor.c.digest == digest)
    query = select(cursor.c.position).where(*here)
    position = connection.execute(query).scalar()
    if position is None:
        return None
    time, key = orjson.loads(position)
    return Cursor(datetime.fromisoformat(time) if time else None, key)


def save(connection: Connection, source: str, dataset: str, position: Cursor, digest: str, now: datetime) -> None:
    """Move the cursor. A naive time stays naive: the site's database compares it as it is."""
    text = orjson.dumps([position.time.isoformat() if position.time else None, position.key]).decode()
    connection.execute(delete(cursor).where(cursor.c.source == source, cursor.c.dataset == dataset))
    connection.execute(insert(cursor).values(source=source, dataset=dataset, position=text, digest=digest, read_at=now))
