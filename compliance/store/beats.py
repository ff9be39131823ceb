"""Heartbeats in the store: each as the record that it is, and after some days one row for a whole day of them.

A record of a heartbeat takes about a kilobyte and there are 288 a day of every institution; a row of a day takes 180 bytes and
says of every minute whether one came in it. The newest heartbeat of an institution always stays: it says what waits there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, literal, select

from compliance import connection as links
from compliance.connection import Beat, BeatDay, Heard
from compliance.store.database import Database
from compliance.store.tables import beat_day, message, record
from schemas import operating, wire
from schemas.wire import SHANGHAI

_DAY = timedelta(days=1)
_WHOLE = 8  #: bits of a byte
_SIZE = links.MINUTES // _WHOLE
#: written out, so that the index of heartbeats is used
_IS_BEAT = record.c.dataset == literal(operating.HEARTBEAT, literal_execute=True)
_COLUMNS = (record.c.body, record.c.accepted_at)
#: the business time of a heartbeat is its sender's clock; without the body a day of them is read quickly
_CLOCKS = (record.c.accepted_at, record.c.occurred_at)


class StoredBeats:
    """Heartbeats over the store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def heard(self, institution: str, day: date, until: datetime) -> Heard:
        """What is known as of `until`, with the day asked for and the one before."""
        with self._database.read() as connection:
            first = _first(connection, institution)
            if first is None or first > until:
                return Heard()
            newest = connection.execute(_newest(institution, until)).first()
            last = max(filter(None, (_minute(newest), _compacted_last(connection, institution, until))), default=None)
            before, here = (_day(connection, institution, each, until) for each in (day - _DAY, day))
        return Heard(first.astimezone(SHANGHAI).date(), last, _beat(newest) if newest else None, before, here)

    def institutions(self) -> frozenset[str]:
        """Everyone who ever sent one."""
        with self._database.read() as connection:
            kept = connection.execute(select(record.c.institution).where(_IS_BEAT).distinct()).scalars()
            return frozenset((*kept, *connection.execute(select(beat_day.c.institution).distinct()).scalars()))

    def compact(self, before: date, infno: str) -> int:
        """Turn what was received before that day into rows of days; returns how many heartbeats went. `infno` is theirs.

        The notes of messages that brought nothing but them go too; those of refused messages stay.
        """
        cut = datetime.combine(before, time(), SHANGHAI)
        gone = sum(self._compact(institution, cut) for institution in sorted(self.institutions()))
        with self._database.write("messages") as connection:
            fine = (message.c.refused == "", message.c.rejected == 0, message.c.conflict == 0)
            connection.execute(delete(message).where(message.c.infno == infno, message.c.received_at < cut, *fine))
        return gone

    def _compact(self, institution: str, cut: datetime) -> int:
        """One institution, in its room: a heartbeat that comes meanwhile waits."""
        with self._database.write(institution) as connection:
            rows = connection.execute(_between(institution, None, cut)).all()
            days: dict[date, list[Beat]] = defaultdict(list)
            for row in rows:
                days[row.accepted_at.date()].append(Beat(*row))
            for day, beats in days.items():
                if _kept(connection, institution, day) is None:  # else only the newest one was left of it
                    connection.execute(insert(beat_day).values(_row(institution, links.compacted(day, beats))))
            newest = connection.execute(_newest(institution)).first()
            old = (record.c.institution == institution, _IS_BEAT, record.c.accepted_at < cut)
            stays = record.c.accepted_at == newest.accepted_at if newest else literal(value=False)
            return connection.execute(delete(record).where(*old, ~stays)).rowcount if rows else 0


def _first(connection: Connection, institution: str) -> datetime | None:
    kept = connection.execute(select(func.min(record.c.accepted_at)).where(record.c.institution == institution, _IS_BEAT)).scalar()
    day = connection.execute(select(func.min(beat_day.c.day)).where(beat_day.c.institution == institution)).scalar()
    begin = datetime.combine(date.fromisoformat(day), time(), SHANGHAI) if day else None
    return min(filter(None, (kept, begin)), default=None)


def _newest(institution: str, until: datetime | None = None) -> Any:
    query = select(*_COLUMNS).where(record.c.institution == institution, _IS_BEAT).order_by(record.c.accepted_at.desc()).limit(1)
    return query if until is None else query.where(record.c.accepted_at <= until)


def _between(institution: str, begin: datetime | None, end: datetime) -> Any:
    conditions: list[ColumnElement[bool]] = [record.c.institution == institution, _IS_BEAT, record.c.accepted_at < end]
    if begin is not None:
        conditions.append(record.c.accepted_at >= begin)
    return select(*_CLOCKS).where(*conditions)


def _compacted_last(connection: Connection, institution: str, until: datetime) -> datetime | None:
    here = (beat_day.c.institution == institution, beat_day.c.day <= until.astimezone(SHANGHAI).date().isoformat())
    rows: Sequence[Row[Any]] = connection.execute(select(beat_day).where(*here).order_by(beat_day.c.day.desc()).limit(2)).all()
    return max(filter(None, (links.last_minute(_from(row), until) for row in rows)), default=None)


def _day(connection: Connection, institution: str, day: date, until: datetime) -> BeatDay | None:
    if (row := _kept(connection, institution, day)) is not None:
        return _from(row)
    begin = datetime.combine(day, time(), SHANGHAI)
    end = min(begin + _DAY, until + timedelta(milliseconds=1))
    beats = [Beat(*row) for row in connection.execute(_between(institution, begin, end))]
    return links.compacted(day, beats) if beats else None


def _kept(connection: Connection, institution: str, day: date) -> Row[Any] | None:
    here = (beat_day.c.institution == institution, beat_day.c.day == day.isoformat())
    return connection.execute(select(beat_day).where(*here)).first()


def _row(institution: str, day: BeatDay) -> dict[str, Any]:
    minutes = day.minutes.to_bytes(_SIZE, "little")
    return {
        "institution": institution,
        "day": day.day.isoformat(),
        "beats": day.beats,
        "minutes": minutes,
        "offset_ms": day.offset_ms,
    }


def _from(row: Row[Any]) -> BeatDay:
    return BeatDay(date.fromisoformat(row.day), row.beats, int.from_bytes(row.minutes, "little"), row.offset_ms)


def _minute(row: Row[Any] | None) -> datetime | None:
    moment: datetime | None = row.accepted_at if row else None
    return moment.replace(second=0, microsecond=0) if moment else None


def _beat(row: Row[Any]) -> Beat:
    body = orjson.loads(row.body)
    return Beat(
        received_at=row.accepted_at,
        beat_time=wire.decode_datetime(body["beat_time"]),
        gateway_version=body["gateway_version"],
        queue_depth=int(body["queue_depth"]),
        oldest_unsent=wire.decode_datetime(body["oldest_unsent"]) if body.get("oldest_unsent") else None,
        disk_free_mb=int(body["disk_free_mb"]),
    )
