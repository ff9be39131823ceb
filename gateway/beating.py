"""The heartbeats of `gateway serve`: one job a target, as often as the edition says."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import structlog

from gateway.errors import GatewayError
from gateway.heartbeats import Heart, Vitals
from gateway.judging import Judge
from gateway.wiring import Gateway
from jobs.timetable import Job
from schemas.operating import HEARTBEAT

_PACKAGE = "liangding-gateway"
_MINUTE = 60
_DIGITS = 16


def jobs(gateway: Gateway, stop: Callable[[], bool]) -> list[Job]:
    """What `serve` does; nothing where the edition has no heartbeat."""
    dataset = gateway.edition.datasets.get(HEARTBEAT)
    minutes = gateway.edition.cadences[dataset.cadence].minutes if dataset else None
    if not minutes:
        return []
    vitals = _vitals(gateway)
    beating = [name for name, target in gateway.config.targets.items() if target.heartbeat]
    return [Job(f"beat:{name}", minutes * _MINUTE, _turn(name, heart(gateway, name, vitals), stop)) for name in beating]


def heart(gateway: Gateway, target: str, vitals: Vitals | None = None) -> Heart:
    """What beats for one target: for every institution that something is read of and that has a key there."""
    judge = Judge(gateway.edition, HEARTBEAT, gateway.store.rid)
    served = [code for code in gateway.config.targets[target].credentials if gateway.datasets_of(code)]
    parts = (gateway.store, gateway.clients[target], gateway.gates[target], judge, vitals or _vitals(gateway), gateway.clock)
    return Heart(target, served, *parts)


def _turn(target: str, beating: Heart, stop: Callable[[], bool]) -> Callable[[], None]:
    log: Any = structlog.get_logger().bind(target=target)

    def turn() -> None:
        try:
            done = beating.beat(stop)
        except GatewayError as error:
            log.error("failed", kind=type(error).__name__, cause=str(error))
            return
        tell = log.warning if done.failures else log.info
        tell("beat", taken=done.taken, **({"ended": done.ended} if done.ended else {}), **done.failures)

    return turn


def _vitals(gateway: Gateway) -> Vitals:
    profiles = {code: _profile_version(gateway, code) for code in gateway.config.institutions}
    return Vitals(version(_PACKAGE), profiles, lambda: _free(gateway))


def _free(gateway: Gateway) -> int:
    """Of the volume that the store is on; where that is a server's, of the one the gateway runs on."""
    free = gateway.store.room.free
    return shutil.disk_usage(Path.cwd()).free if free is None else free


def _profile_version(gateway: Gateway, institution: str) -> str:
    """Another one as soon as anything changes that decides what a row of the institution becomes."""
    names = {source.name for source in gateway.config.sources if institution in source.institutions}
    digests = sorted(feed.source.digest for feed in gateway.feeds if feed.source.name in names)
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()[:_DIGITS]
