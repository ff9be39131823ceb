"""What a programmer would write for this one data set if speed were all he was asked for: the measure of what is possible.

It obeys the same rules as the edition, refuses without a reason, and is wrong as soon as the edition changes.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

_FLAGS = {"n": "0", "y": "1"}
_SHIFTS = {"morning": "1", "afternoon": "2", "night": "3"}
_MODES = {"hd": "HD", "hdf": "HDF", "hp": "HP"}
_WEIGHT = re.compile(r"-?[0-9]{1,4}(?:\.[0-9]{1,2})?").fullmatch
_VOLUME = re.compile(r"-?[0-9]{1,7}(?:\.[0-9])?").fullmatch
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]").search
_DAY = timedelta(days=1)
_MINUTES = [f" {hour:02}:{minute:02}" for hour in range(24) for minute in range(60)]
_SECONDS = [f":{second:02}" for second in range(60)]


class _Days(dict[date, str]):
    """Days as text, remembered; "" for a year that cannot be meant."""

    def __missing__(self, day: date) -> str:
        text = self[day] = day.isoformat() if 1900 <= day.year < 2200 else ""
        return text


_DAYS = _Days()


def content(row: dict[str, Any]) -> dict[str, str] | None:  # noqa: C901 - one straight procedure is the point
    """The wire content of a row, or None if a rule is broken."""
    day, begin, end = row["session_date"], row["on_clock"], row["off_clock"]
    shift, mode, flag = _SHIFTS.get(row["shift"]), _MODES.get(row["mode"]), _FLAGS.get(row["ended_early"])
    sess_id, patn_id, machine_no = _text(row["session_no"]), _text(row["card_no"]), _text(row["machine"])
    med_list_codg, nurse_name, minutes = _text(row["yb_no"]), _text(row["nurse"]), row["minutes"]
    if not (sess_id and patn_id and machine_no and med_list_codg and nurse_name and shift and mode and flag and minutes):
        return None
    if len(sess_id) > 64 or len(patn_id) > 64 or len(machine_no) > 30 or len(med_list_codg) > 50 or len(nurse_name) > 50:
        return None
    if day is None or begin is None or end is None or not 1 <= minutes <= 99999:
        return None
    schd_id, rx_id, psn_no = _text(row["plan_no"]), _text(row["order_no"]), _text(row["insured_no"])
    dialyzer, reason = _text(row["dialyzer"]), _text(row["end_note"])
    if len(schd_id) > 64 or len(rx_id) > 64 or len(psn_no) > 30 or len(dialyzer) > 100 or len(reason) > 200:
        return None
    if flag == "1" and not reason:
        return None
    texts = f"{sess_id}{patn_id}{machine_no}{med_list_codg}{nurse_name}{schd_id}{rx_id}{psn_no}{dialyzer}{reason}"
    if not texts.isprintable() and _CONTROL(texts):
        return None
    today, last = _DAYS[day], _DAYS[day + _DAY if end < begin else day]
    if not today or not last:
        return None
    record = {
        "sess_id": sess_id,
        "patn_id": patn_id,
        "schd_date": today,
        "shift": shift,
        "dialysis_mode": mode,
        "machine_no": machine_no,
        "begn_time": today + _clock(begin),
        "end_time": last + _clock(end),
        "duration_min": str(minutes),
        "med_list_codg": med_list_codg,
        "nurse_name": nurse_name,
        "early_end_flag": flag,
    }
    if schd_id:
        record["schd_id"] = schd_id
    if rx_id:
        record["rx_id"] = rx_id
    if psn_no:
        record["psn_no"] = psn_no
    if dialyzer:
        record["dialyzer"] = dialyzer
    if reason:
        record["early_end_reason"] = reason
    for name, column, fits in _NUMBERS:
        value = row[column]
        if value is not None:
            text = str(value)
            if "." in text:
                text = text.rstrip("0").rstrip(".")
            if not fits(text):
                return None
            record[name] = text
    return record


def _text(value: str | None) -> str:
    if value is None:
        return ""
    text = value.strip()
    return "" if text.upper() == "NULL" else text


def _clock(value: timedelta) -> str:
    seconds = value.seconds
    return _MINUTES[seconds // 60] + _SECONDS[seconds % 60]


_NUMBERS = (
    ("pre_weight_kg", "weight_before", _WEIGHT),
    ("post_weight_kg", "weight_after", _WEIGHT),
    ("uf_volume_ml", "uf_ml", _VOLUME),
)
