"""Four clocks per record stand in the store, each in a column of its own: occurred, entered, seen, accepted."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from support.delivery import START, Clock, Platform, Rows, prescription

from gateway.errors import OutcomeUnknownError
from gateway.intake import accept
from gateway.judging import Judge
from gateway.outbox import GRACE
from gateway.store import Store
from gateway.store.tables import outbox, parcel
from gateway.uploading import upload
from schemas.envelope import Result, Status
from schemas.model import Edition

OCCURRED, ENTERED = START - timedelta(hours=3), START - timedelta(hours=1)
SAID = START + timedelta(minutes=2)  #: the platform's clock is ahead


def clocks(store: Store) -> list[tuple[Any, ...]]:
    columns = (parcel.c.occurred_at, parcel.c.entered_at, parcel.c.seen_at, outbox.c.accepted_at, outbox.c.finished_at)
    same = (parcel.c.record_key == outbox.c.record_key) & (parcel.c.version == outbox.c.version)
    with store._engine.connect() as connection:
        return [tuple(row) for row in connection.execute(select(*columns).join(outbox, same).order_by(outbox.c.id))]


def answer(accepted_at: str) -> Platform:
    return Platform(lambda number, bodies: [Result("RX00001|1", 1, Status.ACCEPTED, accepted_at=accepted_at)])


def take_in(store: Store, edition: Edition, clock: Clock, **changes: Any) -> None:
    row = prescription(1, rx_time=OCCURRED, **changes)
    accept(Rows([row]), Judge(edition, "RX01", store.rid), store, targets=("bureau",), clock=clock)


@pytest.mark.parametrize("entered", [ENTERED, None])
def test_each_clock_is_kept_and_that_of_the_platform_is_its_own(
    store: Store, edition: Edition, clock: Clock, entered: datetime | None
) -> None:
    take_in(store, edition, clock, row_entered_at=entered)
    clock.move(60)
    upload(store, answer("2026-11-25 08:02:00"), "bureau", clock=clock, lease=timedelta(minutes=2))
    assert clocks(store) == [(OCCURRED, entered, START, SAID, START + timedelta(minutes=1))]


@pytest.mark.parametrize("said", ["", "20261125080200", "2026-02-30 08:00:00"])
def test_a_platform_that_does_not_say_when_leaves_its_clock_empty(store: Store, edition: Edition, clock: Clock, said: str) -> None:
    take_in(store, edition, clock)
    upload(store, answer(said), "bureau", clock=clock, lease=timedelta(minutes=2))
    assert clocks(store) == [(OCCURRED, None, START, None, START)]


def test_of_an_answer_that_was_lost_the_question_brings_the_platforms_time(
    store: Store, edition: Edition, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_in(store, edition, clock)
    platform = Platform(lambda number, bodies: OutcomeUnknownError("没有应答"), answers_queries=True)
    upload(store, platform, "bureau", clock=clock, lease=timedelta(minutes=2))
    with store._engine.connect() as connection:
        digest = connection.execute(select(parcel.c.content_hash)).scalar_one()
    platform.held["RX00001|1", 1] = b'{"content_hash": "%s"}' % digest.encode()
    told = platform._holding
    monkeypatch.setattr(platform, "_holding", lambda asked: replace(told(asked), accepted_at="2026-11-25 08:02:00"))
    clock.move(GRACE.total_seconds())
    upload(store, platform, "bureau", clock=clock, lease=timedelta(minutes=2))
    assert [(accepted, finished) for *_, accepted, finished in clocks(store)] == [(SAID, START + GRACE)]
