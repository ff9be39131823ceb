"""`compliance tidy`, and the same once an hour while `compliance serve` runs: old heartbeats become one row a day."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from pathlib import Path

import click
import structlog

from compliance import serving, thresholds
from compliance.config import Config
from compliance.errors import StoreError
from compliance.store import database
from compliance.store.beats import StoredBeats
from compliance.store.database import Database
from compliance.telling import opened, told
from schemas import operating
from schemas.commandline import Command
from schemas.model import Edition
from schemas.wire import SHANGHAI

_EVERY = 3600.0
_log = structlog.stdlib.get_logger()


class Upkeep:
    """Beside the receiving service, in the thread that waits for its end."""

    def __init__(self, config: Config) -> None:
        self._edition, self._store = serving.edition_of(config), database.connect(config.store)
        self._next = time.monotonic()

    def turn(self) -> None:
        """Do it when it is time; what goes wrong is a line in the log, and tried again an hour later."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _EVERY
        try:
            _log.info("tidied", heartbeats=compact(self._edition, self._store, serving.now()))
        except StoreError as error:
            _log.error("not tidied", sentence=str(error))
        except Exception as error:  # a bug here must not end the receiving beside it
            _log.error("unexpected", kind=type(error).__name__, where="upkeep")

    def close(self) -> None:
        """Give the connections back."""
        self._store.close()


def compact(edition: Edition, store: Database, now: datetime) -> int:
    """Heartbeats older than the policy says become a row for each day; returns how many went."""
    dataset = edition.datasets.get(operating.HEARTBEAT)
    kept = timedelta(days=thresholds.shipped().keep_beats_days)
    return StoredBeats(store).compact(now.astimezone(SHANGHAI).date() - kept, dataset.infno) if dataset else 0


@click.command(cls=Command, help="整理：把早先的心跳压缩成每天一行（常驻服务每小时自动做一次）。")
@click.pass_obj
def tidy(path: Path) -> None:
    """May run beside the service."""
    with told(path), opened(path) as (config, store):
        gone = compact(serving.edition_of(config), store, serving.now())
        click.echo(f"已压缩心跳 {gone} 条；每天的覆盖情况照样算得出来")


COMMANDS = (tidy,)
