"""What this process has seen since it began: the figures behind `/metrics` and `/healthz` that no row keeps.

Told by the client, the reading jobs and the pulse; asked by whoever is scraped. Keys and persons never come here.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gateway.calls import Call, CameTo
from gateway.model import Tally

#: seconds; the last is without end
BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, float("inf"))
_FATES = ("excluded", "not_ready", "quarantined", "unchanged", "queued", "voided")


@dataclass
class Durations:
    """How long requests took, as a histogram."""

    total: float = 0.0
    counts: list[int] = field(default_factory=lambda: [0] * len(BUCKETS))  #: each bucket by itself

    def take(self, seconds: float) -> None:
        """Count one."""
        self.total += seconds
        self.counts[next(number for number, bound in enumerate(BUCKETS) if seconds <= bound)] += 1


@dataclass(frozen=True, slots=True)
class Seen:
    """One moment's copy."""

    rows: Mapping[tuple[str, str, str], int]  #: (source, data set, what became of them) -> rows
    read_at: Mapping[tuple[str, str], datetime]  #: (source, data set) -> its last reading that went well
    durations: Mapping[tuple[str, CameTo], tuple[float, tuple[int, ...]]]  #: (target, came to) -> sum, buckets
    records: Mapping[tuple[str, str, str], int]  #: (target, data set, result) -> records answered so
    answered_at: Mapping[str, datetime]  #: target -> its last request that was answered
    beat_at: datetime | None  #: the timetable's last sign of life
    store_fault: str  #: why that could not be written; "" if it was


class Observations:
    """Used by any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: Counter[tuple[str, str, str]] = Counter()
        self._records: Counter[tuple[str, str, str]] = Counter()
        self._read_at: dict[tuple[str, str], datetime] = {}
        self._answered_at: dict[str, datetime] = {}
        self._durations: dict[tuple[str, CameTo], Durations] = {}
        self._beat_at: datetime | None = None
        self._store_fault = ""

    def called(self, call: Call, now: datetime) -> None:
        """A request is over."""
        with self._lock:
            self._durations.setdefault((call.target, call.came_to), Durations()).take(call.seconds)
            for result, count in call.counts.items():
                self._records[call.target, call.infno, result] += count
            if call.came_to is CameTo.ANSWERED:
                self._answered_at[call.target] = now

    def read(self, source: str, dataset: str, tally: Tally, now: datetime) -> None:
        """A reading went well."""
        with self._lock:
            self._read_at[source, dataset] = now
            for fate in _FATES:
                self._rows[source, dataset, fate] += getattr(tally, fate)

    def beat(self, now: datetime, store_fault: str = "") -> None:
        """The timetable is alive; whether the store could be written."""
        with self._lock:
            self._beat_at, self._store_fault = now, store_fault

    def seen(self) -> Seen:
        """Everything as it is now."""
        with self._lock:
            return Seen(
                dict(self._rows),
                dict(self._read_at),
                {place: (each.total, tuple(each.counts)) for place, each in self._durations.items()},
                dict(self._records),
                dict(self._answered_at),
                self._beat_at,
                self._store_fault,
            )
