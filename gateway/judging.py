"""A mapped row becomes a record, or is set aside with every reason; by the same schema the bureau uses."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any

import orjson

from gateway import deadlines, redaction
from gateway.deadlines import NEVER, Closure
from gateway.model import KEY_LENGTH, LOST_HEAD, REF_LENGTH, AsideState, Parcel, RowState, SourceRow
from gateway.recording import FIRST, LIVE, Recorder
from schemas import wire
from schemas.compiled import validator
from schemas.errors import WireError
from schemas.model import Dataset, Edition, Violation
from schemas.record import business_key, content_hash
from schemas.values import value

#: the rule that two live rows with one key break
DOUBLED = "duplicate_key"
#: fields the gateway derives: wrong only because another field is
_DERIVED = frozenset({"key", "occurred_at", "content_hash"})
_DIGEST = 16
_LONG_REF = Violation("", "ref_length", f"本地行号超过 {REF_LENGTH} 个字符或含有空字符，本地库存不下，请改适配包查询里的 row_ref")
_LONG_KEY = Violation("key", "key_length", f"业务主键超过 {KEY_LENGTH} 个字符或含有空字符，本地库存不下")


@value
class Judged:
    """A source row after validation: a record to send, or the reasons why not."""

    row: SourceRow
    key: str
    content: Mapping[str, Any]  #: the data set's own fields, wire form
    record: Mapping[str, Any]  #: with the common fields, but without version; empty if set aside
    aside: AsideState | None = None
    reasons: tuple[Violation, ...] = ()
    occurred: datetime | None = None  #: business time of a record

    @property
    def digest(self) -> str:
        """The content hash of a record that may be sent."""
        return str(self.record["content_hash"])


class Judge:
    """Turns mapped rows of one data set into records, by the same schema the bureau uses."""

    def __init__(self, edition: Edition, dataset: str, rid: str, closures: Mapping[str, Closure] | None = None) -> None:
        self.edition, self.dataset, self.rid = edition, edition.datasets[dataset], rid
        self._closures = closures or {}
        self._validator = validator(edition, dataset)
        self._recorder = Recorder(edition, self.dataset, rid, self._validator.key)
        self._daily = edition.cadences[self.dataset.cadence].minutes is None
        self._due: dict[tuple[Closure, date], datetime] = {}  #: of business days, where the time of day does not count

    def judge(self, row: SourceRow, now: datetime) -> Judged:
        """Every reason at once; a faulty field is told by its fault, not also as missing."""
        kept = kept_ref(row.ref)
        if kept != row.ref:
            row = replace(row, ref=kept, faults=(*row.faults, _LONG_REF), content=None)
        if row.state is not RowState.READY:
            return self._set_aside_by_rule(row)
        if row.content is not None and not row.faults and (sure := self._recorder.record(row, row.content, now)):
            key, record, occurred = sure
            return Judged(row, key, row.content, record, occurred=occurred)
        return self._searchingly(row, now)

    def _searchingly(self, row: SourceRow, now: datetime) -> Judged:
        content, faults = (row.content, row.faults) if row.content is not None else self._content(row)
        occurred = occurred_at(self.dataset, row.values)
        common = self._common_fields(row, content, occurred, now)
        record, key = {**content, **common}, common["key"]
        if not faults and _fits(key, KEY_LENGTH) and self._validator.fields_valid(record):  # key and digest are made here
            return Judged(row, key, content, record, occurred=occurred)
        told = {fault.field for fault in faults}
        found = tuple(each for each in self._validator.violations(record) if each.field not in told)
        reasons = tuple(map(redaction.reason, _without_symptoms((*faults, *found, *_unfit(key)))))
        if reasons:
            return Judged(row, key, content, {}, AsideState.QUARANTINED, reasons)
        return Judged(row, key, content, record, occurred=occurred)

    def due_at(self, institution: str, occurred: datetime) -> datetime:
        """The last moment at which a record of that business time is on time."""
        closed = self._closures.get(institution, NEVER)
        if not self._daily or occurred.tzinfo is not wire.SHANGHAI:
            return deadlines.due_at(self.edition, self.dataset, occurred, closed)
        place = (closed, occurred.date())
        if place not in self._due:
            self._due[place] = deadlines.due_at(self.edition, self.dataset, occurred, closed)
        return self._due[place]

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

    def _common_fields(
        self, row: SourceRow, content: Mapping[str, Any], occurred: datetime | None, now: datetime
    ) -> dict[str, Any]:
        """What every record carries beside its content."""
        said = {
            "fixmedins_code": row.institution,
            "key": business_key(self.dataset, content),
            "vali_flag": LIVE,
            "edition": self.edition.id,
        }
        common = {
            **said,
            "version": FIRST,
            "seen_at": wire.encode_datetime(now),
            "rid": self.rid,
            "content_hash": content_hash(self.dataset, {**content, **said}),
        }
        if occurred:
            common["occurred_at"] = wire.encode_datetime(occurred)
        if row.entered_at:
            common["entered_at"] = wire.encode_datetime(row.entered_at)
        return common


def kept_ref(ref: str) -> str:
    """A row's own key as the store keeps it: one that does not fit is cut, and told apart from others by its digest."""
    if _fits(ref, REF_LENGTH):
        return ref
    digest = hashlib.sha256(ref.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST]
    return f"{ref[: REF_LENGTH - _DIGEST - 1]}…{digest}".replace("\0", "")


def doubled(owner: str, source: str) -> Violation:
    """A row of `source` has the key of a row of `owner`. One sentence for all such rows: they are counted together."""
    other = "本地另一行" if owner == source else f"来源 {owner} 的一行"
    return Violation("key", DOUBLED, f"业务主键与{other}相同，不能确定该报哪一行")


def _unfit(key: str) -> tuple[Violation, ...]:
    return () if _fits(key, KEY_LENGTH) else (_LONG_KEY,)


def _fits(text: str, length: int) -> bool:
    """PostgreSQL keeps no text with a NUL in it."""
    return len(text) <= length and "\0" not in text


def _without_symptoms(reasons: tuple[Violation, ...]) -> tuple[Violation, ...]:
    if lost := tuple(reason for reason in reasons if reason.rule == LOST_HEAD):
        return lost
    causes = tuple(reason for reason in reasons if reason.field not in _DERIVED)
    return causes or reasons


def occurred_at(dataset: Dataset, values: Mapping[str, Any]) -> datetime | None:
    """The record's business time; a date counts from its midnight. None if the row has none."""
    value = values.get(dataset.occurred)
    if isinstance(value, datetime):
        return value
    return datetime.combine(value, time(), wire.SHANGHAI) if isinstance(value, date) else None
