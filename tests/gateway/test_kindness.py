"""A source is read no faster than its site allows, off the peak, and not while it is slow; nothing is lost by it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from gateway.errors import SparedError, StoppedError
from gateway.kindness import COLD, HOT, WARM, Kindness, Limits, Pace
from gateway.model import Cursor, Mark, Page, Reading, SourceRow
from gateway.windows import hours
from schemas.wire import SHANGHAI

START = datetime(2026, 11, 25, 10, 0, tzinfo=SHANGHAI)


@dataclass
class Time:
    """A clock that goes only when it is told to."""

    at: datetime = START
    waits: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return self.at

    def ticks(self) -> float:
        return (self.at - START).total_seconds()

    def pause(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.at += timedelta(seconds=seconds)


@dataclass
class Table:
    """Twelve rows, four a page; each page takes as long as the test says."""

    time: Time
    takes: Callable[[int], float] = lambda number: 0.1
    reading: Reading = Reading.INCREMENTAL
    name: str = "his"
    dataset: str = "RX01"
    digest: str = ""
    sweeps: bool = True
    slices: int = 0

    def pages(self, after: Cursor | None, size: int) -> Iterator[Page]:
        first = int(after.key) if after else 0
        for number in range(first, 12, 4):
            self.time.at += timedelta(seconds=self.takes(number // 4))
            rows = tuple(SourceRow(str(each), Cursor(None, each + 1), "H1") for each in range(number, number + 4))
            yield Page(rows, rows[-1].cursor)

    def window(self, start: datetime, end: datetime, size: int) -> Iterator[Page]:
        self.slices += 1
        yield from self.pages(None, size)

    def earlier(self, position: Cursor, by: timedelta) -> Cursor:
        return position

    def lookup(self, refs: Any) -> tuple[SourceRow, ...]:
        return ()

    def mark(self) -> Mark:
        return Mark("x")

    def count(self) -> int | None:
        return None

    def filled_by(self, path: str) -> tuple[str, ...]:
        return ()


@pytest.fixture
def time() -> Time:
    """The clock of one test."""
    return Time()


def kind(time: Time, **limits: Any) -> Kindness:
    return Kindness(Limits(**limits), time.now, time.ticks, time.pause)


def test_new_rows_stop_at_the_hours_budget_and_go_on_where_they_stopped(time: Time) -> None:
    kindness, table = kind(time, hot_rows=8), Table(time)
    found: list[SourceRow] = []
    last = None
    with pytest.raises(SparedError, match="来源 his 的 RX01：热层这一小时已读满 8 行，11:00 接着读"):
        for page in kindness.of(table, HOT, lambda: False).pages(None, 4):
            found += page.rows
            last = page.cursor
    assert len(found) == 8
    with pytest.raises(SparedError):
        next(kindness.of(table, HOT, lambda: False).pages(last, 4))
    time.at += timedelta(hours=1)
    found += [row for page in kindness.of(table, HOT, lambda: False).pages(last, 4) for row in page.rows]
    assert [row.ref for row in found] == [str(number) for number in range(12)]


def test_what_is_read_whole_each_time_is_not_cut_in_the_middle(time: Time) -> None:
    kindness, table = kind(time, hot_rows=8), Table(time, reading=Reading.RESCAN)
    assert sum(len(page.rows) for page in kindness.of(table, HOT, lambda: False).pages(None, 4)) == 12
    with pytest.raises(SparedError):
        next(kindness.of(table, HOT, lambda: False).pages(None, 4))


@dataclass
class Files(Table):
    """A source that is put away when it was read to its end."""

    def put_away(self) -> None:
        pass


def test_a_dropped_file_is_read_to_its_end_or_it_would_begin_anew_every_hour(time: Time) -> None:
    kindness, files = kind(time, hot_rows=8), Files(time)
    assert sum(len(page.rows) for page in kindness.of(files, HOT, lambda: False).pages(None, 4)) == 12
    assert kindness.closed(HOT)


def test_each_tier_has_its_own_budget_and_data_sets_share_it(time: Time) -> None:
    kindness = kind(time, hot_rows=12)
    list(kindness.of(Table(time, dataset="HD03", reading=Reading.RESCAN), HOT, lambda: False).pages(None, 4))
    assert kindness.closed(HOT)
    assert not kindness.closed(WARM)


def test_a_sweep_waits_between_two_slices_and_ends_when_it_is_asked_to(time: Time) -> None:
    kindness, table = kind(time, warm_rows=12), Table(time)
    sweep = kindness.of(table, WARM, lambda: False)
    assert len(list(sweep.window(START, START, 4))) == 3
    assert time.waits == []
    assert len(list(sweep.window(START, START, 4))) == 3
    assert time.at >= START + timedelta(hours=1)
    with pytest.raises(StoppedError):
        next(kindness.of(table, WARM, lambda: True).window(START, START, 4))


def test_the_nightly_look_reads_off_the_peak_only(time: Time) -> None:
    kindness = kind(time, off_peak=(hours("22:00-06:00"),))
    assert kindness.closed(COLD) == "夜间核对只在闲时做，22:00 再读"
    assert not kindness.closed(HOT)
    time.at = START.replace(hour=23)
    assert not kindness.closed(COLD)


def test_a_page_that_takes_far_longer_than_usual_is_followed_by_a_rest_for_all_tiers(time: Time) -> None:
    kindness = kind(time)
    for _ in range(3):
        list(kindness.of(Table(time), HOT, lambda: False).pages(None, 4))
    slow = Table(time, takes=lambda number: 5.0)
    with pytest.raises(SparedError, match="本地系统变慢，歇 50 秒再读"):
        list(kindness.of(slow, HOT, lambda: False).pages(None, 4))
    assert kindness.closed(WARM)
    time.at += timedelta(seconds=50)
    assert not kindness.closed(WARM)
    with pytest.raises(SparedError, match="歇 100 秒"):
        list(kindness.of(slow, HOT, lambda: False).pages(None, 4))
    time.at += timedelta(seconds=100)
    list(kindness.of(Table(time), HOT, lambda: False).pages(None, 4))
    assert not kindness.closed(HOT)


def test_a_quick_page_is_never_slow_and_what_stays_slow_becomes_usual() -> None:
    pace = Pace()
    assert not any(pace.slow(0.01, 3) for _ in range(9))
    assert not pace.slow(1.9, 3)
    found = [pace.slow(4.0, 3) for _ in range(60)]
    assert found[0]
    assert not found[-1]


def test_the_rest_can_be_turned_off(time: Time) -> None:
    kindness = kind(time, slower=0)
    for takes in (0.1, 0.1, 0.1, 50.0):
        list(kindness.of(Table(time, takes=lambda number, takes=takes: takes), HOT, lambda: False).pages(None, 4))  # type: ignore[misc]
    assert not kindness.closed(HOT)
