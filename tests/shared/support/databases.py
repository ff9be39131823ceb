"""A database of the test's own on each kind of server, dropped afterwards."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, NullPool, create_engine, text
from sqlalchemy.exc import OperationalError, SQLAlchemyError

_SERVERS = {
    "postgresql": "postgresql+psycopg://postgres@127.0.0.1:5432/{name}",
    "mariadb": "mysql+pymysql://root@localhost/{name}?unix_socket=/run/mysqld/mysqld.sock&charset=utf8mb4",
}
_ADMIN = {"postgresql": "postgres", "mariadb": ""}
KINDS = ("sqlite", *_SERVERS)
#: the key of every test store, which is nobody's
KEY = base64.b64encode(bytes(32)).decode()


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """URL of an empty database; skips when its server is not on this machine."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'test.db'}"
        return
    _need(kind)
    name = f"liangding_test_{uuid.uuid4().hex[:12]}"
    _administer(kind, f"CREATE DATABASE {name}")
    try:
        yield _SERVERS[kind].format(name=name)
    finally:
        _drop(kind, name)


def _drop(kind: str, name: str) -> None:
    """A database that stays is told by its name: a run must not fill a server unseen."""
    try:
        _administer(kind, f"DROP DATABASE {name}")
    except SQLAlchemyError as error:
        raise RuntimeError(f"the test's database {name} was not dropped and is still on {kind}") from error


def analyze(url: str) -> None:
    """What PostgreSQL does by itself unless autovacuum is off, as on many a test machine: then it plans for empty tables."""
    if not url.startswith("postgresql"):
        return
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("ANALYZE"))
    engine.dispose()


def _need(kind: str) -> None:
    """Skips without a server. Whatever else fails is a failure."""
    try:
        with _server(kind).connect():
            pass
    except OperationalError as error:
        pytest.skip(f"{kind} does not run on this machine: {type(error.orig).__name__}")


def _administer(kind: str, statement: str) -> None:
    with _server(kind).connect() as connection:
        connection.execute(text(statement))


def _server(kind: str) -> Engine:
    return create_engine(_SERVERS[kind].format(name=_ADMIN[kind]), isolation_level="AUTOCOMMIT", poolclass=NullPool)
