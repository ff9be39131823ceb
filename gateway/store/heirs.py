"""A row is gone, and another row has its key but could not be taken in: that one carries the key on, and nothing is withdrawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, and_, delete, or_, select, update

from gateway.model import AsideState, Heir, LedgerEntry
from gateway.store import sightings
from gateway.store.tables import absence, aside, ledger

_CHUNK = 200
#: a row that is left out by the site's rules says nothing of its key
_ALIVE = (AsideState.QUARANTINED, AsideState.NOT_READY)


def find(connection: Connection, dataset: str, entries: Sequence[LedgerEntry]) -> dict[tuple[str, str], list[Heir]]:
    """(institution, key) -> the rows set aside that have it; some of them may be gone as well."""
    found: dict[tuple[str, str], list[Heir]] = {}
    columns = (aside.c.institution, aside.c.record_key, aside.c.source, aside.c.ref)
    for start in range(0, len(entries), _CHUNK):
        theirs = or_(
            *(
                and_(
                    aside.c.institution == each.institution,
                    aside.c.record_key == each.key,
                    or_(aside.c.source != each.source, aside.c.ref != each.ref),
                )
                for each in entries[start : start + _CHUNK]
            )
        )
        here = (aside.c.dataset == dataset, aside.c.state.in_(_ALIVE), theirs)
        for institution, key, source, ref in connection.execute(select(*columns).where(*here).order_by(aside.c.ref)):
            found.setdefault((institution, key), []).append(Heir(source, ref))
    return found


def hand_over(connection: Connection, dataset: str, heirs: Mapping[LedgerEntry, Heir]) -> None:
    """The ledger's entry, as it was when asked, is the heir's from now on; its old row is accounted for by that."""
    for entry, heir in heirs.items():
        place = (entry.institution, dataset, entry.key)
        same = (ledger.c.institution == place[0], ledger.c.dataset == place[1], ledger.c.record_key == place[2])
        unchanged = (ledger.c.version == entry.version, ledger.c.ref == entry.ref, ledger.c.source == entry.source)
        moved = update(ledger).where(*same, *unchanged, ledger.c.live.is_(True)).values(source=heir.source, ref=heir.ref)
        if connection.execute(moved).rowcount:
            missed = (absence.c.institution == place[0], absence.c.dataset == place[1], absence.c.record_key == place[2])
            connection.execute(delete(absence).where(*missed))
            sightings.replace(connection, {(entry.source, dataset, entry.ref)})
