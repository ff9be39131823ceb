"""Rows of two data sets of which one names the other: a schedule and its session."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from gateway.model import Cursor, SourceRow
from support.delivery import INSTITUTION, START

ON = START - timedelta(days=1)


def schedule(number: int, *, cursor: int | None = None, **changes: Any) -> SourceRow:
    """HD02, the parent."""
    values = {"schd_id": f"S{number}", "schd_date": ON.date(), "shift": "1", "patn_id": "P1", "schd_stas": "2", **changes}
    return SourceRow(f"s={number}", Cursor(None, cursor or number), INSTITUTION, values)


def session(number: int, *, cursor: int | None = None, **changes: Any) -> SourceRow:
    """HD03, the child of schedule `number`."""
    values = {
        "sess_id": f"D{number}",
        "schd_id": f"S{number}",
        "patn_id": "P1",
        "dialysis_no": "1",
        "machine_no": "M1",
        "begn_time": ON,
        "end_time": ON + timedelta(hours=4),
        "duration_min": Decimal(240),
        "med_list_codg": "XA00AAA000A000010000001",
        **changes,
    }
    given = {name: value for name, value in values.items() if value is not None}
    return SourceRow(f"d={number}", Cursor(None, cursor or number), INSTITUTION, given)
