"""Write what became of deliveries, by compare-and-set on state and lease."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, ScalarSelect, Table, bindparam, literal_column, select, update

from gateway.breaker import Ended, Tripped
from gateway.outbox import Batch, State, Step
from gateway.store import breakers, flaws, interruptions, parents, turns
from gateway.store.bulk import Prepared
from gateway.store.tables import awaited, breaker, in_state, outbox, written

#: a whole batch: nothing else is leased by its token
_ACCEPT = Prepared(
    update(outbox)
    .where(outbox.c.lease_token == bindparam("token"), in_state(State.SENDING))
    .values(
        state=State.ACCEPTED,
        next_at=None,
        cause="",
        reasons="[]",
        lease_token=None,
        lease_until=None,
        finished_at=bindparam("now"),
        accepted_at=bindparam("accepted"),
    )
)


def _any(table: Table, *more: ColumnElement[bool]) -> ScalarSelect[int]:
    return select(literal_column("1")).where(table.c.target == bindparam("target"), *more).limit(1).scalar_subquery()


#: whether anything of a target waits for a version or a record to be settled, or is watched
_BESIDE = Prepared(select(_any(outbox, in_state(State.HELD)), _any(awaited), _any(breaker)))


def apply(connection: Connection, steps: Sequence[Step], now: datetime, skew: timedelta = timedelta()) -> int:
    """Write each step where the item is still as it was when decided (state and lease); returns how many were.

    `skew` turns the time by which it was decided into the database's: see `store.timing`.
    Steps that say the same are written by one statement: most batches are accepted whole.
    """
    groups: dict[tuple[Any, ...], list[Step]] = {}
    for step in steps:
        alike = (
            step.item.state,
            step.item.token,
            step.state,
            step.attempts,
            step.batch_cap,
            step.next_at,
            step.cause,
            step.reasons,
            step.accepted_at,
            step.delay,
        )
        groups.setdefault(alike, []).append(step)
    count = sum(_write(connection, group, now + skew, skew) for group in groups.values())
    turns.pass_on(connection, [step.item.id for step in steps], now + skew)
    parents.pass_on(connection, [step.item.id for step in steps])
    back = [step.item.id for step in steps if step.item.state is State.UNKNOWN and step.state is State.QUEUED]
    parents.hold_again(connection, back)  # of a restored store: what was held when it was copied is unknown first
    return count


def finish(connection: Connection, target: str, ended: Ended, now: datetime) -> list[Tripped]:
    """Write a batch that was accepted whole, and tell the breakers: what `apply` and `breakers.note` do, in fewer statements.

    Returns the breakers that closed by it.
    """
    batch, accepted_at = ended.batch, ended.steps[0].accepted_at
    said = {"token": batch.token, "now": written(now), "accepted": written(accepted_at) if accepted_at else None}
    _ACCEPT.run(connection, **said)
    beside = _BESIDE.run(connection, target=target).one()  # after it: whoever held a key has committed by now
    held, waiting, watched = tuple(beside)
    ids = [item.id for item in batch.items]
    if held:
        turns.pass_on(connection, ids, now)
    if waiting:
        parents.pass_on(connection, ids)
    return breakers.note(connection, target, batch.institution, ended.report, now) if watched else []


def passed(connection: Connection, target: str, batch: Batch, since: datetime) -> bool:
    """Whether anything of the batch's institution and data set was accepted since then."""
    of_kind = (outbox.c.institution == batch.institution, outbox.c.dataset == batch.dataset, outbox.c.target == target)
    accepted = select(outbox.c.id).where(*of_kind, outbox.c.state == State.ACCEPTED, outbox.c.finished_at >= since)
    return connection.execute(accepted.limit(1)).first() is not None


def _write(connection: Connection, alike: Sequence[Step], now: datetime, skew: timedelta) -> int:
    first = alike[0]
    token = first.item.token
    statement = (
        update(outbox)
        .where(
            outbox.c.id.in_([step.item.id for step in alike]),
            outbox.c.state == first.item.state,
            outbox.c.lease_token.is_(None) if token is None else outbox.c.lease_token == token,
        )
        .values(_values(first, now, skew))
    )
    written = connection.execute(statement).rowcount
    if first.state is State.REJECTED and written:
        flaws.sent_back(connection, [step.item.id for step in alike], now)
    if first.delay and written:
        until = _values(first, now, skew)["next_at"] if first.state is State.QUEUED else None
        interruptions.delay(connection, [step.item.id for step in alike], first.delay, first.state, until)
    return written


def _values(step: Step, now: datetime, skew: timedelta) -> dict[str, Any]:
    finished = step.state in (State.ACCEPTED, State.REJECTED)
    return {
        "state": step.state,
        "attempts": step.attempts,
        "batch_cap": step.batch_cap,
        "next_at": step.next_at + skew if step.next_at else None,
        "cause": step.cause,
        "reasons": orjson.dumps([reason.as_dict() for reason in step.reasons]).decode(),
        "lease_token": None,
        "lease_until": None,
        "finished_at": now if finished else None,
        "accepted_at": step.accepted_at,
    }
