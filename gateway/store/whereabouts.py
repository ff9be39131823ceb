"""Find rows by a number that a person has in the hand, and gather all that the store knows of each.

Every look-up goes along a primary key or an index; only the rows set aside, of which there are few, are looked through.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Row, and_, func, or_, select, tuple_

from gateway import redaction
from gateway.model import AsideState
from gateway.outbox import State
from gateway.store.tables import absence, aside, ledger, outbox, parcel, sighting
from gateway.whereabouts import MOST, RecordTrail, RowTrail, SetAside, Shipment, Sought, VersionTrail
from schemas.model import Violation

_Place = tuple[str, str, str]  #: source, data set, ref; or institution, data set, key
_CHUNK = 200
_ROW = (ledger.c.source, ledger.c.dataset, ledger.c.ref)


def find(connection: Connection, sought: Sought) -> list[RowTrail]:
    """At most MOST rows, those whose own number it is first."""
    places = dict.fromkeys((*_by_row(connection, sought), *_by_key(connection, sought), *_aside_by_key(connection, sought)))
    found = list(places) or list(dict.fromkeys(_by_document(connection, sought)))
    return gather(connection, found[:MOST])


def gather(connection: Connection, places: Sequence[_Place]) -> list[RowTrail]:
    """All that is known of these rows, in their order."""
    seen = {_place(row): row for row in _of(connection, sighting, places)}
    asides = {(row.source, row.dataset, row.ref): row for row in _of(connection, aside, places)}
    entries: dict[_Place, list[Row[Any]]] = defaultdict(list)
    for row in _of(connection, ledger, places):
        entries[row.source, row.dataset, row.ref].append(row)
    keys = [(row.institution, row.dataset, row.record_key) for rows in entries.values() for row in rows]
    trails, missed = _trails(connection, keys), _missed(connection, keys)
    found = []
    for place in places:
        records = tuple(_record(row, trails) for row in entries[place])
        looks = max((missed.get((each.institution, place[1], each.key), 0) for each in records), default=0)
        found.append(_row_trail(place, seen.get(place), asides.get(place), entries[place], records, looks))
    return found


def _row_trail(
    place: _Place,
    sight: Row[Any] | None,
    apart: Row[Any] | None,
    entries: Sequence[Row[Any]],
    records: tuple[RecordTrail, ...],
    missed: int,
) -> RowTrail:
    named = next((row for row in (apart, *entries) if row is not None), None)
    return RowTrail(
        *place,
        institution=named.institution if named else "",
        document=named.document if named else "",
        department=named.department if named else "",
        first_seen=sight.first_seen if sight else None,
        replaced=bool(sight and sight.replaced),
        aside=_set_aside(apart),
        records=records,
        missed=missed,
    )


def _by_row(connection: Connection, sought: Sought) -> Iterable[_Place]:
    for chunk in _chunks(sought.rows):
        here = tuple_(sighting.c.source, sighting.c.dataset).in_(chunk)
        query = select(sighting.c.source, sighting.c.dataset, sighting.c.ref).where(here, sighting.c.ref == sought.number)
        yield from (_place(row) for row in connection.execute(query.limit(MOST)))


def _by_key(connection: Connection, sought: Sought) -> Iterable[_Place]:
    """The whole key, or its first part: a document's number stands there, before the number of a line."""
    institutions: dict[str, list[str]] = defaultdict(list)
    for institution, dataset in sought.keys:
        institutions[dataset].append(institution)
    for named in (ledger.c.record_key == sought.number, _begins(connection, ledger.c.record_key, sought.number)):
        for dataset, owners in institutions.items():
            for chunk in _chunks(owners):
                here = (ledger.c.institution.in_(chunk), ledger.c.dataset == dataset, named)
                rows = connection.execute(select(*_ROW).where(*here).order_by(ledger.c.record_key).limit(MOST))
                yield from (_place(row) for row in rows)


def _aside_by_key(connection: Connection, sought: Sought) -> Iterable[_Place]:
    named = or_(aside.c.record_key == sought.number, _begins(connection, aside.c.record_key, sought.number))
    query = select(aside.c.source, aside.c.dataset, aside.c.ref).where(named)
    rows = connection.execute(query.order_by(aside.c.source, aside.c.dataset, aside.c.ref).limit(MOST))
    known = set(sought.rows)
    return [place for row in rows if (place := _place(row))[:2] in known]


def _by_document(connection: Connection, sought: Sought) -> Iterable[_Place]:
    """A document's number that is no part of the key. It is asked last: an index for it would make each row taken in cost more."""
    for table in (aside, ledger):
        for chunk in _chunks(sought.rows):
            here = (tuple_(table.c.source, table.c.dataset).in_(chunk), table.c.document == sought.number)
            query = select(table.c.source, table.c.dataset, table.c.ref).where(*here).order_by(table.c.ref)
            yield from (_place(row) for row in connection.execute(query.limit(MOST)))


def _begins(connection: Connection, column: ColumnElement[str], number: str) -> ColumnElement[bool]:
    """By the order of bytes, which an index has on SQLite and MariaDB; PostgreSQL orders texts by a language."""
    by_byte = column.collate("C") if connection.dialect.name == "postgresql" else column
    return and_(by_byte > f"{number}|", by_byte < f"{number}}}")


def _place(row: Sequence[Any]) -> _Place:
    return (row[0], row[1], row[2])


def _of(connection: Connection, table: Any, places: Sequence[_Place]) -> Iterable[Row[Any]]:
    for chunk in _chunks(places):
        yield from connection.execute(select(table).where(tuple_(table.c.source, table.c.dataset, table.c.ref).in_(chunk)))


def _missed(connection: Connection, keys: Sequence[_Place]) -> dict[_Place, int]:
    """How many complete looks in a row did not find it. The newest of them is what counts: a sweep forgets what is back."""
    found: dict[_Place, int] = {}
    for chunk in _chunks(keys):
        place = (absence.c.institution, absence.c.dataset, absence.c.record_key)
        query = select(*place, func.max(absence.c.sweeps)).where(tuple_(*place).in_(chunk)).group_by(*place)
        found.update({_place(row): int(looks) for row in connection.execute(query) for looks in row[3:]})
    return found


def _trails(connection: Connection, keys: Sequence[_Place]) -> dict[_Place, list[VersionTrail]]:
    """Every version of these records, the newest first."""
    shipments: dict[tuple[str, str, str, int], list[Shipment]] = defaultdict(list)
    for chunk in _chunks(keys):
        here = tuple_(outbox.c.institution, outbox.c.dataset, outbox.c.record_key).in_(chunk)
        for row in connection.execute(select(outbox).where(here).order_by(outbox.c.target, outbox.c.id)):
            shipments[row.institution, row.dataset, row.record_key, row.version].append(_shipment(row))
    trails: dict[_Place, list[VersionTrail]] = defaultdict(list)
    columns = [column for column in parcel.c if column.name != "body"]
    shredded = (func.length(parcel.c.body) == 0).label("shredded")
    for chunk in _chunks(keys):
        here = tuple_(parcel.c.institution, parcel.c.dataset, parcel.c.record_key).in_(chunk)
        for row in connection.execute(select(*columns, shredded).where(here).order_by(parcel.c.version.desc())):
            place = (row.institution, row.dataset, row.record_key)
            trails[place].append(_version(row, tuple(shipments[*place, row.version])))
    return trails


def _record(row: Row[Any], trails: dict[_Place, list[VersionTrail]]) -> RecordTrail:
    versions = tuple(trails.get((row.institution, row.dataset, row.record_key), ()))
    return RecordTrail(row.institution, row.record_key, row.live, versions)


def _version(row: Row[Any], shipments: tuple[Shipment, ...]) -> VersionTrail:
    clocks = (row.occurred_at, row.entered_at, row.seen_at, row.due_at)
    return VersionTrail(row.version, row.live, *clocks, row.content_hash, bool(row.shredded), shipments)


def _shipment(row: Row[Any]) -> Shipment:
    settled = (row.accepted_at or row.finished_at) if row.finished_at else None
    return Shipment(
        target=row.target,
        state=State(row.state),
        cause=row.cause,
        reasons=_violations(row.reasons),
        attempts=row.attempts,
        msgid=row.msgid or "",
        sent_at=row.sent_at,
        settled_at=settled,
        next_at=row.next_at,
    )


def _set_aside(row: Row[Any] | None) -> SetAside | None:
    if row is None:
        return None
    return SetAside(AsideState(row.state), _violations(row.reasons), row.first_seen, row.last_seen, row.rival)


def _violations(text: str) -> tuple[Violation, ...]:
    return tuple(redaction.reason(Violation(**each)) for each in orjson.loads(text or "[]"))


def _chunks(places: Collection[Any]) -> Iterable[list[Any]]:
    every = list(places)
    for start in range(0, len(every), _CHUNK):
        yield every[start : start + _CHUNK]
