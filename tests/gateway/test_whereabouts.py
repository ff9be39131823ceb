"""Where is my row: by every number that a person may have in the hand, with its whole way, on three databases."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from support.delivery import INSTITUTION, START, Clock, Platform, Rows, prescription

from gateway.errors import NotDeliveredError
from gateway.intake import accept
from gateway.judging import Judge
from gateway.locating import lines
from gateway.model import AsideState, SourceRow
from gateway.outbox import State
from gateway.store import Store
from gateway.uploading import upload
from gateway.whereabouts import RowTrail, Sought, reasons_of
from schemas.envelope import Result, Status
from schemas.model import Edition, Violation

PLACES = (("his", "RX01"),)
KEYS = ((INSTITUTION, "RX01"), (INSTITUTION, "HD03"))


class Desk:
    """A store that rows come into, a platform that they go to, and somebody who asks."""

    def __init__(self, store: Store, edition: Edition, clock: Clock) -> None:
        self.store, self.edition, self.clock, self.platform = store, edition, clock, Platform()

    def take_in(self, *rows: SourceRow, targets: tuple[str, ...] = ("bureau",)) -> None:
        judge = Judge(self.edition, "RX01", self.store.rid)
        accept(Rows(list(rows)), judge, self.store, targets=targets, clock=self.clock, from_start=True)

    def send(self) -> None:
        upload(self.store, self.platform, "bureau", clock=self.clock, lease=timedelta(seconds=120))

    def find(self, number: str, rows: Any = PLACES, keys: Any = KEYS) -> list[RowTrail]:
        return list(self.store.find(Sought(number, rows, keys)))

    def one(self, number: str) -> RowTrail:
        (found,) = self.find(number)
        return found


@pytest.fixture
def desk(store: Store, edition: Edition, clock: Clock) -> Desk:
    return Desk(store, edition, clock)


def test_a_row_is_found_by_its_own_number_its_document_and_its_key(desk: Desk) -> None:
    desk.take_in(*(prescription(number) for number in range(1, 15)), prescription(20, rx_id="RX00001", line_no="2"))
    assert [each.ref for each in desk.find("id=1")] == ["id=1"]
    assert [each.ref for each in desk.find("RX00001|1")] == ["id=1"]
    assert sorted(each.ref for each in desk.find("RX00001")) == ["id=1", "id=20"], "both lines of the document"
    assert desk.find("RX0000") == [], "no part of a number, or a guess would find strangers"
    assert desk.find("id=") == []
    assert desk.find("%") == desk.find("RX00001%") == desk.find("'; --") == []


def test_nothing_of_a_source_or_an_institution_that_is_not_asked_for(desk: Desk) -> None:
    desk.take_in(prescription(1))
    assert desk.find("id=1", rows=(("pos", "RX01"),), keys=()) == []
    assert desk.find("RX00001", rows=(), keys=(("H99000199999", "RX01"),)) == []


def test_the_way_of_a_row_that_arrived_and_was_edited(desk: Desk, clock: Clock) -> None:
    desk.take_in(prescription(1))
    desk.send()
    clock.move(3600)
    desk.take_in(prescription(1, cnt=Decimal(9)))
    found = desk.one("id=1")
    assert found.verdict == ("第 2 版在队列里，等着发往平台 bureau",)
    desk.send()
    found = desk.one("id=1")
    assert found.verdict == (f"平台 bureau 已收第 2 版（{START:%Y-%m-%d %H:%M:%S}）",), "by the platform's own clock"
    assert (found.source, found.dataset, found.institution, found.first_seen) == ("his", "RX01", INSTITUTION, START)
    (record,) = found.records
    second, first = record.versions
    assert (first.version, second.version) == (1, 2)
    assert first.seen_at + timedelta(hours=1) == second.seen_at
    (ship,) = second.shipments
    assert (ship.target, ship.state, ship.msgid, ship.attempts) == ("bureau", State.ACCEPTED, desk.platform.msgids[1], 0)
    assert (ship.sent_at, ship.settled_at) == (clock.now, START)
    told = "\n".join(lines(found))
    for words in ("本地行号 id=1", "业务主键 RX00001|1", "第 2 版：发生", f"报文 {desk.platform.msgids[0]}"):
        assert words in told


def test_a_row_that_is_not_right_tells_why_and_whether_the_platform_shows_the_old_one(desk: Desk) -> None:
    desk.take_in(prescription(1, cnt=None), prescription(2))
    desk.send()
    desk.take_in(prescription(1, cnt=None), prescription(2, cnt=None))
    never, before = desk.one("id=1"), desk.one("RX00002")
    assert never.verdict == ("不合规范，待改正",)
    assert never.aside
    assert (never.aside.state, never.aside.since) == (AsideState.QUARANTINED, START)
    assert [each.field for each in reasons_of(never)[""]] == ["cnt"]
    assert before.verdict[0] == "不合规范，待改正；平台上仍是以前报的内容"
    assert before.verdict[1].startswith("平台 bureau 已收第 1 版")
    assert [each.ref for each in desk.find("RX00001")] == ["id=1"], "by the key it would have"


def test_a_row_that_was_sent_back_tells_the_platforms_reason(desk: Desk) -> None:
    reason = Violation("dr_code", "register", "开单医师 110101199003070011 未登记")
    desk.platform.answer = lambda turn, bodies: [Result("RX00001|1", 1, Status.REJECTED, (reason,))]
    desk.take_in(prescription(1))
    desk.send()
    found = desk.one("id=1")
    assert found.verdict[0].startswith("平台 bureau 退回了第 1 版")
    assert [each.message for each in reasons_of(found)["bureau"]] == ["开单医师 *** 未登记"]


def test_a_row_that_waits_tells_for_what_and_until_when(desk: Desk, clock: Clock) -> None:
    desk.platform.answer = lambda turn, bodies: NotDeliveredError("平台连不上")
    desk.take_in(prescription(1))
    desk.send()
    (ship,) = desk.one("id=1").records[0].versions[0].shipments
    assert (ship.state, ship.cause, ship.settled_at) == (State.QUEUED, "平台连不上", None)
    assert ship.next_at
    assert ship.next_at > clock.now


def test_a_row_whose_number_in_another_source_is_the_same_is_told_apart(desk: Desk, edition: Edition, clock: Clock) -> None:
    desk.take_in(prescription(1))
    other = Rows([prescription(1, rx_id="RX90001")], name="pos")
    accept(other, Judge(edition, "RX01", desk.store.rid), desk.store, targets=("bureau",), clock=clock)
    both = desk.find("id=1", rows=(("his", "RX01"), ("pos", "RX01")))
    assert sorted((each.source, each.records[0].key) for each in both) == [("his", "RX00001|1"), ("pos", "RX90001|1")]


def test_a_row_whose_key_was_edited_shows_both_records(desk: Desk) -> None:
    desk.take_in(prescription(1))
    desk.take_in(prescription(1, rx_id="RX77777"))
    found = desk.one("id=1")
    assert sorted(each.key for each in found.records) == ["RX00001|1", "RX77777|1"]


def test_so_many_rows_are_listed_and_no_more(desk: Desk) -> None:
    desk.take_in(*(prescription(number, rx_id="RX00001", line_no=str(number)) for number in range(1, 80)))
    assert len(desk.find("RX00001")) == 50
