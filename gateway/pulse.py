"""A sign of life while `gateway serve` runs; a gap in it is a stretch in which the gateway did not run, and is kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import structlog

from gateway.errors import StoreError
from gateway.hindrance import GATEWAY, Hindrance, Interruption
from gateway.wiring import Gateway
from jobs.timetable import Job
from schemas import wire

_EVERY = 60
#: a shorter gap is a busy machine
_GAP = timedelta(seconds=3 * _EVERY)
#: so much no clock drifts between two signs
_SET = timedelta(seconds=30)
_NAME = "serve"
_log: Any = structlog.get_logger()


def _elapsed() -> float:
    """Seconds by a clock that nobody can set. On Linux one that goes on while the machine sleeps, as it does on Windows anyway."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class Pulse:
    """Of one process."""

    def __init__(self, gateway: Gateway, elapsed: Callable[[], float] = _elapsed) -> None:
        self._gateway, self._elapsed = gateway, elapsed
        self._last: float | None = None  #: when this process gave its last sign

    def beat(self) -> Interruption | None:
        """A sign of life; the stretch before it, if there was none in it for long: the machine was off, or the program was.

        Between two signs of one process the time of day does not count: it may have been set.
        """
        now, at = self._gateway.clock(), self._elapsed()
        before, last, self._last = self._gateway.store.beat(_NAME, now), self._last, at
        if before is None:
            return None
        if last is not None:
            before = _as_of_now(before, now, timedelta(seconds=at - last))
        return self._stopped(before, now) if now - before > _GAP else None

    def _stopped(self, before: datetime, now: datetime) -> Interruption:
        cause = f"网关没有运行（断电、停机或程序停止），最后一次记录在 {wire.encode_datetime(before)}"
        found = Interruption(GATEWAY, Hindrance.STOPPED, before, now, 1, cause)
        self._gateway.store.add_interruption(found)
        return found


def _as_of_now(before: datetime, now: datetime, passed: timedelta) -> datetime:
    """When the sign before was, by the clock as it is set now; a clock that was set meanwhile, ahead or back, is told."""
    moved = now - before - passed
    if abs(moved) > _SET:
        _log.warning("clock_moved", by=round(moved.total_seconds()))
    return now - passed


def jobs(gateway: Gateway) -> list[Job]:
    """What `serve` does every minute."""
    return [Job("pulse", _EVERY, _turn(gateway))]


def _turn(gateway: Gateway) -> Callable[[], None]:
    pulse = Pulse(gateway)

    def turn() -> None:
        try:
            found = pulse.beat()
        except StoreError as error:
            _log.error("failed", job="pulse", kind=type(error).__name__, cause=str(error))
            gateway.seen.beat(gateway.clock(), str(error))
            return
        gateway.seen.beat(gateway.clock())
        if found:
            _log.warning("stopped_before", since=wire.encode_datetime(found.began_at))

    return turn
