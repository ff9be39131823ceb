"""What was stated of each business day, and what a new statement is counted by: where rows stand, what the targets hold."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Row, Select, and_, func, select, update

from gateway.manifest import Held, Statement, Whereabouts
from gateway.model import AsideState
from gateway.outbox import State
from gateway.store.putting import put
from gateway.store.tables import aside, ledger, manifest, outbox, parcel, sighting

_CHUNK = 500
_Place = tuple[str, str]

_SAME_ASIDE = and_(aside.c.source == ledger.c.source, aside.c.dataset == ledger.c.dataset, aside.c.ref == ledger.c.ref)
_SAME_SIGHT = and_(sighting.c.source == ledger.c.source, sighting.c.dataset == ledger.c.dataset, sighting.c.ref == ledger.c.ref)
_SEEN_ASIDE = and_(aside.c.source == sighting.c.source, aside.c.dataset == sighting.c.dataset, aside.c.ref == sighting.c.ref)
_RECORD = (
    *(ledger.c.institution, ledger.c.record_key, ledger.c.version, ledger.c.content_hash, ledger.c.live, ledger.c.seen_at),
    *(outbox.c.target, outbox.c.state),
)


def of_rows(connection: Connection, source: str, dataset: str, refs: Sequence[str], targets: Collection[str]) -> list[Whereabouts]:
    """Where these rows stand; one that was never taken in is missing. Each in one statement, so none is seen in two places."""
    found: list[Whereabouts] = []
    columns = (sighting.c.ref, sighting.c.first_seen, aside.c.state.label("aside"), aside.c.institution.label("at"), *_RECORD)
    joined = sighting.outerjoin(aside, _SEEN_ASIDE).outerjoin(ledger, _SAME_SIGHT).outerjoin(outbox, _newest(targets))
    here = (sighting.c.source == source, sighting.c.dataset == dataset)
    for start in range(0, len(refs), _CHUNK):
        query = select(*columns).select_from(joined).where(*here, sighting.c.ref.in_(refs[start : start + _CHUNK]))
        found.extend(_whereabouts(source, connection.execute(query), targets))
    return found


def of_day(
    connection: Connection, source: str, dataset: str, span: tuple[datetime, datetime], targets: Collection[str]
) -> list[Whereabouts]:
    """Where every record of a source stands whose newest version happened in the span, whether its row is there or not."""
    columns = (ledger.c.ref, sighting.c.first_seen, aside.c.state.label("aside"), aside.c.institution.label("at"), *_RECORD)
    joined = ledger.outerjoin(aside, _SAME_ASIDE).outerjoin(sighting, _SAME_SIGHT).outerjoin(outbox, _newest(targets))
    within = (ledger.c.anchor_at >= span[0], ledger.c.anchor_at < span[1])
    query = select(*columns).select_from(joined).where(ledger.c.source == source, ledger.c.dataset == dataset, *within)
    return _records(source, connection.execute(query), targets)


def set_aside(connection: Connection, source: str, dataset: str, span: tuple[datetime, datetime]) -> list[Whereabouts]:
    """The rows set aside that never became a record, by their business time."""
    within = (aside.c.anchor_at >= span[0], aside.c.anchor_at < span[1])
    columns = (aside.c.ref, aside.c.institution, aside.c.first_seen, aside.c.state)
    query = select(*columns).where(aside.c.source == source, aside.c.dataset == dataset, *within)
    never_sent = query.where(~select(ledger.c.ref).where(_SAME_ASIDE).exists())
    return [Whereabouts(source, *row[:3], AsideState(row.state)) for row in connection.execute(never_sent)]


def held(connection: Connection, dataset: str, span: tuple[datetime, datetime], targets: Collection[str]) -> list[Held]:
    """The newest version of each key that each target accepted, of those that happened in the span."""
    newer = outbox.alias("newer")
    same_key = and_(
        newer.c.target == outbox.c.target,
        newer.c.institution == outbox.c.institution,
        newer.c.dataset == outbox.c.dataset,
        newer.c.record_key == outbox.c.record_key,
        newer.c.version > outbox.c.version,
        newer.c.state == State.ACCEPTED,
    )
    columns = (outbox.c.target, outbox.c.institution, outbox.c.record_key, outbox.c.version, parcel.c.content_hash, parcel.c.live)
    same = and_(
        outbox.c.institution == parcel.c.institution,
        outbox.c.dataset == parcel.c.dataset,
        outbox.c.record_key == parcel.c.record_key,
        outbox.c.version == parcel.c.version,
        outbox.c.target.in_(targets),
        outbox.c.state == State.ACCEPTED,
    )
    within = (parcel.c.dataset == dataset, parcel.c.occurred_at >= span[0], parcel.c.occurred_at < span[1])
    query = select(*columns).select_from(parcel.join(outbox, same)).where(*within, ~select(newer.c.id).where(same_key).exists())
    return [Held(*row) for row in connection.execute(query)]


def _newest(targets: Collection[str]) -> Any:
    """A ledger row's newest version on its way to each target."""
    return and_(
        outbox.c.institution == ledger.c.institution,
        outbox.c.dataset == ledger.c.dataset,
        outbox.c.record_key == ledger.c.record_key,
        outbox.c.version == ledger.c.version,
        outbox.c.target.in_(targets),
    )


def _whereabouts(source: str, rows: Iterable[Row[Any]], targets: Collection[str]) -> Iterator[Whereabouts]:
    """One a row: of its keys that it has now, where it was given another."""
    chosen: dict[str, tuple[bool, datetime | None, str]] = {}
    records: dict[tuple[str, str], Whereabouts] = {}
    for each, seen_at in _each(source, rows, targets):
        rank = (each.live, seen_at, each.key)
        records[each.ref, each.key] = each
        if each.ref not in chosen or rank > chosen[each.ref]:
            chosen[each.ref] = rank
    yield from (records[ref, key] for ref, (_, _, key) in chosen.items())


def _records(source: str, rows: Iterable[Row[Any]], targets: Collection[str]) -> list[Whereabouts]:
    return [each for each, _ in _each(source, rows, targets)]


def _each(source: str, rows: Iterable[Row[Any]], targets: Collection[str]) -> Iterator[tuple[Whereabouts, datetime | None]]:
    """One a record, its deliveries gathered, with when its ledger entry was written last."""
    groups: dict[tuple[str, str, str], list[Row[Any]]] = {}
    for row in rows:
        groups.setdefault((row.ref, row.institution or row.at or "", row.record_key or ""), []).append(row)
    for (ref, institution, key), group in groups.items():
        first = group[0]
        states = {row.target: State(row.state) for row in group if row.target}
        record: dict[str, Any] = {}
        if key:
            known = {target: states.get(target) or (None if first.live else State.CANCELLED) for target in targets}
            record = {"key": key, "version": first.version, "content_hash": first.content_hash, "live": first.live, "states": known}
        state = AsideState(first.aside) if first.aside else None
        seen = first.first_seen or first.seen_at
        yield Whereabouts(source, ref, institution, seen, state, **record), first.seen_at


# what was stated


def keep(connection: Connection, said: Statement) -> None:
    """A manifest that was just queued. Two workers may state a day at once: the record says the same, so either may be kept."""
    row = {
        "snapshot_at": said.snapshot_at,
        "looked_at": said.snapshot_at,
        "figures": orjson.dumps(dict(said.figures)).decode(),
        "digest": said.digest,
        "live_count": said.live,
        "query_digest": said.query_digest,
        "revoked_by": "",
    }
    put(connection, manifest, {**_place(said), "version": said.version}, row)


def looked(connection: Connection, dataset: str, day: date, institutions: Sequence[str], now: datetime) -> None:
    """The manifests of these institutions say what is so now."""
    here = (manifest.c.dataset == dataset, manifest.c.day == day.isoformat())
    for start in range(0, len(institutions), _CHUNK):
        some = manifest.c.institution.in_(institutions[start : start + _CHUNK])
        connection.execute(update(manifest).where(*here, some).values(looked_at=now))


def revoke(connection: Connection, said: Statement, now: datetime, by: str) -> None:
    """A zero that was none. Once is enough."""
    statement = update(manifest).where(*_version(said), manifest.c.revoked_at.is_(None))
    connection.execute(statement.values(revoked_at=now, revoked_by=by))


def of(connection: Connection, dataset: str, day: date) -> list[Statement]:
    """Every manifest of a data set's business day, oldest first."""
    return _statements(connection, select(manifest).where(manifest.c.dataset == dataset, manifest.c.day == day.isoformat()))


def between(connection: Connection, institution: str, first: date, last: date) -> list[Statement]:
    """Every manifest of an institution's business days, the last of them included."""
    days = (manifest.c.day >= first.isoformat(), manifest.c.day <= last.isoformat())
    return _statements(connection, select(manifest).where(manifest.c.institution == institution, *days))


def revoked(connection: Connection, since: datetime) -> list[Statement]:
    """The zeros that were revoked since then."""
    return _statements(connection, select(manifest).where(manifest.c.revoked_at >= since))


def looks(connection: Connection, dataset: str, since: date) -> Mapping[tuple[str, date], datetime]:
    """(institution, business day) -> when it was looked at last."""
    query = select(manifest.c.institution, manifest.c.day, func.max(manifest.c.looked_at, type_=manifest.c.looked_at.type))
    here = (manifest.c.dataset == dataset, manifest.c.day >= since.isoformat())
    rows = connection.execute(query.where(*here).group_by(manifest.c.institution, manifest.c.day))
    return {(institution, date.fromisoformat(day)): at for institution, day, at in rows}


def _statements(connection: Connection, query: Select[Any]) -> list[Statement]:
    ordered = query.order_by(manifest.c.institution, manifest.c.dataset, manifest.c.day, manifest.c.version)
    return [_statement(row) for row in connection.execute(ordered)]


def _statement(row: Row[Any]) -> Statement:
    return Statement(
        institution=row.institution,
        dataset=row.dataset,
        day=date.fromisoformat(row.day),
        snapshot_at=row.snapshot_at,
        figures=orjson.loads(row.figures),
        digest=row.digest,
        live=row.live_count,
        query_digest=row.query_digest,
        version=row.version,
        revoked_at=row.revoked_at,
        revoked_by=row.revoked_by,
    )


def _place(said: Statement) -> dict[str, str]:
    return {"institution": said.institution, "dataset": said.dataset, "day": said.day.isoformat()}


def _version(said: Statement) -> tuple[Any, ...]:
    return (*(manifest.c[name] == value for name, value in _place(said).items()), manifest.c.version == said.version)
