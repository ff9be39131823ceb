"""What was rejected goes back to the queue, and what waits need not wait any longer: both because a person said so."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, select, update

from gateway.breaker import Position
from gateway.outbox import Requeued, State, next_step
from gateway.standing import Sieve
from gateway.store import outbox as deliveries
from gateway.store import parents
from gateway.store.leasing import COLUMNS, item_of
from gateway.store.tables import breaker, ledger, outbox
from schemas.model import Dataset

#: rows put back by one statement
_MOST = 200


def requeue(connection: Connection, datasets: Mapping[str, Dataset], sieve: Sieve, now: datetime) -> int:
    """Queue again, as they are, the newest versions that the target rejected; returns how many.

    An older version stays rejected: its key has been reported anew since.
    """
    newest = and_(
        ledger.c.institution == outbox.c.institution,
        ledger.c.dataset == outbox.c.dataset,
        ledger.c.record_key == outbox.c.record_key,
        ledger.c.version == outbox.c.version,
    )
    query = select(*COLUMNS).join(ledger, newest).where(outbox.c.state == State.REJECTED, *_matching(sieve))
    items = [item_of(row, datasets) for row in connection.execute(query.with_for_update(of=outbox))]
    for start in range(0, len(items), _MOST):
        part = items[start : start + _MOST]
        deliveries.apply(connection, [next_step(item, Requeued(), now) for item in part], now)
        parents.hold_again(connection, [item.id for item in part])
    return len(items)


def _matching(sieve: Sieve) -> list[ColumnElement[bool]]:
    wanted = {
        outbox.c.target: sieve.target,
        outbox.c.institution: sieve.institution,
        outbox.c.dataset: sieve.dataset,
        outbox.c.record_key: sieve.key,
    }
    found: list[ColumnElement[bool]] = [column == value for column, value in wanted.items() if value]
    if sieve.keys:
        found.append(outbox.c.record_key.in_(sieve.keys))
    return [*found, outbox.c.reasons.contains(sieve.reason, autoescape=True)] if sieve.reason else found


def resume(connection: Connection, target: str) -> int:
    """Close the breakers and forget the waits of what is queued for a target; returns how many rows may go at once now.

    A breaker keeps the kind of its failures: the interruption that it tells of is over with the next success, not before.
    """
    closed = {"position": Position.CLOSED, "failures": 0, "trips": 0, "next_at": None}
    connection.execute(update(breaker).where(breaker.c.target == target).values(closed))
    waiting: tuple[Any, ...] = (outbox.c.target == target, outbox.c.state == State.QUEUED, outbox.c.next_at.is_not(None))
    return connection.execute(update(outbox).where(*waiting).values(next_at=None)).rowcount
