"""The network and the platform fail: what was not answered is not assumed, what was refused is isolated, what waited arrives."""

from __future__ import annotations

import time
from datetime import timedelta
from itertools import chain, repeat
from pathlib import Path

import pytest
from support import line as lines
from support.faultsize import Conclude
from support.line import Line, real_time, wait_until
from support.proxy import EVERYTHING, Fault, Schedule
from support.sites import Writer


@pytest.mark.requirement("J-099")
def test_every_fault_of_the_network_at_once_leaves_the_three_zeros(room: Path, seed: int, conclude: Conclude) -> None:
    rates = {**dict.fromkeys(EVERYTHING, 0.07), Fault.REPLY_LATE: 0.02}
    with lines.build(room / "line", seed, draw=Schedule(seed, rates).draw) as line:
        for _ in range(8):
            line.source.insert(50, bad=2)
            line.source.edit(15)
            line.round()
            line.age(minutes=90)
        line.settle()
        assert line.proxy.counts.keys() >= EVERYTHING.keys() - {Fault.REPLY_LATE}
        conclude(line)


@pytest.mark.parametrize("fault", list(EVERYTHING))
def test_each_fault_alone_is_got_over(fault: Fault, room: Path, seed: int, conclude: Conclude) -> None:
    with lines.build(room / "line", seed, draw=chain(repeat(fault, 2), repeat(Fault.NONE)).__next__) as line:
        line.source.insert(20)
        line.settle()
        assert line.proxy.counts[fault] == 2
        conclude(line)


def test_one_poisonous_row_is_isolated_and_arrives_once_it_is_mended(line: Line, conclude: Conclude) -> None:
    line.source.insert(40)
    line.proxy.poison = frozenset({"RX000004|2", "RX000005|1"})
    line.settle()
    assert line.rejected() == 2
    conclude(line, excused=line.proxy.poison)
    line.proxy.poison = frozenset()
    line.source.edit(40)
    line.settle()
    conclude(line)


def test_a_refusal_of_everything_that_passes_rejects_no_record(room: Path, seed: int, conclude: Conclude) -> None:
    """Three requests: a batch of eight is halved three times and its rows still travel."""
    with lines.build(room / "line", seed, draw=chain(repeat(Fault.REFUSED, 3), repeat(Fault.NONE)).__next__) as line:
        line.source.insert(30)
        line.settle()
        assert line.rejected() == 0
        conclude(line)


def test_the_receiver_is_away_for_a_day_and_everything_catches_up(line: Line, conclude: Conclude) -> None:
    line.source.insert(20)
    line.settle()
    line.receiver.stop()
    for _ in range(12):
        line.source.insert(9, bad=1)
        line.source.edit(4)
        line.round()
        line.age(hours=2)
    assert line.receiver.count() == 20
    line.receiver.start()
    line.settle()
    conclude(line)


def test_the_receiver_is_restarted_while_the_gateway_runs(line: Line, conclude: Conclude) -> None:
    line.source.insert(40)
    with lines.serving_gateway(line), Writer(line.source, 100):
        for count in (20, 40):
            wait_until(lambda count=count: line.receiver.count() >= count, 60, f"{count} rows at the receiver")  # type: ignore[misc]
            line.receiver.stop()
            time.sleep(0.3)
            line.receiver.start()
    line.settle()
    conclude(line)


@pytest.mark.parametrize("minutes", [5, -5])
def test_the_clock_steps_by_five_minutes_while_answers_are_missing(minutes: int, room: Path, seed: int, conclude: Conclude) -> None:
    """The gateway's clock jumps between two rounds and is put right after two more; the platform's does not."""
    offset = timedelta(0)
    draw = Schedule(seed, {Fault.REPLY_DROPPED: 0.2, Fault.BUSY: 0.1}).draw
    with lines.build(room / "line", seed, draw=draw) as line:
        for number in range(5):
            offset = timedelta(minutes=minutes) if number in (1, 2, 3) else timedelta(0)
            line.source.insert(20, bad=1)
            line.source.edit(5)
            line.round(lambda step=offset: real_time() + step)  # type: ignore[misc]
            line.age(minutes=3)
        line.settle()
        conclude(line, f"clock {minutes:+d} min")
