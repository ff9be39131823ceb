"""Deadlines go by the database's time, whatever the clock of the machine says: several machines share one store.

A caller says when it is by its own clock; here that becomes the database's time. Leases, grace, backoff and breakers are
kept in it, so a gateway whose clock is wrong takes nothing from another, and waits as long as the others do. A SQLite
store has one machine, whose clock it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, text

_NOW = {
    "postgresql": text("SELECT clock_timestamp()"),
    "mysql": text("SELECT utc_timestamp(6)"),
    "mariadb": text("SELECT utc_timestamp(6)"),
}
#: a difference below this is the time that asking took, and clocks that are kept right
_ALIKE = timedelta(seconds=1)


def host() -> datetime:
    """The clock of this machine."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Timing:
    """Turns a process's time into the database's, asked anew in every transaction: a clock may be set right meanwhile."""

    clock: Callable[[], datetime] = host  #: that the process goes by

    def skew(self, connection: Connection) -> timedelta:
        """What the database's clock is ahead of the process's."""
        query = _NOW.get(connection.dialect.name)
        if query is None:
            return timedelta()
        found: datetime = connection.execute(query).scalar_one()
        ahead = (found if found.tzinfo else found.replace(tzinfo=UTC)) - self.clock()
        return ahead if abs(ahead) >= _ALIKE else timedelta()
