"""The source is written to in ways that a cursor does not see: each tier finds what is its own, and nothing else is withdrawn.

What a site does in weeks happens here in seconds; the guards' waits are let pass in the store (`Line.age`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path
from random import Random
from typing import Any

import pytest
from support import line as lines
from support.faultsize import Conclude, Size
from support.line import Line
from support.proxy import Fault, Schedule
from support.sites import Source, misbehave, old

from adapters.databases.sql import SqlSource
from gateway.model import Page
from gateway.sweeping import Sweeper
from gateway.tiers import Tier

_ROWS = 40


def young(number: int) -> bool:
    """Read long ago, so that no poll looks at it again, and about a day within the look-back."""
    return number < _ROWS and not old(number)


def delete_some_of_the_void(source: Source) -> None:
    source.void(10)
    source.delete(3, where=source.voided.__contains__)


@dataclass(frozen=True)
class Deed:
    """What somebody does to the source, and how many looks of which tier find it; before that the oracle must see it."""

    name: str
    do: Callable[[Source], None]
    tier: Tier | None = None  #: None: the next poll
    looks: int = 1
    withdrawn: int = 0


DEEDS = [
    Deed("rows exactly at the cursor", lambda source: source.insert_at_newest(3)),
    Deed("rows a minute late", lambda source: source.insert(3, late=60)),
    Deed("rows an hour late", lambda source: source.insert(3, late=3600), Tier.WARM),
    Deed("silent edits", lambda source: source.edit(3, silently=True, where=young), Tier.WARM),
    Deed("silent edits of long ago", lambda source: source.edit(3, silently=True, where=old), Tier.COLD),
    Deed("voids", lambda source: source.void(3), withdrawn=3),
    Deed("silent voids", lambda source: source.void(3, silently=True, where=young), Tier.WARM, withdrawn=3),
    Deed("silent voids of long ago", lambda source: source.void(3, silently=True, where=old), Tier.COLD, withdrawn=3),
    Deed("deletions", lambda source: source.delete(3), Tier.COLD, looks=2, withdrawn=3),
    Deed("rows deleted and written anew", lambda source: source.rewrite(3)),
    Deed("deletions of void rows", delete_some_of_the_void, Tier.COLD, looks=2, withdrawn=10),
]


@pytest.mark.requirement("J-099")
@pytest.mark.parametrize("deed", DEEDS, ids=lambda deed: deed.name)
def test_each_tier_finds_what_is_its_own(deed: Deed, line: Line, conclude: Conclude) -> None:
    line.source.insert(_ROWS)
    line.source.wait(hours=2)
    line.source.insert(1)
    line.settle()
    deed.do(line.source)
    assert line.verdict().zeros != (0, 0, 0), "the oracle sees that something is left to do"
    if deed.tier is not None:
        line.settle()
        assert line.verdict().zeros != (0, 0, 0), "a poll alone would have done"
    if deed.tier is Tier.COLD and deed.looks == 1:
        line.look(Tier.WARM)
        line.settle()
    for _ in range(deed.looks - 1):
        line.look(deed.tier or Tier.COLD)
        line.settle()
        assert line.verdict().zeros != (0, 0, 0), "one look is not enough"
    if deed.tier is not None:
        line.look(deed.tier)
    line.settle()
    assert line.verdict().withdrawn == deed.withdrawn
    conclude(line, deed.name)
    line.close_the_books()
    conclude(line, "and stays so")


def test_withdrawn_rows_that_come_back_are_live_again(line: Line, conclude: Conclude) -> None:
    line.source.insert(30)
    line.source.void(4)
    line.settle()
    line.source.delete(4)
    line.close_the_books()
    line.source.void(3)
    line.close_the_books()
    conclude(line)
    line.source.restore(20)
    line.close_the_books()
    assert line.verdict().rows == 30
    conclude(line)


@pytest.mark.requirement("J-099")
def test_an_unruly_source_over_a_failing_network_ends_row_by_row_as_it_is(
    room: Path, size: Size, seed: int, conclude: Conclude
) -> None:
    random = Random(seed)
    with lines.build(room / "line", seed, draw=Schedule(seed).draw) as line:
        for _ in range(size.rows // 40):
            line.source.insert(30, bad=1)
            line.source.edit(5)
            line.source.delete(1)
            for _ in range(4):
                misbehave(line.source, random)
            line.round()
            line.look(random.choice((Tier.WARM, Tier.COLD)))
        line.close_the_books()
        assert line.verdict().withdrawn >= 5
        conclude(line)


@pytest.mark.requirement("J-099")
@pytest.mark.parametrize("point", ["before_accept", "within_accept", "after_accept"])
def test_dying_anywhere_in_a_sweep_withdraws_what_is_gone_once_and_nothing_else(point: str, line: Line, conclude: Conclude) -> None:
    """The last place of each look is the withdrawal itself: places are died at from the first on until a look gets through."""
    line.source.insert(20)
    line.settle()
    for _ in range(2):
        line.source.delete(2)
        line.source.edit(2, silently=True)
        line.look(Tier.COLD)
        passing = 1
        while (ended := line.sweep_apart(f"{point}:{passing}"))[0]:
            assert ended[0] == -9, ended[1]
            line.age(hours=1)
            passing += 2
        assert "Traceback" not in ended[1]
    assert len(line.deaths) >= 4
    line.close_the_books()
    assert line.verdict().withdrawn == 4
    conclude(line, f"deaths at {', '.join(line.deaths)}")


def test_many_rows_gone_at_once_wait_for_a_person(room: Path, seed: int, conclude: Conclude) -> None:
    with lines.build(room / "line", seed, void={"rows": 5, "percent": 50}) as line:
        line.source.insert(60)
        line.settle()
        line.source.delete(4)
        line.close_the_books()
        line.source.delete(8)
        line.close_the_books()
        assert line.verdict().withdrawn == 4
        assert len(line.verdict().wrong) == 8
        code, said = line.run("brake", "release", "--source", "his", "--dataset", "RX01", answer="y\n")
        assert (code, "已放行" in said) == (0, True)
        line.close_the_books()
        assert line.verdict().withdrawn == 12
        conclude(line)


@pytest.mark.requirement("J-099")
def test_a_look_that_read_a_row_before_its_last_change_brings_nothing_old_back(
    line: Line, monkeypatch: pytest.MonkeyPatch, conclude: Conclude
) -> None:
    """A snapshot of a week takes minutes; a poll meanwhile sees, and sends, what it does not."""
    whole = SqlSource.window

    def slow(source: SqlSource, *span: Any) -> Iterator[Page]:
        pages = list(whole(source, *span))
        line.source.edit(8)
        line.source.void(4)
        line.round()
        yield from pages

    line.source.insert(30)
    line.settle()
    line.source.edit(5, silently=True)
    with monkeypatch.context() as patch:
        patch.setattr(SqlSource, "window", slow)
        line.look(Tier.WARM)
    line.settle()
    conclude(line)


@pytest.mark.requirement("J-099")
@pytest.mark.parametrize("edited", [False, True])
def test_a_row_that_goes_after_only_the_second_copy_of_its_request_was_answered_is_withdrawn(
    edited: bool, room: Path, seed: int, conclude: Conclude
) -> None:
    """The first copy was taken, the second is refused as a replay: the rows wait to be sent, and are there."""
    with lines.build(room / "line", seed, draw=chain([Fault.TWICE_LAST], repeat(Fault.NONE)).__next__) as line:
        line.source.insert(8)
        line.round()
        assert (line.receiver.count(), line.rejected()) == (8, 0)
        if edited:
            line.source.edit(8)
        line.source.void(4)
        line.source.delete(2)
        line.close_the_books()
        assert line.verdict().withdrawn >= 4
        conclude(line)


@pytest.mark.requirement("J-099")
def test_a_row_put_back_while_a_look_is_under_way_is_not_withdrawn(
    line: Line, monkeypatch: pytest.MonkeyPatch, conclude: Conclude
) -> None:
    """Its slice was read and looked up minutes ago; the withdrawals come at the end."""
    honest = Sweeper._withdraw

    def late(sweeper: Sweeper, *given: Any) -> tuple[int, bool]:
        line.source.restore(4)
        return honest(sweeper, *given)

    line.source.insert(30)
    line.settle()
    line.source.delete(4)
    line.look(Tier.COLD)
    with monkeypatch.context() as patch:
        patch.setattr(Sweeper, "_withdraw", late)
        assert line.look(Tier.COLD).voided == 0
    line.close_the_books()
    assert line.receiver.count() == 30
    conclude(line)
