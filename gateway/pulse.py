"""A sign of life while `gateway serve` runs; a gap in it is a stretch in which the gateway did not run, and is kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
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
_NAME = "serve"


def beat(gateway: Gateway) -> Interruption | None:
    """A sign of life; the stretch before it, if there was none in it for long: the machine was off, or the program was."""
    now = gateway.clock()
    before = gateway.store.beat(_NAME, now)
    if before is None or now - before <= _GAP:
        return None
    cause = f"网关没有运行（断电、停机或程序停止），最后一次记录在 {wire.encode_datetime(before)}"
    found = Interruption(GATEWAY, Hindrance.STOPPED, before, now, 1, cause)
    gateway.store.add_interruption(found)
    return found


def jobs(gateway: Gateway) -> list[Job]:
    """What `serve` does every minute."""
    return [Job("pulse", _EVERY, _turn(gateway))]


def _turn(gateway: Gateway) -> Callable[[], None]:
    log: Any = structlog.get_logger()

    def turn() -> None:
        try:
            found = beat(gateway)
        except StoreError as error:
            log.error("failed", job="pulse", kind=type(error).__name__, cause=str(error))
            gateway.seen.beat(gateway.clock(), str(error))
            return
        gateway.seen.beat(gateway.clock())
        if found:
            log.warning("stopped_before", since=wire.encode_datetime(found.began_at))

    return turn
