"""From the source's commit to the platform's acceptance: by poll, and by push where the HIS calls us."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from statistics import quantiles
from typing import Any

import orjson

from bench.delivery import ours
from bench.delivery.counting import Receiver
from bench.delivery.hospital import Hospital, another, hospital
from bench.delivery.measuring import ROOT, gentle, idle

_ROWS = 120
_BEFORE = 100  #: rows that are there already
_POLL = 2  #: seconds
_TOKEN = "bench-push-token-0123456789abcdef"  # noqa: S105  a fixture
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Lag:
    """Seconds, of each row."""

    seconds: Sequence[float]

    @property
    def median(self) -> float:
        """p50."""
        return quantiles(self.seconds, n=100)[49]

    @property
    def worst(self) -> float:
        """p99."""
        return quantiles(self.seconds, n=100)[98]


def table(receiver: Receiver, folder: Path, last_day: date) -> Iterator[str]:
    """The Markdown table."""
    yield f"\n### 源库提交到平台收下，{_ROWS} 行，一行一提交\n"
    yield "| 途径 | p50 秒 | p99 秒 | 读取间隔 秒 | 报送间隔 秒 |\n|---|---:|---:|---:|---:|"
    for name, pushes in (("轮询", False), ("推送（HIS 提交后调用 /api/push）", True)):
        found = measured(receiver, folder / ("push" if pushes else "poll"), last_day, pushes=pushes)
        yield f"| {name} | {found.median:.2f} | {found.worst:.2f} | {_POLL} | 1 |"


def measured(receiver: Receiver, folder: Path, last_day: date, *, pushes: bool) -> Lag:
    """Commit rows one by one at random moments while `gateway serve` runs. RuntimeError if some never arrive."""
    with hospital(_BEFORE, last_day) as found:
        receiver.follow(timed=True)
        with _serving(found, receiver, folder, pushes) as push:
            if not idle(_PATIENCE, lambda: receiver.counts().distinct >= _BEFORE):
                raise RuntimeError((folder / "serve.txt").read_text(encoding="utf-8")[-2000:])
            committed = dict(_committed(found, last_day, push))
            if not idle(_PATIENCE, lambda: receiver.counts().distinct >= _BEFORE + _ROWS):
                raise RuntimeError(f"{_BEFORE + _ROWS - receiver.counts().distinct} rows never arrived")
        arrivals = receiver.arrivals()
    return Lag([arrivals[number] - at for number, at in committed.items()])


def _committed(found: Hospital, last_day: date, push: Callable[[str], None]) -> Iterator[tuple[str, float]]:
    chance = random.Random(5)  # noqa: S311  moments of a benchmark
    for number in range(_BEFORE, _BEFORE + _ROWS):
        time.sleep(chance.uniform(0.05, 0.45))
        row = another(number, last_day, datetime.now(), number)  # noqa: DTZ005  the site's clock is naive
        found.insert(row)
        at = time.time()
        push(str(number))
        yield row["session_no"], at


@contextmanager
def _serving(found: Hospital, receiver: Receiver, folder: Path, pushes: bool) -> Iterator[Callable[[str], None]]:
    """`gateway serve`; yields what the HIS does after a commit."""
    settings: dict[str, Any] = {"schedule": {"read_every": _POLL, "upload_every": 1}}
    if pushes:
        settings |= {"http": {"listen": "127.0.0.1:0"}, "push": {"token": {"file": "push.txt"}}}
    gateway = ours.install(folder, found.url, receiver.url, **settings)
    (folder / "push.txt").write_text(_TOKEN, encoding="utf-8")
    log = folder / "serve.txt"
    with (
        log.open("wb") as out,
        subprocess.Popen(  # noqa: S603  our own command
            gateway.command("serve"),
            cwd=ROOT,
            stdout=out,
            stderr=subprocess.STDOUT,
            preexec_fn=gentle,
        ) as process,
    ):
        try:
            if not idle(_PATIENCE, lambda: "已启动" in log.read_text(encoding="utf-8") or process.poll() is not None):
                raise RuntimeError("the gateway does not start")
            yield _caller(log.read_text(encoding="utf-8")) if pushes else lambda ref: None
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def _caller(said: str) -> Callable[[str], None]:
    url = re.sub(r"\s", "", said)
    place = re.search(r"http://[0-9.]+:[0-9]+/api/push", url)
    if place is None:
        raise RuntimeError(f"no address to push to: {said}")

    def call(ref: str) -> None:
        body = orjson.dumps({"source": ours.SOURCE, "dataset": "BENCH", "refs": [ref]})
        request = urllib.request.Request(  # noqa: S310  loopback
            place.group(), data=body, headers={"Authorization": f"Bearer {_TOKEN}", "Content-Type": "application/json"}
        )
        urllib.request.urlopen(request, timeout=30).close()  # noqa: S310

    return call
