"""What the board reads: `compliance.ports.Watch` over the store."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, datetime
from typing import Any

import orjson
from sqlalchemy import literal, select

from compliance import declared
from compliance.closing import Closure
from compliance.connection import Heard
from compliance.days import Arrival, Manifest
from compliance.declared import Declaration
from compliance.store import closures
from compliance.store.beats import StoredBeats
from compliance.store.database import Database
from compliance.store.tables import record
from schemas import manifest, operating

_LIVE = "1"
#: written out, so that the index of declarations is used
_IS_TOLD = record.c.dataset == literal(operating.DECLARATION, literal_execute=True)
#: rows of the account that are owed and not accepted; superseded ones are counted by the version that took their place
_UNDER_WAY = ("queued", "leased", "sending", "unknown", "held", "rejected")
_OUTSTANDING = ("not_ready", "quarantined", *_UNDER_WAY)


class StoredWatch:
    """Watch over the store."""

    def __init__(self, database: Database) -> None:
        self._database, self._beats = database, StoredBeats(database)

    def closures(self) -> tuple[Closure, ...]:
        """Those in force, of everyone."""
        with self._database.read() as connection:
            return closures.load(connection)

    def declarations(self, as_of: datetime) -> tuple[Declaration, ...]:
        """Everyone's, with what had come of each by then."""
        query = (
            select(record.c.body, record.c.accepted_at, record.c.due_at)
            .where(_IS_TOLD, record.c.accepted_at <= as_of)
            .order_by(record.c.institution, record.c.key, record.c.version)
        )
        with self._database.read() as connection:
            return declared.read((orjson.loads(row.body), row.accepted_at, row.due_at) for row in connection.execute(query))

    def heard(self, institution: str, day: date, until: datetime) -> Heard:
        """What is known of an institution's heartbeats."""
        return self._beats.heard(institution, day, until)

    def arrivals(
        self, institution: str, datasets: Collection[str], begin: datetime, end: datetime, as_of: datetime
    ) -> tuple[Arrival, ...]:
        """Every version, accepted by `as_of`, of each key that has one whose business time is in [begin, end)."""
        of = (record.c.institution == institution, record.c.dataset.in_(sorted(datasets)))
        there = record.alias("there")
        happened = select(there.c.key).where(
            there.c.institution == institution,
            there.c.dataset == record.c.dataset,
            there.c.occurred_at >= begin,
            there.c.occurred_at < end,
        )
        columns = (
            record.c.dataset,
            record.c.key,
            record.c.version,
            record.c.content_hash,
            record.c.vali_flag,
            record.c.occurred_at,
            record.c.accepted_at,
            record.c.due_at,
        )
        query = select(*columns).where(*of, record.c.accepted_at <= as_of, record.c.key.in_(happened))
        with self._database.read() as connection:
            return tuple(map(_arrival, connection.execute(query)))

    def manifests(self, institution: str, begin: datetime, end: datetime, as_of: datetime) -> tuple[Manifest, ...]:
        """The live versions of the manifests of these business dates."""
        query = (
            select(record.c.key, record.c.vali_flag, record.c.body, record.c.accepted_at)
            .where(record.c.institution == institution, record.c.dataset == operating.MANIFEST)
            .where(record.c.occurred_at >= begin, record.c.occurred_at < end, record.c.accepted_at <= as_of)
            .order_by(record.c.key, record.c.version)
        )
        with self._database.read() as connection:
            return tuple(_live(connection.execute(query).all()))


def _live(rows: Any) -> Iterator[Manifest]:
    """Without those that were withdrawn: their newest version is void."""
    newest = {row.key: row.vali_flag for row in rows}
    for row in rows:
        if row.vali_flag == _LIVE and newest[row.key] == _LIVE:
            body = orjson.loads(row.body)
            yield Manifest(
                dataset=body["dataset"],
                day=date.fromisoformat(body["business_date"]),
                received_at=row.accepted_at,
                read=int(body["read"]),
                accepted=int(body["accepted"]),
                zero=manifest.zero(body),
                outstanding=sum(int(body[part]) for part in _OUTSTANDING),
                under_way=sum(int(body[part]) for part in _UNDER_WAY),
                digest=body["digest"],
            )


def _arrival(row: Any) -> Arrival:
    return Arrival(
        dataset=row.dataset,
        key=row.key,
        version=row.version,
        content_hash=row.content_hash,
        live=row.vali_flag == _LIVE,
        occurred_at=row.occurred_at,
        accepted_at=row.accepted_at,
        due_at=row.due_at,
    )
