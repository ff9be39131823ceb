"""When jobs run: at once, never two of one at a time, on after a failure, and to their end when told to stop."""

from __future__ import annotations

import os
import signal
import threading
import time
from datetime import datetime, timedelta, tzinfo
from typing import Any

import pytest

from jobs.timetable import Job, run, stopping_on_signals


def test_a_job_that_takes_longer_than_its_interval_never_runs_twice_at_once_and_is_finished_at_the_stop() -> None:
    stop, running, starts, ends, together = threading.Event(), threading.Semaphore(1), [], [], []

    def slow() -> None:
        if not running.acquire(blocking=False):
            together.append(len(starts))
            return
        starts.append(time.monotonic())
        if len(starts) == 2:
            stop.set()
        time.sleep(1.6)
        ends.append(time.monotonic())
        running.release()

    began = time.monotonic()
    run([Job("slow", 1, slow)], stop)
    assert starts[0] - began < 1, "the first turn does not wait for the interval"
    assert len(starts) == len(ends) == 2
    assert together == []


def test_a_job_that_fails_has_its_next_turn_and_does_not_stop_the_others() -> None:
    stop, turns = threading.Event(), []

    def broken() -> None:
        turns.append("broken")
        if turns.count("broken") == 2:
            stop.set()
        raise RuntimeError("a bug")

    run([Job("broken", 1, broken), Job("fine", 1, lambda: turns.append("fine"))], stop)
    assert turns.count("broken") >= 2
    assert "fine" in turns


def test_a_clock_that_is_set_back_by_a_day_stops_nothing_for_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    back = [timedelta()]

    class Wall(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            return datetime.now(tz) - back[0]

    monkeypatch.setattr("apscheduler.schedulers.base.datetime", Wall)
    monkeypatch.setattr("jobs.timetable.datetime", Wall)
    stop, turns = threading.Event(), list[float]()

    def turn() -> None:
        turns.append(time.monotonic())
        back[0] = timedelta(days=1)
        if len(turns) == 3:
            stop.set()

    guard = threading.Timer(20, stop.set)
    guard.start()
    run([Job("beat", 1, turn)], stop)
    guard.cancel()
    assert len(turns) == 3
    assert turns[-1] - turns[0] < 10


@pytest.mark.skipif(os.name == "nt", reason="a process cannot send itself SIGTERM there")
def test_signals_ask_for_the_end_and_are_given_back_afterwards() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with stopping_on_signals() as stop:
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGTERM)
        assert stop.wait(5)
    assert signal.getsignal(signal.SIGTERM) is before
