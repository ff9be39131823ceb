"""Write a row whether it is there or not; without taking it away first, which two workers would do at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table, insert, update


def put(connection: Connection, table: Table, place: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """`place`: the key columns. Two workers may both find nothing; the second insert fails: see `engine.write_over`."""
    here = [table.c[name] == value for name, value in place.items()]
    if not connection.execute(update(table).where(*here).values(dict(values))).rowcount:
        connection.execute(insert(table).values({**place, **values}))
