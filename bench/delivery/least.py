"""The least that keeps what we promise, written by hand for this one table: how fast a CPython process can be at all.

Every row is judged (`bench.handwritten`), has its key and digest, and lies sealed in a queue and in a ledger before it leaves
(SQLite, `FULL`); messages are signed, each record's own answer is read and written down. That is all: nothing is compared with what
was sent before, no turns, leases, breakers, reasons, versions or second sights; one institution, one table. It sends from memory.
`python -m bench.delivery.least <database> <url> <size> <driver>` in a folder of its own.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from adapters.databases import mysqlvalues
from bench import handwritten
from bench.delivery.account import INSTITUTION, TOKEN
from bench.delivery.peers.surroundings import COLUMNS, HOST, USER
from jobs import garbage
from schemas import overlay
from schemas.envelope import Sender, Status, message_id, results, wrap
from schemas.signature import Credential, headers
from schemas.wire import SHANGHAI, encode_datetime

_EDITION = overlay.load(Path(__file__).parent / "site" / "bench.yaml")
_TABLES = """
CREATE TABLE queue (id INTEGER PRIMARY KEY, record_key TEXT NOT NULL, body BLOB NOT NULL, state TEXT NOT NULL, accepted_at TEXT);
CREATE TABLE ledger (record_key TEXT PRIMARY KEY, digest TEXT NOT NULL, ref INTEGER NOT NULL, seen_at TEXT NOT NULL);
CREATE TABLE position (time TEXT, id INTEGER);
"""
_PAGE = 500
_QUEUED = "INSERT INTO queue (record_key, body, state) VALUES (?, ?, 'queued')"
_ENTERED = "INSERT INTO ledger VALUES (?, ?, ?, ?)"
_SENDING = "UPDATE queue SET state = 'sending' WHERE id BETWEEN ? AND ?"
_SENT = "UPDATE queue SET state = 'accepted', accepted_at = ? WHERE id BETWEEN ? AND ?"

Sealed = tuple[str, bytes, bytes, str, int]  #: key, body, sealed, digest, row


class Store:
    """What is kept before it leaves."""

    def __init__(self) -> None:
        self.database = sqlite3.connect("least.db", isolation_level=None)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "wal_autocheckpoint=4000"):
            self.database.execute(f"PRAGMA {pragma}")
        self.database.executescript(_TABLES)
        self.last = 0
        self.ended: list[tuple[str, int, int]] = []  #: accepted, and not written yet

    def keep(self, page: Sequence[Sealed], position: tuple[Any, int], now: str) -> int:
        """A page in one commit, with what was accepted meanwhile; returns the number of its first row."""
        with self._commit() as database:
            database.executemany(_QUEUED, [(key, body) for key, _, body, _, _ in page])
            database.executemany(_ENTERED, [(key, digest, ref, now) for key, _, _, digest, ref in page])
            database.execute("DELETE FROM position")
            database.execute("INSERT INTO position VALUES (?, ?)", (str(position[0]), position[1]))
        self.last += len(page)
        return self.last - len(page) + 1

    def leave(self, first: int, count: int) -> None:
        """Say that a batch is on its way, and what became of the one before."""
        with self._commit() as database:
            database.execute(_SENDING, (first, first + count - 1))

    def end(self) -> None:
        """Say what became of the last batch."""
        with self._commit():
            pass

    @contextmanager
    def _commit(self) -> Iterator[sqlite3.Connection]:
        self.database.execute("BEGIN IMMEDIATE")
        self.database.executemany(_SENT, self.ended)
        yield self.database
        self.database.execute("COMMIT")
        self.ended = []


def main(database: str, url: str, size: int, driver: str) -> None:
    """Read, keep, send."""
    store, platform, cipher = Store(), Platform(url), AESGCM(new_key())
    garbage.spare()
    for rows in pages(database, driver):
        now = datetime.now(SHANGHAI)
        page = [sealed(row, encode_datetime(now), cipher) for row in rows]
        first = store.keep(page, (rows[-1]["changed_at"], rows[-1]["id"]), now.astimezone(UTC).isoformat())
        for start in range(0, len(page), size):
            batch = page[start : start + size]
            store.leave(first + start, len(batch))
            accepted_at = platform.send([key for key, *_ in batch], [body for _, body, *_ in batch])
            store.ended.append((accepted_at, first + start, first + start + len(batch) - 1))
    store.end()


def new_key() -> bytes:
    """Written through to the disk before anything is sealed with it, or what lies in the queue could never be opened."""
    key = AESGCM.generate_key(256)
    with os.fdopen(os.open("least.key", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    return key


def pages(database: str, driver: str) -> Iterator[list[dict[str, Any]]]:
    """Rows in the order of their change."""
    by_pymysql: dict[str, Any] = {"conv": mysqlvalues.converters()} if driver == "pymysql" else {}
    connect: Any = import_module(driver).connect
    connection = connect(host=HOST, user=USER, database=database, charset="utf8mb4", **by_pymysql)
    cursor, after = connection.cursor(), ("1900-01-01", 0)
    names = COLUMNS.replace("\n", " ").split(", ")
    query = f"SELECT {COLUMNS} FROM dialysis_session WHERE changed_at >= %s AND (changed_at > %s OR id > %s)"  # noqa: S608
    while True:
        cursor.execute(f"{query} ORDER BY changed_at, id LIMIT {_PAGE}", (after[0], *after))
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        if not rows:
            return
        yield rows
        after = rows[-1]["changed_at"], rows[-1]["id"]


def sealed(row: dict[str, Any], now: str, cipher: AESGCM) -> Sealed:
    """A row as it is kept and as it travels."""
    content = handwritten.content(row)
    if content is None:
        raise SystemExit("a row of the benchmark is not right")
    key = content["sess_id"]
    record = {**content, "fixmedins_code": INSTITUTION, "key": key, "vali_flag": "1", "edition": _EDITION.id}
    digest = "sha256:" + hashlib.sha256(orjson.dumps(["BENCH", record], option=orjson.OPT_SORT_KEYS)).hexdigest()
    record.update({"version": "1", "seen_at": now, "rid": "least", "content_hash": digest, "occurred_at": content["begn_time"]})
    body, nonce = orjson.dumps(record), os.urandom(12)
    return key, body, nonce + cipher.encrypt(nonce, body, key.encode()), digest, row["id"]


class Platform:
    """The receiver, by one connection."""

    def __init__(self, url: str) -> None:
        self.place = urlsplit(url)
        self.connection = http.client.HTTPConnection(self.place.hostname or "", self.place.port, timeout=30)
        self.sender = Sender(INSTITUTION, "测试医院", "990001", "99")
        self.credential = Credential("BENCH", TOKEN)
        self.count = 0

    def send(self, keys: Sequence[str], bodies: Sequence[bytes]) -> str:
        """One signed message; when its records were accepted. All must be, each by its own answer, and at the same moment."""
        self.count += 1
        now = datetime.now(SHANGHAI)
        dataset = _EDITION.datasets["BENCH"]
        body = wrap(_EDITION, dataset, self.sender, message_id(INSTITUTION, now, self.count), bodies, now)
        self.connection.request("POST", self.place.path, body, headers(self.credential, body, int(time.time()), str(self.count)))
        found = results(self.connection.getresponse().read())
        answers = {(each.key, each.version): each for each in found}
        accepted = [answers.get((key, 1)) for key in keys]
        if any(each is None or each.status is not Status.ACCEPTED or each.accepted_at != found[0].accepted_at for each in accepted):
            raise SystemExit("the receiver did not take all")
        return found[0].accepted_at


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
