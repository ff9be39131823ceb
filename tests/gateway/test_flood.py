"""The same trouble again and again is told a few times, then counted, then told how often; work done is never held back."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from jobs import loglines
from jobs.flood import REPEATED, Flood
from jobs.loglines import LogFileError
from schemas.logfile import LogFile


class Desk:
    """A flood whose clock the test sets; what passes and what is told."""

    def __init__(self, **settings: Any) -> None:
        self.now, self.told, self.passed = 0.0, list[dict[str, Any]](), 0
        self.flood = Flood(clock=lambda: self.now, tell=self.told.append, **settings)

    def say(self, level: str = "warning", event: str = "failed", **line: Any) -> None:
        try:
            self.flood(None, level, {"level": level, "event": event, **line})
        except structlog.DropEvent:
            return
        self.passed += 1


def test_the_first_few_pass_and_the_others_are_told_as_one_line_at_the_end_of_the_window() -> None:
    desk = Desk(first=3)
    for _ in range(100):
        desk.say(source="his", cause="连不上")
    assert (desk.passed, desk.told) == (3, [])
    desk.now = 60
    desk.flood.tick()
    assert desk.told == [{"of": "failed", "source": "his", "cause": "连不上", "times": 97, "seconds": 60}]
    desk.flood.tick()
    assert len(desk.told) == 1


def test_windows_double_while_it_goes_on_and_it_begins_anew_once_it_was_quiet() -> None:
    desk = Desk(first=1, window=60, longest=240)
    lengths = []
    for second in range(3000):
        desk.now = float(second)
        desk.say(cause="连不上")
    lengths = [each["seconds"] for each in desk.told]
    assert lengths[:4] == [60, 120, 240, 240]
    assert desk.passed < 20
    desk.now = 10_000.0
    desk.flood.tick()
    desk.now = 20_000.0
    desk.flood.tick()
    told, passed = len(desk.told), desk.passed
    desk.say(cause="连不上")
    assert (len(desk.told), desk.passed) == (told, passed + 1)


def test_another_place_or_cause_is_another_trouble_and_another_number_in_it_is_not() -> None:
    desk = Desk(first=1)
    desk.say(source="his", cause="磁盘只剩 10 MiB")
    desk.say(source="his", cause="磁盘只剩 9 MiB")
    assert desk.passed == 1
    desk.say(source="lis", cause="磁盘只剩 9 MiB")
    desk.say(source="his", cause="连不上")
    desk.say(event="unexpected", source="his", cause="连不上")
    assert desk.passed == 4


def test_work_done_is_never_held_back() -> None:
    desk = Desk(first=1)
    for _ in range(50):
        desk.say("info", "answered", target="bureau")
    assert desk.passed == 50


def test_memory_is_bounded_and_what_is_forgotten_is_told() -> None:
    desk = Desk(first=1, most=10)
    for number in range(1000):
        for _ in range(2):
            desk.say(source=f"来源{'甲' * (number + 1)}")
    assert len(desk.flood._spells) == 10
    assert len(desk.told) == 990
    desk.flood.close()
    assert len(desk.told) == 1000


def test_threads_lose_no_line() -> None:
    desk = Desk(first=5)
    threads = [threading.Thread(target=lambda: [desk.say(cause="连不上") for _ in range(500)]) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    desk.flood.close()
    assert desk.passed + sum(each["times"] for each in desk.told) == 4000


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "logs" / "gateway.log"
    structlog.reset_defaults()


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_lines_go_to_standard_error_and_to_the_file_and_the_held_ones_are_told_at_the_end(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with loglines.logging_to(LogFile(file, 1, 2)):
        for _ in range(20):
            structlog.get_logger().warning("failed", cause="连不上 13800000000")
    told = lines(file)
    assert [each["event"] for each in told] == ["failed"] * 5 + [REPEATED]
    assert told[-1]["times"] == 15
    assert "13800000000" not in file.read_text(encoding="utf-8")
    assert capsys.readouterr().err == file.read_text(encoding="utf-8")


def test_the_file_is_rotated_by_size_and_so_many_copies_are_kept(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with loglines.logging_to(LogFile(file, 1, 2)):
        for number in range(20_000):
            structlog.get_logger().info("answered", records=number, filler="填" * 60)
    capsys.readouterr()
    found = sorted(each.name for each in file.parent.iterdir())
    assert found == ["gateway.log", "gateway.log.1", "gateway.log.2"]
    assert all(each.stat().st_size <= 1 << 20 for each in file.parent.iterdir())


def test_a_file_that_cannot_be_renamed_goes_on_and_loses_no_line(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As on Windows, where another program has it open."""

    def held(self: Any, source: str, dest: str) -> None:
        raise PermissionError(13, "used by another process")

    monkeypatch.setattr("logging.handlers.RotatingFileHandler.rotate", held)
    with loglines.logging_to(LogFile(file, 1, 2)):
        for number in range(8000):
            structlog.get_logger().info("answered", records=number, filler="填" * 60)
    capsys.readouterr()
    assert [each["records"] for each in lines(file)] == list(range(8000))


def test_a_file_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file", encoding="utf-8")
    with pytest.raises(LogFileError, match=r"日志文件 .* 写不进去"):
        loglines.configure(LogFile(tmp_path / "logs" / "gateway.log", 1, 1))
