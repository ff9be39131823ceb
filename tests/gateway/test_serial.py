"""One version of a key at a time, in order, however many workers send while the source edits at random."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

import orjson
import pytest
from support.delivery import INSTITUTION, Clock, Platform, Rows, prescription

from gateway.errors import NotDeliveredError, OutcomeUnknownError
from gateway.intake import accept
from gateway.judging import Judge
from gateway.outbox import State
from gateway.standing import Route
from gateway.store import Store
from gateway.uploading import upload
from schemas.envelope import Result
from schemas.model import Edition

WORKERS, KEYS, EDITS = 3, 12, 40
LEASE = timedelta(days=365)  # the clock is moved on under the workers: no lease may run out by that


@dataclass
class Watching(Platform):
    """Fails at random, before or after it took the batch, and notes every key that came twice at once or backwards."""

    chance: random.Random = field(default_factory=random.Random)
    lock: threading.Lock = field(default_factory=threading.Lock)
    under_way: Counter[str] = field(default_factory=Counter)
    newest: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def deliver(self, institution: str, dataset: str, msgid: str, bodies: Sequence[bytes]) -> Sequence[Result]:
        records = [orjson.loads(body) for body in bodies]
        with self.lock:
            self.under_way.update(record["key"] for record in records)
            self.faults += [f"{key} twice at once" for key, count in self.under_way.items() if count > 1]
            fate = self.chance.random()
        try:
            threading.Event().wait(0.002)
            if fate < 0.1:
                raise NotDeliveredError("连不上")
            with self.lock:
                for record in records:
                    key, version = record["key"], int(record["version"])
                    if version < self.newest.get(key, 0):
                        self.faults.append(f"{key}: {version} after {self.newest[key]}")
                    self.newest[key] = version
                results = super().deliver(institution, dataset, msgid, bodies)
            if fate < 0.25:
                raise OutcomeUnknownError("没有应答")
            return results
        finally:
            with self.lock:
                self.under_way.subtract(record["key"] for record in records)


@pytest.mark.parametrize("seed", [1, 2])
def test_random_edits_under_several_workers_keep_each_key_serial_and_in_order(
    store: Store, edition: Edition, clock: Clock, seed: int
) -> None:
    chance, platform, done = random.Random(seed), Watching(chance=random.Random(seed)), threading.Event()
    judge = Judge(edition, "RX01", store.rid)

    def edit() -> None:
        for cursor in range(1, EDITS + 1):
            changed = [
                prescription(number, cursor=cursor * 100 + number, cnt=Decimal(cursor))
                for number in sorted(chance.sample(range(1, KEYS + 1), 4))
            ]
            accept(Rows(changed), judge, store, targets=("bureau",), clock=clock)
            clock.move(20)
        done.set()

    def work() -> None:
        while not done.is_set():
            upload(store, platform, "bureau", clock=clock, lease=LEASE)

    with ThreadPoolExecutor(WORKERS + 1) as pool:
        futures = [pool.submit(edit), *(pool.submit(work) for _ in range(WORKERS))]
        for future in futures:
            future.result()
    platform.chance = random.Random(99)
    for _ in range(60):
        clock.move(700)
        upload(store, platform, "bureau", clock=clock, lease=LEASE)
    assert platform.faults == []
    (found,) = store.standings([Route("his", "RX01", "bureau")])
    assert found.states == {State.ACCEPTED: len(platform.newest)}
    keys = list(platform.newest)
    assert {key: entry.version for key, entry in store.ledger(INSTITUTION, "RX01", keys).items()} == platform.newest
