"""A database of the test's own on each kind of server, dropped afterwards."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

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
    name = f"liangding_test_{uuid.uuid4().hex[:12]}"
    _administer(kind, f"CREATE DATABASE {name}")
    try:
        yield _SERVERS[kind].format(name=name)
    finally:
        _administer(kind, f"DROP DATABASE {name}")


def analyze(url: str) -> None:
    """What PostgreSQL does by itself unless autovacuum is off, as on many a test machine: then it plans for empty tables."""
    if not url.startswith("postgresql"):
        return
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("ANALYZE"))
    engine.dispose()


def _administer(kind: str, statement: str) -> None:
    engine = create_engine(_SERVERS[kind].format(name=_ADMIN[kind]), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(statement))
    except OperationalError as error:
        pytest.skip(f"{kind} does not run on this machine: {type(error.orig).__name__}")
    finally:
        engine.dispose()
