"""One version of a key at a time: a newer version waits, held, until the older one's outcome is known.

Kept as a state instead of being asked at every lease: edits of what is just under way are rare, leases are not.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, select, update

from gateway.model import Parcel
from gateway.outbox import IN_FLIGHT, State
from gateway.store import parents, voids
from gateway.store.tables import outbox

#: why an item is held: an older version of its key is under way
OLDER_VERSION = "version"
_CHUNK = 500
_CAUSE = "等待前一版本的结果"


def lock(connection: Connection, parcels: Sequence[Parcel]) -> None:
    """Keep every version of these keys as it is until the commit, before anything is decided by its state.

    Whatever its state: a database looks for rows by what they were when the statement began, so one that is just coming
    back to the queue would be missed, and then two versions of a key would be queued.
    """
    lock_keys(connection, [(each.institution, each.dataset, each.key) for each in parcels])


def lock_keys(connection: Connection, keys: Iterable[tuple[str, str, str]]) -> None:
    """The same by (institution, data set, key)."""
    for same in _places(keys):
        connection.execute(select(outbox.c.id).where(*same).with_for_update()).all()


def hold_back(connection: Connection, parcels: Sequence[Parcel]) -> None:
    """Hold those just queued whose older version may be at the platform. The caller has locked their keys."""
    for same in places(parcels):
        under_way = select(outbox.c.record_key, outbox.c.target).where(*same, outbox.c.state.in_(IN_FLIGHT)).with_for_update()
        for key, target in connection.execute(under_way).all():
            newer = (*same[:2], outbox.c.record_key == key, outbox.c.target == target, outbox.c.state == State.QUEUED)
            connection.execute(update(outbox).where(*newer).values(state=State.HELD, hold=OLDER_VERSION, cause=_CAUSE))


def places(parcels: Sequence[Parcel]) -> Iterator[tuple[ColumnElement[bool], ...]]:
    """Where the deliveries of these keys are, a chunk of one institution and data set at a time."""
    yield from _places((each.institution, each.dataset, each.key) for each in parcels)


def _places(wanted: Iterable[tuple[str, str, str]]) -> Iterator[tuple[ColumnElement[bool], ...]]:
    keys: dict[tuple[str, str], list[str]] = defaultdict(list)
    for institution, dataset, key in wanted:
        keys[institution, dataset].append(key)
    for (institution, dataset), of_one in keys.items():
        for start in range(0, len(of_one), _CHUNK):
            chunk = of_one[start : start + _CHUNK]
            yield outbox.c.institution == institution, outbox.c.dataset == dataset, outbox.c.record_key.in_(chunk)


def pass_on(connection: Connection, ids: Sequence[int], now: datetime) -> None:
    """Let held versions go whose older one has left the flight; an older one that is to be sent again need not be."""
    older, newer = outbox.alias("older"), outbox.alias("newer")
    same_key = and_(
        newer.c.target == older.c.target,
        newer.c.institution == older.c.institution,
        newer.c.dataset == older.c.dataset,
        newer.c.record_key == older.c.record_key,
        newer.c.version > older.c.version,
    )
    waiting = (
        select(older.c.id, newer.c.id)
        .select_from(older.join(newer, same_key))
        .where(older.c.id.in_(ids), older.c.state.not_in(IN_FLIGHT), newer.c.state == State.HELD, newer.c.hold == OLDER_VERSION)
    )
    pairs = connection.execute(waiting).all()
    if not pairs:
        return
    again = (outbox.c.id.in_([old for old, _ in pairs]), outbox.c.state == State.QUEUED)
    connection.execute(update(outbox).where(*again).values(state=State.SUPERSEDED, finished_at=now))
    let_go = outbox.c.id.in_([new for _, new in pairs])
    connection.execute(update(outbox).where(let_go).values(state=State.QUEUED, hold="", cause=""))
    voids.spare(connection, [new for _, new in pairs], now)
    parents.hold_again(connection, [new for _, new in pairs])
