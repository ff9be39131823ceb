"""A clock that was ahead and is set right again: nobody is locked out, nothing is silent, no page stands still."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from support.delivery import START, Clock
from support.webconsole import Site, hospital, present, site

from gateway.alarms import Alarm, Kind
from gateway.breaker import Report, Signal
from gateway.channels import Channels
from gateway.freshness import coming, fresh
from gateway.lockout import Guarded, Lockout, after_failure
from gateway.notices import Manners, News, Notice, news
from gateway.operators import Operator, Session
from gateway.store import Store
from gateway.watching import Watch

YEAR, HOUR, MINUTE = timedelta(days=365), timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hospital(tmp_path_factory.mktemp("setback") / "district")


@pytest.fixture
def clock() -> Clock:
    return present()


@pytest.fixture
def here(template: Path, tmp_path: Path, clock: Clock) -> Iterator[Site]:
    with site(template, tmp_path, clock) as found:
        yield found


def test_what_is_dated_into_the_future_is_neither_fresh_nor_waited_for() -> None:
    assert fresh(START, START + MINUTE, HOUR)
    assert not fresh(START, START + HOUR, HOUR)
    assert not fresh(START + YEAR, START, HOUR)
    assert coming(START + MINUTE, START, HOUR)
    assert not coming(START + YEAR, START, HOUR)


@pytest.mark.parametrize("kind", list(Guarded))
def test_failures_under_a_clock_that_was_ahead_lock_nobody_for_a_year(kind: Guarded) -> None:
    found = Lockout()
    for _ in range(40):
        found = after_failure(kind, found, START + YEAR)
    assert found.wait(START + YEAR)
    assert not found.wait(START)
    assert after_failure(kind, found, START).failures == 41, "and guessing goes on being counted"


def test_a_session_dated_into_the_future_is_over() -> None:
    session = Session("", Operator("zhang", "it"), START, START)
    assert not session.over(START - MINUTE, HOUR, HOUR), "two machines on one store are never quite agreed"
    assert session.over(START - YEAR, HOUR, HOUR)


def test_the_first_page_does_not_stand_still(here: Site) -> None:
    browser = here.logged_in("viewer")
    here.clock.move(YEAR.total_seconds())
    here.desk.outlook()
    here.clock.move(-YEAR.total_seconds())
    for _ in range(3):
        here.gateway.store.note("bureau", "", Report(Signal.UNREACHABLE, "平台连不上：拒绝连接"), here.clock())
    assert "平台连不上" in browser.get("/").text


def notice(**changes: object) -> Notice:
    return Notice("熔断", "bureau", "…", "…", True, START, START, **changes)  # type: ignore[arg-type]


def test_an_alarm_is_told_though_a_wrong_clock_put_it_off_for_a_year() -> None:
    assert news(notice(next_at=START + MINUTE), Manners(), START) is None
    assert news(notice(next_at=START + YEAR), Manners(), START) is News.RAISED
    assert news(notice(told_at=START + YEAR), Manners(), START) is News.LASTING


def test_an_alarm_of_a_clock_that_was_ahead_ends_and_can_be_told(store: Store) -> None:
    later = START + YEAR
    (kept,) = store.look([Alarm(Kind.CLOCK, "bureau", "…")], later)
    assert store.claim([kept], later, later + MINUTE)
    assert store.claim([kept], START, START + MINUTE), "whoever had it is gone"
    (kept,) = store.look([], START)
    assert not kept.lasts


def test_a_channel_that_failed_under_a_wrong_clock_is_tried_again(here: Site) -> None:
    watch, channels = Watch(here.gateway), Channels({"mail": "json://127.0.0.1:1"})
    here.gateway.store.note_channel("mail", "连不上", here.clock() + YEAR)
    assert watch._ready(channels, here.clock()) == ["mail"]
