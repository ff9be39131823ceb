"""The hospital's table: 20 fields of a dialysis session in MariaDB, filled with made-up rows, changed as the fault runs ask."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pymysql
from pymysql.connections import Connection

from bench import sessions

HOST, PORT, USER = "127.0.0.1", 3306, "root"
PREFIX = "liangding_bench"
#: change time of row 0; each further row is one second younger
BEGAN = datetime(2026, 6, 1)  # noqa: DTZ001  the site's clock is naive
_DAILY = 3000
_PAGE = 5000
_TABLE = """
CREATE TABLE dialysis_session (
    id BIGINT NOT NULL PRIMARY KEY, session_no VARCHAR(64) NOT NULL, plan_no VARCHAR(64), order_no VARCHAR(64),
    card_no VARCHAR(64) NOT NULL, insured_no VARCHAR(30), session_date DATE NOT NULL, shift CHAR(10) NOT NULL,
    mode CHAR(6) NOT NULL, machine VARCHAR(40), on_clock TIME NOT NULL, off_clock TIME NOT NULL, minutes INT NOT NULL,
    yb_no VARCHAR(50) NOT NULL, weight_before DECIMAL(6,2), weight_after DECIMAL(6,2), uf_ml DECIMAL(8,1),
    dialyzer VARCHAR(100), nurse VARCHAR(50) NOT NULL, ended_early CHAR(1) NOT NULL, end_note VARCHAR(200),
    changed_at DATETIME(3) NOT NULL, KEY by_change (changed_at, id), KEY by_day (session_date)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4
"""
_NOT_COLUMNS = ("row_ref", "cursor_key")


@dataclass(frozen=True, slots=True)
class Hospital:
    """A database of the benchmark's own with one table."""

    name: str

    @property
    def url(self) -> str:
        """As SQLAlchemy writes it."""
        return f"mysql+pymysql://{USER}@{HOST}:{PORT}/{self.name}?charset=utf8mb4"

    def connect(self) -> Connection[Any]:
        """A connection that commits by itself."""
        return connect(self.name)

    def change(self, statement: str, *values: Any) -> None:
        """Run one statement."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(statement, values)

    def insert(self, row: Mapping[str, Any]) -> None:
        """Add one row."""
        self.insert_all([row])

    def insert_all(self, rows: list[Mapping[str, Any]]) -> None:
        """Add rows in one statement, committed once."""
        names = list(rows[0])
        places = ", ".join(["%s"] * len(names))
        statement = f"INSERT INTO dialysis_session ({', '.join(names)}) VALUES ({places})"  # noqa: S608  our own names
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.executemany(statement, [tuple(row.values()) for row in rows])

    def minutes(self) -> dict[str, str]:
        """What must be held at the end: session number -> its minutes, the field that the fault runs edit."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT session_no, minutes FROM dialysis_session")
            return {number: str(minutes) for number, minutes in cursor.fetchall()}


def connect(name: str | None = None) -> Connection[Any]:
    """The server on this machine, as its root."""
    return pymysql.connect(host=HOST, port=PORT, user=USER, database=name, charset="utf8mb4", autocommit=True)


@contextmanager
def hospital(rows: int, last_day: date) -> Iterator[Hospital]:
    """A hospital with so many rows, the last of them of `last_day`; dropped at the end. pymysql.Error if no server runs."""
    name = f"{PREFIX}_{uuid.uuid4().hex[:12]}"
    administer(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
    try:
        found = Hospital(name)
        found.change(_TABLE)
        for page in made(rows, last_day):
            found.insert_all(page)
        found.change("ANALYZE TABLE dialysis_session")
        yield found
    finally:
        administer(f"DROP DATABASE IF EXISTS {name}")


def administer(statement: str) -> None:
    """Run a statement of the server's, not of one database."""
    with connect() as connection, connection.cursor() as cursor:
        cursor.execute(statement)


def made(rows: int, last_day: date) -> Iterator[list[Mapping[str, Any]]]:
    """The rows, a page at a time: 3,000 a day."""
    first_day = last_day - timedelta(days=(rows - 1) // _DAILY)
    for page in sessions.pages(rows, _PAGE, 0.0):
        yield [_stored(row, first_day) for row in page]


def another(number: int, last_day: date, changed_at: datetime, identity: int) -> dict[str, Any]:
    """One more row, with the number, change time and id that a fault run wants."""
    (page,) = sessions.pages(1, 1, 0.0)
    row = _stored(page[0], last_day)
    return {**row, "id": identity, "session_no": f"S{number:012d}", "changed_at": changed_at}


def changed(number: int) -> datetime:
    """Change time of the row of that number."""
    return BEGAN + timedelta(seconds=number)


def _stored(row: Mapping[str, Any], first_day: date) -> dict[str, Any]:
    number = row["row_ref"]
    columns = {name: value for name, value in row.items() if name not in _NOT_COLUMNS}
    day = first_day + timedelta(days=number // _DAILY)
    return {"id": number, **columns, "session_date": day, "changed_at": changed(number)}
