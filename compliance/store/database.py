"""Open the store: SQLite or PostgreSQL by URL, its transactions, and the check that it is ours and not newer."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Engine, event, insert, inspect, select, text
from sqlalchemy.exc import (
    ArgumentError,
    DatabaseError,
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    NoSuchModuleError,
    ProgrammingError,
)

from compliance.errors import StoreAddressError, StoreError
from compliance.store import migrations, tables, trouble

_BUSY_MS = 30_000
_DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}


class Database:
    """The bureau's store. `write` and `read` are its only transactions."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def create(self) -> bool:
        """Make the tables; False if they were there, of this version or an older one. StoreError if a newer program made them."""
        with self.write("schema") as connection:
            if inspect(connection).has_table(tables.store_version.name):
                _version(connection)
                return False
            tables.metadata.create_all(connection)
            connection.execute(insert(tables.store_version).values(version=tables.SCHEMA_VERSION))
            return True

    def upgrade(self) -> int:
        """Bring a store that is there to this program's version; returns the version it had. Nothing or all of it is done."""
        with self.write("schema") as connection:
            version = _version(connection)
            if version < tables.SCHEMA_VERSION:
                migrations.upgrade(connection, version)
            return version

    def check(self) -> None:
        """StoreError unless the store was created and is of this program's schema version."""
        with self.read() as connection:
            if not inspect(connection).has_table(tables.store_version.name):
                raise StoreError("存储尚未建立，请先运行 compliance init")
            version = _version(connection)
            if version < tables.SCHEMA_VERSION:
                advice = "请先备份存储，再运行 compliance init 升级"
                raise StoreError(f"存储是第 {version} 版，本程序用第 {tables.SCHEMA_VERSION} 版，{advice}")

    @contextmanager
    def write(self, room: str) -> Iterator[Connection]:
        """One writing transaction, alone in `room` (an institution, the roster …) until it ends.

        SQLite has one writer anyway: BEGIN IMMEDIATE queues here instead of failing at the first write.
        PostgreSQL takes an advisory lock, so what was read in the room still holds at the commit.
        """
        with _told(), self._engine.connect().execution_options(begin="BEGIN IMMEDIATE") as connection, connection.begin():
            self.join(connection, room)
            yield connection

    def join(self, connection: Connection, room: str) -> None:
        """Be alone in one more room; who joins several takes them in the order of their names, or two might wait for each other."""
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:room, 0))"), {"room": room})

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One reading transaction."""
        with _told(), self._engine.connect() as connection:
            yield connection

    def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()


def connect(url: str) -> Database:
    """A store at `url`; StoreAddressError if the URL cannot be used. Nothing is read or created yet."""
    try:
        parsed = sqlalchemy.make_url(url)
        backend = parsed.get_backend_name()
        if backend not in _DRIVERS:
            raise StoreAddressError(f"存储只支持 sqlite 与 postgresql，地址写的是 {backend}")
        # parameters hold persons: they must reach no exception text
        engine = sqlalchemy.create_engine(parsed.set(drivername=_DRIVERS[backend]), hide_parameters=True, **_options(backend))
    except (ArgumentError, NoSuchModuleError, ValueError):  # the last of a port that is no number
        raise StoreAddressError("存储地址写法不对，例：sqlite:///compliance.db 或 postgresql://用户@主机/库名") from None
    except ModuleNotFoundError as error:
        advice = "pip install --no-index --find-links wheelhouse 'liangding-gateway[compliance,postgresql]'"
        raise StoreAddressError(f"没有安装数据库驱动 {error.name}，请这样安装：{advice}") from None
    if backend == "sqlite":
        event.listen(engine, "do_connect", _keep_private)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return Database(engine)


def _options(backend: str) -> dict[str, Any]:
    if backend == "sqlite":
        return {"connect_args": {"timeout": _BUSY_MS / 1000}}
    return {"pool_pre_ping": True, "connect_args": {"connect_timeout": 10}}


def _keep_private(dialect: Any, record: Any, arguments: Sequence[Any], options: dict[str, Any]) -> None:
    """Mode 0600 before there is anything in it; SQLite gives its -wal and -shm the same. Windows goes by the folder's rights."""
    place = Path(arguments[0])
    if os.name != "posix" or str(place) == ":memory:":
        return
    with contextlib.suppress(OSError):  # what cannot be made or is another's is told when it is used
        if not place.exists():
            os.close(os.open(place, os.O_RDWR | os.O_CREAT, 0o600))
        elif place.stat().st_mode & 0o077:
            place.chmod(0o600)


def _prepare_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # the driver must not begin by itself: _begin_sqlite does
    for pragma in ("journal_mode=WAL", "synchronous=FULL", f"busy_timeout={_BUSY_MS}", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))


@contextmanager
def _told() -> Iterator[None]:
    """The driver's error as one sentence; its own text may quote values, so none of it is kept."""
    try:
        yield
    except (DatabaseError, InterfaceError) as error:
        if _ours(error):
            raise
        raise trouble.failure(error) from None


def _ours(error: DBAPIError) -> bool:
    """Not the database's state but a bug of ours; rights and missing tables only look like one."""
    return isinstance(error, (IntegrityError, ProgrammingError, DataError)) and trouble.known(error) is None


def _version(connection: Connection) -> int:
    """The version of a store that is there. StoreError if it is not to be read, or newer than the program."""
    found = connection.execute(select(tables.store_version.c.version)).scalar()
    if found is None or found < 1:
        raise StoreError("存储的结构版本读不出来，请停止服务，从备份恢复")
    if found > tables.SCHEMA_VERSION:
        raise StoreError(f"存储由更新的程序写成（结构版本 {found}，本程序为 {tables.SCHEMA_VERSION}），请升级本程序")
    return int(found)
