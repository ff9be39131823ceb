"""The compiled validator is never laxer than the authority, tells the same, and is sure of what is ordinary."""

from __future__ import annotations

import linecache
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import build, compiled, fake, loader
from schemas.compiling import moments, numbers
from schemas.compiling.listing import Listing
from schemas.damage import Damage
from schemas.model import CodeTable, Condition, Confidence, Dataset, Edition, Extra, Field, FieldType, Node, Severity, Source
from schemas.record import business_key, content_hash

Make = Callable[..., dict[str, Any]]
SOURCE = Source("测试", "测试", Confidence.OURS)
REFERENCE = loader.reference()
UPLOADED = sorted(code for code, dataset in REFERENCE.datasets.items() if dataset.uploaded)


@pytest.mark.parametrize("code", UPLOADED)
def test_every_valid_record_is_surely_valid(code: str) -> None:
    judge = compiled.validator(REFERENCE, code)
    records = list(fake.valid(REFERENCE, code, seed=7, count=25))
    assert records
    assert all(judge.valid(record) for record in records)


@pytest.mark.parametrize("code", UPLOADED)
def test_every_single_fault_is_told_as_the_authority_tells_it(code: str) -> None:
    judge, authority = compiled.validator(REFERENCE, code), build.validator(REFERENCE, code)
    for record, path, rule in fake.single_faults(REFERENCE, code, seed=7):
        found = judge.violations(record)
        assert (found[0].field, found[0].rule) == (path, rule)
        assert found == authority.violations(record)


@settings(max_examples=300, deadline=None)
@given(code=st.sampled_from(UPLOADED), seed=st.integers(0, 2**32))
def test_no_damage_makes_the_two_disagree(code: str, seed: int) -> None:
    """Ten damaged records per example: three thousand in all."""
    judge, authority = compiled.validator(REFERENCE, code), build.validator(REFERENCE, code)
    damage = Damage(REFERENCE, REFERENCE.datasets[code], seed)
    for record in fake.valid(REFERENCE, code, seed, 10):
        damaged = damage.damaged(record)
        truth = authority.violations(damaged)
        assert judge.violations(damaged) == truth
        assert not (judge.valid(damaged) and truth)


def test_damage_leaves_some_records_valid_and_spoils_others() -> None:
    """Else the test above would show nothing."""
    damage, authority = Damage(REFERENCE, REFERENCE.datasets["HD03"], 1), build.validator(REFERENCE, "HD03")
    verdicts = [not authority.violations(damage.damaged(record)) for record in fake.valid(REFERENCE, "HD03", 1, 200)]
    assert 20 < sum(verdicts) < 180


def _field(name: str, kind: FieldType, **more: Any) -> Field:
    return Field(name, name, kind, SOURCE, **more)


_values = st.one_of(
    st.sampled_from(
        ["", " ", "\u3000", "\x1c", "0", "-0", "1", "00", "0.50", "-0.5", "10", "A", "B", " A", "～", "a\x00", "\ud800", "\\"]
    ),
    st.sampled_from(["2026-02-28", "2026-02-29", "2026-01-01 08:00:00", "2026-01-01 24:00:00", "0000-01-01", "2026-01-01\n"]),
    st.text(max_size=6),
    st.decimals(allow_nan=False, allow_infinity=False, places=3).map(str),
    st.sampled_from([None, 0, 1, True, 0.5, [], {}, [{}], [{"x": "1"}], ["1"]]),
)
_specs = st.builds(
    lambda kind, least, **more: _field("x", kind, least=least if kind is FieldType.NUMBER else None, **more),
    kind=st.sampled_from(FieldType),
    length=st.sampled_from([None, 1, 2, 4]),
    scale=st.sampled_from([0, 1, 2]),
    codes=st.sampled_from([None, None, "table"]),
    required=st.booleans(),
    required_if=st.sampled_from([None, Condition("y", ("1", "A")), Condition("x", ("",)), Condition("z", ("1",))]),
    blank_allowed=st.booleans(),
    least=st.sampled_from([None, Decimal(0), Decimal(1), Decimal("0.5"), Decimal(-1), Decimal(7)]),
    length_severity=st.sampled_from(Severity),
    fields=st.just((_field("x", FieldType.TEXT, required=True, length=2),)),
)


@settings(max_examples=600, deadline=None)
@given(
    spec=_specs,
    extra=st.sampled_from(Extra),
    record=st.dictionaries(st.sampled_from(["x", "x", "y", "z"]), _values),
)
def test_every_combination_of_attributes_is_never_laxer_than_the_authority(
    spec: Field, extra: Extra, record: dict[str, Any]
) -> None:
    """Also of those that lint refuses: the compiler must not depend on it."""
    table = CodeTable("table", "表", {"A": "甲", "10": "十", "": "空", " A": "空格", "2026-02-28": "日"}, SOURCE)
    edition = replace(REFERENCE, codes={"table": table}, style=replace(REFERENCE.style, extra=extra))
    specs = (spec, _field("y", FieldType.TEXT))
    check = compiled.fields_check(edition, specs, "x")
    if check(record):
        dataset = Dataset("X", "x", "X", "", "", (), "", (Node("data", specs),), SOURCE)
        assert build.Validator(replace(edition, common=()), dataset).content_violations(record) == ()
        assert extra is Extra.KEEP or record.keys() <= {"x", "y"}


@pytest.mark.parametrize(
    ("changes", "sure"),
    [
        ({}, True),
        ({"cnt": "-9999.99"}, True),
        ({"cnt": "0001.230"}, True),
        ({"cnt": ""}, True),
        ({"cnt": "9999.990"}, True),
        ({"cnt": "1.001"}, False),
        ({"cnt": "１"}, False),
        ({"cnt": "10000"}, False),
        ({"cnt": "1\n"}, False),
        ({"cnt": "1|2"}, False),
        ({"cnt": 3}, False),
        ({"rx_date": "2024-02-29"}, True),
        ({"rx_date": "2026-02-29"}, False),
        ({"rx_date": "1900-01-01"}, True),
        ({"rx_date": "2199-12-31"}, True),
        ({"rx_date": "0202-01-05"}, False),
        ({"rx_date": "9999-12-31"}, False),
        ({"rx_time": "2026-01-05 23:59:59"}, True),
        ({"rx_time": "0202-01-05 08:00:00"}, False),
        ({"rx_time": "2200-01-01 00:00:00"}, False),
        ({"rx_time": "2026-01-05 24:00:00"}, False),
        ({"rx_time": "2026-01-05T08:00:00"}, False),
        ({"rx_time": "2026-01-05 08:00:00.0"}, False),
        ({"rx_id": 'a"\\'}, True),
        ({"rx_id": "a|b"}, True),
        ({"rx_id": "制表\t符"}, True),
        ({"rx_id": "a\x1f"}, False),
        ({"rx_id": "\u3000"}, False),
        ({"line_no": ""}, True),
        ({"line_no": None}, False),
        ({"shift": "3", "reason": "测试"}, True),
        ({"shift": "3"}, False),
        ({"shift": "3", "reason": "  "}, False),
        ({"shift": "2"}, False),
        ({"drugs": [{"drug_codg": "D1", "dose": "2"}]}, True),
        ({"drugs": []}, True),
        ({"drugs": [{"dose": "2"}]}, False),
        ({"drugs": [{"drug_codg": "D1", "x": "1"}]}, False),
        ({"drugs": {"drug_codg": "D1"}}, False),
        ({"no_such": "1"}, False),
    ],
)
def test_each_rule_is_part_of_the_generated_code(edition: Edition, record: Make, changes: dict[str, Any], sure: bool) -> None:
    made = record(**changes)
    judge = compiled.validator(edition, "T1")
    assert judge.valid(made) is sure
    assert judge.violations(made) == build.validator(edition, "T1").violations(made)
    assert (judge.violations(made) == ()) is sure


@pytest.mark.parametrize("name", ["rx_id", "cnt"])
def test_a_surrogate_is_left_to_the_authority(edition: Edition, record: Make, name: str) -> None:
    made = {**record(), name: "\ud800"}
    assert not compiled.validator(edition, "T1").valid(made)
    assert [each.rule for each in compiled.validator(edition, "T1").violations(made)] == ["format"]


def test_a_false_key_or_digest_is_told(edition: Edition, record: Make) -> None:
    judge = compiled.validator(edition, "T1")
    assert [each.rule for each in judge.violations({**record(), "key": "RX2|1"})] == ["key"]
    assert [each.rule for each in judge.violations({**record(), "rx_id": "RX1", "content_hash": "sha256:0"})] == ["content_hash"]
    assert judge.fields_valid({**record(), "key": "RX2|1", "content_hash": "sha256:0"})


@settings(deadline=None)
@given(st.text(), st.text())
def test_key_and_digest_are_those_of_the_record(one: str, other: str) -> None:
    dataset = replace(REFERENCE.datasets["HD03"], key=("sess_id", "patn_id"))
    judge = compiled.CompiledValidator(REFERENCE, dataset)
    made = {"sess_id": one, "patn_id": other, "version": "1", "seen_at": "x", "edition": "e"}
    assert judge.key(made) == business_key(dataset, made)
    assert judge.digest(made) == content_hash(dataset, made)
    assert "version" in made, "the record itself stays as it is"


def test_the_generated_code_can_be_read_and_carries_no_text_of_the_edition_as_code(edition: Edition) -> None:
    evil = "x'); import os  # \n"
    judge = compiled.fields_check(edition, (_field(evil, FieldType.TEXT, required=True, length=2),), "evil")
    assert judge({evil: "ab"})
    assert not judge({evil: "abc"})
    text = "".join(line for name, entry in linecache.cache.items() if name == "<generated test@1 evil>" for line in entry[2])
    assert "def valid(record):" in text
    assert not any(line.startswith(" import os") for line in text.splitlines())
    assert "record['sess_id']" in compiled.validator(REFERENCE, "HD03").source


def test_an_object_is_bound_once() -> None:
    listing, days = Listing("t"), {"2026-01-01"}
    assert listing.bind("days", days) == listing.bind("again", days)
    assert listing.bind("other", {"2026-01-01"}) != listing.bind("days", days)


def test_days_are_remembered_only_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moments, "_MOST", len(moments.DAYS))
    assert moments.is_day("1931-07-13")
    assert "1931-07-13" not in moments.DAYS
    assert not moments.is_day("1931-02-30")


_PAIR = (_field("a", FieldType.NUMBER, required=True, length=4, scale=1, least=Decimal(0)), _field("b", FieldType.NUMBER))


def test_a_shape_met_is_one_of_which_every_text_fits() -> None:
    shapes = numbers.Shapes(_PAIR)
    assert shapes.fit("100.5|-7")
    assert shapes.met == {b"999.9|-9"}
    assert not shapes.fit("1000.5|-7")
    assert not shapes.fit("|-7")
    assert shapes.fit("0001.50|"), "zeros that do not count fit,"
    assert shapes.met == {b"999.9|-9"}, "but say nothing of the other digits that look like them"


@settings(deadline=None)
@given(st.lists(st.from_regex(r"-?[0-9]{1,5}(\.[0-9]{1,3})?", fullmatch=True), max_size=30))
def test_what_has_a_shape_met_fits(texts: list[str]) -> None:
    """By the authority; a fresh memory per example."""
    spec = _field("x", FieldType.NUMBER, length=4, scale=1)
    shapes, schema = numbers.Shapes([spec]), build.schema_class(REFERENCE, (spec,), "x")()
    for text in texts:
        sure = text.encode().translate(numbers.NINES) in shapes.met or shapes.fit(text)
        assert sure is (not schema.validate({"x": text}))


def test_shapes_are_remembered_only_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbers, "_MOST", 1)
    shapes = numbers.Shapes(_PAIR)
    assert [shapes.fit("1|"), shapes.fit("10|"), shapes.fit("10000|")] == [True, True, False]
    assert shapes.met == {b"9|"}


def test_more_numbers_than_one_look_up_takes_are_all_compared() -> None:
    specs = tuple(_field(f"n{index}", FieldType.NUMBER, length=2) for index in range(9))
    check = compiled.fields_check(REFERENCE, specs, "n")
    assert check({spec.name: "12" for spec in specs})
    assert not any(check({"n0": "1", spec.name: "123"}) for spec in specs)
