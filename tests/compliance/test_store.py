"""The store on both databases: created once, ours, not newer; instants keep their order."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert, text, update
from sqlalchemy.exc import StatementError
from support.bureau import START

from compliance.errors import StoreError
from compliance.store import database, tables
from compliance.store.database import Database
from compliance.store.nonces import StoredNonces


def test_a_store_is_created_once(store_url: str) -> None:
    store = database.connect(store_url)
    assert [store.create(), store.create()] == [True, False]
    store.check()
    store.close()


def test_a_store_that_was_never_created_is_told(store_url: str) -> None:
    store = database.connect(store_url)
    with pytest.raises(StoreError, match="compliance init"):
        store.check()
    store.close()


def test_a_store_of_a_newer_program_is_left_alone(store: Database) -> None:
    with store.write("test") as connection:
        connection.execute(update(tables.store_version).values(version=tables.SCHEMA_VERSION + 1))
    for use in (store.check, store.create):
        with pytest.raises(StoreError, match="请升级本程序"):
            use()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("oracle://somewhere/x", "只支持 sqlite 与 postgresql"),
        ("not a url", "写法不对"),
    ],
)
def test_an_address_that_cannot_be_used_is_told(url: str, told: str) -> None:
    with pytest.raises(StoreError, match=told):
        database.connect(url)


@pytest.mark.parametrize("url", ["sqlite:////nowhere/at/all.db", "postgresql://postgres:secret@127.0.0.1:1/none"])
def test_a_database_that_is_away_is_told_without_its_address(url: str) -> None:
    with pytest.raises(StoreError, match=r"打不开|连不上数据库服务器") as caught:
        database.connect(url).check()
    assert "secret" not in str(caught.value)
    assert not re.search("Error|nowhere|127", str(caught.value))


def test_sqlite_survives_power_loss_and_lets_readers_pass(store: Database) -> None:
    with store.read() as connection:
        if connection.dialect.name != "sqlite":
            pytest.skip("a matter of SQLite")
        pragmas = [connection.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous")]
    assert pragmas == ["wal", 2]


def test_instants_are_text_whose_order_is_their_order(store: Database) -> None:
    moments = [START, START + timedelta(milliseconds=1), START.astimezone(UTC) + timedelta(hours=30)]
    with store.write("test") as connection:
        for number, until in enumerate(moments):
            connection.execute(insert(tables.nonce).values(paasid="p", nonce=str(number), until=until))
    with store.read() as connection:
        texts = [row[0] for row in connection.execute(text("SELECT until FROM nonce ORDER BY until"))]
        values = [row.until for row in connection.execute(tables.nonce.select().order_by(tables.nonce.c.until))]
    assert texts[0] == "2026-01-15T01:00:00.000Z"
    assert values == moments


def test_a_time_without_zone_is_our_own_mistake(store: Database) -> None:
    naive = datetime(2026, 1, 1)  # noqa: DTZ001 - the mistake itself
    with pytest.raises(StatementError, match="time zone"), store.write("test") as connection:
        connection.execute(insert(tables.nonce).values(paasid="p", nonce="n", until=naive))


def test_a_nonce_is_spent_once_per_sender_and_forgotten_when_it_can_no_longer_pass(store: Database) -> None:
    nonces = StoredNonces(store)
    until = START + timedelta(minutes=5)
    assert nonces.spend("a", "n", START, until)
    assert not nonces.spend("a", "n", until, until)
    assert nonces.spend("b", "n", START, until)
    assert nonces.spend("a", "n", until + timedelta(seconds=1), until + timedelta(minutes=5))
