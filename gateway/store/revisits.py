"""Rows set aside whose reason may pass without a change of their own: they are looked up again by their own number."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, delete, or_, select

from gateway.intake import VANISHED
from gateway.judging import DOUBLED
from gateway.store import sightings
from gateway.store.tables import aside, flaw, ledger

#: rows of one round
_MOST = 200
_RULE = '"rule":"{}"'


def due(connection: Connection, source: str, dataset: str, before: datetime, complete: datetime | None = None) -> list[str]:
    """Rows that were not found when last looked for, before that time; and rows whose key no other row has any more.

    After a complete look that began at `complete`, also those that it did not see. Not those of which a version is live: that
    one still has to be withdrawn, maybe by a person.
    """
    taken = select(ledger.c.record_key).where(
        ledger.c.institution == aside.c.institution,
        ledger.c.dataset == aside.c.dataset,
        ledger.c.record_key == aside.c.record_key,
        ledger.c.live.is_(True),
        or_(ledger.c.source != aside.c.source, ledger.c.ref != aside.c.ref),
    )
    vanished = and_(aside.c.reasons.contains(_RULE.format(VANISHED.rule)), aside.c.last_seen <= before)
    freed = and_(aside.c.reasons.contains(_RULE.format(DOUBLED)), ~taken.exists())
    reasons = [vanished, freed]
    if complete:
        reasons.append(_not_seen(source, dataset, complete))
    query = select(aside.c.ref).where(aside.c.source == source, aside.c.dataset == dataset, or_(*reasons))
    return list(connection.execute(query.order_by(aside.c.last_seen, aside.c.ref).limit(_MOST)).scalars())


def unseen(connection: Connection, source: str, dataset: str, complete: datetime) -> list[str]:
    """Rows that a complete look begun at that time did not see, and of which no version is live."""
    here = (aside.c.source == source, aside.c.dataset == dataset, _not_seen(source, dataset, complete))
    return list(connection.execute(select(aside.c.ref).where(*here).order_by(aside.c.ref).limit(_MOST)).scalars())


def _not_seen(source: str, dataset: str, complete: datetime) -> ColumnElement[bool]:
    same = (ledger.c.source == source, ledger.c.dataset == dataset, ledger.c.ref == aside.c.ref, ledger.c.live.is_(True))
    return and_(aside.c.last_seen < complete, ~select(ledger.c.ref).where(*same).exists())


def forget(connection: Connection, source: str, dataset: str, refs: Collection[str]) -> None:
    """They are gone: nobody's work, and accounted for by that. Another row that gets such a number one day begins anew."""
    for table in (aside, flaw):
        here = (table.c.source == source, table.c.dataset == dataset, table.c.ref.in_(list(refs)))
        connection.execute(delete(table).where(*here))
    sightings.replace(connection, {(source, dataset, ref) for ref in refs})
