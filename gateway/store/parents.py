"""Parent before child: a record waits, held, until the record it names is at the platform.

Only a parent that we have ourselves holds anyone: what another program reports, or nobody, we cannot wait for. A rejected
parent goes on holding, with a sentence of its own; once it is mended and accepted, its children follow by themselves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Select, and_, delete, func, insert, or_, select, update

from gateway.hindrance import Hindrance
from gateway.model import Intake
from gateway.outbox import IN_FLIGHT, State
from gateway.standing import Awaited
from gateway.store import interruptions
from gateway.store.tables import awaited, delay, outbox
from schemas.model import Edition, Parent
from schemas.record import business_key

#: why an item is held: the record it names is not accepted yet
PARENT = "parent"
#: a parent in one of these states may still be accepted; a rejected one is a person's work first
_TO_COME = (State.QUEUED, State.HELD, State.REJECTED, *IN_FLIGHT)
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Link:
    """One version of a record and the record it names."""

    institution: str
    dataset: str
    key: str
    version: int
    parent: str  #: data set of the parent
    parent_key: str


def links(edition: Edition, page: Intake) -> list[Link]:
    """Who names whom in a page, before its bodies are sealed. A record that names nobody waits for nobody."""
    parent = edition.datasets[page.dataset].parent
    return list(_links(edition, page, parent)) if parent else []


def _links(edition: Edition, page: Intake, parent: Parent) -> Iterator[Link]:
    for each in (*page.parcels, *page.owed):
        if named := _named(edition, parent, each.body):
            yield Link(each.institution, each.dataset, each.key, each.version, parent.dataset, named)


def _named(edition: Edition, parent: Parent, body: bytes) -> str:
    """The key of the record that a body names; "" if it names none."""
    above, fields = edition.datasets[parent.dataset], orjson.loads(body)
    named = {field: fields.get(child) for child, field in parent.by}
    return business_key(above, named) if all(named.values()) else ""


def link(edition: Edition, place: tuple[str, str, str, int], body: bytes) -> Link | None:
    """Whom a version that was taken in before names: institution, data set, key and version, and its body as it travels."""
    parent = edition.datasets[place[1]].parent
    named = _named(edition, parent, body) if parent else ""
    return Link(*place, parent.dataset, named) if parent and named else None


def depth(edition: Edition, dataset: str) -> int:
    """How many records stand above one of a data set, each of which must be at the platform before it."""
    above, found = dataset, 0
    while above in edition.datasets and (parent := edition.datasets[above].parent) and found < len(edition.datasets):
        above, found = parent.dataset, found + 1
    return found


def hold_back(connection: Connection, found: Sequence[Link], targets: Collection[str], now: datetime) -> None:
    """Hold those just queued whose parent is still to come. Locks the parents until the commit, lest one is accepted unseen."""
    groups: dict[tuple[str, str, str], list[Link]] = defaultdict(list)
    for each in found:
        groups[each.institution, each.dataset, each.parent].append(each)
    for group in groups.values():
        for start in range(0, len(group), _CHUNK):
            _hold(connection, group[start : start + _CHUNK], targets, now)


def _hold(connection: Connection, alike: Sequence[Link], targets: Collection[str], now: datetime) -> None:
    """Links of one institution, data set and parent data set."""
    pending = _pending(connection, alike, targets)
    if not pending:
        return
    by_child = {(each.key, each.version): each for each in alike}
    children = select(outbox.c.id, outbox.c.target, outbox.c.record_key, outbox.c.version).where(
        outbox.c.institution == alike[0].institution,
        outbox.c.dataset == alike[0].dataset,
        outbox.c.record_key.in_([each.key for each in alike]),
        outbox.c.target.in_(targets),
        outbox.c.state.in_((State.QUEUED, State.HELD)),
    )
    waits = []
    found = connection.execute(children).all()
    waiting = set(connection.execute(select(awaited.c.child).where(awaited.c.child.in_([row.id for row in found]))).scalars())
    for number, target, key, version in found:
        if number in waiting:  # at a target that was given this version before
            continue
        link = by_child.get((key, version))
        if link and (target, link.parent_key) in pending:
            place = {"target": target, "institution": link.institution, "dataset": link.parent, "record_key": link.parent_key}
            waits.append({"child": number, "since": now, **place})
    if waits:
        connection.execute(insert(awaited), waits)
        _mark(connection, [each["child"] for each in waits])


def _pending(connection: Connection, alike: Sequence[Link], targets: Collection[str]) -> set[tuple[str, str]]:
    """(target, key) of the parents that we have and no version of which is at the platform."""
    query = (
        select(outbox.c.target, outbox.c.record_key, outbox.c.state, _lost_since().label("lost"))
        .where(
            outbox.c.institution == alike[0].institution,
            outbox.c.dataset == alike[0].parent,
            outbox.c.record_key.in_({each.parent_key for each in alike}),
            outbox.c.target.in_(targets),
        )
        .with_for_update()
    )
    states: dict[tuple[str, str], set[State]] = defaultdict(set)
    for target, key, state, lost in connection.execute(query).all():
        states[target, key].update(() if lost and state == State.ACCEPTED else (State(state),))
    return {place for place, seen in states.items() if State.ACCEPTED not in seen and seen & set(_TO_COME)}


def _mark(connection: Connection, children: Sequence[int]) -> None:
    """Held, and why. One that is held for an older version of itself stays so, and comes here when that is over."""
    rejected = select(awaited.c.child).join(outbox, _is_parent()).where(outbox.c.state == State.REJECTED)
    sent_back = set(connection.execute(rejected.where(awaited.c.child.in_(children))).scalars())
    parents = select(awaited.c.child, awaited.c.dataset).where(awaited.c.child.in_(children))
    groups: dict[str, list[int]] = defaultdict(list)
    for child, dataset in connection.execute(parents):
        groups[_sentence(dataset, rejected=child in sent_back)].append(child)
    for sentence, ids in groups.items():
        own = or_(outbox.c.state == State.QUEUED, and_(outbox.c.state == State.HELD, outbox.c.hold == PARENT))
        values = {"state": State.HELD, "hold": PARENT, "cause": sentence}
        connection.execute(update(outbox).where(outbox.c.id.in_(ids), own).values(values))


def _sentence(dataset: str, *, rejected: bool) -> str:
    if rejected:
        return f"所指的上级 {dataset} 被平台退回，上级改正并收下后自动报送"
    return f"等待所指的上级 {dataset} 被平台收下"


def hold_again(connection: Connection, ids: Sequence[int]) -> None:
    """Just let go by something else: those that still wait for a parent are held for it."""
    waiting = list(connection.execute(select(awaited.c.child).where(awaited.c.child.in_(ids))).scalars())
    if waiting:
        _mark(connection, waiting)


def pass_on(connection: Connection, ids: Sequence[int]) -> None:
    """These items were just settled: let go who waits for one that is accepted, tell who waits for one sent back."""
    query = select(awaited.c.child, outbox.c.state).join(outbox, _is_parent()).where(outbox.c.id.in_(ids))
    found = connection.execute(query).all()
    _let_go(connection, [child for child, state in found if state == State.ACCEPTED])
    sent_back = [child for child, state in found if state == State.REJECTED]
    if sent_back:
        _mark(connection, sent_back)


def sweep(connection: Connection, target: str) -> bool:
    """Let go whose parent was accepted or is not to come any more, however that happened; whether there were any."""
    above = select(outbox.c.id).where(_is_parent())
    accepted = above.where(outbox.c.state == State.ACCEPTED, ~_lost_since()).correlate(awaited).exists()
    to_come = above.where(outbox.c.state.in_(_TO_COME)).correlate(awaited).exists()
    free = select(awaited.c.child).where(awaited.c.target == target, or_(accepted, ~to_come))
    children = list(connection.execute(free).scalars())
    _let_go(connection, children)
    return bool(children)


def _let_go(connection: Connection, children: Sequence[int]) -> None:
    for start in range(0, len(children), _CHUNK):
        chunk = children[start : start + _CHUNK]
        held = (outbox.c.id.in_(chunk), outbox.c.state == State.HELD, outbox.c.hold == PARENT)
        connection.execute(update(outbox).where(*held).values(state=State.QUEUED, hold="", cause=""))
        interruptions.delay_of_parents(connection, chunk)
        connection.execute(delete(awaited).where(awaited.c.child.in_(chunk)))


def awaiting(connection: Connection, target: str) -> list[Awaited]:
    """What is held for a parent, by the parent's data set."""
    query: Select[Any] = (
        select(awaited.c.dataset, func.count(), func.min(awaited.c.since), outbox.c.cause)
        .join(outbox, outbox.c.id == awaited.c.child)
        .where(awaited.c.target == target, outbox.c.state == State.HELD)
        .group_by(awaited.c.dataset, outbox.c.cause)
        .order_by(awaited.c.dataset, outbox.c.cause)
    )
    return [Awaited(*row) for row in connection.execute(query)]


def _lost_since() -> ColumnElement[bool]:
    """Whether a newer version of an outbox row's key was lost at the platform and is not there again: then nor is this one."""
    newer = outbox.alias("newer")
    same = (newer.c[name] == outbox.c[name] for name in ("target", "institution", "dataset", "record_key"))
    lost = select(delay.c.id).where(delay.c.delivery == newer.c.id, delay.c.kind == Hindrance.LOST)
    gone = (newer.c.version > outbox.c.version, newer.c.state != State.ACCEPTED)
    return select(newer.c.id).where(*same, *gone, lost.exists()).correlate(outbox).exists()


def _is_parent() -> Any:
    """Joins an outbox row to those that wait for its key."""
    return and_(
        outbox.c.target == awaited.c.target,
        outbox.c.institution == awaited.c.institution,
        outbox.c.dataset == awaited.c.dataset,
        outbox.c.record_key == awaited.c.record_key,
    )
