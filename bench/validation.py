"""How fast a row is mapped and validated: `python -m bench.validation --rows 1000000`, or `make bench` for the short form.

Every contestant runs in a process of its own, one after the other, over the same rows; only its own work is timed, not the making
of rows. Quote the ratios: absolute figures move with the machine and with what else runs on it.
"""

from __future__ import annotations

import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import orjson

from bench import contestants, sessions
from bench.contestants import CONTESTANTS

SHORT = 20_000
PAGE = 500
#: rows after which memory has been taken for everything that is only taken once
_SETTLED = 100_000


@dataclass(frozen=True, slots=True)
class Run:
    """What one contestant did."""

    rows: int
    refused: int
    wall: float  #: seconds
    cpu: float  #: seconds of this process
    peak: int  #: KiB resident at most
    settled: int  #: KiB resident at most after the first 100,000 rows


def run(judged: Callable[[Any], Any], pages: Iterator[list[Any]]) -> Run:
    """Judge every row of every page."""
    rows = refused = settled = 0
    wall = cpu = 0.0
    for page in pages:
        began, began_cpu = time.perf_counter(), time.process_time()
        results = [judged(row) for row in page]
        wall, cpu = wall + time.perf_counter() - began, cpu + time.process_time() - began_cpu
        rows, refused = rows + len(page), refused + sum(result is None for result in results)
        if rows <= _SETTLED:
            settled = _peak()
    return Run(rows, refused, wall, cpu, _peak(), settled)


def _peak() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // 1024 if sys.platform == "darwin" else peak


def _measured(name: str, rows: int, bad: float) -> Run:
    """Run one contestant in a process of its own, so that its memory is its own."""
    command = [sys.executable, "-m", "bench.validation", "--one", name, "--rows", str(rows), "--bad", str(bad)]
    done = subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - this module
    return Run(**orjson.loads(done.stdout))


def _one(name: str, rows: int, bad: float) -> Run:
    pages: Iterator[list[Any]] = sessions.pages(rows, PAGE, bad)
    encode = contestants.encoders().get(name)
    if encode is None:
        return run(CONTESTANTS[name][1](), pages)
    content = CONTESTANTS["hand"][1]()
    return run(encode, ([content(row) for row in page] for page in pages))


def _table(runs: dict[str, Run]) -> Iterator[str]:
    straw, hand = runs["straw"].cpu, runs["hand"].cpu
    yield "| 做法 | 行/秒 | 是稻草人的 | 用时是手写的 | CPU 秒 | 墙钟秒 | 峰值内存 MB | 10 万行后又增 MB | 拒收 |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|---:|"
    for name, each in runs.items():
        label = CONTESTANTS[name][0] if name in CONTESTANTS else f"只写 JSON：{name}"
        growth = f"{(each.peak - each.settled) / 1024:.1f}" if each.rows > _SETTLED else "-"
        compared = f"{straw / each.cpu:.1f} 倍 | {each.cpu / hand:.2f} 倍" if name in CONTESTANTS else "- | -"
        yield (
            f"| {label} | {each.rows / each.cpu:,.0f} | {compared} | {each.cpu:.2f} | {each.wall:.2f} "
            f"| {each.peak / 1024:.0f} | {growth} | {each.refused:,} |"
        )


def machine() -> str:
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        lines = info.read_text(encoding="utf-8").splitlines()
        name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    return f"{name}，{len(_cores())} 核，Python {platform.python_version()}"


def _cores() -> set[int]:
    import os

    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))


@click.command()
@click.option("--rows", default=SHORT, envvar="BENCH_ROWS", show_default=True, help="每个做法处理多少行。")
@click.option("--bad", default=0.0, show_default=True, help="其中有错的比例。")
@click.option("--only", default="", help="只测这些（逗号分开）；straw 与 hand 总要测，倍数由它们来。")
@click.option("--one", default="", hidden=True)
def main(rows: int, bad: float, only: str, one: str) -> None:
    """20 个字段的记录：映射 + 校验，每秒多少行。"""
    if one:
        click.echo(orjson.dumps(asdict(_one(one, rows, bad))))
        return
    click.echo(f"{datetime.now(UTC):%Y-%m-%d}，{machine()}，{rows:,} 行，其中有错的 {bad:.1%}；行/秒与倍数按 CPU 秒计\n")
    runs = {}
    wanted = {"straw", "hand", *only.split(",")}
    for name in (*CONTESTANTS, *contestants.encoders()):
        if only and name not in wanted:
            continue
        click.echo(f"  正在测 {name} ……", err=True)
        runs[name] = _measured(name, rows, bad)
    for line in _table(runs):
        click.echo(line)


if __name__ == "__main__":
    main()
