"""The JSON Schema says what the marshmallow classes say, judged by somebody else's validator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from schemas import fake
from schemas.build import validator
from schemas.jsonschema import schema
from schemas.loader import reference
from schemas.model import Edition, Extra, Field, Severity, Style

UPLOADED = sorted(code for code, dataset in reference().datasets.items() if dataset.uploaded)
#: what JSON Schema has no word for
BEYOND = {"key", "content_hash"}


def checker(edition: Edition, code: str) -> jsonschema.Draft202012Validator:
    found = schema(edition, edition.datasets[code])
    jsonschema.Draft202012Validator.check_schema(found)
    return jsonschema.Draft202012Validator(found)


def warned(specs: tuple[Field, ...]) -> set[str]:
    """Fields whose length only warns."""
    below = (warned(spec.fields) for spec in specs)
    return {spec.name for spec in specs if spec.length_severity is Severity.WARN}.union(*below)


@pytest.mark.parametrize("code", UPLOADED)
def test_valid_records_pass_and_each_single_fault_fails(reference: Edition, code: str) -> None:
    judge = checker(reference, code)
    for record in fake.valid(reference, code, 11, 20):
        assert [error.message for error in judge.iter_errors(record)] == []
    faults = [(record, path, rule) for record, path, rule in fake.single_faults(reference, code, 11) if rule not in BEYOND]
    assert [(path, rule) for record, path, rule in faults if judge.is_valid(record)] == []
    assert len(faults) > 50


@pytest.mark.parametrize("code", sorted(code for code, each in reference().datasets.items() if not each.uploaded))
def test_a_transaction_that_is_called_has_a_schema_of_its_row(reference: Edition, code: str) -> None:
    judge = checker(reference, code)
    node = reference.datasets[code].input[0]
    for row in fake.contents(reference, node, 11, 10):
        assert [error.message for error in judge.iter_errors(row)] == []
    passed = {(path.rpartition(".")[2], rule) for row, path, rule in fake.node_faults(reference, node, 11) if judge.is_valid(row)}
    assert passed == {(name, "length") for name in warned(node.fields)}


def test_a_required_if_is_asked_for_only_when_its_condition_holds(edition: Edition, record: Callable[..., dict[str, Any]]) -> None:
    judge = checker(edition, "T1")
    assert judge.is_valid(record(shift="1"))
    assert not judge.is_valid(record(shift="3"))
    assert judge.is_valid(record(shift="3", reason="测试"))


def test_fields_nobody_knows_are_taken_where_the_region_keeps_them(edition: Edition, record: Callable[..., dict[str, Any]]) -> None:
    kept = replace(edition, style=Style(extra=Extra.KEEP))
    assert not checker(edition, "T1").is_valid(record(exp_content="x"))
    assert checker(kept, "T1").is_valid(record(exp_content="x"))


def test_a_length_that_only_warns_refuses_nothing(edition: Edition, record: Callable[..., dict[str, Any]]) -> None:
    dataset = edition.datasets["T1"]
    lax = tuple(replace(spec, length_severity=Severity.WARN) for spec in dataset.fields)
    warned = replace(edition, datasets={"T1": replace(dataset, input=(replace(dataset.input[0], fields=lax),))})
    long = record(rx_id="TEST-0123456789", cnt="12345678.123")
    assert not checker(edition, "T1").is_valid(long)
    assert checker(warned, "T1").is_valid(long)


@pytest.mark.parametrize("day", ["0202-01-05", "1899-12-31", "1900-01-01", "2199-12-31", "2200-01-01", "9999-12-31"])
def test_years_are_judged_as_marshmallow_judges_them(edition: Edition, record: Callable[..., dict[str, Any]], day: str) -> None:
    dated = record(rx_date=day, rx_time=f"{day} 08:00:00")
    assert checker(edition, "T1").is_valid(dated) == (validator(edition, "T1").violations(dated) == ())


@pytest.mark.parametrize(
    "text", ["0", "007", "1234.50", "1234.5000", "-1", "0.00", "99999", "1.234", ".5", "1.", "", "-", "1E2", " 1"]
)
def test_numbers_are_judged_as_marshmallow_judges_them(edition: Edition, record: Callable[..., dict[str, Any]], text: str) -> None:
    """T1.cnt is N 6,2."""
    mine = checker(edition, "T1").is_valid(record(cnt=text))
    theirs = validator(edition, "T1").violations(record(cnt=text)) == ()
    assert mine == theirs or (text == "" and theirs), "only the empty text differs: a sender leaves the field out"
