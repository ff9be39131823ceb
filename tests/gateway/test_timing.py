"""Several machines share one store: deadlines go by its clock, and a machine whose clock is wrong takes nothing from another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from support.databases import KEY, database
from support.delivery import START, Platform, Rows, prescription

from gateway.errors import NotDeliveredError, OutcomeUnknownError
from gateway.intake import accept
from gateway.judging import Judge
from gateway.outbox import State
from gateway.standing import Route
from gateway.store import Store, open_store
from gateway.store.tables import outbox
from gateway.uploading import upload
from schemas.model import Edition
from schemas.wire import SHANGHAI

LEASE = timedelta(seconds=120)
WRONG = timedelta(minutes=10)


def right() -> datetime:
    return datetime.now(SHANGHAI)


def fast() -> datetime:
    return right() + WRONG


def slow() -> datetime:
    return right() - WRONG


@pytest.fixture(params=["postgresql", "mariadb"])
def url(request: pytest.FixtureRequest, tmp_path: Path, edition: Edition) -> Iterator[str]:
    """A shared store with one record waiting."""
    with database(request.param, tmp_path) as place:
        store = open_store(place, edition, START, KEY)
        accept(Rows([prescription(1)]), Judge(edition, "RX01", store.rid), store, targets=("bureau",), clock=right)
        store.close()
        yield place


def machine(url: str, edition: Edition, clock: Callable[[], datetime]) -> Store:
    return open_store(url, edition, clock(), KEY, clock=clock)


def states(store: Store) -> dict[State, int]:
    (found,) = store.standings([Route("his", "RX01", "bureau")])
    return dict(found.states)


def test_a_machine_whose_clock_is_fast_does_not_take_a_live_lease(url: str, edition: Edition) -> None:
    holder, other, platform = machine(url, edition, right), machine(url, edition, fast), Platform()
    batch = holder.lease("bureau", right(), right() + LEASE)
    assert batch is not None
    upload(other, platform, "bureau", clock=fast, lease=LEASE)
    assert platform.requests == []
    assert states(other) == {State.LEASED: 1}
    assert holder.mark_sending(batch, right())
    upload(other, platform, "bureau", clock=fast, lease=LEASE)
    assert states(other) == {State.SENDING: 1}, "not doubted while it is under way"
    holder.close()
    other.close()


def test_a_lease_of_a_machine_whose_clock_is_slow_lasts_as_long_as_others(url: str, edition: Edition) -> None:
    holder, other, platform = machine(url, edition, slow), machine(url, edition, right), Platform()
    assert holder.lease("bureau", slow(), slow() + LEASE) is not None
    upload(other, platform, "bureau", clock=right, lease=LEASE)
    assert platform.requests == []
    assert states(other) == {State.LEASED: 1}
    holder.close()
    other.close()


@pytest.mark.parametrize("clock", [slow, fast])
def test_grace_and_backoff_are_kept_in_the_databases_time(url: str, edition: Edition, clock: Callable[[], datetime]) -> None:
    store = machine(url, edition, clock)
    for trouble in (NotDeliveredError("连不上"), OutcomeUnknownError("没有应答")):
        answers = iter([trouble])
        with store._engine.begin() as connection:
            connection.execute(outbox.update().values(state=State.QUEUED, next_at=None))
        store.resume("bureau")
        upload(store, Platform(lambda turn, bodies, said=answers: next(said)), "bureau", clock=clock, lease=LEASE)
        with store._engine.connect() as connection:
            due = connection.execute(select(outbox.c.next_at)).scalar_one()
        assert timedelta() < due - right() < timedelta(minutes=2)
    store.close()


def test_a_clock_that_is_right_to_the_second_is_left_alone(url: str, edition: Edition) -> None:
    store = machine(url, edition, right)
    until = right() + LEASE
    assert store.lease("bureau", right(), until) is not None
    with store._engine.connect() as connection:
        assert connection.execute(select(outbox.c.lease_until)).scalar_one() == until
    store.close()


def test_two_looks_of_machines_with_different_clocks_are_as_far_apart_as_they_were(url: str, edition: Edition) -> None:
    slow_store, fast_store = machine(url, edition, slow), machine(url, edition, fast)
    (entry,) = slow_store.ledger("H99000100001", "RX01", ["RX00001|1"]).values()
    entry = replace(entry, anchor_at=START)
    span = (START - timedelta(days=1), START + timedelta(days=1))
    for store, clock in ((slow_store, slow), (fast_store, fast)):
        store.note_missing(("his", "RX01"), span, [entry], clock())
    assert fast_store.due_absences("his", "RX01", 2, START) == []
    assert len(fast_store.due_absences("his", "RX01", 1, START)) == 1
    for store in (slow_store, fast_store):
        store.close()
