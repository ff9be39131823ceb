"""The demo's district as a test wants it: a few days in the local databases, nothing sent yet, and its bureau on loopback."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path

from compliance import serving
from demo import premises, story
from demo.premises import Premises


def lived(folder: Path, days: int) -> Premises:
    """The district after so many days."""
    built = premises.build(folder)
    for name, path in built.databases.items():
        with closing(sqlite3.connect(path)) as connection:
            story.play(connection, (each for each in story.changes(7, date(2026, 11, 2), days) if each.database == name))
    return built


@contextmanager
def bureau(district: Premises) -> Iterator[None]:
    """Its platform, while the block runs."""
    with serving.Server(serving.build(district.bureau), district.bureau.host, district.bureau.port):
        yield
