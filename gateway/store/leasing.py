"""Take work from the outbox by compare-and-set; works alike on SQLite, PostgreSQL and MariaDB."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, or_, select, update

from gateway.outbox import Batch, Item, State
from gateway.store import breakers, outdated, parents, rotation, sealing, turns
from gateway.store.sealing import Keyring
from gateway.store.tables import outbox, parcel
from schemas.model import Dataset, Edition, Replay

_Row = Row[*tuple[Any, ...]]
COLUMNS = (
    outbox.c.id,
    outbox.c.institution,
    outbox.c.dataset,
    outbox.c.record_key,
    outbox.c.version,
    outbox.c.state,
    outbox.c.attempts,
    outbox.c.batch_cap,
    outbox.c.lease_token,
    outbox.c.sent_at,
)
#: most items looked at in one go when a worker's leftovers are settled
_RECOVER = 500

# Statements are built once: building one costs more than running it.
#: of one institution, queued and due, earliest deadline first; rows that another worker is taking are passed over
_HEAD = (
    select(*COLUMNS)
    .where(
        outbox.c.target == bindparam("target"),
        outbox.c.state == State.QUEUED,
        outbox.c.institution == bindparam("institution"),
        or_(outbox.c.next_at.is_(None), outbox.c.next_at <= bindparam("now")),
    )
    .order_by(outbox.c.due_at, outbox.c.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
#: the most urgent that was never tried
_FRESH = _HEAD.where(outbox.c.attempts == 0)
_SAME = _HEAD.where(
    outbox.c.dataset == bindparam("dataset"),
    outbox.c.batch_cap == bindparam("cap"),
)
_BODIES = (
    select(outbox.c.id, parcel.c.body)
    .join(
        parcel,
        and_(
            parcel.c.institution == outbox.c.institution,
            parcel.c.dataset == outbox.c.dataset,
            parcel.c.record_key == outbox.c.record_key,
            parcel.c.version == outbox.c.version,
        ),
    )
    .where(outbox.c.id.in_(bindparam("ids", expanding=True)))
)
_TAKE = (
    update(outbox)
    .where(outbox.c.id.in_(bindparam("ids", expanding=True)), outbox.c.state == State.QUEUED)
    .values(state=State.LEASED, lease_token=bindparam("token"), lease_until=bindparam("until"))
)
_HELD = select(outbox.c.id).where(outbox.c.lease_token == bindparam("token"))
_MARK = (
    update(outbox)
    .where(outbox.c.lease_token == bindparam("token"), outbox.c.state == State.LEASED, outbox.c.lease_until >= bindparam("now"))
    .values(state=State.SENDING, msgid=bindparam("message"), sent_at=bindparam("now"), lease_until=bindparam("until"))
)
_RELEASE = (
    update(outbox)
    .where(outbox.c.lease_token == bindparam("token"), outbox.c.state == State.LEASED)
    .values(state=State.QUEUED, lease_token=None, lease_until=None)
)
#: the states are said on their own, and no order is asked for: so it is an index that is walked, not the queue
_RECOVERABLE = (
    select(*COLUMNS)
    .where(
        outbox.c.target == bindparam("target"),
        outbox.c.state.in_((State.LEASED, State.SENDING, State.UNKNOWN)),
        or_(
            and_(outbox.c.state != State.UNKNOWN, outbox.c.lease_until < bindparam("now")),
            and_(outbox.c.state == State.UNKNOWN, outbox.c.next_at <= bindparam("now")),
        ),
    )
    .limit(_RECOVER)
)


def recoverable(connection: Connection, datasets: Mapping[str, Dataset], target: str, now: datetime) -> list[Item]:
    """Leases that ran out, and unknown outcomes whose grace is over."""
    return [item_of(row, datasets) for row in connection.execute(_RECOVERABLE, {"target": target, "now": now})]


def lease(connection: Connection, edition: Edition, target: str, now: datetime, until: datetime) -> Batch | None:
    """Take the most urgent due items of the institution whose turn it is, of one data set, within the limits of a batch.

    The items are returned as `mark_sending` will leave them, since that is where their outcomes befall them; the bodies
    are still sealed.
    """
    last = rotation.last(connection, target)  # first: it keeps the other workers out until the commit
    batch = _turn(connection, edition, (target, last), now, until)
    if batch is None and any((parents.sweep(connection, target), outdated.let_go(connection, edition, target))):
        batch = _turn(connection, edition, (target, last), now, until)
    return batch


def _turn(connection: Connection, edition: Edition, at: tuple[str, str], now: datetime, until: datetime) -> Batch | None:
    """One batch of the institution whose turn it is at a target, after the one that had the last."""
    target, last = at
    watch = breakers.watch(connection, target)
    passed_over = watch.closed_to(now)
    while breakers.WHOLE not in passed_over and (institution := rotation.turn(connection, target, now, last, passed_over)):
        of_one = {"target": target, "institution": institution, "now": now}
        if batch := _batch(connection, edition, of_one, until, probing=watch.probes(institution)):
            rotation.had(connection, target, institution)
            watch.probe(connection, institution, until)
            return batch
        passed_over.append(institution)  # all it has due is being changed by intake at this moment
    return None


def release(connection: Connection, batch: Batch, now: datetime) -> None:
    """Give back what was leased and not sent; a newer version that came meanwhile goes instead."""
    connection.execute(_RELEASE, {"token": batch.token})
    turns.pass_on(connection, [item.id for item in batch.items], now)


def _head(connection: Connection, of_one: Mapping[str, Any], *, probing: bool) -> _Row | None:
    """The most urgent item. A breaker is tried with what was never tried: what fails again and again would keep it open."""
    fresh = connection.execute(_FRESH, {**of_one, "most": 1}).first() if probing else None
    return fresh or connection.execute(_HEAD, {**of_one, "most": 1}).first()


def _batch(connection: Connection, edition: Edition, of_one: Mapping[str, Any], until: datetime, *, probing: bool) -> Batch | None:
    while (head := _head(connection, of_one, probing=probing)) and head.dataset not in edition.datasets:
        outdated.hold_dataset(connection, edition, of_one["target"], head.dataset)
    if head is None:
        return None
    most = edition.datasets[head.dataset].batch
    most = min(most, head.batch_cap or most)
    same = {"dataset": head.dataset, "cap": head.batch_cap, "most": most}
    found = connection.execute(_SAME, {**of_one, **same}).all()
    bodies: dict[int, bytes] = {row[0]: row[1] for row in connection.execute(_BODIES, {"ids": [row.id for row in found]})}
    token = str(uuid.uuid4())
    rows = _take(connection, _within_bytes(found, bodies, edition.body_limit), token, until)
    items = tuple(replace(item_of(row, edition.datasets), state=State.SENDING, token=token) for row in rows)
    wire = tuple(bodies[row.id] for row in rows)
    return Batch(token, head.institution, head.dataset, items, wire, until - of_one["now"]) if items else None


def opened(batch: Batch, keyring: Keyring) -> Batch:
    """The batch with its bodies as they travel; outside the transaction, whose lock others wait for."""
    bodies = (
        keyring.open(body, sealing.of_parcel(batch.institution, batch.dataset, item.key, item.version))
        for item, body in zip(batch.items, batch.bodies, strict=True)
    )
    return replace(batch, bodies=tuple(bodies))


def _within_bytes(rows: Sequence[_Row], bodies: Mapping[int, bytes], limit: int) -> list[_Row]:
    """As many rows as fit the body limit, at least one; a tenth is left for the header."""
    chosen: list[_Row] = []
    size = 0
    for row in rows:
        size += len(bodies[row.id])
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
    """leased -> sending, for the whole batch or not at all; the lease begins anew, so that it outlives the whole exchange."""
    said = {"token": batch.token, "message": msgid, "now": now, "until": now + batch.lease}
    marked = connection.execute(_MARK, said).rowcount
    return marked == len(batch.items)


def item_of(row: _Row, datasets: Mapping[str, Dataset]) -> Item:
    """The row as deciding needs it."""
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
        sent_at=row.sent_at,
    )
