"""Fair share and breakers over a real queue: who waits, and for how many batches of others; and that the queue's length
does not matter to a lease."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import orjson
import pytest
from sqlalchemy import Connection, event, text
from support.databases import KEY, database
from support.delivery import START, Clock
from support.queued import fill

from gateway.breaker import LIMITS, Ended, Position, Report, Signal
from gateway.errors import NotAdmittedError, NotDeliveredError
from gateway.outbox import ADMISSION_WAIT, Answered, Batch, next_step
from gateway.store import Store, leasing, open_store, outbox
from gateway.store.engine import write
from gateway.uploading import Delivery, upload
from schemas.envelope import Result, Status
from schemas.model import Edition

FLOOD, BROKEN = "H99000100300", "H99000100700"
LEASE = timedelta(seconds=120)


@dataclass
class Desk:
    """A platform that writes down whose batch came when, and refuses the keys of some."""

    store: Store
    clock: Clock
    refused: set[str] = field(default_factory=set)
    away: bool = False
    served: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    meanwhile: Callable[[int], None] = lambda turn: None

    def deliver(self, institution: str, dataset: str, msgid: str, bodies: Sequence[bytes]) -> Sequence[Result]:
        self.served.append(institution)
        self.meanwhile(len(self.served))
        if self.away:
            raise NotDeliveredError("连接不上")
        if institution in self.refused:
            raise NotAdmittedError("密钥不对")
        keys = [orjson.loads(body)["key"] for body in bodies]
        self.keys += keys
        return [Result(key, 1, Status.ACCEPTED) for key in keys]

    def send(self, stop: Callable[[], bool] = lambda: False) -> Delivery:
        return upload(self.store, self, "bureau", clock=self.clock, lease=LEASE, stop=stop)


@pytest.fixture
def desk(store: Store, clock: Clock) -> Desk:
    return Desk(store, clock)


@pytest.fixture
def on_sqlite(tmp_path: Path, edition: Edition, clock: Clock) -> Iterator[Desk]:
    store = open_store(f"sqlite:///{tmp_path / 'big.db'}", edition, START, KEY)
    event.listen(store._engine, "connect", lambda connection, record: connection.execute("PRAGMA synchronous=OFF"))
    store._engine.dispose()
    yield Desk(store, clock)
    store.close()


@pytest.mark.parametrize(
    ("queued", "order"),
    [
        ({"A": 250, "B": 1, "C": 1}, "ABCAA"),  # what floods waits for the others after each batch
        ({"A": 150, "B": 150, "C": 150}, "ABCABC"),
        ({"A": 1}, "A"),
        ({}, ""),
    ],
)
def test_institutions_take_turns_whatever_their_queues(desk: Desk, queued: dict[str, int], order: str) -> None:
    if queued:
        fill(desk.store, [(name, f"{name}{number}") for name, count in queued.items() for number in range(count)])
    desk.send()
    assert "".join(desk.served) == order


def test_inside_one_institution_the_most_urgent_goes_first(desk: Desk) -> None:
    fill(desk.store, [("B", "first"), ("A", "second"), ("B", "third")])
    fill(desk.store, [("B", "other")], dataset="HD01")
    desk.send()
    assert [key for key in desk.keys if key != "second"] == ["first", "third", "other"]


def test_the_round_goes_on_where_it_stopped(desk: Desk) -> None:
    fill(desk.store, [(name, f"{name}{number}") for name in "ABC" for number in range(150)])
    desk.send(stop=lambda: len(desk.served) >= 2)
    desk.send(stop=lambda: len(desk.served) >= 4)
    assert "".join(desk.served) == "ABCA"


def test_one_bad_key_stops_its_institution_and_nobody_else(desk: Desk) -> None:
    fill(desk.store, [(name, f"{name}{number}") for name in "ABC" for number in range(450)])
    desk.refused = {"B"}
    desk.send()
    assert (desk.served.count("A"), desk.served.count("C")) == (5, 5)
    assert desk.served.count("B") == LIMITS[Signal.NOT_ADMITTED]
    (told,) = desk.store.tripped("bureau")
    assert (told.institution, told.breaker.cause, told.breaker.next_at) == ("B", "密钥不对", START + ADMISSION_WAIT)


def test_after_the_wait_one_batch_tries_and_a_mended_key_lets_the_rest_follow(desk: Desk) -> None:
    fill(desk.store, [("B", f"B{number}") for number in range(450)])
    desk.refused = {"B"}
    desk.send()
    desk.clock.move(61)
    desk.send()
    assert len(desk.served) == LIMITS[Signal.NOT_ADMITTED] + 1, "one batch, not the rest behind it"
    (told,) = desk.store.tripped("bureau")
    assert told.breaker.next_at == desk.clock() + 2 * ADMISSION_WAIT
    desk.refused = set()
    desk.send()
    assert len(desk.served) == LIMITS[Signal.NOT_ADMITTED] + 1
    desk.clock.move(121)
    assert desk.send().accepted == 450
    assert desk.store.tripped("bureau") == []


def test_a_target_that_is_away_stops_all_after_a_few_tries(desk: Desk) -> None:
    fill(desk.store, [(f"H{number}", f"K{number}") for number in range(20)])
    desk.away = True
    desk.send()
    assert len(desk.served) == LIMITS[Signal.UNREACHABLE]
    (told,) = desk.store.tripped("bureau")
    assert (told.institution, told.breaker.position) == ("", Position.OPEN)
    desk.away = False
    assert desk.send().accepted == 0
    desk.clock.move(21)
    assert desk.send().accepted == 20


def test_breakers_outlive_a_restart(tmp_path: Path, edition: Edition, clock: Clock) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    before = Desk(open_store(url, edition, START, KEY), clock, refused={"B"})
    fill(before.store, [("B", f"B{number}") for number in range(450)])
    before.send()
    before.store.close()
    after = Desk(open_store(url, edition, START, KEY), clock)
    assert after.send().accepted == 0
    assert [each.institution for each in after.store.tripped("bureau")] == ["B"]
    after.store.close()


def test_a_stop_gives_back_what_was_leased_and_leases_nothing_more(desk: Desk) -> None:
    fill(desk.store, [("A", f"A{number}") for number in range(150)])
    asked = iter([False, True])
    assert desk.send(stop=lambda: next(asked)).states == {}
    assert desk.served == []
    again = desk.store.lease("bureau", desk.clock(), desk.clock() + LEASE)
    assert again is not None
    assert [item.key for item in again.items] == [f"A{number}" for number in range(100)]


def test_with_1000_institutions_neither_a_flood_nor_a_failure_makes_the_others_wait(on_sqlite: Desk) -> None:
    """One floods with 50,000 rows, one is always refused; a row that comes late waits for one round at most."""
    desk, names = on_sqlite, [f"H99{number:09d}" for number in range(100_000, 101_000)]
    flood, broken = names[300], names[700]
    fill(desk.store, [(flood, f"F{number}") for number in range(50_000)])
    fill(desk.store, [(broken, f"X{number}") for number in range(1_000)])
    fill(desk.store, [(name, "only") for name in names if name not in (flood, broken)])
    desk.refused = {broken}

    def late(turn: int) -> None:
        if turn == 1_100:
            fill(desk.store, [(names[0], "late")])

    desk.meanwhile = late
    desk.send(stop=lambda: len(desk.served) >= 1_110)
    first = {name: desk.served.index(name) for name in names}
    assert max(first.values()) < 1_000, "everyone had a turn in the first round"
    assert desk.served[:1_000].count(flood) == 1
    assert desk.served.count(broken) == LIMITS[Signal.NOT_ADMITTED], "then its breaker opens"
    assert desk.served[1_100:1_103].count(names[0]) == 1
    assert "late" in desk.keys


_MANY = """
    WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 199999)
    SELECT 'H' || (1000 + i % 997), 'RX01', 'K' || i, 1, '2026-11-25T00:00:00.000000Z'"""
_PLACE = "institution, dataset, record_key, version, due_at"


def _queue_200000(store: Store) -> None:
    outbox = f"INSERT INTO outbox ({_PLACE}, target, state, attempts, batch_cap, hold, cause, reasons) {_MANY}"
    parcel = f"INSERT INTO parcel ({_PLACE}, content_hash, occurred_at, seen_at, live, body) {_MANY}"
    with store._engine.begin() as connection:
        connection.execute(text(f"{outbox}, 'bureau', 'queued', 0, 0, '', '', '[]' FROM n"))
        connection.execute(text(f"{parcel}, '', '', '', true, :body FROM n"), {"body": b""})
    with store._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_lease_walks_the_index_with_200000_rows_queued(kind: str, tmp_path: Path, edition: Edition, clock: Clock) -> None:
    with database(kind, tmp_path) as url:
        store = open_store(url, edition, START, KEY)
        _queue_200000(store)

        def leased(sent: datetime | None) -> Batch:
            turn = leasing.Turn(edition, "bureau", clock(), clock() + LEASE, sent)
            found = write(store._engine, lambda connection: leasing.lease(connection, turn))
            assert found
            return found

        def finish() -> None:
            sending = leased(clock())
            steps = [next_step(item, Answered(Result(item.key, 1, Status.ACCEPTED)), clock()) for item in sending.items]
            ended = Ended(sending, steps, Report(Signal.ANSWERED))
            write(store._engine, lambda connection: outbox.finish(connection, "bureau", ended, clock()))

        works: list[Callable[[], object]] = [lambda: leased(None), finish, lambda: store.recover("bureau", clock())]
        plans = [plan for work in works for plan in _plans_of(store, work)]
        assert len(plans) >= 11
        for statement, plan in plans:
            assert not _scans(plan), f"{statement}\n{plan}"
        store.close()


def _plans_of(store: Store, work: Callable[[], object]) -> list[tuple[str, str]]:
    """(statement, plan) of every statement about the outbox that `work` executes."""
    seen: list[tuple[str, object]] = []

    def note(connection: Connection, cursor: object, statement: str, parameters: object, context: object, many: bool) -> None:
        if "outbox" in statement:
            seen.append((statement, parameters))

    event.listen(store._engine, "before_cursor_execute", note)
    work()
    event.remove(store._engine, "before_cursor_execute", note)
    explain = "EXPLAIN QUERY PLAN " if store._engine.name == "sqlite" else "EXPLAIN "
    found = []
    with store._engine.connect() as connection:
        for statement, parameters in seen:
            rows = connection.exec_driver_sql(explain + statement, parameters).all()  # type: ignore[arg-type]
            found.append((statement, "\n".join(str(row[-1]) for row in rows)))
    return found


def _scans(plan: str) -> bool:
    """Whether the plan reads the whole outbox or parcel, or sorts what it read."""
    return any(
        sign in plan for sign in ("SCAN outbox", "SCAN parcel", "Seq Scan on outbox", "Seq Scan on parcel", "TEMP B-TREE", "Sort")
    )
