"""Each record that is due in a stretch of time, with the history that its lateness is charged by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Row, and_, select, tuple_

from gateway.hindrance import Hindrance
from gateway.lateness import History, Span, Track, spans
from gateway.outbox import State
from gateway.store.engine import reading
from gateway.store.tables import delay, ledger, outbox, parcel, sighting

_ROWS = 2000
_CHUNK = 500
_Row = Row[*tuple[Any, ...]]
_Found = tuple[Track, Sequence[_Row]]
#: in these the platform has had it last
_LEFT = (State.SENDING, State.UNKNOWN, State.CONFLICT, State.ACCEPTED, State.REJECTED)
_OWED_NO_MORE = (State.CANCELLED, State.SUPERSEDED)
_KEY = (outbox.c.institution, outbox.c.dataset, outbox.c.record_key)
_SAME = and_(
    parcel.c.institution == outbox.c.institution,
    parcel.c.dataset == outbox.c.dataset,
    parcel.c.record_key == outbox.c.record_key,
    parcel.c.version == outbox.c.version,
)
_COLUMNS = (
    *(outbox.c.id, *_KEY, outbox.c.version, outbox.c.state, outbox.c.due_at),
    *(outbox.c.sent_at, outbox.c.finished_at, outbox.c.accepted_at),
    *(parcel.c.occurred_at, parcel.c.entered_at, parcel.c.seen_at, parcel.c.live),
)


def tracks(engine: Engine, target: str, after: datetime, until: datetime, only: str = "") -> Iterator[Track]:
    """Every record due in (after, until] at a target, once: by the first of its versions that arrived, else by its newest.

    In bounded memory: a page at a time, each in a transaction of its own, along the index of one institution and data set.
    What was withdrawn before it arrived is owed to nobody.
    """
    due = (outbox.c.target == target, outbox.c.due_at > after, outbox.c.due_at <= until)
    with reading(engine) as connection:
        places = connection.execute(select(outbox.c.institution, outbox.c.dataset).where(*due).distinct()).all()
    for institution, dataset in sorted(place for place in places if only in ("", place.dataset)):
        yield from _of_one(engine, (*due, outbox.c.institution == institution, outbox.c.dataset == dataset))


def _of_one(engine: Engine, due: tuple[ColumnElement[bool], ...]) -> Iterator[Track]:
    """Those of one institution and data set."""
    query = select(*_COLUMNS).join(parcel, _SAME).where(*due).order_by(outbox.c.record_key, outbox.c.version).limit(_ROWS)
    last = ""
    while True:
        with reading(engine) as connection:
            rows = connection.execute(query.where(outbox.c.record_key > last)).all()
            keys = _whole(rows)
            for start in range(0, len(keys), _CHUNK):
                yield from _filled(connection, [track for each in keys[start : start + _CHUNK] if (track := _track(each))])
        if len(rows) < _ROWS:
            return
        last = keys[-1][-1].record_key


def _whole(rows: Sequence[_Row]) -> list[list[_Row]]:
    """The versions of each key; the last of a full page may be cut and is read again."""
    groups = [list(group) for _, group in groupby(rows, key=lambda row: row.record_key)]
    return groups[:-1] if len(rows) == _ROWS and len(groups) > 1 else groups


def _track(versions: Sequence[_Row]) -> _Found | None:
    """The record with its clocks, and the versions up to the one that counts."""
    arrived = next((row for row in versions if row.live and row.state == State.ACCEPTED), None)
    chosen = arrived or versions[-1]
    if not chosen.live or chosen.state in _OWED_NO_MORE:
        return None
    history = History(
        due=chosen.due_at,
        occurred=chosen.occurred_at,
        entered=chosen.entered_at,
        first_seen=versions[0].seen_at,
        taken_in=versions[0].seen_at,
        sent=chosen.sent_at if chosen.state in _LEFT else None,
        arrived=(chosen.accepted_at or chosen.finished_at) if arrived else None,
    )
    return Track(chosen.dataset, chosen.institution, "", history), [row for row in versions if row.version <= chosen.version]


def _filled(connection: Connection, found: Sequence[_Found]) -> Iterator[Track]:
    """What is known beside the clocks, of those that are late or not there."""
    slow = [each for each in found if not (each[0].history.arrived and each[0].history.arrived <= each[0].history.due)]
    yield from (track for track, _ in found if track.history.arrived and track.history.arrived <= track.history.due)
    rows, delays = _source_rows(connection, slow), _delays(connection, slow)
    for track, versions in slow:
        ref, first_seen = rows.get(tuple(versions[-1][1:4]), ("", None))
        taken_in = versions[0].seen_at
        kept = [each for row in versions for each in delays.get(row.id, ())]
        history = replace(
            track.history,
            first_seen=min(first_seen or taken_in, taken_in),
            own=(*spans(kept, versions[-1].sent_at), *_corrected(versions)),
        )
        yield replace(track, ref=ref, history=history)


def _corrected(versions: Sequence[_Row]) -> Iterator[Span]:
    """From each rejection until the next version was taken in."""
    followers = [*(row.seen_at for row in versions[1:]), None]
    for row, follower in zip(versions, followers, strict=True):
        if row.state == State.REJECTED:
            yield Span(Hindrance.REJECTED, row.finished_at, follower)


def _source_rows(connection: Connection, chunk: Sequence[_Found]) -> dict[tuple[str, ...], tuple[str, datetime | None]]:
    """Which row of which source each is, and when it was seen for the first time, set aside or not."""
    same = and_(sighting.c.source == ledger.c.source, sighting.c.dataset == ledger.c.dataset, sighting.c.ref == ledger.c.ref)
    places = [tuple(versions[-1][1:4]) for _, versions in chunk]
    columns = (ledger.c.institution, ledger.c.dataset, ledger.c.record_key, ledger.c.source, ledger.c.ref, sighting.c.first_seen)
    query = select(*columns).outerjoin(sighting, same)
    place = tuple_(ledger.c.institution, ledger.c.dataset, ledger.c.record_key)
    found = connection.execute(query.where(place.in_(places)))
    return {tuple(row[:3]): (f"{row.source} 的 {row.ref}", row.first_seen) for row in found}


def _delays(connection: Connection, chunk: Sequence[_Found]) -> dict[int, list[tuple[Hindrance, datetime, datetime | None]]]:
    ids = [row.id for _, versions in chunk for row in versions]
    found: dict[int, list[tuple[Hindrance, datetime, datetime | None]]] = {}
    for start in range(0, len(ids), _CHUNK):
        query = select(delay).where(delay.c.delivery.in_(ids[start : start + _CHUNK])).order_by(delay.c.id)
        for row in connection.execute(query):
            found.setdefault(row.delivery, []).append((Hindrance(row.kind), row.began_at, row.ended_at))
    return found
