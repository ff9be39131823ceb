"""Small wire records for cross-record rules: what the rules read, no more; recognisably invented."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas import loader
from schemas.record import business_key

Row = tuple[str, dict[str, Any]]
INSTITUTION = "H00000000001"

_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "HD01": {
        "rx_id": "RX1",
        "line_no": "1",
        "patn_id": "P1",
        "med_list_codg": "ITEM1",
        "item_cnt": "2",
        "rx_begn_date": "2026-01-01",
        "rx_end_date": "2026-01-31",
        "rx_time": "2026-01-01 08:00:00",
    },
    "HD02": {"schd_id": "SC1", "schd_date": "2026-01-05", "shift": "1", "patn_id": "P1", "schd_stas": "2"},
    "HD03": {
        "sess_id": "S1",
        "schd_id": "SC1",
        "rx_id": "RX1",
        "patn_id": "P1",
        "machine_no": "M1",
        "med_list_codg": "ITEM1",
        "begn_time": "2026-01-05 08:00:00",
        "end_time": "2026-01-05 12:00:00",
        "duration_min": "240",
        "pre_weight_kg": "62",
        "post_weight_kg": "60",
    },
    "HD04A": {
        "stoin_id": "IN1",
        "line_no": "1",
        "item_codg": "C1",
        "lot_no": "L1",
        "expiry_date": "2027-01-01",
        "cnt": "10",
        "unit": "个",
        "stoin_time": "2026-02-03 09:00:00",
    },
    "HD04B": {
        "stoout_id": "OUT1",
        "line_no": "1",
        "item_codg": "C1",
        "lot_no": "L1",
        "cnt": "4",
        "unit": "个",
        "stoout_time": "2026-02-05 09:00:00",
        "sess_id": "S1",
        "stoout_type": "1",
    },
    "HD04C": {
        "month": "2026-02-28",
        "item_codg": "C1",
        "lot_no": "L1",
        "cnt": "11",
        "unit": "个",
        "stock_time": "2026-02-28 20:00:00",
    },
    "RH01": {
        "rx_id": "RX1",
        "line_no": "1",
        "patn_id": "P1",
        "med_list_codg": "ITEM1",
        "item_cnt": "2",
        "rx_end_date": "2026-01-31",
        "rx_time": "2026-01-01 08:00:00",
    },
    "RH02": {
        "treat_id": "T1",
        "rx_id": "RX1",
        "patn_id": "P1",
        "med_list_codg": "ITEM1",
        "begn_time": "2026-01-05 08:00:00",
        "end_time": "2026-01-05 08:30:00",
        "minutes": "30",
    },
    "RX01": {"rx_id": "RX1", "line_no": "1", "rx_time": "2026-01-05 08:00:00", "rx_end_date": "2026-01-08"},
    "IP01": {"adm_id": "A1", "patn_id": "P1", "adm_time": "2026-01-05 08:00:00"},
    "IP02": {"adm_id": "A1", "dscg_time": "2026-01-09 10:00:00"},
    "BI03": {"device_no": "D1", "event_id": "E1", "from": "2026-01-05 08:00:00", "to": "2026-01-05 10:00:00"},
    "BI04": {"event_id": "E1", "valid_from": "2026-01-05", "valid_until": "2026-12-31"},
    "PH01": {"check_id": "CH1", "rtal_docno": "R1"},
    "3501": {"fixmedins_bchno": "B1", "fixmedins_hilist_id": "G1", "manu_lotnum": "L1", "inv_cnt": "5", "invdate": "2026-01-01"},
    "3502": {
        "fixmedins_bchno": "B2",
        "fixmedins_hilist_id": "G1",
        "inv_chg_type": "103",
        "cnt": "1",
        "inv_chg_time": "2026-01-03 09:00:00",
    },
    "3503": {
        "fixmedins_bchno": "B3",
        "fixmedins_hilist_id": "G1",
        "manu_lotnum": "L1",
        "manu_date": "2025-06-01",
        "expy_end": "2027-06-01",
        "purc_retn_cnt": "10",
        "purc_retn_stoin_time": "2026-01-02 09:00:00",
    },
    "3504": {
        "fixmedins_bchno": "B4",
        "fixmedins_hilist_id": "G1",
        "purc_retn_cnt": "1",
        "purc_retn_stoin_time": "2026-01-04 09:00:00",
    },
    "3505": {
        "fixmedins_bchno": "B5",
        "fixmedins_hilist_id": "G1",
        "manu_lotnum": "L1",
        "manu_date": "2025-06-01",
        "expy_end": "2027-06-01",
        "sel_retn_cnt": "1",
        "finl_trns_pric": "9.9",
        "sel_retn_time": "2026-01-05 10:00:00",
        "rtal_docno": "R1",
        "mdtrt_sn": "V1",
        "trdn_flag": "0",
        "mdtrt_setl_type": "1",
        "drugtracinfo": [{"drug_trac_codg": "TRACE1"}],
    },
    "3506": {
        "fixmedins_bchno": "B6",
        "fixmedins_hilist_id": "G1",
        "manu_lotnum": "L1",
        "sel_retn_cnt": "1",
        "sel_retn_time": "2026-01-06 10:00:00",
        "drugtracinfo": [{"drug_trac_codg": "TRACE1"}],
    },
}


def row(code: str, **changes: Any) -> Row:
    """One record of the data set, changed as the test says (None removes a field), with the key of the changed content."""
    content = {"fixmedins_code": INSTITUTION, "version": "1", "vali_flag": "1", **_DEFAULTS[code], **changes}
    content = {name: value for name, value in content.items() if value is not None}
    content.setdefault("key", business_key(loader.reference().datasets[code], content))
    return code, content


def sold(bchno: str, count: str, **changes: Any) -> Row:
    """A sale of that many."""
    return row("3505", fixmedins_bchno=bchno, sel_retn_cnt=count, **changes)


def session(number: int, begin: str, end: str, **changes: Any) -> Row:
    """A dialysis session between two clock times, `MM-DD HH:MM` of 2026."""
    return row("HD03", sess_id=f"S{number}", begn_time=f"2026-{begin}:00", end_time=f"2026-{end}:00", **changes)
