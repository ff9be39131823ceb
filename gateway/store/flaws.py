"""Which rows were once wrong, and since when: set aside for a person by our own judging, or sent back by a target.

Only a row that is wrong costs anything. A row that was accepted since is right: what is wrong with it after that began anew.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, insert, select, update

from gateway.model import AsideState, Intake
from gateway.outbox import State
from gateway.store.tables import Instant, flaw, ledger, outbox
from gateway.worklist import blames

_CHUNK = 500
#: target of our own judging
OURS = ""

Row = tuple[str, str]  # source, data set


def set_aside(connection: Connection, intake: Intake, known: Mapping[str, str]) -> None:
    """Rows of a page that need a person and did not before. `known`: ref -> the state in which it was set aside until now."""
    wrong = {
        each.ref
        for each in intake.asides
        if each.state is AsideState.QUARANTINED and known.get(each.ref) != AsideState.QUARANTINED and blames(each.reasons)
    }
    _note(connection, (intake.source, intake.dataset), sorted(wrong), OURS, intake.now)


def sent_back(connection: Connection, ids: Sequence[int], now: datetime) -> None:
    """Deliveries that their target has just rejected."""
    rows: dict[tuple[Row, str], set[str]] = defaultdict(set)
    query = (
        select(ledger.c.source, ledger.c.dataset, ledger.c.ref, outbox.c.target)
        .join(ledger, _same_key())
        .where(outbox.c.id.in_(ids), outbox.c.state == State.REJECTED)
    )
    for source, dataset, ref, target in connection.execute(query):
        rows[(source, dataset), target].add(ref)
    for (row, target), refs in rows.items():
        _note(connection, row, sorted(refs), target, now)


def _note(connection: Connection, row: Row, refs: Sequence[str], target: str, now: datetime) -> None:
    for chunk in _chunks(refs):
        known = _known(connection, row, chunk)
        taken_in, right = _right(connection, row, chunk, target)
        fresh, again = [], []
        for ref in chunk:
            flaws = known.get(ref, {})
            lasting = [since for since in flaws.values() if ref not in right or right[ref] < since]
            since = min(lasting, default=now)
            place = {"source": row[0], "dataset": row[1], "ref": ref, "target": target}
            if target not in flaws:
                right_before = ref in right if target else ref in taken_in
                fresh.append({**place, "since": since, "at_first": not right_before})
            elif flaws[target] != since:
                again.append({"r": ref, "since": since})
        if fresh:
            connection.execute(insert(flaw), fresh)
        if again:
            here = (flaw.c.source == row[0], flaw.c.dataset == row[1], flaw.c.target == target)
            connection.execute(update(flaw).where(*here, flaw.c.ref == bindparam("r")), again)


def _known(connection: Connection, row: Row, refs: Collection[str]) -> dict[str, dict[str, datetime]]:
    """ref -> target -> since."""
    found: dict[str, dict[str, datetime]] = defaultdict(dict)
    here = (flaw.c.source == row[0], flaw.c.dataset == row[1], flaw.c.ref.in_(refs))
    for ref, target, since in connection.execute(select(flaw.c.ref, flaw.c.target, flaw.c.since).where(*here)):
        found[ref][target] = since
    return found


def _right(connection: Connection, row: Row, refs: Collection[str], target: str) -> tuple[set[str], dict[str, datetime]]:
    """Which of the rows were taken in, and when the target (ours: any) last accepted something of them."""
    here = (ledger.c.source == row[0], ledger.c.dataset == row[1], ledger.c.ref.in_(refs))
    taken_in = set(connection.execute(select(ledger.c.ref).where(*here)).scalars())
    accepted: list[Any] = [outbox.c.state == State.ACCEPTED]
    if target:
        accepted.append(outbox.c.target == target)
    last = func.max(outbox.c.finished_at, type_=Instant)
    query = select(ledger.c.ref, last).join(outbox, _same_key()).where(*here, *accepted).group_by(ledger.c.ref)
    return taken_in, {ref: at for ref, at in connection.execute(query) if at}


def _same_key() -> Any:
    return and_(
        ledger.c.institution == outbox.c.institution,
        ledger.c.dataset == outbox.c.dataset,
        ledger.c.record_key == outbox.c.record_key,
    )


def _chunks(refs: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(refs), _CHUNK):
        yield refs[start : start + _CHUNK]
