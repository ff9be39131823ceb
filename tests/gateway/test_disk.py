"""A full or read-only disk stops the line loudly, with the cursor where it was; it goes on when there is room."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import orjson
import pytest
from sqlalchemy import text
from support import smalldisk
from support.databases import KEY
from support.delivery import START, Clock, Platform, Rows, prescription

from gateway.disk import Forecast, Room, Usage, forecast, spoken
from gateway.errors import StoreError
from gateway.intake import accept
from gateway.judging import Judge
from gateway.maintenance import sentence
from gateway.outbox import State
from gateway.standing import Route
from gateway.store import Store, open_store
from gateway.uploading import upload
from schemas.model import Edition

LEASE = timedelta(seconds=120)
MIB = 1024 * 1024
ROUTE = Route("his", "RX01", "bureau")


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of 3 MiB."""
    with smalldisk.mounted(tmp_path / "disk", "3m") as folder:
        yield folder


def take(store: Store, edition: Edition, clock: Clock, rows: Rows) -> int:
    return accept(rows, Judge(edition, "RX01", store.rid), store, targets=("bureau",), clock=clock, page_size=200).queued


def send(store: Store, clock: Clock, platform: Platform) -> None:
    upload(store, platform, "bureau", clock=clock, lease=LEASE)


def position(store: Store) -> int:
    """The key up to which the source was read."""
    with store._engine.connect() as connection:
        text_ = connection.execute(text("SELECT position FROM source_cursor")).scalar()
    return int(orjson.loads(text_)[1]) if text_ else 0


def arrived(store: Store, platform: Platform, rows: int) -> None:
    """Every row is there, once, and the account says so."""
    (standing,) = store.standings([ROUTE])
    assert standing.states == {State.ACCEPTED: rows}
    assert standing.balanced
    assert len(platform.held) == rows
    assert sum(map(len, platform.requests)) == rows


def test_a_disk_that_fills_up_stops_reading_at_the_last_whole_page_and_nothing_is_lost(
    small: Path, edition: Edition, clock: Clock
) -> None:
    store, platform = open_store(f"sqlite:///{small / 'gateway.db'}", edition, START, KEY), Platform()
    filler = small / "filler"
    filler.write_bytes(bytes(2 * MIB))
    rows = Rows([prescription(number) for number in range(1, 2001)])
    with pytest.raises(StoreError, match=r"磁盘已满|磁盘读写出错"):
        take(store, edition, clock, rows)
    (standing,) = store.standings([ROUTE])
    read = standing.states.get(State.QUEUED, 0)
    assert read % 200 == 0
    assert read < 2000
    assert position(store) == read
    filler.unlink()
    with pytest.raises(StoreError, match=r"磁盘已满|磁盘读写出错"):  # room for more, but not for all
        take(store, edition, clock, rows)
    (standing,) = store.standings([ROUTE])
    assert read < standing.states[State.QUEUED] < 2000
    smalldisk.remount(small, "size=64m")
    take(store, edition, clock, rows)
    send(store, clock, platform)
    arrived(store, platform, 2000)
    store.close()


def test_a_disk_full_between_sending_and_writing_the_answer_down_loses_nothing(small: Path, edition: Edition, clock: Clock) -> None:
    store, filler = open_store(f"sqlite:///{small / 'gateway.db'}", edition, START, KEY), small / "filler"
    take(store, edition, clock, Rows([prescription(number) for number in range(1, 51)]))

    def fill(number: int, bodies: object) -> tuple[()]:
        if not filler.exists():
            with filler.open("wb", buffering=0) as file:
                try:
                    while file.write(bytes(4096)):
                        pass
                except OSError:
                    return ()
        return ()

    platform = Platform(answer=fill)
    with pytest.raises(StoreError, match=r"磁盘已满|磁盘读写出错"):
        for _ in range(50):  # until the pages that SQLite still had are used up
            send(store, clock, platform)
            take(store, edition, clock, Rows([prescription(number) for number in range(51, 2001)]))
    filler.unlink()
    platform.answer = None
    smalldisk.remount(small, "size=64m")
    take(store, edition, clock, Rows([prescription(number) for number in range(51, 2001)]))
    for _ in range(3):
        clock.move(600)  # the lease and the grace of what had no answer written down
        send(store, clock, platform)
    (standing,) = store.standings([ROUTE])
    assert standing.states == {State.ACCEPTED: 2000}
    assert len(platform.held) == 2000
    store.close()


def test_a_disk_that_is_remounted_read_only_is_told_and_goes_on_when_it_is_not(small: Path, edition: Edition, clock: Clock) -> None:
    url, platform = f"sqlite:///{small / 'gateway.db'}", Platform()
    store = open_store(url, edition, START, KEY)
    take(store, edition, clock, Rows([prescription(number) for number in range(1, 11)]))
    store.close()
    with smalldisk.read_only(small), pytest.raises(StoreError, match=r"只读|打不开"):
        open_store(url, edition, START, KEY)
    store = open_store(url, edition, START, KEY)
    assert position(store) == 10
    take(store, edition, clock, Rows([prescription(number) for number in range(1, 21)]))
    send(store, clock, platform)
    arrived(store, platform, 20)
    store.close()


def test_a_new_store_on_a_read_only_disk_is_one_sentence(small: Path, edition: Edition) -> None:
    with smalldisk.read_only(small), pytest.raises(StoreError, match="只读"):
        open_store(f"sqlite:///{small / 'new' / 'gateway.db'}", edition, START, KEY)


def test_a_full_disk_and_a_busy_writer_keep_nobody_from_looking(small: Path, edition: Edition, clock: Clock) -> None:
    store = open_store(f"sqlite:///{small / 'gateway.db'}", edition, START, KEY)
    take(store, edition, clock, Rows([prescription(number) for number in range(1, 11)]))
    with store._engine.begin():  # another page is being taken in at this moment
        (standing,) = store.standings([ROUTE])
    with (small / "filler").open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        while file.write(bytes(4096)):
            pass
    assert store.standings([ROUTE]) == [standing]
    assert standing.states == {State.QUEUED: 10}
    store.close()


def test_below_the_floor_nothing_is_read_in_while_delivery_goes_on(
    tmp_path: Path, edition: Edition, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, platform = open_store(f"sqlite:///{tmp_path / 'gateway.db'}", edition, START, KEY, floor=1024 * MIB), Platform()
    rows = Rows([prescription(number) for number in range(1, 11)])
    take(store, edition, clock, Rows(rows.rows[:5]))
    assert position(store) == 5
    monkeypatch.setattr(shutil, "disk_usage", lambda place: shutil._ntuple_diskusage(0, 0, 1023 * MIB))  # type: ignore[attr-defined]
    with pytest.raises(StoreError, match="停止读取，报送照常"):
        take(store, edition, clock, rows)
    assert position(store) == 5
    send(store, clock, platform)
    assert len(platform.held) == 5
    monkeypatch.undo()
    take(store, edition, clock, rows)
    send(store, clock, platform)
    arrived(store, platform, 10)
    store.close()


def test_usage_is_measured_on_each_database(store: Store, edition: Edition, clock: Clock) -> None:
    take(store, edition, clock, Rows([prescription(number) for number in range(1, 11)]))
    found = store.usage(clock())
    assert (found.rows, found.recent, found.since) == (10, 10, START)
    assert found.size > 10 * 400
    clock.move(8 * 24 * 60 * 60)
    assert store.usage(clock()).recent == 0


@pytest.mark.parametrize(
    ("free", "budget", "days_left"),
    [
        (2024 * MIB, 0, 100),  # to the floor of 1024
        (2024 * MIB, 600 * MIB, 50),  # the budget is nearer
        (1000 * MIB, 0, 0),
        (2024 * MIB, 50 * MIB, 0),
        (None, 600 * MIB, 50),  # a server
        (None, 0, None),
    ],
)
def test_the_forecast_goes_by_the_rows_of_the_last_days(
    monkeypatch: pytest.MonkeyPatch, free: int | None, budget: int, days_left: int | None
) -> None:
    monkeypatch.setattr(Room, "free", free)
    usage = Usage(size=100 * MIB, rows=1000, recent=700, since=START - timedelta(days=90))  # 100 a day, of 0.1 MiB each
    found = forecast(usage, Room(None, 1024 * MIB), budget, START)
    assert found.growth == 10 * MIB
    assert found.days_left == days_left


def test_a_young_store_is_measured_by_its_own_age() -> None:
    usage = Usage(size=30 * MIB, rows=300, recent=300, since=START - timedelta(days=3))
    assert forecast(usage, Room(None, 0), 0, START).growth == 10 * MIB
    assert forecast(Usage(MIB, 0, 0, START), Room(None, 0), 0, START).growth == 0


def test_the_sentence_says_what_to_do() -> None:
    calm = Forecast(size=100 * MIB, free=5000 * MIB, growth=MIB, days_left=3976, budget=0, floor=1024 * MIB)
    assert sentence(calm).endswith("按此还能用十年以上")
    assert not calm.tight
    soon = Forecast(size=100 * MIB, free=1100 * MIB, growth=10 * MIB, days_left=7, budget=0, floor=1024 * MIB)
    assert sentence(soon).endswith("请尽快清理或扩容")
    gone = Forecast(size=100 * MIB, free=10 * MIB, growth=10 * MIB, days_left=0, budget=0, floor=1024 * MIB)
    assert sentence(gone).endswith("已停止读取，报送照常")
    assert "停止读取" not in sentence(replace(calm, free=1 << 30, floor=0))
    assert "（低于 1.0 KiB 停止读取）" in sentence(replace(calm, free=1 << 30, floor=1 << 10))


def test_sizes_are_spoken_in_the_unit_a_person_would_use() -> None:
    assert [spoken(size) for size in (0, 1023, 1024, 1536 * 1024, 3 << 30)] == [
        "0 字节",
        "1023 字节",
        "1.0 KiB",
        "1.5 MiB",
        "3.0 GiB",
    ]
