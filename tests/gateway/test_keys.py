"""Keys of every shape a site may have: told apart to the byte, as long as is legal, and set aside when longer."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.delivery import INSTITUTION, START, Clock, Rows, prescription

from gateway.intake import accept
from gateway.judging import Judge, kept_ref
from gateway.model import KEY_LENGTH, REF_LENGTH, SourceRow, Tally
from gateway.outbox import State
from gateway.standing import Route, Standing
from gateway.store import Store
from schemas import loader
from schemas.model import Edition, Violation

ROUTE = Route("his", "RX01", "bureau")


@pytest.fixture
def roomy(edition: Edition) -> Edition:
    """A regional edition whose key fields may be as long as they like."""
    dataset = edition.datasets["RX01"]
    node, *others = dataset.input
    fields = tuple(replace(each, length=1000) if each.name == "rx_id" else each for each in node.fields)
    common = tuple(replace(each, length=2000) if each.name == "key" else each for each in edition.common)
    return replace(
        edition,
        common=common,
        datasets={**edition.datasets, "RX01": replace(dataset, input=(replace(node, fields=fields), *others))},
    )


def take_in(store: Store, edition: Edition, clock: Clock, *rows: SourceRow) -> Tally:
    judge = Judge(edition, "RX01", store.rid)
    return accept(Rows(list(rows)), judge, store, targets=("bureau",), clock=clock, from_start=True)


def standing(store: Store) -> Standing:
    (found,) = store.standings([ROUTE])
    return found


def test_keys_and_rows_that_differ_only_by_case_or_accent_are_different(store: Store, edition: Edition, clock: Clock) -> None:
    names = ("rx-a1", "RX-A1", "rx-á1", "rx-Á1")
    rows = [prescription(number, rx_id=name, row_ref=f"id={name}") for number, name in enumerate(names, 1)]
    assert take_in(store, edition, clock, *rows) == Tally(read=4, queued=4)
    assert take_in(store, edition, clock, *rows) == Tally(read=4, unchanged=4)
    bad = [prescription(number, rx_id=name, row_ref=f"bad={name}", rx_time=None) for number, name in enumerate(names, 5)]
    assert take_in(store, edition, clock, *bad) == Tally(read=4, quarantined=4)
    assert store.ledger(INSTITUTION, "RX01", ["rx-a1|1"]).keys() == {"rx-a1|1"}
    assert standing(store).states == {State.QUEUED: 4}


def test_the_longest_legal_key_and_row_ref_are_kept(store: Store, roomy: Edition, clock: Clock) -> None:
    key = "𠮷" * (KEY_LENGTH - 2)  # four bytes each
    row = prescription(1, rx_id=key, row_ref="参" * REF_LENGTH)
    assert take_in(store, roomy, clock, row) == Tally(read=1, queued=1)
    assert take_in(store, roomy, clock, row) == Tally(read=1, unchanged=1)
    assert store.lease("bureau", START, START) is not None


def test_a_key_or_row_ref_that_is_too_long_is_set_aside_and_the_rest_go_on(store: Store, roomy: Edition, clock: Clock) -> None:
    rows = [
        prescription(1, rx_id="长" * KEY_LENGTH),
        prescription(2, row_ref="r" * REF_LENGTH + "1"),
        prescription(3, row_ref="r" * REF_LENGTH + "2"),
        prescription(4, row_ref="nul\0"),
        prescription(5, rx_id="nul\0"),
        prescription(6),
    ]
    assert take_in(store, roomy, clock, *rows) == Tally(read=6, quarantined=5, queued=1)
    assert take_in(store, roomy, clock, *rows) == Tally(read=6, quarantined=5, unchanged=1)
    reasons = {each.reason: each.rows for each in store.grievances()}
    told = sorted(rows for reason, rows in reasons.items() if "本地库存不下" in reason)
    assert told == [1, 3]  # a NUL in a field is told by the field
    assert standing(store).balanced


def test_a_row_with_more_reasons_than_a_text_column_holds_is_set_aside_whole(store: Store, edition: Edition, clock: Clock) -> None:
    faults = tuple(Violation(f"rows[{number}].cnt", "unreadable", "数量无法识别" * 10) for number in range(500))
    assert take_in(store, edition, clock, prescription(1, row_faults=faults)) == Tally(read=1, quarantined=1)


def test_a_ref_that_fits_is_kept_as_it_is_and_two_that_do_not_stay_two() -> None:
    assert kept_ref("x" * REF_LENGTH) == "x" * REF_LENGTH
    long, other = (kept_ref("x" * REF_LENGTH + tail) for tail in "12")
    assert long != other
    assert len(long) == len(other) == REF_LENGTH


def test_the_store_has_room_for_the_longest_key_the_reference_edition_allows() -> None:
    (key,) = (each for each in loader.reference().common if each.name == "key")
    assert key.length == KEY_LENGTH
