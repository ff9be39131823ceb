"""Fair share: whose turn it is. All workers of a target go round its institutions together, one batch a turn.

The institutions with something queued are found by stepping over the index from one to the next; their number counts,
not the length of anybody's queue.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import BindParameter, Connection, Select, bindparam, exists, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from gateway.outbox import State
from gateway.store.bulk import Prepared
from gateway.store.tables import in_state, outbox, rotation, written


def _step(after: Any) -> Any:
    """The next institution in order with something queued."""
    return (
        select(func.min(outbox.c.institution))
        .where(outbox.c.target == bindparam("target"), in_state(State.QUEUED), outbox.c.institution > after)
        .scalar_subquery()
    )


def _next() -> Select[tuple[str]]:
    """The first institution after `after` that has something due."""
    lane = select(_step(bindparam("after")).label("institution")).cte("lane", recursive=True)
    lane = lane.union_all(select(_step(lane.c.institution)).where(lane.c.institution.is_not(None)))
    due = exists().where(
        outbox.c.target == bindparam("target"),
        in_state(State.QUEUED),
        outbox.c.institution == lane.c.institution,
        or_(outbox.c.next_at.is_(None), outbox.c.next_at <= bindparam("now")),
    )
    return select(lane.c.institution).where(lane.c.institution.is_not(None), due).limit(1)


def _not_cut_off(following: Select[tuple[str]]) -> Select[tuple[str]]:
    passed_over: BindParameter[str] = bindparam("passed_over", expanding=True)
    return following.where(following.selected_columns.institution.not_in(passed_over))


_NEXT = _next()
_NEXT_OTHER = _not_cut_off(_NEXT)
_NEXT_OF_ALL = Prepared(_NEXT)
_LAST = Prepared(select(rotation.c.institution).where(rotation.c.target == bindparam("target")).with_for_update())


def last(connection: Connection, target: str) -> str:
    """The institution that had its turn last. From here to the caller's commit no other worker takes a turn."""
    found = _LAST.run(connection, target=target).scalar()
    if found is not None:
        return str(found)
    try:
        with connection.begin_nested():
            connection.execute(insert(rotation).values(target=target, institution=""))
        return ""
    except IntegrityError:  # another worker began at the same moment
        return str(_LAST.run(connection, target=target).scalar_one())


def turn(connection: Connection, target: str, now: datetime, last: str, passed_over: Collection[str]) -> str | None:
    """The institution whose turn it is after `last`, going round; None when nothing else is due."""
    for after in dict.fromkeys((last, "")):
        said = {"target": target, "now": now, "after": after, "passed_over": list(passed_over)}
        if passed_over:
            found = connection.execute(_NEXT_OTHER, said).scalar()
        else:
            found = _NEXT_OF_ALL.run(connection, target=target, now=written(now), after=after).scalar()
        if found:
            return str(found)
    return None


def had(connection: Connection, target: str, institution: str) -> None:
    """The institution had its turn."""
    connection.execute(update(rotation).where(rotation.c.target == target).values(institution=institution))
