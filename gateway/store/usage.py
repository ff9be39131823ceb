"""How much room the store takes, and how fast rows come."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, select, text

from gateway.disk import WINDOW, Usage
from gateway.store.engine import place_of
from gateway.store.tables import installation, ledger, parcel

_SIZES = {
    "postgresql": "SELECT pg_database_size(current_database())",
    "mysql": "SELECT sum(data_length + index_length) FROM information_schema.tables WHERE table_schema = database()",
    "sqlite": "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
}


def usage(connection: Connection, now: datetime) -> Usage:
    """Rows are counted in the ledger, whose rows are small; a key edited twice in the window counts once."""
    return Usage(
        size=_size(connection),
        rows=connection.execute(select(func.count()).select_from(parcel)).scalar_one(),
        recent=connection.execute(select(func.count()).where(ledger.c.seen_at > now - WINDOW)).scalar_one(),
        since=connection.execute(select(installation.c.created_at)).scalar_one(),
    )


def _size(connection: Connection) -> int:
    """On disk where we see the files: SQLite's -wal belongs to it."""
    if place := place_of(connection.engine):
        files = (place, place.with_name(f"{place.name}-wal"))
        return sum(each.stat().st_size for each in files if each.exists())
    kind = "mysql" if connection.dialect.name in ("mysql", "mariadb") else connection.dialect.name
    return int(connection.execute(text(_SIZES[kind])).scalar_one() or 0)
