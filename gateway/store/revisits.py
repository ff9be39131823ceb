"""Rows set aside whose reason may pass without a change of their own: they are looked up again by their own number."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Table, and_, delete, or_, select

from gateway.intake import VANISHED
from gateway.judging import DOUBLED
from gateway.store import sightings
from gateway.store.tables import aside, flaw, ledger

#: rows of one round
_MOST = 200
_RULE = '"rule":"{}"'
#: withdrawals that a brake stopped, and those that it let go
_STOPPED = '"rule":"mass_void'


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
    """Rows that a complete look begun at that time did not see; not those whose withdrawal waits for a person.

    A version may be live: what a source of the present does not show any more stays as it was last reported.
    """
    stopped = and_(_live(source, dataset), aside.c.reasons.contains(_STOPPED))
    here = (aside.c.source == source, aside.c.dataset == dataset, aside.c.last_seen < complete, ~stopped)
    return list(connection.execute(select(aside.c.ref).where(*here).order_by(aside.c.ref).limit(_MOST)).scalars())


def _not_seen(source: str, dataset: str, complete: datetime) -> ColumnElement[bool]:
    return and_(aside.c.last_seen < complete, ~_live(source, dataset))


def _live(source: str, dataset: str) -> ColumnElement[bool]:
    same = (ledger.c.source == source, ledger.c.dataset == dataset, ledger.c.ref == aside.c.ref, ledger.c.live.is_(True))
    return select(ledger.c.ref).where(*same).exists()


def forget(connection: Connection, source: str, dataset: str, refs: Collection[str]) -> None:
    """They are gone: nobody's work, and accounted for by that. Another row that gets such a number one day begins anew.

    Of one that was reported the ledger goes on to tell, and whether it was wrong at first.
    """
    connection.execute(delete(aside).where(*_those(aside, source, dataset, refs)))
    reported = select(ledger.c.ref).where(ledger.c.source == source, ledger.c.dataset == dataset, ledger.c.ref == flaw.c.ref)
    told = and_(flaw.c.at_first.is_(True), reported.exists())
    connection.execute(delete(flaw).where(*_those(flaw, source, dataset, refs), ~told))
    sightings.replace(connection, {(source, dataset, ref) for ref in refs})


def _those(table: Table, source: str, dataset: str, refs: Collection[str]) -> tuple[ColumnElement[bool], ...]:
    return (table.c.source == source, table.c.dataset == dataset, table.c.ref.in_(list(refs)))
