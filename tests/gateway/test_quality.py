"""First-pass and final quality, apart: mending by hand does not hide what was entered wrongly, and both agree with the account."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select
from support.delivery import START, Clock, prescription
from support.desk import Desk, wrong

from gateway.model import AsideState, RowState
from gateway.outbox import State
from gateway.quality import Quality, total
from gateway.standing import Route
from gateway.store import Store
from gateway.store.tables import flaw
from schemas.model import Edition
from schemas.wire import SHANGHAI

ROUTE = Route("his", "RX01", "bureau")
TODAY = date(2026, 11, 25)


@pytest.fixture
def desk(store: Store, edition: Edition, clock: Clock) -> Desk:
    return Desk(store, edition, clock)


def quality(desk: Desk) -> list[Quality]:
    start = datetime(2026, 11, 1, tzinfo=SHANGHAI)
    return list(desk.store.quality(ROUTE, start, start + timedelta(days=60)))


def of_today(desk: Desk) -> Quality:
    (found,) = (each for each in quality(desk) if each.day == TODAY)
    return found


def test_what_was_right_at_once_and_what_only_in_the_end_are_counted_apart(desk: Desk) -> None:
    desk.refused = {"RX00003|1"}
    desk.take_in(prescription(1), wrong(2), prescription(3), wrong(4))
    desk.send()
    first = of_today(desk)
    assert (first.first, first.mended, first.rejected, first.quarantined) == (1, 0, 1, 2)
    assert (first.first_rate, first.final_rate) == (Decimal("0.25"), Decimal("0.25"))
    desk.refused = set()
    desk.take_in(prescription(2), prescription(3, cnt=Decimal(5)))
    desk.send()
    final = of_today(desk)
    assert (final.first, final.mended, final.rejected, final.quarantined) == (1, 2, 0, 1)
    assert (final.first_rate, final.final_rate) == (Decimal("0.25"), Decimal("0.75"))


def test_what_goes_wrong_after_it_was_accepted_was_right_at_first(desk: Desk) -> None:
    desk.take_in(prescription(1), prescription(2))
    desk.send()
    desk.take_in(wrong(1))
    desk.refused = {"RX00002|1"}
    desk.take_in(prescription(2, cnt=Decimal(5)))
    desk.send()
    found = of_today(desk)
    assert (found.outdated, found.slipped, found.rejected) == (1, 1, 1)
    assert (found.first_rate, found.final_rate) == (Decimal("0.5"), Decimal(0))
    desk.refused = set()
    desk.take_in(prescription(1, cnt=Decimal(7)), prescription(2, cnt=Decimal(6)))
    desk.send()
    found = of_today(desk)
    assert (found.first, found.mended, found.first_rate, found.final_rate) == (2, 0, Decimal(1), Decimal(1))


def test_what_has_no_answer_yet_or_is_withdrawn_is_in_neither_rate(desk: Desk) -> None:
    desk.take_in(prescription(1))
    desk.send()
    desk.take_in(prescription(1, row_state=RowState.VOID, row_reason="已作废"), prescription(2))
    waiting = of_today(desk)
    assert (waiting.underway, waiting.judged, waiting.first_rate, waiting.final_rate) == (2, 0, None, None)
    desk.send()
    found = of_today(desk)
    assert (found.withdrawn, found.first, found.records, found.first_rate) == (1, 1, 2, Decimal(1))


def test_a_row_that_is_left_out_or_not_finished_counts_nowhere(desk: Desk) -> None:
    desk.take_in(prescription(1, row_state=RowState.NOT_READY, row_reason="未完成"))
    assert quality(desk) == []


def test_days_are_those_of_the_business_in_shanghai_and_a_row_without_one_counts_when_it_is_seen(desk: Desk) -> None:
    midnight = datetime(2026, 11, 25, tzinfo=SHANGHAI)
    desk.take_in(
        prescription(1, rx_time=midnight - timedelta(seconds=1)),
        prescription(2, rx_time=midnight),
        wrong(3, rx_time=midnight - timedelta(seconds=1)),
        wrong(4, rx_time=None),
    )
    desk.send()
    assert [(each.day, each.first, each.quarantined) for each in quality(desk)] == [(date(2026, 11, 24), 1, 1), (TODAY, 1, 1)]


def test_both_agree_with_the_account(desk: Desk) -> None:
    desk.refused = {f"RX{number:05d}|1" for number in (3, 6)}
    rows = [prescription(number) if number % 4 else wrong(number) for number in range(1, 13)]
    desk.take_in(*rows, prescription(20, row_state=RowState.EXCLUDED, row_reason="不是药品"))
    desk.send()
    desk.take_in(wrong(1), prescription(2, row_state=RowState.VOID, row_reason="已作废"), prescription(5, rx_id="RX00050"))
    desk.send()
    desk.take_in(prescription(7, cnt=Decimal(9)))
    (account,) = desk.store.standings([ROUTE])
    (found,) = total(quality(desk))
    assert account.balanced
    assert found.records == sum(account.states.values()) + account.asides[AsideState.QUARANTINED]
    assert found.rejected == account.states[State.REJECTED]
    assert found.quarantined == account.asides[AsideState.QUARANTINED]
    assert found.underway == account.unsettled
    assert found.outdated == account.outdated
    assert found.final + found.outdated == account.states[State.ACCEPTED] - account.voided


def test_only_rows_that_are_wrong_are_remembered(desk: Desk) -> None:

    desk.take_in(*(prescription(number) for number in range(1, 21)), wrong(21))
    desk.send()
    with desk.store._engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(flaw)).scalar_one() == 1


def test_the_days_of_a_route_add_up(desk: Desk) -> None:
    desk.take_in(prescription(1), wrong(2, rx_time=START - timedelta(days=3)))
    desk.send()
    (found,) = total(quality(desk))
    assert (found.day, found.first, found.quarantined, found.first_rate) == (None, 1, 1, Decimal("0.5"))
    assert total([]) == []
