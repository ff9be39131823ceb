"""The dialysis unit: weekly orders, three shifts a day on fixed machines, sessions that run while we watch (HD01–HD03)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from demo import catalogue
from demo.day import Day, entered, fate_at_once, withdrawal
from demo.dirt import Fate, pick
from demo.rows import Row, Version, text

_SHIFTS = (("morning", 7, 20), ("afternoon", 12, 50), ("night", 20, 45))
_SUNDAY = 6
_LONG_NOTE = "患者诉不适（演示用超长文本）。" * 60


@dataclass(frozen=True, slots=True)
class _Seat:
    """One patient on one machine in one shift."""

    patient: int
    shift: int
    number: int

    def code(self, day: Day) -> str:
        """What plan and session numbers of the seat end with."""
        return f"{day.on:%Y%m%d}{self.shift + 1}{self.number:02d}"

    def begins(self, day: Day, random: Random) -> datetime:
        """When the patient is connected."""
        _, hour, minute = _SHIFTS[self.shift]
        return day.at(hour, minute) + timedelta(minutes=random.randint(0, 35), seconds=random.randint(0, 59))


def rows(day: Day) -> Iterator[Row]:
    """Everything the unit stores because of this day."""
    for patient in _patients(day, group=0) + _patients(day, group=1):
        if _orders_today(day, patient):
            yield from _orders(day, patient)
    for seat in _seats(day):
        yield from _treatment(day, seat)


def _patients(day: Day, group: int) -> list[int]:
    size = day.institution.volume.dialysis_seats * len(_SHIFTS)
    return list(range(1 + group * size, 1 + (group + 1) * size))


def _seats(day: Day) -> list[_Seat]:
    """Group 0 comes on Monday, Wednesday, Friday, group 1 on the other days; nobody on Sunday."""
    if day.on.weekday() == _SUNDAY:
        return []
    seats = day.institution.volume.dialysis_seats
    patients = _patients(day, day.on.weekday() % 2)
    return [_Seat(patient, index // seats, index % seats + 1) for index, patient in enumerate(patients)]


def _orders_today(day: Day, patient: int) -> bool:
    first = 0 if patient in _patients(day, 0) else 1
    return day.on.weekday() == first or (day.opening and first < day.on.weekday() < _SUNDAY)


def _order_no(day: Day, patient: int) -> str:
    return f"XT{day.on:%G%V}{patient:04d}"


def _orders(day: Day, patient: int) -> Iterator[Row]:
    """One order a week; every fourth patient has perfusion as a second line; templates stand in the same table."""
    random = day.random(f"HD01|{patient}")
    items = [catalogue.HEMODIAFILTRATION if patient % 3 == 0 else catalogue.HEMODIALYSIS]
    items += [catalogue.PERFUSION] * (patient % 4 == 0)
    ordered = day.at(6, 30) + timedelta(seconds=random.randint(0, 1800))
    for seq, item in enumerate(items, 1):
        dirt = pick(random, "HD01")
        values = _order_values(day, patient, seq, item, ordered)
        stored = ordered + timedelta(seconds=random.randint(2, 50))
        yield _order(day, values, dirt, stored, random)
        if dirt == "same_key_twice":
            again = Version(stored + timedelta(seconds=3), {**values, "times": 1}, Fate.QUARANTINED, dirt)
            yield Row(day.institution.database, "dialysis_order", [again], "HD01")


def _order_values(day: Day, patient: int, seq: int, item: int, ordered: datetime) -> dict[str, Any]:
    mode = {catalogue.HEMODIALYSIS: "hd", catalogue.HEMODIAFILTRATION: "hdf", catalogue.PERFUSION: "hp"}[item]
    return {
        "order_no": _order_no(day, patient),
        "seq": seq,
        "patient_id": patient,
        "item_id": item,
        "times": 1 if item == catalogue.PERFUSION else 3,
        "mode": mode,
        "per_week": 3,
        "plan_minutes": 240,
        "dry_weight": f"{50 + patient % 30}.5",
        "valid_from": day.on.isoformat(),
        "valid_to": (day.on + timedelta(days=6)).isoformat(),
        "ordered_at": text(ordered),
        "doctor_no": catalogue.DOCTORS[patient % 3],
    }


_SPOILT: dict[str, dict[str, Any]] = {
    "no_insurance_code": {"item_id": catalogue.UNCODED_ITEM},
    "no_business_time": {"ordered_at": None},
    "unknown_code": {"mode": "hfr"},
    "other_business": {"is_template": 1, "ordered_at": None},
}


def _order(day: Day, values: dict[str, Any], dirt: str, stored: datetime, random: Random) -> Row:
    fate = fate_at_once(dirt, "no_insurance_code", "no_business_time", "unknown_code")
    if dirt == "other_business":
        fate = Fate.EXCLUDED
    kept = "" if dirt in {"deleted", "cancelled", "same_key_twice"} else dirt
    first = Version(stored, {**values, **_SPOILT.get(dirt, {})}, fate, kept)
    return Row(day.institution.database, "dialysis_order", [first, *withdrawal(dirt, stored, random, "order_state")], "HD01")


def _treatment(day: Day, seat: _Seat) -> Iterator[Row]:
    """The plan, and the session if the patient came."""
    random = day.random(f"HD02|{seat.patient}")
    begins = seat.begins(day, random)
    plan, came = _plan(day, seat, begins, random)
    yield plan
    if came:
        yield _session(day, seat, begins)


def _plan(day: Day, seat: _Seat, begins: datetime, random: Random) -> tuple[Row, bool]:
    dirt = pick(random, "HD02")
    fate = fate_at_once(dirt, "unknown_code")
    values = {
        "plan_no": f"PB{seat.code(day)}",
        "plan_date": day.on.isoformat(),
        "shift": "early" if dirt == "unknown_code" else _SHIFTS[seat.shift][0],
        "patient_id": seat.patient,
        "bed": f"{seat.number:02d}床",
        "machine": f"M{seat.number:02d}",
        "order_no": _order_no(day, seat.patient),
    }
    versions = [Version(day.before(1, 16), values, fate, dirt if fate is Fate.QUARANTINED else "")]
    came = dirt not in {"deleted", "cancelled"} and random.random() > 0.04
    if came:
        versions.append(Version(begins, {"plan_state": "arrived"}, fate))
    elif dirt == "deleted":
        versions.append(Version(day.at(6), {"delete_flag": "1"}, Fate.VOID, dirt))
    elif dirt == "cancelled":
        versions.append(Version(day.at(6), {"plan_state": "cancelled"}, Fate.VOID, dirt))
    else:
        late = begins + timedelta(hours=1)
        versions.append(Version(late, {"plan_state": "absent", "absence_note": "患者请假（演示）"}, fate))
    return Row(day.institution.database, "dialysis_schedule", versions, "HD02"), came


def _session(day: Day, seat: _Seat, begins: datetime) -> Row:
    random = day.random(f"HD03|{seat.patient}")
    dirt = pick(random, "HD03")
    minutes = random.randint(215, 250)
    ends = begins + timedelta(minutes=minutes)
    opening = _opening_values(day, seat, begins, dirt)
    closing = _closing_values(ends, minutes, random, dirt)
    if dirt == "late_entry":
        versions = [Version(entered(dirt, ends, random), {**opening, **closing}, Fate.CLEAN, dirt)]
    else:
        started = begins + timedelta(seconds=40)
        versions = [Version(started, opening, Fate.NOT_READY, dirt if dirt == "never_ended" else "")]
        versions += _end(dirt, begins, ends, closing, random)
    return Row(day.institution.database, "dialysis_session", versions, "HD03")


def _end(dirt: str, begins: datetime, ends: datetime, closing: dict[str, Any], random: Random) -> list[Version]:
    """What happens to a running session: it ends, and sometimes is corrected or deleted the next day."""
    if dirt == "never_ended":
        return []
    stored = ends + timedelta(minutes=random.randint(1, 9))
    if dirt == "ended_late":
        stored += timedelta(days=1)
    told = dirt if dirt not in {"edited", "deleted", ""} else ""
    if not dirt and ends.date() != begins.date():
        told = "crosses_midnight"
    versions = [Version(stored, closing, fate_at_once(dirt, "weight_with_unit", "weight_unreadable", "too_long"), told)]
    if dirt == "edited":
        better = {"minutes": closing["minutes"] - 5, "weight_after": "61.1"}
        versions.append(Version(stored + timedelta(hours=14), better, Fate.CLEAN, dirt))
    return versions + withdrawal(dirt, stored, random, "session_state")


def _opening_values(day: Day, seat: _Seat, begins: datetime, dirt: str) -> dict[str, Any]:
    weight = f"{52 + seat.patient % 30}.{seat.number % 10}"
    return {
        "session_no": f"TX{seat.code(day)}",
        "plan_no": f"PB{seat.code(day)}",
        "order_no": _order_no(day, seat.patient),
        "patient_id": seat.patient,
        "session_date": begins.date().isoformat(),
        "on_clock": f"{begins:%H:%M}",
        "machine": f"M{seat.number:02d}",
        "item_id": catalogue.HEMODIAFILTRATION if seat.patient % 3 == 0 else catalogue.HEMODIALYSIS,
        "weight_before": f"{weight}kg" if dirt == "weight_with_unit" else weight,
        "dry_weight": f"{50 + seat.patient % 30}.5",
        "dialyzer": "演示透析器F15",
        "anticoagulant": "低分子肝素（演示）",
        "nurse_no": catalogue.NURSES[seat.number % len(catalogue.NURSES)],
    }


def _closing_values(ends: datetime, minutes: int, random: Random, dirt: str) -> dict[str, Any]:
    return {
        "off_clock": f"{ends:%H:%M}",
        "minutes": minutes,
        "weight_after": "未测" if dirt == "weight_unreadable" else f"{50 + random.randint(0, 25)}.{random.randint(0, 9)}",
        "uf_ml": random.randint(1200, 3200),
        "end_note": _LONG_NOTE if dirt == "too_long" else None,
        "session_state": "finished",
    }
