"""Invented records of an edition: valid ones, and one for each single fault. The same seed gives the same records.

Every name says that it is a test, no number has the shape of an 身份证; nothing here comes from a person.
Records that are uploaded are made whole (`valid`, `single_faults`), nodes of called transactions as they stand in the
message (`contents`, `node_faults`).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from math import prod
from typing import Any

from schemas import wire
from schemas.faults import content_faults, faults
from schemas.model import Dataset, Edition, Field, FieldType, Node
from schemas.record import business_key, content_hash

#: what a date or time is relative to the record's business time; anything else is at that time
_DAYS = {
    "rx_end_date": 30,
    "manu_date": -200,
    "expy_end": 500,
    "expiry_date": 500,
    "valid_until": 365,
    "endtime": 365,
    "first_dialysis_date": -900,
    "psn_insu_date": -3000,
    "brdy": -20_000,
}
_MINUTES = {"end_time": 240, "use_time": 30, "to": 120, "setl_time": 10, "oldest_unsent": -30, "last_event_time": -5}
_MONTH = "month"  #: a business month is written as its first day
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
    "age": (54, 54),  # as brdy
    "face_score": (60, 99),
    "score": (60, 99),
    "selfpay_prop": (0, 1),
    "pool_prop_selfpay": (0, 1),
    "pric": (5, 80),
    "accepted": (50, 200),
    "disk_free_mb": (10_000, 90_000),
}
#: a number that is the sum of its neighbours, in this order (DATASETS §7; money as in interface facts §3.6)
_SUMS = {
    "fund_pay_sumamt": ("hifp_pay", "cvlserv_pay", "hifes_pay", "hifmi_pay", "hifob_pay", "maf_pay", "oth_pay"),
    "psn_part_amt": ("acct_pay", "acct_mulaid_pay", "psn_cash_pay"),
    "medfee_sumamt": ("fund_pay_sumamt", "psn_part_amt", "hosp_part_amt"),
    "read": (
        *("excluded", "not_ready", "quarantined", "unchanged", "queued", "leased", "sending"),
        *("unknown", "held", "accepted", "rejected", "superseded"),
    ),
}
_PRODUCTS = dict.fromkeys(("amt", "sumamt", "det_item_fee_sumamt"), ("cnt", "pric"))
_SINGLE = frozenset({"agent"})  #: child arrays of one row at most
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
    """`count` wire records that the edition accepts, with different keys. Optional fields are sometimes left out.

    A monthly record counts from the first of its month, which a period that begins later does not hold.
    ValueError for a transaction that is called: it has no records.
    """
    dataset = _uploaded(edition, code)
    chance = random.Random(f"{code} {seed}")  # noqa: S311 - test data, not a secret
    for number in range(1, count + 1):
        maker = _Maker(edition, chance, number, _moment(chance, period))
        content = _sparse(dataset.fields, maker.row(dataset.fields), chance)
        yield _complete(edition, dataset, content, maker.moment, institution)


def single_faults(edition: Edition, code: str, seed: int) -> Iterator[tuple[dict[str, Any], str, str]]:
    """(record, path of the faulty field, rule it breaks), one for each way in which each field can be wrong."""
    dataset = _uploaded(edition, code)
    maker, content = _full(edition, dataset.fields, f"{code} {seed}")
    yield from faults(edition, dataset, _complete(edition, dataset, content, maker.moment, INSTITUTION))


def contents(edition: Edition, node: Node, seed: int, count: int, period: Period = JANUARY) -> Iterator[dict[str, Any]]:
    """`count` rows that the node may hold, in wire form, without the common fields."""
    chance = random.Random(f"{node.name} {seed}")  # noqa: S311 - test data, not a secret
    for number in range(1, count + 1):
        maker = _Maker(edition, chance, number, _moment(chance, period))
        yield _sparse(node.fields, maker.row(node.fields), chance)


def node_faults(edition: Edition, node: Node, seed: int) -> Iterator[tuple[dict[str, Any], str, str]]:
    """As `single_faults`, of one row of a node."""
    _, content = _full(edition, node.fields, f"{node.name} {seed}")
    yield from content_faults(edition, node.fields, content)


def _uploaded(edition: Edition, code: str) -> Dataset:
    dataset = edition.datasets[code]
    if not dataset.uploaded:
        raise ValueError(f"{code} is called, not uploaded: see contents() and node_faults()")
    return dataset


def _full(edition: Edition, specs: tuple[Field, ...], seed: str) -> tuple[_Maker, dict[str, Any]]:
    """A row that holds every field, the conditional ones too, and who made it."""
    chance = random.Random(seed)  # noqa: S311 - test data, not a secret
    maker = _Maker(edition, chance, 1, _moment(chance, JANUARY))
    return maker, maker.row(specs, demanding=True)


class _Maker:
    """Makes the values of one record around one moment."""

    def __init__(self, edition: Edition, chance: random.Random, number: int, moment: datetime) -> None:
        self.edition, self.chance, self.number, self.moment = edition, chance, number, moment

    def row(self, specs: tuple[Field, ...], *, demanding: bool = False) -> dict[str, Any]:
        """Every field in wire form; a conditional one only when its condition holds, which `demanding` sees to."""
        return wire.encode_record(specs, self._values(specs, demanding))

    def _values(self, specs: tuple[Field, ...], demanding: bool) -> dict[str, Any]:
        made = {spec.name: self._value(spec, demanding) for spec in specs}
        if demanding:
            made |= _demands(specs)
        _reckon(specs, made)
        return {spec.name: made[spec.name] for spec in specs if not spec.required_if or _asked(spec, made)}

    def _value(self, spec: Field, demanding: bool) -> Any:
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
                rows = self.chance.randint(1, 1 if spec.name in _SINGLE else 3)
                return [self._child(spec.fields, index, demanding) for index in range(rows)]

    def _child(self, specs: tuple[Field, ...], index: int, demanding: bool) -> dict[str, Any]:
        maker = _Maker(self.edition, self.chance, self.number * 10 + index, self.moment)
        return maker._values(specs, demanding)

    def _at(self, name: str) -> datetime:
        if name == _MONTH:
            return self.moment.replace(day=1)
        return self.moment + timedelta(days=_DAYS.get(name, 0), minutes=_MINUTES.get(name, 0))

    def _text(self, spec: Field) -> str:
        if spec.codes:
            codes = self.edition.codes[spec.codes].values
            return self.chance.choice([code for code in codes if len(code) <= (spec.length or len(code))])
        if spec.name.endswith("_name"):
            text = f"{_NAMES.get(spec.name, '测试' + spec.label)}{self.number:04d}"
        else:
            text = f"TEST-{self.number:06d}-{spec.name}"
        return text[: spec.length]

    def _number(self, spec: Field) -> Decimal:
        least, most = _RANGES.get(spec.name, (1, 9))
        places = min(spec.scale, 2) if least < most else 0
        return Decimal(self.chance.randint(least * 10**places, most * 10**places)).scaleb(-places)


def _reckon(specs: tuple[Field, ...], made: dict[str, Any]) -> None:
    """Replace what follows from its neighbours, as far as they are there."""
    for spec in specs:
        factors = [made[part] for part in _PRODUCTS.get(spec.name, ()) if part in made]
        if len(factors) > 1:
            made[spec.name] = _rounded(spec, prod(factors, start=Decimal(1)))
    numbers = {spec.name: spec for spec in specs if spec.name in _SUMS}
    for name in _SUMS:
        parts = [made[part] for part in _SUMS[name] if part in made]
        if name in numbers and parts:
            made[name] = _rounded(numbers[name], sum(parts, start=Decimal(0)))


def _rounded(spec: Field, number: Decimal) -> Decimal:
    return number.quantize(Decimal(1).scaleb(-spec.scale), ROUND_HALF_UP)


def _moment(chance: random.Random, period: Period) -> datetime:
    seconds = int((period.end - period.begin).total_seconds())
    return period.begin + timedelta(seconds=chance.randrange(seconds))


def _demands(specs: tuple[Field, ...]) -> dict[str, str]:
    """Values under which every conditional field is required."""
    return {spec.required_if.field: spec.required_if.values[0] for spec in specs if spec.required_if}


def _asked(spec: Field, made: Mapping[str, Any]) -> bool:
    return spec.required_if is not None and made.get(spec.required_if.field) in spec.required_if.values


def _sparse(specs: tuple[Field, ...], content: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """Leave out an optional field one time in five, as sites do; not one by which another is asked for."""
    asking = {spec.required_if.field for spec in specs if spec.required_if}
    optional = {spec.name for spec in specs if not spec.required and not spec.required_if} - asking
    return {name: value for name, value in content.items() if name not in optional or chance.random() >= 0.2}


def _complete(edition: Edition, dataset: Dataset, content: dict[str, Any], moment: datetime, institution: str) -> dict[str, Any]:
    """The content with the common fields, as a gateway would send it."""
    occurred = wire.decode(dataset.field(dataset.occurred), content[dataset.occurred])
    if not isinstance(occurred, datetime):
        occurred = datetime.combine(occurred, time(), wire.SHANGHAI)
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
