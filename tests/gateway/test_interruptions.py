"""What kept records from going on is kept itself: by platform, by source, by delivery, and when the gateway did not run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs
from support.delivery import INSTITUTION, START, Clock, Platform, Rows, prescription

from gateway import pulse
from gateway.config import Tiers
from gateway.errors import (
    GatewayError,
    NotAdmittedError,
    NotDeliveredError,
    OutcomeUnknownError,
    RefusedError,
    SourceError,
    StoreError,
)
from gateway.hindrance import GATEWAY, Hindrance, Interruption, Place, Subject
from gateway.intake import accept
from gateway.judging import Judge
from gateway.lookback import Bounds
from gateway.model import Cursor, Mark, Page
from gateway.observing import Observations
from gateway.store import Store
from gateway.store.tables import delay
from gateway.tiers import Reader
from gateway.uploading import upload
from gateway.voiding import Guards
from gateway.wiring import Gateway
from schemas.envelope import Result
from schemas.model import Edition

PLATFORM = Place(Subject.TARGET, "bureau")
CLINIC = Place(Subject.TARGET, "bureau", INSTITUTION)
HIS = Place(Subject.SOURCE, "his", "RX01")
FOREVER = (START - timedelta(days=1), START + timedelta(days=1))
TIERS = Tiers(timedelta(), 300, 2, 45, Bounds(timedelta(days=3), timedelta(days=31)), Guards())


@dataclass
class Desk:
    """One record on its way to a platform that fails as told, turn by turn; None: it accepts."""

    store: Store
    edition: Edition
    clock: Clock
    failures: list[GatewayError | None]
    platform: Platform = field(default_factory=Platform)

    def send(self, after: float = 0) -> None:
        self.clock.move(after)
        failures = self.failures

        def answer(turn: int, bodies: Sequence[bytes]) -> Sequence[Result] | Exception:
            return failures[turn - 1] or []

        self.platform.answer = answer
        upload(self.store, self.platform, "bureau", clock=self.clock, lease=timedelta(minutes=2))

    def told(self) -> list[tuple[Place, Hindrance, float, float | None, int]]:
        found = self.store.interruptions(*FOREVER)
        return [(each.place, each.kind, _since(each.began_at), _since(each.ended_at), each.tries) for each in found]

    def delays(self) -> list[tuple[str, float, float | None]]:
        with self.store._engine.connect() as connection:
            rows = connection.execute(select(delay.c.kind, delay.c.began_at, delay.c.ended_at).order_by(delay.c.id)).all()
        return [(kind, _since(began), _since(ended)) for kind, began, ended in rows]


def _since(at: datetime | None) -> Any:
    return (at - START).total_seconds() if at else None


def desk_of(store: Store, edition: Edition, clock: Clock, *failures: GatewayError | None) -> Desk:
    accept(Rows([prescription(1)]), Judge(edition, "RX01", store.rid), store, targets=("bureau",), clock=clock)
    return Desk(store, edition, clock, list(failures))


def test_a_platform_that_is_away_is_one_interruption_from_its_first_failure_to_the_first_answer(
    store: Store, edition: Edition, clock: Clock
) -> None:
    away = NotDeliveredError("平台 bureau 连接不上（连接超时）")
    desk = desk_of(store, edition, clock, away, away, None)
    desk.send()
    desk.send(60)
    assert desk.told() == [(PLATFORM, Hindrance.UNREACHABLE, 0, None, 2)]
    desk.send(60)
    assert desk.told() == [(PLATFORM, Hindrance.UNREACHABLE, 0, 120, 2)]
    assert store.interruptions(*FOREVER)[0].cause == "平台 bureau 连接不上（连接超时）"
    assert desk.delays() == [("unreachable", 0, 5), ("unreachable", 60, 70)]


def test_an_interruption_lasts_over_a_persons_resume_until_something_goes_through(
    store: Store, edition: Edition, clock: Clock
) -> None:
    away = NotDeliveredError("不通")
    desk = desk_of(store, edition, clock, *[away] * 4, None)
    for _ in range(3):
        desk.send(60)
    assert store.tripped("bureau")
    store.resume("bureau")
    assert store.tripped("bureau") == []
    desk.send()
    assert desk.told() == [(PLATFORM, Hindrance.UNREACHABLE, 60, None, 4)]
    store.resume("bureau")
    desk.send(60)
    assert desk.told() == [(PLATFORM, Hindrance.UNREACHABLE, 60, 240, 4)]


@pytest.mark.parametrize(
    ("error", "place", "kind", "until"),
    [
        (NotDeliveredError("正忙", retry_after=120), PLATFORM, Hindrance.BUSY, 120),
        (OutcomeUnknownError("没有应答"), PLATFORM, Hindrance.NO_ANSWER, None),
        (NotAdmittedError("请核对密钥"), CLINIC, Hindrance.NOT_ADMITTED, 60),
        (RefusedError("维护中"), CLINIC, Hindrance.REFUSED, 5),
    ],
)
def test_each_failure_has_its_word_at_the_platform_and_at_the_delivery(
    store: Store, edition: Edition, clock: Clock, error: GatewayError, place: Place, kind: Hindrance, until: float | None
) -> None:
    desk = desk_of(store, edition, clock, error)
    desk.send()
    assert desk.told() == [(place, kind, 0, None, 1)]
    assert desk.delays() == [(str(kind), 0, until)]


def test_what_goes_through_at_once_leaves_no_row(store: Store, edition: Edition, clock: Clock) -> None:
    desk = desk_of(store, edition, clock, None)
    desk.send()
    assert (desk.told(), desk.delays()) == ([], [])


def test_another_failure_ends_the_interruption_before_it(store: Store, edition: Edition, clock: Clock) -> None:
    desk = desk_of(store, edition, clock, NotDeliveredError("不通"), NotDeliveredError("正忙", retry_after=30))
    desk.send()
    desk.send(60)
    assert desk.told() == [(PLATFORM, Hindrance.UNREACHABLE, 0, 60, 1), (PLATFORM, Hindrance.BUSY, 60, None, 1)]


def test_only_what_touches_the_asked_stretch_is_told(store: Store) -> None:
    hour = timedelta(hours=1)
    store.add_interruption(Interruption(GATEWAY, Hindrance.STOPPED, START, START + hour, 1, "停"))
    store.interrupted(HIS, Hindrance.UNREADABLE, "不通", START + 2 * hour)
    assert store.interruptions(START - hour, START) == []
    assert len(store.interruptions(START - hour, START + timedelta(seconds=1))) == 1
    assert store.interruptions(START + hour, START + 2 * hour) == []
    assert [each.place for each in store.interruptions(START + 9 * hour, START + 10 * hour)] == [HIS]


def test_what_was_over_long_ago_is_forgotten_with_the_daily_upkeep(store: Store, edition: Edition, clock: Clock) -> None:
    desk = desk_of(store, edition, clock, NotDeliveredError("不通"), None)
    desk.send()
    store.interrupted(HIS, Hindrance.UNREADABLE, "不通", clock())
    desk.send(60)
    for days, kept in ((399, 1), (402, 0)):
        store.shred(timedelta(days=9999), START + timedelta(days=days))
        assert (len(desk.delays()), len(desk.told())) == (kept, kept + 1)
    assert [place for place, *_ in desk.told()] == [HIS]  # it lasts


class Failing(Rows):
    """A source that is away as long as it is told to be."""

    away = False
    sweeps = False

    def pages(self, after: Cursor | None, size: int) -> Iterator[Page]:
        if self.away:
            raise SourceError("来源 his 连接不上")
        yield from super().pages(after, size)

    def mark(self) -> Mark:
        return Mark("site")


def test_a_source_that_cannot_be_read_is_an_interruption_until_it_can(store: Store, edition: Edition, clock: Clock) -> None:
    source = Failing([prescription(1)])
    reader = Reader(cast("Any", source), edition, store, ("bureau",), 100, TIERS, clock)
    reader.hot()
    assert store.interruptions(*FOREVER) == []
    source.away = True
    for _ in range(3):
        clock.move(10)
        with pytest.raises(SourceError):
            reader.hot()
    source.away = False
    clock.move(10)
    reader.hot()
    (found,) = store.interruptions(*FOREVER)
    assert (found.place, found.kind, found.tries, found.cause) == (HIS, Hindrance.UNREADABLE, 3, "来源 his 连接不上")
    assert (_since(found.began_at), _since(found.ended_at)) == (10, 40)


@dataclass
class Beating:
    """A process whose time of day can be set while it runs."""

    gateway: Gateway
    clock: Clock
    passed: float = 0

    def __post_init__(self) -> None:
        self.pulse = pulse.Pulse(self.gateway, lambda: self.passed)

    def after(self, seconds: float, *, setting: float = 0) -> Interruption | None:
        """The next sign; meanwhile somebody moves the clock by `setting`."""
        self.passed += seconds
        self.clock.move(seconds + setting)
        return self.pulse.beat()


def test_a_gap_between_two_signs_of_life_is_kept_and_a_short_one_is_not(store: Store, clock: Clock) -> None:
    process = Beating(cast("Gateway", SimpleNamespace(store=store, clock=clock)), clock)
    assert process.after(0) is None
    assert process.after(170) is None
    found = process.after(3600)
    assert found
    assert store.interruptions(*FOREVER) == [found]
    assert (found.place, found.kind, _since(found.began_at), _since(found.ended_at)) == (GATEWAY, Hindrance.STOPPED, 170, 3770)


def test_a_gap_before_the_process_is_kept_whoever_gave_the_sign_before(store: Store, clock: Clock) -> None:
    gateway = cast("Gateway", SimpleNamespace(store=store, clock=clock))
    assert Beating(gateway, clock).after(0) is None
    found = Beating(gateway, clock).after(3600)
    assert found
    assert (_since(found.began_at), _since(found.ended_at)) == (0, 3600)


def test_a_clock_that_is_set_is_no_stop_and_hides_none(store: Store, clock: Clock) -> None:
    process = Beating(cast("Gateway", SimpleNamespace(store=store, clock=clock)), clock)
    process.after(0)
    with capture_logs() as lines:
        assert process.after(60, setting=7200) is None
        assert process.after(60, setting=-7200) is None
        assert process.after(60, setting=150) is None
        assert process.after(60, setting=1) is None
    assert [(line["event"], line["by"]) for line in lines] == [("clock_moved", by) for by in (7200, -7200, 150)]
    assert store.interruptions(*FOREVER) == []
    for setting in (7200, -7200):
        found = process.after(600, setting=setting)  # and asleep for ten minutes of it
        assert found
        assert found.ended_at
        assert found.ended_at - found.began_at == timedelta(seconds=600)


def test_a_store_that_cannot_be_written_does_not_end_the_pulse(clock: Clock) -> None:
    class Broken:
        def beat(self, name: str, now: datetime) -> None:
            raise StoreError("磁盘已满")

    seen = Observations()
    (job,) = pulse.jobs(cast("Gateway", SimpleNamespace(store=Broken(), clock=clock, seen=seen)))
    job.do()
    assert (seen.seen().beat_at, seen.seen().store_fault) == (clock(), "磁盘已满")
