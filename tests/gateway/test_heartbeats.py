"""OP02: what a heartbeat says, when none goes out, and that nobody else pays for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import orjson
import pytest
from support.delivery import INSTITUTION, START, Clock, Platform, Rows, prescription

from gateway import beating
from gateway import config as configuration
from gateway.breaker import Breaker, Report, Signal
from gateway.errors import NotAdmittedError, NotDeliveredError, OutcomeUnknownError
from gateway.heartbeats import Heart, Vitals
from gateway.intake import accept
from gateway.judging import Judge
from gateway.ports import Bureau
from gateway.store import Store
from gateway.uploading import upload
from gateway.windows import Allowance, Gate, hours
from gateway.wiring import Gateway, opened
from schemas.build import validator
from schemas.model import Edition

OTHERS = ("H99000100002", "H99000100003")
EVERYONE = (INSTITUTION, *OTHERS)
MINUTE = timedelta(minutes=1)


@dataclass
class Ward:
    """The hearts of one target over a real store, with a platform that answers as told."""

    store: Store
    edition: Edition
    clock: Clock
    platform: Platform = field(default_factory=Platform)
    away: Mapping[str, Exception] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)  #: institutions, in order
    said: list[dict[str, Any]] = field(default_factory=list)  #: what was taken, in order
    allowance: Allowance = field(default_factory=Allowance)

    def deliver(self, institution: str, dataset: str, msgid: str, bodies: Sequence[bytes]) -> Any:
        self.asked.append(institution)
        if error := self.away.get(institution):
            raise error
        self.said += map(orjson.loads, bodies)
        return self.platform.deliver(institution, dataset, msgid, bodies)

    @property
    def heart(self) -> Heart:
        judge = Judge(self.edition, "OP02", self.store.rid)
        gate = Gate("bureau", self.allowance, self.store, self.clock)
        vitals = Vitals("1.2.3", {INSTITUTION: "abcd"}, lambda: 5 << 30)
        return Heart("bureau", EVERYONE, self.store, cast("Bureau", self), gate, judge, vitals, self.clock)


@pytest.fixture
def ward(store: Store, edition: Edition, clock: Clock) -> Ward:
    return Ward(store, edition, clock)


def queue(store: Store, edition: Edition, count: int = 2) -> None:
    rows = Rows([prescription(number) for number in range(count)])
    accept(rows, Judge(edition, "RX01", store.rid), store, targets=("bureau",), page_size=50, clock=lambda: START)


def test_a_heartbeat_tells_what_waits_and_the_edition_lets_it_pass(ward: Ward) -> None:
    queue(ward.store, ward.edition)
    assert ward.heart.beat().taken == 3
    first, second, third = ward.said
    for said in ward.said:
        assert validator(ward.edition, "OP02").violations(said) == ()
    assert (first["queue_depth"], first["oldest_unsent"]) == ("2", "2026-11-25 07:59:00")
    assert (first["gateway_version"], first["profile_version"], first["disk_free_mb"]) == ("1.2.3", "abcd", "5120")
    assert (second["queue_depth"], third["queue_depth"]) == ("0", "0")
    assert "oldest_unsent" not in second
    assert "clock_offset_ms" not in first
    assert first["beat_id"].startswith(ward.store.rid)


def test_no_two_rounds_have_one_number(ward: Ward) -> None:
    heart = ward.heart
    heart.beat()
    heart.beat()
    assert len({(said["fixmedins_code"], said["beat_id"]) for said in ward.said}) == 6


def test_a_heartbeat_leaves_nothing_in_the_store(ward: Ward) -> None:
    ward.heart.beat()
    assert ward.store.deliveries("OP02") == []
    assert ward.store.queue("bureau").waiting == 0


@pytest.mark.parametrize("error", [NotDeliveredError("连接不上"), OutcomeUnknownError("没有应答")])
def test_the_round_ends_at_the_first_who_finds_the_platform_away_and_nothing_opens(ward: Ward, error: Exception) -> None:
    ward.away = dict.fromkeys(EVERYONE, error)
    for _ in range(5):
        done = ward.heart.beat()
    assert (done.ended, dict(done.failures)) == ("away", {type(error).__name__: 1})
    assert ward.asked == [INSTITUTION] * 5
    assert list(ward.store.tripped("bureau")) == []
    assert list(ward.store.interruptions(START - MINUTE, START + MINUTE)) == []


def test_one_whose_heartbeats_are_never_answered_does_not_silence_the_others(ward: Ward) -> None:
    ward.away = {INSTITUTION: OutcomeUnknownError("没有应答")}
    heart = ward.heart
    taken = [heart.beat().taken for _ in range(3)]
    assert (taken, ward.asked) == ([0, 2, 2], [INSTITUTION, *OTHERS, INSTITUTION, *OTHERS, INSTITUTION])


def test_one_who_is_not_admitted_stops_nobody_else(ward: Ward) -> None:
    ward.away = {INSTITUTION: NotAdmittedError("密钥不对")}
    done = ward.heart.beat()
    assert (done.taken, dict(done.failures), done.ended) == (2, {"NotAdmittedError": 1}, "")


def test_nothing_goes_past_a_breaker_until_its_wait_is_over(ward: Ward, clock: Clock) -> None:
    for _ in range(3):
        ward.store.note("bureau", INSTITUTION, Report(Signal.NOT_ADMITTED, "密钥不对"), clock())
    ward.heart.beat()
    assert ward.asked == list(OTHERS)
    (tripped,) = ward.store.tripped("bureau")
    clock.now = (tripped.breaker.next_at or START) + timedelta(seconds=2)
    ward.heart.beat()
    assert ward.asked == [*OTHERS, *EVERYONE]
    for _ in range(3):
        ward.store.note("bureau", OTHERS[0], Report(Signal.UNREACHABLE, "连接不上"), clock())
    assert ward.heart.beat().ended == "breaker"
    assert replace(tripped.breaker, count=0) != Breaker()


def test_outside_the_platforms_hours_there_is_none(ward: Ward) -> None:
    ward.allowance = Allowance((hours("22:00-06:00"),))
    assert ward.heart.beat().ended == "gate"
    assert ward.asked == []


def test_records_come_first_where_calls_are_counted(ward: Ward, clock: Clock) -> None:
    ward.allowance = Allowance(rate=4)
    heart = ward.heart
    queue(ward.store, ward.edition)
    assert heart.beat().ended == "gate"
    assert ward.asked == []
    upload(ward.store, ward.platform, "bureau", clock=clock, lease=MINUTE)
    assert (heart.beat().ended, ward.asked) == ("gate", [INSTITUTION, OTHERS[0]])  # half of the minute's calls stay
    assert ward.store.calls_left("bureau", 3, clock())
    clock.move(60)
    assert (heart.beat().taken, ward.asked[2:]) == (2, [OTHERS[1], INSTITUTION])  # who had no turn is first


def test_a_stop_is_obeyed_between_two(ward: Ward) -> None:
    assert ward.heart.beat(lambda: len(ward.asked) == 2).ended == "stopped"
    assert len(ward.asked) == 2


# through the configuration of a site


@pytest.fixture
def gateway(tmp_path: Path, clock: Clock) -> Iterator[Gateway]:
    (tmp_path / "token").write_text("synthetic\n", encoding="utf-8")
    key = '{paasid: "x", token: {file: token}}'
    (tmp_path / "config.yaml").write_text(
        f"""
store: {{url: "sqlite:///gateway.db"}}
institutions:
  - {{code: "{INSTITUTION}", name: 测试医院, admvs: "990001"}}
  - {{code: "{OTHERS[0]}", name: 没有来源的, admvs: "990001"}}
targets:
  bureau: {{url: "https://127.0.0.1:1/api", credentials: {{"{INSTITUTION}": {key}, "{OTHERS[0]}": {key}}}}}
  county: {{url: "https://127.0.0.1:1/api", heartbeat: false, credentials: {{"{INSTITUTION}": {key}}}}}
sources:
  - {{name: his, profile: his/demo_his, url: "sqlite:///his.db", institution: "{INSTITUTION}", datasets: ["HD02", "HD03"]}}
""",
        encoding="utf-8",
    )
    with opened(configuration.load(tmp_path / "config.yaml"), clock) as found:
        yield found


def test_every_target_that_takes_them_has_its_job_as_often_as_the_edition_says(gateway: Gateway) -> None:
    assert [(job.name, job.every) for job in beating.jobs(gateway, lambda: False)] == [("beat:bureau", 300)]


def test_an_edition_without_heartbeats_has_no_job(gateway: Gateway) -> None:
    datasets = {code: each for code, each in gateway.edition.datasets.items() if code != "OP02"}
    assert beating.jobs(replace(gateway, edition=replace(gateway.edition, datasets=datasets)), lambda: False) == []


def test_who_nothing_is_read_of_has_no_heartbeat_and_a_platform_that_is_away_is_one_line(
    gateway: Gateway, capsys: pytest.CaptureFixture[str]
) -> None:
    (job,) = beating.jobs(gateway, lambda: False)
    job.do()
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "beat" in line]
    assert "NotDeliveredError=1" in line.replace("\x1b[0m", "").replace("\x1b[36m", "").replace("\x1b[35m", "")
    assert gateway.store.queue("bureau").waiting == 0
