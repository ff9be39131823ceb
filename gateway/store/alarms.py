"""Alarms as rows, so that a restart tells nothing twice and several gateways on one store tell it once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, or_, select, update

from gateway.alarms import Alarm
from gateway.notices import LONGEST_WAIT, SETTLED, Notice, wait
from gateway.store.putting import put
from gateway.store.tables import alarm, channel

_PLACE = 255
_EMPTY = ("told_at", "next_at", "cleared_at", "known_at")


def look(connection: Connection, found: Iterable[Alarm], now: datetime) -> None:
    """Keep what a look found: new ones are raised, known ones go on, those not found for a while are over."""
    for each in found:
        here = _here(str(each.kind), each.place)
        said = {"sentence": each.sentence, "advice": each.advice, "urgent": each.urgent, "seen_at": now}
        again = {"raised_at": now, "raised": alarm.c.raised + 1, **dict.fromkeys(_EMPTY)}
        if connection.execute(update(alarm).where(*here, alarm.c.cleared_at.is_(None)).values(said)).rowcount:
            continue
        if not connection.execute(update(alarm).where(*here).values({**said, **again})).rowcount:
            place = {"kind": str(each.kind), "place": each.place[:_PLACE]}
            connection.execute(insert(alarm).values(**place, **said, raised_at=now, raised=1))
    unseen = or_(alarm.c.seen_at <= now - SETTLED, alarm.c.seen_at > now + SETTLED)  # or by a clock that was ahead
    over = (alarm.c.cleared_at.is_(None), unseen)
    connection.execute(update(alarm).where(*over).values(cleared_at=now, next_at=None))


def kept(connection: Connection) -> list[Notice]:
    """Those that last and those that are over, in the order they were raised."""
    return [_notice(row) for row in connection.execute(select(alarm).order_by(alarm.c.raised_at, alarm.c.kind, alarm.c.place))]


def claim(connection: Connection, notices: Sequence[Notice], now: datetime, until: datetime) -> list[Notice]:
    """Those that nobody else is telling: ours until then."""
    free = or_(alarm.c.next_at.is_(None), alarm.c.next_at <= now, alarm.c.next_at > now + LONGEST_WAIT)
    return [
        each
        for each in notices
        if connection.execute(update(alarm).where(*_here(each.kind, each.place), free).values(next_at=until)).rowcount
    ]


def told(connection: Connection, notices: Sequence[Notice], now: datetime) -> None:
    """A message named them."""
    for each in notices:
        connection.execute(update(alarm).where(*_here(each.kind, each.place)).values(told_at=now, next_at=None))


def untold(connection: Connection, notices: Sequence[Notice], until: datetime) -> None:
    """No channel took the message: later again."""
    for each in notices:
        connection.execute(update(alarm).where(*_here(each.kind, each.place)).values(next_at=until))


def know(connection: Connection, kind: str, place: str | None, now: datetime) -> int:
    """A person knows: not told again while it lasts. Without a place all of the kind; returns how many."""
    here = (alarm.c.kind == kind, alarm.c.cleared_at.is_(None), *([alarm.c.place == place] if place is not None else []))
    return connection.execute(update(alarm).where(*here).values(known_at=now)).rowcount


def note_channel(connection: Connection, name: str, cause: str, now: datetime) -> timedelta:
    """How a message fared: cause "" if it went through. Returns how long to wait before the next try."""
    before = connection.execute(select(channel).where(channel.c.name == name)).first()
    failures = (before.failures if before else 0) + 1 if cause else 0
    passed = (before.passed_at if before else None) if cause else now
    put(connection, channel, {"name": name}, {"tried_at": now, "passed_at": passed, "failures": failures, "cause": cause})
    return wait(failures)


def failing(connection: Connection) -> dict[str, tuple[int, datetime, str]]:
    """Channel -> failures in a row, the last try, its cause."""
    rows = connection.execute(select(channel).where(channel.c.failures > 0).order_by(channel.c.name))
    return {row.name: (row.failures, row.tried_at, row.cause) for row in rows}


def forget(connection: Connection, before: datetime) -> None:
    """What was over long ago."""
    connection.execute(delete(alarm).where(alarm.c.cleared_at < before))


def _here(kind: str, place: str) -> tuple[Any, ...]:
    return (alarm.c.kind == kind, alarm.c.place == place[:_PLACE])


def _notice(row: Row[Any]) -> Notice:
    return Notice(
        row.kind,
        row.place,
        row.sentence,
        row.advice,
        bool(row.urgent),
        row.raised_at,
        row.seen_at,
        row.told_at,
        row.next_at,
        row.cleared_at,
        row.known_at,
    )
