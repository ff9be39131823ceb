"""A site whose database is written to while it is read: prescription lines, and everything that was ever said of each.

The profile is the test's own, so the oracle can say by itself what each row means on the wire.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, Self

from sqlalchemy import (
    Column,
    Connection,
    DateTime,
    Engine,
    Integer,
    MetaData,
    NullPool,
    Numeric,
    String,
    Table,
    create_engine,
    event,
    insert,
    select,
    update,
)

from support.oracle import Content

DATASET = "RX01"
#: the site's clock starts here and ticks a second per change, so no two changes have the same time
START = datetime(2026, 11, 2, 8, 0, 0)  # noqa: DTZ001  naive, as a site's clock is
_DOCTORS = ("D999900000001", "D999900000002", "D999900000003")
_ITEMS = (
    ("XA00AAA000A000010000001", "示例片"),
    ("XA00AAA000A000010000002", "示例胶囊"),
    ("XA00AAA000A000010000003", "示例口服液𠮷"),
)

MANIFEST = """
product: 断电测试用的处方库
vendor: 测试
versions: ["1"]
kind: sql
dialects: [sqlite, postgresql, mysql, mariadb]
datasets:
  "RX01":
    query: RX01.sql
    mapping: RX01.yaml
    takes: [after_time, after_key, limit]
    reading: incremental
    key: integer
"""
QUERY = """
SELECT id AS row_ref, updated_at AS cursor_time, id AS cursor_key, entered_at,
    rx_no, seq, card_no, item_code, item_name, quantity, prescribed_at, doctor
FROM rx_line
WHERE updated_at >= :after_time AND (updated_at > :after_time OR id > :after_key)
ORDER BY updated_at, id
LIMIT :limit
"""
MAPPING = """
dataset: RX01
fields:
  rx_id: {column: rx_no}
  line_no: {column: seq}
  patn_id: {column: card_no}
  med_list_codg: {column: item_code}
  med_list_name: {column: item_name}
  cnt: {column: quantity}
  rx_time: {column: prescribed_at}
  dr_codg: {column: doctor}
"""

_tables = MetaData()
#: times are text on SQLite, as its own functions write them
_Moment = DateTime().with_variant(String(19), "sqlite")
rx_line = Table(
    "rx_line",
    _tables,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("rx_no", String(32), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("card_no", String(32), nullable=False),
    Column("item_code", String(50), nullable=False),
    Column("item_name", String(100), nullable=False),
    Column("quantity", Numeric(12, 4).with_variant(String(16), "sqlite")),
    Column("prescribed_at", _Moment, nullable=False),
    Column("doctor", String(30)),
    Column("entered_at", _Moment, nullable=False),
    Column("updated_at", _Moment, nullable=False, index=True),
)


def profile(folder: Path) -> Path:
    """Write the site's profile folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("manifest.yaml", MANIFEST), ("RX01.sql", QUERY), ("RX01.yaml", MAPPING)):
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def meant(row: Mapping[str, Any]) -> Content | None:
    """What a row must read at the receiver, field by field; None if it cannot be reported: it has no quantity."""
    if row["quantity"] is None:
        return None
    moment = row["prescribed_at"]
    return {
        "rx_id": row["rx_no"],
        "line_no": str(row["seq"]),
        "patn_id": row["card_no"],
        "med_list_codg": row["item_code"],
        "med_list_name": row["item_name"],
        "cnt": format(Decimal(row["quantity"]).normalize(), "f"),
        "rx_time": moment if isinstance(moment, str) else f"{moment:%Y-%m-%d %H:%M:%S}",
        **({"dr_codg": row["doctor"]} if row["doctor"] else {}),
    }


def key(row: Mapping[str, Any]) -> str:
    """The business key of a row."""
    return f"{row['rx_no']}|{row['seq']}"


@dataclass
class Source:
    """The database, and its history. One writer at a time; a change is committed before it is history."""

    url: str
    seed: int
    rows: int = 0
    history: dict[str, list[Content]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self._tick = 0
        self._lock = threading.Lock()
        self.engine: Engine = create_engine(self.url, poolclass=NullPool)
        if self.engine.dialect.name == "sqlite":
            event.listen(self.engine, "connect", _patient)
        _tables.create_all(self.engine)

    def insert(self, count: int, *, bad: int = 0) -> None:
        """New lines in one transaction, the last `bad` of them without a quantity."""
        with self._changing() as connection:
            fresh = [self._line(self.rows + number, bad=number >= count - bad) for number in range(count)]
            connection.execute(insert(rx_line), fresh)
            self.rows += count
            self._remember(fresh)

    def edit(self, count: int) -> None:
        """Change lines in place: another quantity, so also lines that were bad get well."""
        with self._changing() as connection:
            for number in self.random.sample(range(self.rows), min(count, self.rows)):
                quantity = f"{self.random.randint(1, 9000) / 100:.2f}"
                self._change(connection, number, quantity=self._number(quantity), doctor=self.random.choice(_DOCTORS))

    def spoil(self, count: int) -> None:
        """Take the quantity out of some lines: they cannot be reported any more as they are."""
        with self._changing() as connection:
            for number in self.random.sample(range(self.rows), min(count, self.rows)):
                self._change(connection, number, quantity=None)

    def contents(self) -> dict[str, Content]:
        """What is owed now, read from the database itself."""
        with self.engine.connect() as connection:
            rows = [dict(row) for row in connection.execute(select(rx_line)).mappings()]
        return {key(row): content for row in rows if (content := meant(row)) is not None}

    @contextmanager
    def _changing(self) -> Iterator[Connection]:
        with self._lock, self.engine.begin() as connection:
            yield connection

    def _line(self, number: int, *, bad: bool) -> dict[str, Any]:
        code, name = self.random.choice(_ITEMS)
        moment = self._moment()
        return {
            "id": number,
            "rx_no": f"RX{number // 3:06d}",
            "seq": number % 3 + 1,
            "card_no": f"P{number % 500:05d}",
            "item_code": code,
            "item_name": name,
            "quantity": None if bad else self._number(str(self.random.randint(1, 60))),
            "prescribed_at": moment,
            "doctor": self.random.choice((None, *_DOCTORS)),
            "entered_at": moment,
            "updated_at": moment,
        }

    def _change(self, connection: Connection, number: int, **values: Any) -> None:
        connection.execute(update(rx_line).where(rx_line.c.id == number).values(**values, updated_at=self._moment()))
        self._remember([dict(connection.execute(select(rx_line).where(rx_line.c.id == number)).mappings().one())])

    def _remember(self, rows: Sequence[Mapping[str, Any]]) -> None:
        for row in rows:
            content = meant(row)
            if content is not None:
                self.history[key(row)].append(content)

    def _moment(self) -> Any:
        self._tick += 1
        moment = START + timedelta(seconds=self._tick)
        return f"{moment:%Y-%m-%d %H:%M:%S}" if self.engine.dialect.name == "sqlite" else moment

    def _number(self, text: str) -> Any:
        return text if self.engine.dialect.name == "sqlite" else Decimal(text)


def _patient(connection: Any, record: Any) -> None:
    connection.execute("PRAGMA journal_mode=WAL").close()
    connection.execute("PRAGMA busy_timeout=30000").close()


@dataclass
class Writer:
    """People at work: from `with` to its end the source is written to, `rows` lines in small transactions with edits between."""

    source: Source
    rows: int
    pause: float = 0.01  #: seconds between two transactions

    def __enter__(self) -> Self:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="writer", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is not None:
            self._stop.set()
        self._thread.join()

    @property
    def busy(self) -> bool:
        """Whether lines are still to come."""
        return self._thread.is_alive()

    def _work(self) -> None:
        until, random = self.source.rows + self.rows, Random(self.source.seed)
        while self.source.rows < until and not self._stop.wait(self.pause):
            count = min(random.randint(1, 12), until - self.source.rows)
            self.source.insert(count, bad=int(random.random() < 0.1))
            self.source.edit(random.randint(0, 3))
            if random.random() < 0.05:
                self.source.spoil(1)
