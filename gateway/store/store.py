"""The store as the use cases see it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from pathlib import Path

from gateway.disk import Room
from gateway.store import backup
from gateway.store.backup import Copy
from gateway.store.desks.brakes import BrakeDesk
from gateway.store.desks.doubts import DoubtDesk
from gateway.store.desks.intake import IntakeDesk
from gateway.store.desks.lateness import LatenessDesk
from gateway.store.desks.manifests import ManifestDesk
from gateway.store.desks.outbox import OutboxDesk
from gateway.store.desks.pace import PaceDesk
from gateway.store.desks.standing import StandingDesk
from gateway.store.desks.sweeps import SweepDesk
from gateway.store.desks.upkeep import UpkeepDesk
from gateway.store.desks.watch import WatchDesk
from gateway.store.desks.worklist import WorkListDesk
from gateway.store.engine import compact, connect, place_of, write
from gateway.store.migrations import configured, prepare
from gateway.store.people import People
from gateway.store.timing import Timing, host
from schemas.model import Edition


def open_store(
    url: str,
    edition: Edition,
    now: datetime,
    key: str | Path | None = None,
    floor: int = 0,
    clock: Callable[[], datetime] = host,
) -> Store:
    """Open, create or upgrade the store. ConfigError for a bad URL or key, StoreError if it cannot be used.

    `key`: the keys themselves, or the file they are in; a SQLite store without one gets a key file beside it.
    `floor`: free bytes below which nothing more is taken in. `clock`: that the process goes by, to be held against the
    database's.
    """
    engine = connect(url)
    try:
        prepared = write(engine, lambda connection: prepare(connection, now, key))
        compact(engine)
    except BaseException:
        engine.dispose()
        raise
    return Store(engine, edition, prepared, Room(place_of(engine), floor), Timing(clock))


def restore_store(url: str, key: str | Path | None, source: Path, now: datetime) -> tuple[Copy, Path | None]:
    """Put a backup in the place of a store that nobody has open. See `backup.restore`."""
    engine = connect(url)
    try:
        return backup.restore(source, backup.file_of(engine), configured(engine, key), now)
    finally:
        engine.dispose()


class Store(
    IntakeDesk,
    SweepDesk,
    BrakeDesk,
    OutboxDesk,
    DoubtDesk,
    PaceDesk,
    LatenessDesk,
    ManifestDesk,
    WatchDesk,
    UpkeepDesk,
    StandingDesk,
    WorkListDesk,
):
    """Implements the stores of `gateway.ports` on SQLAlchemy: a desk for each kind of caller, one database behind them."""

    @cached_property
    def people(self) -> People:
        """Who uses the web pages."""
        return People(self._engine)
