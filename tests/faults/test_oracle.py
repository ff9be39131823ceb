"""The oracle is not blind: each of its zeros is made to fail, by the smallest case and by breaking the product on purpose."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain, islice, repeat
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select
from support import line as lines
from support.line import TARGET, Line, real_time
from support.oracle import GONE, judge
from support.proxy import Fault

from adapters.databases.sql import SqlSource
from gateway import config as configuration
from gateway import outbox, sorting, uploading
from gateway.model import Intake, LedgerEntry
from gateway.outbox import Answered, Item, Outcome, Step, Unanswered
from gateway.store import Store, tables, voids
from gateway.tiers import Tier
from gateway.wiring import opened
from schemas.envelope import Result, Status

ONE, TWO = {"cnt": "1"}, {"cnt": "2"}


def test_a_row_the_receiver_has_not_got_is_missing() -> None:
    assert judge({"a": ONE, "b": ONE}, {"a": [ONE], "b": [ONE]}, {"a": [ONE]}).missing == ("b",)


def test_a_row_the_platform_refused_with_a_persons_knowledge_is_not_missing() -> None:
    assert judge({"a": ONE}, {"a": [ONE]}, {}, frozenset({"a"})).zeros == (0, 0, 0)


@pytest.mark.parametrize(
    ("said", "held", "beyond"),
    [
        ([ONE, TWO], [ONE, TWO], 0),
        ([ONE, TWO], [TWO], 0),  # superseded before it was sent
        ([ONE, TWO, ONE], [ONE, TWO, ONE], 0),
        ([ONE], [ONE, ONE], 1),
        ([ONE, TWO], [TWO, ONE], 1),
        ([], [ONE], 1),  # a row the source never had
        ([ONE, GONE, TWO], [ONE, GONE, TWO], 0),
        ([ONE, GONE], [ONE, GONE, GONE], 1),
        ([ONE], [ONE, GONE, ONE], 2),  # taken off and put back: both are heard of
    ],
)
def test_a_version_the_source_never_said_is_a_duplicate_effect(said: list[Any], held: list[Any], beyond: int) -> None:
    assert len(judge({}, {"a": said}, {"a": held}).duplicate) == beyond


def test_an_older_content_as_the_newest_version_is_wrong() -> None:
    assert judge({"a": TWO}, {"a": [ONE, TWO]}, {"a": [ONE]}).wrong == ("a",)


def test_a_content_the_source_does_not_have_is_wrong_even_of_a_row_that_went_bad() -> None:
    assert judge({}, {"a": [ONE]}, {"a": [TWO]}).wrong == ("a",)


@pytest.mark.parametrize(
    ("source", "said", "held", "zeros"),
    [
        ({}, [ONE, GONE], [ONE, GONE], (0, 0, 0)),
        ({}, [ONE, GONE], [ONE], (0, 0, 1)),  # a deleted row lives on
        ({}, [GONE], [], (0, 0, 0)),  # deleted before it was ever sent
        ({"a": ONE}, [ONE], [ONE, GONE], (1, 1, 0)),  # a live row was withdrawn
        ({"a": TWO}, [ONE, GONE, TWO], [ONE, GONE], (1, 0, 0)),
        ({}, [ONE], [ONE], (0, 0, 0)),  # went bad: as it last was
        ({}, [ONE], [ONE, GONE], (0, 1, 1)),  # went bad, and was taken for gone
    ],
)
def test_a_row_that_is_gone_must_be_withdrawn_and_a_live_one_never(
    source: dict[str, Any], said: list[Any], held: list[Any], zeros: tuple[int, int, int]
) -> None:
    assert judge(source, {"a": said}, {"a": held} if held else {}).zeros == zeros


@pytest.mark.requirement("J-099")
def test_sabotage_an_unknown_outcome_taken_for_an_acceptance_is_missing(
    room: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hopeful(item: Item, outcome: Outcome, now: datetime) -> Step:
        if isinstance(outcome, Unanswered):
            outcome = Answered(Result(item.key, item.version, Status.ACCEPTED))
        return outbox.next_step(item, outcome, now)

    monkeypatch.setattr(uploading, "next_step", hopeful)
    with lines.build(room / "line", seed, draw=chain(repeat(Fault.REQUEST_CUT, 1), repeat(Fault.NONE)).__next__) as line:
        line.source.insert(20)
        line.settle()
        missing, duplicate, wrong = line.verdict().zeros
    assert (missing, duplicate, wrong) == (8, 0, 0)


@pytest.mark.requirement("J-099")
def test_sabotage_a_ledger_that_does_not_know_what_it_sent_is_a_duplicate_effect(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = Store.ledger

    def forgetful(self: Store, institution: str, dataset: str, keys: Collection[str]) -> Mapping[str, LedgerEntry]:
        found = honest(self, institution, dataset, keys)
        return {key: replace(entry, content_hash="") for key, entry in found.items()}

    line.source.insert(20)
    line.settle()
    monkeypatch.setattr(Store, "ledger", forgetful)
    with opened(configuration.load(line.config), real_time) as working:
        working.read(working.feeds[0], from_start=True)
    line.settle()
    assert line.verdict().zeros == (0, 20, 0)


@pytest.mark.requirement("J-099")
def test_sabotage_a_ledger_that_compares_keys_only_is_a_wrong_version(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = sorting._Desk.take

    def blind(self: Any, each: Any) -> None:
        entry = self.known.get((each.row.institution, each.key))
        if entry and each.record:
            each = replace(each, record={**each.record, "content_hash": entry.content_hash})
        honest(self, each)

    line.source.insert(20)
    line.settle()
    line.source.edit(6)
    monkeypatch.setattr(sorting._Desk, "take", blind)
    line.settle()
    assert line.verdict().zeros == (0, 0, 6)


@pytest.mark.requirement("J-099")
def test_sabotage_a_cursor_that_moves_before_its_rows_are_stored_is_missing(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = Store.accept

    def hasty(self: Store, page: Intake) -> None:
        honest(self, replace(page, parcels=page.parcels[1:]))

    monkeypatch.setattr(Store, "accept", hasty)
    line.source.insert(14)
    line.settle()
    assert line.verdict().zeros == (2, 0, 0)


@pytest.mark.requirement("J-099")
def test_sabotage_without_the_lease_token_a_late_answer_undoes_a_delivery(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that slept through its lease comes back with a refusal; by then another has the rows and delivered them."""
    line.source.insert(8)
    late = slept_through_its_lease(line)
    line.settle()
    come_back(line, late)
    assert line.rejected() == 0
    monkeypatch.setattr(Store, "apply", without_the_token(Store.apply))
    come_back(line, late)
    assert line.rejected() == 8


@pytest.mark.requirement("J-099")
def test_sabotage_half_a_look_taken_for_a_whole_one_withdraws_live_rows(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """The window breaks off after two pages and nobody notices, and nothing that is looked up is found: two guards are off."""
    whole = SqlSource.window
    line.source.insert(20)
    line.settle()
    monkeypatch.setattr(SqlSource, "window", lambda *span: islice(whole(*span), 2))
    monkeypatch.setattr(SqlSource, "lookup", lambda *_: ())
    line.look(Tier.WARM, times=2)
    with opened(configuration.load(line.config), real_time) as working:
        working.send(TARGET)  # the next poll would already bring some of them back
    assert line.verdict().zeros == (4, 4, 0)  # of twenty, two are old, and fourteen were on the pages


@pytest.mark.requirement("J-099")
def test_sabotage_an_absence_that_nobody_counts_leaves_deleted_rows_alive(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    line.source.insert(20)
    line.settle()
    line.source.delete(3)
    monkeypatch.setattr(Store, "note_missing", lambda *_: None)
    line.close_the_books()
    assert line.verdict().zeros == (0, 0, 3)


@pytest.mark.requirement("J-099")
def test_sabotage_a_withdrawal_that_is_entered_but_never_sent_leaves_deleted_rows_alive(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    line.source.insert(20)
    line.settle()
    line.source.void(3)
    monkeypatch.setattr(voids, "_owed", lambda connection, each, targets: voids._Owed((), tuple(targets)))
    line.close_the_books()
    assert line.verdict().zeros == (0, 0, 3)


def slept_through_its_lease(line: Line) -> list[Step]:
    """What the sleeper will want to write."""
    with opened(configuration.load(line.config), real_time) as working:
        working.read(working.feeds[0])
        now = real_time()
        batch = working.store.lease(TARGET, now, now)
        assert batch is not None
        assert working.store.mark_sending(batch, now)
        refusals = (Answered(Result(item.key, item.version, Status.REJECTED)) for item in batch.items)
        return [outbox.next_step(item, refusal, now) for item, refusal in zip(batch.items, refusals, strict=True)]


def come_back(line: Line, late: Sequence[Step]) -> None:
    with opened(configuration.load(line.config), real_time) as working:
        working.store.apply(late, real_time())


def without_the_token(
    honest: Callable[[Store, Sequence[Step], datetime], None],
) -> Callable[[Store, Sequence[Step], datetime], None]:
    """Compare-and-set that compares with whatever it finds."""

    def as_found(connection: Connection, step: Step) -> Step:
        query = select(tables.outbox.c.state, tables.outbox.c.lease_token).where(tables.outbox.c.id == step.item.id)
        state, token = connection.execute(query).one()
        return replace(step, item=replace(step.item, state=outbox.State(state), token=token))

    def unguarded(store: Store, steps: Sequence[Step], now: datetime) -> None:
        with store._engine.connect() as connection:
            found = [as_found(connection, step) for step in steps]
        honest(store, found, now)

    return unguarded
