"""Nothing that is kept is cleared by a clock that may have been set ahead; a long power-off goes on by itself, or by a word."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs
from support.delivery import Clock, Platform, Rows, prescription

from gateway import maintenance, timekeeping
from gateway.config import Storage
from gateway.errors import ClockDoubtedError
from gateway.intake import accept
from gateway.judging import Judge
from gateway.operators import Access
from gateway.store import Store
from gateway.uploading import upload
from schemas.model import Edition

MONTHS = 90 * 24 * 60 * 60


@pytest.fixture
def gateway(store: Store, edition: Edition, clock: Clock) -> Any:
    """One record was accepted, one page looked at, and yesterday's upkeep was done."""
    settings = SimpleNamespace(storage=Storage(key=None, keep_days=60, disk_budget=0, disk_floor=0), console=None)
    accept(Rows([prescription(1)]), Judge(edition, "RX01", store.rid), store, targets=("bureau",), clock=clock)
    upload(store, Platform(), "bureau", clock=clock, lease=timedelta(seconds=120))
    store.people.note_access(Access(clock() - timedelta(days=100), "somebody", "127.0.0.1", "today", 200))
    made = SimpleNamespace(store=store, clock=clock, config=settings, clients={"bureau": None})
    assert maintenance.clear(made) == 0
    return made


def looked_at(gateway: Any) -> int:
    return len(gateway.store.people.accesses(gateway.clock() - timedelta(days=999), gateway.clock()))


def events(job: Any) -> set[str]:
    with capture_logs() as lines:
        job.do()
    return {line["event"] for line in lines}


def test_a_clock_that_jumped_ahead_clears_nothing_and_says_so(gateway: Any) -> None:
    (job,) = maintenance.upkeep(gateway)
    gateway.clock.move(MONTHS)
    assert events(job) == {"clearing_put_off"}
    assert looked_at(gateway) == 1
    (sentence,) = timekeeping.lines(gateway)
    assert "晚了 90 天" in sentence
    assert "gateway clock --right" in sentence
    gateway.clock.move(30 * 60)
    assert events(job) == {"clearing_put_off"}
    assert timekeeping.lasting(gateway) == "", "a platform may still answer"
    gateway.clock.move(30 * 60)
    assert events(job) == {"clearing_put_off"}
    (sentence,) = timekeeping.lines(gateway)
    assert timekeeping.lasting(gateway) == sentence
    gateway.clock.move(-MONTHS - 60 * 60)  # it was set right
    assert "shredded" in events(job)
    assert (timekeeping.lines(gateway), timekeeping.lasting(gateway), looked_at(gateway)) == ([], "", 1)
    assert gateway.store.shred(timedelta(), gateway.clock() + timedelta(days=1)) == 1, "the body is still there"


def test_after_a_long_power_off_the_first_reply_that_agrees_is_enough(gateway: Any) -> None:
    gateway.clock.move(MONTHS)
    (job,) = maintenance.upkeep(gateway)
    assert events(job) == {"clearing_put_off"}
    gateway.store.note_clock("bureau", [timedelta(minutes=-3)], gateway.clock())
    assert "shredded" in events(job)
    assert looked_at(gateway) == 0
    assert gateway.store.shred(timedelta(), gateway.clock() + timedelta(days=1)) == 0, "the body went by the upkeep"


def test_a_platform_that_says_otherwise_or_that_is_not_ours_does_not_help(gateway: Any) -> None:
    gateway.store.note_clock("bureau", [timedelta(seconds=1)] * 9, gateway.clock())
    gateway.clock.move(MONTHS)
    gateway.store.note_clock("bureau", [timedelta(days=-90)], gateway.clock())
    gateway.store.note_clock("another", [timedelta()], gateway.clock())
    with pytest.raises(ClockDoubtedError, match="可能被改到了将来"):
        maintenance.clear(gateway)


def test_a_weekend_without_power_is_nothing_and_every_clearing_moves_on(gateway: Any) -> None:
    for _ in range(5):
        gateway.clock.move(3 * 24 * 60 * 60)
        maintenance.clear(gateway)
    gateway.clock.move(3 * 24 * 60 * 60 + 1)
    with pytest.raises(ClockDoubtedError):
        maintenance.clear(gateway)


def test_an_earlier_doubt_is_no_reason_to_tell_a_person_of_a_new_one_at_once(gateway: Any) -> None:
    for again in range(2):
        gateway.clock.move(MONTHS)
        with pytest.raises(ClockDoubtedError):
            maintenance.clear(gateway)
        assert timekeeping.lasting(gateway) == "", again
        gateway.clock.move(60 * 60)
        assert timekeeping.lasting(gateway), again
        gateway.store.note_clock("bureau", [timedelta()], gateway.clock())
        assert timekeeping.lasting(gateway) == "", again
