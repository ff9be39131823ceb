"""What today's edition cannot send waits by itself, told in a sentence, and nothing else waits for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest
from support.delivery import INSTITUTION, Clock, Platform, Rows, prescription
from support.queued import fill

from gateway.errors import NotAdmittedError
from gateway.intake import accept
from gateway.judging import Judge
from gateway.outbox import State
from gateway.standing import Route
from gateway.store import Store
from gateway.uploading import upload
from schemas.envelope import Result
from schemas.model import Edition

LEASE = timedelta(seconds=120)


def take_in(store: Store, edition: Edition, clock: Clock, *rows: Any) -> None:
    source = Rows(list(rows), digest=edition.id)
    accept(source, Judge(edition, "RX01", store.rid), store, targets=("bureau",), clock=clock)


def send(store: Store, platform: Platform, clock: Clock) -> None:
    clock.move(600)
    upload(store, platform, "bureau", clock=clock, lease=LEASE)


def states(store: Store) -> dict[State, int]:
    (found,) = store.standings([Route("his", "RX01", "bureau")])
    return dict(found.states)


@pytest.fixture
def newer(edition: Edition) -> Edition:
    return replace(edition, version="2099.9")


@dataclass
class Strict(Platform):
    """Answers 409 to a message that is all of another edition, as ours does."""

    edition: str = ""

    def deliver(self, institution: str, dataset: str, msgid: str, bodies: Sequence[bytes]) -> Sequence[Result]:
        if self.edition not in {orjson.loads(body).get("edition", self.edition) for body in bodies}:
            raise NotAdmittedError("请两边统一版本后再报")
        return [self._hold(orjson.loads(body), body) for body in bodies]


def test_a_data_set_that_the_edition_no_longer_has_stops_nothing_else(store: Store, edition: Edition, clock: Clock) -> None:
    fill(store, [("H2", "gone")])
    fill(store, [("H1", "a"), ("H3", "b")], dataset="HD03")
    store._edition = replace(edition, datasets={code: each for code, each in edition.datasets.items() if code != "RX01"})
    platform = Platform()
    send(store, platform, clock)
    assert {key for key, _ in platform.held} == {"a", "b"}
    assert list(store.queue("bureau").causes) == [
        f"规范 {edition.id} 没有数据集 RX01，不能报送；请核对配置里的 edition，改好后自动报送"
    ]
    store._edition = edition
    send(store, platform, clock)
    assert {key for key, _ in platform.held} == {"a", "b", "gone"}


def test_leftovers_of_an_older_edition_are_held_and_the_others_go(
    store: Store, edition: Edition, newer: Edition, clock: Clock
) -> None:
    take_in(store, edition, clock, *(prescription(number) for number in range(1, 6)))
    fill(store, [(INSTITUTION, "fresh")], dataset="HD03")
    store._edition = newer
    platform = Strict(edition=newer.id)
    send(store, platform, clock)
    assert [key for key, _ in platform.held] == ["fresh"]
    assert store.tripped("bureau") == []
    assert store.queue("bureau").causes == {f"按旧版规范（{edition.id}）制作，等本地重读后作为新版再报": 5}
    take_in(store, newer, clock, *(prescription(number) for number in range(1, 6)))
    send(store, platform, clock)
    assert states(store) == {State.ACCEPTED: 5}
    assert {version for key, version in platform.held if key != "fresh"} == {2}


def test_what_shares_a_batch_with_a_leftover_goes(store: Store, edition: Edition, newer: Edition, clock: Clock) -> None:
    take_in(store, edition, clock, prescription(1))
    take_in(store, newer, clock, prescription(2))
    store._edition = newer
    platform = Platform()
    send(store, platform, clock)
    assert platform.requests == [["RX00002|1"]]
    assert states(store) == {State.ACCEPTED: 1, State.HELD: 1}


def test_going_back_to_the_edition_sends_its_leftovers(store: Store, edition: Edition, newer: Edition, clock: Clock) -> None:
    take_in(store, edition, clock, prescription(1))
    store._edition = newer
    send(store, Platform(), clock)
    assert states(store) == {State.HELD: 1}
    store._edition = edition
    send(store, Platform(), clock)
    assert states(store) == {State.ACCEPTED: 1}


def test_a_breaker_is_not_tried_with_a_leftover(store: Store, edition: Edition, newer: Edition, clock: Clock) -> None:
    """After an upgrade of both sides: first the platform alone, so that the breaker opened, then the gateway."""
    take_in(store, edition, clock, *(prescription(number) for number in range(1, 3)))
    platform = Strict(edition=newer.id)
    for _ in range(8):
        send(store, platform, clock)
    assert [each.institution for each in store.tripped("bureau")] == [INSTITUTION]
    store._edition = newer
    fill(store, [(INSTITUTION, "fresh")], dataset="HD03")
    with store._engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE outbox SET attempts = 9, due_at = '2026-12-01T00:00:00.000000Z' WHERE record_key = 'fresh'"
        )
    send(store, platform, clock)
    assert [key for key, _ in platform.held] == ["fresh"]


def test_a_newer_version_goes_instead_of_one_that_is_given_back(store: Store, edition: Edition, clock: Clock) -> None:
    take_in(store, edition, clock, prescription(1))
    leased = store.lease("bureau", clock(), clock() + LEASE)
    assert leased
    take_in(store, edition, clock, prescription(1, cursor=2, cnt=Decimal(9)))
    assert states(store) == {State.HELD: 1}
    store.release(leased, clock())
    platform = Platform()
    upload(store, platform, "bureau", clock=clock, lease=LEASE)
    assert [version for _, version in platform.held] == [2]
