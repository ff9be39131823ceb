"""Invented records are what they claim to be: valid, or wrong in exactly one way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from schemas import fake, loader
from schemas.build import validator
from schemas.model import Edition, Field
from schemas.wire import SHANGHAI, decode_datetime

CODES = sorted(loader.reference().datasets)
#: 15 or 18 digits in a row, the last perhaps X
IDENTITY_NUMBER = re.compile(r"(?<!\d)(\d{15}|\d{17}[\dXx])(?!\d)")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _texts(inner)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("seed", [0, 1, 20260105])
def test_every_valid_record_is_valid(reference: Edition, code: str, seed: int) -> None:
    judge = validator(reference, code)
    for record in fake.valid(reference, code, seed, 50):
        assert judge.violations(record) == ()


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_every_single_fault_is_caught_by_exactly_its_rule(reference: Edition, code: str, seed: int) -> None:
    judge = validator(reference, code)
    for record, field, rule in fake.single_faults(reference, code, seed):
        assert [(found.field, found.rule) for found in judge.violations(record)] == [(field, rule)]


@pytest.mark.parametrize("code", CODES)
def test_every_promise_of_every_field_is_broken_once(reference: Edition, code: str) -> None:
    """What can be wrong is counted from the edition itself, so a fault that is no longer made is missed."""
    dataset = reference.datasets[code]
    expected = {
        (f"{path}{spec.name}", rule)
        for path, specs in [
            ("", (*reference.common, *dataset.fields)),
            *((f"{s.name}[0].", s.fields) for s in dataset.fields if s.fields),
        ]
        for spec in specs
        for rule in _promises(spec)
    }
    made = {(field, rule) for _, field, rule in fake.single_faults(reference, code, 1)}
    assert expected <= made
    assert {("key", "key"), ("content_hash", "content_hash"), ("no_such_field", "unknown")} <= made


def _promises(spec: Field) -> list[str]:
    rules = {
        "required": spec.required,
        "required_if": spec.required_if is not None,
        "length": spec.type == "C" and spec.length is not None,
        "precision": spec.type == "N",
        "code": spec.codes is not None,
        "type": True,
        "format": spec.type != "ROWS",
    }
    return [rule for rule, made in rules.items() if made]


@pytest.mark.parametrize("code", CODES)
def test_the_same_seed_gives_the_same_records(reference: Edition, code: str) -> None:
    assert list(fake.valid(reference, code, 7, 5)) == list(fake.valid(reference, code, 7, 5))
    assert list(fake.valid(reference, code, 7, 5)) != list(fake.valid(reference, code, 8, 5))


@pytest.mark.parametrize("code", CODES)
def test_records_of_one_call_have_different_keys(reference: Edition, code: str) -> None:
    assert len({record["key"] for record in fake.valid(reference, code, 1, 300)}) == 300


@pytest.mark.parametrize("code", CODES)
def test_business_times_lie_inside_the_period(reference: Edition, code: str) -> None:
    period = fake.Period(datetime(2026, 3, 1, tzinfo=SHANGHAI), datetime(2026, 3, 3, tzinfo=SHANGHAI))
    moments = [decode_datetime(each["occurred_at"]) for each in fake.valid(reference, code, 1, 50, period)]
    assert all(period.begin <= moment < period.end for moment in moments)
    assert len({moment.date() for moment in moments}) == 2


def test_a_session_ends_after_it_began_and_lasts_as_long_as_it_says(reference: Edition) -> None:
    for session in fake.valid(reference, "HD03", 1, 20):
        lasted = decode_datetime(session["end_time"]) - decode_datetime(session["begn_time"])
        assert lasted.total_seconds() == int(session["duration_min"]) * 60
        assert session["seen_at"] > session["end_time"]


def test_optional_fields_are_sometimes_there_and_sometimes_not(reference: Edition) -> None:
    there = [("dr_codg" in record) for record in fake.valid(reference, "HD01", 1, 50)]
    assert set(there) == {True, False}


def test_both_ways_of_paying_occur_and_only_insurance_has_a_settlement_id(reference: Edition) -> None:
    sales = list(fake.valid(reference, "3505", 1, 50))
    assert {sale["mdtrt_setl_type"] for sale in sales} == {"1", "2"}
    assert all(("setl_id" in sale) == (sale["mdtrt_setl_type"] == "1") for sale in sales)


@pytest.mark.parametrize("code", CODES)
def test_nothing_looks_like_a_person(reference: Edition, code: str) -> None:
    for record in fake.valid(reference, code, 1, 50):
        for name in ("psn_name", "dr_name", "phar_name", "prsc_dr_name"):
            assert record.get(name, "测试").startswith("测试")
        said = [text for name, text in record.items() if name != "content_hash"]
        assert not [text for text in _texts(said) if IDENTITY_NUMBER.search(text)]


def test_the_institution_can_be_chosen(reference: Edition) -> None:
    record = next(fake.valid(reference, "HD02", 1, 1, institution="P00000000002"))
    assert record["fixmedins_code"] == "P00000000002"
    assert validator(reference, "HD02").violations(record) == ()
