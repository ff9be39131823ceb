"""One judged page into the store, in the caller's transaction: outbox, ledger, rows set aside, cursor."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from sqlalchemy import Column, Connection, and_, bindparam, insert, update

from gateway.errors import OutpacedError
from gateway.failpoints import reach
from gateway.model import Aside, Intake, LedgerEntry, Parcel
from gateway.outbox import State
from gateway.store import bulk, cursors, deliveries, flaws, rhythms, sealing, sightings, sweeps, turns, voids
from gateway.store.sealing import Keyring
from gateway.store.tables import SHOWN_LENGTH, aside, ledger, outbox, parcel, written

_KNOWN = """
    SELECT version, content_hash, ref, live, record_key, source FROM ledger
    WHERE institution = ? AND dataset = ? AND record_key IN"""
_ASIDE = "SELECT ref, state FROM aside WHERE source = ? AND dataset = ? AND ref IN"
_ANY_ASIDE = "SELECT ref FROM aside WHERE source = ? AND dataset = ? LIMIT 1"
_RELEASE = "DELETE FROM aside WHERE source = ? AND dataset = ? AND ref IN"
_IDENTITY = ("institution", "dataset", "record_key", "version")
_PARCEL = (*_IDENTITY, "content_hash", "occurred_at", "due_at", "seen_at", "body", "live", "entered_at")
_OUTBOX = (*_IDENTITY, "target", "state", "due_at", "attempts", "batch_cap", "hold", "cause", "reasons")
_LEDGER = (*_IDENTITY, "content_hash", "source", "ref", "anchor_at", "live", "seen_at", "document", "department")
_QUEUED, _UNTRIED = State.QUEUED.value, (0, 0, "", "", "[]")

_Rows = list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Sealed:
    """A page as it is stored, and the rows of its versions."""

    intake: Intake  #: withdrawals, and what some target was never given, have their bodies sealed
    parcels: _Rows
    outbox: _Rows
    ledger: _Rows  #: of keys that are new


def entries(connection: Connection, institution: str, dataset: str, keys: Collection[str]) -> dict[str, LedgerEntry]:
    """The ledger's newest version of each key it knows."""
    found = bulk.among(connection, _KNOWN, (institution, dataset), list(keys))
    return {
        key: LedgerEntry(version, digest, ref, bool(live), institution, key, source=source)
        for version, digest, ref, live, key, source in found
    }


def sealed(intake: Intake, keyring: Keyring) -> Sealed:
    """The page with its bodies as they are stored; outside the transaction, whose lock others wait for."""
    voids, owed = (tuple(replace(each, body=_body(each, keyring)) for each in group) for group in (intake.voids, intake.owed))
    seen = written(intake.now)
    rows = Sealed(replace(intake, voids=voids, owed=owed), [], [], [])
    due_at, due = None, ""
    for each, body in zip(intake.parcels, keyring.seal_all([(each.body, _about(each)) for each in intake.parcels]), strict=True):
        identity = (each.institution, each.dataset, each.key, each.version)
        if each.due_at is not due_at:  # most of a page are due together
            due_at, due = each.due_at, written(each.due_at)
        occurred, entered = written(each.occurred_at), written(each.entered_at) if each.entered_at else None
        rows.parcels.append((*identity, each.content_hash, occurred, due, seen, body, each.live, entered))
        for target in intake.targets:
            rows.outbox.append((*identity, target, _QUEUED, due, *_UNTRIED))
        if each.version == 1:
            found_by = (_short(each.document), _short(each.department))
            rows.ledger.append((*identity, each.content_hash, intake.source, each.ref, occurred, True, seen, *found_by))
    return rows


def _body(each: Parcel, keyring: Keyring) -> bytes:
    return keyring.seal(each.body, _about(each))


def _about(each: Parcel) -> bytes:
    return sealing.of_parcel(each.institution, each.dataset, each.key, each.version)


def accept(connection: Connection, page: Sealed, keyring: Keyring) -> None:
    """Everything a page changes. Called inside one transaction; any failure leaves nothing of it."""
    intake = page.intake
    turns.lock(connection, [*intake.voids, *intake.owed, *intake.adopted, *(each for each in intake.parcels if each.version > 1)])
    _check_versions(connection, intake)
    again, fresh = sightings.see(connection, intake)
    voids.withdraw(connection, intake.voids, intake.targets, intake.now)
    turns.hold_back(connection, intake.voids)
    _post(connection, page)
    displaced = _enter(connection, page)
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

    The keys are locked by now: what is seen here stays so until the commit. A key that is to be new is not asked for: the
    ledger takes none twice, which comes to the same.
    """
    if not (intake.voids or intake.owed or intake.adopted) and all(each.version == 1 for each in intake.parcels):
        return
    expected = {(each.institution, each.key): each.version for each in (*intake.owed, *intake.adopted)}
    for each in (*intake.voids, *intake.parcels):
        place = (each.institution, each.key)
        expected[place] = min(each.version - 1, expected.get(place, each.version - 1))
    withdrawn = {(each.institution, each.key): each.ref for each in intake.voids}
    expected = {place: version for place, version in expected.items() if version}
    for institution in {place[0] for place in expected}:
        known = entries(connection, institution, intake.dataset, [key for at, key in expected if at == institution])
        for (at, key), version in expected.items():
            held = known[key].version if key in known else 0
            if at == institution and (version != held or _passed_on(known.get(key), withdrawn.get((at, key)))):
                raise OutpacedError(f"{intake.source} 的 {intake.dataset} 正被另一次读取处理，稍后自动再读")


def _passed_on(entry: LedgerEntry | None, ref: str | None) -> bool:
    """Whether the key that a row is to lose is another row's by now, under the same version."""
    return entry is not None and ref is not None and entry.ref != ref


def _post(connection: Connection, page: Sealed) -> None:
    intake = page.intake
    bulk.add(connection, parcel, _PARCEL, page.parcels)
    bulk.add(connection, outbox, _OUTBOX, page.outbox)
    changed = _newest([each for each in intake.parcels if each.version > 1])
    if changed:
        deliveries.supersede(connection, changed, intake.now)
        turns.hold_back(connection, changed)


def _enter(connection: Connection, page: Sealed) -> set[sightings.Row]:
    """The ledger: a first version is a new row, a later one moves it on. Returns the rows that lost a key by that."""
    intake = page.intake
    later = _newest([each for each in intake.parcels if each.version > 1])
    bulk.add(connection, ledger, _LEDGER, page.ledger)
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
    return dict(bulk.among(connection, _ASIDE, (intake.source, intake.dataset), list(refs)))


def _release(connection: Connection, intake: Intake, refs: Sequence[str]) -> None:
    """Of most sources nothing is set aside, so there is nothing to look for."""
    place = (intake.source, intake.dataset)
    if refs and bulk.run(connection, _ANY_ASIDE, *place).first():
        bulk.change(connection, _RELEASE, place, refs)


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
    return {"document": _short(each.document), "department": _short(each.department)}


def _short(text: str) -> str:
    """Asked of every row, most of which have nothing to cut."""
    return text[:SHOWN_LENGTH].replace("\0", "") if text else ""


def _fitting(text: str, column: Column[str]) -> str:
    """What is only shown to a person, and what a person finds a row by, may be cut."""
    return text[: column.type.length].replace("\0", "")  # type: ignore[attr-defined]
