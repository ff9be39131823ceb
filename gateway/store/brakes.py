"""What was stopped until a person looks, and the marks by which a changed source is known."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, delete, select

from gateway.model import Brake, BrakeKind, Mark
from gateway.store import marked, sweeps
from gateway.store.putting import put
from gateway.store.tables import brake, cursor, source_mark


def engaged(connection: Connection) -> list[Brake]:
    """Every brake that is on."""
    columns = (brake.c.source, brake.c.dataset, brake.c.kind, brake.c.sentence, brake.c.since)
    rows = connection.execute(select(*columns).order_by(brake.c.since, brake.c.source, brake.c.dataset))
    return [Brake(row[0], row[1], BrakeKind(row[2]), row[3], row[4]) for row in rows]


def engage(connection: Connection, found: Brake) -> bool:
    """Put it on: whether it was off; one that is on already keeps its time and tells the news."""
    here = _here(brake, found.source, found.dataset)
    before = connection.execute(select(brake.c.since).where(*here, brake.c.kind == found.kind)).scalar()
    since = before or found.since
    place = {"source": found.source, "dataset": found.dataset, "kind": found.kind}
    put(connection, brake, place, {"sentence": found.sentence, "since": since})
    return before is None


def lift(connection: Connection, source: str, dataset: str, kind: BrakeKind) -> bool:
    """Take it off, without more; whether it was on."""
    gone = connection.execute(delete(brake).where(*_here(brake, source, dataset), brake.c.kind == kind))
    return bool(gone.rowcount)


def release(connection: Connection, source: str, dataset: str, seen: Mapping[BrakeKind, str], now: datetime) -> list[BrakeKind]:
    """A person looked: withdraw what is missing now; take the source as it is and read it from the start.

    `seen`: only those kinds, and only while they still say what that person saw.
    """
    here = [each for each in engaged(connection) if (each.source, each.dataset) == (source, dataset)]
    meant = [each.kind for each in here if seen.get(each.kind) == each.sentence]
    kinds = [kind for kind in meant if lift(connection, source, dataset, kind)]
    if BrakeKind.VOID in kinds:
        sweeps.let_go(connection, source, dataset)
    if kinds:
        sweeps.finish(connection, source, dataset, marked.RELEASED, "", now)
    if BrakeKind.MARKED in kinds:
        marked.let_go(connection, source, dataset)
    if BrakeKind.SOURCE in kinds:
        for table in (source_mark, cursor):
            connection.execute(delete(table).where(*_here(table, source, dataset)))
    return kinds


def mark(connection: Connection, source: str, dataset: str) -> tuple[Mark, datetime] | None:
    """The last mark and when it was taken."""
    columns = (source_mark.c.identity, source_mark.c.newest, source_mark.c.row_count, source_mark.c.taken_at)
    row = connection.execute(select(*columns).where(*_here(source_mark, source, dataset))).first()
    return (Mark(row[0], orjson.loads(row[1]), row[2]), row[3]) if row else None


def save_mark(connection: Connection, source: str, dataset: str, found: Mark, now: datetime) -> None:
    """Keep the mark for the next comparison."""
    newest = orjson.dumps(found.newest).decode()
    row = {"identity": found.identity, "newest": newest, "row_count": found.rows, "taken_at": now}
    put(connection, source_mark, {"source": source, "dataset": dataset}, row)


def _here(table: Any, source: str, dataset: str) -> tuple[Any, ...]:
    return (table.c.source == source, table.c.dataset == dataset)
