"""Through quarantine and back: whatever a column can hold, the row is set aside with its reasons, mended, and arrives.

A failure to store a failure stops the line: a row that could not even be set aside must be read again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, text
from support import line as lines
from support.databases import database
from support.faultsize import Conclude
from support.line import Line, real_time

from gateway import config as configuration
from gateway.errors import StoreError
from gateway.store import tables
from gateway.wiring import opened

GOOD = {"item_name": "示例片", "quantity": "2", "prescribed_at": "2026-11-02 09:00:00", "doctor": "D999900000001", "card_no": "P1"}


@dataclass(frozen=True)
class Odd:
    """One value a column may hold, and whether the row can be reported all the same."""

    name: str
    column: str
    value: Any
    sql: str = ""  #: how it is written into the database, where that is not plain
    good: bool = False
    only: tuple[str, ...] = field(default=("sqlite", "mariadb", "postgresql"))


MATRIX = [
    Odd("decimal", "quantity", "12345.6789", good=True),
    Odd("decimal of many places", "quantity", "1.123456789"),
    Odd("decimal too long", "quantity", "12345678901234567890.5"),
    Odd("not a number", "quantity", "nan", only=("sqlite", "postgresql")),
    Odd("infinity", "quantity", "inf", only=("sqlite", "postgresql")),
    Odd("null", "quantity", None),
    Odd("blank", "card_no", "   "),
    Odd("microseconds", "prescribed_at", "2026-11-02 09:00:00.123456", good=True),
    Odd("zero date", "prescribed_at", "0000-00-00 00:00:00", only=("sqlite", "mariadb")),
    Odd("year with a slip", "prescribed_at", "0202-11-02 09:00:00"),
    Odd("last year of the calendar", "prescribed_at", "9999-12-31 23:59:59"),
    Odd("zero day", "prescribed_at", "2026-11-00 00:00:00", only=("sqlite", "mariadb")),
    Odd("impossible date", "prescribed_at", "2026-02-30 00:00:00", only=("sqlite",)),
    Odd("end of time", "prescribed_at", "9999-12-31 23:59:59"),
    Odd("beyond the end of time", "prescribed_at", "infinity", only=("postgresql",)),
    Odd("before our era", "prescribed_at", "0044-03-15 12:00:00 BC", only=("postgresql",)),
    Odd("four-byte character", "item_name", "示例𠮷片😀", good=True),
    Odd("huge text", "item_name", "长" * 200_000),
    Odd("control character", "card_no", "P\x011"),
    Odd("column in gbk", "card_no", "示例卡", good=True),
    Odd("bytes of gbk in a text", "card_no", "示例".encode("gbk"), "CAST(:card_no AS TEXT)", only=("sqlite",)),
    Odd("bytes of gbk", "raw", "示例".encode("gbk")),
    Odd("binary", "raw", bytes(range(256))),
]
KINDS = ("sqlite", "postgresql", "mariadb")
_TYPES = {
    "sqlite": {"quantity": "", "prescribed_at": "", "raw": "", "item_name": "TEXT", "card_no": "VARCHAR(32)"},
    "postgresql": {
        "quantity": "NUMERIC",
        "prescribed_at": "TIMESTAMP(6)",
        "raw": "BYTEA",
        "item_name": "TEXT",
        "card_no": "VARCHAR(32)",
    },
    "mariadb": {
        "quantity": "DECIMAL(38, 10)",
        "prescribed_at": "DATETIME(6)",
        "raw": "LONGBLOB",
        "item_name": "LONGTEXT",
        "card_no": "VARCHAR(32) CHARACTER SET gbk",
    },
}
_QUERY = """
SELECT id AS row_ref, id AS cursor_key, rx_no, card_no, item_name, quantity, prescribed_at, doctor, raw
FROM rx_line WHERE id > :after_key ORDER BY id LIMIT :limit
"""
_MAPPING = """
dataset: RX01
fields:
  rx_id: {column: rx_no}
  line_no: {fixed: "1", why: 一张处方一行}
  patn_id: {column: card_no}
  med_list_codg: {fixed: "XA00AAA000A000010000001", why: 测试}
  med_list_name: {column: item_name}
  cnt: {column: quantity}
  rx_time: {column: prescribed_at}
  dr_codg: {column: doctor}
  diag_codg: {column: raw}
"""


def take_over(line: Line, kind: str, url: str) -> list[Odd]:
    """Point the line at a table of odd values, one a row; returns them in the order of their ids."""
    odd = [each for each in MATRIX if kind in each.only]
    engine = create_engine(url, poolclass=NullPool)
    kinds = _TYPES[kind]
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE rx_line"))
        if kind == "mariadb":
            connection.execute(text("SET SESSION sql_mode = ''"))
        columns = ", ".join(f"{name} {type_}" for name, type_ in kinds.items())
        connection.execute(text(f"CREATE TABLE rx_line (id INTEGER, rx_no VARCHAR(32), doctor VARCHAR(30), {columns})"))
        for number, each in enumerate(odd):
            values = {**GOOD, "raw": None, each.column: each.value}
            names = ", ".join(values)
            written = ", ".join(each.sql if each.sql and name == each.column else f":{name}" for name in values)
            connection.execute(text(f"INSERT INTO rx_line (id, rx_no, {names}) VALUES ({number}, 'RX{number}', {written})"), values)
    profile = line.folder / "gateway" / "profile"
    manifest = (profile / "manifest.yaml").read_text(encoding="utf-8")
    manifest = manifest.replace("after_time, ", "").replace("incremental", "rescan")
    for name, written in (("manifest.yaml", manifest), ("RX01.sql", _QUERY), ("RX01.yaml", _MAPPING)):
        (profile / name).write_text(written, encoding="utf-8")
    return odd


def asides(line: Line) -> dict[str, bytes]:
    """Rows set aside, by id."""
    engine = create_engine(line.store_url, poolclass=NullPool)
    with engine.connect() as connection:
        return {row.ref: row.reasons for row in connection.execute(tables.aside.select())}


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_a_column_holds_is_set_aside_mended_and_arrives(kind: str, room: Path, seed: int) -> None:
    with database(kind, room) as url, lines.build(room / "line", seed, source_url=url) as line:
        odd = take_over(line, kind, url)
        line.settle()
        bad = {str(number) for number, each in enumerate(odd) if not each.good}
        assert {odd[int(ref)].name for ref in asides(line)} == {odd[int(ref)].name for ref in bad}
        assert all(len(reasons) > 2 for reasons in asides(line).values())
        assert line.receiver.count() == len(odd) - len(bad)
        mend(url, bad)
        line.settle()
        assert asides(line) == {}
        assert line.receiver.held().keys() == {f"RX{number}|1" for number in range(len(odd))}
        assert line.receiver.count() == len(odd)


def mend(url: str, refs: set[str]) -> None:
    with create_engine(url, poolclass=NullPool).begin() as connection:
        for ref in refs:
            changes = ", ".join(f"{name} = :{name}" for name in GOOD)
            connection.execute(text(f"UPDATE rx_line SET {changes}, raw = NULL WHERE id = {ref}"), GOOD)


@pytest.fixture
def refusing(line: Line) -> Iterator[Path]:
    """The file of a gateway's store that cannot set rows aside."""
    with opened(configuration.load(line.config), real_time):
        pass
    path = line.folder / "gateway" / "gateway.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TRIGGER full BEFORE INSERT ON aside BEGIN SELECT RAISE(ABORT, 'cannot'); END")
        connection.commit()
    yield path


def test_a_failure_to_store_a_failure_stops_the_line(line: Line, refusing: Path, conclude: Conclude) -> None:
    """The good rows of the page wait as well: otherwise the cursor would pass the bad one."""
    line.source.insert(5, bad=1)
    with opened(configuration.load(line.config), real_time) as working, pytest.raises(StoreError):
        working.read(working.feeds[0])
    with closing(sqlite3.connect(refusing)) as connection:
        assert connection.execute("SELECT count(*) FROM source_cursor WHERE position <> ''").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM outbox").fetchone() == (0,)
    assert line.receiver.count() == 0
    with closing(sqlite3.connect(refusing)) as connection:
        connection.execute("DROP TRIGGER full")
        connection.commit()
    line.settle()
    assert line.receiver.count() == 4
    conclude(line)
