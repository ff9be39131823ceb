"""Nothing goes wrong: rows a second, CPU seconds, peak memory, and the receiver alone as the limit."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median

import click
import orjson

from bench.delivery.account import INSTITUTION
from bench.delivery.contestants import Contestant, Terms
from bench.delivery.counting import Receiver
from bench.delivery.environments import NotInstalledError
from bench.delivery.measuring import Cost
from schemas import overlay
from schemas.envelope import Sender, message_id, wrap
from schemas.wire import SHANGHAI

#: name -> what it is, and how many times as fast we are to be
GOALS: Mapping[str, tuple[str, float]] = {"straw": ("稻草人", 5), "dlt": ("同样校验的 dlt ", 8), "drt": ("drt ", 2)}
MOST_MB = 150
_MANY = 1_000_000
_LOOKS = 5
_SETTLED = 50_000
_EDITION = Path(__file__).parent / "site" / "bench.yaml"


@dataclass(frozen=True, slots=True)
class Run:
    """What one run of one contestant came to."""

    cost: Cost
    rows: int
    missing: int
    duplicates: int

    @property
    def whole(self) -> bool:
        """Whether everything arrived once."""
        return not (self.missing or self.duplicates or self.cost.code)


@dataclass(frozen=True, slots=True)
class Score:
    """All runs of one contestant, as their medians."""

    runs: Sequence[Run]

    @property
    def rows_per_cpu(self) -> float:
        """Rows a CPU second: what a busy machine distorts least."""
        return median(run.rows / run.cost.cpu for run in self.runs)

    @property
    def rows_per_second(self) -> float:
        """Rows a second by the clock on the wall."""
        return median(run.rows / run.cost.wall for run in self.runs)

    @property
    def peak(self) -> float:
        """MB."""
        return max(run.cost.peak for run in self.runs) / 1024


def compare(
    contestants: Sequence[Contestant], terms: Terms, receiver: Receiver, folder: Path, rows: int, rounds: int
) -> tuple[dict[str, Score], dict[str, str]]:
    """Everybody in turn, as many rounds; and a sentence for each who could not be measured."""
    runs: dict[str, list[Run]] = {}
    excused: dict[str, str] = {}
    for turn in range(rounds):
        for each in contestants:
            if each.name in excused:
                continue
            click.echo(f"  第 {turn + 1} 轮：{each.label} ……", err=True)
            try:
                runs.setdefault(each.name, []).append(_once(each, terms, receiver, folder / f"{each.name}-{turn}", rows))
            except NotInstalledError as error:
                excused[each.name] = str(error)
    return {name: Score(found) for name, found in runs.items() if found}, excused


def _once(contestant: Contestant, terms: Terms, receiver: Receiver, folder: Path, rows: int) -> Run:
    installed = contestant.install(folder, terms)
    receiver.follow()
    cost = installed.run(limit=3600)
    counts = receiver.counts()
    if cost.code:
        click.echo(f"    没有走完（{cost.code}）：{cost.said[-500:]}", err=True)
    return Run(cost, rows, rows - counts.distinct, counts.duplicates)


def table(contestants: Sequence[Contestant], scores: Mapping[str, Score], excused: Mapping[str, str]) -> Iterator[str]:
    """The Markdown table; ratios by CPU seconds and by wall beside each other."""
    ours = scores.get("ours")
    yield "| 做法 | 做了什么 | 行/秒（墙钟） | 行/CPU 秒 | 本产品是它的（墙钟 / CPU） | 峰值内存 MB | 漏 | 重 |"
    yield "|---|---|---:|---:|---:|---:|---:|---:|"
    for each in contestants:
        if score := scores.get(each.name):
            yield f"| {each.label} | {each.duty} | {_figures(score, ours)} |"
        elif each.name in excused:
            yield f"| {each.label} | {excused[each.name]} | - | - | - | - | - | - |"


def verdict(scores: Mapping[str, Score], rows: int) -> Iterator[str]:
    """A sentence for each pass line of issue 5 that this run can judge, by CPU seconds: a busy machine distorts them least."""
    ours = scores.get("ours")
    if ours is None:
        return
    for name, (label, wanted) in GOALS.items():
        if score := scores.get(name):
            ratio = ours.rows_per_cpu / score.rows_per_cpu
            yield f"- 目标：{label}的 {wanted:g} 倍；实为 {ratio:.2f} 倍，{'达到' if ratio >= wanted else '没有达到'}"
    if rows >= _MANY:
        yield f"- 目标：峰值内存不超过 {MOST_MB} MB；实为 {ours.peak:.0f} MB，{'达到' if ours.peak <= MOST_MB else '没有达到'}"
    elif rows < _SETTLED:
        yield "- 行数少，启动占了大头：要引用的数用 --rows 100000"


def _figures(score: Score, ours: Score | None) -> str:
    ratio = "-"
    if ours is not None and ours is not score:
        by_wall, by_cpu = ours.rows_per_second / score.rows_per_second, ours.rows_per_cpu / score.rows_per_cpu
        ratio = f"{by_wall:.2f} / {by_cpu:.2f} 倍"
    missing, duplicates = (max(getattr(run, name) for run in score.runs) for name in ("missing", "duplicates"))
    speed = f"{score.rows_per_second:,.0f} | {score.rows_per_cpu:,.0f}"
    return f"{speed} | {ratio} | {score.peak:.0f} | {missing:,} | {duplicates:,}"


def alone(receiver: Receiver, rows: int, size: int) -> tuple[float, float]:
    """Rows a second of the receiver fed from memory, the best of some looks.

    As plain rows, and as the edition's messages, which are answered record by record.
    """
    doors = (("/rows", _plain(rows, size)), ("/api/upload", _messages(rows, size)))
    plain, messages = (max(_fed(receiver, path, bodies) for _ in range(_LOOKS)) for path, bodies in doors)
    return plain, messages


def _fed(receiver: Receiver, path: str, bodies: Sequence[tuple[int, bytes]]) -> float:
    receiver.follow()
    with closing(http.client.HTTPConnection("127.0.0.1", receiver.port, timeout=60)) as connection:
        began = time.perf_counter()
        for _, body in bodies:
            connection.request("POST", path, body)
            connection.getresponse().read()
        return sum(count for count, _ in bodies) / (time.perf_counter() - began)


def _plain(rows: int, size: int) -> list[tuple[int, bytes]]:
    return [(len(part), orjson.dumps(part)) for part in _parts(rows, size)]


def _messages(rows: int, size: int) -> list[tuple[int, bytes]]:
    edition = overlay.load(_EDITION)
    sender, now = Sender(INSTITUTION, "测试医院", "990001", "99"), datetime.now(SHANGHAI)
    dataset = edition.datasets["BENCH"]
    bodies = []
    for number, part in enumerate(_parts(rows, size)):
        records = [orjson.dumps(record) for record in part]
        bodies.append((len(part), wrap(edition, dataset, sender, message_id(INSTITUTION, now, number), records, now)))
    return bodies


def _parts(rows: int, size: int) -> Iterator[list[dict[str, str]]]:
    """Records as long as ours."""
    filling = {f"field_{number:02}": "测试内容 012345" for number in range(16)}
    for start in range(0, rows, size):
        yield [
            {"key": f"S{number:012d}", "version": "1", "duration_min": "240", "vali_flag": "1", "content_hash": "0" * 71, **filling}
            for number in range(start, min(start + size, rows))
        ]
