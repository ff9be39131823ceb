"""Bodies go after every target took them; what is still owed keeps its body however old it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import orjson
import pytest
from sqlalchemy import text
from support.databases import KEY
from support.delivery import START, Clock, Platform, Rows, prescription

from gateway.errors import OutcomeUnknownError
from gateway.intake import accept
from gateway.judging import Judge
from gateway.model import SourceRow
from gateway.store import Store, open_store, retention
from gateway.uploading import upload
from schemas.envelope import Result, Status
from schemas.model import Edition, Violation

LEASE = timedelta(seconds=120)
KEEP = timedelta(days=30)
DAY = 24 * 60 * 60


def take(store: Store, edition: Edition, clock: Clock, *rows: SourceRow, targets: tuple[str, ...] = ("bureau",)) -> None:
    accept(Rows(list(rows)), Judge(edition, "RX01", store.rid), store, targets=targets, clock=clock)


def send(store: Store, clock: Clock, target: str = "bureau", platform: Platform | None = None) -> None:
    upload(store, platform or Platform(), target, clock=clock, lease=LEASE)


def bodies(store: Store) -> dict[tuple[str, int], int]:
    """Length of each body."""
    with store._engine.connect() as connection:
        rows = connection.execute(text("SELECT record_key, version, body FROM parcel ORDER BY record_key, version"))
        return {(key, version): len(bytes(body)) for key, version, body in rows}


def kept(store: Store) -> list[tuple[str, int]]:
    return [place for place, length in bodies(store).items() if length]


def test_a_body_is_shredded_after_its_days_and_key_version_and_hash_stay(store: Store, edition: Edition, clock: Clock) -> None:
    take(store, edition, clock, prescription(1))
    send(store, clock)
    clock.move(30 * DAY - 1)
    assert store.shred(KEEP, clock()) == 0
    clock.move(1)
    assert store.shred(KEEP, clock()) == 1
    assert bodies(store) == {("RX00001|1", 1): 0}
    with store._engine.connect() as connection:
        (digest,) = connection.execute(text("SELECT content_hash FROM parcel")).scalars()
    assert store.ledger("H99000100001", "RX01", ["RX00001|1"])["RX00001|1"].content_hash == digest


def test_what_was_shredded_is_not_sent_again_and_an_edit_of_it_is_the_next_version(
    store: Store, edition: Edition, clock: Clock
) -> None:
    take(store, edition, clock, prescription(1))
    send(store, clock)
    clock.move(31 * DAY)
    store.shred(KEEP, clock())
    platform = Platform()
    first = prescription(1)
    take(store, edition, clock, SourceRow(**{**{f: getattr(first, f) for f in first.__slots__}, "cursor": prescription(5).cursor}))
    send(store, clock, platform=platform)
    assert platform.held == {}
    take(store, edition, clock, prescription(1, cursor=6, cnt=Decimal(9), rx_time=first.values["rx_time"]))
    send(store, clock, platform=platform)
    assert list(platform.held) == [("RX00001|1", 2)]


def test_undelivered_rejected_and_unknown_rows_keep_their_bodies_for_ever(store: Store, edition: Edition, clock: Clock) -> None:
    def reject(number: int, sent: Sequence[bytes]) -> Sequence[Result]:
        return [
            Result(orjson.loads(body)["key"], 1, Status.REJECTED, reasons=(Violation("cnt", "range", "示例"),)) for body in sent
        ]

    take(store, edition, clock, prescription(1))
    send(store, clock, platform=Platform(answer=reject))
    take(store, edition, clock, prescription(2))
    send(store, clock, platform=Platform(answer=lambda number, sent: OutcomeUnknownError("没有应答")))
    take(store, edition, clock, prescription(3))
    clock.move(3650 * DAY)
    assert store.shred(KEEP, clock()) == 0
    assert kept(store) == [("RX00001|1", 1), ("RX00002|1", 1), ("RX00003|1", 1)]


def test_a_body_waits_for_the_last_of_its_targets(store: Store, edition: Edition, clock: Clock) -> None:
    take(store, edition, clock, prescription(1), targets=("bureau", "county"))
    send(store, clock)
    clock.move(40 * DAY)
    assert store.shred(KEEP, clock()) == 0  # county never had it
    send(store, clock, "county")
    clock.move(29 * DAY)
    assert store.shred(KEEP, clock()) == 0  # county has it, but not for long enough
    clock.move(DAY)
    assert store.shred(KEEP, clock()) == 1


def test_a_version_that_a_newer_one_replaced_is_shredded_too(store: Store, edition: Edition, clock: Clock) -> None:
    take(store, edition, clock, prescription(1))
    take(store, edition, clock, prescription(1, cursor=2, cnt=Decimal(3)))
    send(store, clock)
    clock.move(31 * DAY)
    assert store.shred(KEEP, clock()) == 2


def test_rows_set_aside_keep_their_content(store: Store, edition: Edition, clock: Clock) -> None:
    take(store, edition, clock, prescription(1, cnt=None))
    clock.move(3650 * DAY)
    store.shred(KEEP, clock())
    with store._engine.connect() as connection:
        assert len(bytes(connection.execute(text("SELECT content FROM aside")).scalar_one())) > 33


def test_many_that_finished_in_one_instant_go_in_batches_and_each_once(
    store: Store, edition: Edition, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_BATCH", 7)
    take(store, edition, clock, *[prescription(number) for number in range(1, 61)])
    send(store, clock)
    clock.move(31 * DAY)
    assert store.shred(KEEP, clock()) == 60
    assert kept(store) == []
    take(store, edition, clock, prescription(61))
    send(store, clock)
    clock.move(31 * DAY)
    assert store.shred(KEEP, clock()) == 1


def test_a_run_that_was_cut_off_is_finished_by_the_next(
    store: Store, edition: Edition, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(store, edition, clock, *[prescription(number) for number in range(1, 21)])
    send(store, clock)
    clock.move(31 * DAY)
    monkeypatch.setattr(retention, "_BATCH", 7)
    whole, calls = retention._batch, iter(range(10))

    def cut(*given: object) -> object:
        if next(calls) == 1:
            raise KeyboardInterrupt
        return whole(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(retention, "_batch", cut)
    with pytest.raises(KeyboardInterrupt):
        store.shred(KEEP, clock())
    assert len(kept(store)) == 13
    monkeypatch.setattr(retention, "_batch", whole)
    assert store.shred(KEEP, clock()) == 13
    assert kept(store) == []


def test_a_sqlite_store_gives_the_room_back_to_the_disk(tmp_path: Path, edition: Edition, clock: Clock) -> None:
    place = tmp_path / "gateway.db"
    store = open_store(f"sqlite:///{place}", edition, START, KEY)
    take(store, edition, clock, *[prescription(number) for number in range(1, 1001)])
    send(store, clock)
    clock.move(31 * DAY)
    before = store.usage(clock()).size
    assert store.shred(KEEP, clock()) == 1000
    assert store.usage(clock()).size < before * 0.75
    store.close()
