"""Connect to the store: right settings per database, transactions that are done over, sentences for what fails."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, NoSuchModuleError

from gateway.errors import ConfigError, StoreError
from gateway.store.trouble import failure, sentence
from schemas import address
from schemas.errors import file_trouble

_BUSY_SECONDS = 30
_TRIES = 5
_WAL_PAGES = 4000  # 16 MiB until what was committed is copied into the file: copied four times as seldom, pages change in between
_READING = "AUTOCOMMIT"
_INCREMENTAL = 2  # what PRAGMA auto_vacuum answers
_UNWRITABLE, _UNREADABLE = "本地库写不进去", "本地库读不出来"
T = TypeVar("T")


def connect(url: str) -> Engine:
    """An engine for the store; a SQLite file is made for its owner only. ConfigError for a bad URL."""
    try:
        parsed = make_url(url)
        parsed = parsed.set(drivername=address.driver(parsed.drivername))
        if parsed.get_backend_name() != "sqlite":
            # READ COMMITTED: MariaDB's default locks gaps between rows and lets workers deadlock on them
            return create_engine(parsed, pool_pre_ping=True, hide_parameters=True, isolation_level="READ COMMITTED")
        if place := _file(parsed):
            _private(place)
        engine = create_engine(parsed, hide_parameters=True, connect_args={"timeout": _BUSY_SECONDS})
    except ModuleNotFoundError:
        raise ConfigError(address.missing_driver(parsed.drivername), key="store.url") from None
    except (ArgumentError, NoSuchModuleError):
        raise ConfigError("本地库地址写得不对", key="store.url") from None
    except OSError as error:
        told = f"本地库的文件 {place} 或它所在的文件夹建不出来（{file_trouble(error)}）"
        raise StoreError(f"{told}，请检查 store.url 的路径、权限，以及磁盘是否已满或只读") from None
    event.listen(engine, "connect", _durable)
    event.listen(engine, "begin", _begin)
    return engine


def place_of(engine: Engine) -> Path | None:
    """The SQLite file; None for a server or a store in memory."""
    return _file(engine.url)


def _file(url: URL) -> Path | None:
    in_box = url.get_backend_name() == "sqlite" and url.database and url.database != ":memory:"
    return Path(str(url.database)) if in_box else None


def _private(place: Path) -> None:
    """Mode 0600 before there is anything in it; SQLite gives its -wal and -shm the same. Windows goes by the folder's rights."""
    place.parent.mkdir(parents=True, exist_ok=True)
    if not place.exists():
        os.close(os.open(place, os.O_RDWR | os.O_CREAT, 0o600))
    elif os.name == "posix" and place.stat().st_mode & 0o077:
        with contextlib.suppress(OSError):  # another's file or a read-only disk: what cannot be used is told when it is used
            place.chmod(0o600)


def _durable(connection: sqlite3.Connection, record: Any) -> None:
    """WAL lets readers go on while we write; FULL survives a power cut, which hospitals have."""
    connection.isolation_level = None  # the driver must not begin by itself: see _begin
    connection.execute(f"PRAGMA busy_timeout={_BUSY_SECONDS * 1000}").close()
    if connection.execute("PRAGMA page_count").fetchone() == (0,):  # later it takes the write lock, and a VACUUM: see compact
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL").close()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"wal_autocheckpoint={_WAL_PAGES}"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    """A writer takes the lock at once: a read that later turns into a write could not be retried inside.

    A reader only fixes the instant that it sees, and keeps nobody waiting.
    """
    reads = connection.get_execution_options().get("isolation_level") == _READING
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def write(engine: Engine, work: Callable[[Connection], T]) -> T:
    """Do `work` in one transaction; done over if another worker's lock made the database give it up.

    StoreError if the database refuses (full, read-only, away, damaged); nothing of it is kept then.
    """
    for attempt in range(1, _TRIES + 1):
        try:
            with engine.begin() as connection:
                return work(connection)
        except sqlite3.Error as error:  # while connecting, where SQLAlchemy does not wrap it
            raise failure(_UNWRITABLE, error) from error
        except DBAPIError as error:
            if attempt == _TRIES or not _gave_way(error):
                raise failure(_UNWRITABLE, error) from error
    raise AssertionError("unreachable")


def write_over(engine: Engine, work: Callable[[Connection], T]) -> T:
    """As `write`, for work that takes a row away and puts another in its place: done over if another worker did so meanwhile."""
    for _ in range(_TRIES - 1):
        try:
            return write(engine, work)
        except StoreError as error:
            if not isinstance(error.__cause__, IntegrityError):
                raise
    return write(engine, work)


def _gave_way(error: DBAPIError) -> bool:
    """Whether the database broke a deadlock by giving up this transaction: PostgreSQL 40P01 and 40001, MariaDB 1213."""
    code = getattr(error.orig, "sqlstate", None) or (error.orig.args[:1] or (None,))[0] if error.orig else None
    return code in ("40P01", "40001", 1213)


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Statements that change nothing and need no lock; on SQLite they all see one instant."""
    try:
        with engine.connect().execution_options(isolation_level=_READING) as connection:
            yield connection
    except (sqlite3.Error, DBAPIError) as error:
        raise failure(_UNREADABLE, error) from error


def compact(engine: Engine) -> None:
    """Rewrite a SQLite store of the first release once: it gives space back from then on, and keeps no plain body in free pages.

    StoreError if there is no room for it; tried again at the next start.
    """
    if place_of(engine) is None:
        return
    try:
        with contextlib.closing(engine.raw_connection()) as connection:
            driver = connection.driver_connection
            if not isinstance(driver, sqlite3.Connection) or driver.execute("PRAGMA auto_vacuum").fetchone() == (_INCREMENTAL,):
                return
            for statement in ("PRAGMA auto_vacuum=INCREMENTAL", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
                driver.execute(statement).close()
    except sqlite3.Error as error:
        raise StoreError(f"本地库升级后整理不成：{sentence(error)}。没有丢数据，修好后再启动即可") from error
