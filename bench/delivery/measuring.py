"""Run a process gently and tell what it cost: wall time, CPU time and peak memory of it and of those it started."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_NICE = 10
_OFTEN = 0.05


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process cost."""

    wall: float  #: seconds
    cpu: float  #: seconds, user and system, with all descendants
    peak: int  #: KiB resident at most, all descendants together
    code: int  #: exit code; negative: the signal
    said: str  #: its last words


def gentle() -> None:
    """Others work on this machine."""
    os.nice(_NICE)


def run(
    command: Sequence[str],
    folder: Path,
    log: Path,
    *,
    environment: Mapping[str, str] | None = None,
    limit: float = 600,
    kill_when: Callable[[], bool] | None = None,
) -> Cost:
    """Run to the end, or until `kill_when` says so: then the whole group dies as in a power cut."""
    before = os.times()
    began = time.perf_counter()
    with log.open("wb") as out:
        process = subprocess.Popen(  # noqa: S603  the benchmark's own commands
            command,
            cwd=folder,
            env={**os.environ, "PYTHONUTF8": "1", **(environment or {})},
            stdout=out,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            preexec_fn=gentle,
            start_new_session=True,
        )
        peak = _watched(process, began + limit, kill_when)
    wall, after = time.perf_counter() - began, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Cost(wall, cpu, peak, process.returncode, log.read_text(encoding="utf-8", errors="replace")[-2000:])


def _watched(process: subprocess.Popen[bytes], deadline: float, kill_when: Callable[[], bool] | None) -> int:
    peak = 0
    while process.poll() is None:
        peak = max(peak, resident(process.pid))
        if time.perf_counter() > deadline or (kill_when and kill_when()):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            break
        time.sleep(_OFTEN)
    return peak


def resident(pid: int) -> int:
    """KiB that a process and its descendants hold now; 0 where /proc does not tell."""
    total = 0
    waiting = [pid]
    while waiting:
        each = waiting.pop()
        total += _resident(each)
        waiting += _children(each)
    return total


def _resident(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmRSS:")), 0)


def _children(pid: int) -> list[int]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        return [int(each) for task in tasks for each in (task / "children").read_text(encoding="ascii").split()]
    except OSError:
        return []


def idle(seconds: float, until: Callable[[], bool]) -> bool:
    """Wait until it is so; False if it is not within so long."""
    stop = threading.Event()
    deadline = time.perf_counter() + seconds
    while time.perf_counter() < deadline:
        if until():
            return True
        stop.wait(_OFTEN)
    return until()
