"""How often `gateway serve` reads a data set whose profile says that it is read whole each time."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import structlog
from support.databases import KEY
from support.delivery import START, Rows

from gateway import config as configuration
from gateway import main
from gateway.config import Schedule
from gateway.model import Reading
from gateway.rescanning import Spared, reading_job
from gateway.wiring import opened

SCHEDULE = Schedule(read_every=10, rescan_every=300, upload_every=2)


class Table:
    """A site whose scans take as long as the test says."""

    def __init__(self) -> None:
        self.now, self.takes, self.scans, self.fails = 1000.0, 1.0, list[float](), False

    def scan(self) -> None:
        self.scans.append(self.now)
        self.now += self.takes
        if self.fails:
            raise RuntimeError("away")


@pytest.mark.parametrize(("reading", "every"), [(Reading.INCREMENTAL, 10), (Reading.RESCAN, 300)])
def test_only_a_data_set_that_is_read_whole_waits_for_the_longer_interval(reading: Reading, every: int) -> None:
    job = reading_job(Rows([], reading=reading), SCHEDULE, lambda: None)
    assert (job.name, job.every) == ("read:his:RX01", every)


def test_a_scan_longer_than_a_tenth_of_the_interval_is_followed_by_ten_times_its_length_and_is_told() -> None:
    table = Table()
    turn = Spared("read:his:RX01", 300, table.scan, lambda: table.now)
    table.takes = 29
    with structlog.testing.capture_logs() as quick:
        turn()
    assert quick == []
    table.now, table.takes = 1300.0, 70
    with structlog.testing.capture_logs() as told:
        turn()
    assert [(each["event"], each["job"], each["seconds"], each["next_in"]) for each in told] == [
        ("slow_scan", "read:his:RX01", 70, 700)
    ]
    for moment in (1600.0, 1900.0, 1999.0, 2200.0):
        table.now, table.takes = moment, 1
        turn()
    assert table.scans == [1000.0, 1300.0, 2200.0]


def test_a_scan_that_fails_after_a_long_time_is_no_reason_to_hurry() -> None:
    table = Table()
    table.takes, table.fails = 60, True
    turn = Spared("read:his:RX01", 300, table.scan, lambda: table.now)
    with pytest.raises(RuntimeError):
        turn()
    table.now = 1500.0
    turn()
    assert table.scans == [1000.0]


def test_a_reading_of_what_is_new_rests_ten_times_its_length_but_never_long() -> None:
    """Each moment is a turn of the timetable: most are left out after a slow one, and after a backlog it is a minute only."""
    table = Table()
    turn = reading_job(Rows([]), Schedule(read_every=2, rescan_every=300, upload_every=2), table.scan).do
    assert isinstance(turn, Spared)
    turn.clock = lambda: table.now
    table.takes = 0.1
    for moment in (0.0, 2.0, 4.0):
        table.now = moment
        turn()
    assert table.scans == [0.0, 2.0, 4.0], "a quick one has every turn"
    table.now, table.takes = 6.0, 1.5
    with structlog.testing.capture_logs() as told:
        turn()
    assert [(each["event"], each["next_in"]) for each in told] == [("slow_scan", 15)]
    for moment in (8.0, 14.0, 20.0, 22.0):
        table.now, table.takes = moment, 0.1
        turn()
    assert table.scans[4:] == [22.0]
    table.now, table.takes = 30.0, 1200.0
    turn()
    for moment in (1260.0, 1288.0, 1291.0):
        table.now, table.takes = moment, 0.1
        turn()
    assert table.scans[5:] == [30.0, 1291.0]


CONFIG = """
store: {url: "sqlite:///gateway.db", key: {file: store.key}, disk_floor: 0}
institutions: [{code: H99000100001, name: 测试医院, admvs: "999999"}]
targets:
  bureau: {url: "https://example.invalid/api/upload", credentials: {H99000100001: {paasid: p, token: {file: token}}}}
sources:
  - name: his
    profile: his/openhis
    url: "postgresql+psycopg://reader@example.invalid/his"
    institution: H99000100001
schedule: {read_every: 20}
"""


def test_serve_reads_a_rescanning_profile_every_five_minutes_unless_told_otherwise(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("synthetic", encoding="utf-8")
    (tmp_path / "store.key").write_text(KEY, encoding="utf-8")
    path = tmp_path / "config.yaml"
    for schedule, every in (("read_every: 20", 300), ("read_every: 20, rescan_every: 900", 900), ("read_every: 400", 400)):
        path.write_text(CONFIG.replace("read_every: 20", schedule), encoding="utf-8")
        with opened(configuration.load(path), lambda: START) as gateway:
            jobs = {each.name: each.every for each in main._jobs(gateway, threading.Event())}
        assert [jobs[name] for name in jobs if name.startswith("read:")] == [every]
