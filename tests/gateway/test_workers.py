"""Several workers on one outbox: every record leaves once, whoever takes it."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from support.delivery import Clock, Platform, Rows, prescription

from gateway.intake import accept
from gateway.judging import Judge
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
