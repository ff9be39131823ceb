"""Sweeping over a store on three databases; the paths over a real site are in tests/paths/test_tiers.py."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest
from support.brakes import release
from support.delivery import START, Clock, Platform, Rows, prescription

from gateway.config import Tiers
from gateway.errors import StoppedError
from gateway.intake import Look, Manner, accept, take_in
from gateway.judging import Judge
from gateway.lookback import Bounds
from gateway.model import BrakeKind, Cursor, Intake, Mark, Page, Reading, RowState, SourceRow
from gateway.restraint import Restraint
from gateway.standing import Route
from gateway.store import Store
from gateway.sweeping import Span, Sweeper
from gateway.tiers import Reader
from gateway.uploading import upload
from gateway.voiding import Guards
from schemas.model import Edition

TIERS = Tiers(timedelta(seconds=120), 300, 2, 45, Bounds(timedelta(days=3), timedelta(days=31)), Guards())
SPAN = Span(START - timedelta(days=30), START + timedelta(days=1))


@dataclass
class Site(Rows):
    """A source in memory that can be swept."""

    sweeps: bool = True
    forgets: set[str] = field(default_factory=set)  #: refs that its window query misses

    def window(self, start: datetime, end: datetime, size: int) -> Iterator[Page]:
        found = [row for row in self.rows if start <= row.values["rx_time"] < end and row.ref not in self.forgets]
        for at in range(0, len(found), size):
            yield Page(tuple(found[at : at + size]), Cursor(None, at))

    def lookup(self, refs: Collection[str]) -> tuple[SourceRow, ...]:
        return tuple(row for row in self.rows if row.ref in refs)

    def mark(self) -> Mark:
        return Mark("site")


class Desk:
    """Everything taken in and sent once."""

    def __init__(self, store: Store, edition: Edition, clock: Clock, count: int) -> None:
        self.store, self.clock, self.platform = store, clock, Platform()
        self.site = Site([prescription(number) for number in range(1, count + 1)])
        self.judge = Judge(edition, "RX01", store.rid)
        accept(self.site, self.judge, store, targets=("bureau",), clock=clock)
        self.send()

    def send(self) -> None:
        upload(self.store, self.platform, "bureau", clock=self.clock, lease=timedelta(seconds=120))

    def sweep(self, times: int = 1, guards: Guards | None = None) -> int:
        voided = 0
        for _ in range(times):
            self.clock.move(300)
            manner = Manner(guards=guards or Guards())
            sweeper = Sweeper(self.site, self.judge, self.store, targets=("bureau",), clock=self.clock, manner=manner)
            voided += sweeper.sweep(SPAN).voided
        return voided

    def forget(self, *numbers: int) -> None:
        """Delete these rows at the site."""
        self.site.rows = [row for row in self.site.rows if row.ref not in {f"id={number}" for number in numbers}]


@pytest.fixture
def desk(store: Store, edition: Edition, clock: Clock) -> Desk:
    return Desk(store, edition, clock, 12)


def test_a_deleted_row_is_withdrawn_once_and_only_it(desk: Desk) -> None:
    desk.forget(5)
    assert [desk.sweep() for _ in range(4)] == [0, 1, 0, 0]
    desk.send()
    assert [key for key, version in desk.platform.held if version == 2] == ["RX00005|1"]


def test_the_number_of_looks_is_configured(desk: Desk) -> None:
    desk.forget(5)
    assert [desk.sweep(guards=Guards(sweeps=3)) for _ in range(3)] == [0, 0, 1]


def test_what_the_window_forgets_and_the_look_up_finds_is_not_gone(desk: Desk) -> None:
    desk.site.forgets = {"id=5", "id=6"}
    assert desk.sweep(3) == 0
    assert desk.store.brakes() == []


def test_an_edit_between_two_looks_starts_the_count_anew(desk: Desk) -> None:
    """The absent version was replaced meanwhile: what is missing now is another one."""
    gone = next(row for row in desk.site.rows if row.ref == "id=5")
    desk.forget(5)
    desk.sweep()
    changed = prescription(5, med_list_name="改过的名字")
    accept(Site([changed]), desk.judge, desk.store, targets=("bureau",), clock=desk.clock, from_start=True)
    assert gone.values["med_list_name"] != "改过的名字"
    assert [desk.sweep() for _ in range(2)] == [0, 1]


def test_a_released_brake_lets_go_what_it_held(desk: Desk) -> None:
    desk.forget(1, 2, 3)
    assert desk.sweep(3) == 0
    assert [brake.kind for brake in desk.store.brakes()] == [BrakeKind.VOID]
    assert release(desk.store, "RX01") == [BrakeKind.VOID]
    assert desk.sweep() == 3
    assert desk.store.brakes() == []


def test_too_many_is_more_than_twenty_or_one_in_a_hundred_and_one_alone_never_is() -> None:
    assert Guards().stops(1, 10) is False
    assert Guards().stops(2, 150) is True
    assert Guards().stops(20, 2000) is False
    assert Guards().stops(21, 10_000_000) is True


def test_a_span_is_read_in_slices_without_gap_or_overlap() -> None:
    slices = list(Span(START, START + timedelta(days=16)).slices())
    assert slices[0][0] == START
    assert slices[-1][1] == START + timedelta(days=16)
    assert all(one[1] == other[0] for one, other in itertools.pairwise(slices))
    assert max(end - start for start, end in slices) == timedelta(days=7)


def test_a_brake_stays_on_while_what_it_holds_is_missing_whatever_span_is_looked_at(desk: Desk) -> None:
    desk.forget(1, 2, 3)
    desk.sweep(3)
    elsewhere = Span(START - timedelta(days=300), START - timedelta(days=290))
    manner = Manner()
    sweeper = Sweeper(desk.site, desk.judge, desk.store, targets=("bureau",), clock=desk.clock, manner=manner)
    sweeper.sweep(elsewhere)
    assert [brake.kind for brake in desk.store.brakes()] == [BrakeKind.VOID]
    release(desk.store, "RX01")
    desk.clock.move(300)
    assert sweeper.sweep(elsewhere).voided == 3, "a person let them go, though this look does not reach so far"


def test_a_row_that_came_back_before_the_release_is_not_withdrawn_and_holds_no_brake(desk: Desk) -> None:
    before = list(desk.site.rows)
    desk.forget(1, 2, 3)
    desk.sweep(3)
    desk.site.rows = [row for row in before if row.ref != "id=1"]
    desk.site.forgets = {"id=2", "id=3"}
    release(desk.store, "RX01")
    assert desk.sweep(2) == 1
    assert desk.store.brakes() == []


def test_deleting_a_few_again_and_again_is_a_mass_too(store: Store, edition: Edition, clock: Clock) -> None:
    desk = Desk(store, edition, clock, 100)
    few = Guards(sweeps=1, percent=100)
    voided = 0
    for last in range(5, 41, 5):
        desk.forget(*range(1, last + 1))
        voided += desk.sweep(guards=few)
    assert voided == few.rows
    assert [brake.kind for brake in desk.store.brakes()] == [BrakeKind.VOID]


def test_a_row_the_look_up_does_not_find_is_kept_told_and_never_withdrawn_while_the_window_shows_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    faulty = lambda refs: tuple(row for row in desk.site.rows if row.ref in refs and row.ref != "id=5")  # noqa: E731
    monkeypatch.setattr(desk.site, "lookup", faulty)
    desk.site.rows[4] = prescription(5, cnt=Decimal(77), cursor=1000)
    tally = accept(desk.site, desk.judge, desk.store, targets=("bureau",), clock=desk.clock)
    assert (tally.quarantined, tally.balanced) == (1, True)
    assert desk.sweep(3) == 0
    assert "lookup 查询写错了" in desk.store.grievances()[0].reason
    (standing,) = desk.store.standings([Route("his", "RX01", "bureau")])
    assert standing.balanced


def test_rows_written_anew_without_a_change_are_not_sent_again(desk: Desk) -> None:
    desk.site.rows = [replace(prescription(number, cursor=100 + number), ref=f"id={100 + number}") for number in range(1, 13)]
    tally = accept(desk.site, desk.judge, desk.store, targets=("bureau",), clock=desk.clock, from_start=True)
    assert (tally.unchanged, tally.queued) == (12, 0)
    assert desk.sweep(3) == 0
    desk.send()
    assert len(desk.platform.held) == 12
    (standing,) = desk.store.standings([Route("his", "RX01", "bureau")])
    assert standing.balanced
    desk.forget(*range(100, 113))
    assert desk.store.brakes() == []


def test_a_row_whose_key_becomes_free_is_taken_in_by_the_next_poll(desk: Desk, edition: Edition) -> None:
    second = replace(prescription(1, cursor=99, cnt=Decimal(3)), ref="id=99")
    desk.site.rows.append(second)
    reader = Reader(desk.site, edition, desk.store, ("bureau",), 100, TIERS, desk.clock)
    assert reader.hot(from_start=True).quarantined == 1
    desk.site.rows[0] = prescription(1, cursor=200, row_state=RowState.VOID, row_reason="已作废")
    assert reader.hot().voided == 1
    reader.hot()
    desk.send()
    assert max(desk.platform.held) == ("RX00012|1", 1)
    versions = {version: orjson.loads(body) for (key, version), body in desk.platform.held.items() if key == "RX00001|1"}
    assert versions[max(versions)]["vali_flag"] == "1"
    assert versions[max(versions)]["cnt"] == "3"
    assert desk.store.grievances() == []


def test_a_row_that_vanished_while_it_was_read_is_no_work_for_ever(desk: Desk, edition: Edition) -> None:
    reader = Reader(desk.site, edition, desk.store, ("bureau",), 100, TIERS, desk.clock)
    page = (prescription(5, cnt=Decimal(77), cursor=1000),)
    desk.forget(5)
    look = Look(("bureau",), Restraint(desk.store, "his", "RX01"))
    take_in(desk.site, desk.judge, desk.store, page, None, look, desk.clock())
    assert desk.store.grievances()
    desk.clock.move(61)
    reader.hot()
    assert desk.store.grievances() == []
    (standing,) = desk.store.standings([Route("his", "RX01", "bureau")])
    assert standing.balanced


@pytest.mark.parametrize("rescans", [True, False])
def test_a_row_set_aside_that_was_deleted_is_no_work_after_a_complete_look(desk: Desk, edition: Edition, rescans: bool) -> None:
    desk.site.rows += [prescription(number, rx_time=None) for number in (50, 51, 52)]
    desk.site.rows.append(prescription(53, row_state=RowState.NOT_READY, row_reason="没做完"))
    reader = Reader(desk.site, edition, desk.store, ("bureau",), 5, TIERS, desk.clock)
    reader.hot()
    desk.site.reading = Reading.RESCAN if rescans else Reading.INCREMENTAL
    moved = next(row for row in desk.site.rows if row.ref == "id=52")
    desk.forget(50, 52, 53)
    desk.clock.move(10)
    if not rescans:
        reader.hot()
        assert sum(each.rows for each in desk.store.grievances()) == 3, "what is new says nothing of what is not there"
    lookup = desk.site.lookup
    desk.site.lookup = lambda refs: (*lookup(refs), *([moved] if "id=52" in refs else []))  # type: ignore[method-assign]
    reader.hot(from_start=not rescans)
    assert sum(each.rows for each in desk.store.grievances()) == 2, "what is seen or found stays"
    (standing,) = desk.store.standings([Route("his", "RX01", "bureau")])
    assert (standing.read, standing.replaced, sum(standing.asides.values()), standing.balanced) == (16, 2, 2, True)
    desk.site.rows.append(prescription(50, rx_time=None, cursor=900))
    reader.hot()
    (standing,) = desk.store.standings([Route("his", "RX01", "bureau")])
    assert (standing.read, standing.replaced, sum(standing.asides.values()), standing.balanced) == (16, 1, 3, True)


def test_a_deleted_row_of_which_an_older_version_is_live_stays_until_that_is_withdrawn(desk: Desk, edition: Edition) -> None:
    desk.site.reading = Reading.RESCAN
    desk.site.rows[4] = prescription(5, med_list_codg=None)
    reader = Reader(desk.site, edition, desk.store, ("bureau",), 100, TIERS, desk.clock)
    reader.hot()
    desk.forget(5)
    desk.clock.move(10)
    reader.hot()
    assert [each.rows for each in desk.store.grievances()] == [1]
    desk.sweep(2)
    desk.clock.move(10)
    reader.hot()
    assert desk.store.grievances() == []
    (standing,) = desk.store.standings([Route("his", "RX01", "bureau")])
    assert standing.balanced


def test_a_look_that_was_broken_off_proves_nothing(desk: Desk, edition: Edition) -> None:
    desk.site.rows.append(prescription(50, med_list_codg=None))
    desk.site.reading = Reading.RESCAN
    reader = Reader(desk.site, edition, desk.store, ("bureau",), 5, TIERS, desk.clock)
    reader.hot()
    desk.forget(50)
    desk.clock.move(10)
    turns = iter([False, True])
    with pytest.raises(StoppedError):
        replace(reader, stop=lambda: next(turns)).hot()
    assert [each.rows for each in desk.store.grievances()] == [1]
    reader.hot()
    assert desk.store.grievances() == []


def test_a_release_while_a_page_is_being_read_is_not_forgotten(store: Store, edition: Edition, clock: Clock) -> None:
    desk = Desk(store, edition, clock, 30)
    reader = Reader(desk.site, edition, desk.store, ("bureau",), 100, TIERS, desk.clock)
    desk.site.rows = [
        prescription(number, cursor=100 + number, row_state=RowState.VOID, row_reason="已作废") for number in range(1, 31)
    ]
    assert reader.hot().quarantined == 30
    desk.site.rows.append(prescription(99, cursor=200))
    pages = desk.site.pages

    def released_meanwhile(after: Cursor | None, size: int) -> Iterator[Page]:
        for page in pages(after, size):
            release(desk.store, "RX01", desk.clock())
            yield page

    desk.site.pages = released_meanwhile  # type: ignore[method-assign]
    reader.hot()
    desk.site.pages = pages  # type: ignore[method-assign]
    assert reader.hot().voided == 30


def test_a_row_written_anew_that_is_not_right_yet_keeps_its_key_from_being_withdrawn(desk: Desk, edition: Edition) -> None:
    """The old row is gone, the new one cannot be sent: the platform keeps the old value until it is right."""
    reader = Reader(desk.site, edition, desk.store, ("bureau",), 100, TIERS, desk.clock)
    anew = replace(prescription(5, cursor=1000, cnt=None), ref="id=99")
    desk.site.rows = [row for row in desk.site.rows if row.ref != "id=5"] + [anew]
    assert reader.hot().quarantined == 1
    assert desk.sweep(3) == 0
    desk.send()
    assert ("RX00005|1", 2) not in desk.platform.held
    (standing,) = desk.store.standings([Route("his", "RX01", "bureau")])
    assert (standing.balanced, standing.outdated) == (True, 1)

    desk.site.rows[-1] = replace(prescription(5, cursor=1001, cnt=Decimal(8)), ref="id=99")
    assert reader.hot().queued == 1
    desk.send()
    assert orjson.loads(desk.platform.held["RX00005|1", 2])["cnt"] == "8"

    desk.forget(5)
    desk.site.rows = [row for row in desk.site.rows if row.ref != "id=99"]
    assert desk.sweep(3) == 1, "gone for good it is withdrawn"


def test_a_row_that_moved_to_another_source_is_that_sources_and_not_withdrawn(desk: Desk, edition: Edition) -> None:
    other = Site([replace(prescription(5), ref="id=5")], name="new")
    there = Reader(other, edition, desk.store, ("bureau",), 100, TIERS, desk.clock)
    assert there.hot().quarantined == 1
    desk.forget(5)
    assert desk.sweep(3) == 0
    assert there.hot().unchanged == 1
    desk.send()
    assert ("RX00005|1", 2) not in desk.platform.held
    assert desk.store.grievances() == []
    standings = desk.store.standings([Route(name, "RX01", "bureau") for name in ("his", "new")])
    assert all(each.balanced for each in standings)


def meanwhile(desk: Desk, monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Something happens between the judging of the next page and its transaction."""
    accepting = desk.store.accept

    def late(intake: Intake) -> None:
        monkeypatch.setattr(desk.store, "accept", accepting)
        happens()
        accepting(intake)

    monkeypatch.setattr(desk.store, "accept", late)


def written_anew(desk: Desk, **changes: Any) -> None:
    """Row 5 under another number, read at once."""
    desk.forget(5)
    desk.site.rows.append(replace(prescription(5, cursor=1000, **changes), ref="id=99"))
    accept(desk.site, desk.judge, desk.store, targets=("bureau",), clock=desk.clock)


@pytest.mark.parametrize("changes", [{}, {"cnt": Decimal(9)}])
def test_a_page_read_before_a_row_was_written_anew_leaves_the_account_even(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    stale = Site(list(desk.site.rows))
    meanwhile(desk, monkeypatch, lambda: written_anew(desk, **changes))
    accept(stale, desk.judge, desk.store, targets=("bureau",), clock=desk.clock, from_start=True)
    (standing,) = desk.store.standings([Route("his", "RX01", "bureau")])
    assert (standing.balanced, standing.strays) == (True, ())


def test_a_mark_read_before_the_row_was_written_anew_withdraws_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    marked = prescription(5, cursor=900, row_state=RowState.VOID, row_reason="已作废")
    desk.site.rows[4] = marked
    meanwhile(desk, monkeypatch, lambda: written_anew(desk))
    accept(desk.site, desk.judge, desk.store, targets=("bureau",), clock=desk.clock)
    desk.send()
    assert ("RX00005|1", 2) not in desk.platform.held
    (standing,) = desk.store.standings([Route("his", "RX01", "bureau")])
    assert standing.balanced
