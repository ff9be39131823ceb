"""One judged page into the store, in the caller's transaction: outbox, ledger, rows set aside, cursor."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any

import orjson
from sqlalchemy import Column, Connection, and_, bindparam, delete, insert, select, update

from gateway.errors import OutpacedError
from gateway.failpoints import reach
from gateway.model import Aside, Intake, LedgerEntry, Parcel
from gateway.store import cursors, deliveries, flaws, rhythms, sealing, sightings, sweeps, turns, voids
from gateway.store.sealing import Keyring
from gateway.store.tables import aside, ledger, outbox, parcel

#: most values of one IN list; Oracle's limit is 1000, old SQLite's 999
_CHUNK = 500


def entries(connection: Connection, institution: str, dataset: str, keys: Collection[str]) -> dict[str, LedgerEntry]:
    """The ledger's newest version of each key it knows."""
    found: dict[str, LedgerEntry] = {}
    for chunk in _chunks(list(keys)):
        columns = (ledger.c.version, ledger.c.content_hash, ledger.c.ref, ledger.c.live, ledger.c.record_key, ledger.c.source)
        query = select(*columns).where(
            ledger.c.institution == institution, ledger.c.dataset == dataset, ledger.c.record_key.in_(chunk)
        )
        for version, digest, ref, live, key, source in connection.execute(query):
            found[key] = LedgerEntry(version, digest, ref, live, institution, key, source=source)
    return found


def sealed(intake: Intake, keyring: Keyring) -> Intake:
    """The page with its bodies as they are stored; outside the transaction, whose lock others wait for."""
    groups = (intake.parcels, intake.voids, intake.owed)
    parcels, voids, owed = (tuple(_sealed(each, keyring) for each in group) for group in groups)
    return replace(intake, parcels=parcels, voids=voids, owed=owed)


def _sealed(each: Parcel, keyring: Keyring) -> Parcel:
    about = sealing.of_parcel(each.institution, each.dataset, each.key, each.version)
    return replace(each, body=keyring.seal(each.body, about))


def accept(connection: Connection, intake: Intake, keyring: Keyring) -> None:
    """Everything a page changes. Called inside one transaction; any failure leaves nothing of it."""
    turns.lock(connection, [*intake.voids, *intake.owed, *intake.adopted, *(each for each in intake.parcels if each.version > 1)])
    _check_versions(connection, intake)
    again, fresh = sightings.see(connection, intake)
    voids.withdraw(connection, intake.voids, intake.targets, intake.now)
    turns.hold_back(connection, intake.voids)
    if intake.parcels:
        _post(connection, intake)
    displaced = _enter(connection, intake)
    if intake.owed:
        deliveries.serve(connection, intake)
    _set_aside(connection, intake, keyring)
    _release(connection, intake, intake.cleared)
    sightings.replace(connection, displaced | again)
    reach("within_accept")
    if intake.cursor:
        cursors.save(connection, intake, intake.cursor)
    sweeps.note_lags(connection, intake)
    rhythms.note(connection, intake, fresh)


def _check_versions(connection: Connection, intake: Intake) -> None:
    """Another reader (the window, a backfill) may have taken a version since the page was compared, or a rebuild given one.

    The keys are locked by now: what is seen here stays so until the commit.
    """
    expected = {(each.institution, each.key): each.version for each in (*intake.owed, *intake.adopted)}
    for each in (*intake.voids, *intake.parcels):
        place = (each.institution, each.key)
        expected[place] = min(each.version - 1, expected.get(place, each.version - 1))
    withdrawn = {(each.institution, each.key): each.ref for each in intake.voids}
    for institution in {place[0] for place in expected}:
        known = entries(connection, institution, intake.dataset, [key for at, key in expected if at == institution])
        for (at, key), version in expected.items():
            held = known[key].version if key in known else 0
            if at == institution and (version != held or _passed_on(known.get(key), withdrawn.get((at, key)))):
                raise OutpacedError(f"{intake.source} 的 {intake.dataset} 正被另一次读取处理，稍后自动再读")


def _passed_on(entry: LedgerEntry | None, ref: str | None) -> bool:
    """Whether the key that a row is to lose is another row's by now, under the same version."""
    return entry is not None and ref is not None and entry.ref != ref


def _post(connection: Connection, intake: Intake) -> None:
    connection.execute(insert(parcel), [{**deliveries.identity(each), **_parcel(each, intake)} for each in intake.parcels])
    rows = [deliveries.queued(each, target) for target in intake.targets for each in intake.parcels]
    connection.execute(insert(outbox), rows)
    changed = _newest([each for each in intake.parcels if each.version > 1])
    if changed:
        deliveries.supersede(connection, changed, intake.now)
        turns.hold_back(connection, changed)


def _enter(connection: Connection, intake: Intake) -> set[sightings.Row]:
    """The ledger: a first version is a new row, a later one moves it on. Returns the rows that lost a key by that."""
    first = [each for each in intake.parcels if each.version == 1]
    later = _newest([each for each in intake.parcels if each.version > 1])
    if first:
        connection.execute(insert(ledger), [{**deliveries.identity(each), **_entry(each, intake)} for each in first])
    displaced = sightings.owners(connection, intake, [*intake.adopted, *later])
    _carry_on(connection, intake)
    if not later:
        return displaced
    statement = update(ledger).where(
        and_(ledger.c.institution == bindparam("i"), ledger.c.dataset == bindparam("d"), ledger.c.record_key == bindparam("k"))
    )
    rows = [{"i": p.institution, "d": p.dataset, "k": p.key, "version": p.version, **_entry(p, intake)} for p in later]
    connection.execute(statement, rows)
    return displaced


def _carry_on(connection: Connection, intake: Intake) -> None:
    for each in intake.adopted:
        same = (ledger.c.institution == each.institution, ledger.c.dataset == each.dataset, ledger.c.record_key == each.key)
        values = {"source": intake.source, "ref": each.ref, "seen_at": intake.now, **_found_by(each)}
        connection.execute(update(ledger).where(*same).values(values))


def _newest(parcels: Sequence[Parcel]) -> list[Parcel]:
    """The last of each key, where a page holds several versions of one."""
    return list({(each.institution, each.key): each for each in parcels}.values())


def _set_aside(connection: Connection, intake: Intake, keyring: Keyring) -> None:
    rows = {each.ref: _aside(each, intake, keyring) for each in intake.asides}
    known = _known_asides(connection, intake, rows)
    flaws.set_aside(connection, intake, known)
    fresh = [row for ref, row in rows.items() if ref not in known]
    if fresh:
        connection.execute(insert(aside), [{**row, "first_seen": intake.now} for row in fresh])
    if known:
        place = (aside.c.source == bindparam("s"), aside.c.dataset == bindparam("d"), aside.c.ref == bindparam("r"))
        changes = [{"s": intake.source, "d": intake.dataset, "r": ref, **rows[ref]} for ref in known]
        connection.execute(update(aside).where(*place), changes)


def _known_asides(connection: Connection, intake: Intake, refs: Collection[str]) -> dict[str, str]:
    """ref -> the state it was set aside in."""
    known: dict[str, str] = {}
    for chunk in _chunks(list(refs)):
        query = select(aside.c.ref, aside.c.state).where(
            aside.c.source == intake.source, aside.c.dataset == intake.dataset, aside.c.ref.in_(chunk)
        )
        known.update((ref, state) for ref, state in connection.execute(query))
    return known


def _release(connection: Connection, intake: Intake, refs: Sequence[str]) -> None:
    for chunk in _chunks(list(refs)):
        connection.execute(
            delete(aside).where(aside.c.source == intake.source, aside.c.dataset == intake.dataset, aside.c.ref.in_(chunk))
        )


def _chunks(values: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(values), _CHUNK):
        yield values[start : start + _CHUNK]


def _parcel(each: Parcel, intake: Intake) -> dict[str, Any]:
    return {
        "content_hash": each.content_hash,
        "occurred_at": each.occurred_at,
        "entered_at": each.entered_at,
        "due_at": each.due_at,
        "seen_at": intake.now,
        "body": each.body,
        "live": each.live,
    }


def _entry(each: Parcel, intake: Intake) -> dict[str, Any]:
    return {
        "content_hash": each.content_hash,
        "source": intake.source,
        "ref": each.ref,
        "anchor_at": each.occurred_at,
        "live": True,
        "seen_at": intake.now,
        **_found_by(each),
    }


def _aside(each: Aside, intake: Intake, keyring: Keyring) -> dict[str, Any]:
    return {
        "source": intake.source,
        "dataset": intake.dataset,
        "ref": each.ref,
        "institution": _fitting(each.institution, aside.c.institution),
        "state": each.state,
        "record_key": _fitting(each.key, aside.c.record_key),
        "reasons": orjson.dumps([reason.as_dict() for reason in each.reasons]).decode(),
        "content": keyring.seal(orjson.dumps(dict(each.content)), sealing.of_aside(intake.source, intake.dataset, each.ref)),
        "last_seen": intake.now,
        "rival": _fitting(each.rival, aside.c.rival),
        "anchor_at": each.occurred_at,
        **_found_by(each),
    }


def _found_by(each: Parcel | Aside) -> dict[str, str]:
    """Of the newest reading."""
    return {name: _fitting(getattr(each, name), ledger.c[name]) for name in ("document", "department")}


def _fitting(text: str, column: Column[str]) -> str:
    """What is only shown to a person, and what a person finds a row by, may be cut."""
    return text[: column.type.length].replace("\0", "")  # type: ignore[attr-defined]
