"""What is in the ledger and was not at the site; how late rows come; which sweeps and backfills are done."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, bindparam, delete, func, insert, select, tuple_, update

from gateway.model import Absence, Intake, LedgerEntry
from gateway.store.putting import put
from gateway.store.tables import absence, lag, ledger, sweep

_ENTRY = (
    ledger.c.version,
    ledger.c.content_hash,
    ledger.c.ref,
    ledger.c.live,
    ledger.c.institution,
    ledger.c.record_key,
    ledger.c.anchor_at,
    ledger.c.source,
)
_ROWS = 1000


def _within(source: str, dataset: str, start: datetime, end: datetime) -> tuple[Any, ...]:
    """Live entries whose anchor lies in [start, end)."""
    return (
        ledger.c.source == source,
        ledger.c.dataset == dataset,
        ledger.c.anchor_at >= start,
        ledger.c.anchor_at < end,
        ledger.c.live.is_(True),
    )


def missing(
    connection: Connection, source: str, dataset: str, start: datetime, end: datetime, seen: Callable[[LedgerEntry], bool]
) -> list[LedgerEntry]:
    """Live entries of that span that were not seen; read in bounded memory."""
    place = tuple_(ledger.c.institution, ledger.c.record_key)
    query = select(*_ENTRY).where(*_within(source, dataset, start, end)).order_by(*place.clauses).limit(_ROWS)
    found: list[LedgerEntry] = []
    entries = [LedgerEntry(*row) for row in connection.execute(query)]
    while entries:
        found += [entry for entry in entries if not seen(entry)]
        last = (entries[-1].institution, entries[-1].key)
        entries = [LedgerEntry(*row) for row in connection.execute(query.where(place > last))]
    return found


def count(connection: Connection, source: str, dataset: str, start: datetime, end: datetime) -> int:
    """Live entries of that span."""
    return int(connection.execute(select(func.count()).where(*_within(source, dataset, start, end))).scalar_one())


def note(
    connection: Connection,
    place: tuple[str, str],
    span: tuple[datetime, datetime],
    gone: Sequence[LedgerEntry],
    now: datetime,
    spacing: timedelta,
) -> None:
    """One complete look at a span: what is missing again counts on, what is back is forgotten."""
    here = (absence.c.source == place[0], absence.c.dataset == place[1])
    within = (*here, absence.c.anchor_at >= span[0], absence.c.anchor_at < span[1])
    known = {(row.institution, row.record_key): row for row in connection.execute(select(absence).where(*within))}
    missed = {(entry.institution, entry.key): entry for entry in gone}
    same = {key for key, row in known.items() if key in missed and row.version == missed[key].version}
    _each(connection, delete(absence), here, [key for key in known if key not in same])
    again = [key for key in same if known[key].last_missed <= now - spacing]
    _each(connection, update(absence).values(sweeps=absence.c.sweeps + 1, last_missed=now), here, again)
    fresh = [entry for key, entry in missed.items() if key not in same]
    if fresh:
        connection.execute(insert(absence), [_absence(place, entry, now) for entry in fresh])


def _each(connection: Connection, statement: Any, here: tuple[Any, ...], keys: Sequence[tuple[str, str]]) -> None:
    if keys:
        one = (*here, absence.c.institution == bindparam("i"), absence.c.record_key == bindparam("k"))
        connection.execute(statement.where(*one), [{"i": institution, "k": key} for institution, key in keys])


def _absence(place: tuple[str, str], entry: LedgerEntry, now: datetime) -> dict[str, Any]:
    return {
        "source": place[0],
        "dataset": place[1],
        "institution": entry.institution,
        "record_key": entry.key,
        "version": entry.version,
        "anchor_at": entry.anchor_at,
        "sweeps": 1,
        "last_missed": now,
        "released": False,
    }


def due(connection: Connection, source: str, dataset: str, sweeps: int, since: datetime) -> list[Absence]:
    """What was missing in so many looks in a row, the last of them not before `since`."""
    same = and_(
        ledger.c.institution == absence.c.institution,
        ledger.c.dataset == absence.c.dataset,
        ledger.c.record_key == absence.c.record_key,
        ledger.c.version == absence.c.version,
        ledger.c.source == absence.c.source,
        ledger.c.live.is_(True),
    )
    query = (
        select(absence.c.released, *_ENTRY)
        .select_from(absence.join(ledger, same))
        .where(absence.c.source == source, absence.c.dataset == dataset)
        .where(absence.c.sweeps >= sweeps, absence.c.last_missed >= since)
        .order_by(absence.c.institution, absence.c.record_key)
    )
    return [Absence(LedgerEntry(*row[1:]), released=row[0]) for row in connection.execute(query)]


def let_go(connection: Connection, source: str, dataset: str) -> None:
    """A person said that what is missing now may be withdrawn."""
    connection.execute(update(absence).where(absence.c.source == source, absence.c.dataset == dataset).values(released=True))


def note_lags(connection: Connection, intake: Intake) -> None:
    """Count how late the page's new rows were."""
    day = intake.now.date().isoformat()
    here = (lag.c.source == intake.source, lag.c.dataset == intake.dataset, lag.c.day == day)
    for step, rows in intake.lags.items():
        added = update(lag).where(*here, lag.c.step == step).values(row_count=lag.c.row_count + rows)
        if not connection.execute(added).rowcount:
            row = {"source": intake.source, "dataset": intake.dataset, "day": day, "step": step, "row_count": rows}
            connection.execute(insert(lag).values(row))


def lags(connection: Connection, source: str, dataset: str, since: date) -> dict[date, dict[int, int]]:
    """Day -> step -> rows, from that day on."""
    query = select(lag.c.day, lag.c.step, lag.c.row_count).where(
        lag.c.source == source, lag.c.dataset == dataset, lag.c.day >= since.isoformat()
    )
    found: dict[date, dict[int, int]] = defaultdict(dict)
    for day, step, rows in connection.execute(query):
        found[date.fromisoformat(day)][step] = rows
    return dict(found)


def finished(connection: Connection, source: str, dataset: str, tier: str) -> tuple[str, datetime] | None:
    """How far a sweep or backfill came, and when."""
    query = select(sweep.c.done_to, sweep.c.finished_at).where(*_sweep(source, dataset, tier))
    row = connection.execute(query).first()
    return (row[0], row[1]) if row else None


def finish(connection: Connection, source: str, dataset: str, tier: str, done_to: str, now: datetime) -> None:
    """Remember how far it came."""
    place = {"source": source, "dataset": dataset, "tier": tier}
    put(connection, sweep, place, {"done_to": done_to, "finished_at": now})


def _sweep(source: str, dataset: str, tier: str) -> tuple[Any, ...]:
    return (sweep.c.source == source, sweep.c.dataset == dataset, sweep.c.tier == tier)
