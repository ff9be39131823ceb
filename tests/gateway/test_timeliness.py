"""`gateway late`: what was due on a day is counted once, whatever became of it, and charged by what the store kept."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import orjson
import pytest
from click.testing import CliRunner
from rich.console import Console
from support.delivery import INSTITUTION, START, Clock, Platform, Rows, prescription

from gateway import config as configuration
from gateway import console as show
from gateway.deadlines import Closure
from gateway.errors import NotDeliveredError
from gateway.intake import accept
from gateway.judging import Judge
from gateway.lateness import Account, Party
from gateway.main import cli
from gateway.model import Reading, RowState, SourceRow
from gateway.standing import Route
from gateway.store import Store, tracks
from gateway.timeliness import _polls, account, closed_on, crowds, set_aside
from gateway.uploading import upload
from gateway.windows import Allowance, hours
from gateway.wiring import Gateway
from schemas.envelope import Result, Status
from schemas.model import Edition, Violation
from schemas.wire import encode_datetime

TODAY = START.date()
ROUTES = (Route("his", "RX01", "bureau"),)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


class Desk:
    """A gateway over one source, whose records are due ten minutes after they occurred."""

    def __init__(self, store: Store, edition: Edition, clock: Clock) -> None:
        self.store, self.edition, self.clock, self.platform = store, edition, clock, Platform()
        self.platform.answer = self._answer
        self.reply: Any = None
        self.rejected: set[str] = set()
        self.allowance = Allowance()
        self.reading = Reading.INCREMENTAL

    @property
    def gateway(self) -> Gateway:
        targets = {"bureau": SimpleNamespace(allowance=self.allowance)}
        config = SimpleNamespace(schedule=SimpleNamespace(read_every=60, rescan_every=600), targets=targets)
        feeds = (SimpleNamespace(source=SimpleNamespace(dataset="RX01", reading=self.reading)),)
        parts = {"store": self.store, "clock": self.clock, "edition": self.edition, "config": config, "routes": ROUTES}
        return cast("Gateway", SimpleNamespace(**parts, feeds=feeds, closures={}))

    def take_in(self, *rows: SourceRow) -> None:
        judge = Judge(self.edition, "RX01", self.store.rid)
        accept(Rows(list(rows)), judge, self.store, targets=("bureau",), clock=self.clock, from_start=True)

    def send(self) -> None:
        upload(self.store, self.platform, "bureau", clock=self.clock, lease=timedelta(minutes=2))

    def account(self, day: date = TODAY) -> Account:
        (found,) = account(self.gateway, "bureau", day)
        return found

    def _answer(self, turn: int, bodies: Sequence[bytes]) -> Sequence[Result] | Exception:
        if self.reply:
            return cast("Exception", self.reply)
        stamp = encode_datetime(self.clock())
        reason = (Violation("dept_codg", "unknown", "没有这个科室"),)
        keys = [(key, int(version)) for key, version in map(_key, bodies)]
        return [
            Result(key, version, Status.REJECTED, reason)
            if key in self.rejected
            else Result(key, version, Status.ACCEPTED, accepted_at=stamp)
            for key, version in keys
        ]


def _key(body: bytes) -> tuple[str, str]:
    record = orjson.loads(body)
    return record["key"], record["version"]


@pytest.fixture
def desk(store: Store, edition: Edition, clock: Clock) -> Desk:
    return Desk(store, edition, clock)


def row(number: int, minutes: float, **changes: Any) -> SourceRow:
    return prescription(number, rx_time=at(minutes), **changes)


def minutes(found: Account) -> dict[Party, float]:
    return {party: part.total_seconds() / 60 for party, part in found.parts.items()}


def test_on_time_late_and_not_yet_due(desk: Desk) -> None:
    desk.take_in(row(1, -5), row(2, -30, row_entered_at=at(-1)))
    desk.send()
    desk.take_in(row(1, -5), row(2, -30, row_entered_at=at(-1)), row(3, -2))
    found = desk.account()
    assert (found.due, found.on_time, found.late, found.overdue, found.pending) == (3, 1, 1, 0, 1)
    assert found.records == {Party.CLINICAL: 1}
    assert found.worst == [(timedelta(minutes=20), "临床录入", "his 的 id=2")]
    assert account(desk.gateway, "bureau", TODAY - timedelta(days=1)) == []


def test_an_outage_is_charged_to_the_network_and_what_came_after_it_to_the_gateway(desk: Desk) -> None:
    desk.take_in(row(1, -1, row_entered_at=at(-1)))
    desk.reply = NotDeliveredError("平台 bureau 连接不上")
    desk.send()
    desk.clock.move(60)
    desk.take_in(row(1, -1, row_entered_at=at(-1)), row(2, 0, row_entered_at=at(0)))  # never tried while the platform is away
    desk.clock.move(20 * 60)
    desk.reply = None
    desk.send()
    found = desk.account()
    assert (found.late, found.records) == (2, {Party.NETWORK: 2})
    assert minutes(found) == {Party.NETWORK: 12 + 11}


def test_hours_in_which_the_platform_may_not_be_called_are_the_platforms(desk: Desk) -> None:
    desk.allowance = Allowance((hours("08:30-22:00"),))
    desk.take_in(row(1, -1, row_entered_at=at(-1)))
    desk.clock.now = at(35)
    desk.send()
    assert minutes(desk.account()) == {Party.PLATFORM: 21, Party.GATEWAY: 5}


def test_a_record_that_was_edited_after_it_arrived_is_counted_once_and_on_time(desk: Desk) -> None:
    desk.take_in(row(1, -5))
    desk.send()
    desk.clock.move(3600)
    desk.take_in(row(1, -5, med_list_name="改过的名字", cursor=2))
    desk.send()
    assert len(desk.platform.requests) == 2
    found = desk.account()
    assert (found.due, found.on_time) == (1, 1)


def test_the_first_version_was_sent_back_and_the_next_arrived_late(desk: Desk) -> None:
    desk.rejected = {"RX00001|1"}
    desk.take_in(row(1, -5))
    desk.send()
    overdue = desk.account(TODAY)
    assert (overdue.overdue, overdue.pending) == (0, 1)
    desk.clock.move(3600)
    assert desk.account().records == {Party.CLINICAL: 1}  # sent back, and nobody has corrected it
    desk.rejected = set()
    desk.take_in(row(1, -5, med_list_name="改过的名字", cursor=2))
    desk.send()
    found = desk.account()
    assert (found.due, found.late, minutes(found)) == (1, 1, {Party.CLINICAL: 55})


def test_what_is_set_aside_is_overdue_too_and_named_by_its_row(desk: Desk) -> None:
    desk.take_in(row(1, -30, dr_codg="医" * 300), row(2, -30, cnt=None))
    found = desk.account()
    assert (found.due, found.overdue, found.records) == (2, 2, {Party.SITE: 2})  # seen after its deadline, no time of entry
    desk.clock.move(3600)
    assert desk.account().records == {Party.CLINICAL: 2}
    assert {ref for _, _, ref in found.worst} == {"his 的 id=1", "his 的 id=2"}
    desk.take_in(row(1, -30, cursor=3), row(2, -30, cursor=4))
    desk.send()
    mended = desk.account()
    assert (mended.due, mended.late, mended.records) == (2, 2, {Party.CLINICAL: 2})


def test_what_is_set_aside_is_counted_as_it_is_told_one_by_one(desk: Desk) -> None:
    days = [minutes - 1440 * day for day in range(3) for minutes in (-30, -29.5, 5, 200)]
    desk.take_in(*(row(number, each, cnt=None) for number, each in enumerate(days, start=1)))
    desk.take_in(row(90, -30, row_state=RowState.EXCLUDED, row_reason="测试数据"), row(91, -30))
    for after, until in ((at(-60), at(60)), (at(-3000), at(-1)), (at(-9000), at(9000))):
        told = Counter(track.history.due <= START for track in set_aside(desk.gateway, "bureau", after, until))
        counted: Counter[bool] = Counter()
        for crowd, due in crowds(desk.gateway, "bureau", after, until):
            counted[due <= START] += crowd.rows
        assert counted == told
    assert told.total() == len(days)
    assert list(crowds(desk.gateway, "county", at(-9000), at(9000))) == []


def test_what_a_rule_leaves_out_and_what_was_withdrawn_in_time_is_owed_to_nobody(desk: Desk) -> None:
    desk.take_in(row(1, -5), row(2, -5, row_state=RowState.EXCLUDED, row_reason="测试数据"), row(3, -5))
    desk.take_in(row(1, -5), row(3, -5, cursor=4, row_state=RowState.VOID, row_reason="作废"))
    desk.send()
    found = desk.account()
    assert (found.due, found.on_time) == (1, 1)


def test_chunks_end_between_keys_and_every_record_is_told_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracks, "_ROWS", 3)
    monkeypatch.setattr(tracks, "_CHUNK", 2)
    desk.take_in(*(row(number, -5) for number in range(1, 11)))
    desk.send()
    desk.take_in(*(row(number, -5, med_list_name="改过的名字", cursor=20 + number) for number in range(1, 6)))
    found = desk.account()
    assert (found.due, found.on_time) == (10, 10)


def test_the_page_a_clerk_reads(desk: Desk) -> None:
    desk.take_in(row(1, -5), row(2, -100))
    desk.send()
    out = io.StringIO()
    show.late(Console(file=out, width=80), "bureau", TODAY, [desk.account()])
    show.late(Console(file=out, width=80), "county", TODAY, [])
    told = out.getvalue()
    for words in (
        "目标 bureau · 2026-11-25 到期",
        "RX01：院内（本地不记录入时间，分不清临床录入和 HIS） 1 条",
        "RX01：过了时限之后的时间合计 院内 1 小时 30 分",
        "最晚的：来源 his 的 id=2，晚了 1 小时 30 分，院内",
        "目标 county：2026-11-25 没有到期的数据",
    ):
        assert words in told
    assert "P00002" not in told  # no patient


def test_a_day_is_due_until_its_twenty_four_hundred(desk: Desk) -> None:
    midnight = START.replace(hour=0)
    desk.take_in(prescription(1, rx_time=midnight - timedelta(minutes=10)), prescription(2, rx_time=midnight))
    assert desk.account(TODAY - timedelta(days=1)).due == 1
    assert desk.account(TODAY).due == 1


def test_who_is_closed_that_day_is_told(desk: Desk) -> None:
    closures = {INSTITUTION: Closure(weekdays=frozenset({2}))}
    gateway = cast("Gateway", SimpleNamespace(closures=closures))
    assert closed_on(gateway, TODAY) == [INSTITUTION]
    assert closed_on(gateway, TODAY + timedelta(days=1)) == []


def test_the_command_runs_on_an_empty_store(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("synthetic\n", encoding="utf-8")
    path = tmp_path / "config.yaml"
    path.write_text(
        f"""
store: {{url: "sqlite:///gateway.db"}}
institutions: [{{code: "{INSTITUTION}", name: 测试医院, admvs: "990001", closed: [周三]}}]
targets:
  bureau: {{url: "https://10.0.0.1/api", credentials: {{"{INSTITUTION}": {{paasid: "x", token: {{file: token}}}}}}}}
sources: [{{name: his, profile: his/demo_his, url: "sqlite:///his.db", institution: "{INSTITUTION}"}}]
""",
        encoding="utf-8",
    )
    assert configuration.load(path).institutions[INSTITUTION].closed(TODAY)
    result = CliRunner().invoke(cli, ["--config", str(path), "late", "--date", "2026-11-25"])
    assert result.exit_code == 0, result.output
    assert f"机构 {INSTITUTION} 当日休业" in result.output
    assert "目标 bureau：2026-11-25 没有到期的数据" in result.output


def test_what_is_read_seldom_is_our_doing_as_long_as_that_lasts(desk: Desk) -> None:
    """A product that keeps no change times is read whole, and seldom: the wait for that is not the hospital's."""
    desk.reading = Reading.RESCAN
    assert _polls(desk.gateway) == {"RX01": timedelta(minutes=10)}
    desk.reading = Reading.INCREMENTAL
    assert _polls(desk.gateway) == {"RX01": timedelta(minutes=1)}
