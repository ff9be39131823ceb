"""The gateway as a site would install it: configuration, key, profile, edition; nothing is left out or shortened."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import Column, Connection, NullPool, create_engine, select, update

from bench.delivery.account import INSTITUTION, TOKEN
from gateway import config as configuration
from gateway.main import now
from gateway.store import tables
from gateway.tiers import Tier
from gateway.wiring import opened

SITE = Path(__file__).parent / "site"
TARGET = "bureau"
SOURCE = "his"
#: instants in the store that something waits for
_WAITED_FOR = {"next_at", "lease_until", "open_until", "last_missed", "taken_at"}


@dataclass(frozen=True, slots=True)
class Ours:
    """A gateway installed in a folder."""

    folder: Path

    def command(self, *words: str) -> list[str]:
        """`gateway …` of this installation."""
        return [sys.executable, "-m", "gateway", "--config", str(self.folder / "config.yaml"), *words]

    @property
    def store(self) -> Path:
        """Its local store."""
        return self.folder / "gateway.db"


def install(folder: Path, source_url: str, receiver_url: str, *, batch: int = 100, **settings: Any) -> Ours:
    """Write everything a site writes. `settings` are parts of the configuration that a run wants otherwise."""
    folder.mkdir(parents=True)
    edition = (SITE / "bench.yaml").read_text(encoding="utf-8").replace("batch: 100", f"batch: {batch}")
    (folder / "bench.yaml").write_text(edition, encoding="utf-8")
    shutil.copytree(SITE / "profile", folder / "profile")
    (folder / "token.txt").write_text(TOKEN, encoding="utf-8")
    configuration = _configuration(source_url, receiver_url) | settings
    (folder / "config.yaml").write_text(yaml.safe_dump(configuration, allow_unicode=True, sort_keys=False), encoding="utf-8")
    return Ours(folder)


def _configuration(source_url: str, receiver_url: str) -> dict[str, Any]:
    credential = {"paasid": "BENCH", "token": {"file": "token.txt"}}
    target = {
        "url": f"{receiver_url}/api/upload",
        "connect_timeout": 2,
        "read_timeout": 10,
        "heartbeat": False,  # the receiver counts whatever comes
        "credentials": {INSTITUTION: credential},
    }
    return {
        "edition": "bench.yaml",
        "store": {"url": "sqlite:///gateway.db"},
        "institutions": [{"code": INSTITUTION, "name": "测试医院", "admvs": "990001"}],
        "targets": {TARGET: target},
        "sources": [{"name": SOURCE, "profile": "profile", "url": source_url, "institution": INSTITUTION}],
    }


def age(gateway: Ours, **delta: float) -> None:
    """Let time pass for all that waits in the store: leases, grace, backoff, breakers. No gateway may be running."""
    engine = create_engine(f"sqlite:///{gateway.store}", poolclass=NullPool)
    with engine.begin() as connection:
        for table in tables.metadata.tables.values():
            for name in _WAITED_FOR & set(table.columns.keys()):
                _earlier(connection, table.c[name], timedelta(**delta))


def sweep(gateway: Ours, times: int) -> None:
    """Hold the open days against the ledger, as `gateway serve` does every night, and every few minutes for the last days."""
    for _ in range(times):
        with opened(configuration.load(gateway.folder / "config.yaml"), now) as working:
            for feed in working.feeds:
                working.reader(feed).sweep(Tier.COLD)
        age(gateway, hours=1)


def count_held(gateway: Ours) -> int:
    """Rows on the work list: set aside here, or refused by the platform, each with its reasons."""
    refused = "SELECT (SELECT COUNT(*) FROM outbox WHERE state = 'rejected') + (SELECT COUNT(*) FROM aside)"
    with closing(sqlite3.connect(gateway.store)) as connection:
        return int(connection.execute(refused).fetchone()[0])


def _earlier(connection: Connection, column: Column[Any], by: timedelta) -> None:
    for value in connection.execute(select(column).where(column.is_not(None)).distinct()).scalars().all():
        connection.execute(update(column.table).where(column == value).values({column.name: value - by}))
