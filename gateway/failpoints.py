"""Places where a test may kill the gateway outright, to show that no place is a bad one (tests/faults).

Why this is in the product and not in the tests: what has to be shown is the death of the real process between two of its own
lines, and no test can reach between those from outside. A site never sets the variable; without it a point is one comparison.

    LIANGDING_FAILPOINT=after_reply:3    the process kills itself the third time a reply has been read

It dies as in a power cut: no handler runs, nothing is flushed, no lock is given back.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.errors import ConfigError

VARIABLE = "LIANGDING_FAILPOINT"

#: every point there is, and what a death there leaves behind
POINTS: Mapping[str, str] = {
    "after_read": "a page was read at the source; nothing of it is stored",
    "before_accept": "the page is judged; the local transaction has not begun",
    "within_accept": "outbox, ledger and rows set aside are written, the cursor and the commit are not",
    "after_accept": "the page is committed; the next one is not read",
    "after_lease": "a batch is leased, and mostly marked as being sent; nothing was sent",
    "before_send": "the batch is marked as being sent; no byte has left",
    "after_reply": "the platform has answered; the answer is not written down",
    "after_apply": "the outcomes are committed, and mostly the next batch with them; nothing of it was sent",
}


@dataclass
class Trap:
    """The point at which this process is to die, and how many passings it may still live."""

    name: str
    left: int
    lock: threading.Lock = field(default_factory=threading.Lock)

    def passed(self) -> bool:
        """Whether this passing is the last one."""
        with self.lock:
            self.left -= 1
            return self.left == 0


_trap: Trap | None = None


def arm(text: str | None) -> None:
    """Read the variable's value, once, at the start; None or empty disarms. ConfigError if it names no point of ours."""
    global _trap  # the one thing here that is not handed on: a point must cost the use case one line
    _trap = _parsed(text) if text else None


def reach(name: str) -> None:
    """Pass a point; the process ends here if it was told to."""
    if _trap is not None and _trap.name == name and _trap.passed():
        _die()


def _parsed(text: str) -> Trap:
    name, _, passing = text.partition(":")
    if name not in POINTS:
        raise ConfigError(f"环境变量 {VARIABLE}：没有中断点 {name}，只有 {'、'.join(POINTS)}（只供测试，现场不要设置）")
    if passing and (not passing.isdecimal() or int(passing) < 1):
        raise ConfigError(f"环境变量 {VARIABLE}：第几次应为从 1 起的整数，实为 {passing}")
    return Trap(name, int(passing or 1))


def _die() -> None:
    if sys.platform == "win32":
        os._exit(137)
    os.kill(os.getpid(), signal.SIGKILL)
