"""Path 1a: source row -> validated record -> outbox and ledger, or set aside with every reason (DESIGN.md §4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

import orjson

from gateway.failpoints import reach
from gateway.model import Aside, AsideState, Intake, LedgerEntry, Page, Parcel, Reading, RowState, SourceRow, Tally
from gateway.ports import IntakeStore, RecordSource
from schemas import wire
from schemas.build import validator
from schemas.cadence import due_at
from schemas.errors import WireError
from schemas.model import Dataset, Edition, Violation
from schemas.record import business_key, content_hash

LIVE = "1"
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
        content, faults = self._content(row)
        record = self._record(row, content, now)
        told = {fault.field for fault in faults}
        found = tuple(each for each in self._validator.violations(record) if each.field not in told)
        reasons = _without_symptoms((*faults, *found))
        key = record["key"]
        if reasons:
            return Judged(row, key, content, {}, AsideState.QUARANTINED, reasons)
        return Judged(row, key, content, record)

    def _set_aside_by_rule(self, row: SourceRow) -> Judged:
        """A row void at the source is owed to nobody until it was sent; withdrawing sent ones needs guards (DESIGN.md §4)."""
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


def accept(
    source: RecordSource,
    judge: Judge,
    store: IntakeStore,
    *,
    targets: tuple[str, ...],
    clock: Callable[[], datetime],
    page_size: int = 500,
    from_start: bool = False,
) -> Tally:
    """Read what is new at the source and put it in the outbox.

    1. Read a page after the cursor (a rescanning source, or `from_start`, reads everything); the adapter has mapped it.
    2. Judge each row. A bad one is set aside with every reason; the rest go on.
    3. Compare with the ledger: new content is the next version, known content is unchanged.
    4. In one transaction: outbox, ledger, rows set aside, cursor.

    A crash before 4 means the page is read again; the ledger makes that harmless.
    """
    after = None if from_start or source.reading is Reading.RESCAN else store.cursor(source.name, source.dataset)
    total = Tally()
    for page in source.pages(after, page_size):
        reach("after_read")
        now = clock()
        judged = [judge.judge(row, now) for row in page.rows]
        intake, tally = _compare(source, judge, store, judged, page, targets, now)
        reach("before_accept")
        store.accept(intake)
        reach("after_accept")
        total += tally
    return total


def _compare(
    source: RecordSource,
    judge: Judge,
    store: IntakeStore,
    judged: list[Judged],
    page: Page,
    targets: tuple[str, ...],
    now: datetime,
) -> tuple[Intake, Tally]:
    desk = _Desk(judge, {})
    for institution in {each.row.institution for each in judged}:
        keys = [each.key for each in judged if each.record and each.row.institution == institution]
        known = store.ledger(institution, judge.dataset.code, keys)
        desk.known.update({(institution, key): entry for key, entry in known.items()})
    for each in judged:
        desk.take(each)
    intake = Intake(
        source=source.name,
        dataset=judge.dataset.code,
        targets=targets,
        parcels=tuple(desk.parcels),
        asides=tuple(desk.asides),
        cleared=tuple(desk.cleared),
        cursor=page.cursor,
        now=now,
    )
    return intake, desk.tally(len(judged))


class _Desk:
    """Sorts one judged page into what is sent, what is unchanged and what is set aside."""

    def __init__(self, judge: Judge, known: dict[tuple[str, str], LedgerEntry]) -> None:
        self.judge, self.known = judge, known
        self.parcels: list[Parcel] = []
        self.asides: list[Aside] = []
        self.cleared: list[str] = []
        self.unchanged = 0

    def take(self, each: Judged) -> None:
        """Put one judged row where it belongs."""
        if each.aside is not None:
            self._set_aside(each, each.aside, each.reasons)
            return
        entry = self.known.get((each.row.institution, each.key))
        if entry and entry.ref != each.row.ref:
            self._set_aside(each, AsideState.QUARANTINED, (_doubled(entry),))
            return
        self.cleared.append(each.row.ref)
        if entry and entry.content_hash == each.digest:
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
        )

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
