"""Breakers as rows: they outlive a restart and all workers obey them. A closed breaker that remembers nothing has no row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from gateway.breaker import Breaker, Position, Report, Scope, Signal, Tripped, after, probing
from gateway.hindrance import Hindrance, Place, Subject
from gateway.store import interruptions, rejoining
from gateway.store.bulk import Prepared
from gateway.store.tables import breaker as table

#: the institution of the breaker that watches the target itself
WHOLE = ""
_ANY = Prepared(select(table.c.institution).where(table.c.target == bindparam("target")).limit(1))


@dataclass(frozen=True, slots=True)
class Watch:
    """The breakers of one target at one moment."""

    target: str
    breakers: dict[str, Breaker]  #: by institution

    def closed_to(self, now: datetime) -> list[str]:
        """Institutions that nothing may be leased for; `WHOLE` among them: nothing at all."""
        return [institution for institution, each in self.breakers.items() if each.blocks(now)]

    def probes(self, institution: str) -> bool:
        """Whether a batch of this institution would be the one that tries."""
        found = (self.breakers.get(name) for name in (WHOLE, institution))
        return any(each is not None and each.position is not Position.CLOSED for each in found)

    def probe(self, connection: Connection, institution: str, until: datetime) -> None:
        """A batch of this institution was leased: where a breaker's wait is over, it is the one that tries."""
        for name in (WHOLE, institution):
            found = self.breakers.get(name)
            if found and found.position is not Position.CLOSED:
                _save(connection, self.target, name, probing(found, until))


def unprobe(connection: Connection, target: str, institution: str, now: datetime) -> None:
    """What was leased to try is not sent after all: another may try at once. If one does already, two do: no harm is done."""
    names = (WHOLE, institution)
    trying = (table.c.target == target, table.c.institution.in_(names), table.c.position == Position.HALF_OPEN)
    connection.execute(update(table).where(*trying).values(next_at=now))


def watch(connection: Connection, target: str) -> Watch:
    """What is known of the target. The caller holds the rotation, so no other worker starts a probe meanwhile."""
    if _ANY.run(connection, target=target).first() is None:  # as nearly always
        return Watch(target, {})
    rows = connection.execute(select(table).where(table.c.target == target))
    return Watch(target, {row.institution: _breaker(row) for row in rows})


def note(connection: Connection, target: str, institution: str, report: Report, now: datetime) -> list[Tripped]:
    """Write what a request means for both breakers, and return those that opened or closed.

    Two workers' failures at once may count as one: no harm is done.
    """
    turned = []
    for scope, name in ((Scope.TARGET, WHOLE), (Scope.INSTITUTION, institution)):
        found = _load(connection, target, name)
        became = after(scope, found, report, now)
        if became != found:
            _save(connection, target, name, became)
            _tell(connection, Place(Subject.TARGET, target, name), became, report, now)
            if became.position is not found.position:
                turned.append(Tripped(target, name, became))
    return turned


def _tell(connection: Connection, place: Place, became: Breaker, report: Report, now: datetime) -> None:
    """What a breaker went through is kept: its row says only what is now."""
    if became.kind is not Signal.NO_ANSWER and (silent := interruptions.lasting_since(connection, place, Hindrance.NO_ANSWER)):
        rejoining.rejoin(connection, place.name, silent, now)  # also one that is restarted: it is out of reach before it answers
    if became == Breaker():
        interruptions.over(connection, place, now)
    elif became.kind is report.signal:
        interruptions.note(connection, place, interruptions.hindrance(report), report.cause, now)


def unmoved(connection: Connection, target: str, institution: str, report: Report, now: datetime) -> bool:
    """Whether `note` would change nothing, as after nearly every request: then no write lock is needed."""
    pairs = ((Scope.TARGET, WHOLE), (Scope.INSTITUTION, institution))
    return all(after(scope, found := _load(connection, target, name), report, now) == found for scope, name in pairs)


def tripped(connection: Connection, target: str) -> list[Tripped]:
    """What is cut off now, the whole target first."""
    query = select(table).where(table.c.target == target, table.c.position != Position.CLOSED).order_by(table.c.institution)
    return [Tripped(target, row.institution, _breaker(row)) for row in connection.execute(query)]


def _load(connection: Connection, target: str, institution: str) -> Breaker:
    query = select(table).where(table.c.target == target, table.c.institution == institution)
    row = connection.execute(query).first()
    return _breaker(row) if row else Breaker()


def _save(connection: Connection, target: str, institution: str, breaker: Breaker) -> None:
    place = (table.c.target == target, table.c.institution == institution)
    if breaker == Breaker():
        connection.execute(delete(table).where(*place))
        return
    values = {
        "position": breaker.position,
        "kind": breaker.kind or "",
        "failures": breaker.count,
        "trips": breaker.trips,
        "next_at": breaker.next_at,
        "cause": breaker.cause,
    }
    if connection.execute(update(table).where(*place).values(values)).rowcount:
        return
    try:
        with connection.begin_nested():
            connection.execute(insert(table).values(target=target, institution=institution, **values))
    except IntegrityError:  # another worker was first
        connection.execute(update(table).where(*place).values(values))


def _breaker(row: Row[Any]) -> Breaker:
    kind = Signal(row.kind) if row.kind else None
    return Breaker(Position(row.position), kind, row.failures, row.trips, row.next_at, row.cause)
