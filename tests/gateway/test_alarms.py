"""What a person is told of, in a table; each with what to do. When it is told: once, again, once it is over."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import click
import pytest
from support.delivery import START

from gateway.alarms import GUIDES, Alarm, Kind, Thresholds, alarms
from gateway.breaker import Breaker, Position, Signal, Tripped
from gateway.disk import Forecast
from gateway.hindrance import Hindrance, Interruption, Place, Subject
from gateway.lateness import Party
from gateway.main import cli
from gateway.model import Brake, BrakeKind
from gateway.notices import Manners, News, Notice, digest, news
from gateway.outbox import State
from gateway.rhythm import Silence
from gateway.situation import Arrears, Shares, Situation
from gateway.windows import hours

ROOT = Path(__file__).parents[2]
ROOMY = Forecast(size=1, free=1 << 40, growth=1, days_left=9999, budget=0, floor=0)
CALM = Situation(
    now=START,
    arrears=(),
    asides={},
    tripped=(),
    brakes=(),
    unreadable=(),
    silences=(),
    disk=ROOMY,
    disk_sentence="磁盘够用",
    backed_up_at=START,
)
OWING = Arrears("bureau", {State.QUEUED: 50}, START - timedelta(hours=1), tuple(range(41, 51)), {}, 0, {})
GONE = Place(Subject.SOURCE, "his", "HD03")

OPEN = Tripped("bureau", "", Breaker(Position.OPEN, Signal.UNREACHABLE, 3, 1, START, "连不上"))

FOUND = [
    (Kind.SILENT, "his HD03", {"silences": (Silence("his", "HD03", START, 40, 8),)}),
    (Kind.GROWING, "bureau", {"arrears": (OWING,)}),
    (Kind.DUE, "bureau HD03", {"arrears": (replace(OWING, history=(), parts=(Shares("HD03", Party.NETWORK, 7, 0),)),)}),
    (Kind.OVERDUE, "bureau HD03", {"arrears": (replace(OWING, history=(), parts=(Shares("HD03", Party.CLINICAL, 0, 2),)),)}),
    (
        Kind.BREAKER,
        "bureau",
        {"tripped": (OPEN,)},
    ),
    (Kind.BRAKE, "his HD03 void", {"brakes": (Brake("his", "HD03", BrakeKind.VOID, "300 行查不到", START),)}),
    (Kind.REJECTED, "bureau HD03", {"arrears": (replace(OWING, history=(), rejected={"HD03": 3}),)}),
    (Kind.CORRECTION, "", {"corrections": (5, 2)}),
    (Kind.UNREADABLE, "his HD03", {"unreadable": (Interruption(GONE, Hindrance.UNREADABLE, START, None, 3, "连不上"),)}),
    (Kind.DISK, "", {"disk": replace(ROOMY, days_left=3)}),
    (Kind.CLOCK, "bureau", {"clocks": {"bureau": "平台时钟比本机快 2 分"}}),
    (Kind.OWN_CLOCK, "", {"doubt": "本机时间比上次确认无误的时间晚了 90 天"}),
    (Kind.CALENDAR, "", {"calendar": ("还不知道 2027 年的放假安排",)}),
    (Kind.BACKUP, "", {"backed_up_at": START - timedelta(days=8)}),
    (Kind.BACKUP, "", {"backed_up_at": None, "made_at": START - timedelta(days=8)}),
    (Kind.CHANNEL, "duty", {"failing": {"duty": "告警通道 duty 没有送到"}}),
]


def test_a_gateway_without_trouble_has_no_alarm() -> None:
    assert alarms(CALM, Thresholds()) == []


@pytest.mark.parametrize(("kind", "place", "changes"), FOUND, ids=[str(each[0].name) for each in FOUND])
def test_each_trouble_is_one_alarm_at_its_place_with_what_to_do(kind: Kind, place: str, changes: dict[str, object]) -> None:
    (found,) = alarms(replace(CALM, **changes), Thresholds())  # type: ignore[arg-type]
    assert (found.kind, found.place) == (kind, place)
    assert re.search(r"[\u4e00-\u9fff]", found.sentence)
    assert "{" not in found.advice
    assert not found.advice.endswith("。")


def test_every_kind_is_shown_by_the_table_above_and_its_command_exists() -> None:
    assert {kind for kind, _, _ in FOUND} == set(Kind) == set(GUIDES)
    for guide in GUIDES.values():
        named = re.findall(r"gateway ((?:[a-z]+ ?)+)", guide.advice)
        assert named or "配置" in guide.advice
        for words in named:
            command: click.Command = cli
            for word in words.split():
                if isinstance(command, click.Group):
                    found = command.get_command(click.Context(command), word)
                    assert found is not None
                    command = found


@pytest.mark.parametrize(
    "arrears",
    [
        replace(OWING, oldest=START - timedelta(minutes=20)),
        replace(OWING, history=(*range(41, 50), 40)),
        replace(OWING, history=(50,) * 10),
        replace(OWING, history=tuple(range(45, 50))),
    ],
    ids=["young", "shrank", "stands", "few looks"],
)
def test_a_queue_that_does_not_grow_or_is_young_is_no_alarm(arrears: Arrears) -> None:
    assert alarms(replace(CALM, arrears=(arrears,)), Thresholds()) == []


def test_a_data_set_that_usually_has_few_rows_is_not_silent() -> None:
    assert alarms(replace(CALM, silences=(Silence("his", "HD03", START, 4, 8),)), Thresholds()) == []


def test_a_deadline_says_with_whom_the_rows_are() -> None:
    parts = (Shares("HD03", Party.CLINICAL, 2, 0), Shares("HD03", Party.NETWORK, 5, 0), Shares("HD03", Party.NETWORK, 1, 0))
    (found,) = alarms(replace(CALM, arrears=(replace(OWING, history=(), parts=parts),)), Thresholds())
    assert found.sentence == "目标 bureau 的 HD03 有 8 条4 小时之内到期而还没有送达，现在在：网络 6 条、临床录入 2 条"


def test_the_manual_has_every_alarm_with_its_weight_and_what_to_do() -> None:
    manual = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    for kind, guide in GUIDES.items():
        advice = guide.advice.format(source="来源", dataset="数据集", target="目标")
        row = rf"\| {kind} \| {'紧急' if guide.urgent else '一般'} \| [^|]+ \| {re.escape(advice)} \|"
        assert re.search(row, manual), kind


MANNERS = Manners(timedelta(hours=4), (hours("22:00-07:00"),), "测试医院")
NOTICE = Notice("静默", "his HD03", "没有新数据", "先看 HIS", False, START, START)
HOUR = timedelta(hours=1)
AT_NIGHT = START.replace(hour=23)

TOLD = [
    ("new", NOTICE, START, News.RAISED),
    ("told", replace(NOTICE, told_at=START), START + HOUR, None),
    ("lasting", replace(NOTICE, told_at=START), START + 4 * HOUR, News.LASTING),
    ("known", replace(NOTICE, told_at=START, known_at=START), START + 9 * HOUR, None),
    ("over", replace(NOTICE, told_at=START, cleared_at=START + HOUR), START + HOUR, News.OVER),
    ("known and over", replace(NOTICE, told_at=START, known_at=START, cleared_at=START + HOUR), START + HOUR, News.OVER),
    ("over and told", replace(NOTICE, told_at=START + HOUR, cleared_at=START + HOUR), START + 2 * HOUR, None),
    ("over before it was told", replace(NOTICE, cleared_at=START + HOUR), START + HOUR, None),
    ("being told", replace(NOTICE, next_at=START + HOUR), START, None),
    ("to be tried again", replace(NOTICE, next_at=START), START + HOUR, News.RAISED),
    ("at night", NOTICE, AT_NIGHT, None),
    ("urgent at night", replace(NOTICE, urgent=True), AT_NIGHT, News.RAISED),
    ("urgent and over at night", replace(NOTICE, urgent=True, told_at=START, cleared_at=START + HOUR), AT_NIGHT, None),
]


@pytest.mark.parametrize(("notice", "now", "reason"), [each[1:] for each in TOLD], ids=[each[0] for each in TOLD])
def test_when_an_alarm_is_told(notice: Notice, now: object, reason: News | None) -> None:
    assert news(notice, MANNERS, now) is reason  # type: ignore[arg-type]


def test_one_message_has_the_new_and_urgent_first_and_counts_what_it_has_no_room_for() -> None:
    lasting = replace(NOTICE, told_at=START)
    urgent = replace(NOTICE, kind="磁盘", urgent=True)
    message = digest([(News.LASTING, lasting), (News.RAISED, urgent), *[(News.RAISED, NOTICE)] * 50], MANNERS, START)
    assert message.title == "【紧急】两定网关 测试医院：新 51 项、仍在 1 项"
    assert message.body.splitlines()[2].startswith("［新］磁盘")
    assert "怎么办：先看 HIS。" in message.body
    assert message.body.endswith("另有 12 项，请运行 gateway alert list 查看。")


def test_an_alarm_fills_its_advice_from_its_place() -> None:
    alarm = Alarm(Kind.BRAKE, "his HD03", "停", {"source": "his", "dataset": "HD03"})
    assert "gateway brake release --source his --dataset HD03" in alarm.advice
