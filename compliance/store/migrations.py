"""Bring a store to this program's version: forward only, step by step, each as its own SQL, in one transaction.

A step never uses the columns of `store.tables`: those move on, what the step finds does not. A table that is new in a version
needs no step: it is made before them. A bureau makes its backup first, so it is asked for by `compliance init`, never done aside.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, text, update

from compliance.store.tables import SCHEMA_VERSION, metadata, store_version


def upgrade(connection: Connection, version: int) -> None:
    """Take every step that is left."""
    metadata.create_all(connection)
    for number in range(version + 1, SCHEMA_VERSION + 1):
        STEPS[number](connection)
    connection.execute(update(store_version).values(version=SCHEMA_VERSION))


def second(connection: Connection) -> None:
    """To 2: closed days, days of heartbeats; heartbeats are found by when they came, declarations by whose they are."""
    connection.execute(text("CREATE INDEX record_beat ON record (institution, accepted_at) WHERE dataset = 'OP02'"))
    connection.execute(text("CREATE INDEX record_told ON record (institution, key, version) WHERE dataset = 'OP03'"))


#: version -> what makes it out of the one before
STEPS: dict[int, Callable[[Connection], None]] = {2: second}
