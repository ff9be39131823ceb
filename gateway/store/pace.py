"""How often a target was called in this minute, by all workers together. By compare-and-set: a lost race counts nothing."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from gateway.store.tables import pace


def left(connection: Connection, target: str, rate: int, now: datetime) -> bool:
    """Whether there is another call in this minute."""
    calls = connection.execute(select(pace.c.calls).where(pace.c.target == target, pace.c.minute == _minute(now))).scalar()
    return calls is None or calls < rate


def take(connection: Connection, target: str, rate: int, now: datetime) -> bool:
    """Count one call; False: there is none left."""
    minute = _minute(now)
    here = pace.c.target == target
    again = update(pace).where(here, pace.c.minute == minute, pace.c.calls < rate).values(calls=pace.c.calls + 1)
    first = update(pace).where(here, pace.c.minute != minute).values(minute=minute, calls=1)
    if connection.execute(again).rowcount or connection.execute(first).rowcount:
        return True
    if connection.execute(select(pace.c.target).where(here)).first():
        return False
    try:
        with connection.begin_nested():
            connection.execute(insert(pace).values(target=target, minute=minute, calls=1))
    except IntegrityError:  # another worker was first
        return bool(connection.execute(again).rowcount)
    return True


def _minute(now: datetime) -> datetime:
    return now.replace(second=0, microsecond=0)
