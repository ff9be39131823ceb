"""The receiver as the benchmark sees it: started, told how to behave, asked what arrived."""

from __future__ import annotations

import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson

from bench.delivery.measuring import ROOT, gentle


@dataclass(frozen=True, slots=True)
class Counts:
    """How much arrived."""

    requests: int
    applied: int
    duplicates: int
    distinct: int


@dataclass(frozen=True, slots=True)
class Receiver:
    """A running receiver."""

    port: int

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def follow(self, **script: Any) -> None:
        """Forget everything and behave like that from now on."""
        self._call("/script", orjson.dumps(script))

    def relent(self) -> None:
        """Behave from now on; nothing is forgotten."""
        self._call("/relent", b"{}")

    def counts(self) -> Counts:
        """What arrived since."""
        return Counts(**self._call("/counts"))

    def held(self) -> dict[str, str]:
        """Record -> what was last said of it."""
        return dict(self._call("/held"))

    def arrivals(self) -> dict[str, float]:
        """Record -> seconds since 1970 at which it came first."""
        return dict(self._call("/arrivals"))

    def _call(self, path: str, body: bytes | None = None) -> Any:
        request = urllib.request.Request(f"{self.url}{path}", data=body)  # noqa: S310  loopback
        with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310  loopback
            return orjson.loads(response.read())


@contextmanager
def receiver() -> Iterator[Receiver]:
    """A receiver in a process of its own while the block runs."""
    command = [sys.executable, "-m", "bench.delivery.receiver"]
    with subprocess.Popen(  # noqa: S603  this package
        command,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=gentle,
    ) as process:
        try:
            yield Receiver(int(process.stdout.readline()))  # type: ignore[union-attr]  # a pipe was asked for
        finally:
            process.terminate()
