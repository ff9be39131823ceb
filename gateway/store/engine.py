"""Open the store: right settings per database, tables made once, a newer store refused."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, insert, make_url, select
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from gateway.errors import ConfigError, StoreError
from gateway.store.tables import SCHEMA_VERSION, installation, metadata

_BUSY_SECONDS = 30
_TRIES = 5
T = TypeVar("T")


def open_engine(url: str, now: datetime) -> Engine:
    """An engine on a store that is ready for use. ConfigError for a bad URL, StoreError if it cannot be opened."""
    engine = _engine(url)
    write(engine, lambda connection: _prepare(connection, now))
    return engine


def _prepare(connection: Connection, now: datetime) -> None:
    metadata.create_all(connection)
    _check_version(connection, now)


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() != "sqlite":
            # READ COMMITTED: MariaDB's default locks gaps between rows and lets workers deadlock on them
            return create_engine(parsed, pool_pre_ping=True, hide_parameters=True, isolation_level="READ COMMITTED")
        if parsed.database and parsed.database != ":memory:":
            Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(parsed, hide_parameters=True, connect_args={"timeout": _BUSY_SECONDS})
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError):
        raise ConfigError("本地库地址写得不对，或缺少它的驱动", key="store.url") from None
    except OSError:
        raise StoreError("本地库所在的文件夹建不出来，请检查路径与权限") from None
    event.listen(engine, "connect", _durable)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _durable(connection: sqlite3.Connection, record: Any) -> None:
    """WAL lets readers go on while we write; FULL survives a power cut, which hospitals have."""
    connection.isolation_level = None  # the driver must not begin by itself: see _begin_immediate
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={_BUSY_SECONDS * 1000}"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_immediate(connection: Connection) -> None:
    """Take the write lock at once: a read that later turns into a write could not be retried inside."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def write(engine: Engine, work: Callable[[Connection], T]) -> T:
    """Do `work` in one transaction; done over if another worker's lock made the database give it up.

    StoreError if the database refuses (full, read-only, away); nothing of it is kept then.
    """
    for attempt in range(1, _TRIES + 1):
        try:
            with engine.begin() as connection:
                return work(connection)
        except DBAPIError as error:
            if attempt == _TRIES or not _gave_way(error):
                raise StoreError(f"本地库写不进去：{_sentence(error)}。没有丢数据，修好后自动继续") from error
    raise AssertionError("unreachable")


def _gave_way(error: DBAPIError) -> bool:
    """Whether the database broke a deadlock by giving up this transaction: PostgreSQL 40P01 and 40001, MariaDB 1213."""
    code = getattr(error.orig, "sqlstate", None) or (error.orig.args[:1] or (None,))[0] if error.orig else None
    return code in ("40P01", "40001", 1213)


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Statements that change nothing and need no lock."""
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            yield connection
    except DBAPIError as error:
        raise StoreError(f"本地库读不出来：{_sentence(error)}") from error


def _sentence(error: DBAPIError) -> str:
    """What the database said, in the operator's words where we know them."""
    text = str(error.orig).lower()
    for sign, sentence in (
        ("disk is full", "磁盘已满"),
        ("readonly", "文件或磁盘是只读的"),
        ("unable to open", "文件打不开，请检查路径与权限"),
        ("locked", "被别的程序占用"),
    ):
        if sign in text:
            return sentence
    return type(error.orig).__name__


def _check_version(connection: Connection, now: datetime) -> None:
    found = connection.execute(select(installation.c.schema_version)).scalar()
    if found is None:
        row = {"schema_version": SCHEMA_VERSION, "rid": str(uuid.uuid4()), "sequence": 0, "created_at": now}
        connection.execute(insert(installation).values(row))
    elif found != SCHEMA_VERSION:
        raise StoreError(f"本地库是第 {found} 版，本程序只认第 {SCHEMA_VERSION} 版，请使用与之相配的程序")
