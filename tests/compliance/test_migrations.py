"""A store of version 1 goes on under this program.

`frozen/store-1.sql` was written by the program of commit 8140d90; it never changes.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect
from support.bureau import INSTITUTION, START
from support.watched import Watched

from compliance.errors import StoreError
from compliance.store import database, tables
from compliance.store.roll import StoredRoll
from compliance.store.standing import StoredStanding
from schemas.model import Edition

FROZEN = Path(__file__).parent / "frozen" / "store-1.sql"


@pytest.fixture
def thawed(store_url: str) -> str:
    """The frozen store, on either database."""
    url = store_url.replace("postgresql://", "postgresql+psycopg://")
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in FROZEN.read_text(encoding="utf-8").split(";\n"):
            if statement.startswith(("BEGIN", "COMMIT")) or not statement.strip():
                continue
            if engine.dialect.name == "postgresql":
                statement = re.sub(r"(?m)^\tid INTEGER NOT NULL", "\tid SERIAL NOT NULL", statement).replace("%", "%%")
                statement = re.sub(r"(?m)^(INSERT INTO \"institution\".*),([01]),('名册)", _boolean, statement)
            connection.exec_driver_sql(statement)
        if engine.dialect.name == "postgresql":
            for name in ("message", "rejection", "institution"):
                connection.exec_driver_sql(f"SELECT setval('{name}_id_seq', (SELECT MAX(id) FROM {name}))")
    engine.dispose()
    return store_url


def _boolean(found: re.Match[str]) -> str:
    return f"{found[1]},{'TRUE' if found[2] == '1' else 'FALSE'},{found[3]}"


def missing(url: str) -> set[str]:
    """What this program's tables have and the store has not."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    found = inspect(engine)
    there = {f"{name}.{column['name']}" for name in found.get_table_names() for column in found.get_columns(name)}
    there |= {str(index["name"]) for name in found.get_table_names() for index in found.get_indexes(name)}
    engine.dispose()
    wanted = {str(column) for table in tables.metadata.tables.values() for column in table.columns}
    wanted |= {str(index.name) for table in tables.metadata.tables.values() for index in table.indexes}
    return wanted - there


def test_a_store_of_version_1_is_told_and_upgraded_once(thawed: str) -> None:
    store = database.connect(thawed)
    with pytest.raises(StoreError, match="存储是第 1 版，本程序用第 2 版，请先备份存储，再运行 compliance init 升级"):
        store.check()
    assert not store.create()
    assert [store.upgrade(), store.upgrade()] == [1, tables.SCHEMA_VERSION]
    store.check()
    store.close()


def test_nothing_that_this_program_works_with_is_missing_afterwards(thawed: str) -> None:
    assert {"closure.reason", "beat_day.minutes", "record_beat", "record_told"} <= missing(thawed)
    store = database.connect(thawed)
    store.upgrade()
    store.close()
    assert missing(thawed) == set()


def test_what_was_in_it_is_there_and_it_goes_on(thawed: str, edition: Edition) -> None:
    store = database.connect(thawed)
    store.upgrade()
    assert [row.name for row in StoredRoll(store).institutions()] == ["测试甲医院", "测试乙医院"]
    (tally,) = StoredStanding(store).tallies(START.replace(year=2027))
    assert (tally.dataset, tally.received, tally.live, tally.rejected) == ("HD03", 4, 3, 1)
    watched = Watched(edition, store)
    line = watched.link(START.replace(year=2027))
    assert (line.code, line.last_at) == (INSTITUTION, START.replace(day=16))
    watched.sessions(START, START.replace(day=17))
    assert watched.cell(START.replace(day=18), START.date()).live == 1
    store.close()
