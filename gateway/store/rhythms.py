"""In which hour how many rows of a data set were seen for the first time: what silence is held against."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from gateway.model import Intake
from gateway.rhythm import WEEKS, Counts
from gateway.store.tables import rhythm

#: a week more than is looked at
_KEPT = timedelta(weeks=WEEKS + 1)


def note(connection: Connection, intake: Intake, fresh: int) -> None:
    """Some rows were seen for the first time. Two readers at once: the second insert fails, and its page is done over."""
    if not fresh:
        return
    place = {"source": intake.source, "dataset": intake.dataset, "hour": _hour(intake.now)}
    here = [rhythm.c[name] == value for name, value in place.items()]
    if not connection.execute(update(rhythm).where(*here).values(row_count=rhythm.c.row_count + fresh)).rowcount:
        connection.execute(insert(rhythm).values(**place, row_count=fresh))


def counts(connection: Connection, now: datetime) -> Counts:
    """Every hour of the last weeks in which a row came, by source and data set."""
    found: dict[tuple[str, str], dict[datetime, int]] = defaultdict(dict)
    query = select(rhythm).where(rhythm.c.hour >= _hour(now - _KEPT))
    for row in connection.execute(query):
        found[row.source, row.dataset][datetime.strptime(row.hour, "%Y-%m-%dT%H").replace(tzinfo=UTC)] = row.row_count
    return found


def forget(connection: Connection, now: datetime) -> None:
    """What is older than anybody looks at."""
    connection.execute(delete(rhythm).where(rhythm.c.hour < _hour(now - _KEPT)))


def _hour(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H")
