"""Many rows at once, by the driver itself: what is done for every row of a page must not be built anew for every row.

SQLAlchemy asks each parameter of each row for its type; that costs more than SQLite's own work. Here a statement is text with `?`
where a value goes, written in the database's way once, and values are given as the database keeps them: texts, numbers, bytes,
instants by `tables.written`. tests/gateway/test_bulk.py holds it equal to what `insert` and `select` do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, CursorResult, Dialect, Select, Table, Update

#: most values of one IN list; Oracle's limit is 1000, old SQLite's 999
CHUNK = 500
_QMARK = "qmark"
#: databases that pass over a row that is there already, and say of how many they did
_PASSES_OVER = ("sqlite", "postgresql")


def add(connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows whose values stand in the order of `columns`. IntegrityError if one is there already."""
    if rows:
        connection.exec_driver_sql(_insert(connection.dialect.paramstyle, table, columns), list(rows))


def add_new(connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> int | None:
    """As `add`, but rows that are there already are passed over; returns how many were not. None: this database cannot tell."""
    if connection.dialect.name not in _PASSES_OVER or not rows:
        return None
    statement = f"{_insert(connection.dialect.paramstyle, table, columns)} ON CONFLICT DO NOTHING"
    return connection.exec_driver_sql(statement, list(rows)).rowcount


def run(connection: Connection, statement: str, *values: Any) -> CursorResult[Any]:
    """One statement of constant text."""
    return connection.exec_driver_sql(_written(connection.dialect.paramstyle, statement), values)


def among(connection: Connection, statement: str, place: tuple[Any, ...], values: Sequence[Any]) -> Iterator[Any]:
    """What `statement`, which ends with `IN`, finds for these values, a chunk at a time; `place` are its other values."""
    for start in range(0, len(values), CHUNK):
        chunk = values[start : start + CHUNK]
        yield from run(connection, f"{statement} ({_marks(len(chunk))})", *place, *chunk).all()  # one by one costs twice as much


def change(connection: Connection, statement: str, place: tuple[Any, ...], values: Sequence[Any]) -> int:
    """As `among`, for a statement that finds nothing, but changes rows; returns how many."""
    changed = 0
    for start in range(0, len(values), CHUNK):
        chunk = values[start : start + CHUNK]
        changed += run(connection, f"{statement} ({_marks(len(chunk))})", *place, *chunk).rowcount
    return changed


class Prepared:
    """A statement of SQLAlchemy's that runs for every batch: it becomes text once, in the words of each database."""

    def __init__(self, statement: Select[*tuple[Any, ...]] | Update) -> None:
        self._statement = statement
        self._texts: dict[tuple[str, str], tuple[str, list[str] | None, dict[str, Any]]] = {}

    def run(self, connection: Connection, **values: Any) -> CursorResult[Any]:
        """With the values of its bound parameters by name; what it finds is as the database keeps it."""
        dialect = connection.dialect
        known = self._texts.get((dialect.name, dialect.driver))
        text, names, fixed = known or self._text(dialect)
        given = {**fixed, **values}
        return connection.exec_driver_sql(text, given if names is None else tuple([given[name] for name in names]))

    def _text(self, dialect: Dialect) -> tuple[str, list[str] | None, dict[str, Any]]:
        compiled: Any = self._statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
        fixed = {name: value.value if isinstance(value, Enum) else value for name, value in compiled.params.items()}
        made = self._texts[dialect.name, dialect.driver] = (compiled.string, compiled.positiontup, fixed)
        return made


@lru_cache(maxsize=256)
def _insert(paramstyle: str, table: Table, columns: tuple[str, ...]) -> str:
    return _written(paramstyle, f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({_marks(len(columns))})")  # noqa: S608


@lru_cache(maxsize=256)
def _written(paramstyle: str, statement: str) -> str:
    return statement if paramstyle == _QMARK else statement.replace("?", "%s")


@lru_cache(maxsize=256)
def _marks(count: int) -> str:
    return ", ".join("?" * count)
