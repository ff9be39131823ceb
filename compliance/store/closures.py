"""Closed days in the store. What is removed stays as history: it once excused somebody."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from typing import Any

import orjson
from sqlalchemy import Connection, Row, bindparam, insert, select, update

from compliance import cadence, closing
from compliance.closing import Closure
from compliance.errors import ComplianceError
from compliance.store.database import Database
from compliance.store.tables import closure, record
from schemas import wire
from schemas.model import Edition

_PAGE = 500


class StoredClosures:
    """What a person enters, and what it means for what was received before."""

    def __init__(self, database: Database, edition: Edition) -> None:
        self._database, self._edition = database, edition

    def all(self, institution: str = "") -> tuple[Closure, ...]:
        """Those in force, of one institution or of all, in the order of their days."""
        with self._database.read() as connection:
            return load(connection, institution)

    def add(self, added: Sequence[Closure]) -> int:
        """Enter them, all or none; returns how many records have another limit now. ComplianceError if one stands there already."""
        changed = 0
        with self._database.write(_ROOM) as connection:
            for institution in sorted({each.institution for each in added}):
                self._database.join(connection, institution)
                mine = [each for each in added if each.institution == institution]
                known = load(connection, institution)
                _check_new(known, mine)
                closing.check((*known, *mine))
                connection.execute(insert(closure), [_row(each) for each in mine])
                changed += self._judge_again(connection, institution, min(each.first for each in mine))
        return changed

    def remove(self, number: int, by: str, now: datetime) -> tuple[Closure, int]:
        """Take one back; returns it, and how many records have another limit now."""
        with self._database.write(_ROOM) as connection:
            found = next((each for each in load(connection) if each.id == number), None)
            if found is None:
                raise ComplianceError(f"没有编号为 {number} 的休业日，请用 compliance closure list 查看")
            self._database.join(connection, found.institution)
            connection.execute(update(closure).where(closure.c.id == number).values(removed_by=by, removed_at=now))
            return found, self._judge_again(connection, found.institution, found.first)

    def _judge_again(self, connection: Connection, institution: str, first: date) -> int:
        """Give records received before the limit that the calendar of now gives them; those of another edition keep theirs.

        A limit that ends before the first changed day cannot have moved.
        """
        closed = closing.calendar(load(connection, institution))
        changed = 0
        begin = datetime.combine(first, time(), wire.SHANGHAI)
        for dataset in closing.counting(self._edition):
            after = ("", 0)
            while rows := self._page(connection, institution, dataset, begin, after):
                moved = [move for row in rows if (move := self._move(row, institution, closed))]
                if moved:
                    connection.execute(_MOVE, moved)
                changed += len(moved)
                after = (rows[-1].key, rows[-1].version)
        return changed

    def _page(
        self, connection: Connection, institution: str, dataset: str, begin: datetime, after: tuple[str, int]
    ) -> Sequence[Any]:
        key, version = after
        query = (
            select(record.c.dataset, record.c.key, record.c.version, record.c.body, record.c.due_at)
            .where(record.c.institution == institution, record.c.dataset == dataset, record.c.edition == self._edition.id)
            .where(record.c.due_at >= begin)
            .where((record.c.key > key) | ((record.c.key == key) & (record.c.version > version)))
            .order_by(record.c.key, record.c.version)
            .limit(_PAGE)
        )
        return connection.execute(query).all()

    def _move(self, row: Row[Any], institution: str, closed: Any) -> dict[str, Any] | None:
        due = cadence.due_at(self._edition, self._edition.datasets[row.dataset], orjson.loads(row.body), closed)
        if due == row.due_at:
            return None
        return {"of": institution, "in": row.dataset, "named": row.key, "at": row.version, "due_at": due}


_ROOM = "closures"
_MOVE = (
    update(record)
    .where(
        record.c.institution == bindparam("of"),
        record.c.dataset == bindparam("in"),
        record.c.key == bindparam("named"),
        record.c.version == bindparam("at"),
    )
    .values(due_at=bindparam("due_at"))
)


def load(connection: Connection, institution: str = "") -> tuple[Closure, ...]:
    """Those in force."""
    query = select(closure).where(closure.c.removed_at.is_(None)).order_by(closure.c.institution, closure.c.first, closure.c.id)
    if institution:
        query = query.where(closure.c.institution == institution)
    return tuple(_closure(row) for row in connection.execute(query))


def _check_new(known: Iterable[Closure], added: Iterable[Closure]) -> None:
    there = {(each.first, each.last, each.weekdays) for each in known}
    if twice := [each for each in added if (each.first, each.last, each.weekdays) in there]:
        raise ComplianceError(f"机构 {twice[0].institution} 的休业日 {twice[0].days} 已经录入过，没有改动")


def _row(each: Closure) -> dict[str, Any]:
    return {
        "institution": each.institution,
        "first": each.first.isoformat(),
        "last": each.last.isoformat() if each.last else None,
        "weekdays": "".join(map(str, sorted(each.weekdays))),
        "reason": each.reason,
        "entered_by": each.entered_by,
        "entered_at": each.entered_at,
    }


def _closure(row: Row[Any]) -> Closure:
    return Closure(
        institution=row.institution,
        first=date.fromisoformat(row.first),
        last=date.fromisoformat(row.last) if row.last else None,
        weekdays=frozenset(map(int, row.weekdays)),
        reason=row.reason,
        entered_by=row.entered_by,
        entered_at=row.entered_at,
        id=row.id,
    )
