"""One value that the driver cannot hold must not stop every row beside it: it comes as the text or bytes that stand there.

The mapping refuses it by its own reason, and only its row is set aside.
"""

from __future__ import annotations

import sqlite3
from functools import cache
from typing import Any


def sqlite_text(stored: bytes) -> str | bytes:
    """Text in another encoding than UTF-8 stays bytes."""
    try:
        return stored.decode()
    except UnicodeDecodeError:
        return stored


def sqlite(connection: sqlite3.Connection) -> sqlite3.Connection:
    """The same connection, patient with texts."""
    connection.text_factory = sqlite_text
    return connection


def postgresql(connection: Any, record: Any) -> None:
    """For SQLAlchemy's `connect` event: `infinity`, years before our era and 24:00 have no place in a datetime."""
    from psycopg.types import datetime  # installed only where a source needs it

    for name, usual in (
        ("date", datetime.DateLoader),
        ("time", datetime.TimeLoader),
        ("timetz", datetime.TimetzLoader),
        ("timestamp", datetime.TimestampLoader),
        ("timestamptz", datetime.TimestamptzLoader),
    ):
        connection.adapters.register_loader(name, _patient(usual))


@cache
def _patient(usual: type[Any]) -> type[Any]:
    from psycopg import DataError

    class Patient(usual):  # type: ignore[misc]
        def load(self, data: Any) -> Any:
            try:
                return super().load(data)
            except DataError:
                return bytes(data).decode()

    return Patient
