"""Several workers on one outbox: every record leaves once, whoever takes it."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from support.delivery import START, Clock, Platform, Rows, prescription

from gateway.intake import accept
from gateway.judging import Judge
from gateway.model import Brake, BrakeKind, Mark
from gateway.outbox import State
from gateway.standing import Route
from gateway.store import Store
from gateway.uploading import Delivery, upload
from schemas.model import Edition

WORKERS, RECORDS = 4, 1200


def test_workers_share_the_queue_and_no_record_leaves_twice(store: Store, edition: Edition, clock: Clock) -> None:
    rows = Rows([prescription(number) for number in range(1, RECORDS + 1)])
    accept(rows, Judge(edition, "RX01", store.rid), store, targets=("bureau",), clock=clock)
    platform, gate = Platform(), threading.Barrier(WORKERS)

    def work() -> Delivery:
        gate.wait()
        return upload(store, platform, "bureau", clock=clock, lease=timedelta(seconds=120))

    with ThreadPoolExecutor(WORKERS) as pool:
        deliveries = [future.result() for future in [pool.submit(work) for _ in range(WORKERS)]]
    sent = Counter(key for request in platform.requests for key in request)
    assert len(sent) == RECORDS
    assert set(sent.values()) == {1}
    assert sum(delivery.accepted for delivery in deliveries) == RECORDS
    assert len(set(platform.msgids)) == len(platform.msgids)
    (standing,) = store.standings([Route("his", "RX01", "bureau")])
    assert standing.states == {State.ACCEPTED: RECORDS}


def test_two_workers_put_the_same_brake_and_mark_in_place_without_an_error(store: Store) -> None:
    gate = threading.Barrier(WORKERS)
    brake = Brake("his", "RX01", BrakeKind.VOID, "停", START)

    def work() -> None:
        gate.wait()
        for number in range(20):
            store.engage(brake)
            store.save_mark("his", "RX01", Mark("site", number, number), START)
            store.finish_sweep("his", "RX01", "warm", START)

    with ThreadPoolExecutor(WORKERS) as pool:
        for future in [pool.submit(work) for _ in range(WORKERS)]:
            future.result()
    assert store.brakes() == [brake]
