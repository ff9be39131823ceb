"""The authority on what a valid record is: every violation at once, each with path, rule and a Chinese sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import class_registry
from marshmallow.exceptions import RegistryError

from schemas import build, fake, loader
from schemas.build import Validator, schema_class, validator, violation
from schemas.errors import RecordInvalidError
from schemas.model import Confidence, Edition, Field, FieldType, Severity, Source
from schemas.record import content_hash
from schemas.wire import SHANGHAI

Make = Callable[..., dict[str, Any]]
SOURCE = Source("测试", "测试", Confidence.OURS)


def _told(edition: Edition, record: dict[str, Any]) -> dict[str, str]:
    """path -> rule; fails when one path is told twice."""
    found = validator(edition, "T1").violations(record)
    assert len({each.field for each in found}) == len(found)
    return {each.field: each.rule for each in found}


def test_a_valid_record_has_no_violation(edition: Edition, record: Make) -> None:
    assert (
        _told(edition, record(cnt="3.5", rx_date="2026-02-01", shift="3", reason="测试", drugs=[{"drug_codg": "D1", "dose": "2"}]))
        == {}
    )


def test_loading_gives_values_and_not_wire_text(edition: Edition, record: Make) -> None:
    values = validator(edition, "T1").load(record(cnt="3.50", rx_date="2026-02-01", drugs=[{"drug_codg": "D1", "dose": "2"}]))
    assert values["rx_time"] == datetime(2026, 1, 5, 8, tzinfo=SHANGHAI)
    assert (values["cnt"], values["rx_date"]) == (Decimal("3.5"), date(2026, 2, 1))
    assert values["drugs"] == [{"drug_codg": "D1", "dose": Decimal(2)}]


def test_every_violation_is_told_at_once(edition: Edition, record: Make) -> None:
    spoilt = record(
        rx_id="123456789",
        rx_time=None,
        rx_date="2026/02/01",
        cnt="12345",
        shift="2",
        drugs=[{"dose": "1"}, {"drug_codg": 7, "x": "1"}],
        y="1",
    )
    assert _told(edition, spoilt) == {
        "rx_id": "length",
        "rx_time": "required",
        "rx_date": "format",
        "cnt": "precision",
        "shift": "code",
        "drugs[0].drug_codg": "required",
        "drugs[1].drug_codg": "type",
        "drugs[1].x": "unknown",
        "y": "unknown",
    }


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"rx_time": None}, "开方时间（rx_time）必填，当前为空"),
        ({"rx_id": "SECRET-VALUE"}, "处方号（rx_id）超长：最多 8 个字符"),
        ({"cnt": "1.001"}, "数量（cnt）超出精度：整数位最多 4 位、小数最多 2 位"),
        ({"cnt": "SECRET"}, "数量（cnt）格式不对：应为数值，只含数字、小数点和负号"),
        ({"cnt": 3}, "数量（cnt）类型不对：应为文本（数值和日期在报文中也写成文本）"),
        ({"rx_time": "SECRET"}, "开方时间（rx_time）格式不对：应写成 yyyy-MM-dd HH:mm:ss"),
        ({"rx_date": "2026-02-30"}, "处方有效期（rx_date）格式不对：没有这一天"),
        ({"shift": "SEC"}, "班次（shift）不在代码表《班次》内"),
        ({"shift": "3"}, "原因（reason）在 shift 为 3 时必填，当前为空"),
        ({"drugs": "SECRET"}, "药品（drugs）类型不对：应为数组"),
        ({"drugs": [{"drug_codg": "SECRET-VALUE"}]}, "药品编码（drugs[0].drug_codg）超长：最多 8 个字符"),
        ({"rxid": "SECRET"}, "rxid：规范中没有这个字段"),
        ({"key": "SECRET"}, "业务主键（key）与记录的主键字段 rx_id、line_no 不符"),
        ({"content_hash": "SECRET"}, "内容摘要（content_hash）与内容不符，记录在途中被改动或编码不一致"),
    ],
)
def test_the_sentence_says_field_and_rule_and_never_the_value(
    edition: Edition, record: Make, changes: dict[str, Any], sentence: str
) -> None:
    found = validator(edition, "T1").violations(record(**changes))
    assert [each.message for each in found] == [sentence]


def test_the_error_of_an_invalid_record_carries_every_reason(edition: Edition, record: Make) -> None:
    with pytest.raises(RecordInvalidError) as caught:
        validator(edition, "T1").load(record(rx_time=None, cnt="x"))
    assert {each.field for each in caught.value.violations} == {"rx_time", "cnt"}
    assert str(caught.value).count("；") == 1


@pytest.mark.parametrize("nothing", [None, "", "  "])
def test_a_required_field_needs_a_value(edition: Edition, record: Make, nothing: str | None) -> None:
    spoilt = record()
    spoilt["rx_time"] = nothing
    assert _told(edition, spoilt) == {"rx_time": "required"}


@pytest.mark.parametrize("name", ["rx_date", "cnt", "shift", "reason", "drugs"])
@pytest.mark.parametrize("nothing", [None, ""])
def test_an_optional_field_may_say_nothing_in_any_way(edition: Edition, record: Make, name: str, nothing: str | None) -> None:
    sent = {**record(), name: nothing}
    sent["content_hash"] = content_hash(edition.datasets["T1"], sent)
    assert name not in validator(edition, "T1").load(sent)


def test_a_field_that_may_be_blank_must_still_be_there(edition: Edition, record: Make) -> None:
    assert _told(edition, record(line_no="")) == {}
    assert _told(edition, record(line_no=None)) == {"line_no": "required"}


@pytest.mark.parametrize("nothing", [None, "", " "])
def test_a_conditional_field_is_asked_for_when_its_condition_holds(edition: Edition, record: Make, nothing: str | None) -> None:
    assert _told(edition, record(shift="3", reason=nothing)) == {"reason": "required_if"}
    assert _told(edition, record(shift="1", reason=nothing)) == {}


def test_a_conditional_field_that_is_there_but_wrong_is_told_once(edition: Edition, record: Make) -> None:
    assert _told(edition, record(shift="3", reason="长" * 21)) == {"reason": "length"}


def test_a_condition_inside_a_child_row_is_judged_per_row(edition: Edition) -> None:
    dataset = edition.datasets["T1"]
    child = (replace(dataset.field("shift")), replace(dataset.field("reason")))
    rows = replace(dataset.field("drugs"), fields=child)
    errors: dict[str, Any] = schema_class(edition, (rows,), "rows")().validate({"drugs": [{"shift": "1"}, {"shift": "3"}]})
    assert {index: list(row) for index, row in errors["drugs"].items()} == {1: ["reason"]}


def test_required_rows_need_one_row(edition: Edition) -> None:
    rows = replace(edition.datasets["T1"].field("drugs"), required=True)
    schema = schema_class(edition, (rows,), "rows")()
    assert list(schema.validate({"drugs": []})) == ["drugs"]
    assert schema.validate({"drugs": [{"drug_codg": "D1"}]}) == {}


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("0", True),
        ("0.00", True),
        ("-0", True),
        ("9999", True),
        ("10000", False),
        ("1000", True),
        ("1000.00", True),
        ("-9999.99", True),
        ("-10000", False),
        ("0009999", True),
        ("0.01", True),
        ("0.001", False),
        ("1.230", True),
        ("1.231", False),
        ("-0.001", False),
        (f"1.{'0' * 40}1", False),
        ("9" * 40, False),
    ],
)
def test_the_precision_of_six_digits_two_of_them_decimals(edition: Edition, record: Make, text: str, fits: bool) -> None:
    assert _told(edition, record(cnt=text)) == ({} if fits else {"cnt": "precision"})


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**7), max_value=10**7, places=5))
def test_precision_agrees_with_arithmetic(number: Decimal) -> None:
    spec = Field("n", "数", FieldType.NUMBER, SOURCE, length=6, scale=2)
    schema = schema_class(loader.reference(), (spec,), "n")()
    right = number == number.quantize(Decimal("0.01")) and abs(number) < 10_000
    assert (schema.validate({"n": format(number, "f")}) == {}) is right


@pytest.mark.parametrize("text", ["1E5", " 1", "NaN", "Infinity", "１"])
def test_text_that_only_python_takes_for_a_number_is_refused(edition: Edition, record: Make, text: str) -> None:
    assert _told(edition, record(cnt=text)) == {"cnt": "format"}


@pytest.mark.parametrize("value", [5, 5.0, True, ["5"], {"a": "5"}])
def test_only_text_stands_on_the_wire(edition: Edition, record: Make, value: Any) -> None:
    assert _told(edition, record(cnt=value)) == {"cnt": "type"}


@pytest.mark.parametrize("value", ["x", {"drug_codg": "D1"}, ["x"], [["x"]], 1])
def test_rows_must_be_an_array_of_objects(edition: Edition, record: Make, value: Any) -> None:
    assert _told(edition, record(drugs=value)) == {"drugs": "type"}


def test_length_counts_characters_and_not_bytes(edition: Edition, record: Make) -> None:
    assert _told(edition, record(rx_id="测" * 8)) == {}
    assert _told(edition, record(rx_id="测" * 9)) == {"rx_id": "length"}


def test_a_changed_record_no_longer_matches_its_digest(edition: Edition, record: Make) -> None:
    assert _told(edition, {**record(cnt="3"), "cnt": "4"}) == {"content_hash": "content_hash"}


def test_a_record_under_the_key_of_another_is_refused(edition: Edition, record: Make) -> None:
    assert _told(edition, record(key="RX2|1")) == {"key": "key"}


def test_content_is_judged_before_the_common_fields_are_known(edition: Edition) -> None:
    content = {"rx_id": "RX1", "line_no": "1", "rx_time": "2026-01-05 08:00:00"}
    assert validator(edition, "T1").content_violations(content) == ()
    assert [each.field for each in validator(edition, "T1").content_violations({**content, "cnt": "x"})] == ["cnt"]


def test_a_validator_is_built_once_per_edition(edition: Edition, folder: Any) -> None:
    assert validator(edition, "T1") is validator(edition, "T1")
    assert validator(loader.load(folder), "T1") is not validator(edition, "T1")


def test_two_editions_do_not_share_a_verdict(edition: Edition, record: Make) -> None:
    dataset = edition.datasets["T1"]
    specs = tuple(replace(spec, required=True) if spec.name == "cnt" else spec for spec in dataset.fields)
    stricter = replace(edition, datasets={"T1": replace(dataset, input=(replace(dataset.input[0], fields=specs),))})
    assert _told(edition, record()) == {}
    assert _told(stricter, record()) == {"cnt": "required"}


def test_the_schemas_of_an_edition_stay_out_of_the_global_registry(edition: Edition) -> None:
    Validator(edition, edition.datasets["T1"])
    with pytest.raises(RegistryError):
        class_registry.get_class("T1")


def test_an_unknown_data_set_is_a_key_error(edition: Edition) -> None:
    with pytest.raises(KeyError):
        validator(edition, "T9")


def test_a_fault_of_the_mapping_gets_the_same_sentence(edition: Edition) -> None:
    spec = edition.datasets["T1"].field("cnt")
    assert violation(spec, "required").as_dict() == {"field": "cnt", "rule": "required", "message": "数量（cnt）必填，当前为空"}


def test_every_rule_is_broken_by_some_invented_record(reference: Edition) -> None:
    """So no sentence is there that nothing can cause."""
    uploaded = [code for code, dataset in reference.datasets.items() if dataset.uploaded]
    rules = {rule for code in uploaded for _, _, rule in fake.single_faults(reference, code, 1)}
    assert rules == set(build._MESSAGES)


def test_a_length_that_is_only_told_hides_no_error(reference: Edition) -> None:
    """The code is too long, which is told only, and not of the table, which is an error."""
    node = reference.datasets["3101"].input[0]
    (row,) = fake.contents(reference, node, 1, 1)
    row["patient_dtos"][0]["fsi_encounter_dtos"][0]["med_type"] = "9999"
    assert [(found.rule, found.severity) for found in build.node_violations(reference, node, row)] == [("code", Severity.ERROR)]
