"""APScheduler in memory: each job at its interval, never two of one job at once, stopped gracefully."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FrameType

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do again and again."""

    name: str
    every: int  #: seconds
    do: Callable[[], None]


def run(jobs: Sequence[Job], stop: threading.Event) -> None:
    """Run the jobs until `stop` is set; a job in hand is finished first.

    A job that fails is logged and tried again at its next turn: one broken source must not stop the others.
    """
    scheduler = BackgroundScheduler(executors={"default": ThreadPoolExecutor(max(len(jobs), 1))}, timezone="Asia/Shanghai")
    for job in jobs:
        scheduler.add_job(_guarded(job), "interval", seconds=job.every, id=job.name, max_instances=1, coalesce=True)
        scheduler.add_job(_guarded(job), id=f"{job.name}:first")  # at once, not only after the first interval
    scheduler.start()
    try:
        while not stop.wait(1):  # a wait without end would not let Windows see the signal
            pass
    finally:
        scheduler.shutdown(wait=True)


def stop_on_signals(stop: threading.Event) -> None:
    """SIGTERM and Ctrl-C ask for a graceful end; asking twice changes nothing."""

    def ask(signum: int, frame: FrameType | None) -> None:
        stop.set()

    for name in ("SIGTERM", "SIGINT", "SIGBREAK"):  # SIGBREAK is how a Windows service is asked
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), ask)


def _guarded(job: Job) -> Callable[[], None]:
    lock = threading.Lock()

    def turn() -> None:
        if not lock.acquire(blocking=False):
            return
        try:
            job.do()
        except Exception:  # the one place where a bug is caught: told whole, then the next turn
            _log.exception("job_failed", job=job.name)
        finally:
            lock.release()

    return turn
