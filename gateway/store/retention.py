"""Shred bodies that every target has taken long ago. Key, version and hash stay: they tell what is new.

A body goes when all deliveries of its version are settled: taken, or no longer owed because a newer version went instead or
the row was withdrawn. Queued, held and unknown ones keep theirs, however old; so do rejected ones, until a newer version is
taken. Rows set aside are not ours to touch.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, and_, bindparam, or_, select, update

from gateway.errors import StoreError
from gateway.outbox import State
from gateway.store import alarms, interruptions, rhythms
from gateway.store.engine import place_of, reading, write
from gateway.store.tables import installation, outbox, parcel
from gateway.store.trouble import sentence

#: what kept records is told of for a year's assessment, and a month to look into it
_NOTED = timedelta(days=400)
SETTLED = (State.ACCEPTED, State.SUPERSEDED, State.CANCELLED)
_BATCH = 500
#: free pages given back in one go, so that no writer waits long
_PAGES = 1000


def shred(engine: Engine, keep: timedelta, now: datetime) -> int:
    """Empty the bodies finished before `now - keep`, a batch a transaction; returns how many.

    Only what finished since the last time is looked at. A version with several targets is looked at when each of them
    finishes; the last of them decides.
    """
    until, shredded = now - keep, 0
    _lay_to_rest(engine, until)
    after = write(engine, lambda connection: connection.execute(select(installation.c.shredded_to)).scalar())
    place = (after, 0) if after else None
    while True:
        count, place = write(engine, lambda connection, at=place: _batch(connection, at, until))  # type: ignore[misc]
        shredded += count
        if place is None:
            break
    write(engine, lambda connection: interruptions.forget(connection, now - _NOTED))
    write(engine, lambda connection: rhythms.forget(connection, now))
    write(engine, lambda connection: alarms.forget(connection, now - _NOTED))
    _give_back(engine)
    return shredded


def _batch(connection: Connection, after: tuple[datetime, int] | None, until: datetime) -> tuple[int, tuple[datetime, int] | None]:
    """One batch in the order of finishing; returns where the next one begins, None after the last."""
    rows = connection.execute(_finished(after, until)).all()
    done = _settled_whole(connection, rows, until)
    if done:
        connection.execute(_EMPTY, done)
    if len(rows) < _BATCH:
        connection.execute(update(installation).values(shredded_to=until))
        return len(done), None
    connection.execute(update(installation).values(shredded_to=rows[-1].finished_at))
    return len(done), (rows[-1].finished_at, rows[-1].id)


def _lay_to_rest(engine: Engine, until: datetime) -> None:
    """What was sent back is answered once its target has accepted a newer version: it counts as superseded from then on."""
    newer = outbox.alias("newer")
    answered = and_(
        newer.c.target == outbox.c.target,
        newer.c.institution == outbox.c.institution,
        newer.c.dataset == outbox.c.dataset,
        newer.c.record_key == outbox.c.record_key,
        newer.c.version > outbox.c.version,
        newer.c.state == State.ACCEPTED,
        newer.c.finished_at <= until,
    )
    query = select(outbox.c.id).join(newer, answered).where(outbox.c.state == State.REJECTED).distinct()
    with reading(engine) as connection:
        found = [{"i": number} for number in connection.execute(query).scalars()]
    if found:
        done = update(outbox).where(outbox.c.id == bindparam("i"), outbox.c.state == State.REJECTED)
        statement = done.values(state=State.SUPERSEDED, finished_at=until)
        write(engine, lambda connection: connection.execute(statement, found))


_EMPTY = (
    update(parcel)
    .where(
        parcel.c.institution == bindparam("i"),
        parcel.c.dataset == bindparam("d"),
        parcel.c.record_key == bindparam("k"),
        parcel.c.version == bindparam("v"),
    )
    .values(body=b"")
)


def _finished(after: tuple[datetime, int] | None, until: datetime) -> Any:
    columns = (outbox.c.institution, outbox.c.dataset, outbox.c.record_key, outbox.c.version, outbox.c.finished_at, outbox.c.id)
    query = select(*columns).where(outbox.c.finished_at <= until, outbox.c.state.in_(SETTLED))
    if after:
        time, number = after
        query = query.where(or_(outbox.c.finished_at > time, and_(outbox.c.finished_at == time, outbox.c.id > number)))
    return query.order_by(outbox.c.finished_at, outbox.c.id).limit(_BATCH)


def _settled_whole(connection: Connection, rows: Sequence[Any], until: datetime) -> list[dict[str, Any]]:
    """Of these versions, those whose every delivery is settled and old enough, and that still have a body."""
    other = outbox.alias("other")
    same = and_(
        other.c.institution == outbox.c.institution,
        other.c.dataset == outbox.c.dataset,
        other.c.record_key == outbox.c.record_key,
        other.c.version == outbox.c.version,
    )
    open_still = or_(other.c.state.not_in(SETTLED), other.c.finished_at.is_(None), other.c.finished_at > until)
    body = and_(
        parcel.c.institution == outbox.c.institution,
        parcel.c.dataset == outbox.c.dataset,
        parcel.c.record_key == outbox.c.record_key,
        parcel.c.version == outbox.c.version,
        parcel.c.body != b"",
    )
    query = (
        select(outbox.c.institution, outbox.c.dataset, outbox.c.record_key, outbox.c.version)
        .join(parcel, body)
        .where(outbox.c.id.in_([row.id for row in rows]), ~select(other.c.id).where(same, open_still).exists())
        .distinct()
    )
    return [{"i": i, "d": d, "k": k, "v": v} for i, d, k, v in connection.execute(query)] if rows else []


def _give_back(engine: Engine) -> None:
    """Free pages to the disk, a few at a time. A server does this by itself."""
    if place_of(engine) is None:
        return
    try:
        with closing(engine.raw_connection()) as connection:
            driver = connection.driver_connection
            if isinstance(driver, sqlite3.Connection):
                free = driver.execute("PRAGMA freelist_count").fetchone()[0]
                for _ in range(-(-free // _PAGES)):
                    driver.execute(f"PRAGMA incremental_vacuum({_PAGES})").fetchall()
                driver.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()
    except sqlite3.Error as error:
        raise StoreError(f"正文已销毁，磁盘空间没有还完：{sentence(error)}；明天再试") from error
