"""`python -m bench.delivery`: the short form; `--rows 100000 --rounds 2 --faults --lag` for figures to quote (bench/RESULTS.md).

Everything runs at nice 10, one contestant after the other. Quote ratios of one run: absolute figures move with the machine.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import click
import orjson
import pymysql

from bench import validation
from bench.delivery import clean, faults, lag, ours, split
from bench.delivery.contestants import CONTESTANTS, LEAST, RETRYING, Contestant, Terms
from bench.delivery.counting import Receiver, receiver
from bench.delivery.hospital import Hospital, connect, hospital
from bench.delivery.measuring import ROOT, run

SHORT = 5_000
#: with more rows only these are measured: `_FOR_MANY`
_MOST_FOR_ALL = 100_000
_FOR_MANY = ("ours", "straw", "least", "least_c")
_SIZE = 100
_FAULT_ROWS = 2_000
#: the same as another, or no product
_NO_FAULTS = ("dlt_plain", "least", "least_c")


@click.command()
@click.option(
    "--rows", default=SHORT, envvar="BENCH_ROWS", show_default=True, help="每个做法报送多少行；超过十万只测本产品、稻草人和极限。"
)
@click.option("--rounds", default=1, show_default=True, help="轮流测几轮，取中位数。")
@click.option("--only", default="", help="只测这些（逗号分开），如 ours,straw。")
@click.option("--faults", "faulty", is_flag=True, help="另做十一项故障。")
@click.option("--lag", "lagging", is_flag=True, help="另测从源库提交到平台收下的时间。")
@click.option("--no-clean", "skipped", is_flag=True, help="不测速度。")
def main(rows: int, rounds: int, only: str, faulty: bool, lagging: bool, skipped: bool) -> None:
    """同一张表到同一个接收器：本产品和别的做法，每秒多少行，用多少 CPU 和内存，出故障时漏多少、重多少。"""
    try:
        connect().close()
    except pymysql.Error:
        click.echo("这台机器上没有可用的 MariaDB（127.0.0.1:3306，用户 root），报送的测速没有做。")
        return
    chosen = [each for each in (*CONTESTANTS, *LEAST) if not only or each.name in only.split(",")]
    with tempfile.TemporaryDirectory(prefix="liangding-bench-") as folder, receiver() as counting:
        place = Path(folder)
        click.echo(f"\n{datetime.now(UTC):%Y-%m-%d}，{validation.machine()}，负载 {_load()}，{_SIZE} 行一个请求\n")
        if not skipped:
            _clean(chosen, counting, place, rows, rounds)
        if faulty:
            _faults(chosen, counting, place)
        if lagging:
            for line in lag.table(counting, place / "lag", _yesterday()):
                click.echo(line)


def _clean(chosen: Sequence[Contestant], counting: Receiver, place: Path, rows: int, rounds: int) -> None:
    measured = [each for each in chosen if rows <= _MOST_FOR_ALL or each.name in _FOR_MANY]
    click.echo(f"### {rows:,} 行，{rounds} 轮的中位数\n")
    with hospital(rows, _yesterday()) as found:
        scores, excused = clean.compare(measured, Terms(found, counting.url, _SIZE), counting, place / "clean", rows, rounds)
        for line in clean.table(measured, scores, excused):
            click.echo(line)
        click.echo()
        for line in clean.verdict(scores, rows):
            click.echo(line)
        plain, messages = clean.alone(counting, min(rows, _MOST_FOR_ALL), _SIZE)
        click.echo(f"\n接收器单独（内存里现成的报文）：每秒 {plain:,.0f} 行；按规范逐条应答时 {messages:,.0f} 行。")
        if any(each.name == "ours" for each in measured):
            _split(found, counting, place / "split", rows)


def _split(found: Hospital, counting: Receiver, folder: Path, rows: int) -> None:
    gateway = ours.install(folder, found.url, counting.url)
    counting.follow()
    command = [sys.executable, "-m", "bench.delivery.split", str(gateway.folder / "config.yaml")]
    cost = run(command, ROOT, folder / "split.txt", limit=3600)
    if cost.code:
        click.echo(f"时间的去处没有测成：{cost.said[-300:]}", err=True)
        return
    click.echo("\n| 本产品的时间在哪里 | 每行 CPU 微秒 | 每行墙钟微秒 |\n|---|---:|---:|")
    for line in split.lines(orjson.loads(cost.said.splitlines()[-1]), rows):
        click.echo(line)


def _faults(chosen: Sequence[Contestant], counting: Receiver, place: Path) -> None:
    tried = [each for each in chosen if each.name not in _NO_FAULTS]
    if any(each.name == "pandas" for each in tried):
        tried.append(RETRYING)
    click.echo(f"\n### 故障，{_FAULT_ROWS:,} 行（T9 十倍）\n")
    for line in faults.table(tried, counting, place / "faults", _FAULT_ROWS, _yesterday()):
        click.echo(line)


def _yesterday() -> date:
    return datetime.now(UTC).date() - timedelta(days=1)


def _load() -> str:
    return (Path("/proc/loadavg").read_text(encoding="ascii").split() or ["?"])[0]


if __name__ == "__main__":
    main()
