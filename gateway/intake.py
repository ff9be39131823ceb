"""Path 1a: source row -> validated record -> outbox and ledger, or set aside with every reason (DESIGN.md §4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

import orjson

from gateway import lookback, voiding
from gateway.errors import OutpacedError
from gateway.failpoints import reach
from gateway.model import Aside, AsideState, Cursor, Intake, LedgerEntry, Page, Parcel, Reading, RowState, SourceRow, Tally
from gateway.ports import IntakeStore, RecordSource
from schemas import wire
from schemas.cadence import due_at
from schemas.compiled import validator
from schemas.errors import WireError
from schemas.model import Dataset, Edition, Violation
from schemas.record import business_key, content_hash

LIVE = "1"
#: how often a page is compared again because another reader was faster
_TRIES = 5
#: most rows before the cursor that are read again
_OVERLAP_ROWS = 2000
#: fields the gateway derives: wrong only because another field is
_DERIVED = frozenset({"key", "occurred_at", "content_hash"})


@dataclass(frozen=True, slots=True)
class Judged:
    """A source row after validation: a record to send, or the reasons why not."""

    row: SourceRow
    key: str
    content: Mapping[str, Any]  #: the data set's own fields, wire form
    record: Mapping[str, Any]  #: with the common fields, but without version; empty if set aside
    aside: AsideState | None = None
    reasons: tuple[Violation, ...] = ()

    @property
    def digest(self) -> str:
        """The content hash of a record that may be sent."""
        return str(self.record["content_hash"])


class Judge:
    """Turns mapped rows of one data set into records, by the same schema the bureau uses."""

    def __init__(self, edition: Edition, dataset: str, rid: str) -> None:
        self.edition, self.dataset, self.rid = edition, edition.datasets[dataset], rid
        self._validator = validator(edition, dataset)

    def judge(self, row: SourceRow, now: datetime) -> Judged:
        """Every reason at once; a faulty field is told by its fault, not also as missing."""
        if row.state is not RowState.READY:
            return self._set_aside_by_rule(row)
        content, faults = (row.content, row.faults) if row.content is not None else self._content(row)
        record = self._record(row, content, now)
        told = {fault.field for fault in faults}
        found = tuple(each for each in self._validator.violations(record) if each.field not in told)
        reasons = _without_symptoms((*faults, *found))
        key = record["key"]
        if reasons:
            return Judged(row, key, content, {}, AsideState.QUARANTINED, reasons)
        return Judged(row, key, content, record)

    def violations(self, parcel: Parcel) -> tuple[Violation, ...]:
        """What is wrong with a record that is ready to go: an old one may not fit the edition of today."""
        return self._validator.violations(orjson.loads(parcel.body))

    def _set_aside_by_rule(self, row: SourceRow) -> Judged:
        """A row void at the source is owed to nobody unless it was taken in before: then the desk withdraws it."""
        state = AsideState.NOT_READY if row.state is RowState.NOT_READY else AsideState.EXCLUDED
        return Judged(row, "", {}, {}, state, (Violation("", str(row.state), row.reason),))

    def _content(self, row: SourceRow) -> tuple[dict[str, Any], tuple[Violation, ...]]:
        content: dict[str, Any] = {}
        faults = list(row.faults)
        for field in self.dataset.fields:
            try:
                content.update(wire.encode_record((field,), row.values))
            except WireError as error:
                faults.append(Violation(field.name, "unreadable", str(error)))
        return content, tuple(faults)

    def _record(self, row: SourceRow, content: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        record = {
            **content,
            "fixmedins_code": row.institution,
            "key": business_key(self.dataset, content),
            "version": "1",
            "vali_flag": LIVE,
            "edition": self.edition.id,
            "seen_at": wire.encode_datetime(now),
            "rid": self.rid,
        }
        occurred = occurred_at(self.dataset, row.values)
        if occurred:
            record["occurred_at"] = wire.encode_datetime(occurred)
        if row.entered_at:
            record["entered_at"] = wire.encode_datetime(row.entered_at)
        record["content_hash"] = content_hash(self.dataset, record)
        return record


def _without_symptoms(reasons: tuple[Violation, ...]) -> tuple[Violation, ...]:
    causes = tuple(reason for reason in reasons if reason.field not in _DERIVED)
    return causes or reasons


def occurred_at(dataset: Dataset, values: Mapping[str, Any]) -> datetime | None:
    """The record's business time; a date counts from its midnight. None if the row has none."""
    value = values.get(dataset.occurred)
    if isinstance(value, datetime):
        return value
    return datetime.combine(value, time(), wire.SHANGHAI) if isinstance(value, date) else None


@dataclass(frozen=True, slots=True)
class Again:
    """What the hot tier looks at once more, because rows become visible out of order."""

    overlap: timedelta = timedelta(seconds=120)  #: so far before the cursor
    since: datetime | None = None  #: rows changed after it are counted by how late they came


def accept(
    source: RecordSource,
    judge: Judge,
    store: IntakeStore,
    *,
    targets: tuple[str, ...],
    clock: Callable[[], datetime],
    page_size: int = 500,
    from_start: bool = False,
    again: Again | None = None,
) -> Tally:
    """Read what is new at the source and put it in the outbox.

    1. Read from a little before the cursor (a rescanning source, or `from_start`, reads everything): a row may become
       visible after others with a later change time. The adapter has mapped it.
    2. Judge each row. A bad one is set aside with every reason; the rest go on.
    3. Compare with the ledger: new content is the next version, known content is unchanged.
    4. In one transaction: outbox, ledger, rows set aside, cursor.

    A crash before 4 means the page is read again; the ledger makes that harmless.
    """
    rescan = from_start or source.reading is Reading.RESCAN
    after = None if rescan else store.cursor(source.name, source.dataset, source.digest)
    again = again or Again()
    total = Tally()
    for page in _pages(source, after, page_size, again.overlap):
        reach("after_read")
        moved = page.cursor if after is None or page.cursor.follows(after) else None
        _, tally = take_in(source, judge, store, page.rows, moved, targets=targets, now=clock(), since=again.since)
        total += tally
    return total


def _pages(source: RecordSource, after: Cursor | None, size: int, overlap: timedelta) -> Iterator[Page]:
    """The overlap and what lies after it; a bulk load inside the overlap is not read again and again."""
    if after is None:
        yield from source.pages(None, size)
        return
    again = 0
    for page in source.pages(source.earlier(after, overlap), size):
        yield page
        again += len(page.rows)
        if again >= _OVERLAP_ROWS and not page.cursor.follows(after):
            yield from source.pages(after, size)
            return


def take_in(
    source: RecordSource,
    judge: Judge,
    store: IntakeStore,
    rows: Sequence[SourceRow],
    cursor: Cursor | None,
    *,
    targets: tuple[str, ...],
    now: datetime,
    since: datetime | None = None,
) -> tuple[list[Judged], Tally]:
    """Judge, compare and store some rows; how late new ones are is counted if they changed after `since`, when we began.

    Compared again if another reader of the same rows (window, backfill) was faster.
    """
    judged = [judge.judge(row, now) for row in rows]
    for tries in range(1, _TRIES + 1):
        intake, tally = _compare(source, judge, store, judged, cursor, targets, now)
        if since:
            intake = replace(intake, lags=_lags(judged, intake, since, now))
        try:
            reach("before_accept")
            store.accept(intake)
            reach("after_accept")
        except OutpacedError:
            if tries == _TRIES:
                raise
        else:
            return judged, tally
    raise AssertionError("unreachable")


def _lags(judged: Sequence[Judged], intake: Intake, since: datetime, now: datetime) -> dict[int, int]:
    """How late the rows are that were never sent before."""
    new = {parcel.ref for parcel in intake.parcels if parcel.version == 1}
    times = (each.row.changed_at for each in judged if each.row.ref in new)
    return dict(Counter(lookback.step(now - time) for time in times if time and time >= since))


def _compare(
    source: RecordSource,
    judge: Judge,
    store: IntakeStore,
    judged: list[Judged],
    cursor: Cursor | None,
    targets: tuple[str, ...],
    now: datetime,
) -> tuple[Intake, Tally]:
    desk = _Desk(judge, now, _withdrawn(source, judge, store, judged))
    for institution in {each.row.institution for each in judged}:
        keys = [each.key for each in judged if each.record and each.row.institution == institution]
        known = store.ledger(institution, judge.dataset.code, keys)
        desk.known.update({(institution, key): entry for key, entry in known.items()})
    for each in sorted(judged, key=lambda one: one.row.state is not RowState.VOID):
        desk.take(each)  # withdrawals first: another row may take over the key
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
    )
    return intake, desk.tally(len(judged))


@dataclass(frozen=True, slots=True)
class _Withdrawn:
    """What the ledger holds of the rows of a page that are void at the source."""

    entries: Mapping[str, tuple[LedgerEntry, ...]]  #: ref -> entries
    bodies: Mapping[tuple[str, str], bytes]


def _withdrawn(source: RecordSource, judge: Judge, store: IntakeStore, judged: list[Judged]) -> _Withdrawn:
    refs = [each.row.ref for each in judged if each.row.state is RowState.VOID]
    found = store.of_rows(source.name, judge.dataset.code, refs) if refs else ()
    bodies = store.bodies([entry for entry in found if entry.live], judge.dataset.code) if found else {}
    return _Withdrawn({ref: tuple(entry for entry in found if entry.ref == ref) for ref in refs}, bodies)


class _Desk:
    """Sorts one judged page into what is sent, what is unchanged, what is withdrawn and what is set aside."""

    def __init__(self, judge: Judge, now: datetime, withdrawn: _Withdrawn) -> None:
        self.judge, self.now, self.withdrawn = judge, now, withdrawn
        self.known: dict[tuple[str, str], LedgerEntry] = {}
        self.voids: list[Parcel] = []
        self.voided = 0
        self.parcels: list[Parcel] = []
        self.asides: list[Aside] = []
        self.cleared: list[str] = []
        self.unchanged = 0

    def take(self, each: Judged) -> None:
        """Put one judged row where it belongs."""
        if each.row.state is RowState.VOID and self.withdrawn.entries[each.row.ref]:
            self._withdraw(each, [entry for entry in self.withdrawn.entries[each.row.ref] if entry.live])
            return
        if each.aside is not None:
            self._set_aside(each, each.aside, each.reasons)
            return
        entry = self.known.get((each.row.institution, each.key))
        if entry and entry.live and entry.ref != each.row.ref:
            self._set_aside(each, AsideState.QUARANTINED, (_doubled(entry),))
            return
        self.cleared.append(each.row.ref)
        if entry and entry.live and entry.content_hash == each.digest:
            self.unchanged += 1
        else:
            self._send(each, entry.version + 1 if entry else 1)

    def tally(self, read: int) -> Tally:
        """How the page adds up."""
        counts = {state: sum(aside.state is state for aside in self.asides) for state in AsideState}
        return Tally(
            read=read,
            excluded=counts[AsideState.EXCLUDED],
            not_ready=counts[AsideState.NOT_READY],
            quarantined=counts[AsideState.QUARANTINED],
            unchanged=self.unchanged,
            queued=len(self.parcels),
            voided=self.voided,
        )

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
        self.parcels.append(parcel)
        self.known[each.row.institution, each.key] = LedgerEntry(version, parcel.content_hash, each.row.ref)

    def _set_aside(self, each: Judged, state: AsideState, reasons: tuple[Violation, ...]) -> None:
        self.asides.append(Aside(each.row.ref, each.row.institution, state, reasons, each.key, each.content))


def _doubled(entry: LedgerEntry) -> Violation:
    return Violation("key", "duplicate_key", f"业务主键与本地另一行（{entry.ref}）相同，不能确定该报哪一行")


def _parcel(judge: Judge, each: Judged, version: int) -> Parcel:
    record = {**each.record, "version": str(version)}
    occurred = occurred_at(judge.dataset, each.row.values)
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
        due_at=due_at(judge.edition.cadences[judge.dataset.cadence], occurred),
        body=orjson.dumps(record),
    )
