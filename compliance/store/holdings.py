"""What is held of an institution: `compliance.ports.Shelf` over the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Row, Select, func, select

from compliance.store.database import Database
from compliance.store.tables import record, rejection
from schemas import wire
from schemas.holdings import Asked, Fate, Holding
from schemas.model import Violation

_COLUMNS = (
    record.c.key,
    record.c.version,
    record.c.content_hash,
    record.c.vali_flag,
    record.c.rid,
    record.c.accepted_at,
)
_Refusals = dict[tuple[str, int], tuple[str, tuple[Violation, ...]]]


class StoredShelf:
    """Shelf over the store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def of_keys(self, institution: str, dataset: str, asked: Sequence[Asked]) -> tuple[Holding, ...]:
        """One holding per key that was asked, in the order of the question."""
        keys = sorted({each.key for each in asked})
        with self._database.read() as connection:
            newest = _newest(connection, institution, dataset, keys)
            versions = _versions(connection, institution, dataset, keys)
            refusals = _refusals(connection, institution, dataset, keys)
        return tuple(_answer(each, newest.get(each.key), versions, refusals) for each in asked)

    def between(
        self, institution: str, dataset: str, begin: datetime, end: datetime, after_key: str, most: int
    ) -> tuple[Holding, ...]:
        """Keys whose newest version happened in [begin, end), after a key, in the order of the store's keys."""
        query = (
            _of(institution, dataset)
            .where(record.c.occurred_at >= begin, record.c.occurred_at < end, record.c.key > after_key, ~_newer_exists())
            .order_by(record.c.key)
            .limit(most)
        )
        with self._database.read() as connection:
            return tuple(_holding(row) for row in connection.execute(query))


def _of(institution: str, dataset: str) -> Select[Any]:
    return select(*_COLUMNS).where(record.c.institution == institution, record.c.dataset == dataset)


def _newer_exists() -> Any:
    newer = record.alias("newer")
    same_key = (newer.c.institution == record.c.institution, newer.c.dataset == record.c.dataset, newer.c.key == record.c.key)
    return select(newer.c.key).where(*same_key, newer.c.version > record.c.version).exists()


def _newest(connection: Connection, institution: str, dataset: str, keys: Sequence[str]) -> dict[str, Row[Any]]:
    query = _of(institution, dataset).where(record.c.key.in_(keys), ~_newer_exists())
    return {row.key: row for row in connection.execute(query)}


def _versions(connection: Connection, institution: str, dataset: str, keys: Sequence[str]) -> dict[tuple[str, int], str]:
    """(key, version) -> content hash of what was accepted."""
    query = _of(institution, dataset).where(record.c.key.in_(keys))
    return {(row.key, row.version): row.content_hash for row in connection.execute(query)}


def _refusals(connection: Connection, institution: str, dataset: str, keys: Sequence[str]) -> _Refusals:
    """(key, version) -> hash and reasons of the last refusal."""
    last = select(func.max(rejection.c.id)).where(
        rejection.c.institution == institution, rejection.c.dataset == dataset, rejection.c.key.in_(keys)
    )
    query = select(rejection).where(rejection.c.id.in_(last.group_by(rejection.c.key, rejection.c.version)))
    return {
        (row.key, row.version): (row.content_hash, tuple(Violation(**reason) for reason in orjson.loads(row.reasons)))
        for row in connection.execute(query)
    }


def _answer(asked: Asked, newest: Row[Any] | None, versions: dict[tuple[str, int], str], refusals: _Refusals) -> Holding:
    place = (asked.key, asked.version)
    holding = _holding(newest) if newest is not None else Holding(asked.key)
    if place in versions:
        return replace(holding, asked_version=asked.version, fate=Fate.ACCEPTED, asked_hash=versions[place])
    digest, reasons = refusals.get(place, ("", ()))
    fate = Fate.REJECTED if place in refusals else Fate.NEVER
    return replace(holding, asked_version=asked.version, fate=fate, asked_hash=digest, reasons=reasons)


def _holding(row: Row[Any]) -> Holding:
    stamp = wire.encode_datetime(row.accepted_at)
    return Holding(row.key, row.version, row.content_hash, row.vali_flag, row.rid, stamp)
