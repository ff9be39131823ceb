"""Versions put on the queue of their targets, and those of a target that came later than they did."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, insert, or_, select, update

from gateway.model import Intake, LedgerEntry, Parcel
from gateway.outbox import State
from gateway.store import turns
from gateway.store.tables import outbox, parcel

_CHUNK = 500


def identity(each: Parcel) -> dict[str, Any]:
    """Which version of which record."""
    return {
        "institution": each.institution,
        "dataset": each.dataset,
        "record_key": each.key,
        "version": each.version,
    }


def queued(each: Parcel, target: str) -> dict[str, Any]:
    """A delivery that was never tried."""
    return {
        **identity(each),
        "target": target,
        "state": State.QUEUED,
        "due_at": each.due_at,
        "attempts": 0,
        "batch_cap": 0,
        "hold": "",
        "cause": "",
        "reasons": "[]",
    }


def supersede(connection: Connection, changed: Sequence[Parcel], now: datetime) -> None:
    """An older version still waiting need not travel any more: each record is sent whole."""
    statement = (
        update(outbox)
        .where(
            outbox.c.institution == bindparam("i"),
            outbox.c.dataset == bindparam("d"),
            outbox.c.record_key == bindparam("k"),
            outbox.c.version < bindparam("v"),
            # not IN: a list of values cannot be bound in a statement that runs once per parcel
            or_(outbox.c.state == State.QUEUED, outbox.c.state == State.HELD),
        )
        .values(state=State.SUPERSEDED, finished_at=now)
    )
    connection.execute(statement, [{"i": p.institution, "d": p.dataset, "k": p.key, "v": p.version} for p in changed])


def unserved(
    connection: Connection, dataset: str, entries: Collection[LedgerEntry], targets: Collection[str]
) -> set[tuple[str, str]]:
    """(institution, key) of the entries whose version some target was never given."""
    given: set[tuple[str, str, int, str]] = set()
    columns = (outbox.c.institution, outbox.c.record_key, outbox.c.version, outbox.c.target)
    for institution, keys in _chunks(entries):
        here = (outbox.c.institution == institution, outbox.c.dataset == dataset, outbox.c.record_key.in_(keys))
        given.update(tuple(row) for row in connection.execute(select(*columns).where(*here, outbox.c.target.in_(targets))))
    return {
        (each.institution, each.key)
        for each in entries
        if any((each.institution, each.key, each.version, target) not in given for target in targets)
    }


def _chunks(entries: Collection[LedgerEntry]) -> Iterator[tuple[str, list[str]]]:
    for institution in {each.institution for each in entries}:
        keys = [each.key for each in entries if each.institution == institution]
        for start in range(0, len(keys), _CHUNK):
            yield institution, keys[start : start + _CHUNK]


def serve(connection: Connection, intake: Intake) -> None:
    """Queue known versions where they never were. The caller has locked their keys."""
    wanted = {(each.institution, each.key): each for each in intake.owed}
    given: set[tuple[str, str, int, str]] = set()
    columns = (outbox.c.institution, outbox.c.record_key, outbox.c.version, outbox.c.target)
    for same in turns.places(intake.owed):
        given.update(tuple(row) for row in connection.execute(select(*columns).where(*same)))
    rows = [
        queued(each, target)
        for (institution, key), each in wanted.items()
        for target in intake.targets
        if (institution, key, each.version, target) not in given
    ]
    if rows:
        connection.execute(_REFILL, [_refilled(each) for each in wanted.values()])
        connection.execute(insert(outbox), rows)
        supersede(connection, list(wanted.values()), intake.now)
        turns.hold_back(connection, list(wanted.values()))


#: a body that was shredded, once more; one that is there stays: it is what the other targets took
_REFILL = (
    update(parcel)
    .where(
        parcel.c.institution == bindparam("i"),
        parcel.c.dataset == bindparam("d"),
        parcel.c.record_key == bindparam("k"),
        parcel.c.version == bindparam("v"),
        parcel.c.body == b"",
    )
    .values(body=bindparam("sealed"))
)


def _refilled(each: Parcel) -> dict[str, Any]:
    return {"i": each.institution, "d": each.dataset, "k": each.key, "v": each.version, "sealed": each.body}
