"""Sweeping over a store on three databases; the paths over a real site are in tests/paths/test_tiers.py."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from support.delivery import START, Clock, Platform, Rows, prescription

from gateway.intake import Manner, accept
from gateway.judging import Judge
from gateway.model import BrakeKind, Cursor, Mark, Page, SourceRow
from gateway.store import Store
from gateway.sweeping import Span, Sweeper
from gateway.uploading import upload
from gateway.voiding import Guards
from schemas.model import Edition

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
    assert desk.store.release_brakes("his", "RX01") == [BrakeKind.VOID]
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
