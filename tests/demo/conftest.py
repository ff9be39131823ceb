"""One story, told once, and its databases played to the end."""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

import pytest

from demo import his, pos, story
from demo.dirt import Fate
from demo.district import DISTRICT
from demo.rows import Change

SEED, START = 20261021, date(2026, 10, 21)


@pytest.fixture(scope="session")
def told() -> list[Change]:
    return list(story.changes(SEED, START))


@pytest.fixture(scope="session")
def expected() -> dict[tuple[str, str], Counter[Fate]]:
    return story.expected(SEED, START)


@pytest.fixture(scope="session")
def dirt() -> Counter[str]:
    return story.dirt_counts(SEED, START)


@pytest.fixture(scope="session")
def played(told: list[Change], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """fixmedins_code -> file of its database at the end of the story."""
    return played_into(tmp_path_factory.mktemp("district"), told)


@pytest.fixture
def site(played: dict[str, Path], request: pytest.FixtureRequest) -> Iterator[sqlite3.Connection]:
    """The database of the institution whose code is the test's parameter."""
    connection = sqlite3.connect(played[request.param])
    yield connection
    connection.close()


def played_into(folder: Path, changes: Iterable[Change]) -> dict[str, Path]:
    of_database: dict[str, list[Change]] = defaultdict(list)
    for change in changes:
        of_database[change.database].append(change)
    files = {institution.code: folder / f"{institution.code}.db" for institution in DISTRICT.connected}
    for institution in DISTRICT.connected:
        (pos if institution.database.startswith("pos:") else his).create(files[institution.code])
        connection = sqlite3.connect(files[institution.code])
        try:
            assert story.play(connection, of_database[institution.database]) == len(of_database[institution.database])
        finally:
            connection.close()
    return files
