"""The account of DATASETS §7: every row that was read is somewhere, once, and a row that is lost is missed."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import delete
from support.delivery import Clock, Platform, Rows, prescription

from gateway import sorting
from gateway.intake import accept
from gateway.judging import Judge, Judged
from gateway.model import RowState, SourceRow, Tally
from gateway.outbox import State
from gateway.standing import Grievance, Route, Standing
from gateway.store import Store
from gateway.store.tables import aside, ledger
from gateway.uploading import upload
from schemas.model import Edition

LEASE = timedelta(seconds=120)


class Desk:
    """Several sources of one institution, and several targets."""

    def __init__(self, store: Store, edition: Edition, clock: Clock) -> None:
        self.store, self.edition, self.clock = store, edition, clock
        self.targets: tuple[str, ...] = ("bureau",)
        self.platforms = {"bureau": Platform(), "province": Platform()}

    def take_in(self, *rows: SourceRow, source: str = "his", from_start: bool = True) -> Tally:
        judge = Judge(self.edition, "RX01", self.store.rid)
        feed = Rows(list(rows), name=source)
        return accept(feed, judge, self.store, targets=self.targets, clock=self.clock, from_start=from_start)

    def send(self, target: str = "bureau") -> None:
        upload(self.store, self.platforms[target], target, clock=self.clock, lease=LEASE)

    def standing(self, source: str = "his", target: str = "bureau") -> Standing:
        (found,) = self.store.standings([Route(source, "RX01", target)])
        return found

    def versions(self, target: str = "bureau") -> list[tuple[str, int]]:
        return sorted(self.platforms[target].held)


@pytest.fixture
def desk(store: Store, edition: Edition, clock: Clock) -> Desk:
    return Desk(store, edition, clock)


def void(number: int, **changes: Any) -> SourceRow:
    return prescription(number, row_state=RowState.VOID, row_reason="已作废", **changes)


# two sources of one institution


def test_two_sources_with_the_same_keys_and_row_numbers_do_not_overwrite_each_other(desk: Desk) -> None:
    for _ in range(3):
        desk.take_in(prescription(1), source="old")
        desk.take_in(prescription(1, cnt=Decimal(9)), source="new")
        desk.send()
    assert desk.versions() == [("RX00001|1", 1)]
    assert desk.standing("old").states == {State.ACCEPTED: 1}
    assert desk.standing("new").states == {}
    assert desk.standing("old").balanced
    assert desk.standing("new").balanced
    reason = "业务主键与来源 old 的一行相同，不能确定该报哪一行"
    assert desk.store.grievances() == [Grievance("RX01", reason, 1, "id=1", "来源 old 的 id=1")]


def test_another_source_takes_a_key_over_once_its_owner_has_withdrawn_it(desk: Desk) -> None:
    desk.take_in(prescription(1), source="old")
    desk.send()
    desk.take_in(prescription(1, cnt=Decimal(9)), source="new")
    desk.take_in(void(1), source="old")
    assert desk.take_in(prescription(1, cnt=Decimal(9)), source="new") == Tally(read=1, queued=1)
    desk.send()
    assert desk.versions() == [("RX00001|1", 1), ("RX00001|1", 3)]
    old = desk.standing("old")
    assert (old.read, old.replaced, old.states, old.balanced) == (1, 1, {}, True)
    assert desk.standing("new").balanced
    desk.take_in(void(1), source="old")  # seen again: set aside, and counted once
    old = desk.standing("old")
    assert (old.read, old.replaced, sum(old.asides.values()), old.balanced) == (1, 0, 1, True)


def test_the_same_duplicate_is_one_line_of_the_reasons_however_many_rows_collide(desk: Desk) -> None:
    desk.take_in(*(prescription(number) for number in range(1, 6)))
    desk.take_in(*(prescription(number + 100, rx_id=f"RX{number:05d}") for number in range(1, 6)))
    (told,) = desk.store.grievances()
    assert (told.reason, told.rows) == ("业务主键与本地另一行相同，不能确定该报哪一行", 5)
    assert told.shown in {f"id={number + 100}（另一行：来源 his 的 id={number}）" for number in range(1, 6)}


# what is lost is missed


def test_a_row_that_sorting_drops_is_missed_and_named(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    take = sorting._Desk.take

    def forgetful(self: Any, each: Judged) -> None:
        if each.row.ref != "id=2":
            take(self, each)

    monkeypatch.setattr(sorting._Desk, "take", forgetful)
    rows = [prescription(number) for number in range(1, 4)]
    for _ in range(2):  # however often it is read, it is one row
        desk.take_in(*rows)
        found = desk.standing()
        assert (found.read, found.accounted, found.balanced, found.strays) == (3, 2, False, ("id=2",))
    assert any("id=2" in sentence for sentence in found.named)
    monkeypatch.undo()
    desk.take_in(*rows)
    assert desk.standing().balanced


@pytest.mark.parametrize("table", [ledger, aside])
def test_a_row_that_vanishes_from_the_store_later_is_missed(desk: Desk, table: Any) -> None:
    desk.take_in(prescription(1), prescription(2, rx_time=None))
    assert desk.standing().balanced
    with desk.store._engine.begin() as connection:
        connection.execute(delete(table))
    found = desk.standing()
    assert (found.read, found.balanced) == (2, False)


def test_a_row_whose_key_was_edited_is_one_row_with_two_keys(desk: Desk) -> None:
    desk.take_in(prescription(1))
    desk.take_in(prescription(1, rx_id="RX00009"))
    found = desk.standing()
    assert (found.read, found.rekeyed, found.states, found.balanced) == (1, 1, {State.QUEUED: 2}, True)


def test_a_row_that_takes_over_the_key_of_one_that_is_gone_leaves_the_account_even(desk: Desk) -> None:
    desk.take_in(prescription(1))
    desk.take_in(void(1), prescription(2, rx_id="RX00001"))
    found = desk.standing()
    assert (found.read, found.replaced, found.balanced) == (2, 1, True)


# a target that came later


def test_a_target_added_later_gets_what_was_read_before_and_nobody_gets_anything_twice(desk: Desk) -> None:
    rows = [prescription(number) for number in range(1, 6)]
    desk.take_in(*rows, from_start=False)
    desk.send()
    desk.targets = ("bureau", "province")
    found = desk.standing(target="province")
    assert (found.balanced, found.unserved) == (False, 5)
    assert any("province" in sentence and "--from-start" in sentence for sentence in found.remarks)
    assert desk.take_in(*rows, from_start=False) == Tally(read=5, queued=5)  # from the start by itself
    assert desk.take_in(*rows, from_start=False) == Tally()
    for target in desk.targets:
        desk.send(target)
        assert len(desk.versions(target)) == 5
        assert desk.standing(target=target).states == {State.ACCEPTED: 5}
        assert desk.standing(target=target).balanced
    assert sum(map(len, desk.platforms["bureau"].requests)) == 5


def test_a_row_withdrawn_before_there_was_the_target_is_owed_to_it_by_nobody(desk: Desk) -> None:
    desk.take_in(prescription(1))
    desk.send()
    desk.take_in(void(1))
    desk.send()
    desk.targets = ("bureau", "province")
    desk.take_in(void(1))
    desk.send("province")
    assert desk.versions("province") == []
    assert desk.standing(target="province").states == {State.CANCELLED: 1}
    assert desk.standing(target="province").balanced


def test_a_target_added_later_gets_the_newest_version_of_an_edited_row(desk: Desk) -> None:
    desk.take_in(prescription(1))
    desk.take_in(prescription(1, cnt=Decimal(5)))
    desk.targets = ("bureau", "province")
    desk.take_in(prescription(1, cnt=Decimal(5)))
    desk.take_in(prescription(1, cnt=Decimal(6)))
    for target in desk.targets:
        desk.send(target)
        assert desk.versions(target) == [("RX00001|1", 3)]
        assert desk.standing(target=target).balanced


def test_a_target_added_after_the_bodies_were_shredded_gets_them_from_the_rows(desk: Desk) -> None:
    rows = [prescription(number) for number in range(1, 4)]
    desk.take_in(*rows)
    desk.send()
    assert desk.store.shred(timedelta(), desk.clock()) == 3
    desk.targets = ("bureau", "province")
    assert desk.take_in(*rows).queued == 3
    desk.send("province")
    assert desk.platforms["province"].held.keys() == desk.platforms["bureau"].held.keys()
    assert desk.standing(target="province").balanced
