"""A hospital's own rehabilitation system: texts for days in two notations, details in JSON, two kinds of patient numbers."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from gateway.model import RowState
from schemas import loader, wire
from schemas.build import validator
from schemas.wire import SHANGHAI

pytestmark = pytest.mark.targets


def test_twenty_four_of_thirty_treatments_are_done_and_valid(rehab: Any) -> None:
    edition = loader.reference()
    rows = rehab.rows("RH02")
    assert len(rows) == 30
    ready = [row for row in rows if row.state is RowState.READY]
    assert len(ready) == 24
    for row in ready:
        content = wire.encode_record(edition.datasets["RH02"].fields, row.values)
        assert row.faults == () and validator(edition, "RH02").content_violations(content) == ()


def test_both_notations_of_a_day_are_read(rehab: Any) -> None:
    with_slash = {row.ref: row for row in rehab.rows("RH02")}
    assert with_slash["168"].values["begn_time"] == datetime(2026, 10, 2, 8, 30, tzinfo=SHANGHAI)  # 2026/10/02 8:30
    assert with_slash["170"].values["begn_time"] == datetime(2026, 10, 4, 8, 30, tzinfo=SHANGHAI)  # 2026-10-04 08:30
    assert len({row.values["begn_time"].date() for row in with_slash.values()}) > 5


def test_what_is_in_json_and_in_two_columns_arrives(rehab: Any) -> None:
    rows = {row.ref: row.values for row in rehab.rows("RH02")}
    assert rows["168"]["minutes"] == Decimal(60)
    assert (rows["168"]["patn_id"], rows["169"]["patn_id"]) == ("3-700001", "1-M700002")


def test_a_window_finds_days_in_both_notations(rehab: Any) -> None:
    source, everything = rehab.sources()["RH02"], rehab.rows("RH02")
    start, end = datetime(2026, 10, 4, tzinfo=SHANGHAI), datetime(2026, 10, 6, tzinfo=SHANGHAI)
    expected = {row.ref for row in everything if start <= row.values["begn_time"] < end}
    found = {row.ref for page in source.window(start, end, 3) for row in page.rows}
    assert found == expected and len(found) > 3


def test_a_campus_that_the_site_has_not_named_is_reported_for_nobody(rehab: Any) -> None:
    one = replace(rehab, institution_codes={"32": rehab.institution_codes["32"]})
    astray = Counter(fault.message for row in one.rows("RH02") for fault in row.faults)
    assert list(astray) == ["本行的机构编号（fixmedins_code）是 12，不是本来源所配置的 H41000000001，不能替它报送"]


def test_a_treatment_without_its_register_is_quarantined_with_that_reason(own: Any) -> None:
    site = own("rehab")
    assert site.execute("UPDATE hbot_treatment_record SET register_id = 'GONE' WHERE id = 168") == 1
    row = next(row for row in site.rows("RH02") if row.ref == "168")
    assert [(fault.field, fault.message.partition("）")[2]) for fault in row.faults] == [
        ("patn_id", "为空：登记表中查不到这张登记单")
    ]
