"""What kept records from going on, as rows: interruptions while they last and after, and the delays of single deliveries."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, literal, null, or_, select, update

from gateway.breaker import Report, Signal
from gateway.hindrance import Hindrance, Interruption, Place, Subject
from gateway.outbox import State
from gateway.store.tables import Instant, awaited, interruption, outbox, pulse
from gateway.store.tables import delay as delays

_SIGNALS = {
    Signal.UNREACHABLE: Hindrance.UNREACHABLE,
    Signal.NO_ANSWER: Hindrance.NO_ANSWER,
    Signal.NOT_ADMITTED: Hindrance.NOT_ADMITTED,
    Signal.REFUSED: Hindrance.REFUSED,
}
_COLUMNS = ("delivery", "kind", "began_at", "ended_at")


def hindrance(report: Report) -> Hindrance:
    """What a failed request tells of. Only a platform that is there asks us to wait."""
    return Hindrance.BUSY if report.retry_after else _SIGNALS[report.signal]


def note(connection: Connection, place: Place, kind: Hindrance, cause: str, now: datetime) -> bool:
    """One more failure: of the interruption that lasts, or the first of a new one: whether it is one.

    Two workers at once may count as one.
    """
    going_on = update(interruption).where(*_lasting(place), interruption.c.kind == kind)
    if connection.execute(going_on.values(tries=interruption.c.tries + 1, cause=cause)).rowcount:
        return False
    over(connection, place, now)  # one of another kind
    add(connection, Interruption(place, kind, now, None, 1, cause))
    return True


def over(connection: Connection, place: Place, now: datetime) -> None:
    """It can be had again."""
    connection.execute(update(interruption).where(*_lasting(place)).values(ended_at=now))


def lasting_since(connection: Connection, place: Place, kind: Hindrance) -> datetime | None:
    """When one of that kind began; None while there is none."""
    began: datetime | None = connection.execute(
        select(interruption.c.began_at).where(*_lasting(place), interruption.c.kind == kind)
    ).scalar()
    return began


def lasting(connection: Connection, place: Place) -> bool:
    """Whether it is interrupted."""
    return connection.execute(select(interruption.c.id).where(*_lasting(place)).limit(1)).first() is not None


def add(connection: Connection, found: Interruption) -> None:
    """Write one as it is."""
    values = {"kind": found.kind, "began_at": found.began_at, "ended_at": found.ended_at, "tries": found.tries}
    connection.execute(insert(interruption).values(**_identity(found.place), **values, cause=found.cause))


def between(connection: Connection, start: datetime, end: datetime) -> list[Interruption]:
    """Those that touch [start, end), in the order they began."""
    touches = (interruption.c.began_at < end, or_(interruption.c.ended_at.is_(None), interruption.c.ended_at > start))
    rows = connection.execute(select(interruption).where(*touches).order_by(interruption.c.began_at, interruption.c.id))
    return [
        Interruption(
            Place(Subject(row.subject), row.name, row.part), Hindrance(row.kind), row.began_at, row.ended_at, row.tries, row.cause
        )
        for row in rows
    ]


def delay(connection: Connection, deliveries: Collection[int], kind: Hindrance, state: State, until: datetime | None) -> None:
    """These were just written: they came to nothing when they were sent last, and wait until then."""
    here = (outbox.c.id.in_(deliveries), outbox.c.state == state, outbox.c.sent_at.is_not(None))
    ended = literal(until, Instant) if until else null()
    query = select(outbox.c.id, literal(str(kind)), outbox.c.sent_at, ended).where(*here)
    connection.execute(insert(delays).from_select(_COLUMNS, query))


def delay_of_parents(connection: Connection, children: Collection[int]) -> None:
    """These have waited for the records above them, until now."""
    query = select(awaited.c.child, literal(str(Hindrance.PARENT)), awaited.c.since, null()).where(awaited.c.child.in_(children))
    connection.execute(insert(delays).from_select(_COLUMNS, query))


def forget(connection: Connection, before: datetime) -> None:
    """What was over long ago."""
    connection.execute(delete(interruption).where(interruption.c.ended_at < before))
    connection.execute(delete(delays).where(delays.c.began_at < before))


def beat(connection: Connection, name: str, now: datetime) -> datetime | None:
    """A sign of life; returns the one before."""
    before: datetime | None = connection.execute(select(pulse.c.beat_at).where(pulse.c.name == name)).scalar()
    if not connection.execute(update(pulse).where(pulse.c.name == name).values(beat_at=now)).rowcount:
        connection.execute(insert(pulse).values(name=name, beat_at=now))
    return before


def _lasting(place: Place) -> tuple[Any, ...]:
    return (*(interruption.c[name] == value for name, value in _identity(place).items()), interruption.c.ended_at.is_(None))


def _identity(place: Place) -> dict[str, str]:
    return {"subject": place.subject, "name": place.name, "part": place.part}
