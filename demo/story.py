"""The last weeks of the district, as the databases of its sites went through them: inserts and updates in storage order.

The same seed tells the same story, and a shorter story is the beginning of a longer one. `expected` and `dirt_counts`
say what was put in, from the generator's own knowledge, so that what the gateway makes of it can be held against them.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta

from demo import catalogue, dialysis, outpatient, pharmacy, rehabilitation
from demo.day import Day
from demo.dirt import Fate
from demo.district import DISTRICT, Institution
from demo.rows import Change, Row
from schemas.wire import SHANGHAI

DAYS = 35


def changes(seed: int, start: date, days: int = DAYS) -> Iterator[Change]:
    """Everything that was stored from the beginning of `start` for so many days, oldest first."""
    end = _end(start, days)
    found = [change for row in rows(seed, start, days) for change in row.changes(end)]
    return iter(sorted(found, key=lambda change: change.at))


def play(connection: sqlite3.Connection, told: Iterable[Change]) -> int:
    """Run changes of one database on its connection and commit; the number of statements."""
    count = 0
    for change in told:
        connection.execute(change.sql, change.params)
        count += 1
    connection.commit()
    return count


def expected(seed: int, start: date, days: int = DAYS) -> dict[tuple[str, str], Counter[Fate]]:
    """(fixmedins_code, data set) -> how many rows of the site have which fate when the story ends."""
    end = _end(start, days)
    found: dict[tuple[str, str], Counter[Fate]] = defaultdict(Counter)
    for row in rows(seed, start, days):
        if row.dataset:
            found[row.database.partition(":")[2], row.dataset][row.until(end)[-1].fate] += 1
    return dict(found)


def dirt_counts(seed: int, start: date, days: int = DAYS) -> Counter[str]:
    """Kind of dirt -> how many rows of the story carry it."""
    end = _end(start, days)
    told = (version.dirt for row in rows(seed, start, days) if row.dataset for version in row.until(end))
    return Counter(kind for kind in told if kind)


def rows(seed: int, start: date, days: int) -> list[Row]:
    """Every row that was stored in time, numbered by its table in storage order."""
    end = _end(start, days)
    found = [row for institution in DISTRICT.connected for row in _life(institution, seed, start, days) if row.born < end]
    found.sort(key=lambda row: row.born)
    numbers: Counter[tuple[str, str]] = Counter()
    for row in found:
        numbers[row.database, row.table] += 1
        row.number = numbers[row.database, row.table]
    return found


def _life(institution: Institution, seed: int, start: date, days: int) -> Iterator[Row]:
    """Master data, then one more day than the story has: tomorrow's plan is made today."""
    opening = datetime.combine(start, time(), SHANGHAI)
    is_pharmacy = institution.database.startswith("pos:")
    yield from (catalogue.pos if is_pharmacy else catalogue.his)(institution, opening)
    for offset in range(days + 1):
        day = Day(institution, start + timedelta(days=offset), start, seed)
        yield from pharmacy.rows(day) if is_pharmacy else _hospital(day)


def _hospital(day: Day) -> Iterator[Row]:
    yield from dialysis.rows(day)
    yield from rehabilitation.rows(day)
    yield from outpatient.rows(day)


def _end(start: date, days: int) -> datetime:
    return datetime.combine(start + timedelta(days=days), time(), SHANGHAI)
