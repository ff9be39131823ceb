"""Withdrawals into the outbox: owed to those targets that may hold the key, cancelled at the others.

Decided inside the transaction: what is queued now may be under way a moment later.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, insert, or_, select, update

from gateway.model import LedgerEntry, Parcel
from gateway.outbox import IN_FLIGHT, State
from gateway.store.tables import ledger, outbox, parcel

#: a version in one of these states may be at the platform
_HELD_THERE = (State.ACCEPTED, *IN_FLIGHT)
#: so may one that came back unwanted and goes again, or was to: the network may have delivered it twice and told of the second
_CAME_BACK = (State.QUEUED, State.HELD, State.SUPERSEDED, State.CANCELLED)
_UNSENT = (State.QUEUED, State.HELD)
_CHUNK = 200


@dataclass(frozen=True, slots=True)
class _Owed:
    """Which targets must be told, and which never heard of the key."""

    told: tuple[str, ...]
    spared: tuple[str, ...]


def withdraw(connection: Connection, voids: Sequence[Parcel], targets: Collection[str], now: datetime) -> None:
    """Every withdrawal of a page: a new version where it is owed; elsewhere what waits is cancelled and no version is spent."""
    for each in voids:
        owed = _owed(connection, each, targets)
        _cancel(connection, each, owed.spared, State.CANCELLED, now)
        if owed.told:
            _cancel(connection, each, owed.told, State.SUPERSEDED, now)
            _post(connection, each, owed, now)
        _enter(connection, each, spent=bool(owed.told), now=now)


def _owed(connection: Connection, each: Parcel, targets: Collection[str]) -> _Owed:
    """The newest version that may be at a target decides: only a live one has to be taken back."""
    newest: dict[str, bool] = {}
    query = (
        select(outbox.c.target, _may_be_there(outbox), parcel.c.live)
        .join(parcel, _same_version())
        .where(*_key(outbox, each))
        .order_by(outbox.c.version)
        .with_for_update()
    )
    known = set(targets)
    for target, there, live in connection.execute(query).all():
        known.add(target)
        if there:
            newest[target] = live
    told = tuple(sorted(target for target, live in newest.items() if live))
    return _Owed(told, tuple(sorted(known - set(told))))


def _may_be_there(version: Any) -> ColumnElement[bool]:
    came_back = and_(version.c.state.in_(_CAME_BACK), version.c.sent_at.is_not(None))
    return or_(version.c.state.in_(_HELD_THERE), came_back)


def _cancel(connection: Connection, each: Parcel, targets: Sequence[str], state: State, now: datetime) -> None:
    """What waits need not travel; a rejected version of a row that is gone is nobody's work any more."""
    waiting = (*_UNSENT, State.REJECTED) if state is State.CANCELLED else _UNSENT
    here = (*_key(outbox, each), outbox.c.target.in_(targets), outbox.c.state.in_(waiting))
    connection.execute(update(outbox).where(*here).values(state=state, hold="", finished_at=now))


def _post(connection: Connection, each: Parcel, owed: _Owed, now: datetime) -> None:
    identity = {"institution": each.institution, "dataset": each.dataset, "record_key": each.key, "version": each.version}
    content = {
        "content_hash": each.content_hash,
        "occurred_at": each.occurred_at,
        "due_at": each.due_at,
        "seen_at": now,
        "body": each.body,
        "live": False,
    }
    connection.execute(insert(parcel).values(**identity, **content))
    rest = {"due_at": each.due_at, "attempts": 0, "batch_cap": 0, "hold": "", "cause": "", "reasons": "[]"}
    told = [{**identity, **rest, "target": target, "state": State.QUEUED} for target in owed.told]
    spared = [{**identity, **rest, "target": target, "state": State.CANCELLED, "finished_at": now} for target in owed.spared]
    for rows in filter(None, (told, spared)):
        connection.execute(insert(outbox), rows)


def _enter(connection: Connection, each: Parcel, *, spent: bool, now: datetime) -> None:
    version: dict[str, Any] = {"version": each.version, "content_hash": each.content_hash} if spent else {}
    connection.execute(update(ledger).where(*_key(ledger, each)).values(live=False, seen_at=now, **version))


def spare(connection: Connection, ids: Sequence[int], now: datetime) -> None:
    """Cancel withdrawals, just let go, of keys that their target turned out never to hold."""
    held = outbox.alias("held")
    same_key = (
        held.c.target == outbox.c.target,
        held.c.institution == outbox.c.institution,
        held.c.dataset == outbox.c.dataset,
        held.c.record_key == outbox.c.record_key,
        held.c.version < outbox.c.version,
        _may_be_there(held),
    )
    needless = (
        select(outbox.c.id)
        .join(parcel, _same_version())
        .where(outbox.c.id.in_(ids), parcel.c.live.is_(False), ~select(held.c.id).where(*same_key).exists())
    )
    found = list(connection.execute(needless).scalars())
    if found:
        connection.execute(update(outbox).where(outbox.c.id.in_(found)).values(state=State.CANCELLED, finished_at=now))


def of_rows(connection: Connection, source: str, dataset: str, refs: Sequence[str]) -> list[LedgerEntry]:
    """The ledger's entries of these rows of a source."""
    found: list[LedgerEntry] = []
    columns = (ledger.c.version, ledger.c.content_hash, ledger.c.ref, ledger.c.live, ledger.c.institution, ledger.c.record_key)
    for start in range(0, len(refs), _CHUNK):
        here = (ledger.c.source == source, ledger.c.dataset == dataset, ledger.c.ref.in_(refs[start : start + _CHUNK]))
        found.extend(LedgerEntry(*row, source=source) for row in connection.execute(select(*columns).where(*here)))
    return found


def bodies(connection: Connection, entries: Sequence[LedgerEntry], dataset: str) -> Mapping[tuple[str, str], bytes]:
    """The wire records that these entries stand for."""
    found: dict[tuple[str, str], bytes] = {}
    for start in range(0, len(entries), _CHUNK):
        wanted = or_(
            *(
                and_(parcel.c.institution == each.institution, parcel.c.record_key == each.key, parcel.c.version == each.version)
                for each in entries[start : start + _CHUNK]
            )
        )
        query = select(parcel.c.institution, parcel.c.record_key, parcel.c.body).where(parcel.c.dataset == dataset, wanted)
        found.update({(institution, key): body for institution, key, body in connection.execute(query) if body})
    return found


def _key(table: Any, each: Parcel) -> tuple[Any, ...]:
    return (table.c.institution == each.institution, table.c.dataset == each.dataset, table.c.record_key == each.key)


def _same_version() -> Any:
    return and_(
        parcel.c.institution == outbox.c.institution,
        parcel.c.dataset == outbox.c.dataset,
        parcel.c.record_key == outbox.c.record_key,
        parcel.c.version == outbox.c.version,
    )
