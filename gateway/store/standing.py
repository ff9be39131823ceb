"""Counts behind `gateway status`: the identity of DATASETS §7, the queue, the reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, Select, and_, func, select

from gateway.model import AsideState
from gateway.outbox import State
from gateway.standing import Grievance, Queue, Route, Standing
from gateway.store.tables import aside, ledger, outbox

_WAITING = (State.QUEUED, State.LEASED, State.SENDING, State.UNKNOWN, State.CONFLICT, State.HELD)


def standings(connection: Connection, routes: Sequence[Route]) -> list[Standing]:
    """The account of every configured route."""
    return [_standing(connection, route) for route in routes]


def _standing(connection: Connection, route: Route) -> Standing:
    here = (aside.c.source == route.source, aside.c.dataset == route.dataset)
    never_sent = select(aside.c.state, func.count()).select_from(_with_ledger()).where(*here, ledger.c.ref.is_(None))
    asides = {AsideState(state): count for state, count in connection.execute(never_sent.group_by(aside.c.state))}
    outdated = select(func.count()).select_from(_with_ledger()).where(*here, ledger.c.ref.is_not(None))
    entered = select(func.count()).where(ledger.c.source == route.source, ledger.c.dataset == route.dataset)
    return Standing(
        route=route,
        read=_count(connection, entered) + sum(asides.values()),
        asides=asides,
        states=_states(connection, route),
        outdated=_count(connection, outdated),
        voided=_voided(connection, route),
    )


def _voided(connection: Connection, route: Route) -> int:
    """Rows whose newest version is an accepted withdrawal."""
    here = (ledger.c.source == route.source, ledger.c.dataset == route.dataset, ledger.c.live.is_(False))
    newest = _newest(route)
    return _count(
        connection, select(func.count()).select_from(ledger.join(outbox, newest)).where(*here, outbox.c.state == State.ACCEPTED)
    )


def _with_ledger() -> Any:
    same_row = and_(ledger.c.source == aside.c.source, ledger.c.dataset == aside.c.dataset, ledger.c.ref == aside.c.ref)
    return aside.outerjoin(ledger, same_row)


def _states(connection: Connection, route: Route) -> dict[State, int]:
    """Each ledger row by the state of its newest version; a row without one is missing here, and the identity shows it."""
    query = (
        select(outbox.c.state, func.count())
        .select_from(ledger.join(outbox, _newest(route)))
        .where(ledger.c.source == route.source, ledger.c.dataset == route.dataset)
        .group_by(outbox.c.state)
    )
    return {State(state): count for state, count in connection.execute(query)}


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
    causes = select(outbox.c.cause, func.count()).where(*waiting, outbox.c.cause != "").group_by(outbox.c.cause)
    return Queue(target, total, oldest, {row[0]: row[1] for row in connection.execute(causes)})


def grievances(connection: Connection, limit: int = 20) -> list[Grievance]:
    """Why rows are in quarantine or were sent back, most frequent first."""
    held = select(aside.c.dataset, aside.c.reasons, aside.c.ref).where(aside.c.state == AsideState.QUARANTINED)
    sent_back = select(outbox.c.dataset, outbox.c.reasons, outbox.c.record_key).where(outbox.c.state == State.REJECTED)
    return _tally(connection, held, sent_back)[:limit]


def _tally(connection: Connection, *queries: Select[Any]) -> list[Grievance]:
    counts: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], str] = {}
    for query in queries:
        for dataset, reasons, example in connection.execute(query):
            for reason in orjson.loads(reasons):
                counts[dataset, reason["message"]] += 1
                examples.setdefault((dataset, reason["message"]), example)
    return [Grievance(dataset, reason, rows, examples[dataset, reason]) for (dataset, reason), rows in counts.most_common()]


def _count(connection: Connection, query: Select[Any]) -> int:
    return int(connection.execute(query).scalar_one())
