"""Fillers are counted per field, told from a threshold on, and never more than told."""

from __future__ import annotations

import random
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.crossrecords import row

from schemas import fake, loader, placeholders
from schemas.build import validator
from schemas.errors import SpecError
from schemas.loader import REFERENCE
from schemas.placeholders import Habit, Share, shares

LISTS = (REFERENCE / "rules" / "placeholders.yaml").read_text(encoding="utf-8")


def sessions(count: int, **changes: Any) -> list[dict[str, Any]]:
    """Sessions of different patients and machines; a callable change gets the number."""
    made = []
    for number in range(count):
        own = {name: value(number) if callable(value) else value for name, value in changes.items()}
        named = {"sess_id": f"S{number}", "patn_id": f"P{number}", "schd_id": f"SC{number}", "rx_id": f"RX{number}"}
        made.append(row("HD03", **{**named, "machine_no": f"M{number}", **own})[1])
    return made


def found(records: list[dict[str, Any]], field: str, habit: Habit, code: str = "HD03") -> Share:
    """The one share of this field and habit."""
    (share,) = [each for each in shares(loader.reference(), code, records) if (each.field, each.habit) == (field, habit)]
    return share


@pytest.mark.parametrize("value", ["无", "无法提供", "不详", "未知", "-", "/", "000000", "999999", "测试", " 无 ", "N/A", "null"])
def test_a_text_of_the_list_is_a_filler(value: str) -> None:
    share = found(sessions(20, dialyzer=value), "dialyzer", Habit.FILLER)
    assert (share.count, share.rows, share.share, share.told) == (20, 20, Decimal(1), True)


@pytest.mark.parametrize("value", ["无肝素", "未知数", "1000000", "F8", "-1"])
def test_a_text_that_only_contains_one_is_not(value: str) -> None:
    assert found(sessions(20, dialyzer=value), "dialyzer", Habit.FILLER).count == 0


def test_dates_and_times_are_compared_by_their_day() -> None:
    records = sessions(20, begn_time="1900-01-01 00:00:00")
    assert found(records, "begn_time", Habit.FILLER).told
    bought = [row("3503", manu_date="0000-00-00")[1] for _ in range(20)]
    assert found(bought, "manu_date", Habit.FILLER, "3503").told


def test_a_number_of_nines_is_a_filler_and_zero_is_not() -> None:
    assert found(sessions(20, duration_min="99999"), "duration_min", Habit.FILLER).told
    assert found(sessions(20, duration_min="0"), "duration_min", Habit.FILLER).count == 0


def test_a_code_of_its_table_is_no_filler() -> None:
    """`0` is a filler of a free text and a code of trdn_flag."""
    assert found([row("3505")[1] for _ in range(20)], "trdn_flag", Habit.FILLER, "3505").count == 0


def test_a_value_that_means_something_there_is_exempt() -> None:
    assert found(sessions(20, anticoagulant="无"), "anticoagulant", Habit.FILLER).count == 0


def test_child_rows_are_counted_by_themselves() -> None:
    drugs = [{"drug_codg": "D1", "route": "不详"}, {"drug_codg": "D2", "route": "静脉"}]
    share = found(sessions(10, drugs=drugs), "drugs[].route", Habit.FILLER)
    assert (share.count, share.rows, share.label) == (10, 20, "给药途径")


def test_an_absent_or_blank_field_is_not_counted() -> None:
    share = found(sessions(40, dialyzer=lambda n: [None, "", " ", "F8"][n % 4]), "dialyzer", Habit.FILLER)
    assert share.rows == 10


@pytest.mark.parametrize(("fillers", "told"), [(2, True), (1, False)])
def test_a_filler_is_told_from_its_threshold_on(fillers: int, told: bool) -> None:
    share = found(sessions(40, dialyzer=lambda n: "无" if n < fillers else "F8"), "dialyzer", Habit.FILLER)
    assert share.told is told


def test_too_few_rows_tell_nothing() -> None:
    assert not found(sessions(19, dialyzer="无"), "dialyzer", Habit.FILLER).told


@pytest.mark.parametrize(("others", "told"), [(2, True), (3, False)])
def test_a_constant_is_told_from_its_threshold_on(others: int, told: bool) -> None:
    records = sessions(100, machine_no=lambda n: f"M{n}" if n < others else "M")
    share = found(records, "machine_no", Habit.CONSTANT)
    assert (share.count, share.told) == (100 - others, told)


def test_a_constant_of_one_patient_is_not_told() -> None:
    assert not found(sessions(30, machine_no="M", patn_id="P1"), "machine_no", Habit.CONSTANT).told


def test_codes_keys_and_expected_constants_are_not_looked_at() -> None:
    fields = {each.field for each in shares(loader.reference(), "3505", [row("3505")[1]] * 30) if each.habit is Habit.CONSTANT}
    assert "manu_lotnum" in fields
    assert not fields & {"trdn_flag", "fixmedins_bchno", "sel_retn_cnt"}


@pytest.mark.parametrize(("others", "told"), [(2, True), (3, False)])
def test_a_copied_field_is_told_from_its_threshold_on(others: int, told: bool) -> None:
    records = sessions(20, nurse_codg=lambda n: f"N{n}" if n < others else f"P{n}")
    share = found(records, "nurse_codg", Habit.COPIED)
    assert (share.other, share.count, share.told) == ("patn_id", 20 - others, told)


def test_a_copy_that_is_expected_or_a_filler_is_not_a_copy() -> None:
    records = sessions(20, dialysis_no=lambda n: f"P{n}", dialyzer="无", early_end_reason="无")
    assert [each for each in shares(loader.reference(), "HD03", records) if each.habit is Habit.COPIED] == []


def test_invented_records_that_say_test_are_not_all_fillers() -> None:
    records = list(fake.valid(loader.reference(), "HD03", 1, 50))
    assert [each for each in shares(loader.reference(), "HD03", records) if each.habit is Habit.FILLER and each.told] == []


def test_a_filler_is_no_reason_to_reject() -> None:
    edition = loader.reference()
    (record,) = fake.valid(edition, "HD03", 1, 1)
    faults = validator(edition, "HD03").violations({**record, "dialyzer": "无"})
    assert [fault.rule for fault in faults] == ["content_hash"]


def test_a_share_keeps_no_value_of_a_record() -> None:
    assert "秘密" not in repr(shares(loader.reference(), "HD03", sessions(30, machine_no="秘密", nurse_codg="秘密")))


def test_a_field_of_too_many_values_is_no_constant(tmp_path: Path) -> None:
    path = tmp_path / "placeholders.yaml"
    path.write_text(LISTS.replace("distinct: 10000", "distinct: 2"), encoding="utf-8")
    lists = placeholders.load(path)
    records = sessions(30, machine_no=lambda n: ["M1", "M2", "M3"][n % 3], nurse_codg=lambda n: ["N1", "N2"][n % 2])
    found = {each.field for each in shares(loader.reference(), "HD03", records, lists) if each.habit is Habit.CONSTANT}
    assert "nurse_codg" in found
    assert "machine_no" not in found


@settings(max_examples=30, deadline=None)
@given(shuffle=st.randoms(use_true_random=False))
def test_the_order_of_the_records_does_not_change_the_shares(shuffle: random.Random) -> None:
    records = sessions(25, machine_no="M", dialyzer="无", nurse_codg=lambda n: f"P{n}" if n % 2 else "N")
    expected = shares(loader.reference(), "HD03", records)
    shuffle.shuffle(records)
    assert shares(loader.reference(), "HD03", records) == expected


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('filler: "0.05"', 'filler: "5"', "键 thresholds.filler：应大于 0 且不超过 1"),
        ('filler: "0.05"', "filler: 0.05", "键 thresholds.filler：应为文本（请加引号），实为小数"),
        ("rows: 20", "row: 20", "键 thresholds.row：不认识的键，是否想写 rows？"),
        ("types: [D, DT]", "types: [ROWS]", "types：只能是 C、N、D、DT"),
        ("[patn_id, dialysis_no]", "[patn_id]", "键 copies_expected：每项应为两个字段名"),
        (", why: 无肝素透析，不用抗凝剂", "", "键 exempt[0].why：缺少必填的键"),
        ("texts: [无, 没有", "texts: [0, 没有", "列表中的 0 应为文本（请加引号）"),
    ],
)
def test_a_mistake_in_the_list_names_its_key(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    assert old in LISTS
    path = tmp_path / "placeholders.yaml"
    path.write_text(LISTS.replace(old, new), encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        placeholders.load(path)
    assert complaint in str(caught.value)


def test_every_exempt_field_is_a_field_of_the_edition() -> None:
    edition = loader.reference()
    assert [where for where in placeholders.reference().exempt if not edition.datasets[where[0]].field(where[1])] == []
