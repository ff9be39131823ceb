"""What our speed is held against does what it says: every row arrives once, is sealed, and is marked by its answer."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import pymysql
import pytest

from bench.delivery import contestants
from bench.delivery.contestants import Terms
from bench.delivery.counting import receiver
from bench.delivery.hospital import connect, hospital

ROWS = 1_234


def test_the_least_that_keeps_the_promises_keeps_them(tmp_path: Path) -> None:
    try:
        connect().close()
    except pymysql.Error:
        pytest.skip("MariaDB does not run on this machine")
    with receiver() as counting, hospital(ROWS, date(2026, 11, 24)) as found:
        counting.follow()
        installed = contestants.least(tmp_path / "least", Terms(found, counting.url))
        cost, counts = installed.run(limit=120), counting.counts()
    assert cost.code == 0, cost.said
    assert (counts.distinct, counts.duplicates) == (ROWS, 0)
    with closing(sqlite3.connect(installed.folder / "least.db")) as store:
        assert store.execute("SELECT state, COUNT(*) FROM queue GROUP BY state").fetchall() == [("accepted", ROWS)]
        assert store.execute("SELECT COUNT(*), COUNT(DISTINCT digest) FROM ledger").fetchone() == (ROWS, ROWS)
        (body,) = store.execute("SELECT body FROM queue LIMIT 1").fetchone()
    with pytest.raises(UnicodeDecodeError):  # sealed: chance alone would make 1,000 bytes readable never
        body.decode()
    assert b"S0000" not in body
    assert (installed.folder / "least.key").stat().st_size == 32
