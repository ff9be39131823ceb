"""Turns of the mapping benchmark, and what its table and its verdicts say of them."""

from __future__ import annotations

import io
import subprocess
import sys

import orjson
import pytest

from bench import rounds, validation
from bench.rounds import Run, Turn


def made(*cpu: float, peak: int = 26 * 1024) -> Run:
    return Run(tuple(Turn(rounds.ROUND, 1, each * 2, each, peak) for each in cpu))


def test_a_turn_counts_rows_and_refusals_and_takes_no_more_than_its_pages() -> None:
    pages = iter([[1, 2, 3], [4, 5]])
    done = rounds.turn(lambda row: None if row == 4 else row, pages)
    assert (done.rows, done.refused) == (5, 1)
    assert done.peak > 1_000 and done.wall > 0


def test_a_contestant_does_one_turn_each_time_it_is_asked() -> None:
    told, pages = io.StringIO(), iter([[0] * rounds.PAGE] * 15)
    rounds.serve(lambda row: row, pages, io.StringIO("\n\n"), told)
    assert [orjson.loads(line)["rows"] for line in told.getvalue().splitlines()] == [rounds.ROUND, rounds.PAGE * 5]


def test_contestants_race_in_processes_of_their_own() -> None:
    command = [sys.executable, "-m", "bench.validation", "--rows", str(rounds.ROUND), "--bad", "0.2", "--one"]
    runs = rounds.race(("hand", "compiled"), rounds.ROUND, lambda name: [*command, name])
    assert [run.rows for run in runs.values()] == [rounds.ROUND] * 2
    assert runs["hand"].refused == runs["compiled"].refused > 500


def test_a_contestant_that_dies_ends_the_race() -> None:
    with pytest.raises(subprocess.CalledProcessError):
        rounds.race(("x",), 1, lambda name: [sys.executable, "-c", "raise SystemExit(3)"])


def test_growth_is_what_comes_after_the_first_hundred_thousand_rows() -> None:
    turns = rounds.SETTLED // rounds.ROUND
    assert made(*[1.0] * turns).growth is None
    settled = made(*[1.0] * turns).turns
    assert Run((*settled, *made(1.0, peak=27 * 1024).turns)).growth == 1024


@pytest.mark.parametrize(
    ("straw", "hand", "compiled", "met"),
    [
        (15.0, 1.0, 1.0, ["达到", "达到"]),
        (14.9, 1.0, 1.0, ["没有达到", "达到"]),
        (40.0, 1.0, 2.0, ["达到", "达到"]),
        (40.0, 1.0, 2.1, ["达到", "没有达到"]),
    ],
)
def test_the_verdicts_are_those_of_the_pass_line(straw: float, hand: float, compiled: float, met: list[str]) -> None:
    runs = {"straw": made(straw, straw), "hand": made(hand, hand), "compiled": made(compiled, compiled)}
    lines = list(validation.verdicts(runs))
    assert [line.partition("：")[0] for line in lines] == [*met, "没有测"]


def test_memory_that_grows_is_told() -> None:
    settled, grown = made(*[1.0] * 20), made(1.0, peak=40 * 1024)
    runs = {name: Run((*settled.turns, *grown.turns)) for name in ("straw", "hand", "compiled")}
    assert list(validation.verdicts(runs))[-1].startswith("没有达到：内存")


def test_the_table_compares_sums_and_shows_how_far_the_rounds_lie_apart() -> None:
    runs = {"straw": made(30.0, 60.0), "hand": made(2.0, 2.0), "compiled": made(1.0, 3.0)}
    line = list(validation.table(runs))[-1]
    assert "22.5 倍 | 25.0（20.0–30.0） | 1.00 倍" in line
