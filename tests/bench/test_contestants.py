"""The contestants of the mapping benchmark do the same work: the same verdict and the same values of every row, right or wrong."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import orjson
import pytest

from bench import sessions
from bench.contestants import CONTESTANTS
from schemas import wire

#: those whose figures decide, and those that go on to the record; marshmallow's own fields know fewer rules
MAPPED = ("straw", "hand", "compiled")
RECORDED = ("judge", "whole")
SPECS = {spec.name: spec for spec in sessions.FIELDS}
ROWS = [row for page in sessions.pages(2_000, 500, 0.3) for row in page]
CLOCK = timedelta(hours=8)
#: one column set to each of these in some twenty rows; whether it is refused is for the contestants to say, and to agree on
CHANGES: dict[str, tuple[Any, ...]] = {
    "session_no": ("", "  ", None, "S" * 64, "S" * 65, " S1 ", 'S"1', "S\\1", "S\x00", "S\x1f", "\ud800", "测试"),
    "plan_no": ("", "  ", None, "P" * 65, " P1 ", "\u3000"),
    "order_no": ("", "R" * 65, "R\x07"),
    "card_no": (None, "C" * 65),
    "insured_no": ("", "N" * 31, "N" * 30),
    "session_date": (
        date(1900, 1, 1),
        date(1899, 12, 31),
        date(2199, 12, 30),
        date(2200, 1, 1),
        date(202, 1, 5),
        date(2024, 2, 29),
    ),
    "shift": ("evening", "", None),
    "mode": ("crrt", ""),
    "machine": (" ", "M" * 30, "M" * 31, None),
    "on_clock": (timedelta(0), timedelta(hours=23, minutes=59, seconds=59)),
    "minutes": (0, 1, 99_999, 100_000, -1, None),
    "yb_no": ("T" * 50, "T" * 51, None),
    "weight_before": (None, *map(Decimal, ("0", "0.00", "-0.00", "-61.50", "9999.99", "10000", "61.505", "61.50000", "NaN"))),
    "weight_after": (None, *map(Decimal, ("0.01", "-10000", "60", "60.0"))),
    "uf_ml": (None, *map(Decimal, ("1234567.8", "12345678", "1000", "1000.05", "0.1"))),
    "dialyzer": ("", "D" * 100, "D" * 101, "\t"),
    "nurse": ("", "护" * 50, "护" * 51),
    "ended_early": ("y", "Y", None),
    "end_note": ("", "N" * 200, "N" * 201, None),
}
CASES = [(column, value) for column, values in CHANGES.items() for value in values]


def values(content: dict[str, str] | None) -> dict[str, Any] | None:
    """What the texts of a content mean: the straw man leaves the zeros after the point."""
    return None if content is None else {name: wire.decode(SPECS[name], text) for name, text in content.items() if text}


@pytest.fixture(scope="module")
def judges() -> dict[str, Any]:
    return {name: CONTESTANTS[name][1]() for name in (*MAPPED, *RECORDED)}


def agreed(judges: dict[str, Any], row: dict[str, Any]) -> dict[str, Any] | None:
    """The values on which all agree, None for a refused row."""
    found = {name: values(judges[name](row)) for name in MAPPED}
    assert found["straw"] == found["hand"] == found["compiled"], row
    return found["compiled"]


def test_they_agree_on_the_rows_that_are_measured_and_on_faulty_ones(judges: dict[str, Any]) -> None:
    found = [agreed(judges, row) for row in ROWS]
    assert 400 < found.count(None) < 800


@pytest.mark.parametrize(("column", "value"), CASES)
def test_they_agree_on_every_rule(judges: dict[str, Any], column: str, value: Any) -> None:
    for row in ROWS[:30]:
        agreed(judges, {**row, column: value})


def test_the_cases_hold_right_values_and_wrong_ones_of_nearly_every_column(judges: dict[str, Any]) -> None:
    """Else the test above would show little."""
    sound = next(row for row in ROWS if agreed(judges, row) and row["ended_early"] == "y")
    refused = {column for column, value in CASES if agreed(judges, {**sound, column: value}) is None}
    taken = {column for column, value in CASES if agreed(judges, {**sound, column: value}) is not None}
    assert refused == CHANGES.keys() - {"on_clock"}
    assert taken >= CHANGES.keys() - {"card_no", "shift", "mode"}


@pytest.mark.parametrize("clock", [CLOCK, CLOCK - timedelta(seconds=1), CLOCK + timedelta(seconds=1)])
def test_they_agree_on_an_end_before_at_and_after_the_start(judges: dict[str, Any], clock: timedelta) -> None:
    row = {**_sound(judges), "session_date": date(2026, 12, 31), "on_clock": CLOCK, "off_clock": clock}
    found = agreed(judges, row)
    assert found is not None
    assert found["end_time"] - found["begn_time"] == (clock - CLOCK) % timedelta(days=1)


@pytest.mark.parametrize(
    "changes", [{"machine": "NULL"}, {"dialyzer": "null"}, {"mode": "HDF"}, {"session_date": None}, {"on_clock": None}]
)
def test_the_two_fast_ones_agree_where_the_straw_man_knows_no_answer(judges: dict[str, Any], changes: dict[str, Any]) -> None:
    """It takes NULL for a name, the bureau's code for a local one, and a missing day stops it: it does less, so it is faster."""
    row = {**_sound(judges), **changes}
    assert values(judges["hand"](row)) == values(judges["compiled"](row))


def test_a_whole_record_carries_the_same_content(judges: dict[str, Any]) -> None:
    for row in ROWS[:300]:
        content, body, record = (judges[name](row) for name in ("compiled", "whole", "judge"))
        if "crrt" in row.values() or content is None:
            assert body is None and record is None
            continue
        made = orjson.loads(body)
        assert content.items() <= made.items() and content.items() <= record.items()
        assert made.pop("rid") and made == {name: value for name, value in record.items() if name != "rid"}


def _sound(judges: dict[str, Any]) -> dict[str, Any]:
    return next(row for row in ROWS if agreed(judges, row))
