"""Time, memory and tables: what the figures are made of."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench.delivery import clean, environments, split
from bench.delivery.clean import Run, Score
from bench.delivery.contestants import CONTESTANTS, by_name
from bench.delivery.measuring import Cost, run


def test_cpu_and_memory_of_a_child_of_the_process_count_as_well(tmp_path: Path) -> None:
    burn = "import time\nheld = bytearray(80_000_000)\nend = time.process_time() + 0.4\nwhile time.process_time() < end: pass"
    command = [sys.executable, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}])"]
    cost = run(command, tmp_path, tmp_path / "log")
    assert cost.code == 0 and cost.cpu >= 0.4 and cost.peak >= 70_000


def test_a_process_told_to_die_takes_its_children_with_it(tmp_path: Path) -> None:
    child = f"import time; time.sleep(3); open({str(tmp_path / 'late')!r}, 'w')"
    command = [sys.executable, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"]
    cost = run(command, tmp_path, tmp_path / "log", kill_when=lambda: True)
    assert cost.code == -9 and cost.wall < 2


def test_last_words_are_kept(tmp_path: Path) -> None:
    cost = run([sys.executable, "-c", "raise SystemExit('第 3 行不对')"], tmp_path, tmp_path / "log")
    assert cost.code == 1 and "第 3 行不对" in cost.said


def test_an_environment_that_pip_cannot_make_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "none.txt").write_text("liangding-no-such-file @ file:///nonexistent/none.whl\n", encoding="utf-8")
    monkeypatch.setattr(environments, "REQUIREMENTS", tmp_path)
    with pytest.raises(environments.NotInstalledError, match=r"none\.txt 里的包在这台机器上装不上"):
        environments.environment("none", tmp_path / "place")
    assert not list((tmp_path / "place").glob("*/.ready"))


def test_every_contestant_pins_its_versions() -> None:
    for path in environments.REQUIREMENTS.glob("*.txt"):
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
        assert lines and all("==" in line or "<" in line for line in lines), path
    assert [by_name(each.name) for each in CONTESTANTS] == list(CONTESTANTS)


def test_the_table_says_how_many_times_faster_we_are_and_who_could_not_be_had() -> None:
    ours, straw, drt = (by_name(name) for name in ("ours", "straw", "drt"))
    scores = {"ours": _score(wall=1, cpu=0.5), "straw": _score(wall=5, cpu=4)}
    lines = list(clean.table([ours, straw, drt], scores, {"drt": "装不上，没有测"}))
    assert "| 1,000 | 2,000 | - |" in lines[2]
    assert "5.00 / 8.00 倍" in lines[3]
    assert "装不上，没有测" in lines[4]


def test_pass_lines_are_judged_by_cpu_seconds_and_memory_only_at_a_million_rows() -> None:
    scores = {"ours": _score(wall=9, cpu=1), "straw": _score(wall=1, cpu=5), "drt": _score(wall=9, cpu=1.9)}
    assert [line.rpartition("，")[2] for line in clean.verdict(scores, 1_000_000)] == ["达到", "没有达到", "达到"]
    assert "MB" not in "".join(clean.verdict(scores, 100_000))
    assert "--rows 100000" in list(clean.verdict(scores, 5_000))[-1]
    assert not list(clean.verdict({"straw": scores["straw"]}, 5_000))


def test_a_median_is_taken_of_the_rounds_and_the_worst_loss_of_any() -> None:
    score = Score([_run(1, 1, missing=0), _run(2, 1, missing=7), _run(4, 1, missing=0)])
    assert score.rows_per_second == 500
    assert "| 7 | 0 |" in list(clean.table([by_name("ours")], {"ours": score}, {}))[2]


def test_time_within_a_part_is_put_down_to_that_part() -> None:
    clock = split.Clock()
    assert clock.timed("send", lambda given: given * 2)(21) == 42
    assert clock.wall["send"] > 0
    lines = list(split.lines({"cpu": {"send": 0.5}, "wall": {"send": 1.0}}, 1000))
    assert "| 500.0 | 1000.0 |" in next(line for line in lines if "HTTP" in line)


def _score(wall: float, cpu: float) -> Score:
    return Score([_run(wall, cpu)])


def _run(wall: float, cpu: float, missing: int = 0) -> Run:
    return Run(Cost(wall, cpu, 1024, 0, ""), 1000, missing, 0)
