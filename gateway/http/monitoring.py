"""`/healthz` for a supervisor, `/metrics` for Prometheus: figures only, with labels that are few. Never a key, never a person.

Only this machine may ask, and whom the site names. What is scraped is read from the store at that moment, or was a few seconds
ago: two monitors that ask at once cost no more than one.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from flask import Blueprint, Response, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.errors import StoreError
from gateway.freshness import fresh
from gateway.http.refusal import refusal
from gateway.notices import Notice
from gateway.observing import BUCKETS, Seen
from gateway.situation import Situation
from schemas.callers import REFUSAL, Callers

_PREFIX = "liangding_gateway_"
_FRESH = timedelta(seconds=10)
#: the timetable gives a sign of life every minute
_DEAD = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class Sight:
    """Where the figures come from."""

    situation: Callable[[], Situation]
    seen: Callable[[], Seen]
    notices: Callable[[], Sequence[Notice]]
    failing: Callable[[], Mapping[str, tuple[int, datetime, str]]]  #: channel -> failures in a row, the last try, its cause
    made: Callable[[], tuple[datetime, int]]  #: when the store was, and the version of its tables
    clock: Callable[[], datetime]


def monitoring(sight: Sight, settings: Callers) -> Blueprint:
    """The room of monitors."""
    room = Blueprint("monitoring", __name__)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Figures(sight))
    began = sight.clock()

    @room.before_request
    def _admit() -> Response | None:
        admitted = settings.admits(request.remote_addr or "", request.headers.get("Authorization", ""))
        return None if admitted else refusal(403, REFUSAL)

    @room.get("/healthz")
    def _healthz() -> Response:
        told = health(sight, began)
        return Response(orjson.dumps(told), 200 if told["status"] == "ok" else 503, content_type="application/json")

    @room.get("/metrics")
    def _metrics() -> Response:
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    return room


def health(sight: Sight, began: datetime) -> dict[str, Any]:
    """Whether a restart or a person is needed for the program itself; a source or a platform that is away is an alarm instead."""
    seen, now = sight.seen(), sight.clock()
    try:
        version, fault = sight.made()[1], seen.store_fault
        channels = sorted(sight.failing())
    except StoreError as error:
        version, fault, channels = None, str(error), []
    alive = now - (seen.beat_at or began) < _DEAD
    return {
        "status": "ok" if alive and not fault else "failing",
        "store": {"status": "failing" if fault else "ok", "schema_version": version, **({"cause": fault} if fault else {})},
        "scheduler": {"status": "ok" if alive else "failing", "beat_seconds_ago": _ago(seen.beat_at, now)},
        "read_seconds_ago": {" ".join(place): _ago(at, now) for place, at in sorted(seen.read_at.items())},
        "answered_seconds_ago": {target: _ago(at, now) for target, at in sorted(seen.answered_at.items())},
        "failing_alert_channels": channels,
    }


def _ago(at: datetime | None, now: datetime) -> int | None:
    return round((now - at).total_seconds()) if at else None


class _Figures(Collector):
    """Reads everything when it is scraped."""

    def __init__(self, sight: Sight) -> None:
        self._sight = sight
        self._lock = threading.Lock()
        self._kept: list[Metric] = []
        self._kept_at: datetime | None = None

    def describe(self) -> Iterable[Metric]:
        """Nothing is read before somebody asks."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """What is in the store, and what this process has seen."""
        yield from _process(self._sight.seen())
        with self._lock:
            now = self._sight.clock()
            if not fresh(self._kept_at, now, _FRESH):
                self._kept, self._kept_at = list(self._stored()), now
            yield from self._kept

    def _stored(self) -> Iterator[Metric]:
        try:
            situation, notices, failing = self._sight.situation(), self._sight.notices(), self._sight.failing()
        except StoreError:
            yield _gauge("store_up", "Whether the local store can be read.", [], [((), 0)])
            return
        yield _gauge("store_up", "Whether the local store can be read.", [], [((), 1)])
        yield from _queues(situation)
        yield from _stops(situation)
        yield from _disk(situation)
        active = Counter((each.kind,) for each in notices if each.lasts)
        yield _gauge("alarms", "Alarms that last.", ["kind"], active.items())
        failures = [((name,), count) for name, (count, _, _) in failing.items()]
        yield _gauge("alert_channel_failures", "Failures in a row of a channel of alarms.", ["channel"], failures)


_Values = Iterable[tuple[tuple[str, ...], float]]


def _queues(situation: Situation) -> Iterator[Metric]:
    arrears = situation.arrears
    states = [((each.target, str(state)), rows) for each in arrears for state, rows in each.states.items()]
    yield _gauge("queue_rows", "Rows on their way to a platform.", ["target", "state"], states)
    waits = [((each.target,), (situation.now - each.oldest).total_seconds() if each.oldest else 0) for each in arrears]
    yield _gauge("queue_oldest_seconds", "How long the oldest row of the queue has waited.", ["target"], waits)
    due = [((each.target, f"{within // _HOUR}h"), rows) for each in arrears for within, rows in each.due.items()]
    yield _gauge("due_rows", "Rows on their way that are due within so long.", ["target", "within"], due)
    overdue = [((each.target,), each.overdue) for each in arrears]
    yield _gauge("overdue_rows", "Rows on their way whose deadline is over.", ["target"], overdue)
    rejected = [((each.target, dataset), rows) for each in arrears for dataset, rows in each.rejected.items()]
    yield _gauge("rejected_rows", "Rows that the platform sent back.", ["target", "dataset"], rejected)
    asides = [((source, dataset, str(state)), rows) for (source, dataset, state), rows in situation.asides.items()]
    yield _gauge("aside_rows", "Rows that are set aside.", ["source", "dataset", "state"], asides)


def _stops(situation: Situation) -> Iterator[Metric]:
    breakers = Counter((each.target,) for each in situation.tripped)
    every = [((each.target,), breakers[each.target,]) for each in situation.arrears]
    yield _gauge("breakers_open", "Open breakers: of the platform, and of single institutions.", ["target"], every)
    brakes = Counter((each.source, each.dataset, str(each.kind)) for each in situation.brakes)
    yield _gauge("brakes", "What was stopped until a person looks.", ["source", "dataset", "kind"], brakes.items())
    unreadable = [((each.place.name, each.place.part), 1) for each in situation.unreadable]
    yield _gauge("source_unreadable", "Data sets that cannot be read now.", ["source", "dataset"], unreadable)
    skews = [((target,), ahead.total_seconds()) for target, ahead in situation.skews.items()]
    yield _gauge("platform_clock_ahead_seconds", "By how much a platform's clock is ahead of ours.", ["target"], skews)


def _disk(situation: Situation) -> Iterator[Metric]:
    disk = situation.disk
    yield _gauge("store_bytes", "Size of the local store.", [], [((), disk.size)])
    if disk.free is not None:
        yield _gauge("disk_free_bytes", "Free on the disk of the local store.", [], [((), disk.free)])
    if disk.days_left is not None:
        yield _gauge("disk_days_left", "Days until the floor or the budget is reached.", [], [((), disk.days_left)])


def _process(seen: Seen) -> Iterator[Metric]:
    yield _counter("rows", "Rows read since the start, by what became of them.", ["source", "dataset", "fate"], seen.rows.items())
    records = seen.records.items()
    yield _counter("records", "Records answered since the start, by result.", ["target", "dataset", "result"], records)
    read = [(place, at.timestamp()) for place, at in seen.read_at.items()]
    yield _gauge("read_timestamp_seconds", "When a data set was last read without a fault.", ["source", "dataset"], read)
    answered = [((target,), at.timestamp()) for target, at in seen.answered_at.items()]
    yield _gauge("answered_timestamp_seconds", "When a platform last answered a request.", ["target"], answered)
    histogram = HistogramMetricFamily(
        f"{_PREFIX}request_seconds", "How long requests to a platform took.", labels=["target", "outcome"]
    )
    for (target, came_to), (total, counts) in seen.durations.items():
        histogram.add_metric([target, str(came_to)], list(_cumulative(counts)), total)
    yield histogram


def _cumulative(counts: Sequence[int]) -> Iterator[tuple[str, float]]:
    so_far = 0
    for bound, count in zip(BUCKETS, counts, strict=True):
        so_far += count
        yield ("+Inf" if bound == float("inf") else str(bound)), so_far


def _gauge(name: str, told: str, labels: Sequence[str], values: _Values) -> Metric:
    family = GaugeMetricFamily(f"{_PREFIX}{name}", told, labels=labels)
    for place, value in values:
        family.add_metric(place, value)
    return family


def _counter(name: str, told: str, labels: Sequence[str], values: _Values) -> Metric:
    family = CounterMetricFamily(f"{_PREFIX}{name}", told, labels=labels)
    for place, value in values:
        family.add_metric(place, value)
    return family


_HOUR = timedelta(hours=1)
