"""A platform that may be called at certain hours, and so often a minute: nothing leaves otherwise, and nothing is forgotten."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from support.delivery import INSTITUTION, Clock, Platform, Rows, prescription

from gateway import config as configuration
from gateway.bureau.client import Account, BureauClient, Endpoint
from gateway.errors import NotDeliveredError, OutcomeUnknownError
from gateway.intake import accept
from gateway.judging import Judge
from gateway.outbox import GRACE, State
from gateway.standing import Route
from gateway.store import Store
from gateway.uploading import Delivery, upload
from gateway.windows import Allowance, Gate, hours
from schemas.envelope import Sender
from schemas.errors import SpecError
from schemas.holdings import Asked, Question
from schemas.model import Edition
from schemas.signature import Credential
from schemas.wire import SHANGHAI


def at(text: str) -> datetime:
    """A time of the days around the start."""
    return datetime.fromisoformat(f"2026-11-{text}").replace(tzinfo=SHANGHAI)


def allowance(*windows: str, rate: int = 0) -> Allowance:
    return Allowance(tuple(map(hours, windows)), rate)


@pytest.mark.parametrize(
    ("windows", "now", "opens"),
    [
        ((), "25 03:00", "25 03:00"),
        (("08:00-22:00",), "25 07:59", "25 08:00"),
        (("08:00-22:00",), "25 08:00", "25 08:00"),
        (("08:00-22:00",), "25 21:59", "25 21:59"),
        (("08:00-22:00",), "25 22:00", "26 08:00"),
        (("22:00-06:00",), "25 23:00", "25 23:00"),
        (("22:00-06:00",), "25 05:59", "25 05:59"),
        (("22:00-06:00",), "25 06:00", "25 22:00"),
        (("14:00-18:00", "08:00-12:00"), "25 12:30", "25 14:00"),
        (("14:00-18:00", "08:00-12:00"), "25 18:00", "26 08:00"),
        (("00:00-24:00",), "25 00:00", "25 00:00"),
    ],
)
def test_when_it_may_be_called_next(windows: tuple[str, ...], now: str, opens: str) -> None:
    assert allowance(*windows).opens_at(at(now)) == at(opens)


def test_the_stretches_in_which_it_may_not_be_called() -> None:
    two = allowance("08:00-12:00", "14:00-18:00")
    assert two.closed(at("25 00:00"), at("26 00:00")) == [
        (at("25 00:00"), at("25 08:00")),
        (at("25 12:00"), at("25 14:00")),
        (at("25 18:00"), at("26 00:00")),
    ]
    assert two.closed(at("25 09:00"), at("25 11:00")) == []
    assert allowance("22:00-06:00").closed(at("25 00:00"), at("26 00:00")) == [(at("25 06:00"), at("25 22:00"))]
    assert allowance().closed(at("25 00:00"), at("26 00:00")) == []


@pytest.mark.parametrize(
    "text", ["", "8-22", "08:00", "08:00-", "08:60-09:00", "25:00-26:00", "08:00-08:00", "24:00-08:00", "８:00-9:00"]
)
def test_what_are_no_hours_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        hours(text)


class Desk:
    """Two hundred and fifty records for a platform behind a gate: three batches."""

    def __init__(self, store: Store, edition: Edition, clock: Clock, allowed: Allowance) -> None:
        self.store, self.clock, self.platform = store, clock, Platform()
        self.gate = Gate("bureau", allowed, store, clock)
        rows = Rows([prescription(number) for number in range(1, 251)])
        accept(rows, Judge(edition, "RX01", store.rid), store, targets=("bureau",), clock=clock)

    def send(self) -> Delivery:
        lease = timedelta(minutes=2)
        return upload(self.store, self.platform, "bureau", clock=self.clock, lease=lease, gate=self.gate)

    @property
    def calls(self) -> int:
        return len(self.platform.requests)


def test_outside_its_hours_nothing_is_leased_and_afterwards_the_most_urgent_goes_first(
    store: Store, edition: Edition, clock: Clock
) -> None:
    clock.now = at("25 22:00")
    desk = Desk(store, edition, clock, allowance("08:00-22:00"))
    found = desk.send()
    assert (desk.calls, found.states) == (0, {})
    assert found.paused == "平台 bureau 只在 08:00-22:00 之间调用，11-26 08:00 再报"
    assert store.queue("bureau").waiting == 250
    clock.now = at("26 08:00")
    found = desk.send()
    assert (found.accepted, found.paused) == (250, "")
    assert desk.platform.requests[0][0] == "RX00250|1"  # occurred first, due first


def test_the_hours_that_end_meanwhile_end_the_sending(store: Store, edition: Edition, clock: Clock) -> None:
    clock.now = at("25 21:59")
    desk = Desk(store, edition, clock, allowance("08:00-22:00"))

    def slow(turn: int, bodies: Any) -> Any:
        clock.move(40)
        return []

    desk.platform.answer = slow
    assert desk.send().accepted == 200
    assert store.queue("bureau").waiting == 50


def test_no_more_calls_a_minute_than_are_allowed_whoever_makes_them(store: Store, edition: Edition, clock: Clock) -> None:
    desk = Desk(store, edition, clock, allowance(rate=2))
    found = desk.send()
    assert (desk.calls, found.accepted) == (2, 200)
    assert found.paused == "平台 bureau 每分钟最多调用 2 次，这一分钟已用完，下一分钟再报"
    assert store.queue("bureau").causes == {}  # what was leased for the call that was not allowed is back, and nobody's fault
    desk.send()
    assert Gate("bureau", allowance(rate=2), store, clock).admit() != ""  # another worker
    assert Gate("county", allowance(rate=2), store, clock).admit() == ""
    assert desk.calls == 2
    clock.move(60)
    assert desk.send().accepted == 50
    assert store.tripped("bureau") == []


def test_a_batch_whose_call_another_worker_took_is_given_back_at_once(store: Store, edition: Edition, clock: Clock) -> None:
    desk = Desk(store, edition, clock, allowance(rate=1))
    desk.gate = cast("Gate", SimpleNamespace(closed=lambda: "", admit=lambda: "这一分钟已用完", counts=True))
    assert desk.send().paused == "这一分钟已用完"
    assert desk.calls == 0
    (standing,) = store.standings([Route("his", "RX01", "bureau")])
    assert standing.states == {State.QUEUED: 250}


def test_calls_are_counted_by_the_minute_and_one_too_many_is_not_counted(store: Store) -> None:
    at_once = [store.take_call("bureau", 2, at("25 08:00")) for _ in range(4)]
    assert at_once == [True, True, False, False]
    assert not store.calls_left("bureau", 2, at("25 08:00"))
    assert store.calls_left("bureau", 3, at("25 08:00"))
    assert store.calls_left("bureau", 2, at("25 08:01"))
    assert store.take_call("bureau", 2, at("25 08:01"))
    assert store.take_call("county", 2, at("25 08:01"))


def test_an_idle_round_uses_up_no_call(store: Store, edition: Edition, clock: Clock) -> None:
    desk = Desk(store, edition, clock, allowance(rate=5))
    desk.send()
    for _ in range(10):
        assert desk.send().paused == ""
    assert store.calls_left("bureau", 4, clock())


def test_outside_its_hours_nothing_is_asked_either(store: Store, edition: Edition, clock: Clock) -> None:
    clock.now = at("25 21:59")
    desk = Desk(store, edition, clock, allowance("08:00-22:00"))
    desk.platform.answers_queries = True
    desk.platform.answer = lambda turn, bodies: OutcomeUnknownError("没有应答")
    desk.send()
    clock.move(GRACE.total_seconds())
    desk.send()
    assert desk.platform.asked == []
    clock.now = at("26 08:00")
    desk.platform.answer = None
    desk.send()
    assert len(desk.platform.asked) >= 1


def test_a_question_is_a_call_like_any_other(edition: Edition) -> None:
    sender = Sender(INSTITUTION, "云溪区人民医院", "990001", "99")
    endpoint = Endpoint("bureau", "http://127.0.0.1:1/api", 1, 1, None, "http://127.0.0.1:1/query")
    account = {INSTITUTION: Account(sender, Credential("p", "not-a-real-token"))}
    client = BureauClient(endpoint, account, edition, Clock(), lambda: "这一分钟已用完")
    with pytest.raises(NotDeliveredError, match="这一分钟已用完"):
        client.holdings(INSTITUTION, Question("RX01", (Asked("RX1|1", 1),)))
    client.close()


def configured(tmp_path: Path, extra: str) -> Path:
    (tmp_path / "token").write_text("synthetic\n", encoding="utf-8")
    path = tmp_path / "config.yaml"
    path.write_text(
        f"""
store: {{url: "sqlite:///gateway.db"}}
institutions: [{{code: "{INSTITUTION}", name: 测试医院, admvs: "990001"}}]
targets:
  bureau:
    url: "https://10.0.0.1/api"
    credentials: {{"{INSTITUTION}": {{paasid: "x", token: {{file: token}}}}}}
    {extra}
sources: [{{name: his, profile: his/demo_his, url: "sqlite:///his.db", institution: "{INSTITUTION}"}}]
""",
        encoding="utf-8",
    )
    return path


def test_hours_and_rate_come_from_the_configuration(tmp_path: Path) -> None:
    found = configuration.load(configured(tmp_path, 'window: ["08:00-12:00", "22:00-06:00"]\n    rate: 30')).targets["bureau"]
    assert str(found.allowance) == "只在 08:00-12:00、22:00-06:00 之间调用，每分钟最多 30 次"
    assert not str(configuration.load(configured(tmp_path, "rate: 0")).targets["bureau"].allowance)


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        ('window: ["8点到22点"]', "bureau.window：应为时段的列表"),
        ("rate: -1", "bureau.rate"),
        ('window: "08:00-22:00"', "bureau.window"),
    ],
)
def test_hours_that_are_none_are_told_with_their_key(tmp_path: Path, extra: str, told: str) -> None:
    with pytest.raises(SpecError, match=told):
        configuration.load(configured(tmp_path, extra))
