"""OP03: a declaration is a record with the gateway's own evidence, judged, queued and sent like any other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner
from support.delivery import INSTITUTION, START, Clock, Platform

from gateway import config as configuration
from gateway import evidence
from gateway.declaring import CODE, Declaration, declare, end
from gateway.errors import ConfigError, GatewayError
from gateway.hindrance import GATEWAY, Hindrance, Interruption, Place, Subject
from gateway.main import cli
from gateway.outbox import State
from gateway.uploading import upload
from gateway.wiring import Gateway, opened
from schemas import loader
from schemas.build import validator

OTHER = "H99000100002"
HOUR = timedelta(hours=1)
AWAY = Place(Subject.TARGET, "bureau")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "token").write_text("synthetic\n", encoding="utf-8")
    found = tmp_path / "config.yaml"
    key = '{paasid: "x", token: {file: token}}'
    found.write_text(
        f"""
store: {{url: "sqlite:///gateway.db"}}
institutions:
  - {{code: "{INSTITUTION}", name: 测试医院, admvs: "990001"}}
  - {{code: "{OTHER}", name: 别家, admvs: "990001"}}
targets:
  bureau: {{url: "https://10.0.0.1/api", credentials: {{"{INSTITUTION}": {key}, "{OTHER}": {key}}}}}
  county: {{url: "https://10.0.0.2/api", credentials: {{"{INSTITUTION}": {key}}}}}
sources:
  - name: his
    profile: his/demo_his
    url: "sqlite:///his.db"
    institution: "{INSTITUTION}"
    datasets: ["HD02", "HD03"]
""",
        encoding="utf-8",
    )
    return found


@pytest.fixture
def gateway(path: Path, clock: Clock) -> Iterator[Gateway]:
    with opened(configuration.load(path), clock) as found:
        yield found


def said(**changes: Any) -> Declaration:
    values = {"reason": "机房停电", "start": START - 3 * HOUR, "end": START - HOUR, "datasets": ("HD03",), **changes}
    return Declaration(INSTITUTION, **values)


def sent(gateway: Gateway, target: str = "bureau") -> list[dict[str, Any]]:
    """What the platform holds of it by now."""
    platform = Platform()
    upload(gateway.store, platform, target, clock=gateway.clock, lease=timedelta(minutes=2))
    return [orjson.loads(body) for body in platform.held.values()]


def test_a_declaration_goes_to_every_target_of_the_institution_and_the_edition_lets_it_pass(gateway: Gateway) -> None:
    gateway.store.add_interruption(
        Interruption(GATEWAY, Hindrance.STOPPED, START - 3 * HOUR, START - HOUR, 1, "网关没有运行（断电、停机或程序停止）")
    )
    found = declare(gateway, said())
    assert (found.id, found.targets) == ("D20261125080000", ("bureau", "county"))
    for target in found.targets:
        (record,) = sent(gateway, target)
        assert validator(loader.reference(), CODE).violations(record) == ()
        assert record["affected"] == [{"dataset": "HD03"}]
        assert (record["from"], record["to"]) == ("2026-11-25 05:00:00", "2026-11-25 07:00:00")
        assert (
            record["evidence"]
            == "网关自 2026-11-25 05:00:00 至 2026-11-25 07:00:00 没有运行（网关没有运行（断电、停机或程序停止））。"
        )
    assert [(each.target, each.state) for each in gateway.store.deliveries(CODE)] == [
        ("bureau", State.ACCEPTED),
        ("county", State.ACCEPTED),
    ]


def test_it_is_due_an_hour_after_it_was_made_and_says_whether_it_came_before_the_deadline(gateway: Gateway, clock: Clock) -> None:
    found = declare(gateway, said(datasets=()))
    assert gateway.store.queue("bureau").oldest_due == START + HOUR
    assert set(found.due) == {"HD02", "HD03"}  # D+1: until midnight of tomorrow
    assert found.late(clock()) == []
    clock.move(60)
    assert declare(gateway, said(start=START - timedelta(days=3))).late(clock()) == ["HD03"]


def test_two_declarations_of_one_second_are_two(gateway: Gateway) -> None:
    first, second = declare(gateway, said()), declare(gateway, said(datasets=("HD02",)))
    assert (first.id, second.id) == ("D20261125080000", "D20261125080000-2")
    assert [(each["key"], each["version"]) for each in sent(gateway)] == [(first.id, "1"), (second.id, "1")]


def test_the_end_comes_as_the_next_version_of_the_same_declaration_with_the_evidence_up_to_then(
    gateway: Gateway, clock: Clock
) -> None:
    gateway.store.interrupted(AWAY, Hindrance.UNREACHABLE, "平台 bureau 连接不上（连接超时）", START - HOUR)
    number = declare(gateway, said(start=START - HOUR, end=None)).id
    (first,) = sent(gateway)
    assert "to" not in first
    assert "平台 bureau 自 2026-11-25 07:00:00 起连接不上，此刻仍未恢复（" in first["evidence"]
    clock.move(3600)
    gateway.store.restored(AWAY, clock())
    assert end(gateway, INSTITUTION, number, clock()).id == number
    (second,) = sent(gateway)
    assert (second["version"], second["to"], second["key"]) == ("2", "2026-11-25 09:00:00", number)
    assert second["declared_time"] == first["declared_time"]
    assert "自 2026-11-25 07:00:00 至 2026-11-25 09:00:00 连接不上（" in second["evidence"]
    assert [each.version for each in gateway.store.deliveries(CODE) if each.target == "bureau"] == [2]


def test_without_evidence_it_is_said_so_and_sent_all_the_same(gateway: Gateway) -> None:
    assert declare(gateway, said()).evidence == evidence.NOTHING
    (record,) = sent(gateway)
    assert record["evidence"] == evidence.NOTHING


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"datasets": ("RX01",)}, "不报 RX01，它报的有：HD02、HD03"),
        ({"end": START - 4 * HOUR}, "结束时间应晚于开始时间"),
        ({"reason": "找 13812345678 王工"}, "不能有证件号、电话"),
        ({"reason": "断\n电"}, "写成一行"),
        ({"reason": "停" * 501}, "不超过 500 字"),
    ],
)
def test_what_could_not_be_meant_is_refused_and_nothing_is_queued(gateway: Gateway, changes: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        declare(gateway, said(**changes))
    assert gateway.store.queue("bureau").waiting == 0


def test_an_institution_that_nothing_is_read_of_and_a_number_nobody_gave_are_told(gateway: Gateway) -> None:
    with pytest.raises(ConfigError, match=f"没有机构 {OTHER}"):
        declare(gateway, Declaration(OTHER, "停电", START - HOUR, None, ()))
    with pytest.raises(GatewayError, match="没有编号为 D1 的申明"):
        end(gateway, INSTITUTION, "D1", START)


def interruption(place: Place, minutes: float, kind: Hindrance = Hindrance.UNREACHABLE, tries: int = 1) -> Interruption:
    return Interruption(place, kind, START, START + timedelta(minutes=minutes), tries, "原因")


def test_only_what_concerned_the_institution_and_its_data_sets_is_evidence() -> None:
    ours = [
        interruption(GATEWAY, 5, Hindrance.STOPPED),
        interruption(AWAY, 5),
        interruption(Place(Subject.TARGET, "bureau", INSTITUTION), 5, Hindrance.NOT_ADMITTED),
        interruption(Place(Subject.SOURCE, "his", "HD03"), 5, Hindrance.UNREADABLE),
    ]
    others = [
        interruption(Place(Subject.TARGET, "bureau", OTHER), 5, Hindrance.NOT_ADMITTED),
        interruption(Place(Subject.SOURCE, "his", "HD02"), 5, Hindrance.UNREADABLE),
        interruption(Place(Subject.SOURCE, "pos", "HD03"), 5, Hindrance.UNREADABLE),
    ]
    assert evidence.relevant([*ours, *others], INSTITUTION, ["HD03"], {"his"}) == ours


def test_the_longest_are_told_where_there_is_no_room_for_all() -> None:
    many = [interruption(AWAY, number, tries=number) for number in range(1, 101)]
    text = evidence.written(many)
    assert len(text) <= evidence.LONGEST
    assert "不成 100 次" in text
    assert text.endswith(f"；另有较短的 {100 - text.count('连接不上')} 次。")


def test_the_commands_in_turn(path: Path) -> None:
    def run(*words: str) -> Any:
        return CliRunner().invoke(cli, ["--config", str(path), "declare", *words])

    since = f"{datetime.now():%Y-%m-%d %H:%M}"  # noqa: DTZ005 - what a clerk types
    assert "没有申明过" in run("list").output
    refused = run("outage", "--from", since, "--reason", "停电")
    assert (refused.exit_code, "请写 --institution" in refused.output) == (2, True)
    made = run("outage", "--from", since, "--reason", "停电", "--dataset", "HD03", "--institution", INSTITUTION)
    assert made.exit_code == 0, made.output
    for words in ("已排队，下一轮报送时发往 bureau、county", "没有机器证据", "之前申明，不晚"):
        assert words in made.output
    number = made.output.split()[1]
    listed = run("list").output
    assert f"{number} 机构 {INSTITUTION} 第 1 版 → bureau：待发送" in listed
    over = run("ended", "--id", number, "--to", "2099-01-01 00:00", "--institution", INSTITUTION)
    assert over.exit_code == 0, over.output
    assert "第 2 版 → bureau：待发送" in run("list").output
