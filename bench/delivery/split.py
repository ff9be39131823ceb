"""Where our time goes: `python -m bench.delivery.split <config.yaml>` runs one round of the gateway and prints seconds by part.

The parts are told apart at the ports (source, store, platform), a page or a batch at a time, so that telling costs nothing.
"""

from __future__ import annotations

import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from gateway import config as configuration
from gateway.main import now
from gateway.telling import told
from gateway.wiring import Feed, Gateway, opened
from jobs import garbage

#: part -> what it is, in the order of the way of a row
PARTS = {
    "start": "启动（载入程序、规范、配置，开库）",
    "read": "读取 + 映射 + 校验（MariaDB 驱动、编译的映射；校验在映射里一并判过）",
    "judge": "判定（公共字段、主键、摘要、再校验）与比对",
    "keep": "入库：加密、台账、队列、提交",
    "lease": "取批、解密、标记、写回结果",
    "send": "组报文、签名、HTTP、读应答",
    "rest": "其余",
}
_INTAKE = frozenset({"cursor", "ledger", "unserved", "of_rows", "bodies", "accept"})


class Clock:
    """Seconds by part, wall and CPU; what is measured inside another part is taken off it."""

    def __init__(self) -> None:
        self.wall: dict[str, float] = defaultdict(float)
        self.cpu: dict[str, float] = defaultdict(float)

    def timed(self, part: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """The call, with its time put down to the part."""

        def run(*given: Any, **named: Any) -> Any:
            began, began_cpu = time.perf_counter(), time.process_time()
            try:
                return call(*given, **named)
            finally:
                self.wall[part] += time.perf_counter() - began
                self.cpu[part] += time.process_time() - began_cpu

        return run


class Timed:
    """Something whose calls are put down to parts."""

    def __init__(self, inner: Any, clock: Clock, part: Callable[[str], str]) -> None:
        self._inner, self._clock, self._part = inner, clock, part

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        return self._clock.timed(self._part(name), found) if callable(found) else found


class TimedSource(Timed):
    """A source: its time is spent between two pages."""

    def pages(self, *given: Any) -> Iterator[Any]:
        """See RecordSource."""
        pages = self._inner.pages(*given)
        following = self._clock.timed("read", lambda: next(pages, None))
        while (page := following()) is not None:
            yield page


def instrumented(gateway: Gateway, clock: Clock) -> Gateway:
    """The same gateway, timed at its ports."""
    feeds = tuple(
        Feed(TimedSource(feed.source, clock, lambda name: "read"), feed.targets, feed.page_size) for feed in gateway.feeds
    )
    clients: Any = {name: Timed(client, clock, lambda name: "send") for name, client in gateway.clients.items()}
    store: Any = Timed(gateway.store, clock, lambda name: "keep" if name in _INTAKE else "lease")
    return replace(gateway, feeds=feeds, clients=clients, store=store)


def split(path: Path) -> dict[str, dict[str, float]]:
    """Read and send once; seconds by part."""
    clock = Clock()
    with told(), opened(configuration.load(path), now) as plain:
        gateway = instrumented(plain, clock)
        garbage.spare()
        clock.wall["start"], clock.cpu["start"] = _since_start(), time.process_time()
        read, send = Clock(), Clock()
        for feed in gateway.feeds:
            read.timed("all", gateway.read)(feed)
        for target in gateway.clients:
            send.timed("all", gateway.send)(target)
    for mine, reading, sending in ((clock.wall, read.wall, send.wall), (clock.cpu, read.cpu, send.cpu)):
        mine["judge"] = reading["all"] - mine["read"] - mine["keep"]
        mine["rest"] = sending["all"] - mine["lease"] - mine["send"]
    return {"wall": dict(clock.wall), "cpu": dict(clock.cpu)}


def lines(found: Mapping[str, Mapping[str, float]], rows: int) -> Iterator[str]:
    """The rows of the Markdown table."""
    for part, label in PARTS.items():
        cpu, wall = (found[clock].get(part, 0.0) / rows * 1e6 for clock in ("cpu", "wall"))
        yield f"| {label} | {cpu:.1f} | {wall:.1f} |"


def _since_start() -> float:
    """Seconds since this process began, also those before its first line."""
    born = int(Path("/proc/self/stat").read_text(encoding="ascii").rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - born / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    print(orjson.dumps(split(Path(sys.argv[1]))).decode())  # noqa: T201  read by the benchmark
