"""`/metrics` for Prometheus: how messages are received, with labels that are few. Never an institution, a key or a person."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from flask import Blueprint, Response, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from compliance.errors import StoreError
from schemas.callers import REFUSAL, Callers

_PREFIX = "liangding_compliance_"
_RESULTS = ("accepted", "duplicate", "rejected", "conflict")
_OTHER = "other"


class Meter:
    """Counts in the memory of this process; told by the exchange."""

    def __init__(self, datasets: Collection[str]) -> None:
        self._datasets = frozenset(datasets)
        self.registry = CollectorRegistry()
        self._seconds = Histogram(
            f"{_PREFIX}request_seconds", "How long requests took.", ["action", "outcome"], registry=self.registry
        )
        self._records = Counter(
            f"{_PREFIX}records", "Records received since the start, by result.", ["dataset", "result"], registry=self.registry
        )
        self._turned_away = Counter(
            f"{_PREFIX}turned_away", "Requests of no use since the start, by HTTP status.", ["status"], registry=self.registry
        )
        self.store_up = Gauge(f"{_PREFIX}store_up", "Whether the store can be read.", registry=self.registry)

    def took(self, action: str, outcome: str, seconds: float, told: Mapping[str, Any]) -> None:
        """A message was answered so. A data set that is none of the edition is not a label of its own."""
        self._seconds.labels(action, outcome).observe(seconds)
        dataset = str(told.get("infno", _OTHER))
        for result in _RESULTS:
            if count := told.get(result, 0):
                self._records.labels(dataset if dataset in self._datasets else _OTHER, result).inc(count)

    def turned_away(self, status: int) -> None:
        """A request had a wrong address or method, or was too long."""
        self._turned_away.labels(str(status)).inc()


def monitoring(meter: Meter, alive: Callable[[], None], callers: Callers) -> Blueprint:
    """The room of monitors. `alive` raises StoreError when the store cannot be read."""
    room = Blueprint("monitoring", __name__)

    @room.get("/metrics")
    def _metrics() -> Response:
        if not callers.admits(request.remote_addr or "", request.headers.get("Authorization", "")):
            return Response(REFUSAL, 403, content_type="text/plain; charset=utf-8")
        try:
            alive()
            meter.store_up.set(1)
        except StoreError:
            meter.store_up.set(0)
        return Response(generate_latest(meter.registry), content_type=CONTENT_TYPE_LATEST)

    return room
