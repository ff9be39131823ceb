"""Counts behind `gateway quality`: the records of each business date, by how they fared at first and how they are now."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, String, and_, exists, func, select, type_coerce

from gateway.model import AsideState
from gateway.outbox import State
from gateway.quality import Quality
from gateway.standing import Route
from gateway.store.tables import aside, flaw, ledger, outbox
from schemas.wire import SHANGHAI

#: an instant's text up to its hour: days of Shanghai begin at a full hour of UTC
_HOUR = 13
#: neither owed nor under way
_GONE = (State.CANCELLED, State.SUPERSEDED)


def quality(connection: Connection, route: Route, start: datetime, end: datetime) -> list[Quality]:
    """One value for each business date in [start, end) that has any record."""
    counts: dict[date, Counter[str]] = defaultdict(Counter)
    for hour, state, live, flawed, outdated, count in connection.execute(_taken_in(route, start, end)):
        for name in _names(state, live=live, flawed=flawed, outdated=outdated):
            counts[_day(hour)][name] += count
    for hour, count in connection.execute(_never_taken_in(route, start, end)):
        counts[_day(hour)]["quarantined"] += count
    return [Quality(route, day, **counts[day]) for day in sorted(counts)]


def _names(state: str | None, *, live: bool, flawed: bool, outdated: bool) -> tuple[str, ...]:
    """What a record counts as: one thing, and whether it was right at first where that is over."""
    if state is None:
        return ("underway",) if live else ("withdrawn",)
    if state == State.REJECTED:
        return ("rejected",)
    if state in _GONE or (state == State.ACCEPTED and not live):
        return ("withdrawn",)
    if state != State.ACCEPTED:
        return ("underway",)
    if outdated:
        return ("outdated",) if flawed else ("outdated", "slipped")
    return ("mended",) if flawed else ("first",)


def _taken_in(route: Route, start: datetime, end: datetime) -> Any:
    """Entries of the ledger, each by the state of its newest version at the target."""
    newest = and_(
        outbox.c.institution == ledger.c.institution,
        outbox.c.dataset == ledger.c.dataset,
        outbox.c.record_key == ledger.c.record_key,
        outbox.c.version == ledger.c.version,
        outbox.c.target == route.target,
    )
    same = (ledger.c.source == flaw.c.source, ledger.c.dataset == flaw.c.dataset, ledger.c.ref == flaw.c.ref)
    flawed = exists().where(*same, flaw.c.at_first.is_(True), flaw.c.target.in_(("", route.target))).label("flawed")
    row = (ledger.c.source == aside.c.source, ledger.c.dataset == aside.c.dataset, ledger.c.ref == aside.c.ref)
    outdated = exists().where(*row, aside.c.state == AsideState.QUARANTINED).label("outdated")
    hour = _hour(ledger.c.anchor_at)
    columns = (hour, outbox.c.state, ledger.c.live, flawed, outdated)
    inner = (
        select(*columns)
        .select_from(ledger.outerjoin(outbox, newest))
        .where(ledger.c.source == route.source, ledger.c.dataset == route.dataset)
        .where(ledger.c.anchor_at >= start, ledger.c.anchor_at < end)
        .subquery()
    )
    groups = (inner.c.hour, inner.c.state, inner.c.live, inner.c.flawed, inner.c.outdated)
    return select(*groups, func.count()).group_by(*groups)


def _never_taken_in(route: Route, start: datetime, end: datetime) -> Any:
    """Rows set aside as wrong of which nothing was ever reported."""
    taken = select(ledger.c.ref).where(
        ledger.c.source == aside.c.source, ledger.c.dataset == aside.c.dataset, ledger.c.ref == aside.c.ref
    )
    at = func.coalesce(aside.c.anchor_at, aside.c.first_seen, type_=aside.c.first_seen.type)
    inner = (
        select(_hour(at))
        .where(aside.c.source == route.source, aside.c.dataset == route.dataset)
        .where(aside.c.state == AsideState.QUARANTINED, ~taken.exists(), at >= start, at < end)
        .subquery()
    )
    return select(inner.c.hour, func.count()).group_by(inner.c.hour)


def _hour(at: Any) -> Any:
    return func.substr(type_coerce(at, String), 1, _HOUR).label("hour")


def _day(hour: str) -> date:
    """The day in Shanghai of an hour of UTC."""
    moment = datetime.strptime(hour, "%Y-%m-%dT%H").replace(tzinfo=UTC)
    try:
        return moment.astimezone(SHANGHAI).date()
    except OverflowError:
        return (moment - timedelta(days=1)).date()
