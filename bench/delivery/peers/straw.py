"""The straw man: what a programmer writes in an afternoon who knows what the duty is.

PyMySQL, a dict comprehension, marshmallow, one SQLite commit with `synchronous=FULL` for each batch, requests. A batch is stored
before it is sent, and marked as sent with the next batch's commit. Bad rows are stored with their reason and passed over. His
straw.db stands in the folder he is started in.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import Any

import pymysql
import pymysql.cursors
import requests

from bench.delivery.peers.surroundings import COLUMNS, DATABASE, HOST, PORT, SIZE, TYPE, URL, USER
from bench.delivery.peers.validation import mapped, schema

_TABLES = """
CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY, batch INTEGER, record_key TEXT, body TEXT, state TEXT, reason TEXT);
CREATE INDEX IF NOT EXISTS outbox_by_state ON outbox (state, batch);
CREATE TABLE IF NOT EXISTS position (time TEXT, id INTEGER);
"""
_LEFT = "SELECT DISTINCT batch FROM outbox WHERE state = 'queued' ORDER BY batch"
_BODIES = "SELECT body FROM outbox WHERE batch = ? AND state = 'queued'"
_SENT = "UPDATE outbox SET state = 'sent' WHERE batch = ? AND state = 'queued'"
_KEEP = "INSERT INTO outbox (batch, record_key, body, state, reason) VALUES (?, ?, ?, ?, ?)"


def main() -> None:
    """Send what an earlier run left, then what is new."""
    store = sqlite3.connect("straw.db", isolation_level=None)
    store.execute("PRAGMA journal_mode=WAL")
    store.execute("PRAGMA synchronous=FULL")
    store.executescript(_TABLES)
    session = requests.Session()
    for (batch,) in store.execute(_LEFT).fetchall():
        post(session, [body for (body,) in store.execute(_BODIES, (batch,))])
        store.execute(_SENT, (batch,))
    number = store.execute("SELECT COALESCE(MAX(batch), 0) FROM outbox").fetchone()[0]
    for rows in pages(store.execute("SELECT time, id FROM position").fetchone()):
        number += 1
        bodies = keep(store, number, rows)
        if bodies:
            post(session, bodies)
    store.execute(_SENT, (number,))


def pages(after: Any) -> Iterator[list[dict[str, Any]]]:
    """Rows after the position, as many as go into one request."""
    connection = pymysql.connect(
        host=HOST, port=PORT, user=USER, database=DATABASE, charset="utf8mb4", cursorclass=pymysql.cursors.SSDictCursor
    )
    cursor = connection.cursor()
    where = "WHERE changed_at > %s OR (changed_at = %s AND id > %s)" if after else ""
    values = (after[0], after[0], after[1]) if after else ()
    cursor.execute(f"SELECT {COLUMNS} FROM dialysis_session {where} ORDER BY changed_at, id", values)  # noqa: S608
    while rows := cursor.fetchmany(SIZE):
        yield list(rows)


def keep(store: sqlite3.Connection, number: int, rows: list[dict[str, Any]]) -> list[str]:
    """Validate and store one batch with the position, mark the one before as sent: one commit. Returns what is to be sent."""
    entries, bodies = [], []
    for row in rows:
        content = mapped(row)
        errors = schema.validate(content)
        body = json.dumps(content, ensure_ascii=False)
        state, reason = ("bad", json.dumps(errors, ensure_ascii=False)) if errors else ("queued", None)
        if not errors:
            bodies.append(body)
        entries.append((number, content.get("sess_id"), body, state, reason))
    store.execute("BEGIN IMMEDIATE")
    store.executemany(_KEEP, entries)
    store.execute(_SENT, (number - 1,))
    store.execute("DELETE FROM position")
    store.execute("INSERT INTO position VALUES (?, ?)", (str(rows[-1]["changed_at"]), rows[-1]["id"]))
    store.execute("COMMIT")
    return bodies


def post(session: requests.Session, bodies: list[str]) -> None:
    """One request; whatever goes wrong ends the run, and the next one sends the batch again."""
    answer = session.post(URL, data=f"[{','.join(bodies)}]".encode(), headers={"content-type": TYPE}, timeout=30)
    answer.raise_for_status()


if __name__ == "__main__":
    main()
