"""The platform's clock as its replies tell it: measured, kept, and told when it is far from ours."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from click.testing import CliRunner
from support.delivery import INSTITUTION, START, Clock, Platform

from gateway.deadlines import WEEKDAYS
from gateway.main import cli
from gateway.skew import KEPT, PlatformClock, ahead, joined, sentence
from gateway.store import Store, open_store
from gateway.windows import Allowance, Gate
from gateway.wiring import Gateway
from schemas.envelope import reply
from schemas.model import Edition
from schemas.wire import SHANGHAI

SECOND = timedelta(seconds=1)


@pytest.mark.parametrize(
    ("body", "took", "expected"),
    [
        (b'{"respond_time":"20261125080000000"}', 0, timedelta()),
        (b'{"respond_time": "20261125080812"}', 0, timedelta(minutes=8, seconds=12)),  # no milliseconds in some regions
        (b'{"respond_time":"20261125075959500"}', 0, timedelta(seconds=-0.5)),
        (b'{"respond_time":"20261125080000000"}', 4, 2 * SECOND),  # written in the middle of four seconds, as far as we know
        (b'{"respond_time":"20261125080000000"}', 11, None),  # may be wrong by more than five seconds
        (b'{"respond_time":"20261325080000000"}', 0, None),
        (b'{"respond_time":""}', 0, None),
        (b"<html>busy</html>", 0, None),
        (b"", 0, None),
    ],
)
def test_a_reply_is_held_against_the_middle_of_the_wait(body: bytes, took: float, expected: timedelta | None) -> None:
    assert ahead(body, START, timedelta(seconds=took)) == expected


def test_our_own_platform_says_it() -> None:
    assert ahead(reply("R1", START + 90 * SECOND, []), START, timedelta()) == 90 * SECOND


def test_one_reply_that_was_held_up_changes_nothing_and_only_the_latest_count() -> None:
    clock = joined(None, [SECOND] * 10 + [timedelta(minutes=9)], START)
    assert clock.median == SECOND
    assert not clock.off
    later = joined(clock, [timedelta(minutes=3)] * KEPT, START)
    assert len(later.ahead) == KEPT
    assert later.off


def test_the_sentence_names_target_way_and_size() -> None:
    slow = sentence("bureau", PlatformClock((timedelta(minutes=-8, seconds=-12),), START))
    assert "目标 bureau：平台时钟比本机慢 8 分 12 秒（2026-11-25 08:00:00 前 1 次应答的中位数）" in slow
    assert "比本机快" in sentence("bureau", PlatformClock((timedelta(minutes=1),), START))


def test_what_was_heard_outlives_the_process_and_is_written_once_a_minute(store: Store, clock: Clock) -> None:
    assert store.platform_clock("bureau") is None
    store.note_clock("bureau", (), clock())
    assert store.platform_clock("bureau") is None
    store.note_clock("bureau", (2 * SECOND, 3 * SECOND, -4 * SECOND), clock())
    first = store.platform_clock("bureau")
    assert first == PlatformClock((2 * SECOND, 3 * SECOND, -4 * SECOND), START)
    clock.move(30)
    store.note_clock("bureau", (2 * SECOND,), clock())
    assert store.platform_clock("bureau") == first  # it stands as it stood
    clock.move(31)
    store.note_clock("bureau", (2 * SECOND,), clock())
    second = store.platform_clock("bureau")
    assert second
    assert (len(second.ahead), second.measured_at) == (4, clock())
    store.note_clock("bureau", (timedelta(minutes=5),) * 10, clock())  # it jumped: written at once
    third = store.platform_clock("bureau")
    assert third
    assert third.off
    assert store.platform_clock("county") is None


def test_what_a_round_of_sending_heard_is_kept(store: Store, edition: Edition, clock: Clock) -> None:
    class Heard(Platform):
        def heard(self) -> tuple[timedelta, ...]:
            return (timedelta(minutes=8),)

    target = SimpleNamespace(connect_timeout=5, read_timeout=60)
    config = cast("Any", SimpleNamespace(targets={"bureau": target}))
    gates = {"bureau": Gate("bureau", Allowance(), store, clock)}
    Gateway(config, edition, store, (), cast("Any", {"bureau": Heard()}), clock, gates).send("bureau")
    found = store.platform_clock("bureau")
    assert found
    assert found.off


def test_status_tells_of_a_clock_that_is_off_of_hours_and_of_closed_days(tmp_path: Path, edition: Edition) -> None:
    (tmp_path / "token").write_text("synthetic\n", encoding="utf-8")
    path = tmp_path / "config.yaml"
    every_day_but_one = [day for number, day in enumerate(WEEKDAYS) if number != (datetime.now(SHANGHAI).weekday() + 3) % 7]
    path.write_text(
        f"""
store: {{url: "sqlite:///gateway.db"}}
institutions: [{{code: "{INSTITUTION}", name: 测试医院, admvs: "990001", closed: [{", ".join(every_day_but_one)}]}}]
targets:
  bureau:
    url: "https://10.0.0.1/api"
    rate: 30
    credentials: {{"{INSTITUTION}": {{paasid: "x", token: {{file: token}}}}}}
sources: [{{name: his, profile: his/demo_his, url: "sqlite:///his.db", institution: "{INSTITUTION}"}}]
""",
        encoding="utf-8",
    )
    store = open_store(f"sqlite:///{tmp_path / 'gateway.db'}", edition, START)
    store.note_clock("bureau", (timedelta(minutes=-8),), START)
    store.close()
    told = CliRunner().invoke(cli, ["--config", str(path), "status"]).output
    for words in ("平台时钟比本机慢 8 分 0 秒", "平台 bureau 每分钟最多 30 次，现在可以调用", f"机构 {INSTITUTION} 今天休业"):
        assert words in told
