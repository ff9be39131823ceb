"""The same mapping and the same validation for everybody who has none of his own: a dict comprehension, then the edition's schema.

The schema is the authority's own marshmallow class, so nobody is slower or faster here for checking something else.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from schemas import build, overlay

_EDITION = overlay.load(Path(__file__).parents[1] / "site" / "bench.yaml")
_FIELDS = _EDITION.datasets["BENCH"].fields
_COLUMNS = {
    "sess_id": "session_no",
    "schd_id": "plan_no",
    "rx_id": "order_no",
    "patn_id": "card_no",
    "psn_no": "insured_no",
    "schd_date": "session_date",
    "shift": "shift",
    "dialysis_mode": "mode",
    "machine_no": "machine",
    "duration_min": "minutes",
    "med_list_codg": "yb_no",
    "pre_weight_kg": "weight_before",
    "post_weight_kg": "weight_after",
    "uf_volume_ml": "uf_ml",
    "dialyzer": "dialyzer",
    "nurse_name": "nurse",
    "early_end_flag": "ended_early",
    "early_end_reason": "end_note",
}
_CODES = {
    "shift": {"morning": "1", "afternoon": "2", "night": "3"},
    "dialysis_mode": {"hd": "HD", "hdf": "HDF", "hp": "HP"},
    "early_end_flag": {"n": "0", "y": "1"},
}

schema = build.schema_class(_EDITION, _FIELDS, "bench")()


def _take(name: str) -> Callable[[dict[str, Any]], str | None]:
    """How one field is read: as plainly as a mapping can be written."""
    if name == "begn_time":
        return lambda row: f"{row['session_date']} {str(row['on_clock']).zfill(8)}"
    if name == "end_time":
        return lambda row: (
            f"{row['session_date'] + timedelta(days=row['off_clock'] < row['on_clock'])} {str(row['off_clock']).zfill(8)}"
        )
    column = _COLUMNS[name]
    if name in _CODES:
        codes = _CODES[name]
        return lambda row: codes.get(row[column], row[column])
    return lambda row: None if row[column] is None else str(row[column]).strip()


_TAKES = {spec.name: _take(spec.name) for spec in _FIELDS}


def mapped(row: dict[str, Any]) -> dict[str, str]:
    """A row of the hospital as the edition's fields; what it does not have is left out."""
    return {name: text for name, take in _TAKES.items() if (text := take(row)) is not None}
