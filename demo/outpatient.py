"""The outpatient department: prescriptions of one to three lines; examinations stand in the same table (RX01)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

from demo import catalogue
from demo.day import Day, entered, fate_at_once, withdrawal
from demo.dirt import Fate, pick
from demo.rows import Row, Version, text

_SATURDAY = 5
_ICD = ("I10.x00", "E11.900", "J06.900", "M54.500")
_WRONG = ("no_insurance_code", "no_catalogue_entry", "no_business_time")


def rows(day: Day) -> Iterator[Row]:
    """The prescriptions of this day; half as many at the weekend."""
    count = day.institution.volume.prescriptions
    if day.on.weekday() >= _SATURDAY:
        count //= 2
    for number in range(1, count + 1):
        yield from _prescription(day, number)


def _prescription(day: Day, number: int) -> Iterator[Row]:
    random = day.random(f"RX01|{number}")
    prescribed = day.at(8, 0) + timedelta(seconds=random.randint(0, 9 * 3600))
    patient = random.randint(1, catalogue.PATIENTS)
    for seq in range(1, random.randint(1, 3) + 1):
        values = _values(day, number, seq, patient, prescribed, random)
        yield from _line(day, values, prescribed, random)


def _values(day: Day, number: int, seq: int, patient: int, prescribed: datetime, random: Random) -> dict[str, Any]:
    return {
        "rx_no": f"CF{day.on:%Y%m%d}{number:04d}",
        "seq": seq,
        "patient_id": patient,
        "item_id": random.choice(catalogue.DRUGS),
        "quantity": str(random.randint(1, 6)),
        "prescribed_at": text(prescribed),
        "valid_to": (day.on + timedelta(days=2)).isoformat(),
        "doctor_no": random.choice(catalogue.DOCTORS),
        "icd": random.choice(_ICD),
    }


def _line(day: Day, values: dict[str, Any], prescribed: datetime, random: Random) -> Iterator[Row]:
    dirt = pick(random, "RX01")
    stored = entered(dirt, prescribed + timedelta(seconds=random.randint(1, 40)), random)
    fate = Fate.EXCLUDED if dirt == "other_business" else fate_at_once(dirt, *_WRONG)
    told = dirt if fate is not Fate.CLEAN or dirt in {"late_entry", "quantity_not_positive"} else ""
    versions = [Version(stored, {**values, **_spoilt(dirt)}, fate, told)]
    if dirt == "edited":
        versions.append(Version(stored + timedelta(hours=18), {"quantity": "7"}, Fate.CLEAN, dirt))
    versions += withdrawal(dirt, stored, random, "rx_state")
    yield Row(day.institution.database, "clinic_prescription", versions, "RX01")
    if dirt == "same_key_twice":
        again = Version(stored + timedelta(seconds=1), {**values, "quantity": "9"}, Fate.QUARANTINED, dirt)
        yield Row(day.institution.database, "clinic_prescription", [again], "RX01")


def _spoilt(dirt: str) -> dict[str, Any]:
    spoilt: dict[str, dict[str, Any]] = {
        "no_insurance_code": {"item_id": catalogue.UNCODED_ITEM},
        "no_catalogue_entry": {"item_id": catalogue.LOST_ITEM},
        "no_business_time": {"prescribed_at": None},
        "quantity_not_positive": {"quantity": "0"},
        "other_business": {"rx_kind": "exam"},
    }
    return spoilt.get(dirt, {})
