"""A site whose database is written to while it is read: prescription lines, and everything that was ever said of each.

The profile is the test's own, so the oracle can say by itself what each row means on the wire.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Any, Self, TypeVar

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
    delete,
    event,
    func,
    insert,
    select,
    update,
)

from schemas.wire import SHANGHAI
from support.oracle import GONE, Content

T = TypeVar("T")
DATASET = "RX01"
#: the site's clock, naive, starts the day before yesterday, within the look-back, and ticks a second per change
START = datetime.combine(datetime.now(SHANGHAI).date() - timedelta(days=2), time(8))
#: one row of ten is about a day so long ago that only the cold tier reads it again
_OLD = timedelta(days=20)
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
    window: RX01.window.sql
    lookup: RX01.lookup.sql
    mark: RX01.mark.sql
    mapping: RX01.yaml
    takes: [after_time, after_key, limit]
    reading: incremental
    key: integer
"""
_COLUMNS = """
SELECT id AS row_ref, updated_at AS cursor_time, id AS cursor_key, entered_at,
    rx_no, seq, card_no, item_code, item_name, quantity, prescribed_at, doctor, is_void
FROM rx_line
"""
QUERY = f"""{_COLUMNS}
WHERE updated_at >= :after_time AND (updated_at > :after_time OR id > :after_key)
ORDER BY updated_at, id
LIMIT :limit
"""
WINDOW = f"{_COLUMNS} WHERE prescribed_at >= :from AND prescribed_at < :to AND id > :after_key ORDER BY id LIMIT :limit"
LOOKUP = f"{_COLUMNS} WHERE id IN :keys"
MARK = "SELECT MAX(id) AS newest_key, COUNT(*) AS row_count FROM rx_line"
MAPPING = """
dataset: RX01
void:
  - {column: is_void, in: ["1"], reason: 处方已作废}
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

#: the files of the profile's folder
_FILES = {
    "manifest.yaml": MANIFEST,
    "RX01.sql": QUERY,
    "RX01.window.sql": WINDOW,
    "RX01.lookup.sql": LOOKUP,
    "RX01.mark.sql": MARK,
    "RX01.yaml": MAPPING,
}

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
    Column("is_void", Integer, nullable=False),
    Column("entered_at", _Moment, nullable=False),
    Column("updated_at", _Moment, nullable=False, index=True),
)


def profile(folder: Path) -> Path:
    """Write the site's profile folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in _FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def meant(row: Mapping[str, Any]) -> Content | None:
    """What a row must read at the receiver, field by field; None if it is void or, without a quantity, cannot be reported."""
    if row["is_void"] or row["quantity"] is None:
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
    rows: int = 0  #: ever inserted
    history: dict[str, list[Content]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self._tick = 0
        self._living: list[int] = []  #: ids of the rows in the table, void ones as well
        self.voided: list[int] = []  #: ids of the void ones
        self._deleted: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self.engine: Engine = create_engine(self.url, poolclass=NullPool)
        if self.engine.dialect.name == "sqlite":
            event.listen(self.engine, "connect", _patient)
        _tables.create_all(self.engine)

    def insert(self, count: int, *, bad: int = 0, late: int = 0) -> None:
        """New lines in one transaction, the last `bad` of them without a quantity.

        `late`: they become visible only now, with change times so many seconds older than what could be read before.
        """
        with self._changing() as connection:
            fresh = [self._line(self.rows + number, bad=number >= count - bad) for number in range(count)]
            if late:
                fresh = [{**row, "updated_at": self._moment(-late - count)} for row in fresh]
            self._insert(connection, fresh)

    def wait(self, **delta: float) -> None:
        """Nothing happens at the site for so long."""
        self._tick += int(timedelta(**delta).total_seconds())

    def insert_at_newest(self, count: int) -> None:
        """New lines with exactly the newest change time and smaller ids: what a cursor alone would never see."""
        with self._changing() as connection:
            newest = connection.execute(select(func.max(rx_line.c.updated_at))).scalar_one()
            fresh = [self._line(self.rows + number, bad=False) for number in range(count)]
            self._insert(connection, [{**row, "id": -1 - row["id"], "updated_at": newest} for row in fresh])

    def edit(self, count: int, *, silently: bool = False, where: Callable[[int], bool] = lambda number: True) -> None:
        """Change lines in place: another quantity, so also lines that were bad get well. `silently`: no timestamp moves."""
        with self._changing() as connection:
            for number in self._some([number for number in self._living if where(number)], count):
                quantity = self._number(f"{self.random.randint(1, 9000) / 100:.2f}")
                self._change(connection, number, silently, quantity=quantity, doctor=self.random.choice(_DOCTORS))

    def spoil(self, count: int) -> None:
        """Take the quantity out of some lines: they cannot be reported any more as they are."""
        with self._changing() as connection:
            for number in self._some(self._living, count):
                self._change(connection, number, quantity=None)

    def delete(self, count: int, *, where: Callable[[int], bool] = lambda number: True) -> None:
        """Lines vanish without a trace. Not the newest one: a number that goes back is a restored backup."""
        newest = max(self._living, default=0)
        with self._changing() as connection:
            for number in self._some([number for number in self._living if number != newest and where(number)], count):
                row = self._row(connection, number)
                connection.execute(delete(rx_line).where(rx_line.c.id == number))
                self._living.remove(number)
                self.voided = [each for each in self.voided if each != number]
                self._deleted.append(row)
                self._end(key(row))

    def rewrite(self, count: int, *, where: Callable[[int], bool] = lambda number: True) -> None:
        """Lines are saved as some programs save: the old row is deleted, a new one with the same key is put in its place."""
        with self._changing() as connection:
            for number in self._some([number for number in self._living if where(number) and number not in self.voided], count):
                row = self._row(connection, number)
                connection.execute(delete(rx_line).where(rx_line.c.id == number))
                self._living.remove(number)
                quantity = self._number(f"{self.random.randint(1, 9000) / 100:.2f}")
                self._put_back(connection, {**row, "id": self.rows, "quantity": quantity, "updated_at": self._moment()})
                self.rows += 1

    def void(self, count: int, *, silently: bool = False, where: Callable[[int], bool] = lambda number: True) -> None:
        """Lines are declared void: they stay, with a flag."""
        with self._changing() as connection:
            valid = [number for number in self._living if where(number) and number not in self.voided]
            for number in self._some(valid, count):
                self.voided.append(number)
                self._change(connection, number, silently, is_void=1)
                self._end(key(self._row(connection, number)))

    def restore(self, count: int) -> None:
        """Somebody thinks better of it: void lines live again, deleted ones are put back as they were when they were good."""
        with self._changing() as connection:
            for number in self._some(self.voided, count):
                self.voided.remove(number)
                self._change(connection, number, is_void=0, quantity=self._number("7"))
            for row in self._some(self._deleted, count):
                self._deleted.remove(row)
                well = {"is_void": 0, "quantity": row["quantity"] if meant(row) else self._number("7")}
                self._put_back(connection, {**row, **well, "updated_at": self._moment()})

    def contents(self) -> dict[str, Content]:
        """What is owed now, read from the database itself."""
        return {key(row): content for row in self._rows() if (content := meant(row)) is not None}

    def refs(self) -> set[str]:
        """The rows there are now."""
        return {str(row["id"]) for row in self._rows()}

    def _rows(self) -> list[dict[str, Any]]:
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(select(rx_line)).mappings()]

    @contextmanager
    def _changing(self) -> Iterator[Connection]:
        with self._lock, self.engine.begin() as connection:
            yield connection

    def _some(self, among: Sequence[T], count: int) -> list[T]:
        return self.random.sample(among, min(count, len(among)))

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
            "prescribed_at": self._written(self._now - _OLD) if old(number) else moment,
            "doctor": self.random.choice((None, *_DOCTORS)),
            "is_void": 0,
            "entered_at": moment,
            "updated_at": moment,
        }

    def _insert(self, connection: Connection, fresh: Sequence[Mapping[str, Any]]) -> None:
        connection.execute(insert(rx_line), fresh)
        self.rows += len(fresh)
        self._living += [row["id"] for row in fresh]
        for row in fresh:
            self._remember(row)

    def _put_back(self, connection: Connection, row: Mapping[str, Any]) -> None:
        connection.execute(insert(rx_line), row)
        self._living.append(row["id"])
        self._remember(row)

    def _change(self, connection: Connection, number: int, silently: bool = False, **values: Any) -> None:
        moment = {} if silently else {"updated_at": self._moment()}
        connection.execute(update(rx_line).where(rx_line.c.id == number).values(**values, **moment))
        self._remember(self._row(connection, number))

    def _row(self, connection: Connection, number: int) -> dict[str, Any]:
        return dict(connection.execute(select(rx_line).where(rx_line.c.id == number)).mappings().one())

    def _remember(self, row: Mapping[str, Any]) -> None:
        content = meant(row)
        if content is not None:
            self.history[key(row)].append(content)

    def _end(self, name: str) -> None:
        if self.history[name][-1:] != [GONE]:
            self.history[name].append(GONE)

    @property
    def _now(self) -> datetime:
        return START + timedelta(seconds=self._tick)

    def _moment(self, seconds: int = 0) -> Any:
        """The next second of the site's clock, or one so far from it."""
        self._tick += 1
        return self._written(self._now + timedelta(seconds=seconds))

    def _written(self, moment: datetime) -> Any:
        return f"{moment:%Y-%m-%d %H:%M:%S}" if self.engine.dialect.name == "sqlite" else moment

    def _number(self, text: str) -> Any:
        return text if self.engine.dialect.name == "sqlite" else Decimal(text)


def old(number: int) -> bool:
    """Whether the row is about a day that only the cold tier reads again."""
    return number % 10 == 9


def _patient(connection: Any, record: Any) -> None:
    connection.execute("PRAGMA journal_mode=WAL").close()
    connection.execute("PRAGMA busy_timeout=30000").close()


@dataclass
class Writer:
    """People at work: from `with` to its end the source is written to, `rows` lines in small transactions with edits between."""

    source: Source
    rows: int
    pause: float = 0.01  #: seconds between two transactions
    unruly: bool = False  #: late commits, silent edits, deletions and voids as well: the gateway must sweep to find them

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
            if self.unruly:
                misbehave(self.source, random)


def misbehave(source: Source, random: Random) -> None:
    """One of the things that a cursor alone does not see, or sees and must take back."""
    deed: Callable[[], None] = random.choice(
        [
            lambda: source.insert(2, late=3600),
            lambda: source.insert(1, late=60),
            lambda: source.insert_at_newest(1),
            lambda: source.edit(2, silently=True),
            lambda: source.delete(1),
            lambda: source.rewrite(1),
            lambda: source.void(1),
            lambda: source.void(1, silently=True),
            lambda: source.restore(1),
        ]
    )
    deed()
