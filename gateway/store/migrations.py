"""Bring a store to this program's version: forward only, step by step, each as its own SQL.

A step never uses `store.tables`: those move on, what the step finds does not. Where the database rolls back DDL (SQLite,
PostgreSQL) all steps are one transaction; MariaDB commits at every DDL, so each step may find its own work half done.
A table that is new in a version needs no step: it is made before them.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, insert, inspect, text, update

from gateway.errors import ConfigError, StoreError
from gateway.store import backup, sealing
from gateway.store.engine import place_of
from gateway.store.sealing import Keyring
from gateway.store.tables import SCHEMA_VERSION, installation, metadata

_BATCH = 500
#: any number will do, as long as every gateway uses the same
_LOCK = 5_310_042
_WAIT_SECONDS = 600


@dataclass(frozen=True, slots=True)
class Prepared:
    """A store ready for use."""

    keyring: Keyring
    kept: Path | None  #: the copy from before an upgrade that was just made

    @property
    def news(self) -> tuple[str, ...]:
        """What the operator must hear of, once."""
        made, kept = self.keyring.created, self.kept
        key = f"已生成本地库的密钥 {made}：丢了它，库里的数据再也打不开。请与备份分开、另行保存一份。"
        copied = f"本地库已升级到第 {SCHEMA_VERSION} 版，升级前的副本是 {kept}，确认无误后请删除（第 1 版的内容没有加密）。"
        return tuple(sentence for sentence, place in ((key, made), (copied, kept)) if place)


def prepare(connection: Connection, now: datetime, key: str | Path | None) -> Prepared:
    """Make or upgrade the tables and find the keys, in the caller's transaction and alone.

    StoreError for a newer store and for one sealed by a key we do not have; then nothing has changed.
    """
    with _alone(connection):
        found = _installation(connection)
        version = found.get("schema_version", 0)
        if version > SCHEMA_VERSION:
            raise StoreError(f"本地库是第 {version} 版，本程序只认到第 {SCHEMA_VERSION} 版，请使用更新的程序；本地库没有改动")
        keyring = _keyring(connection, key, found.get("key_id", ""))
        older = 0 < version < SCHEMA_VERSION
        kept = _keep_copy(connection, version) if older else None
        metadata.create_all(connection)
        if older:
            _upgrade(connection, version, keyring)
        if not found:
            connection.execute(insert(installation).values(_first(now, keyring)))
        elif found.get("key_id") != keyring.current:
            connection.execute(update(installation).values(key_id=keyring.current))
        return Prepared(keyring, kept)


def _keep_copy(connection: Connection, version: int) -> Path | None:
    """A server's store is copied by its own tools."""
    place = place_of(connection.engine)
    if place is None:
        return None
    kept = place.with_name(f"{place.name}.v{version}")
    backup.copy(place, kept)
    return kept


def _upgrade(connection: Connection, version: int, keyring: Keyring) -> None:
    for number in range(version + 1, SCHEMA_VERSION + 1):
        STEPS[number](connection, keyring)
    connection.execute(update(installation).values(schema_version=SCHEMA_VERSION))


def second(connection: Connection, keyring: Keyring) -> None:
    """To 2: withdrawals are known as such, a cursor knows by what it was read, and bodies are sealed."""
    _add_column(connection, "ledger", "live", "BOOLEAN DEFAULT TRUE NOT NULL")
    _add_column(connection, "parcel", "live", "BOOLEAN DEFAULT TRUE NOT NULL")
    _add_column(connection, "source_cursor", "digest", "VARCHAR(80) DEFAULT '' NOT NULL")
    _add_index(connection, "ledger", "ledger_by_anchor", "source, dataset, anchor_at")
    _add_index(connection, "outbox", "outbox_turn", "target, state, institution, due_at, id")
    _drop_index(connection, "outbox", "outbox_urgent")
    seal_bodies(connection, keyring)


def seal_bodies(connection: Connection, keyring: Keyring) -> None:
    """Bodies are sealed; the installation knows its key, and how far bodies are shredded."""
    _add_column(connection, "installation", "key_id", "VARCHAR(8) DEFAULT '' NOT NULL")
    _add_column(connection, "installation", "shredded_to", "VARCHAR(27)")
    _add_index(connection, "outbox", "outbox_finished", "finished_at, id")
    parcel, aside = ("institution", "dataset", "record_key", "version"), ("source", "dataset", "ref")
    _rewrite(connection, "parcel", parcel, "body", lambda plain, key: keyring.seal(plain, sealing.of_parcel(*key)))
    _rewrite(connection, "aside", aside, "content", lambda plain, key: keyring.seal(plain, sealing.of_aside(*key)))


def third(connection: Connection, keyring: Keyring) -> None:
    """To 3: keys are told apart to the byte and may be as long as is legal; every row ever seen is known by itself."""
    _add_column(connection, "aside", "rival", "VARCHAR(512) DEFAULT '' NOT NULL")
    _add_column(connection, "source_cursor", "targets", "VARCHAR(1000) DEFAULT '' NOT NULL")
    _widen(connection)
    connection.execute(text("DELETE FROM sighting"))  # MariaDB may have kept those of an upgrade that was cut off
    connection.execute(text(_SEEN_BEFORE))


def fourth(connection: Connection, keyring: Keyring) -> None:
    """To 4: all four clocks of a record are columns. What was taken in before keeps the two it had."""
    _add_column(connection, "parcel", "entered_at", "VARCHAR(27)")
    _add_column(connection, "outbox", "accepted_at", "VARCHAR(27)")


def fifth(connection: Connection, keyring: Keyring) -> None:
    """To 5: what a clerk finds a row by; since when rows have been wrong; what happened on a business day, by an index.

    When rows usually come is known from those that came. Three indexes of the outbox hold only the rows that are looked for
    by them; MariaDB knows no such index.
    """
    for table in ("ledger", "aside"):
        _add_column(connection, table, "document", "VARCHAR(128) DEFAULT '' NOT NULL")
        _add_column(connection, table, "department", "VARCHAR(128) DEFAULT '' NOT NULL")
    _add_column(connection, "aside", "anchor_at", "VARCHAR(27)")
    _add_index(connection, "parcel", "parcel_by_day", "dataset, occurred_at, institution")
    connection.execute(text("DELETE FROM flaw"))  # MariaDB may have kept those of an upgrade that was cut off
    connection.execute(text(_QUARANTINED_BEFORE))
    connection.execute(text(_REJECTED_BEFORE))
    connection.execute(text("DELETE FROM rhythm"))  # MariaDB may have kept those, too
    connection.execute(text(_CAME_BEFORE))
    if connection.dialect.name in ("sqlite", "postgresql"):
        for index, (columns, rows) in _NARROWED.items():
            _drop_index(connection, "outbox", index)
            _add_index(connection, "outbox", index, columns, f" WHERE {rows}")


#: version -> what makes it out of the one before
STEPS: dict[int, Callable[[Connection, Keyring], None]] = {2: second, 3: third, 4: fourth, 5: fifth}

#: index of the outbox -> its columns, and which rows it holds
_NARROWED = {
    "outbox_batch": ("target, state, institution, dataset, due_at, id", "state = 'queued'"),
    "outbox_lease": ("lease_token", "lease_token IS NOT NULL"),
    "outbox_finished": ("finished_at, id", "finished_at IS NOT NULL"),
}

#: table -> its columns that hold keys, and those that hold sentences without a known end
_KEYS: dict[str, tuple[str, ...]] = {
    "ledger": ("record_key", "ref"),
    "aside": ("ref",),
    "absence": ("record_key",),
    "parcel": ("record_key",),
    "outbox": ("record_key",),
    "awaited": ("record_key",),
}
_SAID: dict[str, tuple[str, ...]] = {"aside": ("reasons",), "outbox": ("cause", "reasons"), "breaker": ("cause",)}
_PLAIN = ("installation", "source_cursor", "brake", "source_mark", "lag", "sweep", "rotation")
_CAME_BEFORE = """
INSERT INTO rhythm (source, dataset, hour, row_count)
SELECT source, dataset, SUBSTR(first_seen, 1, 13), COUNT(*) FROM sighting GROUP BY source, dataset, SUBSTR(first_seen, 1, 13)
"""
_SEEN_BEFORE = """
INSERT INTO sighting (source, dataset, ref, first_seen, replaced)
SELECT source, dataset, ref, MIN(seen), FALSE
FROM (
    SELECT source, dataset, ref, seen_at AS seen FROM ledger UNION ALL SELECT source, dataset, ref, first_seen FROM aside
) AS known
GROUP BY source, dataset, ref
"""
_QUARANTINED_BEFORE = """
INSERT INTO flaw (source, dataset, ref, target, since, at_first)
SELECT source, dataset, ref, '', first_seen, NOT EXISTS (
    SELECT 1 FROM ledger WHERE ledger.source = aside.source AND ledger.dataset = aside.dataset AND ledger.ref = aside.ref
)
FROM aside
WHERE state = 'quarantined'
"""
_REJECTED_BEFORE = """
INSERT INTO flaw (source, dataset, ref, target, since, at_first)
SELECT ledger.source, ledger.dataset, ledger.ref, outbox.target, MIN(outbox.finished_at), MIN(outbox.version) = 1
FROM outbox
JOIN ledger ON ledger.institution = outbox.institution AND ledger.dataset = outbox.dataset
    AND ledger.record_key = outbox.record_key
WHERE outbox.state = 'rejected' AND outbox.finished_at IS NOT NULL
GROUP BY ledger.source, ledger.dataset, ledger.ref, outbox.target
"""


def _widen(connection: Connection) -> None:
    """SQLite compares by byte and knows no length; PostgreSQL compares by byte."""
    kind = connection.dialect.name
    if kind == "postgresql":
        for table, columns in _KEYS.items():
            changes = ", ".join(f"ALTER COLUMN {column} TYPE VARCHAR(400)" for column in columns)
            connection.execute(text(f"ALTER TABLE {table} {changes}"))
    if kind in ("mysql", "mariadb"):
        by_byte = "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
        for table in dict.fromkeys((*_KEYS, *_SAID, *_PLAIN)):
            keys = (f"MODIFY {column} VARCHAR(400) {by_byte} NOT NULL" for column in _KEYS.get(table, ()))
            said = (f"MODIFY {column} LONGTEXT {by_byte} NOT NULL" for column in _SAID.get(table, ()))
            connection.execute(text(f"ALTER TABLE {table} {', '.join((f'CONVERT TO {by_byte}', *keys, *said))}"))


def _rewrite(
    connection: Connection, table: str, key: Sequence[str], column: str, seal: Callable[[bytes, tuple[Any, ...]], bytes]
) -> None:
    """Seal one column in key order, in bounded memory; what is sealed already stays."""
    names = ", ".join(key)
    after = f"WHERE ({names}) > ({', '.join(f':{name}' for name in key)})"  # row values: all three databases know them
    change = text(f"UPDATE {table} SET {column} = :sealed WHERE {' AND '.join(f'{name} = :{name}' for name in key)}")  # noqa: S608
    last: dict[str, Any] = {}
    while True:
        page = f"SELECT {names}, {column} FROM {table} {after if last else ''} ORDER BY {names} LIMIT {_BATCH}"  # noqa: S608
        rows = connection.execute(text(page), last).all()
        plain = [(tuple(row[:-1]), bytes(row[-1])) for row in rows]
        sealed = [{**dict(zip(key, place, strict=True)), "sealed": seal(body, place)} for place, body in plain if _open(body)]
        if sealed:
            connection.execute(change, sealed)
        if len(rows) < _BATCH:
            return
        last = dict(zip(key, plain[-1][0], strict=True))


def _open(body: bytes) -> bool:
    return bool(body) and not sealing.is_sealed(body)


def _add_column(connection: Connection, table: str, column: str, declared: str) -> None:
    if column not in {each["name"] for each in inspect(connection).get_columns(table)}:
        connection.execute(text(f"ALTER TABLE {table} ADD COLUMN {column} {declared}"))


def _add_index(connection: Connection, table: str, index: str, columns: str, only: str = "") -> None:
    if index not in {each["name"] for each in inspect(connection).get_indexes(table)}:
        connection.execute(text(f"CREATE INDEX {index} ON {table} ({columns}){only}"))


def _drop_index(connection: Connection, table: str, index: str) -> None:
    if index in {each["name"] for each in inspect(connection).get_indexes(table)}:
        of_table = f" ON {table}" if connection.dialect.name in ("mysql", "mariadb") else ""
        connection.execute(text(f"DROP INDEX {index}{of_table}"))


def _installation(connection: Connection) -> dict[str, Any]:
    """The one row, whatever columns its version has; empty for a new store."""
    if not inspect(connection).has_table(installation.name):
        return {}
    row = connection.execute(text("SELECT * FROM installation")).mappings().first()
    return dict(row) if row else {}


def _first(now: datetime, keyring: Keyring) -> dict[str, Any]:
    rid = str(uuid.uuid4())
    return {"schema_version": SCHEMA_VERSION, "rid": rid, "sequence": 0, "created_at": now, "key_id": keyring.current}


def _keyring(connection: Connection, key: str | Path | None, sealed_by: str) -> Keyring:
    """A key file is made only for a store that nothing is sealed in yet."""
    keyring = configured(connection.engine, key, create=not sealed_by)
    if sealed_by and not keyring.knows(sealed_by):
        raise sealing.missing(sealed_by)
    return keyring


def configured(engine: Engine, key: str | Path | None, *, create: bool = False) -> Keyring:
    """The keys themselves, those of a file, or those beside the SQLite store. ConfigError or StoreError if there are none."""
    place = place_of(engine)
    if isinstance(key, str):
        return sealing.parse(key)
    if key or place:
        return sealing.at(key or beside(Path(str(place))), create=create)
    if engine.url.get_backend_name() == "sqlite":
        return sealing.in_memory()
    raise ConfigError("本地库在数据库服务器上时，须写明密钥在哪里：{file: …} 或 {env: …}", key="store.key")


def beside(place: Path) -> Path:
    """The key file of a SQLite store for which none is configured."""
    return place.with_name(f"{place.name}.key")


@contextmanager
def _alone(connection: Connection) -> Iterator[None]:
    """Only one process makes or upgrades tables; SQLite's write lock sees to it there."""
    kind = connection.dialect.name
    if kind == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    if kind not in ("mysql", "mariadb"):
        yield
        return
    # with the database in its name: the lock is the whole server's
    name = {"lock": f"liangding-{connection.engine.url.database}"[:64]}
    if connection.execute(text("SELECT GET_LOCK(:lock, :wait)"), {**name, "wait": _WAIT_SECONDS}).scalar() != 1:
        raise StoreError("另一个网关正在升级本地库，请稍后再试")
    try:
        yield
    finally:
        connection.execute(text("SELECT RELEASE_LOCK(:lock)"), name)
