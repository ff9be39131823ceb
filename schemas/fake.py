"""Invented records of an edition: valid ones, and one for each single fault. The same seed gives the same records.

Every name says that it is a test, no number has the shape of an 身份证; nothing here comes from a person.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from schemas import wire
from schemas.faults import faults
from schemas.model import Dataset, Edition, Field, FieldType
from schemas.record import business_key, content_hash

#: what a date or time is relative to the record's business time; anything else is at that time
_DAYS = {"rx_end_date": 30, "manu_date": -200, "expy_end": 500}
_MINUTES = {"end_time": 240, "use_time": 30}
#: plausible (least, most) of the numbers; anything else is a small count
_RANGES = {
    "duration_min": (240, 240),  # as end_time
    "minutes": (240, 240),
    "plan_duration_min": (180, 240),
    "plan_minutes": (20, 60),
    "pre_weight_kg": (60, 80),
    "post_weight_kg": (50, 59),
    "dry_weight_kg": (50, 59),
    "uf_volume_ml": (1000, 4000),
    "freq_week": (2, 3),
}
_NAMES = {"psn_name": "测试患者", "patn_name": "测试患者", "dr_name": "测试医师", "phar_name": "测试药师"}


@dataclass(frozen=True, slots=True)
class Period:
    """The business times of invented records: from `begin` on, before `end`. Both aware."""

    begin: datetime
    end: datetime


JANUARY = Period(datetime(2026, 1, 1, tzinfo=wire.SHANGHAI), datetime(2026, 2, 1, tzinfo=wire.SHANGHAI))
INSTITUTION = "H00000000001"


def valid(
    edition: Edition, code: str, seed: int, count: int, period: Period = JANUARY, institution: str = INSTITUTION
) -> Iterator[dict[str, Any]]:
    """`count` wire records that the edition accepts, with different keys. Optional fields are sometimes left out."""
    dataset = edition.datasets[code]
    chance = random.Random(f"{code} {seed}")  # noqa: S311 - test data, not a secret
    for number in range(1, count + 1):
        maker = _Maker(edition, chance, number, _moment(chance, period))
        content = _sparse(dataset.fields, maker.row(dataset.fields), chance)
        yield _complete(edition, dataset, content, maker.moment, institution)


def single_faults(edition: Edition, code: str, seed: int) -> Iterator[tuple[dict[str, Any], str, str]]:
    """(record, path of the faulty field, rule it breaks), one for each way in which each field can be wrong."""
    dataset = edition.datasets[code]
    chance = random.Random(f"{code} {seed}")  # noqa: S311 - test data, not a secret
    maker = _Maker(edition, chance, 1, _moment(chance, JANUARY))
    content = maker.row(dataset.fields, _demands(dataset.fields))
    yield from faults(edition, dataset, _complete(edition, dataset, content, maker.moment, INSTITUTION))


class _Maker:
    """Makes the values of one record around one moment."""

    def __init__(self, edition: Edition, chance: random.Random, number: int, moment: datetime) -> None:
        self.edition, self.chance, self.number, self.moment = edition, chance, number, moment

    def row(self, specs: tuple[Field, ...], settled: Mapping[str, str] = MappingProxyType({})) -> dict[str, Any]:
        """Every field in wire form; a conditional one only when its condition holds. `settled` values are taken as given."""
        made = {spec.name: wire.encode(spec, self._value(spec)) for spec in specs} | dict(settled)
        return {spec.name: made[spec.name] for spec in specs if not spec.required_if or _asked(spec, made)}

    def _value(self, spec: Field) -> Any:
        match spec.type:
            case FieldType.TEXT:
                return self._text(spec)
            case FieldType.NUMBER:
                return self._number(spec)
            case FieldType.DATE:
                return self._at(spec.name).date()
            case FieldType.DATETIME:
                return self._at(spec.name)
            case FieldType.ROWS:
                return [self._child(spec.fields, index) for index in range(self.chance.randint(1, 3))]

    def _child(self, specs: tuple[Field, ...], index: int) -> dict[str, Any]:
        maker = _Maker(self.edition, self.chance, self.number * 10 + index, self.moment)
        return {spec.name: maker._value(spec) for spec in specs}

    def _at(self, name: str) -> datetime:
        return self.moment + timedelta(days=_DAYS.get(name, 0), minutes=_MINUTES.get(name, 0))

    def _text(self, spec: Field) -> str:
        if spec.codes:
            return self.chance.choice(list(self.edition.codes[spec.codes].values))
        if spec.name.endswith("_name"):
            text = f"{_NAMES.get(spec.name, '测试' + spec.label)}{self.number:04d}"
        else:
            text = f"TEST-{self.number:06d}-{spec.name}"
        return text[: spec.length]

    def _number(self, spec: Field) -> Decimal:
        least, most = _RANGES.get(spec.name, (1, 9))
        places = min(spec.scale, 2) if least < most else 0
        return Decimal(self.chance.randint(least * 10**places, most * 10**places)).scaleb(-places)


def _moment(chance: random.Random, period: Period) -> datetime:
    seconds = int((period.end - period.begin).total_seconds())
    return period.begin + timedelta(seconds=chance.randrange(seconds))


def _demands(specs: tuple[Field, ...]) -> dict[str, str]:
    """Values under which every conditional field is required."""
    return {spec.required_if.field: spec.required_if.values[0] for spec in specs if spec.required_if}


def _asked(spec: Field, made: Mapping[str, Any]) -> bool:
    return spec.required_if is not None and made.get(spec.required_if.field) in spec.required_if.values


def _sparse(specs: tuple[Field, ...], content: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """Leave out an optional field one time in five, as sites do."""
    optional = {spec.name for spec in specs if not spec.required and not spec.required_if}
    return {name: value for name, value in content.items() if name not in optional or chance.random() >= 0.2}


def _complete(edition: Edition, dataset: Dataset, content: dict[str, Any], moment: datetime, institution: str) -> dict[str, Any]:
    """The content with the common fields, as a gateway would send it."""
    occurred = moment
    if dataset.field(dataset.occurred).type is FieldType.DATE:
        occurred = datetime.combine(moment.date(), time(), wire.SHANGHAI)
    stored = max((wire.decode_datetime(content[spec.name]) for spec in _times(dataset, content)), default=moment)
    record = {
        **content,
        "fixmedins_code": institution,
        "key": business_key(dataset, content),
        "version": "1",
        "vali_flag": "1",
        "edition": edition.id,
        "occurred_at": wire.encode_datetime(occurred),
        "entered_at": wire.encode_datetime(stored + timedelta(minutes=1)),
        "seen_at": wire.encode_datetime(stored + timedelta(minutes=2)),
        "rid": "test-installation",
    }
    record["content_hash"] = content_hash(dataset, record)
    return record


def _times(dataset: Dataset, content: Mapping[str, Any]) -> list[Field]:
    return [spec for spec in dataset.fields if spec.type is FieldType.DATETIME and spec.name in content]
