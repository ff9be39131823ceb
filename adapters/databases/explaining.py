"""How a database would run a profile's queries: a full scan of a large table is told before it slows the site down.

The plan is asked for, the query is not run. Oracle and SQL Server need rights for that which a reader seldom has: nothing is said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, text
from sqlalchemy.exc import SQLAlchemyError

from adapters.databases.sql import SqlSource, Statement
from gateway.ports import SweptSource

#: rows that are read through in no time
_SMALL = 10_000
_JSON = "EXPLAIN (FORMAT JSON)"
_SCAN = re.compile(r"^SCAN (?:TABLE )?(\w+)(?! USING)")


def sentences(source: SweptSource, now: datetime) -> list[str]:
    """What is worth telling of each query; [] for what is no database, and where the plan cannot be had."""
    if not isinstance(source, SqlSource) or source.database.dialect not in _PLANS:
        return []
    return [sentence for statement, values in _statements(source, now) for sentence in _scans(source, statement, values)]


def _statements(source: SqlSource, now: datetime) -> Iterator[tuple[Statement, Mapping[str, Any]]]:
    query, least = source.query, source.first_values(500)
    yield Statement(query.file, query.sql), {name: least[name] for name in query.takes}
    if query.window:
        day = source.span_values(now - timedelta(days=1), now)
        yield query.window, {**least, **day}
    if query.lookup:
        yield query.lookup, {"keys": [least["after_key"]]}


def _scans(source: SqlSource, statement: Statement, values: Mapping[str, Any]) -> Iterator[str]:
    clause = text(f"{_WORDS[source.database.dialect]} {statement.sql}")
    if "keys" in values:
        clause = clause.bindparams(bindparam("keys", expanding=True))
    wanted = set(text(statement.sql).compile().params)
    try:
        with source.database.connect() as connection, source.database.reading(connection):
            found = list(_PLANS[source.database.dialect](connection, clause, {name: values[name] for name in wanted}))
    except (SQLAlchemyError, KeyError):
        return
    for table, rows in found:
        how_many = f"约 {rows} 行的" if rows else ""
        yield f"{statement.file} 会把{how_many}表 {table} 从头读到尾：请厂商给查询条件里的列加索引，或改 .sql"


def _postgresql(connection: Connection, clause: Any, values: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    (plan,) = connection.execute(clause, values).scalars().all()
    pending = [each["Plan"] for each in plan]
    while pending:
        node = pending.pop()
        pending += node.get("Plans", [])
        if node["Node Type"] == "Seq Scan" and node["Plan Rows"] > _SMALL:
            yield node["Relation Name"], int(node["Plan Rows"])


def _mysql(connection: Connection, clause: Any, values: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    for row in connection.execute(clause, values).mappings():
        if row["type"] == "ALL" and row["rows"] and int(row["rows"]) > _SMALL:
            yield str(row["table"]), int(row["rows"])


def _sqlite(connection: Connection, clause: Any, values: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """It does not say how many; a look at the rowid tells roughly."""
    for row in connection.execute(clause, values).mappings():
        match = _SCAN.match(row["detail"])
        if match and (rows := _rows(connection, match[1])) > _SMALL:
            yield match[1], rows


def _rows(connection: Connection, table: str) -> int:
    try:
        return int(connection.execute(text(f'SELECT MAX(rowid) FROM "{table}"')).scalar() or 0)  # noqa: S608  SQLite's own word
    except SQLAlchemyError:  # an alias of the query
        return 0


_WORDS = {"postgresql": _JSON, "kingbase": _JSON, "mysql": "EXPLAIN", "mariadb": "EXPLAIN", "sqlite": "EXPLAIN QUERY PLAN"}
_PLANS: Mapping[str, Callable[[Connection, Any, Mapping[str, Any]], Iterator[tuple[str, int]]]] = {
    "postgresql": _postgresql,
    "kingbase": _postgresql,
    "mysql": _mysql,
    "mariadb": _mysql,
    "sqlite": _sqlite,
}
