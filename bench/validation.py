"""How fast a row is mapped and validated: `python -m bench.validation --rows 1000000`, or `make bench` for the short form.

Quote the ratios: absolute figures move with the machine and with what else runs on it.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import click

from bench import contestants, rounds, sessions
from bench.contestants import CONTESTANTS
from bench.rounds import Run

SHORT = 20_000
#: how many times as fast as the straw man, how many times the hand-written function's time, and MB of growth, are good enough
FASTER, SLOWER, GROWTH = 15, 2, 1


def _one(name: str, rows: int, bad: float) -> None:
    """The process of one contestant."""
    pages: Iterator[list[Any]] = sessions.pages(rows, rounds.PAGE, bad)
    encode = contestants.encoders().get(name)
    if encode is None:
        rounds.serve(CONTESTANTS[name][1](), pages, sys.stdin, sys.stdout)
        return
    content = CONTESTANTS["hand"][1]()
    rounds.serve(encode, ([content(row) for row in page] for page in pages), sys.stdin, sys.stdout)


def table(runs: dict[str, Run]) -> Iterator[str]:
    """One line per contestant, as Markdown."""
    straw, hand = runs["straw"], runs["hand"]
    yield "| 做法 | 行/秒 | 是稻草人的 | 逐轮中位（最低–最高） | 用时是手写的 | CPU 秒 | 峰值内存 MB | 10 万行后又增 MB | 拒收 |"
    yield "|---|---:|---:|---:|---:|---:|---:|---:|---:|"
    for name, each in runs.items():
        label = CONTESTANTS[name][0] if name in CONTESTANTS else f"只写 JSON：{name}"
        growth = "-" if each.growth is None else f"{each.growth / 1024:.1f}"
        compared = "- | - | -"
        if name in CONTESTANTS:
            compared = f"{straw.cpu / each.cpu:.1f} 倍 | {_spread(each.ratios(straw))} | {each.cpu / hand.cpu:.2f} 倍"
        yield (
            f"| {label} | {each.rows / each.cpu:,.0f} | {compared} | {each.cpu:.2f} "
            f"| {each.peak / 1024:.0f} | {growth} | {each.refused:,} |"
        )


def _spread(ratios: list[float]) -> str:
    return f"{median(ratios):.1f}（{min(ratios):.1f}–{max(ratios):.1f}）"


def verdicts(runs: dict[str, Run]) -> Iterator[str]:
    """The lines that the compiled contestant must reach, by the CPU of all rounds."""
    straw, hand, compiled = (runs[name] for name in ("straw", "hand", "compiled"))
    faster, slower = straw.cpu / compiled.cpu, compiled.cpu / hand.cpu
    yield f"{_met(faster >= FASTER)}：编译的至少是稻草人的 {FASTER} 倍——{faster:.1f} 倍"
    yield f"{_met(slower <= SLOWER)}：编译的用时在手写函数的 {SLOWER} 倍以内——{slower:.2f} 倍"
    if compiled.growth is None:
        yield f"没有测：内存不随行数增长——要多于 {rounds.SETTLED:,} 行"
    else:
        grown = compiled.growth / 1024
        yield f"{_met(grown <= GROWTH)}：内存不随行数增长——前 {rounds.SETTLED:,} 行之后又增 {grown:.1f} MB（至多 {GROWTH}）"


def _met(met: bool) -> str:
    return "达到" if met else "没有达到"


def machine() -> str:
    """The processor, its cores that are ours, and Python."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.is_file():
        lines = info.read_text(encoding="utf-8").splitlines()
        name = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), name)
    return f"{name}，{len(_cores())} 核，Python {platform.python_version()}"


def _cores() -> set[int]:
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))


def _load() -> str:
    """How many processes wanted a core in the last minute, ours among them."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "不明"


def _wanted(only: str) -> list[str]:
    names = [*CONTESTANTS, *contestants.encoders()]
    wanted = {"straw", "hand", "compiled", *only.split(",")}
    return [name for name in names if not only or name in wanted]


@click.command()
@click.option(
    "--rows", default=SHORT, envvar="BENCH_ROWS", show_default=True, help=f"每个做法处理多少行，{rounds.ROUND:,} 的倍数。"
)
@click.option("--bad", default=0.0, show_default=True, help="其中有错的比例。")
@click.option("--only", default="", help="只测这些（逗号分开）；straw、hand、compiled 总要测，结论由它们来。")
@click.option("--one", default="", hidden=True)
def main(rows: int, bad: float, only: str, one: str) -> None:
    """20 个字段的记录：映射 + 校验，每秒多少行。"""
    rows = -(-rows // rounds.ROUND) * rounds.ROUND
    if one:
        _one(one, rows, bad)
        return
    command = [sys.executable, "-m", "bench.validation", "--rows", str(rows), "--bad", str(bad), "--one"]
    click.echo(f"{datetime.now(UTC):%Y-%m-%d}，{machine()}，{rows:,} 行，其中有错的 {bad:.1%}，开始时机器负载 {_load()}")
    click.echo(f"各做法轮流，每轮 {rounds.ROUND:,} 行；行/秒与倍数按 CPU 秒计\n")
    runs = rounds.race(_wanted(only), rows, lambda name: [*command, name])
    for line in (*table(runs), "", *verdicts(runs), f"结束时机器负载 {_load()}"):
        click.echo(line)


if __name__ == "__main__":
    main()
