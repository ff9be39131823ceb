"""Rows that a person must mend: set aside as wrong, or with a newest version that a target sent back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    String,
    and_,
    case,
    func,
    insert,
    literal,
    or_,
    select,
    type_coerce,
    union_all,
)

from gateway.model import AsideState
from gateway.outbox import State
from gateway.store import sealing
from gateway.store.sealing import Keyring
from gateway.store.tables import Instant, aside, flaw, ledger, outbox, parcel, task_note
from gateway.worklist import Age, Complaint, Finding, LocalRow, TaskFilter, TaskKind, TaskNote
from schemas.model import Violation

_CHUNK = 200
#: the number of a row, and something that is said of it
_Said = tuple[str, Complaint]
#: an instant's text up to its hour
_HOUR = 13
#: what a row counts as that is wrong here and was sent back: the first of these
_RANKS = (TaskKind.MEND, TaskKind.OUTDATED, TaskKind.RETURNED)


def find(connection: Connection, wanted: TaskFilter) -> list[Finding]:
    """Every wrong row that fits, without what is wrong with it; owner and deadline are left to the caller."""
    found = _alike(connection, wanted)
    notes = _notes(connection, {each.row for each in found})
    return [_noted(each, notes.get(each.row)) for each in found]


def _alike(connection: Connection, wanted: TaskFilter, refs: Sequence[str] | None = None) -> list[Finding]:
    """`refs`: only these, of the source and data set that are wanted."""
    found: dict[LocalRow, Finding] = {}
    for each in (*_set_aside(connection, wanted, refs), *_sent_back(connection, wanted, refs)):
        found[each.row] = _both(found[each.row], each) if each.row in found else each
    return [each for each in found.values() if wanted.kind in (None, each.kind)]


def ages(connection: Connection, wanted: TaskFilter, *, kinds: bool = True) -> list[Age]:
    """How many wrong rows there are, counted by the database: a page of a few must not read the hundred thousand others.

    Not `kinds`: all are counted as MEND, which is much cheaper.
    """
    wrong = _wrong(wanted, _targets(connection), ranked=kinds or wanted.kind is not None)
    hour = _hour(wrong.c.since).label("hour")
    counted = select(wrong.c.institution, hour, wrong.c.rank).subquery()
    query = select(*counted.c, func.count()).group_by(*counted.c)
    found: Sequence[Any] = connection.execute(query).all()
    each = (Age(institution, _moment(hour), _RANKS[rank], rows) for institution, hour, rank, rows in found)
    return [age for age in each if wanted.kind in (None, age.kind)]


def by_age(connection: Connection, wanted: TaskFilter, until: datetime | None, start: int, size: int) -> list[Finding]:
    """`size` of those that fit and began before `until`, from the `start`th on, those first that began first."""
    wrong = _wrong(wanted, _targets(connection), ranked=wanted.kind is not None)
    query = select(wrong.c.source, wrong.c.dataset, wrong.c.ref)
    if wanted.kind:
        query = query.where(wrong.c.rank == _RANKS.index(wanted.kind))
    if until:
        query = query.where(wrong.c.since < until)
    order = (wrong.c.since, wrong.c.source, wrong.c.dataset, wrong.c.ref)
    rows = [LocalRow(*row) for row in connection.execute(query.order_by(*order).offset(start).limit(size))]
    of = [(replace(wanted, source=source, dataset=dataset), refs) for source, dataset, refs in _together(rows)]
    found = {each.row: each for narrowed, refs in of for each in _alike(connection, narrowed, refs)}
    notes = _notes(connection, rows)
    return [_noted(found[row], notes.get(row)) for row in rows if row in found]


def _together(rows: Iterable[LocalRow]) -> Iterator[tuple[str, str, list[str]]]:
    """Those of one source and data set, as many as one statement asks for: one each costs more than what it finds."""
    refs: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in rows:
        refs[row.source, row.dataset].append(row.ref)
    for place, of_one in refs.items():
        for start in range(0, len(of_one), _CHUNK):
            yield *place, of_one[start : start + _CHUNK]


def _wrong(wanted: TaskFilter, targets: Sequence[str], *, ranked: bool) -> Any:
    """One line for each wrong row: whose it is, since when, and the rank of its kind. One that is wrong here is told as that."""
    rank = _rank_ours(targets) if ranked else literal(0)
    held = _set_aside_rows(wanted, select(*_row(aside), aside.c.institution, _since_ours().label("since"), rank.label("rank")))
    here = select(aside.c.ref).where(
        aside.c.source == ledger.c.source, aside.c.dataset == ledger.c.dataset, aside.c.ref == ledger.c.ref
    )
    apart = _set_aside_rows(wanted, here).correlate(ledger).exists()
    whose = (func.min(ledger.c.institution), func.min(_since_theirs(), type_=Instant), literal(2 if ranked else 0))
    back = _sent_back_rows(wanted, select(*_row(ledger), *whose), targets).where(~apart).group_by(*_row(ledger))
    return union_all(held, back).subquery()


def _both(one: Finding, other: Finding) -> Finding:
    """Of a row that is wrong here and was sent back as it was before, or that two targets sent back."""
    return replace(
        one,
        since=min(one.since, other.since),
        key=one.key or other.key,
        document=one.document or other.document,
        department=one.department or other.department,
        occurred_at=one.occurred_at or other.occurred_at,
        targets=tuple(dict.fromkeys((*one.targets, *other.targets))),
    )


def _noted(found: Finding, note: TaskNote | None) -> Finding:
    return replace(found, note=note) if note else found


def _set_aside(connection: Connection, wanted: TaskFilter, refs: Sequence[str] | None) -> Iterator[Finding]:
    place = (aside.c.institution, aside.c.record_key, *_found_by(aside), aside.c.anchor_at)
    query = _set_aside_rows(wanted, select(*_row(aside), _since_ours(), *place, _rank_ours(_targets(connection))))
    for row in connection.execute(query if refs is None else query.where(aside.c.ref.in_(refs))):
        source, dataset, ref, began, institution, key, document, department, occurred, rank = row
        yield Finding(LocalRow(source, dataset, ref), _RANKS[rank], began, institution, key, document, department, occurred)


def _set_aside_rows(wanted: TaskFilter, query: Select[Any]) -> Select[Any]:
    """`query` of those that fit."""
    ours = and_(flaw.c.source == aside.c.source, flaw.c.dataset == aside.c.dataset, flaw.c.ref == aside.c.ref, flaw.c.target == "")
    at = func.coalesce(aside.c.anchor_at, _since_ours(), type_=Instant)
    fitting = _fitting(wanted, aside, aside.c.reasons, at)
    return query.select_from(aside.outerjoin(flaw, ours)).where(aside.c.state == AsideState.QUARANTINED, *fitting)


def _since_ours() -> ColumnElement[datetime]:
    return func.coalesce(flaw.c.since, aside.c.first_seen, type_=Instant)


def _rank_ours(targets: Sequence[str]) -> ColumnElement[int]:
    """One look-up by the row and one by its key: joined, SQLite would go through all that is accepted for each row."""
    same_key = (outbox.c.institution == ledger.c.institution, outbox.c.dataset == ledger.c.dataset)
    versions = select(outbox.c.id).where(outbox.c.target.in_(targets), *same_key, outbox.c.record_key == ledger.c.record_key)
    shown = versions.where(outbox.c.state == State.ACCEPTED).correlate(ledger).exists()
    same_row = (ledger.c.source == aside.c.source, ledger.c.dataset == aside.c.dataset, ledger.c.ref == aside.c.ref)
    return case((select(ledger.c.ref).where(*same_row, ledger.c.live.is_(True), shown).correlate(aside).exists(), 1), else_=0)


def _sent_back(connection: Connection, wanted: TaskFilter, refs: Sequence[str] | None) -> Iterator[Finding]:
    columns = (*_row(ledger), _since_theirs(), ledger.c.institution, ledger.c.record_key, *_found_by(ledger), ledger.c.anchor_at)
    query = _sent_back_rows(wanted, select(*columns, outbox.c.target), _targets(connection))
    query = query if refs is None else query.where(ledger.c.ref.in_(refs))
    for row in connection.execute(query.order_by(outbox.c.id)):
        source, dataset, ref, began, institution, key, document, department, occurred, target = row
        place = LocalRow(source, dataset, ref)
        yield Finding(place, TaskKind.RETURNED, began, institution, key, document, department, occurred, (target,))


def _sent_back_rows(wanted: TaskFilter, query: Select[Any], targets: Sequence[str]) -> Select[Any]:
    """`query` of those that fit. Once a newer version is on its way, what was said of an older one is nobody's work."""
    theirs = and_(
        flaw.c.source == ledger.c.source,
        flaw.c.dataset == ledger.c.dataset,
        flaw.c.ref == ledger.c.ref,
        flaw.c.target == outbox.c.target,
    )
    fitting = _fitting(wanted, ledger, outbox.c.reasons, ledger.c.anchor_at)
    return query.select_from(outbox.join(ledger, _newest()).outerjoin(flaw, theirs)).where(
        outbox.c.target.in_(targets), outbox.c.state == State.REJECTED, *fitting
    )


def _since_theirs() -> ColumnElement[datetime]:
    return func.coalesce(flaw.c.since, outbox.c.finished_at, type_=Instant)


def _hour(at: Any) -> Any:
    return func.substr(type_coerce(at, String), 1, _HOUR)


def _moment(hour: str) -> datetime:
    return datetime.strptime(hour, "%Y-%m-%dT%H").replace(tzinfo=UTC)


def _row(table: Any) -> tuple[Any, ...]:
    return table.c.source, table.c.dataset, table.c.ref


def _found_by(table: Any) -> tuple[Any, ...]:
    return table.c.document, table.c.department


def _fitting(wanted: TaskFilter, table: Any, reasons: Any, at: Any) -> list[ColumnElement[bool]]:
    same = {
        table.c.source: wanted.source,
        table.c.dataset: wanted.dataset,
        table.c.institution: wanted.institution,
        table.c.department: wanted.department,
        table.c.record_key: wanted.key,
    }
    found: list[ColumnElement[bool]] = [column == value for column, value in same.items() if value]
    if wanted.row:
        found += [table.c.source == wanted.row.source, table.c.dataset == wanted.row.dataset, table.c.ref == wanted.row.ref]
    if wanted.word:
        found.append(or_(*(column == wanted.word for column in (table.c.ref, table.c.document, table.c.record_key))))
    if wanted.reason:
        found.append(reasons.contains(wanted.reason, autoescape=True))
    start, end = wanted.span()
    return [*found, *([at >= start] if start else []), *([at < end] if end else [])]


def _targets(connection: Connection) -> list[str]:
    """Whose deliveries there are, by one step in an index each: said outright, the outbox need not be walked through."""
    found: list[str] = []
    first = select(func.min(outbox.c.target))
    while name := connection.execute(first.where(outbox.c.target > found[-1]) if found else first).scalar():
        found.append(name)
    return found


def _newest() -> Any:
    return and_(
        ledger.c.institution == outbox.c.institution,
        ledger.c.dataset == outbox.c.dataset,
        ledger.c.record_key == outbox.c.record_key,
        ledger.c.version == outbox.c.version,
    )


def complaints(connection: Connection, keyring: Keyring, rows: Collection[LocalRow]) -> dict[LocalRow, list[Complaint]]:
    """Everything that is said of each row now: what we say first, then each target."""
    found: dict[LocalRow, list[Complaint]] = {row: [] for row in rows}
    for source, dataset, refs in _together(rows):
        for ref, said in (*_ours(connection, keyring, source, dataset, refs), *_theirs(connection, keyring, source, dataset, refs)):
            found[LocalRow(source, dataset, ref)].append(said)
    return found


def _ours(connection: Connection, keyring: Keyring, source: str, dataset: str, refs: Sequence[str]) -> Iterator[_Said]:
    here = (aside.c.source == source, aside.c.dataset == dataset, aside.c.ref.in_(refs), aside.c.state == AsideState.QUARANTINED)
    query = select(aside.c.ref, aside.c.reasons, aside.c.content, aside.c.rival).where(*here)
    for ref, reasons, content, rival in connection.execute(query):
        mapped = orjson.loads(keyring.open(content, sealing.of_aside(source, dataset, ref)))
        yield ref, Complaint(_violations(reasons), mapped, rival=rival)


def _theirs(connection: Connection, keyring: Keyring, source: str, dataset: str, refs: Sequence[str]) -> Iterator[_Said]:
    here = (ledger.c.source == source, ledger.c.dataset == dataset, ledger.c.ref.in_(refs))
    same = and_(
        parcel.c.institution == outbox.c.institution,
        parcel.c.dataset == outbox.c.dataset,
        parcel.c.record_key == outbox.c.record_key,
        parcel.c.version == outbox.c.version,
    )
    place = (outbox.c.institution, outbox.c.dataset, outbox.c.record_key, outbox.c.version)
    query = (
        select(ledger.c.ref, outbox.c.target, outbox.c.reasons, outbox.c.cause, parcel.c.body, *place)
        .select_from(outbox.join(ledger, _newest()).join(parcel, same))
        .where(*here, outbox.c.target.in_(_targets(connection)), outbox.c.state == State.REJECTED)
        .order_by(outbox.c.id)
    )
    for ref, target, reasons, cause, body, *version in connection.execute(query):
        content = orjson.loads(keyring.open(body, sealing.of_parcel(*version))) if body else {}
        said = _violations(reasons) or (Violation("", "refused", cause),)
        yield ref, Complaint(said, content, target=target)


def _violations(reasons: str) -> tuple[Violation, ...]:
    return tuple(Violation(each["field"], each["rule"], each["message"]) for each in orjson.loads(reasons))


def _notes(connection: Connection, rows: Collection[LocalRow]) -> dict[LocalRow, TaskNote]:
    """The latest entry of each of these rows. There are as many entries as people wrote, which is few."""
    if not rows:
        return {}
    newest = select(func.max(task_note.c.id)).group_by(task_note.c.source, task_note.c.dataset, task_note.c.ref)
    found = {_written(row): _entry(row) for row in connection.execute(select(task_note).where(task_note.c.id.in_(newest)))}
    return {row: note for row, note in found.items() if row in rows}


def _written(row: Row[Any]) -> LocalRow:
    return LocalRow(row.source, row.dataset, row.ref)


def _entry(row: Row[Any]) -> TaskNote:
    return TaskNote(row.owner, row.note, row.written_at, row.written_by)


def history(connection: Connection, row: LocalRow) -> list[TaskNote]:
    """Every entry of a row, oldest first, those of earlier tasks too."""
    here = (task_note.c.source == row.source, task_note.c.dataset == row.dataset, task_note.c.ref == row.ref)
    return [_entry(each) for each in connection.execute(select(task_note).where(*here).order_by(task_note.c.id))]


def write_notes(connection: Connection, entries: Mapping[LocalRow, TaskNote]) -> None:
    """Add an entry to the history of each row."""
    values = [
        {
            "source": row.source,
            "dataset": row.dataset,
            "ref": row.ref,
            "owner": entry.owner,
            "note": entry.note,
            "written_at": entry.written_at,
            "written_by": entry.written_by,
        }
        for row, entry in entries.items()
    ]
    for start in range(0, len(values), _CHUNK):
        connection.execute(insert(task_note), values[start : start + _CHUNK])


def departments(connection: Connection) -> list[str]:
    """Those that have tasks now."""
    held = select(aside.c.department).where(aside.c.state == AsideState.QUARANTINED)
    back = (
        select(ledger.c.department)
        .select_from(outbox.join(ledger, _newest()))
        .where(outbox.c.target.in_(_targets(connection)), outbox.c.state == State.REJECTED)
    )
    return sorted({name for query in (held, back) for name in connection.execute(query.distinct()).scalars() if name})
