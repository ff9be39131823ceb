"""A judged page is sorted by what the ledger knows: sent, unchanged, withdrawn or set aside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import orjson

from gateway import voiding
from gateway.judging import Judge, Judged, doubled, occurred_at
from gateway.model import Aside, AsideState, Cursor, Intake, LedgerEntry, Parcel, RowState, Tally
from gateway.ports import IntakeStore, KeyedSource, RecordSource
from gateway.restraint import TOO_MANY
from schemas.model import Violation

#: most rows of one look-up
_AT_ONCE = 200


def compare(
    source: RecordSource,
    judge: Judge,
    store: IntakeStore,
    judged: list[Judged],
    cursor: Cursor | None,
    targets: tuple[str, ...],
    now: datetime,
    held: Callable[[Collection[str], datetime], Collection[str]],
) -> tuple[Intake, Tally]:
    """What one transaction has to take in for these rows, and how the page adds up. The ledger is asked, nothing is written.

    `held` says which of the rows to be withdrawn wait for a person instead.
    """
    withdrawn = _withdrawn(source, judge, store, judged)
    desk = _Desk(source.name, judge, now, withdrawn, frozenset(held(withdrawn.live, now)))
    for institution in {each.row.institution for each in judged}:
        keys = [each.key for each in judged if each.record and each.row.institution == institution]
        known = store.ledger(institution, judge.dataset.code, keys)
        desk.known.update({(institution, key): entry for key, entry in known.items()})
    desk.vacated = _vacated(source, judge, desk.known, judged, now)
    for each in sorted(judged, key=lambda one: one.row.state is not RowState.VOID):
        desk.take(each)  # withdrawals first: another row may take over the key
    desk.serve(store.unserved(judge.dataset.code, [entry for _, entry in desk.kept], targets))
    intake = Intake(
        source=source.name,
        dataset=judge.dataset.code,
        targets=targets,
        parcels=tuple(desk.parcels),
        asides=tuple(desk.asides),
        cleared=tuple(desk.cleared),
        cursor=cursor,
        digest=source.digest,
        now=now,
        voids=tuple(desk.voids),
        owed=tuple(desk.owed),
        adopted=tuple(desk.adopted),
    )
    return intake, desk.tally(len(judged))


@dataclass(frozen=True, slots=True)
class _Withdrawn:
    """What the ledger holds of the rows of a page that are void at the source."""

    entries: Mapping[str, tuple[LedgerEntry, ...]]  #: ref -> entries
    bodies: Mapping[tuple[str, str], bytes]

    @property
    def live(self) -> tuple[str, ...]:
        """The rows of which something is not withdrawn yet."""
        return tuple(ref for ref, entries in self.entries.items() if any(entry.live for entry in entries))


def _withdrawn(source: RecordSource, judge: Judge, store: IntakeStore, judged: list[Judged]) -> _Withdrawn:
    refs = [each.row.ref for each in judged if each.row.state is RowState.VOID]
    found = store.of_rows(source.name, judge.dataset.code, refs) if refs else ()
    bodies = store.bodies([entry for entry in found if entry.live], judge.dataset.code) if found else {}
    return _Withdrawn({ref: tuple(entry for entry in found if entry.ref == ref) for ref in refs}, bodies)


def _vacated(
    source: RecordSource, judge: Judge, known: Mapping[tuple[str, str], LedgerEntry], judged: Sequence[Judged], now: datetime
) -> set[tuple[str, str]]:
    """Keys whose row is not at the source any more, or has another key by now, while a row of the page has them.

    Many programs save so: they delete a row and write it anew. A row that cannot be looked up keeps its keys.
    """
    if not isinstance(source, KeyedSource) or not source.sweeps:
        return set()
    rivals = {
        (each.row.institution, each.key): entry.ref
        for each in judged
        if each.record and (entry := known.get((each.row.institution, each.key))) and entry.live
        if entry.source == source.name and entry.ref != each.row.ref
    }
    there = _keys_there(source, judge, sorted(set(rivals.values())), now) if rivals else set()
    return {place for place, ref in rivals.items() if (ref, *place) not in there and (ref, "", "") not in there}


def _keys_there(source: KeyedSource, judge: Judge, refs: Sequence[str], now: datetime) -> set[tuple[str, str, str]]:
    """(ref, institution, key) of these rows as they are now; without a key where it cannot be trusted."""
    chunks = (refs[start : start + _AT_ONCE] for start in range(0, len(refs), _AT_ONCE))
    rows = (row for chunk in chunks for row in source.lookup(chunk))
    found = (judge.judge(row, now) for row in rows)
    return {(each.row.ref, each.row.institution, each.key) if each.record else (each.row.ref, "", "") for each in found}


class _Desk:
    """Sorts one judged page into what is sent, what is unchanged, what is withdrawn and what is set aside."""

    def __init__(self, source: str, judge: Judge, now: datetime, withdrawn: _Withdrawn, held: frozenset[str]) -> None:
        self.source, self.judge, self.now, self.withdrawn, self.held = source, judge, now, withdrawn, held
        self.known: dict[tuple[str, str], LedgerEntry] = {}
        self.vacated: set[tuple[str, str]] = set()
        self.voids: list[Parcel] = []
        self.voided = 0
        self.parcels: list[Parcel] = []
        self.asides: list[Aside] = []
        self.cleared: list[str] = []
        self.unchanged = 0
        self.kept: list[tuple[Judged, LedgerEntry]] = []  #: unchanged, and not just sent by this very page
        self.owed: list[Parcel] = []
        self.adopted: list[Parcel] = []

    def take(self, each: Judged) -> None:
        """Put one judged row where it belongs."""
        if each.row.state is RowState.VOID and each.row.ref in self.held:
            self._set_aside(each, AsideState.QUARANTINED, (TOO_MANY,))
            return
        if each.row.state is RowState.VOID and self.withdrawn.entries[each.row.ref]:
            self._withdraw(each, [entry for entry in self.withdrawn.entries[each.row.ref] if entry.live])
            return
        if each.aside is not None:
            self._set_aside(each, each.aside, each.reasons)
            return
        entry = self.known.get((each.row.institution, each.key))
        moved = entry is not None and (entry.source, entry.ref) != (self.source, each.row.ref)
        if entry and entry.live and moved and (each.row.institution, each.key) not in self.vacated:
            self._set_aside(
                each, AsideState.QUARANTINED, (doubled(entry.source, self.source),), f"来源 {entry.source} 的 {entry.ref}"
            )
            return
        self.cleared.append(each.row.ref)
        self.vacated.discard((each.row.institution, each.key))
        if entry and entry.live and entry.content_hash == each.digest:
            self._keep(each, entry, moved)
        else:
            self._send(each, entry.version + 1 if entry else 1)

    def _keep(self, each: Judged, entry: LedgerEntry, moved: bool) -> None:
        """Nothing to say. A row written anew under another number, as many programs save, only carries the key on."""
        self.unchanged += 1
        if moved:
            self.adopted.append(_parcel(self.judge, each, entry.version))
            self.known[each.row.institution, each.key] = replace(entry, source=self.source, ref=each.row.ref)
        elif entry.key:
            self.kept.append((each, entry))

    def serve(self, unserved: Collection[tuple[str, str]]) -> None:
        """Unchanged rows that a target was never given are sent as the version they are; from the row: bodies are shredded."""
        waiting = set(unserved)
        for each, entry in self.kept:
            if (entry.institution, entry.key) in waiting:
                waiting.discard((entry.institution, entry.key))  # a page may hold a row twice
                self.owed.append(_parcel(self.judge, each, entry.version))
                self.unchanged -= 1

    def tally(self, read: int) -> Tally:
        """How the page adds up."""
        counts = {state: sum(aside.state is state for aside in self.asides) for state in AsideState}
        return Tally(
            read=read,
            excluded=counts[AsideState.EXCLUDED],
            not_ready=counts[AsideState.NOT_READY],
            quarantined=counts[AsideState.QUARANTINED],
            unchanged=self.unchanged,
            queued=len(self.parcels) + len(self.owed),
            voided=self.voided,
            reasons=Counter(
                each for aside in self.asides if aside.state is AsideState.QUARANTINED for each in _rules(aside.reasons)
            ),
        )

    def _reasons(self) -> Counter[str]:
        quarantined = (aside for aside in self.asides if aside.state is AsideState.QUARANTINED)
        return Counter(rule for aside in quarantined for rule in _rules(aside.reasons))

    def _withdraw(self, each: Judged, live: Sequence[LedgerEntry]) -> None:
        """Take back every key the row became; once is enough. What cannot be said rightly is a person's work."""
        parcels, reasons = [], []
        for entry in live:
            sent = self.withdrawn.bodies.get((entry.institution, entry.key))
            if sent is None:
                reasons.append(voiding.SHREDDED)
                continue
            parcel = voiding.withdrawal(self.judge.edition, self.judge.dataset, entry, sent, self.judge.rid, self.now)
            reasons.extend(self.judge.violations(parcel))
            parcels.append(parcel)
        if reasons:
            self._set_aside(each, AsideState.QUARANTINED, tuple(reasons))
            return
        self.cleared.append(each.row.ref)
        self.voids.extend(parcels)
        self.known.update({(p.institution, p.key): LedgerEntry(p.version, p.content_hash, p.ref, live=False) for p in parcels})
        self.voided += bool(parcels)
        self.unchanged += not parcels

    def _send(self, each: Judged, version: int) -> None:
        parcel = _parcel(self.judge, each, version)
        self.vacated.discard((each.row.institution, each.key))
        self.parcels.append(parcel)
        self.known[each.row.institution, each.key] = LedgerEntry(version, parcel.content_hash, each.row.ref, source=self.source)

    def _set_aside(self, each: Judged, state: AsideState, reasons: tuple[Violation, ...], rival: str = "") -> None:
        self.asides.append(
            Aside(
                each.row.ref,
                each.row.institution,
                state,
                reasons,
                each.key,
                each.content,
                rival,
                occurred_at(self.judge.dataset, each.row.values),
                each.row.document,
                each.row.department,
            )
        )


def _rules(reasons: Sequence[Violation]) -> set[str]:
    """What a row is told against, without a value: `bed_no required`."""
    return {f"{each.field} {each.rule}".strip() for each in reasons}


def _parcel(judge: Judge, each: Judged, version: int) -> Parcel:
    record = each.record if version == 1 else {**each.record, "version": str(version)}
    occurred = each.occurred
    if occurred is None:
        raise AssertionError("a valid record has its business time")
    return Parcel(
        institution=each.row.institution,
        dataset=judge.dataset.code,
        key=each.key,
        version=version,
        content_hash=each.digest,
        ref=each.row.ref,
        occurred_at=occurred,
        due_at=judge.due_at(each.row.institution, occurred),
        body=orjson.dumps(record),
        entered_at=each.row.entered_at,
        document=each.row.document,
        department=each.row.department,
    )
