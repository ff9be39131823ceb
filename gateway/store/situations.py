"""Counts that alarms and metrics are made of. Each reads what waits or is wrong, never the whole of what was sent."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, case, func, select

from gateway.model import AsideState
from gateway.outbox import State
from gateway.situation import Owed
from gateway.store.tables import aside, installation, ledger, outbox, parcel, pulse

WAITING = (State.QUEUED, State.LEASED, State.SENDING, State.UNKNOWN, State.CONFLICT, State.HELD)


def owed(connection: Connection, targets: Collection[str], now: datetime, horizons: Collection[timedelta]) -> list[Owed]:
    """Everything on its way to these targets, in groups of alike ones; along the index of target and state."""
    place = (outbox.c.target, outbox.c.institution, outbox.c.dataset, outbox.c.state, outbox.c.hold)
    ordered = sorted(set(horizons))
    soon = (
        func.sum(case((and_(outbox.c.due_at > now, outbox.c.due_at <= now + horizon), 1), else_=0)).label(f"within_{number}")
        for number, horizon in enumerate(ordered)
    )
    overdue = func.sum(case((outbox.c.due_at <= now, 1), else_=0))
    waiting = (outbox.c.target.in_(targets), outbox.c.state.in_(WAITING))
    query = select(*place, func.count(), overdue, *soon).where(*waiting).group_by(*place)
    found = connection.execute(query)
    return [
        Owed(
            target,
            institution,
            dataset,
            State(state),
            hold,
            int(rows),
            int(late),
            dict(zip(ordered, map(int, within), strict=True)),
        )
        for target, institution, dataset, state, hold, rows, late, *within in found
    ]


def oldest(connection: Connection, target: str) -> datetime | None:
    """When what waits longest for a target was taken in. Numbers grow as rows are queued."""
    first = select(func.min(outbox.c.id)).where(outbox.c.target == target, outbox.c.state.in_(WAITING)).scalar_subquery()
    same = and_(
        parcel.c.institution == outbox.c.institution,
        parcel.c.dataset == outbox.c.dataset,
        parcel.c.record_key == outbox.c.record_key,
        parcel.c.version == outbox.c.version,
    )
    query = select(parcel.c.seen_at).select_from(outbox.join(parcel, same)).where(outbox.c.id == first)
    found: datetime | None = connection.execute(query).scalar()
    return found


def rejected(connection: Connection, targets: Collection[str]) -> dict[tuple[str, str], int]:
    """(target, data set) -> keys whose newest version was sent back."""
    same = and_(
        ledger.c.institution == outbox.c.institution,
        ledger.c.dataset == outbox.c.dataset,
        ledger.c.record_key == outbox.c.record_key,
        ledger.c.version == outbox.c.version,
    )
    query = select(outbox.c.target, outbox.c.dataset, func.count()).select_from(outbox.join(ledger, same))
    sent_back = (outbox.c.target.in_(targets), outbox.c.state == State.REJECTED)
    found = connection.execute(query.where(*sent_back).group_by(outbox.c.target, outbox.c.dataset))
    return {(target, dataset): rows for target, dataset, rows in found}


def asides(connection: Connection) -> dict[tuple[str, str, AsideState], int]:
    """(source, data set, state) -> rows set aside."""
    place = (aside.c.source, aside.c.dataset, aside.c.state)
    query = select(*place, func.count()).group_by(*place)
    return {(source, dataset, AsideState(state)): rows for source, dataset, state, rows in connection.execute(query)}


def beaten(connection: Connection, name: str) -> datetime | None:
    """When something gave its last sign of life."""
    found: datetime | None = connection.execute(select(pulse.c.beat_at).where(pulse.c.name == name)).scalar()
    return found


def made(connection: Connection) -> tuple[datetime, int]:
    """When the store was made, and the version of its tables."""
    query = select(installation.c.created_at, installation.c.schema_version)
    found = connection.execute(query).one()
    return found.created_at, found.schema_version
