"""Who held a late record: a table of histories, each with the parts of its lateness."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.hindrance import Hindrance
from gateway.lateness import PARTY_OF, Account, History, Party, Span, Track, charge, charged, spans
from schemas.wire import SHANGHAI

DUE = datetime(2026, 11, 24, 0, 0, tzinfo=SHANGHAI)
POLL = timedelta(minutes=1)


def at(minutes: float | None) -> Any:
    """So many minutes after the deadline."""
    return None if minutes is None else DUE + timedelta(minutes=minutes)


def history(entered: float | None, seen: float | None, sent: float | None, arrived: float | None, **more: Any) -> History:
    taken_in = more.pop("taken_in", seen)
    clocks = {"entered": at(entered), "first_seen": at(seen), "taken_in": at(taken_in), "sent": at(sent), "arrived": at(arrived)}
    return History(due=DUE, occurred=at(-600), **clocks, **more)


def span(kind: Hindrance, began: float, ended: float | None = None) -> Span:
    return Span(kind, at(began), at(ended))


@pytest.mark.parametrize(
    ("found", "parts"),
    [
        # entered late: entry is charged, and the poll with it
        (history(60, 61, 61, 61), {Party.CLINICAL: 61}),
        # entered in time, seen late: the HIS showed it late
        (history(-60, 60, 60, 60), {Party.HIS: 60}),
        # entered a moment before the deadline: the one poll that nobody can know is not the HIS's
        (history(-0.5, 0.5, 0.5, 0.5), {Party.CLINICAL: 0.5}),
        (history(-0.5, 2.5, 2.5, 2.5), {Party.CLINICAL: 0.5, Party.HIS: 2}),
        # no time of entry: nobody can tell
        (history(None, 30, 30, 30), {Party.SITE: 30}),
        # the gateway did not run while it lay there
        (history(-60, 60, 60, 60, halts=(span(Hindrance.STOPPED, -30, 50),)), {Party.GATEWAY: 50, Party.HIS: 10}),
        (history(None, 60, 60, 60, halts=(span(Hindrance.STOPPED, -30, 60),)), {Party.GATEWAY: 60}),
        # seen, but unfinished or wrong
        (history(-60, -50, 40, 40, taken_in=40), {Party.CLINICAL: 40}),
        # seen in time, sent late
        (history(-60, -50, 20, 21), {Party.GATEWAY: 20, Party.PLATFORM: 1}),
        # sent in time, and the answer was late
        (history(-60, -50, -1, 3), {Party.PLATFORM: 3}),
        # the platform was away for everybody
        (history(-60, -50, 30, 30, target=(span(Hindrance.UNREACHABLE, -10, 29),)), {Party.NETWORK: 29, Party.GATEWAY: 1}),
        (history(-60, -50, 30, 30, target=(span(Hindrance.BUSY, -10, 30),)), {Party.PLATFORM: 30}),
        (history(-60, -50, 30, 30, target=(span(Hindrance.NOT_ADMITTED, -10, 30),)), {Party.GATEWAY: 30}),
        # its own attempts
        (history(-60, -50, 30, 30, own=(span(Hindrance.NO_ANSWER, -1, 30),)), {Party.NETWORK: 30}),
        (history(-60, -50, 30, 30, own=(span(Hindrance.REFUSED, -1, 20),)), {Party.PLATFORM: 20, Party.GATEWAY: 10}),
        (history(-60, -50, None, None, own=(span(Hindrance.REJECTED, -1),)), {Party.CLINICAL: 90}),
        # held for its parent; for an outage the parent is not to blame
        (history(-60, -50, 30, 30, own=(span(Hindrance.PARENT, -50, 30),)), {Party.CLINICAL: 30}),
        (
            history(-60, -50, 30, 30, own=(span(Hindrance.PARENT, -50, 30),), target=(span(Hindrance.UNREACHABLE, -1, 20),)),
            {Party.NETWORK: 20, Party.CLINICAL: 10},
        ),
        # in doubt, and then the gateway was switched off
        (
            history(-60, -50, 30, 30, own=(span(Hindrance.NO_ANSWER, -1, 30),), halts=(span(Hindrance.STOPPED, 5, 25),)),
            {Party.NETWORK: 10, Party.GATEWAY: 20},
        ),
        # whoever passed it on in time is not charged for what followed
        (history(-1, -0.5, 45, 45, target=(span(Hindrance.UNREACHABLE, -0.5, 45),)), {Party.NETWORK: 45}),
        # still not there
        (history(-60, None, None, None), {Party.HIS: 90}),
        (history(-60, -50, None, None), {Party.GATEWAY: 90}),
        # in time
        (history(-60, -50, -40, -40), {}),
        (history(-60, -50, -40, 0), {}),
    ],
)
def test_each_stretch_after_the_deadline_is_charged_to_who_held_it(found: History, parts: dict[Party, float]) -> None:
    expected = {party: timedelta(minutes=minutes) for party, minutes in parts.items()}
    assert charge(found, POLL, at(90)) == expected


def test_every_hindrance_has_its_party() -> None:
    assert set(PARTY_OF) == set(Hindrance)


_MINUTE = st.integers(-300, 300)
_KINDS = st.sampled_from(sorted(Hindrance))
_SPANS = st.lists(st.tuples(_KINDS, _MINUTE, st.one_of(st.none(), _MINUTE)), max_size=4)


@given(st.lists(_MINUTE, min_size=5, max_size=5), _SPANS, _SPANS, st.booleans())
def test_whatever_happened_the_parts_add_up_to_the_lateness(
    clocks: list[int], own: list[Any], target: list[Any], arrived: bool
) -> None:
    entered, seen, taken_in, sent, there = sorted(clocks)
    many = [tuple(span(*each) for each in found) for found in (own, target)]
    found = history(entered, seen, sent, there if arrived else None, taken_in=taken_in, own=many[0], target=many[1])
    end = there if arrived else 400
    assert sum(charge(found, POLL, at(400)).values(), timedelta()) == timedelta(minutes=max(end, 0))


def test_a_delay_without_an_end_lasted_until_the_record_was_sent_again() -> None:
    found = [(Hindrance.NO_ANSWER, at(5), None), (Hindrance.PARENT, at(0), None), (Hindrance.UNREACHABLE, at(9), at(10))]
    assert spans(found, at(20)) == (
        span(Hindrance.PARENT, 0, 5),
        span(Hindrance.NO_ANSWER, 5, 9),
        span(Hindrance.UNREACHABLE, 9, 10),
    )
    assert spans([(Hindrance.NO_ANSWER, at(5), None)], at(5)) == (span(Hindrance.NO_ANSWER, 5),)  # nothing was sent since
    assert spans([], at(5)) == ()


def test_a_record_is_charged_to_the_largest_part_and_the_account_keeps_the_worst() -> None:
    account = Account("HD03")
    for number, late in enumerate((10, 50, 20, 40, 30)):
        account.take(Track("HD03", "H1", f"his 的 id={number}", history(-60, -50, late, late)), POLL, at(90))
    on_time = Track("HD03", "H1", "", history(-60, -50, -40, -40))
    account.take(on_time, POLL, at(90))
    account.take(replace(on_time, history=history(-60, -50, None, None)), POLL, at(-5))
    account.take(replace(on_time, history=history(-60, None, None, None)), POLL, at(90))
    assert (account.due, account.on_time, account.late, account.overdue, account.pending) == (8, 1, 5, 1, 1)
    assert account.records == {Party.GATEWAY: 5, Party.HIS: 1}
    assert account.parts == {Party.GATEWAY: timedelta(minutes=150), Party.HIS: timedelta(minutes=90)}
    assert [lateness for lateness, _, _ in account.worst] == [timedelta(minutes=each) for each in (90, 50, 40)]
    assert charged({Party.NETWORK: timedelta(1), Party.HIS: timedelta(2)}) is Party.HIS
