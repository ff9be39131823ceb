"""Withdrawing what the platform holds: what a withdrawal says, and the guards before a row that vanished counts as gone.

The most dangerous line of the product (DESIGN.md §4): a wrong withdrawal takes treatments off the platform that were given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from gateway.model import LedgerEntry, Parcel
from schemas import wire
from schemas.cadence import due_at
from schemas.model import Dataset, Edition, Violation
from schemas.record import content_hash

VOID = "0"
#: two looks closer together than this are one: what is missing must stay missing
SPACING = timedelta(seconds=60)
SHREDDED = Violation("", "shredded", "须作废，但已报内容已按期清除，不能自动作废；请在平台上作废")


@dataclass(frozen=True, slots=True)
class Guards:
    """When a row that vanished counts as gone, and when so many vanish that a person must say so."""

    sweeps: int = 2  #: in a row
    rows: int = 20
    percent: int = 1

    def stops(self, gone: int, live: int, lately: int = 0) -> bool:
        """Whether so many at once, or after so many lately, are an accident rather than deleting; one alone never is."""
        return gone + lately > self.rows or (gone > 1 and gone * 100 > live * self.percent)


def withdrawal(edition: Edition, dataset: Dataset, entry: LedgerEntry, sent: bytes, rid: str, now: datetime) -> Parcel:
    """The next version of a key, saying what was sent last and that it no longer holds."""
    record = _record(edition, dataset, entry, orjson.loads(sent), rid, now)
    occurred = wire.decode_datetime(record["occurred_at"])
    return Parcel(
        institution=entry.institution,
        dataset=dataset.code,
        key=entry.key,
        version=entry.version + 1,
        content_hash=record["content_hash"],
        ref=entry.ref,
        occurred_at=occurred,
        due_at=due_at(edition.cadences[dataset.cadence], occurred),
        body=orjson.dumps(record),
        live=False,
    )


def _record(
    edition: Edition, dataset: Dataset, entry: LedgerEntry, sent: Mapping[str, Any], rid: str, now: datetime
) -> dict[str, Any]:
    record = {
        **sent,
        "version": str(entry.version + 1),
        "vali_flag": VOID,
        "edition": edition.id,
        "rid": rid,
        "seen_at": wire.encode_datetime(now),
    }
    return {**record, "content_hash": content_hash(dataset, record)}
