"""APScheduler in memory: each job at its interval, never two of one job at once, stopped gracefully."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import FrameType

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

_log = structlog.get_logger()
#: so far a clock may be corrected without a word
_SLACK = timedelta(seconds=1)
_SIGNALS = ("SIGTERM", "SIGINT", "SIGBREAK")  #: SIGBREAK is how a Windows service is asked


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do again and again."""

    name: str
    every: int  #: seconds
    do: Callable[[], None]


def run(jobs: Sequence[Job], stop: threading.Event) -> None:
    """Run each job at once and then at its interval, until `stop` is set; a job in hand is finished first.

    A job that fails is logged and tried again at its next turn: one broken source must not stop the others. A turn that
    comes while the last one still runs is left out; turns missed on a busy or sleeping machine are made up by one.
    """
    logging.getLogger("apscheduler").setLevel(logging.ERROR)  # it warns of every turn left out
    scheduler = BackgroundScheduler(executors={"default": ThreadPoolExecutor(max(len(jobs), 1))}, timezone="Asia/Shanghai")
    for job in jobs:
        scheduler.add_job(
            _guarded(job, stop),
            "interval",
            seconds=job.every,
            id=job.name,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,  # late is better than never: the default drops what is a second late
            next_run_time=datetime.now(UTC),
        )
    scheduler.start()
    try:
        while not stop.wait(1):  # a wait without end would not let Windows see the signal
            _catch_up(scheduler, datetime.now(UTC))
    finally:
        scheduler.shutdown(wait=True)


def _catch_up(scheduler: BackgroundScheduler, now: datetime) -> None:
    """A clock that was set back leaves every next turn as far ahead: nothing would be read or sent for as long. Take it now."""
    for job in scheduler.get_jobs():
        if job.next_run_time and job.next_run_time > now + job.trigger.interval + _SLACK:
            _log.warning("clock_set_back", job=job.id, next_turn=job.next_run_time.isoformat())
            job.modify(next_run_time=now)


@contextmanager
def stopping_on_signals() -> Iterator[threading.Event]:
    """An event that SIGTERM and Ctrl-C set: they ask for a graceful end, and asking twice changes nothing."""
    stop = threading.Event()

    def ask(signum: int, frame: FrameType | None) -> None:
        stop.set()

    numbers = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
    before = {number: signal.signal(number, ask) for number in numbers}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _guarded(job: Job, stop: threading.Event) -> Callable[[], None]:
    def turn() -> None:
        if stop.is_set():  # was waiting for a free thread
            return
        try:
            job.do()
        except Exception:  # the one place where a bug is caught: told whole, then the next turn
            _log.exception("job_failed", job=job.name)

    return turn
