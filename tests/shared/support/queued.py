"""A queue filled directly, where a test needs more rows than intake would make in its time."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy import insert

from gateway.outbox import State
from gateway.store import Store, sealing
from gateway.store.tables import outbox, parcel
from support.delivery import START


def fill(store: Store, queued: Iterable[tuple[str, str]], dataset: str = "RX01", target: str = "bureau") -> None:
    """Queue version 1 of each (institution, key), due in the order given."""
    rows = [_row(store, number, *each, dataset) for number, each in enumerate(queued)]
    with store._engine.begin() as connection:
        connection.execute(insert(parcel), [{name: row[name] for name in _PARCEL} for row in rows])
        connection.execute(insert(outbox), [{**{name: row[name] for name in _OUTBOX}, "target": target, **_FRESH} for row in rows])


_PLACE = ("institution", "dataset", "record_key", "version", "due_at")
_PARCEL = (*_PLACE, "content_hash", "occurred_at", "seen_at", "body")
_OUTBOX = _PLACE
_FRESH = {"state": State.QUEUED, "attempts": 0, "batch_cap": 0, "hold": "", "cause": "", "reasons": "[]"}


def _row(store: Store, number: int, institution: str, key: str, dataset: str) -> dict[str, Any]:
    body = orjson.dumps({"key": key, "version": "1"})
    return {
        "institution": institution,
        "dataset": dataset,
        "record_key": key,
        "version": 1,
        "due_at": START + timedelta(milliseconds=number),
        "content_hash": "sha256:0",
        "occurred_at": START,
        "seen_at": START,
        "body": store.keyring.seal(body, sealing.of_parcel(institution, dataset, key, 1)),
    }
