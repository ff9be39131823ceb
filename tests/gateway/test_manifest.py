"""The account of a day adds up whatever happened to its rows; where they stand is told alike by three databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from support.delivery import INSTITUTION, START, Clock, Platform, Rows, prescription

from gateway.errors import OutcomeUnknownError
from gateway.intake import accept
from gateway.judging import Judge
from gateway.manifest import READ, DayReading, Held, Statement, Whereabouts, figures, live_everywhere
from gateway.model import AsideState, RowState
from gateway.outbox import State
from gateway.store import Store, open_store
from gateway.tiers import span_of
from gateway.uploading import upload
from schemas.envelope import Result, Status
from schemas.manifest import PARTS, Entry, balanced, digest
from schemas.model import Edition, Violation

TARGETS = ("bureau", "county")
DAY = START.date()
SPAN = span_of(DAY)


class Desk:
    """One data set with two targets."""

    def __init__(self, store: Store, edition: Edition, clock: Clock) -> None:
        self.store, self.edition, self.clock = store, edition, clock
        self.platforms = {target: Platform() for target in TARGETS}

    def take_in(self, *rows: Any) -> None:
        judge = Judge(self.edition, "RX01", self.store.rid)
        accept(Rows(list(rows)), judge, self.store, targets=TARGETS, clock=self.clock, from_start=True)

    def send(self, target: str = "bureau") -> None:
        upload(self.store, self.platforms[target], target, clock=self.clock, lease=timedelta(seconds=120))

    def stands(self, *refs: str) -> dict[str, Whereabouts]:
        return {each.ref: each for each in self.store.whereabouts("his", "RX01", refs, TARGETS)}

    def held(self, target: str) -> list[tuple[str, int, bool]]:
        return sorted((each.key, each.version, each.live) for each in self.store.held("RX01", SPAN, (target,)))


@pytest.fixture
def desk(store: Store, edition: Edition, clock: Clock) -> Desk:
    return Desk(store, edition, clock)


def here(number: int, **changes: Any) -> Any:
    return prescription(number, **{"rx_time": START, **changes})


def test_where_rows_stand_is_told_by_row_and_by_day(desk: Desk) -> None:
    desk.take_in(here(1), here(2), here(3, rx_time=None), here(4, row_state=RowState.EXCLUDED, row_reason="别的业务"))
    desk.send()
    found = desk.stands("id=1", "id=2", "id=3", "id=4", "id=5")
    assert {ref: each.part for ref, each in found.items()} == {
        "id=1": "queued",
        "id=2": "queued",
        "id=3": "quarantined",
        "id=4": "excluded",
    }, "the county has nothing yet; a row nobody ever saw is missing"
    assert found["id=1"].states == {"bureau": State.ACCEPTED, "county": State.QUEUED}
    assert found["id=1"].first_seen == START
    desk.send("county")
    by_day = desk.store.whereabouts_of_day("his", "RX01", SPAN, TARGETS)
    assert sorted((each.key, each.part) for each in by_day) == [("RX00001|1", "accepted"), ("RX00002|1", "accepted")]
    tomorrow = span_of(DAY + timedelta(days=1))
    assert desk.store.whereabouts_of_day("his", "RX01", tomorrow, TARGETS) == []


def test_what_a_target_holds_is_the_newest_version_it_accepted_on_the_day_that_says(desk: Desk) -> None:
    desk.take_in(here(1), here(2), here(3))
    desk.send()
    desk.take_in(here(1, cnt=Decimal(9)), here(2, row_state=RowState.VOID, row_reason="已删除"), here(3))
    assert desk.held("bureau") == [(f"RX0000{number}|1", 1, True) for number in (1, 2, 3)], "under way it has not changed there"
    desk.send()
    desk.take_in(here(3, rx_time=START - timedelta(days=1)))
    assert desk.held("bureau") == [("RX00001|1", 2, True), ("RX00002|1", 2, False), ("RX00003|1", 1, True)]
    desk.send()
    assert desk.held("bureau") == [("RX00001|1", 2, True), ("RX00002|1", 2, False)]
    assert desk.held("county") == []
    assert desk.stands("id=2")["id=2"].part == "excluded", "nothing is owed to the county, which never had it"


def test_a_row_set_aside_after_it_was_sent_counts_as_that_and_the_platform_holds_the_old_value(desk: Desk) -> None:
    desk.take_in(here(1))
    desk.send()
    desk.take_in(here(1, cnt=None))
    row = desk.stands("id=1")["id=1"]
    assert (row.part, row.key) == ("quarantined", "RX00001|1")
    assert desk.held("bureau") == [("RX00001|1", 1, True)]


def test_statements_are_kept_and_a_revocation_stays(desk: Desk) -> None:
    zero = said(0, version=1)
    desk.store.keep_statements([zero, said(3, version=2)])
    desk.store.keep_statements([zero])  # two workers at once
    assert desk.store.statements("RX01", DAY) == [zero, said(3, version=2)]
    assert desk.store.stated_looks("RX01", DAY) == {(INSTITUTION, DAY): START}
    later = START + timedelta(hours=1)
    desk.store.statements_stand("RX01", DAY, [INSTITUTION], later)
    assert desk.store.stated_looks("RX01", DAY) == {(INSTITUTION, DAY): later}
    assert desk.store.stated_looks("RX01", DAY + timedelta(days=1)) == {}
    desk.store.revoke(zero, later, "后来有 3 行")
    desk.store.revoke(zero, later + timedelta(days=1), "再来")
    (revoked,) = desk.store.revoked_zeros(START)
    assert revoked == replace(zero, revoked_at=later, revoked_by="后来有 3 行")
    assert desk.store.revoked_zeros(later + timedelta(seconds=1)) == []


def test_which_rows_a_day_had_is_kept_as_read_last_and_forgotten_with_the_day(desk: Desk) -> None:
    store, later = desk.store, START + timedelta(hours=1)
    rows = {f"id={number}": INSTITUTION for number in range(3)} | {"号 7": "H99000100002"}
    store.keep_reading("his", "RX01", DAY, DayReading(START, "old", {}))
    store.keep_reading("his", "RX01", DAY, DayReading(later, "profile", rows))
    assert store.reading_of("his", "RX01", DAY) == DayReading(later, "profile", rows)
    assert store.readings("his", "RX01", "profile") == {DAY: later}
    assert store.readings("his", "RX01", "old") == store.readings("other", "RX01", "profile") == {}
    store.forget_readings("his", "RX01", DAY)
    assert store.reading_of("his", "RX01", DAY)
    store.forget_readings("his", "RX01", DAY + timedelta(days=1))
    assert store.reading_of("his", "RX01", DAY) is None


def said(read: int, *, version: int) -> Statement:
    counts = {READ: read, **dict.fromkeys(PARTS, 0), "accepted": read}
    return Statement(INSTITUTION, "RX01", DAY, START, counts, digest([]), 0, "sha256:q", version)


@pytest.mark.parametrize(
    ("states", "live", "part"),
    [
        ((State.ACCEPTED, State.ACCEPTED), True, "accepted"),
        ((State.ACCEPTED, State.REJECTED), True, "rejected"),
        ((State.REJECTED, State.QUEUED), True, "queued"),
        ((State.ACCEPTED, None), True, "queued"),
        ((State.CONFLICT, State.ACCEPTED), True, "unknown"),
        ((State.SENDING, State.UNKNOWN), True, "sending"),
        ((State.ACCEPTED, State.HELD), True, "held"),
        ((State.ACCEPTED, State.CANCELLED), False, "excluded"),
        ((State.CANCELLED, State.CANCELLED), False, "excluded"),
        ((State.QUEUED, State.CANCELLED), False, "queued"),
        ((State.SUPERSEDED, State.ACCEPTED), True, "superseded"),
    ],
)
def test_a_row_counts_by_its_least_advanced_target(states: tuple[State | None, ...], live: bool, part: str) -> None:
    row = Whereabouts("his", "1", INSTITUTION, START, key="K", live=live, states=dict(zip(TARGETS, states, strict=True)))
    assert row.part == part
    assert replace(row, aside=AsideState.NOT_READY).part == "not_ready"


@given(st.lists(st.tuples(st.sampled_from([None, *AsideState]), st.booleans(), *[st.sampled_from([None, *State])] * 2)))
def test_every_state_a_row_can_be_in_is_in_exactly_one_part(rows: list[Any]) -> None:
    found = [
        Whereabouts("his", str(number), INSTITUTION, START, aside, "K", live=live, states=dict(zip(TARGETS, states, strict=True)))
        for number, (aside, live, *states) in enumerate(rows)
    ]
    counts = figures(len(found), found)
    statement = replace(said(0, version=1), figures=counts)
    assert statement.balanced
    assert balanced({name: str(count) for name, count in counts.items()})
    assert not replace(statement, figures=figures(len(found) + 1, found)).balanced, "one that is nowhere is missed"


def test_with_several_targets_the_digest_is_over_what_all_of_them_hold() -> None:
    def held(target: str, version: int, *, live: bool = True) -> Held:
        return Held(target, INSTITUTION, "K", version, "sha256:1", live)

    assert live_everywhere([held("bureau", 1), held("county", 1)], TARGETS) == [Entry("K", 1, "sha256:1")]
    assert live_everywhere([held("bureau", 2), held("county", 1)], TARGETS) == []
    assert live_everywhere([held("bureau", 1)], TARGETS) == []
    assert live_everywhere([held("bureau", 1, live=False)], ("bureau",)) == []
    assert live_everywhere([], ()) == []


#: what may happen to one of five rows
events = st.lists(
    st.tuples(
        st.integers(1, 5),
        st.sampled_from(["write", "spoil", "unfinish", "exclude", "void", "send", "reject", "lose", "county", "wait"]),
        st.integers(1, 3),
    ),
    max_size=14,
)
_STATES = {"unfinish": RowState.NOT_READY, "exclude": RowState.EXCLUDED, "void": RowState.VOID}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=events)
def test_the_account_adds_up_after_any_history(
    history: list[tuple[int, str, int]], tmp_path_factory: Any, edition: Edition
) -> None:
    clock = Clock()
    store = open_store(f"sqlite:///{tmp_path_factory.mktemp('store') / 'test.db'}", edition, START)
    desk, rows = Desk(store, edition, clock), dict[int, Any]()
    for number, what, count in history:
        clock.move(61)
        _happen(desk, rows, number, what, count)
        read = [row.ref for row in rows.values()]
        found = store.whereabouts("his", "RX01", read, TARGETS)
        assert sorted(each.ref for each in found) == sorted(read)
        assert sum(figures(len(read), found).values()) == 2 * len(read)
        for target, platform in desk.platforms.items():
            _held_there(desk, target, platform)
    store.close()


def _happen(desk: Desk, rows: dict[int, Any], number: int, what: str, count: int) -> None:
    platform = desk.platforms["bureau"]
    if what == "county":
        desk.send("county")
    elif what == "wait":
        desk.clock.move(3600)
    elif what in ("send", "reject", "lose"):
        platform.answer = {"send": None, "reject": _reject, "lose": _lose}[what]  # type: ignore[assignment]
        desk.send()
    else:
        state = {"row_state": _STATES[what], "row_reason": "本地说的"} if what in _STATES else {}
        rows[number] = here(number, cnt=None if what == "spoil" else Decimal(count), **state)
        desk.take_in(*rows.values())


def _reject(turn: int, bodies: Any) -> list[Result]:
    records = [orjson.loads(body) for body in bodies]
    return [Result(each["key"], int(each["version"]), Status.REJECTED, (Violation("cnt", "x", "不收"),)) for each in records]


def _lose(turn: int, bodies: Any) -> Exception:
    return OutcomeUnknownError("没有应答")


def _held_there(desk: Desk, target: str, platform: Platform) -> None:
    """What we take a platform to hold is what it holds, as far as it has told."""
    newest: dict[str, int] = {}
    for key, version in platform.held:
        newest[key] = max(version, newest.get(key, 0))
    assert {(key, version) for key, version, _ in desk.held(target)} == set(newest.items())


def test_what_was_stated_of_a_day_is_found_without_reading_what_was_stated_of_all_days(tmp_path: Path, edition: Edition) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'test.db'}", edition, START)
    asked: list[tuple[str, Any]] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        asked.append((statement, parameters))

    event.listen(store._engine, "before_cursor_execute", note)
    store.stated_looks("RX01", DAY)
    store.statements("RX01", DAY)
    store.statements_stand("RX01", DAY, [INSTITUTION], START)
    event.remove(store._engine, "before_cursor_execute", note)
    with store._engine.connect() as connection:
        plans = [
            str(connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all())
            for statement, parameters in asked
            if " manifest" in statement
        ]
    assert len(plans) == 3
    assert not [plan for plan in plans if "SCAN" in plan or "SEARCH" not in plan]
    store.close()
