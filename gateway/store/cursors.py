"""How far each source was read, kept in the source's own types."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import orjson
from sqlalchemy import Connection, delete, insert, select

from gateway.model import Cursor, Intake
from gateway.store.tables import cursor

_ROOM = 1000


def load(connection: Connection, source: str, dataset: str, digest: str, targets: Collection[str]) -> Cursor | None:
    """The stored cursor; None before the first read.

    None too once the profile has changed or a target was added: then all is read again. A store of an older version does
    not say for which targets it was read: for those of today.
    """
    here = (cursor.c.source == source, cursor.c.dataset == dataset, cursor.c.digest == digest)
    found = connection.execute(select(cursor.c.position, cursor.c.targets).where(*here)).first()
    if found is None or (found.targets and not set(targets) <= set(orjson.loads(found.targets))):
        return None
    time, key = orjson.loads(found.position)
    return Cursor(datetime.fromisoformat(time) if time else None, key)


def save(connection: Connection, intake: Intake, position: Cursor) -> None:
    """Move the cursor. A naive time stays naive: the site's database compares it as it is.

    One that was taken away while the page was read stays away: a person wants everything read again.
    """
    source, dataset = intake.source, intake.dataset
    if intake.resumes and not _stands(connection, source, dataset):
        return
    text = orjson.dumps([position.time.isoformat() if position.time else None, position.key]).decode()
    connection.execute(delete(cursor).where(cursor.c.source == source, cursor.c.dataset == dataset))
    row = {"source": source, "dataset": dataset, "position": text, "digest": intake.digest, "read_at": intake.now}
    targets = orjson.dumps(sorted(intake.targets)).decode()
    connection.execute(insert(cursor).values(row | {"targets": targets if len(targets) <= _ROOM else ""}))


def _stands(connection: Connection, source: str, dataset: str) -> bool:
    query = select(cursor.c.source).where(cursor.c.source == source, cursor.c.dataset == dataset).with_for_update()
    return connection.execute(query).first() is not None
