"""Take work from the outbox by compare-and-set; works alike on SQLite, PostgreSQL and MariaDB."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, bindparam, or_, select, update

from gateway.outbox import Batch, Item, State
from gateway.store import breakers, bulk, outdated, parents, rotation, sealing, turns
from gateway.store.bulk import Prepared
from gateway.store.recall import recall
from gateway.store.sealing import Keyring
from gateway.store.tables import in_state, installation, outbox, read, written
from schemas.envelope import message_id
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

# Statements become text once: building one costs more than running it.
#: of one institution, queued and due
_DUE = (
    outbox.c.target == bindparam("target"),
    in_state(State.QUEUED),
    outbox.c.institution == bindparam("institution"),
    or_(outbox.c.next_at.is_(None), outbox.c.next_at <= bindparam("now")),
)


def _urgent(query: Select[Any], *more: ColumnElement[bool]) -> Prepared:
    """Earliest deadline first; rows that another worker is taking are passed over."""
    found = query.where(*_DUE, *more).order_by(outbox.c.due_at, outbox.c.id).limit(bindparam("most"))
    return Prepared(found.with_for_update(skip_locked=True))


_HEAD = _urgent(select(outbox.c.dataset, outbox.c.batch_cap))
#: the most urgent that was never tried
_FRESH = _urgent(select(outbox.c.dataset, outbox.c.batch_cap), outbox.c.attempts == 0)
_SAME = _urgent(
    select(outbox.c.id, outbox.c.record_key, outbox.c.version, outbox.c.attempts, outbox.c.batch_cap, outbox.c.sent_at),
    outbox.c.dataset == bindparam("dataset"),
    outbox.c.batch_cap == bindparam("cap"),
)
_BODIES = """
    SELECT outbox.id, parcel.body FROM outbox JOIN parcel
    ON parcel.institution = outbox.institution AND parcel.dataset = outbox.dataset
    AND parcel.record_key = outbox.record_key AND parcel.version = outbox.version
    WHERE outbox.id IN"""
_LEASE = "UPDATE outbox SET state = 'leased', lease_token = ?, lease_until = ? WHERE state = 'queued' AND id IN"
_SEND = (
    "UPDATE outbox SET state = 'sending', lease_token = ?, lease_until = ?, msgid = ?, sent_at = ? WHERE state = 'queued' AND id IN"
)
_HELD = Prepared(select(outbox.c.id).where(outbox.c.lease_token == bindparam("token")))
_COUNT = Prepared(update(installation).values(sequence=installation.c.sequence + 1))
_SEQUENCE = Prepared(select(installation.c.sequence))
_MARK = (
    update(outbox)
    .where(outbox.c.lease_token == bindparam("token"), outbox.c.state == State.LEASED, outbox.c.lease_until >= bindparam("now"))
    .values(state=State.SENDING, msgid=bindparam("message"), sent_at=bindparam("now"), lease_until=bindparam("until"))
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


@dataclass(frozen=True, slots=True)
class Turn:
    """What a worker takes a batch by."""

    edition: Edition
    target: str
    now: datetime
    until: datetime  #: of the lease
    sent: datetime | None = None  #: the batch goes out at once, by a message of that time; None: it is only leased


def lease(connection: Connection, turn: Turn) -> Batch | None:
    """Take the most urgent due items of the institution whose turn it is, of one data set, within the limits of a batch.

    The items are returned as being sent, marked so or not, since that is where their outcomes befall them; the bodies are
    still sealed.
    """
    last = rotation.last(connection, turn.target)  # first: it keeps the other workers out until the commit
    batch = _after(connection, turn, last)
    if batch is None and any((parents.sweep(connection, turn.target), outdated.let_go(connection, turn.edition, turn.target))):
        batch = _after(connection, turn, last)
    return batch


def _after(connection: Connection, turn: Turn, last: str) -> Batch | None:
    """One batch of the institution whose turn it is, after the one that had the last."""
    target, now = turn.target, turn.now
    watch = breakers.watch(connection, target)
    passed_over = watch.closed_to(now)
    while breakers.WHOLE not in passed_over and (institution := rotation.turn(connection, target, now, last, passed_over)):
        if batch := _batch(connection, turn, institution, probing=watch.probes(institution)):
            if institution != last:
                rotation.had(connection, target, institution)
            watch.probe(connection, institution, turn.until)
            return batch
        passed_over.append(institution)  # all it has due is being changed by intake at this moment
    return None


def release(connection: Connection, batch: Batch, now: datetime) -> None:
    """Give back what was leased and not sent; a newer version that came meanwhile goes instead."""
    turns.pass_on(connection, recall(connection, batch, [item.id for item in batch.items]), now)


def _head(connection: Connection, of_one: Mapping[str, Any], *, probing: bool) -> _Row | None:
    """The most urgent item. A breaker is tried with what was never tried: what fails again and again would keep it open."""
    fresh = _FRESH.run(connection, **of_one, most=1).first() if probing else None
    return fresh or _HEAD.run(connection, **of_one, most=1).first()


def _batch(connection: Connection, turn: Turn, institution: str, *, probing: bool) -> Batch | None:
    edition, of_one = turn.edition, {"target": turn.target, "institution": institution, "now": written(turn.now)}
    while (head := _head(connection, of_one, probing=probing)) and head.dataset not in edition.datasets:
        outdated.hold_dataset(connection, edition, turn.target, head.dataset)
    if head is None:
        return None
    dataset = edition.datasets[head.dataset]
    most = min(dataset.batch, head.batch_cap or dataset.batch)
    found = _SAME.run(connection, **of_one, dataset=dataset.code, cap=head.batch_cap, most=most).all()
    bodies: dict[int, bytes] = dict(bulk.among(connection, _BODIES, (), [row[0] for row in found]))
    batch = Batch(str(uuid.uuid4()), institution, dataset.code, (), (), turn.until - turn.now)
    if turn.sent and found:
        batch = replace(batch, msgid=next_message(connection, institution, turn.sent))
    rows = _take(connection, _within_bytes(found, bodies, edition.body_limit), batch, turn)
    items = tuple([_taken(row, dataset.replay, batch.token) for row in rows])
    return replace(batch, items=items, bodies=tuple([bodies[item.id] for item in items])) if items else None


def next_message(connection: Connection, institution: str, now: datetime) -> str:
    """A message id that was never given."""
    return message_id(institution, now, draw(connection))


def draw(connection: Connection) -> int:
    """The next number of this installation; no other worker gets the same."""
    _COUNT.run(connection)
    return int(_SEQUENCE.run(connection).scalar_one())


def opened(batch: Batch, keyring: Keyring) -> Batch:
    """The batch with its bodies as they travel; outside the transaction, whose lock others wait for."""
    bodies = [
        keyring.open(body, sealing.of_parcel(batch.institution, batch.dataset, item.key, item.version))
        for item, body in zip(batch.items, batch.bodies, strict=True)
    ]
    return replace(batch, bodies=tuple(bodies))


def _within_bytes(rows: Sequence[_Row], bodies: Mapping[int, bytes], limit: int) -> Sequence[_Row]:
    """As many rows as fit the body limit, at least one; a tenth is left for the header."""
    size, most = 0, limit * 9 // 10
    for count, row in enumerate(rows):
        size += len(bodies[row[0]])
        if count and size > most:
            return rows[:count]
    return rows


def _take(connection: Connection, rows: Sequence[_Row], batch: Batch, turn: Turn) -> Sequence[_Row]:
    """Lease the rows by compare-and-set. Those that another worker took first are its own now: not an error."""
    ids, place = [row[0] for row in rows], (batch.token, written(turn.until))
    statement, values = (_SEND, (*place, batch.msgid, written(turn.now))) if batch.msgid else (_LEASE, place)
    if bulk.change(connection, statement, values, ids) == len(rows):
        return rows
    held = set(_HELD.run(connection, token=batch.token).scalars())
    return [row for row in rows if row.id in held]


def _taken(row: _Row, replay: Replay, token: str) -> Item:
    """A row just taken, as it is found by the driver."""
    number, key, version, attempts, cap, sent = row
    sent_at = read(sent) if sent else None
    return Item(number, key, version, State.SENDING, attempts, replay, cap, token, sent_at)


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
