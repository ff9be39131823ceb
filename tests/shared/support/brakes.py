"""A person looks at whatever is stopped, and lets go of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from gateway.model import BrakeKind
from gateway.store import Store


def release(store: Store, dataset: str, now: datetime | None = None) -> Sequence[BrakeKind]:
    """Everything that is on of a data set of the source `his`."""
    seen = {each.kind: each.sentence for each in store.brakes() if (each.source, each.dataset) == ("his", dataset)}
    return store.release_brakes("his", dataset, seen, now)
