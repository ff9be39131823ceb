"""The ledger rebuilt from what a platform holds: a key gets a version number that the platform has not seen.

What our ledger says of the key stays; only its number changes, in the ledger, in the record and for every target, so that
no target is left with a number that stands for other content.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Row, Select, and_, insert, select, update

from gateway.model import Parcel
from gateway.outbox import Doubt, State
from gateway.reconcile import Claim, Mend, mend
from gateway.standing import EVERYTHING, Extent
from gateway.store import parents, reservations, sealing, turns
from gateway.store.leasing import COLUMNS, item_of
from gateway.store.sealing import Keyring
from gateway.store.tables import ledger, outbox, parcel
from schemas.holdings import Holding
from schemas.model import Dataset

#: most items looked into in one go; a platform answers at least so many keys at once
_MOST = 200
_UNSENT = (State.QUEUED, State.HELD)


@dataclass(frozen=True, slots=True)
class Rebuilding:
    """What one rebuild works with."""

    target: str
    rid: str
    keyring: Keyring
    now: datetime


def doubts(
    connection: Connection, datasets: Mapping[str, Dataset], target: str, state: State, now: datetime, after: int
) -> list[Doubt]:
    """Items in that state that are due to be looked into and nobody looks into, above an id, with the hash of what was sent."""
    due = _page(target, state, after).where(outbox.c.next_at <= now, reservations.free(now))
    return [_doubt(row, datasets) for row in connection.execute(due)]


def settled(
    connection: Connection, datasets: Mapping[str, Dataset], target: str, after: int, extent: Extent = EVERYTHING
) -> list[Doubt]:
    """Accepted items that are their key's newest version, above an id."""
    newest = and_(
        ledger.c.institution == outbox.c.institution,
        ledger.c.dataset == outbox.c.dataset,
        ledger.c.record_key == outbox.c.record_key,
        ledger.c.version == outbox.c.version,
    )
    query = _page(target, State.ACCEPTED, after).join(ledger, newest)
    if extent.dataset:
        query = query.where(outbox.c.dataset == extent.dataset)
    if extent.span:
        query = query.where(parcel.c.occurred_at >= extent.span[0], parcel.c.occurred_at < extent.span[1])
    return [_doubt(row, datasets) for row in connection.execute(query)]


def unknown(connection: Connection, datasets: Mapping[str, Dataset], target: str, dataset: str, key: str) -> list[Doubt]:
    """Items of unknown outcome of one key, of every institution that has it, whenever they are due."""
    of_key = _page(target, State.UNKNOWN, 0).where(outbox.c.dataset == dataset, outbox.c.record_key == key)
    return [_doubt(row, datasets) for row in connection.execute(of_key)]


def _page(target: str, state: State, after: int) -> Select[Any]:
    return (
        select(*COLUMNS, parcel.c.content_hash)
        .join(parcel, _same_version())
        .where(outbox.c.target == target, outbox.c.state == state, outbox.c.id > after)
        .order_by(outbox.c.id)
        .limit(_MOST)
    )


def _doubt(row: Row[Any], datasets: Mapping[str, Dataset]) -> Doubt:
    return Doubt(item_of(row, datasets), row.institution, row.dataset, row.content_hash)


def record(connection: Connection, doubt: Doubt, keyring: Keyring) -> bytes:
    """The wire record of an item."""
    place = (doubt.institution, doubt.dataset, doubt.item.key, doubt.item.version)
    sealed = connection.execute(select(parcel.c.body).where(*_version(parcel, *place))).scalar_one()
    return keyring.open(sealed, sealing.of_parcel(*place))


def rebuild(connection: Connection, work: Rebuilding, findings: Sequence[tuple[Doubt, Holding]]) -> None:
    """Mend each key by what the platform holds of it; a key that another worker settled meanwhile is left alone."""
    for doubt, holding in findings:
        entry = _locked(connection, doubt)
        if entry is None:
            continue
        claim = Claim(entry.version, entry.content_hash, doubt.item.version)
        _MENDS[mend(claim, holding)](connection, work, doubt, holding, entry)
    turns.pass_on(connection, [doubt.item.id for doubt, _ in findings], work.now)


def _locked(connection: Connection, doubt: Doubt) -> Row[Any, Any] | None:
    """The ledger's row of the key, while the item is still in conflict and reserved as it was. Locks the key until the commit.

    Twice: whoever held the lock may have put a new version beside those that were looked for. Once they are ours nobody
    can, as intake locks a key before it adds to it.
    """
    columns = (outbox.c.id, outbox.c.state, outbox.c.lease_token)
    deliveries = select(*columns).where(*_key(outbox, doubt)).order_by(outbox.c.id).with_for_update()
    connection.execute(deliveries).all()
    found = {row.id: (row.state, row.lease_token) for row in connection.execute(deliveries)}
    if found.get(doubt.item.id) != (State.CONFLICT, doubt.item.token):
        return None
    return connection.execute(select(ledger.c.version, ledger.c.content_hash).where(*_key(ledger, doubt))).one()


def _again(connection: Connection, work: Rebuilding, doubt: Doubt, holding: Holding, entry: Row[Any, Any]) -> None:
    _settle(connection, doubt, {"state": State.QUEUED, "next_at": work.now})


def _superseded(connection: Connection, work: Rebuilding, doubt: Doubt, holding: Holding, entry: Row[Any, Any]) -> None:
    _settle(connection, doubt, {"state": State.SUPERSEDED, "finished_at": work.now})


def _accepted(connection: Connection, work: Rebuilding, doubt: Doubt, holding: Holding, entry: Row[Any, Any]) -> None:
    """The platform holds our newest content; ours takes the platform's number."""
    if holding.version == entry.version == doubt.item.version:
        _settle(connection, doubt, {"state": State.ACCEPTED, "finished_at": work.now})
    elif holding.version == entry.version:  # a newer version of ours, and it went well
        _superseded(connection, work, doubt, holding, entry)
    else:
        _renumber(connection, work, doubt, entry.version, holding.version, State.ACCEPTED)


def _next(connection: Connection, work: Rebuilding, doubt: Doubt, holding: Holding, entry: Row[Any, Any]) -> None:
    """Our content on top; if its body was shredded, the platform's entry is taken over and the next read sends ours."""
    body = select(parcel.c.body).where(*_version(parcel, *_place(doubt, entry.version)))
    if connection.execute(body).scalar_one():
        _renumber(connection, work, doubt, entry.version, holding.version + 1, State.QUEUED)
    else:
        _adopt(connection, work, doubt, holding, entry.version)


def _adopt(connection: Connection, work: Rebuilding, doubt: Doubt, holding: Holding, old: int) -> None:
    """The ledger says what the platform says, so that any other content at the source is news."""
    if holding.version > old:
        _renumber(connection, work, doubt, old, holding.version, State.ACCEPTED)
    else:
        _settle(connection, doubt, {"state": State.ACCEPTED, "finished_at": work.now})
    said = {"content_hash": holding.content_hash}
    connection.execute(update(parcel).where(*_version(parcel, *_place(doubt, holding.version))).values(said))
    connection.execute(update(ledger).where(*_key(ledger, doubt)).values(said))


_Mending = Callable[[Connection, Rebuilding, Doubt, Holding, Row[Any, Any]], None]
_MENDS: dict[Mend, _Mending] = {
    Mend.ACCEPTED: _accepted,
    Mend.NEXT: _next,
    Mend.AGAIN: _again,
    Mend.SUPERSEDED: _superseded,
}


def _renumber(connection: Connection, work: Rebuilding, doubt: Doubt, old: int, new: int, here: State) -> None:
    """The newest content under a new number, for every target that was owed the old one; older ones need not travel.

    A shredded one cannot travel at all: the other targets took it under its old number, and keep it.
    """
    content = connection.execute(select(parcel).where(*_version(parcel, *_place(doubt, old)))).one()._asdict()
    body = _rewritten(work, doubt, content["body"], old, new)
    connection.execute(insert(parcel).values({**content, "version": new, "body": body}))
    columns = (outbox.c.id, outbox.c.target, outbox.c.state, outbox.c.hold)
    for row in connection.execute(select(*columns).where(*_version(outbox, *_place(doubt, old)))).all():
        state = here if row.target == work.target else _elsewhere(row.state, travels=bool(body))
        if row.state in _UNSENT and state is not State.ACCEPTED:
            _carry_over(connection, work, row, new)
        else:
            connection.execute(insert(outbox).values(_delivery(work, doubt, new, row.target, state, content["due_at"])))
    settled = and_(outbox.c.target == work.target, outbox.c.state == State.CONFLICT)
    older = (*_key(outbox, doubt), outbox.c.version < new, settled | outbox.c.state.in_(_UNSENT))
    gone = {"state": State.SUPERSEDED, "hold": "", "cause": "", "next_at": None, "finished_at": work.now}
    connection.execute(update(outbox).where(*older).values(gone))
    connection.execute(update(ledger).where(*_key(ledger, doubt)).values(version=new))
    turns.hold_back(connection, [_parcel(doubt, new, content)])


def _carry_over(connection: Connection, work: Rebuilding, row: Row[Any, Any, Any, Any], new: int) -> None:
    """What has not left keeps its place in the queue, and what it waits for beside the older version settled now."""
    values: dict[str, Any] = {"version": new}
    freed = row.target == work.target and row.hold == turns.OLDER_VERSION
    if freed:
        values |= {"state": State.QUEUED, "hold": "", "cause": ""}
    connection.execute(update(outbox).where(outbox.c.id == row.id).values(values))
    if freed:
        parents.hold_again(connection, [row.id])


def _rewritten(work: Rebuilding, doubt: Doubt, sealed: bytes, old: int, new: int) -> bytes:
    """The body with its number and sender of today; neither is part of the content hash. A shredded one stays empty."""
    if not sealed:
        return sealed
    body = orjson.loads(work.keyring.open(sealed, sealing.of_parcel(*_place(doubt, old))))
    fresh = orjson.dumps({**body, "version": str(new), "rid": work.rid})
    return work.keyring.seal(fresh, sealing.of_parcel(*_place(doubt, new)))


def _elsewhere(state: str, *, travels: bool) -> State:
    """What the new number is at another target: where the old one was cancelled nothing is owed; else it travels if it can."""
    return State(state) if state == State.CANCELLED or not travels else State.QUEUED


def _delivery(work: Rebuilding, doubt: Doubt, version: int, target: str, state: State, due_at: datetime) -> dict[str, Any]:
    row = {"target": target, "institution": doubt.institution, "dataset": doubt.dataset, "record_key": doubt.item.key}
    fresh = {"attempts": 0, "batch_cap": 0, "hold": "", "cause": "", "reasons": "[]"}
    finished = {} if state is State.QUEUED else {"finished_at": work.now}
    return {**row, **fresh, **finished, "version": version, "state": state, "due_at": due_at}


def _settle(connection: Connection, doubt: Doubt, values: dict[str, Any]) -> None:
    fixed = {"cause": "", "next_at": None, "lease_token": None, "lease_until": None}
    here = (outbox.c.id == doubt.item.id, outbox.c.state == State.CONFLICT)
    connection.execute(update(outbox).where(*here).values({**fixed, **values}))


def _parcel(doubt: Doubt, version: int, content: dict[str, Any]) -> Parcel:
    """As `turns` wants it; the rest of it is in the store already."""
    return Parcel(
        institution=doubt.institution,
        dataset=doubt.dataset,
        key=doubt.item.key,
        version=version,
        content_hash=content["content_hash"],
        ref="",
        occurred_at=content["occurred_at"],
        due_at=content["due_at"],
        body=b"",
    )


def _place(doubt: Doubt, version: int) -> tuple[str, str, str, int]:
    return doubt.institution, doubt.dataset, doubt.item.key, version


def _key(table: Any, doubt: Doubt) -> tuple[Any, ...]:
    same = (table.c.institution == doubt.institution, table.c.dataset == doubt.dataset)
    return (*same, table.c.record_key == doubt.item.key)


def _version(table: Any, institution: str, dataset: str, key: str, version: int) -> tuple[Any, ...]:
    same = (table.c.institution == institution, table.c.dataset == dataset)
    return (*same, table.c.record_key == key, table.c.version == version)


def _same_version() -> Any:
    return and_(
        parcel.c.institution == outbox.c.institution,
        parcel.c.dataset == outbox.c.dataset,
        parcel.c.record_key == outbox.c.record_key,
        parcel.c.version == outbox.c.version,
    )
