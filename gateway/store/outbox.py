"""Leasing and finishing deliveries by compare-and-set; works alike on SQLite, PostgreSQL and MariaDB."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Row, Select, and_, bindparam, exists, or_, select, update

from gateway.outbox import IN_FLIGHT, Batch, Item, State, Step
from gateway.store.tables import outbox, parcel
from schemas.model import Dataset, Edition, Replay

_Row = Row[*tuple[Any, ...]]
_COLUMNS = (
    outbox.c.id,
    outbox.c.record_key,
    outbox.c.version,
    outbox.c.state,
    outbox.c.attempts,
    outbox.c.batch_cap,
    outbox.c.dataset,
    outbox.c.lease_token,
)
#: most items looked at in one go when a worker's leftovers are settled
_RECOVER = 500


def _due_items() -> Select[*tuple[Any, ...]]:
    """Queued and due, earliest deadline first; a key whose older version is still in flight waits (serial per key)."""
    older = outbox.alias("older")
    in_flight = exists().where(
        older.c.target == outbox.c.target,
        older.c.institution == outbox.c.institution,
        older.c.dataset == outbox.c.dataset,
        older.c.record_key == outbox.c.record_key,
        older.c.version < outbox.c.version,
        older.c.state.in_(IN_FLIGHT),
    )
    return (
        select(*_COLUMNS, outbox.c.institution)
        .where(
            outbox.c.target == bindparam("target"),
            outbox.c.state == State.QUEUED,
            or_(outbox.c.next_at.is_(None), outbox.c.next_at <= bindparam("now")),
            ~in_flight,
        )
        .order_by(outbox.c.due_at, outbox.c.id)
        .limit(bindparam("most"))
    )


# built once: building a statement costs more than running it
_HEAD = _due_items()
_SAME = (
    _due_items()
    .add_columns(parcel.c.body)
    .join(
        parcel,
        and_(
            parcel.c.institution == outbox.c.institution,
            parcel.c.dataset == outbox.c.dataset,
            parcel.c.record_key == outbox.c.record_key,
            parcel.c.version == outbox.c.version,
        ),
    )
    .where(
        outbox.c.institution == bindparam("institution"),
        outbox.c.dataset == bindparam("dataset"),
        outbox.c.batch_cap == bindparam("cap"),
    )
)
_RECOVERABLE = (
    select(*_COLUMNS)
    .where(
        outbox.c.target == bindparam("target"),
        or_(
            and_(outbox.c.state.in_((State.LEASED, State.SENDING)), outbox.c.lease_until < bindparam("now")),
            and_(outbox.c.state == State.UNKNOWN, outbox.c.next_at <= bindparam("now")),
        ),
    )
    .order_by(outbox.c.id)
    .limit(_RECOVER)
)
_TAKE = (
    update(outbox)
    .where(outbox.c.id.in_(bindparam("ids", expanding=True)), outbox.c.state == State.QUEUED)
    .values(state=State.LEASED, lease_token=bindparam("token"), lease_until=bindparam("until"))
)
_HELD = select(outbox.c.id).where(outbox.c.lease_token == bindparam("token"))
_MARK = (
    update(outbox)
    .where(outbox.c.lease_token == bindparam("token"), outbox.c.state == State.LEASED)
    .values(state=State.SENDING, msgid=bindparam("message"), sent_at=bindparam("now"))
)


def recoverable(connection: Connection, datasets: Mapping[str, Dataset], target: str, now: datetime) -> list[Item]:
    """Leases that ran out, and unknown outcomes whose grace is over."""
    return [_item(row, datasets) for row in connection.execute(_RECOVERABLE, {"target": target, "now": now})]


def lease(connection: Connection, edition: Edition, target: str, now: datetime, until: datetime) -> Batch | None:
    """Take the most urgent due items of one institution and data set, within the batch and byte limits.

    The items are returned as `mark_sending` will leave them, since that is where their outcomes befall them.
    """
    head = connection.execute(_HEAD, {"target": target, "now": now, "most": 1}).first()
    if head is None:
        return None
    batch = edition.datasets[head.dataset].batch
    most = min(batch, head.batch_cap or batch)
    same = {"institution": head.institution, "dataset": head.dataset, "cap": head.batch_cap}
    found = connection.execute(_SAME, {"target": target, "now": now, "most": most, **same}).all()
    rows = _within_bytes(found, edition.body_limit)
    token = str(uuid.uuid4())
    rows = _take(connection, rows, token, until)
    items = tuple(replace(_item(row, edition.datasets), state=State.SENDING, token=token) for row in rows)
    return Batch(token, head.institution, head.dataset, items, tuple(row.body for row in rows)) if items else None


def _within_bytes(rows: Sequence[_Row], limit: int) -> list[_Row]:
    """As many rows as fit the body limit, at least one; a tenth is left for the header."""
    chosen: list[_Row] = []
    size = 0
    for row in rows:
        size += len(row.body)
        if chosen and size > limit * 9 // 10:
            break
        chosen.append(row)
    return chosen


def _take(connection: Connection, rows: list[_Row], token: str, until: datetime) -> list[_Row]:
    """Lease the rows by compare-and-set. Those that another worker took first are its own now: not an error."""
    taken = connection.execute(_TAKE, {"ids": [row.id for row in rows], "token": token, "until": until}).rowcount
    if taken == len(rows):
        return rows
    held = set(connection.execute(_HELD, {"token": token}).scalars())
    return [row for row in rows if row.id in held]


def mark_sending(connection: Connection, batch: Batch, msgid: str, now: datetime) -> bool:
    """leased -> sending, for the whole batch or not at all."""
    marked = connection.execute(_MARK, {"token": batch.token, "message": msgid, "now": now}).rowcount
    return marked == len(batch.items)


def apply(connection: Connection, steps: Sequence[Step], now: datetime) -> int:
    """Write each step where the item is still as it was when decided (state and lease); returns how many were.

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
        )
        groups.setdefault(alike, []).append(step)
    return sum(_write(connection, group, now) for group in groups.values())


def _write(connection: Connection, alike: Sequence[Step], now: datetime) -> int:
    first = alike[0]
    token = first.item.token
    statement = (
        update(outbox)
        .where(
            outbox.c.id.in_([step.item.id for step in alike]),
            outbox.c.state == first.item.state,
            outbox.c.lease_token.is_(None) if token is None else outbox.c.lease_token == token,
        )
        .values(_values(first, now))
    )
    return connection.execute(statement).rowcount


def _values(step: Step, now: datetime) -> dict[str, Any]:
    finished = step.state in (State.ACCEPTED, State.REJECTED)
    return {
        "state": step.state,
        "attempts": step.attempts,
        "batch_cap": step.batch_cap,
        "next_at": step.next_at,
        "cause": step.cause,
        "reasons": orjson.dumps([reason.as_dict() for reason in step.reasons]).decode(),
        "lease_token": None,
        "lease_until": None,
        "finished_at": now if finished else None,
    }


def _item(row: _Row, datasets: Mapping[str, Dataset]) -> Item:
    dataset = datasets.get(row.dataset)
    return Item(
        id=row.id,
        key=row.record_key,
        version=row.version,
        state=State(row.state),
        attempts=row.attempts,
        replay=dataset.replay if dataset else Replay.PERSON,
        batch_cap=row.batch_cap,
        token=row.lease_token,
    )
