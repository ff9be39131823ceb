"""What ended and what goes next as one change leaves the store as the four single steps do; so do rows given to the driver."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import orjson
import pytest
from sqlalchemy import Table, delete, insert, select
from support.databases import KEY, KINDS, database
from support.delivery import START, Clock, Platform, Rows, prescription
from support.dialysis import ON, schedule, session

from gateway.errors import NotDeliveredError, OutcomeUnknownError
from gateway.intake import accept
from gateway.judging import Judge
from gateway.model import SourceRow
from gateway.outbox import State
from gateway.ports import Gate
from gateway.store import Store, open_store
from gateway.store.tables import (
    awaited,
    breaker,
    delay,
    installation,
    interruption,
    ledger,
    outbox,
    parcel,
    rotation,
    sighting,
)
from gateway.uploading import upload
from gateway.windows import ALWAYS
from schemas.envelope import Result, Status
from schemas.model import Edition, Violation

LEASE = timedelta(seconds=120)
#: passes everything, and has each call counted: batch by batch, step by step
STEPWISE = cast("Gate", SimpleNamespace(closed=lambda: "", admit=lambda: "", counts=True))
#: each sealing and each lease has its own; an installation too
_RANDOM = {"body", "lease_token", "rid", "created_at", "key_id"}
#: several are written by one statement, in no order
_UNORDERED = {delay, interruption}
_STATE = [column.name for column in outbox.columns if column.name not in _RANDOM].index("state")
_COMPARED = (outbox, parcel, ledger, sighting, awaited, breaker, rotation, delay, interruption, installation)


@dataclass
class Desk:
    """A store that is filled, and sends to a platform with a bad day."""

    store: Store
    edition: Edition
    gate: Gate
    clock: Clock

    def __post_init__(self) -> None:
        self.platform = Platform(answer=self.answer)

    def take_in(self, dataset: str, *rows: SourceRow) -> None:
        judge = Judge(self.edition, dataset, self.store.rid)
        accept(Rows(list(rows), dataset=dataset), judge, self.store, targets=("bureau",), clock=self.clock)

    def answer(self, number: int, bodies: Sequence[bytes]) -> Sequence[Result] | Exception:
        """A newer version comes while the older one is under way; one reply is lost, one message is not delivered, a row is bad."""
        if number == 2:
            self.take_in("RX01", prescription(250, cursor=1001, med_list_name="改后"))
        if number == 3:
            return OutcomeUnknownError("应答丢失")
        if number == 4:
            return NotDeliveredError("连接不上")
        return [self._result(orjson.loads(body)) for body in bodies]

    def _result(self, record: dict[str, Any]) -> Result:
        if record["key"] == "RX00400|1":
            return Result(record["key"], 1, Status.REJECTED, (Violation("cnt", "least", "数量不对"),))
        return Result(record["key"], int(record["version"]), Status.ACCEPTED, accepted_at="2026-11-25 08:00:00")

    def work(self) -> None:
        self.take_in("RX01", *(prescription(number) for number in range(1, 401)))
        self.take_in("HD02", *map(schedule, range(1, 131)))
        earlier = {"begn_time": ON - timedelta(days=1), "end_time": ON - timedelta(hours=20)}
        self.take_in("HD03", *(session(number, **earlier) for number in range(1, 6)))  # held, and more urgent than the rest
        for minutes in range(0, 30, 3):  # long enough for grace and backoff
            self.clock.now = START + timedelta(minutes=minutes)
            upload(self.store, self.platform, "bureau", clock=self.clock, lease=LEASE, gate=self.gate)

    def kept(self) -> dict[str, list[tuple[Any, ...]]]:
        return {table.name: kept(self.store, table) for table in _COMPARED}


def kept(store: Store, table: Table) -> list[tuple[Any, ...]]:
    """Every row, as far as it is the same in two stores."""
    columns = [
        column for column in table.columns if column.name not in _RANDOM and not (column.name == "id" and table in _UNORDERED)
    ]
    with store._engine.connect() as connection:
        return sorted((tuple(row) for row in connection.execute(select(*columns))), key=repr)


@pytest.mark.parametrize("kind", KINDS)
def test_as_one_change_or_step_by_step_the_store_is_the_same_in_the_end(kind: str, tmp_path: Path, edition: Edition) -> None:
    found = []
    with ExitStack() as stack:
        for name, gate in (("at_once", ALWAYS), ("stepwise", STEPWISE)):
            folder = tmp_path / name
            folder.mkdir()
            store = open_store(stack.enter_context(database(kind, folder)), edition, START, KEY)
            stack.callback(store.close)
            desk = Desk(store, edition, gate, Clock())
            desk.work()
            found.append((desk.platform.requests, desk.kept()))
    (sent, at_once), (sent_stepwise, stepwise) = found
    assert sent == sent_stepwise
    for table, rows in at_once.items():
        assert rows == stepwise[table], table
    assert Counter(row[_STATE] for row in at_once["outbox"]) == {State.ACCEPTED: 535, State.REJECTED: 1}
    heads = [keys[0] for keys in sent]
    assert heads.index("D1") == heads.index("S1") + 1


def test_a_batch_that_is_not_sent_after_all_is_as_it_was_before(store: Store, edition: Edition, clock: Clock) -> None:
    desk = Desk(store, edition, ALWAYS, clock)
    desk.platform.answer = lambda number, bodies: NotDeliveredError("连接不上")
    desk.take_in("RX01", *(prescription(number) for number in range(1, 4)))
    upload(store, desk.platform, "bureau", clock=clock, lease=LEASE)
    desk.take_in("RX01", *(prescription(number, cursor=number + 10) for number in range(4, 6)))
    clock.move(3600)
    place = [outbox.c[name] for name in ("record_key", "state", "attempts", "sent_at", "lease_token", "lease_until")]
    with store._engine.connect() as connection:
        before = sorted(map(tuple, connection.execute(select(*place))), key=repr)
    assert len({sent_at for _, _, _, sent_at, _, _ in before}) == 2
    batch = store.advance("bureau", None, clock(), clock() + LEASE)
    assert batch
    assert batch.msgid
    store.release(batch, clock())
    with store._engine.connect() as connection:
        assert sorted(map(tuple, connection.execute(select(*place))), key=repr) == before


@pytest.mark.parametrize("table", [parcel, outbox, ledger, sighting], ids=lambda table: table.name)
def test_a_row_given_to_the_driver_is_kept_as_sqlalchemy_would_keep_it(
    store: Store, edition: Edition, clock: Clock, table: Table
) -> None:
    row = prescription(1, row_entered_at=START - timedelta(hours=1))
    accept(Rows([row]), Judge(edition, "RX01", store.rid), store, targets=("bureau",), clock=clock)
    raw = f"SELECT * FROM {table.name}"
    with store._engine.begin() as connection:
        (swift,) = connection.exec_driver_sql(raw).all()
        values = connection.execute(select(table)).mappings().one()
        connection.execute(delete(table))
        connection.execute(insert(table).values(dict(values)))
        (plain,) = connection.exec_driver_sql(raw).all()
    assert tuple(swift) == tuple(plain)
