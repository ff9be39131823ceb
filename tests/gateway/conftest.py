"""A store on each database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.databases import KEY, KINDS, database
from support.delivery import START, Clock

from gateway.store import Store, open_store
from schemas import loader
from schemas.model import Edition


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def edition() -> Edition:
    return loader.reference()


@pytest.fixture(params=KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path, edition: Edition) -> Iterator[Store]:
    """An empty store on each of the three databases."""
    with database(request.param, tmp_path) as url:
        opened = open_store(url, edition, START, KEY)
        yield opened
        opened.close()
