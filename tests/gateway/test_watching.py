"""The gateway looked at as it runs: alarms are kept as rows, told by a real SMTP server and a real web hook, once each."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import delete
from structlog.testing import capture_logs
from support.brakes import release
from support.delivery import START, Clock
from support.district import bureau, lived
from support.telling import SECRET, Box, Hook, hooked, mailing

from demo.premises import Premises
from gateway import config as configuration
from gateway import main, watching
from gateway.alarms import Alarm, Kind
from gateway.breaker import Report, Signal
from gateway.channels import Channels
from gateway.errors import ClockDoubtedError, ConfigError
from gateway.hindrance import Hindrance, Place, Subject
from gateway.intake import Look, take_in
from gateway.judging import Judge
from gateway.main import cli, now
from gateway.maintenance import clear
from gateway.model import Brake, BrakeKind
from gateway.notices import SETTLED
from gateway.oversight import Alerts
from gateway.restraint import Restraint
from gateway.store import Store, alarms
from gateway.store.tables import rhythm
from gateway.watching import Watch
from gateway.wiring import Gateway, opened

HOSPITAL = "H99000100001"


@pytest.fixture
def hook() -> Iterator[Hook]:
    with hooked() as found:
        yield found


@pytest.fixture
def district(tmp_path: Path) -> Premises:
    return lived(tmp_path / "district", days=2)


@contextmanager
def watched(district: Premises, clock: Any = now, **channels: str) -> Iterator[tuple[Gateway, Watch]]:
    config = configuration.load(district.gateways[HOSPITAL])
    alerts = Alerts(channels, replace(config.alerts.manners, name="测试"), config.alerts.thresholds)
    with opened(replace(config, alerts=alerts), clock) as gateway:
        yield gateway, watching.opened(gateway)


def down(gateway: Gateway, cause: str = "平台 bureau 连接不上") -> None:
    for _ in range(3):
        gateway.store.note("bureau", HOSPITAL, Report(Signal.UNREACHABLE, cause), gateway.clock())


def up(gateway: Gateway) -> None:
    gateway.store.note("bureau", HOSPITAL, Report(Signal.ANSWERED), gateway.clock())


def test_a_breaker_is_told_once_by_mail_and_hook_again_after_hours_and_once_when_it_closed(district: Premises, hook: Hook) -> None:
    clock, box = Clock(now()), Box()
    with mailing(box) as mail, watched(district, clock, post=mail, hook=hook.url) as (gateway, watch):
        down(gateway)
        for _ in range(3):
            watch.look()
            clock.now += timedelta(minutes=1)
        assert len(box.mails) == len(hook.bodies) == 1
        assert hook.bodies[0]["title"] == "【紧急】两定网关 测试：新 1 项"
        assert "熔断：目标 bureau（整个平台）暂停报送：平台 bureau 连接不上" in hook.bodies[0]["message"]
        assert "怎么办：按原因修好网络、地址或密钥，再运行 gateway resume --target bureau" in box.mails[0]
        clock.now += timedelta(hours=4)
        watch.look()
        assert hook.bodies[1]["title"] == "【紧急】两定网关 测试：仍在 1 项"
        up(gateway)
        watch.look()
        assert len(hook.bodies) == 2, "it may come back within minutes"
        clock.now += SETTLED
        watch.look()
        clock.now += SETTLED
        watch.look()
        assert [each["title"] for each in hook.bodies[2:]] == ["两定网关 测试：解除 1 项"]
        assert len(box.mails) == 3


def test_a_restart_tells_nothing_twice_and_two_gateways_on_one_store_tell_it_once(district: Premises, hook: Hook) -> None:
    with watched(district, hook=hook.url) as (gateway, watch), watched(district, hook=hook.url) as (_, other):
        down(gateway)
        watch.look()
        other.look()
    with watched(district, hook=hook.url) as (_, again):
        again.look()
    assert len(hook.bodies) == 1


def test_a_message_that_nobody_took_is_tried_again_and_the_failure_is_told_on_the_screen(district: Premises, hook: Hook) -> None:
    clock, hook.status = Clock(now()), 500
    with watched(district, clock, hook=hook.url) as (gateway, watch):
        down(gateway)
        watch.look()
        ((failures, _, cause),) = gateway.store.failing_channels().values()
        assert (failures, cause) == (1, "告警通道 hook 没有送到（对方答 HTTP 500），请检查它的地址、账号和网络")
        watch.look()
        assert len(hook.bodies) == 1, "not before its time"
        hook.status = 200
        clock.now += timedelta(minutes=1, seconds=1)
        watch.look()
        assert len(hook.bodies) == 2
        assert gateway.store.failing_channels() == {}


def test_a_channel_that_fails_is_an_alarm_on_the_other(district: Premises, hook: Hook) -> None:
    clock = Clock(now())
    with watched(district, clock, dead="json://127.0.0.1:1/", hook=hook.url) as (gateway, watch):
        down(gateway)
        watch.look()
        clock.now += timedelta(minutes=1)
        watch.look()
    assert "告警通道：告警通道 dead 没有送到（连不上）" in hook.bodies[1]["message"]


def test_an_address_is_neither_logged_nor_told_whatever_goes_wrong(
    district: Premises, hook: Hook, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    hook.status = 403
    with watched(district, hook=hook.url) as (gateway, watch):
        down(gateway)
        watch.look()
        told = repr(gateway.config) + repr(gateway.store.failing_channels())
    with pytest.raises(ConfigError) as error:
        Channels({"duty": f"no-such-scheme://{SECRET}@host"})
    output = capsys.readouterr()
    assert SECRET not in caplog.text + told + str(error.value) + output.out + output.err


def test_a_proxy_of_the_environment_is_not_used(district: Premises, hook: Hook, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert Channels({"hook": hook.url}).send("hook", "题", "文") == ""
    assert Channels({"hook": hook.url}, environment_proxy=True).send("hook", "题", "文") != ""


def test_what_is_known_is_not_told_again(district: Premises, hook: Hook) -> None:
    clock = Clock(now())
    with watched(district, clock, hook=hook.url) as (gateway, watch):
        down(gateway)
        watch.look()
        assert gateway.store.know("熔断", None, clock()) == 1
        clock.now += timedelta(hours=9)
        watch.look()
    assert len(hook.bodies) == 1


def test_a_data_set_that_falls_silent_is_an_alarm_and_its_rhythm_came_from_the_rows_that_were_read(district: Premises) -> None:
    clock = Clock(START.replace(hour=15))
    with watched(district, clock) as (gateway, watch):
        (feed,) = [each for each in gateway.feeds if each.source.dataset == "HD03"]
        for week in range(8, 0, -1):
            clock.now = START.replace(hour=10) - timedelta(weeks=week)
            with gateway.store._engine.begin() as connection:
                connection.execute(delete(rhythm).where(rhythm.c.dataset != "HD03"))
            seen(gateway, feed, week)
        clock.now = START.replace(hour=15)
        silent = [each for each in watch.situation().silences if each.dataset == "HD03"]
        assert [(each.source, each.usual, each.days) for each in silent] == [("his", 12, 6)]
        watch.look()
        assert [each.place for each in gateway.store.notices() if each.kind == Kind.SILENT] == ["his HD03"]


def seen(gateway: Gateway, feed: Any, week: int) -> None:
    """Twelve rows that were never seen before, set aside or not: the page is the source's, the numbers are new."""
    (page,) = [each for each, _ in zip(feed.source.pages(None, 12), range(1), strict=False)]
    rows = [replace(row, ref=f"{row.ref}-{week}") for row in page.rows]
    judge = Judge(gateway.edition, feed.source.dataset, gateway.store.rid)
    take_in(
        Named(feed.source),
        judge,
        gateway.store,
        rows,
        None,
        Look(("bureau",), Restraint(gateway.store, "his", "HD03")),
        gateway.clock(),
    )


@dataclass
class Named:
    """A source by name only: its rows cannot be looked up."""

    source: Any

    @property
    def name(self) -> str:
        return str(self.source.name)

    @property
    def dataset(self) -> str:
        return str(self.source.dataset)

    @property
    def digest(self) -> str:
        return str(self.source.digest)


def test_rows_on_their_way_are_counted_by_their_deadline_and_by_whose_hands_they_are_in(district: Premises) -> None:
    clock = Clock(now())
    with watched(district, clock) as (gateway, watch):
        for feed in gateway.feeds:
            gateway.read(feed)
        (arrears,) = watch.situation().arrears
        assert arrears.waiting == gateway.store.queue("bureau").waiting > 0
        assert arrears.overdue > 0, "the demo's rows are of early November"
        assert arrears.oldest is not None
        assert {str(each.party) for each in arrears.parts if each.overdue} >= {"网关"}
        down(gateway)
        (arrears,) = watch.situation().arrears
        assert {str(each.party) for each in arrears.parts if each.overdue} >= {"网络"}
    with bureau(district), watched(district) as (gateway, watch):
        gateway.store.resume("bureau")
        gateway.send("bureau")
        (arrears,) = watch.situation().arrears
        assert arrears.overdue < 20


def test_alarms_are_kept_on_every_database(store: Store) -> None:
    disk = Alarm(Kind.DISK, "", "磁盘不足")
    store.look([disk], START)
    store.look([disk, Alarm(Kind.CLOCK, "bureau", "快两分")], START + timedelta(minutes=1))
    first, second = store.notices()
    assert (first.kind, first.raised_at, first.seen_at) == ("磁盘", START, START + timedelta(minutes=1))
    assert [each.kind for each in store.claim([first, second], START, START + timedelta(minutes=5))] == ["磁盘", "时钟"]
    assert store.claim([first, second], START, START + timedelta(minutes=5)) == []
    store.told([first], START)
    store.untold([second], START + timedelta(minutes=1))
    assert store.note_channel("duty", "连不上", START) == timedelta(minutes=1)
    assert store.note_channel("duty", "连不上", START) == timedelta(minutes=2)
    assert store.note_channel("duty", "", START) == timedelta(minutes=1)
    assert store.failing_channels() == {}
    found = {each.kind: each for each in store.look([disk], START + timedelta(minutes=7))}
    assert found["磁盘"].lasts
    assert not found["时钟"].lasts
    (again,) = [
        each for each in store.look([disk, Alarm(Kind.CLOCK, "bureau", "又快")], START + timedelta(hours=1)) if not each.told_at
    ]
    assert (again.kind, again.sentence, again.raised_at) == ("时钟", "又快", START + timedelta(hours=1))
    with closing(store._engine.connect()) as connection, connection.begin():
        alarms.forget(connection, START + timedelta(days=1))
    assert len(store.notices()) == 2


def run(district: Premises, *words: str) -> Result:
    return CliRunner(env={"COLUMNS": "400"}).invoke(cli, ["--config", str(district.gateways[HOSPITAL]), "alert", *words])


def test_the_commands_list_test_and_acknowledge(district: Premises, hook: Hook) -> None:
    config = district.gateways[HOSPITAL]
    assert run(district, "test").exit_code == 2
    (config.parent / "duty.url").write_text(hook.url, encoding="utf-8")
    settings = '\n"alerts": {"channels": {"duty": {"file": "duty.url"}}}\n'
    config.write_text(config.read_text(encoding="utf-8") + settings, encoding="utf-8")
    tested = run(district, "test")
    assert (tested.exit_code, tested.output) == (0, "告警通道 duty：已送到\n")
    hook.status = 401
    refused = run(district, "test")
    assert refused.exit_code == 1
    assert "告警通道 duty 没有送到（对方答 HTTP 401）" in refused.output
    with opened(configuration.load(config), now) as gateway:
        down(gateway)
    listed = run(district, "list")
    assert listed.exit_code == 1
    assert "熔断（bureau）：目标 bureau" in listed.output
    assert "告警通道 duty 没有送到（对方答 HTTP 401），请检查它的地址、账号和网络（连续 1 次" in listed.output
    assert run(district, "ack", "--kind", "熔断", "--place", "bureau").output == "已记下 1 项，解除之前不再重复通知。\n"
    assert "已有人知道" in run(district, "list").output
    assert run(district, "ack", "--kind", "磁盘").exit_code == 1
    assert SECRET not in tested.output + refused.output + listed.output


def test_what_a_person_must_mend_soon_is_an_alarm(district: Premises) -> None:
    with watched(district) as (gateway, watch):
        for feed in gateway.feeds:
            gateway.read(feed)
        assert Kind.CORRECTION not in {each.kind for each in watch.look()}
    due = timedelta(days=20)
    with watched(district) as (gateway, _):
        alerts = replace(gateway.config.alerts, thresholds=replace(gateway.config.alerts.thresholds, due=due))
        hasty = Watch(replace(gateway, config=replace(gateway.config, alerts=alerts)))
        (told,) = [each for each in hasty.look() if each.kind == Kind.CORRECTION]
        assert told.sentence.startswith("有 ")
        assert "更正期限在 480 小时之内" in told.sentence


def test_a_turn_that_found_something_is_one_line_with_its_reasons_and_one_that_did_not_is_none(district: Premises) -> None:
    with watched(district) as (gateway, _):
        turns = [main._reading(gateway, feed, threading.Event()) for feed in gateway.feeds]
        with capture_logs() as lines:
            for turn in turns:
                turn()
        read = {line["dataset"]: line for line in lines if line["event"] == "read"}
        assert len([line for line in lines if line["event"] == "read"]) == len(read) > 3
        reasons = [line["reasons"] for line in read.values() if "reasons" in line]
        assert reasons
        assert all(isinstance(rule, str) and rows > 0 for each in reasons for rule, rows in each.items())
        with capture_logs() as lines:
            for turn in turns:
                turn()
        assert all(line["queued"] == 0 for line in lines)
        with capture_logs() as lines:
            for turn in turns:
                turn()
        assert [line for line in lines if line["event"] == "read"] == []


def test_each_change_of_a_breaker_a_brake_and_an_interruption_is_one_line(store: Store) -> None:
    away, answered = Report(Signal.UNREACHABLE, "连不上"), Report(Signal.ANSWERED)
    brake = Brake("his", "HD03", BrakeKind.VOID, "300 行查不到", START)
    place = Place(Subject.SOURCE, "his", "HD03")
    with capture_logs() as lines:
        for report in (away, away, away, away, answered, answered):
            store.note("bureau", HOSPITAL, report, START)
        for _ in range(3):
            store.engage(brake)
            store.interrupted(place, Hindrance.UNREADABLE, "连不上", START)
        release(store, "HD03", START)
        store.lift("his", "HD03", BrakeKind.VOID)
        store.restored(place, START)
        store.restored(place, START)
    assert [line["event"] for line in lines] == [
        *("breaker_opened", "breaker_closed", "braked", "interrupted", "brake_lifted", "restored"),
    ]


def test_a_clock_that_is_doubted_is_told_the_same_by_every_process(district: Premises) -> None:
    """`gateway alert list` looks anew in a process that has cleared nothing: it must not end what `serve` told."""
    clock = Clock(now())
    with watched(district, clock) as (gateway, _):
        gateway.store.beat("clock", clock())
        clock.now += timedelta(days=90)
        with pytest.raises(ClockDoubtedError):
            clear(gateway)
        clock.now += timedelta(hours=1)
    with watched(district, clock) as (_, another):
        assert Kind.OWN_CLOCK in {each.kind for each in another.look() if each.lasts}
