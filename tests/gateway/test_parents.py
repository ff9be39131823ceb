"""A record is held until the one it names is accepted; nobody waits for what this gateway does not have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import select
from support.delivery import START, Clock, Platform, Rows
from support.dialysis import schedule, session

from gateway.errors import NotDeliveredError
from gateway.intake import accept
from gateway.judging import Judge
from gateway.model import SourceRow, Tally
from gateway.outbox import State
from gateway.reconcile import audit
from gateway.standing import Awaited, Resent, Route
from gateway.store import Store
from gateway.store.parents import depth
from gateway.store.tables import delay
from gateway.uploading import upload
from schemas.envelope import Result, Status
from schemas.lint import findings
from schemas.model import Edition, Parent, Violation


@dataclass
class Desk:
    store: Store
    edition: Edition
    clock: Clock
    platform: Platform = field(default_factory=Platform)

    def take_in(self, dataset: str, *rows: SourceRow) -> Tally:
        judge = Judge(self.edition, dataset, self.store.rid)
        tally = accept(Rows(list(rows), dataset=dataset), judge, self.store, targets=("bureau",), clock=self.clock)
        assert tally.queued == len(rows), self.store.grievances()
        return tally

    def send(self) -> None:
        upload(self.store, self.platform, "bureau", clock=self.clock, lease=timedelta(seconds=120))

    def states(self, dataset: str = "HD03") -> dict[State, int]:
        (found,) = self.store.standings([Route("his", dataset, "bureau")])
        assert found.balanced
        return dict(found.states)

    def causes(self) -> list[str]:
        return list(self.store.queue("bureau").causes)

    def sent(self) -> list[str]:
        return [key for request in self.platform.requests for key in request]


@pytest.fixture
def desk(store: Store, edition: Edition, clock: Clock) -> Desk:
    return Desk(store, edition, clock)


def rejecting(*keys: str) -> Any:
    """An answer that rejects these keys and accepts the rest."""

    def answer(turn: int, bodies: Sequence[bytes]) -> list[Result]:
        reason = Violation("bed_no", "unknown", "没有这个床位")
        records = [orjson.loads(body) for body in bodies]
        return [
            Result(each["key"], int(each["version"]), Status.REJECTED if each["key"] in keys else Status.ACCEPTED, (reason,))
            for each in records
        ]

    return answer


def test_a_child_is_held_and_follows_once_its_parent_is_accepted(desk: Desk) -> None:
    desk.take_in("HD02", schedule(1))
    desk.take_in("HD03", session(1))
    assert desk.states() == {State.HELD: 1}
    assert desk.causes() == ["等待所指的上级 HD02 被平台收下"]
    assert desk.store.awaited("bureau") == [Awaited("HD02", 1, START, "等待所指的上级 HD02 被平台收下")]
    desk.send()
    assert desk.sent() == ["S1", "D1"]
    assert desk.states() == {State.ACCEPTED: 1}
    assert desk.store.awaited("bureau") == []


def test_a_parent_that_is_accepted_already_holds_nobody(desk: Desk) -> None:
    desk.take_in("HD02", schedule(1))
    desk.send()
    desk.take_in("HD02", schedule(1, cursor=2, bed_no="3"))  # its next version need not be there
    desk.take_in("HD03", session(1))
    assert desk.states() == {State.QUEUED: 1}


@pytest.mark.parametrize("named", ["S9", None])
def test_a_parent_that_is_unknown_or_not_named_holds_nobody(desk: Desk, named: str | None) -> None:
    desk.take_in("HD02", schedule(1))
    desk.take_in("HD03", session(1, schd_id=named))
    assert desk.states() == {State.QUEUED: 1}


def test_a_rejected_parent_goes_on_holding_and_says_so_until_it_is_mended(desk: Desk) -> None:
    desk.take_in("HD02", schedule(1), schedule(2))
    desk.take_in("HD03", session(1), session(2))
    desk.platform.answer = rejecting("S1")
    desk.send()
    assert desk.states() == {State.HELD: 1, State.ACCEPTED: 1}
    assert desk.causes() == ["所指的上级 HD02 被平台退回，上级改正并收下后自动报送"]
    desk.take_in("HD03", session(1, cursor=3, machine_no="M2"))
    assert desk.causes() == ["所指的上级 HD02 被平台退回，上级改正并收下后自动报送"], "told as well to who comes later"
    desk.platform.answer = None
    desk.take_in("HD02", schedule(1, cursor=3, bed_no="7"))
    desk.send()
    assert desk.states() == {State.ACCEPTED: 2}
    assert ("D1", 1) not in desk.platform.held, "the version that was held was superseded"


def test_a_parent_whose_outcome_is_open_holds(desk: Desk) -> None:
    desk.take_in("HD02", schedule(1))
    desk.platform.answer = lambda turn, bodies: NotDeliveredError("连不上")
    desk.send()
    desk.take_in("HD03", session(1))
    desk.send()
    assert desk.states() == {State.HELD: 1}
    desk.platform.answer = None
    desk.clock.move(3600)
    desk.send()
    assert desk.sent()[-2:] == ["S1", "D1"]


def test_a_child_held_for_its_own_older_version_then_waits_for_its_new_parent(desk: Desk) -> None:
    desk.take_in("HD02", schedule(1))
    desk.send()
    desk.take_in("HD03", session(1))

    def edit_meanwhile(turn: int, bodies: Sequence[bytes]) -> None:
        if b'"D1"' in bodies[0] and turn == 2:
            desk.take_in("HD02", schedule(2))
            desk.take_in("HD03", session(1, cursor=2, schd_id="S2"))

    desk.platform.answer = edit_meanwhile
    desk.send()
    assert desk.sent() == ["S1", "D1", "S2", "D1"]
    assert desk.states() == {State.ACCEPTED: 1}


@pytest.mark.parametrize(
    ("parent", "sentence"),
    [
        (Parent("HD99", (("schd_id", "schd_id"),)), "HD03：上级 HD99 不是另一个报送的数据集"),
        (Parent("HD03", (("sess_id", "sess_id"),)), "HD03：上级 HD03 不是另一个报送的数据集"),
        (Parent("HD02", (("no_such", "schd_id"),)), "HD03：parent 所写的字段 no_such 不在字段表内"),
        (Parent("HD01", (("rx_id", "rx_id"),)), "HD03：parent 须写全上级 HD01 的主键 rx_id、line_no"),
    ],
)
def test_a_parent_that_could_not_be_found_is_told_by_lint(edition: Edition, parent: Parent, sentence: str) -> None:
    changed = replace(edition, datasets={**edition.datasets, "HD03": replace(edition.datasets["HD03"], parent=parent)})
    assert findings(changed) == (sentence,)


def test_how_long_a_child_waited_for_its_parent_is_kept(desk: Desk) -> None:
    desk.take_in("HD02", schedule(1))
    desk.take_in("HD03", session(1))
    desk.clock.move(600)
    desk.send()
    with desk.store._engine.connect() as connection:
        rows = connection.execute(select(delay.c.kind, delay.c.began_at, delay.c.ended_at)).all()
    assert [tuple(row) for row in rows] == [("parent", START, None)]  # until it was sent


def test_of_what_the_platform_lost_a_child_waits_for_its_parent_whichever_is_found_first(desk: Desk) -> None:
    desk.take_in("HD03", session(1), session(2))
    desk.take_in("HD02", schedule(1), schedule(2))
    desk.send()
    desk.platform.answers_queries = True
    del desk.platform.held["S1", 1], desk.platform.held["D1", 1], desk.platform.held["D2", 1]
    found = audit(desk.store, desk.platform, "bureau", desk.clock(), resend=True)
    assert (found.missing, found.resent) == (3, Resent(queued=3))
    assert desk.states() == {State.HELD: 1, State.QUEUED: 1}, "the second one's schedule is still there"
    desk.platform.answer = lambda turn, bodies: NotDeliveredError("连不上") if b'"S1"' in bodies[0] else None
    desk.send()
    assert "D1" not in desk.sent()[4:]
    desk.platform.answer = None
    desk.clock.move(3600)
    desk.send()
    assert desk.sent()[-2:] == ["S1", "D1"]
    assert desk.states() == {State.ACCEPTED: 2}


def test_an_older_version_of_a_lost_parent_lets_no_child_go(desk: Desk) -> None:
    """A platform that was restored has neither of them; the child would be sent back."""
    desk.take_in("HD02", schedule(1))
    desk.take_in("HD03", session(1))
    desk.send()
    desk.take_in("HD02", schedule(1, cursor=2, bed_no="3"))
    desk.send()
    desk.platform.answers_queries = True
    desk.platform.held.clear()
    assert audit(desk.store, desk.platform, "bureau", desk.clock(), resend=True).resent == Resent(queued=2)
    assert (desk.states("HD02"), desk.states()) == ({State.QUEUED: 1}, {State.HELD: 1})
    desk.platform.answer = lambda turn, bodies: NotDeliveredError("连不上")
    desk.send()
    assert desk.states() == {State.HELD: 1}, "nor when it is looked for whom nothing holds"
    desk.take_in("HD02", schedule(1, cursor=3, bed_no="4"))
    desk.send()
    assert desk.states() == {State.HELD: 1}, "nor when one more is queued in its place"
    desk.platform.answer = None
    desk.clock.move(3600)
    desk.send()
    assert desk.sent()[-2:] == ["S1", "D1"]
    desk.take_in("HD03", session(2, schd_id="S1"))
    assert desk.states() == {State.ACCEPTED: 1, State.QUEUED: 1}, "it is there again"


def test_what_stands_above_is_counted_up_to_the_top(edition: Edition) -> None:
    assert [depth(edition, code) for code in ("HD02", "HD03", "HD99")] == [0, 1, 0]
