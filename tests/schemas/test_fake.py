"""Invented records are what they claim to be: valid, or wrong in exactly one way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from schemas import fake, loader
from schemas.build import node_violations, validator
from schemas.model import Edition, Field, FieldType, Node, Severity
from schemas.wire import SHANGHAI, decode_datetime

CODES = sorted(code for code, dataset in loader.reference().datasets.items() if dataset.uploaded)
#: input and output nodes of the transactions that are called
NODES = [
    pytest.param(node, id=f"{dataset.code}-{node.name}")
    for dataset in loader.reference().datasets.values()
    if not dataset.uploaded
    for node in (*dataset.input, *dataset.output)
]
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


@pytest.mark.parametrize("node", NODES)
@pytest.mark.parametrize("seed", [0, 1])
def test_every_row_of_a_call_is_valid(reference: Edition, node: Node, seed: int) -> None:
    rows = list(fake.contents(reference, node, seed, 20))
    assert len(rows) == 20
    assert [node_violations(reference, node, row) for row in rows] == [()] * 20


@pytest.mark.parametrize("node", NODES)
@pytest.mark.parametrize("seed", [0, 1])
def test_every_single_fault_of_a_call_is_caught_by_exactly_its_rule(reference: Edition, node: Node, seed: int) -> None:
    for row, field, rule in fake.node_faults(reference, node, seed):
        assert [(found.field, found.rule) for found in node_violations(reference, node, row)] == [(field, rule)]


def test_a_length_that_is_only_told_does_not_stop_a_call(reference: Edition) -> None:
    node = reference.datasets["3101"].input[0]
    path = "patient_dtos[0].fsi_encounter_dtos[0].fsi_order_dtos[0].hilist_code"
    (row,) = (row for row, field, rule in fake.node_faults(reference, node, 1) if (field, rule) == (path, "length"))
    assert [found.severity for found in node_violations(reference, node, row)] == [Severity.WARN]


@pytest.mark.parametrize("code", CODES)
def test_every_promise_of_every_field_is_broken_once(reference: Edition, code: str) -> None:
    """What can be wrong is counted from the edition itself, so a fault that is no longer made is missed."""
    made = {(field, rule) for _, field, rule in fake.single_faults(reference, code, 1)}
    assert _expected((*reference.common, *reference.datasets[code].fields)) <= made
    assert {("key", "key"), ("content_hash", "content_hash"), ("no_such_field", "unknown")} <= made


@pytest.mark.parametrize("node", NODES)
def test_every_promise_of_every_field_of_a_call_is_broken_once(reference: Edition, node: Node) -> None:
    made = {(field, rule) for _, field, rule in fake.node_faults(reference, node, 1)}
    assert {*_expected(node.fields), ("no_such_field", "unknown")} <= made


def _expected(specs: tuple[Field, ...], path: str = "") -> set[tuple[str, str]]:
    own = {(f"{path}{spec.name}", rule) for spec in specs for rule in _promises(spec)}
    return own.union(*(_expected(spec.fields, f"{path}{spec.name}[0].") for spec in specs))


def _promises(spec: Field) -> list[str]:
    rules = {
        "required": spec.required,
        "required_if": spec.required_if is not None,
        "length": spec.type is FieldType.TEXT and spec.length_severity is Severity.ERROR,
        "precision": spec.type is FieldType.NUMBER,
        "least": spec.least is not None,
        "code": spec.codes is not None,
        "type": True,
        "format": spec.type is not FieldType.ROWS,
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
    monthly = reference.cadences[reference.datasets[code].cadence].day_of_next_month
    assert len({moment.date() for moment in moments}) == (1 if monthly and reference.datasets[code].occurred == "month" else 2)


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


@pytest.mark.parametrize("node", NODES)
def test_nothing_in_a_call_looks_like_a_person(reference: Edition, node: Node) -> None:
    for row in fake.contents(reference, node, 1, 20):
        assert not [text for text in _texts(row) if IDENTITY_NUMBER.search(text)]


def test_a_daily_list_adds_up(reference: Edition) -> None:
    parts = ("excluded", "not_ready", "quarantined", "unchanged", "queued", "leased", "sending")
    more = ("unknown", "held", "accepted", "rejected", "superseded")
    for listed in fake.valid(reference, "OP01", 1, 20):
        assert int(listed["read"]) == sum(int(listed[name]) for name in (*parts, *more))


def test_a_settlement_adds_up(reference: Edition) -> None:
    node = next(node for node in reference.datasets["2207"].output if node.name == "setlinfo")
    for row in fake.contents(reference, node, 1, 20):
        paid = [Decimal(row[name]) for name in ("fund_pay_sumamt", "psn_part_amt", "hosp_part_amt")]
        assert Decimal(row["medfee_sumamt"]) == sum(paid)


def test_a_catch_up_says_why_and_a_home_delivery_says_where(reference: Edition) -> None:
    records = list(fake.valid(reference, "BI02", 1, 80))
    assert any(record["action"] == "送药" for record in records)
    assert all("location" in record for record in records if record["action"] == "送药")
    assert all("catch_up_reason" in record for record in records if record.get("catch_up") == "1")


def test_a_called_transaction_has_no_records(reference: Edition) -> None:
    with pytest.raises(ValueError, match="1101"):
        next(fake.valid(reference, "1101", 1, 1))


def test_the_institution_can_be_chosen(reference: Edition) -> None:
    record = next(fake.valid(reference, "HD02", 1, 1, institution="P00000000002"))
    assert record["fixmedins_code"] == "P00000000002"
    assert validator(reference, "HD02").violations(record) == ()
