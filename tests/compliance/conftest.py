"""A bureau of its own for every test: store on SQLite and PostgreSQL, credentials, a clock that the test moves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.bureau import INSTITUTION, Caller, Clock, Maker
from support.databases import database as empty_database

from compliance import credentials, serving
from compliance.config import Config
from compliance.receiving import Receiver
from compliance.store import database
from compliance.store.archive import StoredArchive
from compliance.store.database import Database
from schemas import loader
from schemas.model import Edition


@pytest.fixture(scope="session")
def edition() -> Edition:
    return loader.reference()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def maker(edition: Edition) -> Maker:
    return Maker(edition)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with empty_database(request.param, tmp_path) as url:
        yield url


@pytest.fixture
def store(store_url: str) -> Iterator[Database]:
    opened = database.connect(store_url)
    opened.create()
    yield opened
    opened.close()


@pytest.fixture
def receiver(edition: Edition, store: Database) -> Receiver:
    return Receiver(edition, StoredArchive(store))


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A bureau on SQLite with one institution that holds a credential."""
    made = Config(district="测试市", store=f"sqlite:///{tmp_path / 'http.db'}", credentials=tmp_path / "keys" / "credentials.yaml")
    opened = database.connect(made.store)
    opened.create()
    opened.close()
    credentials.issue(made.credentials, INSTITUTION)
    return made


@pytest.fixture
def config_file(config: Config, tmp_path: Path) -> Path:
    """The same bureau's configuration as the commands read it."""
    path = tmp_path / "compliance.yaml"
    lines = (f"district: {config.district}", f"store: {config.store}", f"credentials: {config.credentials}")
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture
def server(config: Config, clock: Clock) -> Iterator[serving.Server]:
    with serving.Server(serving.build(config, clock)) as running:
        yield running


@pytest.fixture
def caller(server: serving.Server, config: Config, clock: Clock) -> Caller:
    return Caller(server.url, credentials.read(config.credentials)[0].credential, clock)
