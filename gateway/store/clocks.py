"""The clocks of the platforms as their replies tell them: one row a target."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import orjson
from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from gateway.skew import PlatformClock, joined
from gateway.store.tables import platform_clock

#: between two writes while nothing moves
_EVERY = timedelta(minutes=1)
_MOVED = timedelta(seconds=1)
_MILLISECOND = timedelta(milliseconds=1)


def known(connection: Connection, target: str) -> PlatformClock | None:
    """None before the first reply."""
    row = connection.execute(select(platform_clock).where(platform_clock.c.target == target)).first()
    return PlatformClock(tuple(each * _MILLISECOND for each in orjson.loads(row.ahead)), row.measured_at) if row else None


def worth_noting(before: PlatformClock | None, heard: Sequence[timedelta], now: datetime) -> bool:
    """Whether what was heard is to be written: a clock that stands as it stood is written once a minute."""
    if not heard or before is None:
        return bool(heard)
    moved = abs(joined(before, heard, now).median - before.median) >= _MOVED
    return moved or now - before.measured_at >= _EVERY or now < before.measured_at


def note(connection: Connection, target: str, heard: Sequence[timedelta], now: datetime) -> None:
    """Remember what replies said. Two workers at once may lose one's: no harm is done."""
    became = joined(known(connection, target), heard, now)
    values = {"ahead": orjson.dumps([each // _MILLISECOND for each in became.ahead]).decode(), "measured_at": now}
    if connection.execute(update(platform_clock).where(platform_clock.c.target == target).values(values)).rowcount:
        return
    try:
        with connection.begin_nested():
            connection.execute(insert(platform_clock).values(target=target, **values))
    except IntegrityError:  # another worker was first
        connection.execute(update(platform_clock).where(platform_clock.c.target == target).values(values))
