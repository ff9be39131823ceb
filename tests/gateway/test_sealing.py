"""Bodies at rest: unreadable without the key, bound to their row, and still the same on the wire."""

from __future__ import annotations

import base64
import os
import stat
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from sqlalchemy import create_engine, text
from support.databases import KEY
from support.delivery import INSTITUTION, START, Clock, Platform, Rows, prescription

from gateway.errors import ConfigError, StoreError
from gateway.intake import accept
from gateway.judging import Judge
from gateway.outbox import State
from gateway.store import Store, open_store, sealing
from gateway.uploading import upload
from schemas.model import Edition

OTHER = base64.b64encode(bytes(range(32))).decode()
LEASE = timedelta(seconds=120)
#: stands in the body of every prescription of these tests, and nowhere else
MARK = b"XA00AAA000A000010000001"


def fill(store: Store, edition: Edition, clock: Clock, *rows: object) -> None:
    source = Rows([prescription(1), prescription(2, cnt=None)] if not rows else list(rows))  # type: ignore[arg-type]
    accept(source, Judge(edition, "RX01", store.rid), store, targets=("bureau",), clock=clock)


def url_of(folder: Path) -> str:
    return f"sqlite:///{folder / 'gateway.db'}"


def test_neither_bodies_nor_rows_set_aside_can_be_read_in_the_store(store: Store, edition: Edition, clock: Clock) -> None:
    fill(store, edition, clock)
    with store._engine.connect() as connection:
        bodies = [bytes(body) for (body,) in connection.execute(text("SELECT body FROM parcel"))]
        contents = [bytes(content) for (content,) in connection.execute(text("SELECT content FROM aside"))]
    assert len(bodies) == len(contents) == 1
    assert all(sealing.is_sealed(each) and MARK not in each for each in (*bodies, *contents))


def test_what_the_platform_receives_is_what_was_judged(store: Store, edition: Edition, clock: Clock) -> None:
    fill(store, edition, clock)
    platform = Platform()
    assert upload(store, platform, "bureau", clock=clock, lease=LEASE).states == {State.ACCEPTED: 1}
    (body,) = platform.held.values()
    record = orjson.loads(body)
    assert record["med_list_codg"].encode() == MARK
    with store._engine.connect() as connection:
        assert connection.execute(text("SELECT content_hash FROM parcel")).scalar_one() == record["content_hash"]


def test_the_files_of_a_sqlite_store_hold_nothing_readable(tmp_path: Path, edition: Edition, clock: Clock) -> None:
    store = open_store(url_of(tmp_path), edition, START)
    fill(store, edition, clock)
    files = [path for path in tmp_path.iterdir() if path.suffix != ".key"]
    assert files
    assert [path.name for path in files if MARK in path.read_bytes()] == []
    store.close()


@pytest.mark.skipif(os.name != "posix", reason="Windows keeps rights in ACLs")
def test_store_and_key_are_readable_by_their_owner_only_and_the_operator_hears_of_the_key(
    tmp_path: Path, edition: Edition, clock: Clock
) -> None:
    before = os.umask(0)  # however careless the service's own mask
    try:
        store = open_store(url_of(tmp_path), edition, START)
        fill(store, edition, clock)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert {"gateway.db", "gateway.db.key", "gateway.db-wal"} <= modes.keys()
    assert set(modes.values()) == {0o600}
    assert [str(tmp_path / "gateway.db.key") in sentence for sentence in store.news] == [True]
    store.close()
    again = open_store(url_of(tmp_path), edition, START)
    assert again.news == ()
    again.close()


def test_a_lost_key_file_is_told_and_never_made_anew(tmp_path: Path, edition: Edition, clock: Clock) -> None:
    store = open_store(url_of(tmp_path), edition, START)
    store.close()
    (tmp_path / "gateway.db.key").unlink()
    with pytest.raises(StoreError, match="不见了"):
        open_store(url_of(tmp_path), edition, START)
    assert not (tmp_path / "gateway.db.key").exists()


def test_a_wrong_key_is_one_sentence_that_names_the_key_wanted(tmp_path: Path, edition: Edition) -> None:
    open_store(url_of(tmp_path), edition, START, KEY).close()
    wanted = sealing.parse(KEY).current
    with pytest.raises(StoreError, match=f"编号 {wanted}"):
        open_store(url_of(tmp_path), edition, START, OTHER)


def test_a_key_can_be_changed_and_what_the_old_one_sealed_still_leaves(tmp_path: Path, edition: Edition, clock: Clock) -> None:
    store = open_store(url_of(tmp_path), edition, START, KEY)
    fill(store, edition, clock, prescription(1))
    store.close()
    store = open_store(url_of(tmp_path), edition, START, f"# newest first\n{OTHER}\n{KEY}\n")
    fill(store, edition, clock, prescription(2))
    with store._engine.connect() as connection:
        sealed_by = [bytes(body)[1:5].hex() for (body,) in connection.execute(text("SELECT body FROM parcel ORDER BY record_key"))]
    assert sealed_by == [sealing.parse(KEY).current, sealing.parse(OTHER).current]
    assert upload(store, Platform(), "bureau", clock=clock, lease=LEASE).states == {State.ACCEPTED: 2}
    store.close()


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("UPDATE parcel SET body = CAST(substr(body, 1, length(body) - 1) || x'00' AS BLOB)", "changed"),
        ("UPDATE parcel SET body = (SELECT body FROM parcel ORDER BY record_key LIMIT 1)", "moved to another row"),
        ("UPDATE parcel SET body = x'7b7d'", "replaced by a plain one"),
    ],
)
def test_a_body_that_was_tampered_with_is_told_and_not_sent(
    tmp_path: Path, edition: Edition, clock: Clock, statement: str, what: str
) -> None:
    store = open_store(url_of(tmp_path), edition, START, KEY)
    fill(store, edition, clock, prescription(1), prescription(2))
    engine = create_engine(url_of(tmp_path))
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()
    platform = Platform()
    with pytest.raises(StoreError, match="本地库里有一条数据") as caught:
        upload(store, platform, "bureau", clock=clock, lease=LEASE)
    assert platform.held == {}, what
    assert INSTITUTION not in str(caught.value)
    store.close()


@pytest.mark.parametrize("text_", ["", "# only a remark", "AAAA", "不是密钥", "$" * 44])
def test_a_key_that_is_none_is_told_without_being_shown(text_: str) -> None:
    with pytest.raises(ConfigError, match=r"store\.key") as caught:
        sealing.parse(text_)
    assert not text_ or text_ not in str(caught.value)


def test_sealing_adds_33_bytes_and_never_seals_alike_twice() -> None:
    keyring = sealing.parse(KEY)
    about = sealing.of_parcel(INSTITUTION, "RX01", "k", 1)
    first, second = (keyring.seal(b"{}", about) for _ in range(2))
    assert first != second
    assert len(first) == 2 + sealing.OVERHEAD == 35
    assert keyring.open(first, about) == keyring.open(second, about) == b"{}"
