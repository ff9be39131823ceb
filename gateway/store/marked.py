"""Rows marked void in such numbers that a person must say so: set aside until then, and let go by name."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, Connection, delete, func, select, update

from gateway.restraint import ALLOWED, HELD
from gateway.store.tables import aside, cursor

_CHUNK = 500
_RULE = '"rule":"{}"'


def allowed(connection: Connection, source: str, dataset: str, refs: Collection[str]) -> frozenset[str]:
    """Those of the rows that a person let be withdrawn."""
    found: set[str] = set()
    names = list(refs)
    for start in range(0, len(names), _CHUNK):
        of_chunk = aside.c.ref.in_(names[start : start + _CHUNK])
        found.update(connection.execute(select(aside.c.ref).where(*_ruled(source, dataset, ALLOWED), of_chunk)).scalars())
    return frozenset(found)


def let_go(connection: Connection, source: str, dataset: str) -> None:
    """A person looked: the rows held now may be withdrawn, and are by the reading from the start that follows."""
    said = func.replace(aside.c.reasons, _RULE.format(HELD), _RULE.format(ALLOWED))
    connection.execute(update(aside).where(*_ruled(source, dataset, HELD)).values(reasons=said))
    connection.execute(delete(cursor).where(cursor.c.source == source, cursor.c.dataset == dataset))


def _ruled(source: str, dataset: str, rule: str) -> tuple[ColumnElement[bool], ...]:
    return (aside.c.source == source, aside.c.dataset == dataset, aside.c.reasons.contains(_RULE.format(rule), autoescape=True))
