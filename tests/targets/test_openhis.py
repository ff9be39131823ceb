"""openHIS's own sample data: 37 prescription lines."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from schemas.wire import SHANGHAI

pytestmark = pytest.mark.targets


def test_seventeen_lines_are_clean_with_a_quantity_of_twenty_six(openhis: Any) -> None:
    clean = [row for row in openhis.rows("RX01") if not row.faults]
    assert len(clean) == 17
    assert sum(row.values["cnt"] for row in clean) == Decimal(26)


def test_twenty_lines_are_faulty_and_every_reason_is_told(openhis: Any) -> None:
    rows = openhis.rows("RX01")
    reasons = Counter(tuple(sorted((fault.field, fault.rule) for fault in row.faults)) for row in rows if row.faults)
    assert len(rows) == 37
    assert reasons == {
        (("med_list_codg", "required"),): 12,
        (("med_list_codg", "head"), ("rx_time", "required")): 8,
    }
    assert sum(fault.message.endswith("：无医保码") for row in rows for fault in row.faults) == 12


def test_the_drug_is_found_through_the_stock_not_by_a_look_alike_number(openhis: Any) -> None:
    """The line with medication_id 201 stands for definition 206, and both have the number MD00000001."""
    row = next(row for row in openhis.rows("RX01") if row.ref == "100019")
    assert row.values["med_list_name"] == "阿莫西林胶囊"
    assert row.values["medins_list_codg"] == "MD00000001"


def test_a_local_midnight_stored_as_utc_is_the_day_after(openhis: Any) -> None:
    row = next(row for row in openhis.rows("RX01") if row.ref == "4")
    assert row.values["rx_time"] == datetime(2025, 3, 20, tzinfo=SHANGHAI)
    assert row.entered_at == datetime(2025, 3, 20, tzinfo=SHANGHAI)


def test_nineteen_lines_carry_a_diagnosis(openhis: Any) -> None:
    assert sum("diag_codg" in row.values for row in openhis.rows("RX01")) == 19


def test_a_number_of_nineteen_digits_loses_none(openhis: Any) -> None:
    assert openhis.rows("RX01")[-1].ref == openhis.rows("RX01")[-1].values["line_no"] == "1906197560818851842"
