"""The gateway's process dies: at every named point, and whenever the power happens to go."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import NullPool, create_engine, func, select
from support import line as lines
from support.databases import KINDS, analyze, database
from support.faultsize import Conclude, Size
from support.line import Line, kill, wait_until
from support.proxy import Schedule
from support.sites import Writer, misbehave

from gateway.failpoints import POINTS
from gateway.store.tables import outbox


def left_behind(line: Line) -> Counter[str]:
    """Outbox rows by the state a death left them in."""
    engine = create_engine(line.store_url, poolclass=NullPool)
    with engine.connect() as connection:
        query = select(outbox.c.state, func.count()).group_by(outbox.c.state)
        return Counter({row[0]: row[1] for row in connection.execute(query)})


def passings(size: Size, random: Random) -> list[int]:
    """The first, the second and a later one; the short form draws one of the three."""
    every = [1, 2, random.randint(3, 5)]
    return every if size.passings == len(every) else random.sample(every, size.passings)


@pytest.mark.requirement("J-099")
def test_dying_at_any_named_point_loses_nothing_and_sends_nothing_twice(
    line: Line, size: Size, seed: int, conclude: Conclude
) -> None:
    random = Random(seed)
    for point in POINTS:
        for passing in passings(size, random):
            line.source.insert(50, bad=1)
            line.source.edit(8)
            line.source.delete(1)
            misbehave(line.source, random)
            code, said = line.run("run", "--once", failpoint=f"{point}:{passing}")
            assert code == -9, f"{point}:{passing} was not passed: {said}"
            line.age(hours=3)
    line.close_the_books()
    conclude(line, f"deaths at {', '.join(line.deaths)}")


def test_a_death_between_the_answer_and_its_commit_is_an_unknown_outcome_that_is_settled_by_the_same_version(
    line: Line, conclude: Conclude
) -> None:
    line.source.insert(5)
    assert line.run("run", "--once", failpoint="after_reply")[0] == -9
    assert left_behind(line) == {"sending": 5}
    assert line.receiver.count() == 5
    line.settle()
    assert line.receiver.count() == 5
    conclude(line)


def test_an_unknown_failpoint_is_an_error_at_the_start(line: Line) -> None:
    code, said = line.run("status", failpoint="after_lunch")
    assert code == 2
    assert "after_lunch" in said
    assert "Traceback" not in said


def in_the_middle_of_its_work(line: Line, random: Random) -> None:
    """Some requests on, or in the pause after it has none: a moment that does not hang on how fast the machine is."""
    enough = sum(line.proxy.counts.values()) + random.randint(0, 12)
    deadline = time.monotonic() + 3
    while sum(line.proxy.counts.values()) < enough and time.monotonic() < deadline:
        time.sleep(0.005)
    time.sleep(random.uniform(0, 0.2))


@pytest.mark.requirement("J-099")
@pytest.mark.parametrize("kind", KINDS)
def test_power_cuts_while_rows_flow(kind: str, room: Path, size: Size, seed: int, conclude: Conclude) -> None:
    """Every life of the gateway ends by SIGKILL at a random moment, over a network that fails as well."""
    random, found, cuts = Random(seed), Counter[str](), size.cuts[kind]
    with database(kind, room) as url, lines.build(room / "line", seed, store_url=url, draw=Schedule(seed).draw) as line:
        for _ in range(cuts.kills):
            process = line.spawn("serve")
            lines.wait_started(process)
            with Writer(line.source, cuts.rows // cuts.kills, pause=0.005, unruly=True):
                in_the_middle_of_its_work(line, random)
                assert "Traceback" not in kill(process)
            found.update(left_behind(line).keys() - {"accepted"})
            line.source.delete(1)
            line.age(hours=3)
            analyze(url)
        line.settle()
        line.source.delete(5)  # most rows went before they were delivered
        line.source.void(5)
        line.close_the_books()
        assert line.verdict().withdrawn >= 10
        conclude(line, f"{cuts.kills} kills on {kind}, lives that left behind {dict(sorted(found.items()))}")


@pytest.mark.requirement("J-099")
def test_two_gateways_started_on_one_store_do_not_get_in_each_others_way(line: Line, seed: int, conclude: Conclude) -> None:
    line.source.insert(60)
    with lines.serving_gateway(line), lines.serving_gateway(line), Writer(line.source, 120):
        wait_until(lambda: line.receiver.count() >= 150, 60, "most of the rows at the receiver")
    line.settle()
    conclude(line)
