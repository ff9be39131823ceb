"""Which rows a source showed of a business day when the cold tier read it last: its manifest is counted by them (ADR 0018).

Local row numbers only, a few bytes each: a day of twenty thousand rows takes some 80 KiB.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import orjson
from sqlalchemy import Connection, delete, select

from gateway.manifest import DayReading
from gateway.store.putting import put
from gateway.store.tables import day_reading


def keep(connection: Connection, source: str, dataset: str, day: date, found: DayReading) -> None:
    """In the place of the reading before."""
    place = {"source": source, "dataset": dataset, "day": day.isoformat()}
    put(connection, day_reading, place, {"read_at": found.read_at, "digest": found.digest, "refs": _packed(found.rows)})


def of(connection: Connection, source: str, dataset: str, day: date) -> DayReading | None:
    """None if the day was not read, or so long ago that it is not kept."""
    here = (*_of(source, dataset), day_reading.c.day == day.isoformat())
    row = connection.execute(select(day_reading).where(*here)).first()
    return DayReading(row.read_at, row.digest, _unpacked(row.refs)) if row else None


def moments(connection: Connection, source: str, dataset: str, digest: str) -> dict[date, datetime]:
    """Day -> when it was read by a profile of that digest."""
    columns = (day_reading.c.day, day_reading.c.read_at)
    query = select(*columns).where(*_of(source, dataset), day_reading.c.digest == digest)
    return {date.fromisoformat(day): at for day, at in connection.execute(query)}


def forget(connection: Connection, source: str, dataset: str, before: date) -> None:
    """Days that the cold tier does not read any more."""
    connection.execute(delete(day_reading).where(*_of(source, dataset), day_reading.c.day < before.isoformat()))


def _of(source: str, dataset: str) -> tuple[Any, ...]:
    return (day_reading.c.source == source, day_reading.c.dataset == dataset)


def _packed(rows: Mapping[str, str]) -> bytes:
    """By institution, so that its code is written once."""
    refs: dict[str, list[str]] = defaultdict(list)
    for ref, institution in sorted(rows.items()):
        refs[institution].append(ref)
    return zlib.compress(orjson.dumps(refs))


def _unpacked(kept: bytes) -> dict[str, str]:
    return {ref: institution for institution, refs in orjson.loads(zlib.decompress(kept)).items() for ref in refs}
