"""Every row that a source ever handed over, known by itself: what the account of DATASETS §7 is held against.

Written from the rows as they were read, in the transaction that takes them in, and by nothing that sorts them: a row that
sorting, the ledger or a later change loses is still here, and is missed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import TypeVar

from sqlalchemy import Connection, and_, func, select, update

from gateway.model import Intake, Parcel
from gateway.standing import Route
from gateway.store import bulk
from gateway.store.tables import aside, ledger, sighting, written

_KNOWN = "SELECT ref, replaced FROM sighting WHERE source = ? AND dataset = ? AND ref IN"
_SIGHTING = ("source", "dataset", "ref", "first_seen", "replaced")
_CHUNK = 500
#: lost rows that are named
_NAMED = 3
T = TypeVar("T")

Row = tuple[str, str, str]  # source, data set, ref


def see(connection: Connection, intake: Intake) -> tuple[set[Row], int]:
    """Remember the rows of a page; one that had gone and comes again counts again. Returns those, and how many are new.

    A page read before it went brings it too: if nothing comes of it, it has gone all the same, and the caller says so.
    """
    place, now = (intake.source, intake.dataset), written(intake.now)
    added = 0
    if len(intake.sighted) == sum(each.version == 1 for each in intake.parcels):  # a page of new keys is one of new rows
        rows = [(*place, ref, now, False) for ref in intake.sighted]
        added = bulk.add_new(connection, sighting, _SIGHTING, rows) or 0
        if added == len(rows):
            return set(), added
    known = {ref: bool(replaced) for ref, replaced in bulk.among(connection, _KNOWN, place, intake.sighted)}
    fresh = [(*place, ref, now, False) for ref in intake.sighted if ref not in known]
    bulk.add(connection, sighting, _SIGHTING, fresh)
    again = [ref for ref, replaced in known.items() if replaced]
    here = (sighting.c.source == intake.source, sighting.c.dataset == intake.dataset)
    for chunk in _chunks(again):
        connection.execute(update(sighting).where(*here, sighting.c.ref.in_(chunk)).values(replaced=False))
    return {(*place, ref) for ref in again}, added + len(fresh)


def owners(connection: Connection, intake: Intake, changed: Sequence[Parcel]) -> set[Row]:
    """The rows whose keys other rows are about to take over; asked before they do."""
    taking = {(each.institution, each.key): (intake.source, each.ref) for each in changed}
    found: set[Row] = set()
    columns = (ledger.c.institution, ledger.c.record_key, ledger.c.source, ledger.c.ref)
    for chunk in _chunks(changed):
        keys = [each.key for each in chunk]
        here = (ledger.c.dataset == intake.dataset, ledger.c.record_key.in_(keys))
        institutions = ledger.c.institution.in_({each.institution for each in chunk})
        for institution, key, source, ref in connection.execute(select(*columns).where(*here, institutions)):
            if taking.get((institution, key), (source, ref)) != (source, ref):
                found.add((source, intake.dataset, ref))
    return found


def replace(connection: Connection, displaced: Collection[Row]) -> None:
    """These rows lost a key to others: those that nothing else tells of are accounted for by that."""
    for source, dataset, ref in displaced:
        elsewhere = (
            select(table.c.ref).where(table.c.source == source, table.c.dataset == dataset, table.c.ref == ref)
            for table in (ledger, aside)
        )
        if all(connection.execute(query.limit(1)).first() is None for query in elsewhere):
            here = (sighting.c.source == source, sighting.c.dataset == dataset, sighting.c.ref == ref)
            connection.execute(update(sighting).where(*here).values(replaced=True))


def count(connection: Connection, route: Route) -> tuple[int, int]:
    """Distinct rows ever seen, and those of them whose key another row has now."""
    here = (sighting.c.source == route.source, sighting.c.dataset == route.dataset)
    seen = connection.execute(select(func.count()).where(*here)).scalar_one()
    gone = connection.execute(select(func.count()).where(*here, sighting.c.replaced.is_(True))).scalar_one()
    return seen, gone


def strays(connection: Connection, route: Route) -> tuple[str, ...]:
    """Some of the rows that were seen and are nowhere now."""
    query = select(sighting.c.ref).where(sighting.c.source == route.source, sighting.c.dataset == route.dataset)
    for table in (ledger, aside):
        same = and_(table.c.source == sighting.c.source, table.c.dataset == sighting.c.dataset, table.c.ref == sighting.c.ref)
        query = query.where(~select(table.c.ref).where(same).exists())
    found = connection.execute(query.where(sighting.c.replaced.is_(False)).order_by(sighting.c.ref).limit(_NAMED))
    return tuple(found.scalars())


def _chunks(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]
