"""The dialysis room: totals, sums and every sample of dialysis-room.expected.json."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import datetime, time
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
    assert set(told) == {"医疗目录编码（med_list_codg）：站点尚未提供按 modality 查的目录对照表，站点尚未声明 dialysis_item_codg"}
    assert len(told) == 78


def test_the_drugs_given_stand_below_their_session(dialysis_room: Any, expected: dict[str, Any]) -> None:
    """One was given at no known time: it is a line all the same. What was skipped was not given."""
    rows = dialysis_room.rows("HD03")
    lines = [line for row in rows for line in row.values.get("drugs") or ()]
    right = expected["dialysis_drug"]
    assert len(lines) == right["valid"] + right["rejects"]["no_time"] == right["total"] - right["other"]
    assert Counter(line["use_time"].date().isoformat() for line in lines if "use_time" in line) == right["valid_by_day"]
    assert len(clean(rows)) == expected["dialysis_treatment"]["valid"]
    for sample in right["samples"]:
        (row,) = (row for row in rows if row.ref == sample["treatment_id"])
        same = [line for line in row.values["drugs"] if line.get("use_time") == moment(sample["time"])]
        assert [(line["drug_name"], str(line["dose"]), line["unit"]) for line in same] == [
            (sample["item_name"], sample["dose_text"], sample["unit"])
        ]


def test_the_real_dose_wins_over_the_ordered_one(dialysis_room: Any) -> None:
    doses = Counter(line["dose"] for row in dialysis_room.rows("HD03") for line in row.values.get("drugs") or ())
    assert doses[Decimal(500)] == 1


def test_without_the_catalogue_of_drugs_none_is_read_and_sessions_stay_clean(dialysis_room: Any) -> None:
    site = replace(dialysis_room, catalogues={})
    rows = site.rows("HD03")
    assert not [row for row in rows if "drugs" in row.values]
    assert len(clean(rows)) == 77


def test_consumables_handed_out_are_counted_and_add_up(dialysis_room: Any, expected: dict[str, Any]) -> None:
    rows, right = dialysis_room.rows("HD04B"), expected["consumable_out"]
    assert len(rows) == len(clean(rows)) == right["total"]
    assert sum(row.values["cnt"] for row in rows) == right["sums"]["quantity"]
    found = {row.ref: row.values for row in rows}
    for sample in right["samples"]:
        values = found[sample["key"]]
        asked = ("sess_id", "item_codg", "item_name", "unit", "lot_no")
        told = ("treatment_id", "item_code", "item_name", "unit", "batch")
        assert [values[name] for name in asked] == [sample[name] for name in told]


def test_an_hour_that_the_site_has_not_declared_is_not_invented(dialysis_room: Any) -> None:
    site = replace(dialysis_room, constants={})
    told = {fault.message for row in site.rows("HD04B") for fault in row.faults}
    assert told == {"出库时间（stoout_time）：站点尚未声明 stoout_time_is（entered 之一）"}


def test_the_stock_is_what_is_left_today(dialysis_room: Any, expected: dict[str, Any]) -> None:
    rows, right = dialysis_room.rows("HD04C"), expected["consumable_stock"]
    assert len(clean(rows)) == right["total"]
    assert sum(row.values["cnt"] for row in rows) == right["sums"]["quantity"]
    assert {row.values["month"] for row in rows} == {datetime.now(SHANGHAI).date().replace(day=1)}
    assert all(row.values["stock_time"] >= datetime.combine(row.values["month"], time(), SHANGHAI) for row in rows)
    assert {row.ref for row in rows} == {row.ref for row in dialysis_room.rows("HD04C")}


def test_one_of_ten_patients_has_no_diagnosis_and_no_cipher_text_is_sent(dialysis_room: Any, expected: dict[str, Any]) -> None:
    rows, right = dialysis_room.rows("HD05"), expected["medical_record"]
    assert (len(rows), len(clean(rows))) == (right["total"], right["valid"])
    (astray,) = (row for row in rows if row.faults)
    assert {fault.field for fault in astray.faults} == {"diag_codg", "diag_name", "dialysis_plan"}
    assert not [row for row in rows if "v1:" in repr(dict(row.values))]
    assert Counter(row.values["survival_stas"] for row in rows) == {"1": 8, "4": 1, "5": 1}
