"""Counts over what was received: `compliance.ports.Standing` over the store."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Integer, and_, case, func, select

from compliance.model import Tally
from compliance.store.database import Database
from compliance.store.tables import record, rejection
from schemas import operating


class StoredStanding:
    """Standing over the store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def tallies(self, as_of: datetime) -> tuple[Tally, ...]:
        """Per institution and data set, of what had come in by `as_of`; operating records are no figures of a scene."""
        with self._database.read() as connection:
            received = _received(connection, as_of)
            rejected = _rejected(connection, as_of)
        pairs = sorted({*received, *rejected})
        return tuple(_tally(pair, received.get(pair), rejected.get(pair, 0)) for pair in pairs)


_Pair = tuple[str, str]
_Counts = tuple[int, int, int, datetime]


def _tally(pair: _Pair, counts: _Counts | None, rejected: int) -> Tally:
    if counts is None:
        return Tally(*pair, rejected=rejected)
    received, live, on_time, last = counts
    return Tally(*pair, received=received, live=live, on_time=on_time, rejected=rejected, last_received=last)


def _received(connection: Connection, as_of: datetime) -> dict[_Pair, _Counts]:
    """A key counts once: as live by its newest version, as on time by its first acceptance."""
    key = (record.c.institution, record.c.dataset, record.c.key)
    ranked = (
        select(
            record.c.institution,
            record.c.dataset,
            record.c.vali_flag,
            record.c.accepted_at,
            record.c.due_at,
            func.row_number().over(partition_by=key, order_by=(record.c.accepted_at, record.c.version)).label("arrival"),
            func.row_number().over(partition_by=key, order_by=record.c.version.desc()).label("age"),
        )
        .where(record.c.accepted_at <= as_of, record.c.dataset.not_in(operating.CODES))
        .subquery()
    )
    first = ranked.c.arrival == 1
    query = select(
        ranked.c.institution,
        ranked.c.dataset,
        _count(first).label("received"),
        _count(and_(ranked.c.age == 1, ranked.c.vali_flag == "1")).label("live"),
        _count(and_(first, ranked.c.accepted_at <= ranked.c.due_at)).label("on_time"),
        func.max(ranked.c.accepted_at).label("last"),
    ).group_by(ranked.c.institution, ranked.c.dataset)
    return {(row.institution, row.dataset): (row.received, row.live, row.on_time, row.last) for row in connection.execute(query)}


def _rejected(connection: Connection, as_of: datetime) -> dict[_Pair, int]:
    """Keys whose newest rejected version is above every accepted one: a mended key is no longer open."""
    mended = (
        select(record.c.key)
        .where(
            record.c.institution == rejection.c.institution,
            record.c.dataset == rejection.c.dataset,
            record.c.key == rejection.c.key,
            record.c.version >= rejection.c.version,
            record.c.accepted_at <= as_of,
        )
        .exists()
    )
    query = (
        select(rejection.c.institution, rejection.c.dataset, func.count(rejection.c.key.distinct()).label("open"))
        .where(rejection.c.received_at <= as_of, rejection.c.dataset.not_in(operating.CODES), ~mended)
        .group_by(rejection.c.institution, rejection.c.dataset)
    )
    return {(row.institution, row.dataset): row.open for row in connection.execute(query)}


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0), type_=Integer)
