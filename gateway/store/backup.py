"""Copy a SQLite store while it is in use, prove that the copy is good, and put one back."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine

from gateway.errors import StoreError
from gateway.store import sealing
from gateway.store.engine import place_of
from gateway.store.sealing import Keyring
from gateway.store.tables import SCHEMA_VERSION
from gateway.store.trouble import sentence

#: what a server is backed up with
_TOOLS = {
    "postgresql": " pg_dump --format=custom、pg_restore ",
    "mysql": " mariadb-dump --single-transaction、mariadb ",
    "mariadb": " mariadb-dump --single-transaction、mariadb ",
}
#: bodies that are opened to see whether the key fits
_SAMPLE = 20


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy that was found good."""

    place: Path
    version: int  #: of its tables
    rows: dict[str, int]  #: per table
    opened: int  #: bodies that the key opened


def file_of(engine: Engine) -> Path:
    """The file that the store is. StoreError naming the tool to use if it is on a database server."""
    place = place_of(engine)
    if place is None:
        tool = _TOOLS.get(engine.dialect.name, "它自己的工具")
        raise StoreError(f"本地库在数据库服务器上，请用{tool}备份和恢复；密钥另行保存")
    return place


def copy(source: Path, to: Path) -> dict[str, int]:
    """Copy a store as it stood at one instant, while others write on; returns its rows per table.

    StoreError if it cannot be written or is not whole; then nothing stands at `to` that did not before.
    """
    partial = to.with_name(f"{to.name}.partial")
    with _told("备份写不成"):
        partial.unlink(missing_ok=True)
        os.close(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        with closing(_connect(source)) as live, closing(_connect(partial)) as target:
            live.execute("BEGIN")
            rows = _rows(live)  # the first read fixes the instant that is copied
            live.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")  # one file, without a -wal to forget
            if _integrity(target) != "ok" or _rows(target) != rows:
                raise StoreError(f"备份 {partial} 与本地库不一致，没有采用")
        _through_to_disk(partial)
        partial.replace(to)
    return rows


def back_up(source: Path, to: Path, keyring: Keyring) -> Copy:
    """Copy the store to a new file and prove it. StoreError if the file exists already or the copy is no good."""
    if to.exists():
        raise StoreError(f"文件 {to} 已经存在，请换一个名字")
    copy(source, to)
    return verify(to, keyring)


def verify(place: Path, keyring: Keyring) -> Copy:
    """Whether a copy is whole, of a version we know, and opens with our key. StoreError tells what is wrong."""
    if not place.is_file():
        raise StoreError(f"备份文件 {place} 不存在")
    with _told(f"备份 {place} 不能用"), closing(sqlite3.connect(f"{place.resolve().as_uri()}?mode=ro", uri=True)) as found:
        if _integrity(found) != "ok":
            raise StoreError(f"备份 {place} 已损坏")
        version = int(found.execute("SELECT schema_version FROM installation").fetchone()[0])
        if version > SCHEMA_VERSION:
            raise StoreError(f"备份 {place} 是第 {version} 版，本程序只认到第 {SCHEMA_VERSION} 版")
        opened = sum(1 for _ in _sample(found, keyring)) if version > 1 else 0  # of version 1 nothing is sealed
        return Copy(place, version, _rows(found), opened)


def restore(backup: Path, place: Path, keyring: Keyring, now: datetime) -> tuple[Copy, Path | None]:
    """Put a verified copy in the store's place; returns it and where the present store was kept.

    1. Verify the copy before anything is touched.
    2. Lock the store: SQLite refuses while any gateway has it open.
    3. Keep a copy of what is there.
    4. What waits may have been sent after the backup was made: in a copy beside, it becomes "outcome unknown", so that each
       transaction's `replay` decides, asking the platform where it can be asked. The ledger and the rid stay as they are.
    5. Overwrite the store with that copy in one transaction: a power cut leaves the one or the other.
    """
    found = verify(backup, keyring)
    kept = place.with_name(f"{place.name}.before-restore-{now:%Y%m%d%H%M%S}") if place.exists() and place.stat().st_size else None
    with (
        _told("恢复不成（现有的本地库若已损坏，请先把它改名）"),
        closing(sqlite3.connect(place, timeout=0, isolation_level=None)) as live,
    ):
        _lock(live)
        if kept:
            _keep(live, kept)
        with _doubted(backup, place.with_name(f"{place.name}.restoring"), now) as source:
            source.backup(live)
        live.execute("PRAGMA journal_mode=WAL")
    return found, kept


def _lock(live: sqlite3.Connection) -> None:
    """In this mode SQLite wants the file for itself, and every open gateway holds a share of it. Kept until `live` is closed."""
    try:
        live.execute("PRAGMA locking_mode=EXCLUSIVE")
        live.execute("BEGIN EXCLUSIVE")
        live.execute("COMMIT")
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise
        raise StoreError("网关正在运行或本地库被别的程序打开，请先停止再恢复") from None


def _keep(live: sqlite3.Connection, kept: Path) -> None:
    os.close(os.open(kept, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    with closing(_connect(kept)) as target:
        live.backup(target)
    _through_to_disk(kept)


@contextmanager
def _doubted(backup: Path, beside: Path, now: datetime) -> Iterator[sqlite3.Connection]:
    """The backup as it is put in place, in a file that is gone afterwards."""
    beside.unlink(missing_ok=True)
    os.close(os.open(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        with closing(_connect(backup)) as source, closing(_connect(beside)) as target:
            source.backup(target)
            target.execute("PRAGMA journal_mode=DELETE")
            _doubt(target, now)
            yield target
    finally:
        beside.unlink(missing_ok=True)


def _doubt(copy: sqlite3.Connection, now: datetime) -> None:
    """All that may have been sent since. Of a key that is the newest version: whatever came of the one before, it went after it."""
    at = now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    copy.execute(
        "UPDATE outbox SET state = 'superseded', next_at = NULL, lease_token = NULL, lease_until = NULL, cause = '',"
        " finished_at = ? WHERE state IN ('leased', 'sending', 'unknown', 'conflict') AND EXISTS (SELECT 1 FROM outbox AS newer"
        " WHERE newer.target = outbox.target AND newer.institution = outbox.institution AND newer.dataset = outbox.dataset"
        " AND newer.record_key = outbox.record_key AND newer.version > outbox.version AND newer.state = 'held')",
        (at,),
    )
    copy.execute(
        "UPDATE outbox SET state = 'unknown', next_at = ?, lease_token = NULL, lease_until = NULL, hold = '', cause = ?"
        " WHERE state IN ('queued', 'leased', 'sending', 'held')",
        (at, "恢复过备份，不知平台是否已收到"),
    )


def _sample(found: sqlite3.Connection, keyring: Keyring) -> Iterator[bytes]:
    parcels = found.execute(
        "SELECT institution, dataset, record_key, version, body FROM parcel WHERE body <> x'' ORDER BY rowid DESC LIMIT ?",
        (_SAMPLE,),
    )
    for *place, body in parcels:
        yield keyring.open(body, sealing.of_parcel(*place))
    for *place, content in found.execute("SELECT source, dataset, ref, content FROM aside LIMIT ?", (_SAMPLE,)):
        yield keyring.open(content, sealing.of_aside(*place))


def _rows(connection: sqlite3.Connection) -> dict[str, int]:
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    return {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}  # noqa: S608


def _integrity(connection: sqlite3.Connection) -> str:
    return str(connection.execute("PRAGMA integrity_check(1)").fetchone()[0])


def _connect(place: Path) -> sqlite3.Connection:
    """To a file that is there: a mistyped name must not become an empty store."""
    return sqlite3.connect(f"{place.resolve().as_uri()}?mode=rw", uri=True, timeout=30, isolation_level=None)


def _through_to_disk(place: Path) -> None:
    with place.open("rb+") as file:
        os.fsync(file.fileno())


@contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StoreError(f"{what}：{sentence(error)}") from error
    except OSError as error:
        raise StoreError(f"{what}：{error.strerror or type(error).__name__}") from error
