"""Counts behind `gateway status`: the identity of DATASETS §7, the queue, the reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, literal, select

from gateway.model import AsideState
from gateway.outbox import State
from gateway.standing import Backlog, Grievance, Progress, Queue, Route, Standing
from gateway.store import sightings
from gateway.store.tables import Instant, aside, ledger, outbox, parcel

_WAITING = (State.QUEUED, State.LEASED, State.SENDING, State.UNKNOWN, State.CONFLICT, State.HELD)


def standings(connection: Connection, routes: Sequence[Route]) -> list[Standing]:
    """The account of every configured route."""
    return [_standing(connection, route) for route in routes]


def _standing(connection: Connection, route: Route) -> Standing:
    here = (aside.c.source == route.source, aside.c.dataset == route.dataset)
    never_sent = select(aside.c.state, func.count()).where(*here, ~_in_ledger()).group_by(aside.c.state)
    asides = {AsideState(state): count for state, count in connection.execute(never_sent)}
    read, replaced = sightings.count(connection, route)
    states, unserved = _states(connection, route)
    found = Standing(
        route=route,
        read=read,
        asides=asides,
        states=states,
        outdated=_count(connection, select(func.count()).where(*here, _in_ledger())),
        voided=_voided(connection, route),
        rekeyed=_rekeyed(connection, route),
        replaced=replaced,
        unserved=unserved,
    )
    return found if found.balanced else replace(found, strays=sightings.strays(connection, route))


def _rekeyed(connection: Connection, route: Route) -> int:
    """Entries of rows that have another entry."""
    entries = select(func.count() - func.count(ledger.c.ref.distinct()))
    return _count(connection, entries.where(ledger.c.source == route.source, ledger.c.dataset == route.dataset))


def _voided(connection: Connection, route: Route) -> int:
    """Rows whose newest version is an accepted withdrawal."""
    here = (ledger.c.source == route.source, ledger.c.dataset == route.dataset, ledger.c.live.is_(False))
    newest = _newest(route)
    return _count(
        connection, select(func.count()).select_from(ledger.join(outbox, newest)).where(*here, outbox.c.state == State.ACCEPTED)
    )


def _in_ledger() -> ColumnElement[bool]:
    """Whether a row set aside was taken in before."""
    same_row = (ledger.c.source == aside.c.source, ledger.c.dataset == aside.c.dataset, ledger.c.ref == aside.c.ref)
    return select(ledger.c.ref).where(*same_row).exists()


def _states(connection: Connection, route: Route) -> tuple[dict[State, int], int]:
    """Each ledger row by the state of its newest version, and how many have none at this target.

    Of a row that was withdrawn before there was such a target nothing is owed to it: cancelled.
    """
    query = (
        select(outbox.c.state, ledger.c.live, func.count())
        .select_from(ledger.outerjoin(outbox, _newest(route)))
        .where(ledger.c.source == route.source, ledger.c.dataset == route.dataset)
        .group_by(outbox.c.state, ledger.c.live)
    )
    states, unserved = Counter[State](), 0
    for state, live, count in connection.execute(query):
        if state is None and live:
            unserved = count
        else:
            states[State(state) if state else State.CANCELLED] += count
    return dict(states), unserved


def _newest(route: Route) -> Any:
    """A ledger row's newest version on its way to the route's target."""
    return and_(
        outbox.c.institution == ledger.c.institution,
        outbox.c.dataset == ledger.c.dataset,
        outbox.c.record_key == ledger.c.record_key,
        outbox.c.version == ledger.c.version,
        outbox.c.target == route.target,
    )


def queue(connection: Connection, target: str) -> Queue:
    """What waits for a target, and the sentences of what holds it up."""
    waiting = (outbox.c.target == target, outbox.c.state.in_(_WAITING))
    total, oldest = connection.execute(select(func.count(), func.min(outbox.c.due_at)).where(*waiting)).one()
    queued = outbox.c.state == State.QUEUED
    tries = (func.sum(case((queued, 1), else_=0)), func.min(case((queued, outbox.c.next_at)), type_=Instant))
    causes = select(outbox.c.cause, func.count(), *tries).where(*waiting, outbox.c.cause != "").group_by(outbox.c.cause)
    found = connection.execute(causes).all()
    again = {cause: next_at for cause, _, count, next_at in found if count}
    return Queue(target, total, oldest, {cause: rows for cause, rows, _, _ in found}, again)


def backlogs(connection: Connection, target: str) -> dict[str, Backlog]:
    """What waits for a target, by institution."""
    same = (
        parcel.c.institution == outbox.c.institution,
        parcel.c.dataset == outbox.c.dataset,
        parcel.c.record_key == outbox.c.record_key,
        parcel.c.version == outbox.c.version,
    )
    query = (
        select(outbox.c.institution, func.count(), func.min(parcel.c.occurred_at))
        .select_from(outbox.join(parcel, and_(*same)))
        .where(outbox.c.target == target, outbox.c.state.in_(_WAITING))
        .group_by(outbox.c.institution)
    )
    return {institution: Backlog(count, oldest) for institution, count, oldest in connection.execute(query)}


def grievances(connection: Connection, limit: int = 20) -> list[Grievance]:
    """Why rows are in quarantine or were sent back, most frequent first."""
    held = select(aside.c.dataset, aside.c.reasons, aside.c.ref, aside.c.rival).where(aside.c.state == AsideState.QUARANTINED)
    of_platform = (outbox.c.dataset, outbox.c.reasons, outbox.c.record_key, literal(""))
    newest = and_(
        ledger.c.institution == outbox.c.institution,
        ledger.c.dataset == outbox.c.dataset,
        ledger.c.record_key == outbox.c.record_key,
        ledger.c.version == outbox.c.version,
    )  # a newer version answers what was said of this one
    sent_back = select(*of_platform).select_from(outbox.join(ledger, newest)).where(outbox.c.state == State.REJECTED)
    return _tally(connection, held, sent_back)[:limit]


def _tally(connection: Connection, *queries: Select[Any]) -> list[Grievance]:
    counts: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], tuple[str, str]] = {}
    for query in queries:
        for dataset, reasons, example, rival in connection.execute(query):
            for reason in orjson.loads(reasons):
                counts[dataset, reason["message"]] += 1
                examples.setdefault((dataset, reason["message"]), (example, rival))
    return [Grievance(dataset, reason, rows, *examples[dataset, reason]) for (dataset, reason), rows in counts.most_common()]


def _count(connection: Connection, query: Select[Any]) -> int:
    return int(connection.execute(query).scalar_one())


def deliveries(connection: Connection, dataset: str, keys: Collection[str] | None = None) -> list[Progress]:
    """Where the newest version of every key of a data set is, in the order they were queued: of few rows, or of some keys."""
    settled = func.coalesce(outbox.c.accepted_at, outbox.c.finished_at, type_=Instant)
    columns = (outbox.c.target, outbox.c.institution, outbox.c.record_key, outbox.c.version, outbox.c.state, settled)
    wanted = outbox.c.dataset == dataset if keys is None else and_(outbox.c.dataset == dataset, outbox.c.record_key.in_(keys))
    rows = connection.execute(select(*columns).where(wanted).order_by(outbox.c.version, outbox.c.id))
    newest = {(row[0], row[1], row[2]): Progress(*row[:4], State(row[4]), row[5]) for row in rows}
    return sorted(newest.values(), key=lambda each: (each.key, each.institution, each.target))
