"""Data sets that tell how things are now: when the month changes, what last month could not be reported is nobody's work."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from support.databases import KEY
from support.delivery import Clock

from gateway import config as configuration
from gateway.tiers import Reader
from gateway.wiring import Gateway, opened
from gateway.worklist import TaskFilter, TaskKind

CONFIG = """
store: {url: "sqlite:///gateway.db", key: {file: store.key}, disk_floor: 0}
institutions: [{code: H99000100001, name: 测试医院, admvs: "990001"}]
targets:
  bureau: {url: "https://example.invalid/api/upload", credentials: {H99000100001: {paasid: p, token: {file: token}}}}
sources:
  - {name: his, profile: room, url: "sqlite:///his.db", institution: H99000100001}
"""
FILES = {
    "room/manifest.yaml": "product: 透析室\nvendor: 测试\nkind: sql\ndialects: [sqlite]\ndatasets:\n  HD04C: {query: HD04C.sql,"
    " mapping: HD04C.yaml, takes: [after_key, limit], reading: rescan, key: integer, snapshot: 报的是现在的余量}\n",
    "room/HD04C.sql": "SELECT replace(now.month, '-', '') || '-' || stock.id AS row_ref, stock.id AS cursor_key, now.month, item,"
    " lot, left, unit, now.month || ' 08:00:00' AS stock_time FROM stock, now WHERE stock.id > :after_key"
    " ORDER BY stock.id LIMIT :limit",
    "room/HD04C.yaml": "dataset: HD04C\nfields:\n  month: {column: month}\n  item_codg: {column: item}\n"
    "  item_name: {column: item}\n  lot_no: {column: lot}\n  cnt: {column: left}\n  unit: {column: unit}\n"
    "  stock_time: {column: stock_time}\n",
    "config.yaml": CONFIG,
    "token": "synthetic",
    "store.key": KEY,
}


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gateway(tmp_path: Path, clock: Clock) -> Iterator[Gateway]:
    """Two lots in stock; of one nobody wrote the unit."""
    (tmp_path / "room").mkdir()
    for name, content in FILES.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    at(
        tmp_path,
        "CREATE TABLE stock (id INTEGER PRIMARY KEY, item TEXT, lot TEXT, left INTEGER, unit TEXT)",
        "CREATE TABLE now (month TEXT)",
        "INSERT INTO now VALUES ('2026-10-01')",
        "INSERT INTO stock VALUES (1, 'C1', 'L1', 5, '支'), (2, 'C2', 'L2', 6, NULL)",
    )
    with opened(configuration.load(tmp_path / "config.yaml"), clock) as found:
        yield found


def at(site: Path, *statements: str) -> None:
    with closing(sqlite3.connect(site / "his.db")) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def kinds(gateway: Gateway) -> dict[str, TaskKind]:
    return {each.row.ref: each.kind for each in gateway.store.findings(TaskFilter("his", "HD04C"))}


def tasks(gateway: Gateway) -> list[str]:
    return [each.row.ref for each in gateway.store.findings(TaskFilter("his", "HD04C"))]


def test_what_last_month_could_not_be_reported_is_no_ones_work_when_the_month_is_over(
    gateway: Gateway, tmp_path: Path, clock: Clock
) -> None:
    (feed,) = gateway.feeds
    reader: Reader = gateway.reader(feed)
    reader.hot()
    clock.move(300)
    reader.hot()
    assert tasks(gateway) == ["20261001-2"], "while the month lasts it is a person's work"
    at(tmp_path, "UPDATE now SET month = '2026-11-01'")
    clock.move(300)
    reader.hot()
    assert tasks(gateway) == ["20261101-2"]
    (standing,) = gateway.store.standings(gateway.routes)
    assert standing.balanced
    assert (standing.read, standing.replaced) == (4, 1), "the row is accounted for, and what was reported stays"


def test_what_was_reported_and_spoiled_later_stays_as_it_was_reported_when_the_month_is_over(
    gateway: Gateway, tmp_path: Path, clock: Clock
) -> None:
    (feed,) = gateway.feeds
    reader: Reader = gateway.reader(feed)
    reader.hot()
    with closing(sqlite3.connect(tmp_path / "gateway.db")) as store:  # as if the platform had taken it
        store.execute("UPDATE outbox SET state = 'accepted'")
        store.commit()
    at(tmp_path, "UPDATE stock SET unit = NULL")
    clock.move(300)
    reader.hot()
    assert kinds(gateway) == {"20261001-1": TaskKind.OUTDATED, "20261001-2": TaskKind.MEND}
    at(tmp_path, "UPDATE now SET month = '2026-11-01'", "UPDATE stock SET unit = '支' WHERE id = 2")
    clock.move(300)
    reader.hot()
    assert kinds(gateway) == {"20261101-1": TaskKind.MEND}
    (standing,) = gateway.store.standings(gateway.routes)
    assert standing.balanced
    assert (standing.read, standing.outdated, standing.replaced) == (4, 0, 1)
    assert flawed(tmp_path) == [("20261101-1", 1)], "a row that gets the number again would not be overdue from its first day"
    assert gateway.store.ledger("H99000100001", "HD04C", [reported(gateway)])[reported(gateway)].live


def test_that_a_row_was_wrong_at_first_is_remembered_of_what_was_reported(gateway: Gateway, tmp_path: Path, clock: Clock) -> None:
    (feed,) = gateway.feeds
    reader: Reader = gateway.reader(feed)
    reader.hot()
    for unit in ("'支'", "NULL"):
        at(tmp_path, f"UPDATE stock SET unit = {unit} WHERE id = 2")
        clock.move(300)
        reader.hot()
    at(tmp_path, "UPDATE now SET month = '2026-11-01'", "UPDATE stock SET unit = '支'")
    clock.move(300)
    reader.hot()
    assert (kinds(gateway), flawed(tmp_path)) == ({}, [("20261001-2", 1)])


def flawed(site: Path) -> list[tuple[str, int]]:
    with closing(sqlite3.connect(site / "gateway.db")) as store:
        return store.execute("SELECT ref, at_first FROM flaw ORDER BY ref").fetchall()


def reported(gateway: Gateway) -> str:
    """The key of the lot that was reported in October."""
    return next(each.key for each in gateway.store.deliveries("HD04C") if "L1" in each.key)


def test_a_withdrawal_that_waits_for_a_person_waits_after_the_month_too(gateway: Gateway, tmp_path: Path, clock: Clock) -> None:
    (feed,) = gateway.feeds
    gateway.reader(feed).hot()
    at(tmp_path, "UPDATE stock SET unit = NULL")
    clock.move(300)
    gateway.reader(feed).hot()
    with closing(sqlite3.connect(tmp_path / "gateway.db")) as store:
        store.execute(
            """UPDATE aside SET reasons = '[{"field":"","rule":"mass_void","message":"停下"}]' WHERE ref = '20261001-1'"""
        )
        store.commit()
    assert gateway.store.unseen("his", "HD04C", clock()) == []
    clock.move(300)
    assert gateway.store.unseen("his", "HD04C", clock()) == ["20261001-2"]


def test_a_reading_that_did_not_come_to_its_end_leaves_everything(gateway: Gateway, tmp_path: Path, clock: Clock) -> None:
    (feed,) = gateway.feeds
    reader: Reader = gateway.reader(feed)
    reader.hot()
    at(tmp_path, "UPDATE now SET month = '2026-11-01'", "ALTER TABLE stock RENAME COLUMN unit TO packing")
    clock.move(300)
    with pytest.raises(Exception, match="unit"):
        reader.hot()
    assert tasks(gateway) == ["20261001-2"]
