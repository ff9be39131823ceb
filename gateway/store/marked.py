"""Rows marked void in such numbers that a person must say so: set aside until then, and let go by name."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, delete, func, select, update

from gateway.restraint import ALLOWED, HELD
from gateway.store import sweeps
from gateway.store.tables import aside, cursor, ledger

_CHUNK = 500
#: under which name a person's last release is remembered
RELEASED = "released"
_RULE = '"rule":"{}"'


def allowed(connection: Connection, source: str, dataset: str, refs: Collection[str]) -> frozenset[str]:
    """Those of the rows that a person let be withdrawn."""
    found: set[str] = set()
    names = list(refs)
    for start in range(0, len(names), _CHUNK):
        of_chunk = aside.c.ref.in_(names[start : start + _CHUNK])
        found.update(connection.execute(select(aside.c.ref).where(*_ruled(source, dataset, ALLOWED), of_chunk)).scalars())
    return frozenset(found)


def withdrawn(connection: Connection, source: str, dataset: str, now: datetime, within: timedelta) -> int:
    """Rows withdrawn within that time before `now`; none so soon after a release, which withdraws many at once."""
    released = sweeps.finished(connection, source, dataset, RELEASED)
    since = max(now - within, released[1] + within) if released else now - within
    here = (ledger.c.source == source, ledger.c.dataset == dataset, ledger.c.live.is_(False), ledger.c.seen_at >= since)
    return int(connection.execute(select(func.count()).where(*here)).scalar_one())


def let_go(connection: Connection, source: str, dataset: str) -> None:
    """A person looked: the rows held now may be withdrawn, and are by the reading from the start that follows."""
    said = func.replace(aside.c.reasons, _RULE.format(HELD), _RULE.format(ALLOWED))
    connection.execute(update(aside).where(*_ruled(source, dataset, HELD)).values(reasons=said))
    connection.execute(delete(cursor).where(cursor.c.source == source, cursor.c.dataset == dataset))


def _ruled(source: str, dataset: str, rule: str) -> tuple[ColumnElement[bool], ...]:
    return (aside.c.source == source, aside.c.dataset == dataset, aside.c.reasons.contains(_RULE.format(rule), autoescape=True))
