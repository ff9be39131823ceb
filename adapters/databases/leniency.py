"""One value that the driver cannot hold must not stop every row beside it: it comes as the text or bytes that stand there.

The mapping refuses it by its own reason, and only its row is set aside.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from functools import cache
from typing import Any

#: dates of our era with a year of four digits, and times of day
_ORDINARY = re.compile(r"\d{4}-\d\d-\d\d(?!.* BC).*|([01]\d|2[0-3]):.*")


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


def kingbase(connection: Any, record: Any) -> None:
    """The same for its driver, which makes the year 9999 of `infinity` and of later years, and midnight of 24:00."""
    from ksycopg2 import BINARY, extensions

    def whole(stored: str | None, cursor: Any) -> bytes | None:
        return None if stored is None else bytes(BINARY(stored, cursor))

    kinds = [
        (usual, _as_written(usual))
        for usual in (extensions.PYDATE, extensions.PYDATETIME, extensions.PYDATETIMETZ, extensions.PYTIME)
    ]
    for usual, reading in [*kinds, (BINARY, whole)]:
        extensions.register_type(extensions.new_type(usual.values, usual.name, reading), connection)


def _as_written(usual: Callable[[str | None, Any], Any]) -> Callable[[str | None, Any], Any]:
    """The driver's reading, of what has its place in Python's calendar."""

    def read(stored: str | None, cursor: Any) -> Any:
        return usual(stored, cursor) if stored is None or _ORDINARY.fullmatch(stored) else stored

    return read


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
