"""The dialysis room: totals, sums and every sample of dialysis-room.expected.json."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, text

from gateway.model import RowState
from schemas.wire import SHANGHAI

pytestmark = pytest.mark.targets
EXPECTED = Path(__file__).parents[3] / "shared" / "targets" / "dialysis-room.expected.json"
SHIFTS = {"morning": "1", "afternoon": "2", "evening": "3"}


@pytest.fixture(scope="session")
def expected(dialysis_room: Any) -> dict[str, Any]:
    """Depends on the database, which skips where the targets are absent."""
    found: dict[str, Any] = json.loads(EXPECTED.read_text(encoding="utf-8"))["data_sets"]
    return found


def moment(wall_clock: str) -> datetime:
    return datetime.fromisoformat(wall_clock).replace(tzinfo=SHANGHAI)


def clean(rows: list[Any]) -> list[Any]:
    return [row for row in rows if row.state is RowState.READY and not row.faults]


def test_schedules_are_counted_by_state_and_day(dialysis_room: Any, expected: dict[str, Any]) -> None:
    rows, right = dialysis_room.rows("HD02"), expected["dialysis_schedule"]
    assert Counter(row.state for row in rows) == {RowState.READY: right["valid"], RowState.VOID: right["void"]}
    assert len(rows) == right["total"] == len(clean(rows)) + right["void"]
    assert Counter(row.values["schd_date"].isoformat() for row in clean(rows)) == right["valid_by_day"]


def test_every_sample_of_schedules_is_right(dialysis_room: Any, expected: dict[str, Any]) -> None:
    found = {row.ref: row.values for row in dialysis_room.rows("HD02")}
    for sample in expected["dialysis_schedule"]["samples"]:
        values = found[sample["key"]]
        assert values["schd_id"] == sample["key"]
        assert values["patn_id"] == sample["patient_id"]
        assert values["schd_date"].isoformat() == sample["time"]
        assert values["shift"] == SHIFTS[sample["shift"]]
        assert values["machine_no"] == sample["machine"]


def test_treatments_are_counted_by_state_reason_and_day(dialysis_room: Any, expected: dict[str, Any]) -> None:
    rows, right = dialysis_room.rows("HD03"), expected["dialysis_treatment"]
    faulty = [row for row in rows if row.faults]
    assert (len(rows), len(clean(rows)), len(faulty)) == (right["total"], right["valid"], right["rejected"])
    assert sum(row.state is RowState.NOT_READY for row in rows) == right["pending"]
    assert [(fault.field, fault.rule) for fault in faulty[0].faults] == [("begn_time", "required")]
    assert Counter(row.values["begn_time"].date().isoformat() for row in clean(rows)) == right["valid_by_day"]


def test_the_sums_of_the_valid_treatments_are_right(dialysis_room: Any, expected: dict[str, Any]) -> None:
    sums = expected["dialysis_treatment"]["sums"]
    names = {
        "duration_min": "duration_min",
        "uf_volume_ml": "uf_ml",
        "pre_weight_kg": "pre_weight",
        "post_weight_kg": "post_weight",
    }
    rows = clean(dialysis_room.rows("HD03"))
    for field, name in names.items():
        assert sum(row.values.get(field, 0) for row in rows) == Decimal(str(sums[name])), field


def test_two_sessions_end_on_the_next_day_and_none_before_it_began(dialysis_room: Any) -> None:
    rows = clean(dialysis_room.rows("HD03"))
    assert sum(row.values["end_time"].date() > row.values["begn_time"].date() for row in rows) == 2
    assert all(row.values["end_time"] > row.values["begn_time"] for row in rows)


def test_a_duration_that_was_not_kept_is_the_end_less_the_start(dialysis_room: Any) -> None:
    with create_engine(dialysis_room.url, poolclass=NullPool).connect() as connection:
        unkept = set(
            connection.execute(text("SELECT CAST(id AS text) FROM dialysis_records WHERE actual_duration IS NULL")).scalars()
        )
    rows = [row for row in clean(dialysis_room.rows("HD03")) if row.ref in unkept]
    assert rows
    for row in rows:
        assert row.values["duration_min"] == (row.values["end_time"] - row.values["begn_time"]).total_seconds() / 60


def test_every_sample_of_treatments_is_right(dialysis_room: Any, expected: dict[str, Any]) -> None:
    found = {row.ref: row.values for row in dialysis_room.rows("HD03")}
    for sample in expected["dialysis_treatment"]["samples"]:
        values = found[sample["key"]]
        assert values["patn_id"] == sample["patient_id"]
        assert values["dialysis_no"] == sample["patient_no"]
        assert values["machine_no"] == sample["machine"]
        assert values["begn_time"] == moment(sample["time"])
        assert values["end_time"] == moment(sample["end_time"])
        for field, name in (("duration_min", "duration_min"), ("pre_weight_kg", "pre_weight"), ("post_weight_kg", "post_weight")):
            assert values[field] == Decimal(str(sample[name]))
        assert values["uf_volume_ml"] == Decimal(str(sample["uf_ml"]))


def test_cipher_text_never_becomes_an_identifier(dialysis_room: Any) -> None:
    for dataset in ("HD02", "HD03"):
        assert not any({"psn_no", "certno"} & row.values.keys() for row in dialysis_room.rows(dataset))


def test_without_the_declared_item_code_every_treatment_says_so(dialysis_room: Any) -> None:
    rows = dialysis_room.rows("HD03", declared=False)
    assert clean(rows) == []
    told = [fault.message for row in rows for fault in row.faults if fault.field == "med_list_codg"]
    assert set(told) == {"医疗目录编码（med_list_codg）：站点尚未提供目录对照表，站点尚未声明 dialysis_item_codg"}
    assert len(told) == 78
