"""The databases that tests make for themselves do not stay behind unseen."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, text
from support.databases import _drop, database


def test_a_database_that_cannot_be_dropped_fails_the_test_and_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(RuntimeError, match=r"liangding_test_\w+ was not dropped") as failed,
        database("postgresql", tmp_path) as url,
    ):
        held = create_engine(url, poolclass=NullPool).connect()
        held.execute(text("SELECT 1"))
    held.close()
    (name,) = re.findall(r"liangding_test_\w+", str(failed.value))
    _drop("postgresql", name)
    with pytest.raises(RuntimeError, match=name):
        _drop("postgresql", name)
