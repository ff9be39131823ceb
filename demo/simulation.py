"""Play the story against real gateways and a real receiver, in the cadence the plan asks for.

Real-time data sets are read within minutes of each change, everything every evening.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby
from pathlib import Path

from compliance import serving
from demo import story
from demo.clock import DemoClock
from demo.district import DISTRICT
from demo.premises import Premises
from demo.rows import Change
from gateway import config as gateway_config
from gateway import wiring
from gateway.wiring import Gateway
from schemas.wire import SHANGHAI

SEED = 20261125
TARGET = "bureau"
#: how often a gateway looks for real-time rows; below the ten minutes that the bureau allows
_POLL = timedelta(minutes=9)
#: when everything is read, in time for D+1; treatments of the night shift end after it and are read the next evening
_NIGHT_RUN = time(22)


@dataclass(frozen=True, slots=True)
class Sites:
    """The running district: a gateway and an open local database per institution."""

    clock: DemoClock
    gateways: dict[str, Gateway]  #: `his:<code>` or `pos:<code>` -> gateway
    databases: dict[str, sqlite3.Connection]


@contextmanager
def running(premises: Premises, start: date) -> Iterator[Sites]:
    """Both deployables on loopback, until the end of the `with`."""
    clock = DemoClock(datetime.combine(start, time(), SHANGHAI))
    with ExitStack() as stack:
        app = serving.build(premises.bureau, clock)
        stack.enter_context(serving.Server(app, premises.bureau.host, premises.bureau.port))
        gateways = {
            each.database: stack.enter_context(wiring.opened(gateway_config.load(premises.gateways[each.code]), clock))
            for each in DISTRICT.connected
        }
        databases = {name: stack.enter_context(_local(path)) for name, path in premises.databases.items()}
        yield Sites(clock, gateways, databases)


@contextmanager
def _local(path: Path) -> Iterator[sqlite3.Connection]:
    """A fictional product's database; unlike our own stores it need not survive a power cut."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        yield connection


def play(sites: Sites, start: date, days: int, on_day: Callable[[date, int], None]) -> None:
    """Let `days` days pass; `on_day` is told each day with the number of records the bureau accepted."""
    by_day = {day: list(changes) for day, changes in groupby(story.changes(SEED, start, days), lambda change: change.at.date())}
    for day in (start + timedelta(days=offset) for offset in range(days)):
        evening = datetime.combine(day, _NIGHT_RUN, SHANGHAI)
        changes = by_day.get(day, [])
        accepted = _pass(sites, [change for change in changes if change.at < evening])
        accepted += _read_all(sites, evening)
        accepted += _pass(sites, [change for change in changes if change.at >= evening])
        on_day(day, accepted)
    on_day(day, _read_all(sites, datetime.combine(day + timedelta(days=1), time(minute=30), SHANGHAI)))


def _pass(sites: Sites, changes: list[Change]) -> int:
    return sum(_poll(sites, list(slot)) for _, slot in groupby(changes, _slot))


def _read_all(sites: Sites, moment: datetime) -> int:
    sites.clock.move_to(moment)
    return sum(_run(gateway, None) for gateway in sites.gateways.values())


def _slot(change: Change) -> int:
    return int(change.at.timestamp() // _POLL.total_seconds())


def _poll(sites: Sites, slot: list[Change]) -> int:
    """The sites' products store a few rows; then the gateways whose real-time rows changed look."""
    sites.clock.move_to(datetime.fromtimestamp((_slot(slot[0]) + 1) * _POLL.total_seconds(), SHANGHAI))
    accepted = 0
    for name in sorted({change.database for change in slot}):
        stored = [change for change in slot if change.database == name]
        story.play(sites.databases[name], stored)
        gateway = sites.gateways[name]
        changed = {change.dataset for change in stored if change.dataset}
        live = {code for code in changed if gateway.edition.datasets[code].cadence == "realtime"}
        accepted += _run(gateway, live) if live else 0
    return accepted


def _run(gateway: Gateway, datasets: set[str] | None) -> int:
    wanted = [feed for feed in gateway.feeds if datasets is None or feed.source.dataset in datasets]
    queued = sum(gateway.read(feed).queued for feed in wanted)
    return gateway.send(TARGET).accepted if queued else 0
