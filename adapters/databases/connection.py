"""A site's database, opened so that nothing can be written: the HIS is not ours.

Each dialect has its own way to say read-only and to stop a query that runs too long; one we know no way for is refused.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Dialect, Engine, NullPool, create_engine, event, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from adapters.databases import kingbase, leniency, mislabelled, mysqlvalues, sqlerrors
from gateway.errors import ConfigError, SourceError
from schemas import address

_CONNECT_SECONDS = 10
_UNKNOWN_VARIABLE = 1193
_MYSQLS = ("mysql", "mariadb")
_STRANGER = (
    "{host} 上的不是 PostgreSQL，只是与它相像：人大金仓请把地址写成 kingbase://；"
    "openGauss、GaussDB、Vastbase 等还不支持，请厂商导出文件或提供接口"
)
#: what drivers raise, beside their own errors, of a parameter that they do not know, or whose file or value is none
_OF_PARAMETERS = (TypeError, ValueError, AttributeError, LookupError, OSError)
_SQLITE_STEPS = 10_000  #: virtual machine steps between two looks at the clock
#: what each driver is taught once a connection stands
_LENIENT = {address.driver("postgresql"): leniency.postgresql, address.driver("kingbase"): leniency.kingbase}
kingbase.register()


class SiteDatabase:
    """Opens read-only connections; keeps none of them."""

    def __init__(
        self, url: URL, timeout: int, password_from: str = "", *, encoding: str = "", oracle_client: Path | None = None
    ) -> None:
        """`password_from` says where its password was taken from; "": it has none.

        `encoding`: of the texts that the server believes to be latin1. `oracle_client`: where Oracle's own client lies.
        """
        self.url, self.timeout, self.password_from = url.set(drivername=address.driver(url.drivername)), timeout, password_from
        self.encoding = encoding
        if encoding:
            self.url = _as_latin1(self.url, encoding)
        self._engine = _engine(self.url, timeout, oracle_client)
        if encoding:
            event.listen(self._engine, "connect", mislabelled.told)

    @property
    def dialect(self) -> str:
        """Its kind, as a manifest names it."""
        return self.url.get_backend_name()

    @property
    def believes_latin1(self) -> bool:
        """Whether the server's word is taken for what its latin1 texts are."""
        return self.dialect in _MYSQLS and not self.encoding

    @property
    def dialect_of_sql(self) -> Dialect:
        """How this database writes names and types."""
        return self._engine.dialect

    def misread(self, names: Sequence[str], rows: Iterable[Iterable[Any]]) -> str:
        """Why texts that it gave cannot be what the site keeps; "" where they can, or it is no server that would say so."""
        return mislabelled.misread(names, rows, self.encoding) if self.dialect in _MYSQLS else ""

    def bound(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """The parameters of a query as this database must be given them."""
        return mislabelled.bound(values) if self.encoding else values

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """A connection, in no transaction until `reading`. SourceError for a server that is not what its address says."""
        with self._connected() as connection:
            yield connection

    def _connected(self) -> Connection:
        try:
            return self._engine.connect()
        except AssertionError:  # SQLAlchemy, of a server that calls itself by another name than PostgreSQL
            raise SourceError(_STRANGER.format(host=self.url.host)) from None
        except _OF_PARAMETERS:
            if not self.url.query:
                raise
            raise SourceError(sqlerrors.PARAMETERS.sentence) from None

    @contextmanager
    def reading(self, connection: Connection) -> Iterator[None]:
        """One short read-only transaction, rolled back at its end: there is nothing to commit."""
        with connection.begin() as transaction:
            _READ_ONLY[self.dialect](connection, self.timeout)
            try:
                yield
            finally:
                transaction.rollback()

    @contextmanager
    def snapshot(self, connection: Connection) -> Iterator[None]:
        """A read-only transaction in which every statement sees the same moment of the site."""
        with connection.begin() as transaction:
            _SNAPSHOT[self.dialect](connection, self.timeout)
            try:
                yield
            finally:
                transaction.rollback()

    def identity(self, connection: Connection) -> str:
        """Which database this is; another one, or one that was dropped and made again, answers otherwise."""
        if self.dialect == "sqlite":
            found = Path(self.url.database or "").stat()
            return f"{found.st_dev}:{found.st_ino}"
        question = _IDENTITY.get(self.dialect)
        if question is None:
            return f"{self.url.host}:{self.url.port}/{self.url.database}"
        return ":".join(str(part) for part in connection.execute(text(question)).one())


def _as_latin1(url: URL, encoding: str) -> URL:
    """The address by which the server hands its latin1 texts out as they stand."""
    if url.get_backend_name() not in _MYSQLS:
        raise ConfigError("encoding 只用于 MySQL、MariaDB 里存着 GBK 字节的 latin1 列")
    if encoding not in mislabelled.NAMES:
        raise ConfigError(f"encoding 只能是 {'、'.join(mislabelled.NAMES)}")
    return url.update_query_dict({"charset": "latin1"})


def _engine(url: URL, timeout: int, oracle_client: Path | None) -> Engine:
    if fault := address.driver_fault(url.drivername):
        raise ConfigError(fault)
    try:
        # parameters would be patients' numbers in an exception
        engine = create_engine(url, poolclass=NullPool, hide_parameters=True, **_arguments(url, timeout, oracle_client))
    except (NoSuchModuleError, ModuleNotFoundError):  # the former is an ArgumentError
        raise ConfigError(address.missing_driver(url.drivername)) from None
    except ArgumentError:  # a user or a password for a file, for one
        raise ConfigError("数据库地址写得不对：请核对用户、地址和库名；SQLite 只写文件，没有用户和密码") from None
    except ImportError:  # it is there, and does not fit to what is beside it
        raise ConfigError(address.unfit_driver(url.drivername)) from None
    if lenient := _LENIENT.get(url.drivername):
        event.listen(engine, "connect", lenient)
    return engine


def _arguments(url: URL, timeout: int, oracle_client: Path | None) -> dict[str, Any]:
    backend = url.get_backend_name()
    if backend == "sqlite":
        return {"creator": _sqlite_creator(url)}
    if backend == "postgresql":
        return {"connect_args": {"connect_timeout": _CONNECT_SECONDS}}
    if backend == "kingbase":  # the extension hstore is not asked for: its catalogue may have another name there
        return {"connect_args": {"connect_timeout": _CONNECT_SECONDS}, "use_native_hstore": False}
    if backend == "dm":
        return {"connect_args": {"login_timeout": _CONNECT_SECONDS}}
    if backend in _MYSQLS:
        # the server stops the query first; the socket is for a server that does not
        limits = {"connect_timeout": _CONNECT_SECONDS, "read_timeout": timeout + 5}
        read_by = mislabelled if url.query.get("charset") == "latin1" else mysqlvalues
        return {"connect_args": {**limits, "conv": read_by.converters()}}
    if backend == "mssql":
        return {"connect_args": {"login_timeout": _CONNECT_SECONDS, "timeout": timeout}}
    if backend == "oracle" and oracle_client:
        return {"thick_mode": {"lib_dir": str(oracle_client)}}
    return {}


def _sqlite_creator(url: URL) -> Callable[[], sqlite3.Connection]:
    uri = Path(url.database or "").absolute().as_uri() + "?mode=ro"
    return lambda: leniency.sqlite(sqlite3.connect(uri, uri=True))


def _postgresql(connection: Connection, timeout: int) -> None:
    connection.execute(text("SET TRANSACTION READ ONLY"))
    connection.execute(text(f"SET LOCAL statement_timeout = {timeout * 1000:d}"))


def _mysql(connection: Connection, timeout: int) -> None:
    mariadb = getattr(connection.dialect, "is_mariadb", False)
    limit = f"max_statement_time = {timeout:d}" if mariadb else f"max_execution_time = {timeout * 1000:d}"
    try:
        connection.execute(text(f"SET SESSION {limit}"))
    except DBAPIError as error:
        # before MySQL 5.7.8 and MariaDB 10.1 only the socket's read_timeout stops a query
        if error.orig is None or error.orig.args[:1] != (_UNKNOWN_VARIABLE,):
            raise
    # MariaDB ends a read-only transaction before a CREATE or DROP; only the session's mode still stands then
    connection.execute(text("SET SESSION TRANSACTION READ ONLY"))
    connection.execute(text("START TRANSACTION READ ONLY"))


def _sqlite(connection: Connection, timeout: int) -> None:
    connection.execute(text("PRAGMA query_only = ON"))
    deadline = time.monotonic() + timeout
    driver = connection.connection.driver_connection
    if driver is not None:
        driver.set_progress_handler(lambda: time.monotonic() > deadline, _SQLITE_STEPS)


def _oracle(connection: Connection, timeout: int) -> None:
    driver = connection.connection.driver_connection
    if driver is not None:
        driver.call_timeout = timeout * 1000
    connection.execute(text("SET TRANSACTION READ ONLY"))


def _mssql(connection: Connection, timeout: int) -> None:
    """SQL Server has no read-only transaction: the account must be one that cannot write, which `gateway check` proves.

    Whoever of the HIS and us must give way in a deadlock, it is us, and we wait for a lock no longer than for a query.
    """
    connection.execute(text(f"SET LOCK_TIMEOUT {timeout * 1000:d}"))
    connection.execute(text("SET DEADLOCK_PRIORITY LOW"))


def _plain_read_only(connection: Connection, timeout: int) -> None:
    """DM8, after Oracle's manner; its driver has no timeout of a query, only the server's own."""
    connection.execute(text("SET TRANSACTION READ ONLY"))


def _mssql_snapshot(connection: Connection, timeout: int) -> None:
    """Row versions instead of locks on the HIS's tables. Refused by a database that does not keep them (error 3952)."""
    connection.execute(text("SET TRANSACTION ISOLATION LEVEL SNAPSHOT"))
    _mssql(connection, timeout)


def _postgresql_snapshot(connection: Connection, timeout: int) -> None:
    connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
    _postgresql(connection, timeout)


def _mysql_snapshot(connection: Connection, timeout: int) -> None:
    connection.execute(text("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
    _mysql(connection, timeout)


def _sqlite_snapshot(connection: Connection, timeout: int) -> None:
    """The driver begins nothing for a SELECT; without a transaction each would see its own moment."""
    _sqlite(connection, timeout)
    connection.exec_driver_sql("BEGIN")


#: which database it is: name, and what changes when it is made again or moved to another server
_IDENTITY: Mapping[str, str] = {
    "postgresql": "SELECT datname, oid FROM pg_database WHERE datname = current_database()",
    "mysql": "SELECT DATABASE(), @@hostname, @@port",
    "mariadb": "SELECT DATABASE(), @@hostname, @@port",
    "oracle": "SELECT ora_database_name, SYS_CONTEXT('USERENV', 'SERVER_HOST') FROM dual",
    "mssql": "SELECT DB_NAME(), CAST(SERVERPROPERTY('ServerName') AS nvarchar(128)), CONVERT(varchar(30), create_date, 126) "
    "FROM sys.databases WHERE database_id = DB_ID()",
}

_READ_ONLY: Mapping[str, Callable[[Connection, int], None]] = {
    "postgresql": _postgresql,
    "mysql": _mysql,
    "mariadb": _mysql,
    "sqlite": _sqlite,
    "oracle": _oracle,
    "mssql": _mssql,
    "dm": _plain_read_only,
    "kingbase": _postgresql,
}
#: Oracle's read-only transaction is a snapshot already
_SNAPSHOT: Mapping[str, Callable[[Connection, int], None]] = {
    **_READ_ONLY,
    "postgresql": _postgresql_snapshot,
    "mysql": _mysql_snapshot,
    "mariadb": _mysql_snapshot,
    "sqlite": _sqlite_snapshot,
    "mssql": _mssql_snapshot,
    "kingbase": _postgresql_snapshot,
}
