"""Rows set aside that were never sent, by their business time; what was mapped of them is not opened for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Select, String, func, select, type_coerce

from gateway.model import AsideState
from gateway.standing import Crowd, Waiting
from gateway.store.tables import aside, ledger

#: an instant's text up to its minute
_MINUTE = 16
_Span = tuple[datetime, datetime]


def waiting(connection: Connection, source: str, dataset: str, span: _Span) -> Iterator[Waiting]:
    """Those that still have to be sent, of a span of business time, both ends included. Of one without its time nobody can say."""
    query = _owed(select(aside.c.ref, aside.c.institution, aside.c.first_seen, aside.c.anchor_at), source, dataset, span)
    for row in connection.execute(query.order_by(aside.c.ref)):
        yield Waiting(source, dataset, *row)


def crowds(connection: Connection, source: str, dataset: str, span: _Span) -> list[Crowd]:
    """The same, counted by the database."""
    minute = func.substr(type_coerce(aside.c.anchor_at, String), 1, _MINUTE).label("minute")
    each = _owed(select(aside.c.institution, minute), source, dataset, span).subquery()
    query = select(each.c.institution, each.c.minute, func.count()).group_by(each.c.institution, each.c.minute)
    return [Crowd(dataset, institution, _moment(minute), rows) for institution, minute, rows in connection.execute(query)]


def _owed(query: Select[Any], source: str, dataset: str, span: _Span) -> Select[Any]:
    """What a rule leaves out is owed to nobody."""
    same_row = (ledger.c.source == aside.c.source, ledger.c.dataset == aside.c.dataset, ledger.c.ref == aside.c.ref)
    return query.where(
        aside.c.source == source,
        aside.c.dataset == dataset,
        aside.c.state.in_((AsideState.QUARANTINED, AsideState.NOT_READY)),
        aside.c.anchor_at >= span[0],
        aside.c.anchor_at <= span[1],
        ~select(ledger.c.ref).where(*same_row).exists(),
    )


def _moment(minute: str) -> datetime:
    return datetime.strptime(minute, "%Y-%m-%dT%H:%M").replace(tzinfo=UTC)
