"""The rehabilitation department: a course of ten days per order, one treatment a day (RH01, RH02)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

from demo import catalogue
from demo.day import Day, entered, fate_at_once, withdrawal
from demo.dirt import Fate, pick
from demo.rows import Row, Version, text

_COURSE = 10
_FIRST_PATIENT = 61  #: after the dialysis patients
_SUNDAY = 6
_KINDS = {201: "PT", 202: "OT", 203: "EL", 204: "IR", 205: "ST"}
_PARTS = ("腰部", "颈部", "左膝", "右肩", "双下肢")
_LONG_PART = "左侧肢体（演示用超长部位描述）" * 40


def rows(day: Day) -> Iterator[Row]:
    """Everything the department stores because of this day."""
    for index in range(day.institution.volume.rehabilitation_patients):
        patient = _FIRST_PATIENT + index
        if day.opening or (day.on.toordinal() - patient) % _COURSE == 0:
            yield from _orders(day, patient)
        random = day.random(f"RH02|{patient}")
        if day.on.weekday() != _SUNDAY and random.random() < 0.85:
            yield _treatment(day, patient, random)


def _order_no(day: Day, patient: int) -> str:
    return f"KF{patient:04d}{(day.on.toordinal() - patient) // _COURSE:06d}"


def _therapy(patient: int, seq: int) -> int:
    return catalogue.THERAPIES[(patient + seq) % len(catalogue.THERAPIES)]


def _orders(day: Day, patient: int) -> Iterator[Row]:
    random = day.random(f"RH01|{patient}")
    ordered = day.at(8, 0) + timedelta(seconds=random.randint(0, 9000))
    for seq in range(1, 2 + patient % 2 + 1):
        dirt = pick(random, "RH01")
        values = _order_values(day, patient, seq, ordered, dirt)
        stored = ordered + timedelta(seconds=random.randint(2, 50))
        fate = fate_at_once(dirt, "no_insurance_code", "no_business_time")
        first = Version(stored, values, fate, dirt if fate is Fate.QUARANTINED else "")
        versions = [first, *withdrawal(dirt, stored, random, "order_state")]
        yield Row(day.institution.database, "rehab_order", versions, "RH01")
        if dirt == "same_key_twice":
            again = Version(stored + timedelta(seconds=2), {**values, "times": 1}, Fate.QUARANTINED, dirt)
            yield Row(day.institution.database, "rehab_order", [again], "RH01")


def _order_values(day: Day, patient: int, seq: int, ordered: datetime, dirt: str) -> dict[str, Any]:
    return {
        "order_no": _order_no(day, patient),
        "seq": seq,
        "patient_id": patient,
        "item_id": catalogue.UNCODED_ITEM if dirt == "no_insurance_code" else _therapy(patient, seq),
        "times": _COURSE,
        "part": _PARTS[patient % len(_PARTS)],
        "plan_minutes": 30,
        "valid_from": day.on.isoformat(),
        "valid_to": (day.on + timedelta(days=_COURSE - 1)).isoformat(),
        "ordered_at": None if dirt == "no_business_time" else text(ordered),
        "doctor_no": catalogue.DOCTORS[3 + patient % 3],
    }


def _treatment(day: Day, patient: int, random: Random) -> Row:
    dirt = pick(random, "RH02")
    begins = day.at(8, 10) + timedelta(seconds=random.randint(0, 8 * 3600))
    minutes = random.choice((20, 25, 30, 40))
    ends = begins + timedelta(minutes=minutes)
    fate = fate_at_once(dirt, "no_catalogue_entry", "unknown_code", "too_long")
    opening = _opening_values(day, patient, begins, dirt)
    closing = {"finished_at": text(ends), "minutes": minutes, "treat_state": "confirmed"}
    if dirt == "late_entry":
        versions = [Version(entered(dirt, ends, random), {**opening, **closing}, Fate.CLEAN, dirt)]
    else:
        versions = [Version(begins, opening, Fate.NOT_READY, dirt if dirt == "never_ended" else "")]
    if dirt not in {"late_entry", "never_ended"}:
        versions.append(Version(ends, closing, fate, dirt if fate is Fate.QUARANTINED else ""))
    if dirt == "edited":
        versions.append(Version(ends + timedelta(hours=20), {"minutes": minutes + 5}, Fate.CLEAN, dirt))
    versions += withdrawal(dirt, ends, random, "treat_state")
    return Row(day.institution.database, "rehab_treatment", versions, "RH02")


def _opening_values(day: Day, patient: int, begins: datetime, dirt: str) -> dict[str, Any]:
    item = _therapy(patient, day.on.toordinal() % 2)
    return {
        "treat_no": f"ZL{day.on:%Y%m%d}{patient:04d}",
        "order_no": _order_no(day, patient),
        "patient_id": patient,
        "item_id": catalogue.LOST_ITEM if dirt == "no_catalogue_entry" else item,
        "kind": "XX" if dirt == "unknown_code" else _KINDS[item],
        "started_at": text(begins),
        "part": _LONG_PART if dirt == "too_long" else _PARTS[patient % len(_PARTS)],
        "therapist_no": catalogue.THERAPISTS[patient % len(catalogue.THERAPISTS)],
    }
