"""A store of the first release, its outbox full, goes on under this program.

`frozen/store-1.sql` was written by the program of commit 439b59f. It never changes: a table changed since then needs a step.
"""

from __future__ import annotations

import re
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import Connection, Engine, create_engine, inspect, text
from support.databases import KEY, KINDS, database
from support.delivery import START, Clock, Platform

from gateway.errors import StoreError
from gateway.outbox import State
from gateway.standing import Route
from gateway.store import Store, migrations, open_store, sealing
from gateway.store.sealing import Keyring
from gateway.store.tables import SCHEMA_VERSION, metadata
from gateway.uploading import upload
from gateway.worklist import TaskFilter
from schemas.model import Edition

FROZEN = Path(__file__).parent / "frozen" / "store-1.sql"
RID = "841c1706-b7f3-41e5-97df-1d2825ff9b35"
LEASE = timedelta(seconds=120)
#: stands in every body of the frozen store
MARK = b"XA00AAA000A000010000001"
BEFORE = {
    "bureau": {State.ACCEPTED: 3, State.QUEUED: 1, State.REJECTED: 1, State.SENDING: 1, State.UNKNOWN: 2},
    "county": {State.QUEUED: 7, State.SUPERSEDED: 1},
}


def statements(kind: str) -> Iterator[str]:
    """The frozen dump in the words of another database."""
    for statement in FROZEN.read_text(encoding="utf-8").split(";\n"):
        if statement.startswith(("BEGIN", "COMMIT")) or not statement.strip():
            continue
        if kind == "postgresql":
            statement = re.sub(r"\bX'([0-9A-F]*)'", r"decode('\1', 'hex')", statement.replace("BLOB", "BYTEA"))
            statement = re.sub(r"(?m)^\tid INTEGER NOT NULL", "\tid BIGSERIAL NOT NULL", statement)
        if kind == "mariadb":
            statement = re.sub(r'INSERT INTO "(\w+)"', r"INSERT INTO \1", statement.replace("BLOB", "LONGBLOB"))
            statement = re.sub(r"(?m)^\tid INTEGER NOT NULL", "\tid BIGINT NOT NULL AUTO_INCREMENT", statement)
        yield statement


def thaw(kind: str, url: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        for statement in statements(kind):
            connection.exec_driver_sql(statement.replace("%", "%%") if kind != "sqlite" else statement)
        if kind == "postgresql":
            connection.exec_driver_sql("SELECT setval('outbox_id_seq', (SELECT max(id) FROM outbox))")
    engine.dispose()


@pytest.fixture(params=KINDS)
def frozen(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a database that holds the store of the first release."""
    with database(request.param, tmp_path) as url:
        thaw(request.param, url)
        yield url


def states(store: Store) -> dict[str, dict[State, int]]:
    query = text("SELECT target, state, count(*) FROM outbox GROUP BY target, state")
    found: dict[str, dict[State, int]] = {}
    with store._engine.connect() as connection:
        for target, state, count in connection.execute(query):
            found.setdefault(target, {})[State(state)] = count
    return found


def test_a_store_of_the_first_release_is_upgraded_with_its_outbox_full(frozen: str, edition: Edition, clock: Clock) -> None:
    store = open_store(frozen, edition, START, KEY)
    assert store.rid == RID
    assert states(store) == BEFORE
    with store._engine.connect() as connection:
        bodies = [
            bytes(body) for (body,) in connection.execute(text("SELECT body FROM parcel UNION ALL SELECT content FROM aside"))
        ]
        assert connection.execute(text("SELECT schema_version FROM installation")).scalar_one() == SCHEMA_VERSION
    assert len(bodies) == 10
    assert all(sealing.is_sealed(body) and MARK not in body for body in bodies)
    store.close()


def test_what_the_first_release_left_waiting_arrives_exactly_once(frozen: str, edition: Edition, clock: Clock) -> None:
    store = open_store(frozen, edition, START, KEY)
    platforms = {target: Platform() for target in BEFORE}
    for minutes in range(0, 60, 5):  # long enough for every lease, grace and backoff of the old store
        clock.now = START + timedelta(minutes=minutes)
        for target, platform in platforms.items():
            upload(store, platform, target, clock=clock, lease=LEASE)
    assert states(store)["bureau"] == {State.ACCEPTED: 7, State.REJECTED: 1}
    assert states(store)["county"] == {State.ACCEPTED: 7, State.SUPERSEDED: 1}
    assert len(platforms["county"].held) == 7
    assert all(MARK in body for body in platforms["county"].held.values())
    for (key, version), body in platforms["county"].held.items():
        record = orjson.loads(body)
        assert (record["key"], record["version"], record["rid"]) == (key, str(version), RID)
    (standing,) = store.standings([Route("his", "RX01", "county")])
    assert standing.balanced
    store.close()


def test_what_was_wrong_before_the_upgrade_has_been_wrong_since_it_was_seen_so(frozen: str, edition: Edition) -> None:
    store = open_store(frozen, edition, START, KEY)
    with store._engine.connect() as connection:
        asides = connection.execute(text("SELECT ref, first_seen FROM aside WHERE state = 'quarantined'")).all()
        back = connection.execute(text("SELECT finished_at FROM outbox WHERE state = 'rejected'")).scalars().all()
    found = {each.row.ref: each for each in store.findings(TaskFilter())}
    assert {ref for ref, _ in asides} <= found.keys()
    assert len(found) == len(asides) + len(back) > 1
    since = {each.since.strftime("%Y-%m-%dT%H:%M:%S") for each in found.values()}
    assert since == {str(at)[:19] for at in (*(seen for _, seen in asides), *back)}
    store.close()


def shape(engine: Engine) -> dict[str, tuple[set[tuple[str, bool, str]], set[tuple[str | None, tuple[str | None, ...], str]]]]:
    """Columns with their types, collations among them, and indexes; SQLite knows no length, so none is changed there."""
    found = inspect(engine)
    typed = engine.dialect.name != "sqlite"
    said = {name: found.get_table_options(name) for name in metadata.tables} if engine.dialect.name == "mysql" else {}
    assert all(options["mysql_collate"] == "utf8mb4_bin" for options in said.values())
    return {
        name: (
            {(each["name"], bool(each["nullable"]), repr(each["type"]) if typed else "") for each in found.get_columns(name)},
            {(index["name"], tuple(index["column_names"]), _rows(index)) for index in found.get_indexes(name)},
        )
        for name in metadata.tables
    }


def _rows(index: Any) -> str:
    """Which rows an index holds, in the database's words."""
    return (
        str({name: str(said) for name, said in index.get("dialect_options", {}).items() if name.endswith("_where")})
        .replace("(", "")
        .replace(")", "")
    )


def test_an_upgraded_store_has_the_tables_of_a_new_one(frozen: str, tmp_path: Path, edition: Edition, clock: Clock) -> None:
    store = open_store(frozen, edition, START, KEY)
    upgraded, kind = shape(store._engine), {"mysql": "mariadb"}.get(store._engine.dialect.name, store._engine.dialect.name)
    store.close()
    (tmp_path / "new").mkdir()
    with database(kind, tmp_path / "new") as url:
        new = open_store(url, edition, START, KEY)
        assert upgraded == shape(new._engine)
        new.close()


def test_every_row_that_the_first_release_had_seen_is_known_afterwards(frozen: str, edition: Edition, clock: Clock) -> None:
    store = open_store(frozen, edition, START, KEY)
    with store._engine.connect() as connection:
        seen = connection.execute(text("SELECT source, dataset, ref FROM sighting")).all()
        known = connection.execute(
            text("SELECT source, dataset, ref FROM ledger UNION SELECT source, dataset, ref FROM aside")
        ).all()
        came = connection.execute(text("SELECT SUM(row_count) FROM rhythm")).scalar_one()
    assert len(seen) >= 9
    assert sorted(seen) == sorted(known)
    assert came == len(seen), "so its rhythm is known from the first day on"
    store.close()


@pytest.mark.parametrize("step", migrations.STEPS)
def test_an_upgrade_that_is_cut_off_leaves_the_old_store_or_is_done_over(
    frozen: str, edition: Edition, clock: Clock, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    whole = migrations.STEPS[step]

    def cut(connection: Connection, keyring: Keyring) -> None:
        whole(connection, keyring)
        raise KeyboardInterrupt

    monkeypatch.setitem(migrations.STEPS, step, cut)
    with pytest.raises(KeyboardInterrupt):
        open_store(frozen, edition, START, KEY)
    monkeypatch.undo()
    store = open_store(frozen, edition, START, KEY)
    assert states(store) == BEFORE
    platform = Platform()
    upload(store, platform, "county", clock=clock, lease=LEASE)
    assert len(platform.held) == 7
    store.close()


def test_a_copy_is_kept_before_a_sqlite_store_is_upgraded_and_the_operator_hears_of_it(
    tmp_path: Path, edition: Edition, clock: Clock
) -> None:
    thaw("sqlite", f"sqlite:///{tmp_path / 'gateway.db'}")
    store = open_store(f"sqlite:///{tmp_path / 'gateway.db'}", edition, START)
    copy = tmp_path / "gateway.db.v1"
    assert any(str(copy) in sentence for sentence in store.news)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with closing(sqlite3.connect(copy)) as old:
        assert old.execute("SELECT schema_version, (SELECT count(*) FROM outbox) FROM installation").fetchone() == (1, 16)
    store.close()
    assert [path.name for path in tmp_path.iterdir() if MARK in path.read_bytes()] == ["gateway.db.v1"]  # no plain page is left
    with closing(sqlite3.connect(tmp_path / "gateway.db")) as upgraded:
        assert upgraded.execute("PRAGMA auto_vacuum").fetchone() == (2,)


def test_a_newer_store_is_refused_and_left_as_it_is(tmp_path: Path, edition: Edition) -> None:
    url = f"sqlite:///{tmp_path / 'gateway.db'}"
    open_store(url, edition, START, KEY).close()
    with closing(sqlite3.connect(tmp_path / "gateway.db")) as newer:
        newer.execute("UPDATE installation SET schema_version = ?", (SCHEMA_VERSION + 1,))
        newer.execute("DROP TABLE aside")  # a later release may do without it
        newer.commit()
    with pytest.raises(StoreError, match=f"第 {SCHEMA_VERSION + 1} 版"):
        open_store(url, edition, START, KEY)
    with closing(sqlite3.connect(tmp_path / "gateway.db")) as newer:
        assert newer.execute("SELECT count(*) FROM sqlite_master WHERE name = 'aside'").fetchone() == (0,)


def test_every_version_has_its_step() -> None:
    assert sorted(migrations.STEPS) == list(range(2, SCHEMA_VERSION + 1))
