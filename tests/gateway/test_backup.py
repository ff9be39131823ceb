"""A backup is whole, private and proven; putting one back loses nothing and sends nothing twice."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from support.databases import KEY, database
from support.delivery import START, Clock, Platform, Rows, prescription

from gateway.errors import StoreError
from gateway.intake import accept
from gateway.judging import Judge
from gateway.model import SourceRow
from gateway.outbox import NotHeld, State, next_step
from gateway.standing import Route
from gateway.store import Store, open_store, restore_store
from gateway.uploading import upload
from schemas.model import Edition

LEASE = timedelta(seconds=120)
OTHER_KEY = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="


def take(store: Store, edition: Edition, clock: Clock, *rows: SourceRow) -> None:
    accept(Rows(list(rows)), Judge(edition, "RX01", store.rid), store, targets=("bureau",), clock=clock)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'gateway.db'}"


@pytest.fixture
def copy(tmp_path: Path, url: str, edition: Edition, clock: Clock) -> Path:
    """A backup of a store with ten records waiting and one row set aside."""
    store = open_store(url, edition, START, KEY)
    take(store, edition, clock, *[prescription(number) for number in range(1, 11)], prescription(11, cnt=None))
    found = store.back_up(tmp_path / "copy.db")
    store.close()
    assert (found.rows["outbox"], found.rows["aside"], found.opened) == (10, 1, 11)
    return tmp_path / "copy.db"


def test_a_backup_is_one_private_file_without_a_readable_body(copy: Path) -> None:
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    assert sorted(path.name for path in copy.parent.glob("copy*")) == ["copy.db"]
    assert b"XA00AAA000A000010000001" not in copy.read_bytes()


def test_a_backup_made_while_others_write_is_one_instant_of_the_store(
    tmp_path: Path, url: str, edition: Edition, clock: Clock
) -> None:
    store, stop = open_store(url, edition, START, KEY), threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            take(store, edition, clock, prescription(number))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        copies = [store.back_up(tmp_path / f"copy{number}.db") for number in range(5)]
    finally:
        stop.set()
        writer.join()
    for found in copies:  # a page is one transaction, so every table has it or none
        assert found.rows["ledger"] == found.rows["parcel"] == found.rows["outbox"]
    assert copies[-1].rows["outbox"] > copies[0].rows["outbox"]
    store.close()


def test_a_backup_overwrites_nothing(copy: Path, url: str, edition: Edition) -> None:
    before, store = copy.read_bytes(), open_store(url, edition, START, KEY)
    with pytest.raises(StoreError, match="已经存在"):
        store.back_up(copy)
    with pytest.raises(StoreError, match="备份写不成"):
        store.back_up(copy.parent / "absent" / "copy.db")
    assert copy.read_bytes() == before
    store.close()


def test_a_restored_store_goes_on_and_what_was_sent_meanwhile_is_not_sent_as_new(
    copy: Path, url: str, edition: Edition, clock: Clock
) -> None:
    platform, store = Platform(), open_store(url, edition, START, KEY)
    rid = store.rid
    upload(store, platform, "bureau", clock=clock, lease=LEASE)
    store.close()
    held = dict(platform.held)
    assert len(held) == 10
    found, kept = restore_store(url, KEY, copy, clock())
    assert found.rows["outbox"] == 10
    assert kept is not None and kept.exists()
    store = open_store(url, edition, START, KEY)
    assert store.rid == rid
    (standing,) = store.standings([Route("his", "RX01", "bureau")])
    assert standing.states == {State.UNKNOWN: 10}
    clock.move(1)
    upload(store, platform, "bureau", clock=clock, lease=LEASE)  # RX01 may be sent again: the platform knows it
    assert platform.held == held
    (standing,) = store.standings([Route("his", "RX01", "bureau")])
    assert standing.states == {State.ACCEPTED: 10}
    store.close()


def test_a_store_that_is_lost_altogether_is_made_from_the_backup(copy: Path, url: str, edition: Edition, clock: Clock) -> None:
    place = copy.parent / "gateway.db"
    place.unlink()
    found, kept = restore_store(url, KEY, copy, clock())
    assert kept is None
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    store, platform = open_store(url, edition, START, KEY), Platform()
    clock.move(1)
    upload(store, platform, "bureau", clock=clock, lease=LEASE)
    assert len(platform.held) == found.rows["outbox"] == 10
    store.close()


def test_a_damaged_store_is_not_taken_for_an_absent_one(copy: Path, url: str) -> None:
    (copy.parent / "gateway.db").write_bytes(b"rubbish" * 1000)
    with pytest.raises(StoreError, match="先把它改名"):
        restore_store(url, KEY, copy, START)
    assert (copy.parent / "gateway.db").read_bytes() == b"rubbish" * 1000


HOLD = """
import sys
from datetime import datetime
from gateway.store import open_store
from schemas import loader
from schemas.wire import SHANGHAI
store = open_store(sys.argv[1], loader.reference(), datetime.now(SHANGHAI), sys.argv[2])
print("open", flush=True)
sys.stdin.read()
"""


def test_a_store_that_another_process_has_open_is_not_overwritten(copy: Path, url: str) -> None:
    command = [sys.executable, "-c", HOLD, url, KEY]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None and other.stdin is not None
        assert other.stdout.readline() == "open\n"
        with pytest.raises(StoreError, match="正在运行"):
            restore_store(url, KEY, copy, START)
        other.stdin.close()
        assert other.wait(30) == 0
    with closing(sqlite3.connect(copy.parent / "gateway.db")) as store:
        assert store.execute("SELECT DISTINCT state FROM outbox").fetchall() == [("queued",)]
    assert list(copy.parent.glob("*.before-restore-*")) == []


def damaged(copy: Path) -> None:
    content = bytearray(copy.read_bytes())
    content[4096 * 3 : 4096 * 6] = bytes(4096 * 3)
    copy.write_bytes(content)


def newer(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as found:
        found.execute("UPDATE installation SET schema_version = 99")
        found.commit()


def forged(copy: Path) -> None:
    with closing(sqlite3.connect(copy)) as found:
        found.execute("UPDATE parcel SET body = substr(body, 1, length(body) - 1) || x'00' WHERE record_key = 'RX00010|1'")
        found.execute("UPDATE parcel SET body = CAST(body AS BLOB)")
        found.commit()


def not_a_store(copy: Path) -> None:
    copy.write_text("这不是数据库" * 500, encoding="utf-8")


@pytest.mark.parametrize(("spoil", "sentence"), [
    (damaged, "已损坏"),
    (newer, "第 99 版"),
    (forged, "打不开"),
    (not_a_store, "不是本地库"),
    (Path.unlink, "不存在"),
])  # fmt: skip
def test_a_backup_that_is_no_good_is_told_and_the_store_stays(copy: Path, url: str, spoil: object, sentence: str) -> None:
    before = (copy.parent / "gateway.db").read_bytes()
    spoil(copy)  # type: ignore[operator]
    with pytest.raises(StoreError, match=sentence):
        restore_store(url, KEY, copy, START)
    assert (copy.parent / "gateway.db").read_bytes() == before


def test_a_backup_sealed_by_another_key_is_told_by_that_key(copy: Path, url: str) -> None:
    with pytest.raises(StoreError, match="另一把密钥"):
        restore_store(url, OTHER_KEY, copy, START)


@pytest.mark.parametrize(("kind", "tool"), [("postgresql", "pg_dump"), ("mariadb", "mariadb-dump")])
def test_a_servers_store_is_left_to_its_own_tools(tmp_path: Path, edition: Edition, kind: str, tool: str) -> None:
    with database(kind, tmp_path) as url:
        store = open_store(url, edition, START, KEY)
        with pytest.raises(StoreError, match=tool):
            store.back_up(tmp_path / "copy.db")
        store.close()
        with pytest.raises(StoreError, match=tool):
            restore_store(url, KEY, tmp_path / "copy.db", START)


def deliveries_of(place: Path) -> list[tuple[str, int, str, str]]:
    """(key, version, state, why it is held) of every delivery in a store's file."""
    with closing(sqlite3.connect(place)) as found:
        query = "SELECT record_key, version, state, hold FROM outbox ORDER BY record_key, version"
        return [tuple(row) for row in found.execute(query)]


def test_what_was_held_when_the_backup_was_made_may_have_been_sent_since(
    tmp_path: Path, url: str, edition: Edition, clock: Clock
) -> None:
    store = open_store(url, edition, START, KEY)
    take(store, edition, clock, prescription(1))
    leased = store.lease("bureau", clock(), clock() + LEASE)
    assert leased
    assert store.mark_sending(leased, clock())
    take(store, edition, clock, prescription(1, cursor=2, med_list_name="另一名"))
    store.back_up(tmp_path / "copy.db")
    store.close()
    assert [row[1:] for row in deliveries_of(tmp_path / "copy.db")] == [(1, "sending", ""), (2, "held", "version")]
    restore_store(url, KEY, tmp_path / "copy.db", clock())
    assert [row[1:] for row in deliveries_of(tmp_path / "gateway.db")] == [(1, "superseded", ""), (2, "unknown", "")]
    assert list(tmp_path.glob("*.restoring")) == []


def test_a_child_that_was_held_waits_for_its_parent_again_unless_it_was_sent(
    tmp_path: Path, url: str, edition: Edition, clock: Clock
) -> None:
    store = open_store(url, edition, START, KEY)
    take(store, edition, clock, prescription(1), prescription(2))
    store.close()
    with closing(sqlite3.connect(tmp_path / "gateway.db")) as found:  # the second waits for another key, still to come
        child, institution = found.execute("SELECT id, institution FROM outbox WHERE record_key = 'RX00002|1'").fetchone()
        values = (child, "bureau", institution, "HD03", "above", "2026-11-25T00:00:00.000000Z")
        found.execute(
            "INSERT INTO awaited (child, target, institution, dataset, record_key, since) VALUES (?, ?, ?, ?, ?, ?)", values
        )
        found.execute("UPDATE outbox SET state = 'held', hold = 'parent' WHERE id = ?", (child,))
        found.commit()
    store = open_store(url, edition, START, KEY)
    store.back_up(tmp_path / "copy.db")
    store.close()
    restore_store(url, KEY, tmp_path / "copy.db", clock())
    store = open_store(url, edition, START, KEY)
    for doubt in store.doubts("bureau", State.UNKNOWN, clock(), 0):
        store.apply([next_step(doubt.item, NotHeld(), clock())], clock())
    assert deliveries_of(tmp_path / "gateway.db") == [("RX00001|1", 1, "queued", ""), ("RX00002|1", 1, "held", "parent")]
    store.close()


def test_a_power_cut_while_restoring_leaves_the_store_as_it_was(
    copy: Path, url: str, edition: Edition, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never the backup without its doubts: it would send what was sent."""
    store = open_store(url, edition, START, KEY)
    upload(store, Platform(), "bureau", clock=clock, lease=LEASE)
    store.close()

    def cut(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("gateway.store.backup._doubt", cut)
    with pytest.raises(KeyboardInterrupt):
        restore_store(url, KEY, copy, clock())
    assert {state for *_, state, _ in deliveries_of(copy.with_name("gateway.db"))} == {"accepted"}
