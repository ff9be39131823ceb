"""Contestants take turns over the same rows, each in a process of its own: a busy minute of the machine then touches all of them.

Only a contestant's own work is timed, not the making of rows.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, TextIO

import orjson

Judged = Callable[[Any], Any]
PAGE = 500
#: rows of one turn: long enough to be at full speed after the others, short enough that the turns are many
ROUND = 5_000
#: rows after which memory has been taken for everything that is only taken once
SETTLED = 100_000


@dataclass(frozen=True, slots=True)
class Turn:
    """What one contestant did in one round."""

    rows: int
    refused: int
    wall: float  #: seconds
    cpu: float  #: seconds of its process
    peak: int  #: KiB resident at most, so far


@dataclass(frozen=True, slots=True)
class Run:
    """All the turns of one contestant."""

    turns: tuple[Turn, ...]

    @property
    def rows(self) -> int:
        """How many rows it judged."""
        return sum(turn.rows for turn in self.turns)

    @property
    def refused(self) -> int:
        """How many of them it refused."""
        return sum(turn.refused for turn in self.turns)

    @property
    def wall(self) -> float:
        """Seconds by the clock."""
        return sum(turn.wall for turn in self.turns)

    @property
    def cpu(self) -> float:
        """Seconds of CPU."""
        return sum(turn.cpu for turn in self.turns)

    @property
    def peak(self) -> int:
        """KiB resident at most."""
        return self.turns[-1].peak

    @property
    def growth(self) -> int | None:
        """KiB by which the peak rose after the first 100,000 rows; None if there were no more."""
        settled = SETTLED // ROUND
        return self.peak - self.turns[settled - 1].peak if len(self.turns) > settled else None

    def ratios(self, other: Run) -> list[float]:
        """Round by round, how many times as much CPU the other took."""
        return [theirs.cpu / ours.cpu for ours, theirs in zip(self.turns, other.turns, strict=True)]


def race(names: Sequence[str], rows: int, command: Callable[[str], Sequence[str]]) -> dict[str, Run]:
    """Let the contestants judge `rows` rows each, by turns; another one begins each round.

    `command` starts the process of one, which calls `serve`. CalledProcessError if it ends before its time.
    """
    turns: dict[str, list[Turn]] = {name: [] for name in names}
    with ExitStack() as running:
        processes = {name: running.enter_context(_started(command(name))) for name in names}
        for number in range(-(-rows // ROUND)):
            first = number % len(names)
            for name in (*names[first:], *names[:first]):
                turns[name].append(_turn(processes[name]))
    return {name: Run(tuple(each)) for name, each in turns.items()}


def _started(command: Sequence[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own module


def _turn(process: subprocess.Popen[str]) -> Turn:
    assert process.stdin and process.stdout  # noqa: S101 - both were asked for
    process.stdin.write("\n")
    process.stdin.flush()
    line = process.stdout.readline()
    if not line:
        raise subprocess.CalledProcessError(process.wait(), process.args)
    return Turn(**orjson.loads(line))


def serve(judged: Judged, pages: Iterator[list[Any]], asked: TextIO, told: TextIO) -> None:
    """The contestant's side: one turn per line asked, until nobody asks any more or there are no more pages."""
    while asked.readline():
        told.write(orjson.dumps(asdict(turn(judged, islice(pages, ROUND // PAGE)))).decode() + "\n")
        told.flush()


def turn(judged: Judged, pages: Iterator[list[Any]]) -> Turn:
    """Judge every row of the pages. Neither a page nor its results outlive it."""
    rows = refused = 0
    wall = cpu = 0.0
    for page in pages:
        began, began_cpu = time.perf_counter(), time.process_time()
        results = [judged(row) for row in page]
        wall, cpu = wall + time.perf_counter() - began, cpu + time.process_time() - began_cpu
        rows, refused = rows + len(page), refused + sum(result is None for result in results)
        del page, results
    return Turn(rows, refused, wall, cpu, _peak())


def _peak() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // 1024 if sys.platform == "darwin" else peak
