"""The record of a row whose content the adapter is sure of: what `Judge` says of nearly every row, without asking anything twice.

The common fields are made here. Those that are alike in all rows of a page are asked once; of a row only its own are. Whatever
is not surely right is left to `Judge`, which finds the words. tests/gateway/test_recording.py holds the two equal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any

from gateway.model import KEY_LENGTH, SourceRow
from schemas import wire
from schemas.compiled import Check, fields_check
from schemas.model import Dataset, Edition, FieldType
from schemas.record import UNHASHED, content_hash, hash_of
from schemas.wire import SHANGHAI

#: `vali_flag` of a record that is not withdrawn
LIVE = "1"
#: `version` of a record that was never sent
FIRST = "1"
#: common fields that differ from row to row: one that is missing here would be said of a whole page by its first row
_OWN = frozenset({"key", "content_hash", "occurred_at", "entered_at"})

Record = dict[str, Any]


class Recorder:
    """Makes records of one data set out of certain content; for one thread, as it remembers the page that it is at.

    KeyError for a data set that is called and not uploaded: it has no records.
    """

    def __init__(self, edition: Edition, dataset: Dataset, rid: str, key: Callable[[Mapping[str, Any]], str]) -> None:
        self._edition, self._dataset, self._rid, self._key = edition.id, dataset, rid, key
        self._own, self._alike = _checks(edition)
        clocks = UNHASHED & {field.name for field in dataset.fields}  # a region may name a field of its own so
        self._hash = content_hash if clocks else hash_of
        self._midnight = "" if dataset.field(dataset.occurred).type is FieldType.DATETIME else " 00:00:00"
        self._now: datetime | None = None
        self._headers: dict[str, Record | None] = {}  #: by institution, of the page that was seen at `_now`

    def record(self, row: SourceRow, content: Mapping[str, Any], now: datetime) -> tuple[str, Record, datetime] | None:
        """Business key, record without version of its own, and business time; None: not sure."""
        header, told = self._header(row.institution, now), content.get(self._dataset.occurred)
        if header is None or not told:
            return None
        key, occurred_at = self._key(content), f"{told}{self._midnight}"
        record = {**content, "fixmedins_code": row.institution, "key": key, "vali_flag": LIVE, "edition": self._edition}
        own = {"key": key, "content_hash": self._hash(self._dataset, record), "occurred_at": occurred_at}
        if row.entered_at:
            own["entered_at"] = wire.encode_datetime(row.entered_at)
        if len(key) > KEY_LENGTH or "\0" in key or not self._own(own):
            return None
        record.update(header)
        record.update(own)
        return key, record, datetime.fromisoformat(occurred_at).replace(tzinfo=SHANGHAI)

    def _header(self, institution: str, now: datetime) -> Record | None:
        """What all records of a page say alike, if that is right."""
        if self._now is not now:
            self._now, self._headers = now, {}
        if institution not in self._headers:
            header = {"version": FIRST, "seen_at": wire.encode_datetime(now), "rid": self._rid}
            whole = {"fixmedins_code": institution, "vali_flag": LIVE, "edition": self._edition, **header}
            self._headers[institution] = header if self._alike(whole) else None
        return self._headers[institution]


@cache
def _checks(edition: Edition) -> tuple[Check, Check]:
    """Of the common fields that are a row's own, and of the others; made once, for readers come and go."""
    own = tuple(spec for spec in edition.common if spec.name in _OWN)
    alike = tuple(spec for spec in edition.common if spec.name not in _OWN)
    return fields_check(edition, own, "common, of a row"), fields_check(edition, alike, "common, of a page")
