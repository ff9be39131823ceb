"""What real sites store: several notations of a day, words for nothing, units, signs, JSON, products, numbers of two parts."""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from adapters.refining import unusable
from gateway.model import RowState
from schemas.errors import SpecError
from schemas.wire import SHANGHAI


def one(read_mapping: Any, map_row: Any, field: str, rule: str, constants: dict[str, str] | None = None, /, **columns: Any) -> Any:
    """The field's value, or the sentence of its fault after the label."""
    row = map_row(read_mapping("absent: {}" if field == "lot" else "", **{field: rule}), constants, **columns)
    told = [fault.message.partition("）")[2] for fault in row.faults if fault.field == field]
    return told[0] if told else row.values.get(field)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("2026/10/05", date(2026, 10, 5)),
        ("2026/1/5", date(2026, 1, 5)),
        (" 20261005 ", date(2026, 10, 5)),
        ("2026年10月5日", date(2026, 10, 5)),
        (date(2026, 10, 5), date(2026, 10, 5)),
        (None, None),
        ("2026115", "无法读懂：应写成 yyyy/M/d 或 yyyyMMdd 或 yyyy年M月d日"),
        ("2026/2/30", "无法读懂：应写成 yyyy/M/d 或 yyyyMMdd 或 yyyy年M月d日"),
        ("2026-10-05", "无法读懂：应写成 yyyy/M/d 或 yyyyMMdd 或 yyyy年M月d日"),
    ],
)
def test_a_day_in_several_notations(read_mapping: Any, map_row: Any, value: Any, found: Any) -> None:
    assert one(read_mapping, map_row, "day", "{column: d, formats: [yyyy/M/d, yyyyMMdd, yyyy年M月d日]}", d=value) == found


def test_a_moment_in_a_notation_of_its_own(read_mapping: Any, map_row: Any) -> None:
    rule = "{column: t, formats: [\"yyyyMMdd'T'HHmmss\", yyyy/M/d H:mm]}"
    for text in ("20261005T083000", "2026/10/5 8:30"):
        assert one(read_mapping, map_row, "begn", rule, t=text) == datetime(2026, 10, 5, 8, 30, tzinfo=SHANGHAI)
    assert "只有日期" in one(read_mapping, map_row, "begn", "{column: t, formats: [yyyy/M/d]}", t="2026/10/5")


def test_a_day_that_two_notations_read_differently_is_not_guessed(read_mapping: Any, map_row: Any) -> None:
    rule = "{column: d, formats: [M/d/yyyy, d/M/yyyy]}"
    assert one(read_mapping, map_row, "day", rule, d="10/25/2026") == date(2026, 10, 25)
    assert one(read_mapping, map_row, "day", rule, d="5/5/2026") == date(2026, 5, 5)
    assert "不能确定是哪一天" in one(read_mapping, map_row, "day", rule, d="10/5/2026")


WORDS = ["-", "0000-00-00", "1900-01-01", date(1900, 1, 1), datetime(1900, 1, 1), " - "]  # noqa: DTZ001
MOMENTS = ["1900-01-01 00:00:00", "1900-01-01T00:00", "1900-01-01 00:00:00.000", "0000-00-00 00:00:00"]


@pytest.mark.parametrize("value", [*WORDS, *MOMENTS])
def test_the_sites_words_for_nothing_are_nothing(read_mapping: Any, map_row: Any, value: Any) -> None:
    rule = '{column: d, empty: ["-", "0000-00-00", "1900-01-01"]}'
    assert one(read_mapping, map_row, "day", rule, d=value) is None
    assert one(read_mapping, map_row, "code", rule.replace("column: d", "column: code, blank: 未贯标"), code=value) == (
        "必填，当前为空：未贯标"
    )


def test_a_day_that_is_no_word_for_nothing_stays(read_mapping: Any, map_row: Any) -> None:
    assert one(read_mapping, map_row, "day", '{column: d, empty: ["1900-01-01"]}', d="1900-01-02") == date(1900, 1, 2)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("65.5kg", Decimal("65.5")),
        ("65.5 kg ", Decimal("65.5")),
        ("65500g", Decimal("65.500")),
        ("131斤", Decimal("65.5")),
        (65.5, Decimal("65.5")),
        ("65.5", Decimal("65.5")),
        ("1,234.5 kg", Decimal("1234.5")),
        ("６５．５kg", Decimal("65.5")),
        ("１，０００g", Decimal(1)),
        ("12,34kg", "无法读懂：应为数值，可带单位"),
        ("1,2345", "无法读懂：应为数值，可带单位"),
        ("65.5磅", "无法读懂：单位应为 （不写单位）、kg、g、斤 之一"),
        ("约65kg", "无法读懂：应为数值，可带单位"),
        ("-", "无法读懂：应为数值，可带单位"),
    ],
)
def test_numbers_with_units(read_mapping: Any, map_row: Any, value: Any, found: Any) -> None:
    rule = '{column: w, units: {"": "1", kg: "1", g: "0.001", 斤: "0.5"}}'
    assert one(read_mapping, map_row, "count", rule, w=value) == found


def test_a_unit_can_be_converted_where_none_is_written(read_mapping: Any, map_row: Any) -> None:
    assert one(read_mapping, map_row, "count", '{column: w, units: {"": "0.001"}}', w=2500) == Decimal("2.5")


@pytest.mark.parametrize(
    ("kind", "number", "found"),
    [
        ("销售", 3, Decimal(3)),
        ("销售", -3, Decimal(3)),
        ("退货", 3, Decimal(-3)),
        ("退货", -3, Decimal(-3)),
        ("盘点", 3, "无法读懂：单据类型 盘点（k）没有说明是加还是减"),
        (None, 3, "无法读懂：单据类型 为空（k）没有说明是加还是减"),
    ],
)
def test_the_kind_of_document_gives_the_sign(read_mapping: Any, map_row: Any, kind: Any, number: int, found: Any) -> None:
    assert one(read_mapping, map_row, "count", "{column: q, sign: {by: k, plus: [销售], minus: [退货]}}", q=number, k=kind) == found


def test_a_quantity_is_the_product_of_two_columns(read_mapping: Any, map_row: Any) -> None:
    rule = '{product: [packs, {column: size, units: {"": "1", 片: "1"}}]}'
    assert one(read_mapping, map_row, "count", rule, packs=3, size="24片") == Decimal(72)
    assert one(read_mapping, map_row, "count", rule, packs=3, size=None) == "必填，当前为空"


def test_a_number_is_made_of_two(read_mapping: Any, map_row: Any) -> None:
    rule = '{joined: [register, line], with: "-"}'
    assert one(read_mapping, map_row, "id", rule, register="A7", line=Decimal("2.0")) == "A7-2"
    assert one(read_mapping, map_row, "id", rule, register="A7", line=None) == "必填，当前为空"


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ('{"vital": {"weights": [65.50, 64]}}', Decimal("65.50")),
        ({"vital": {"weights": ["65.5"]}}, Decimal("65.5")),
        (b'{"vital": {"weights": [1]}}', Decimal(1)),
        ('{"vital": {}}', "必填，当前为空"),
        ('{"vital": {"weights": [null]}}', "必填，当前为空"),
        ('{"vital": {"weights": [[1]]}}', "无法读懂：JSON 的 vital.weights.0 处不是单个值"),
        ('{"vital": {"weights"', "无法读懂：不是完整的 JSON"),
        ("[" * 100_000, "无法读懂：不是完整的 JSON"),
        (7, "无法读懂：应为 JSON"),
        (None, "必填，当前为空"),
    ],
)
def test_a_value_inside_json(read_mapping: Any, map_row: Any, value: Any, found: Any) -> None:
    assert one(read_mapping, map_row, "count", "{json: info, at: vital.weights.0}", info=value) == found


def test_a_number_in_json_loses_nothing(read_mapping: Any, map_row: Any) -> None:
    text = '{"n": 12345678901.2345}'
    assert one(read_mapping, map_row, "count", "{json: info, at: n}", info=text) == Decimal("12345678901.2345")


def test_the_shift_tells_the_clock(read_mapping: Any, map_row: Any) -> None:
    rule = '{date: {column: d, formats: [yyyy/M/d]}, time: {column: s, codes: {"1": "07:30", "2": "12:30"}}}'
    assert one(read_mapping, map_row, "begn", rule, d="2026/10/5", s=2) == datetime(2026, 10, 5, 12, 30, tzinfo=SHANGHAI)
    assert one(read_mapping, map_row, "begn", rule, d="2026/10/5", s=3) == "无法读懂：本地代码 3 没有对照"
    assert one(read_mapping, map_row, "begn", rule, d="2026/10/5", s=None) is None


def test_a_clock_may_stand_in_json_beside_a_day_in_a_column(read_mapping: Any, map_row: Any) -> None:
    rule = "{date: d, time: {json: info, at: start}}"
    found = one(read_mapping, map_row, "begn", rule, d=date(2026, 10, 5), info='{"start": "08:05"}')
    assert found == datetime.combine(date(2026, 10, 5), time(8, 5), SHANGHAI)


def test_the_site_declares_which_column_is_meant(read_mapping: Any, map_row: Any) -> None:
    rule = "{declared: counts, as: {packs: a, pieces: b}}"
    assert one(read_mapping, map_row, "count", rule, {"counts": "pieces"}, a=3, b=72) == Decimal(72)
    assert one(read_mapping, map_row, "count", rule, {"counts": "packs"}, a=3, b=72) == Decimal(3)
    assert one(read_mapping, map_row, "count", rule, a=3, b=72) == "：站点尚未声明 counts（packs、pieces 之一）"


def test_rows_of_another_tenant_are_excluded_and_undeclared_is_told(read_mapping: Any, map_row: Any) -> None:
    mapping = read_mapping("exclude: [{column: tenant, differs_from: counts, reason: 别家的行}]")
    states = [map_row(mapping, {"counts": "7"}, tenant=tenant).state.name for tenant in (7, "7", 8, None)]
    assert states == ["READY", "READY", "EXCLUDED", "EXCLUDED"]
    assert "是否属于“别家的行”不能确定：站点尚未声明 counts" in map_row(mapping, tenant=7).faults[0].message


def test_rows_of_one_kind_are_named_by_what_the_site_declared(read_mapping: Any, map_row: Any) -> None:
    mapping = read_mapping("exclude: [{column: store, same_as: counts, reason: 自用库房}]")
    assert [map_row(mapping, {"counts": "9"}, store=store).state.name for store in (9, 1)] == ["EXCLUDED", "READY"]


@pytest.mark.parametrize(
    ("pattern", "fault"),
    [
        ("yyyy-MM-dd", ""),
        ("yyyy年M月d日 H时m分", ""),
        ("yyyyMMdd'T'HHmmss", ""),
        ("yy-MM-dd", "不认识 y"),
        ("yyyy-MM", "须有年、月、日"),
        ("yyyy-MM-dd dd", "同一部分写了两次"),
        ("YYYY-MM-dd", "不认识 Y"),
    ],
)
def test_a_notation_that_cannot_be_used_is_told(pattern: str, fault: str) -> None:
    assert unusable(pattern).startswith(fault) and bool(fault) is bool(unusable(pattern))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"title": "{column: t, formats: [yyyy-MM-dd]}"}, "只用于日期和日期时间字段"),
        ({"day": "{column: t, formats: [yy-MM-dd]}"}, "日期格式 yy-MM-dd 用不了：不认识 y"),
        ({"title": '{column: t, units: {kg: "1"}}'}, "只用于数值字段"),
        ({"count": '{column: t, units: {kg: "0"}}'}, "应为加引号的正数"),
        ({"count": '{column: t, units: {kg: "一"}}'}, "应为加引号的正数"),
        ({"count": "{column: t, sign: {by: k, plus: [a], minus: [a]}}"}, "a 既写在 plus 又写在 minus"),
        ({"count": "{column: t, sign: {plus: [a]}}"}, "缺少必填的键"),
        ({"count": "{product: []}"}, "至少写一项"),
        ({"count": "{product: [7]}"}, "第 1 项应为列名或键值表"),
        ({"id": "{joined: [a, b]}"}, "joined 与 with 须一起写"),
        ({"id": "{json: a}"}, "json 与 at 须一起写"),
        ({"id": "{column: a, as_of: d}"}, "as_of 只与 catalogue 一起写"),
        ({"count": "{declared: nothing, as: {a: b}}"}, "没有 nothing"),
        ({"begn": "{date: 7, time: t}"}, "应为列名或键值表"),
        ({"begn": "{date: {column: d, zone: UTC}, time: t}"}, "不认识的键"),
    ],
)
def test_a_mistake_is_told_with_its_file(read_mapping: Any, fields: dict[str, str], sentence: str) -> None:
    with pytest.raises(SpecError) as refusal:
        read_mapping(**fields)
    assert sentence in str(refusal.value) and "T1.yaml" in str(refusal.value)


SPAN = {"begn": "{date: d, time: s}", "ended": "{date: d, time: e, next_day_if_before: begn}"}


@pytest.mark.parametrize(
    ("start", "end", "found"),
    [
        ("08:00", "12:00:59", Decimal(240)),
        ("22:00", "02:00", Decimal(240)),
        ("08:00", "08:00", Decimal(0)),
        (None, "12:00", "必填，当前为空"),
        ("8点", "12:00", "无法读懂：要由开始时间算，而它无法读懂"),
    ],
)
def test_a_duration_is_told_by_the_two_moments_as_their_own_rules_read_them(
    read_mapping: Any, map_row: Any, start: Any, end: Any, found: Any
) -> None:
    mapping = read_mapping(**SPAN, count="{minutes: [begn, ended]}")
    row = map_row(mapping, d="2026-10-05", s=start, e=end)
    faults = {fault.field: fault.message.partition("）")[2] for fault in row.faults}
    assert (faults["count"] if "count" in faults else row.values["count"]) == found
    assert set(mapping.origin_of("count")) == {"d", "s", "e"}


def test_a_duration_does_not_run_backwards_unless_the_end_may_lie_on_the_next_day(read_mapping: Any, map_row: Any) -> None:
    mapping = read_mapping(begn="{column: s}", ended="{column: e}", count="{minutes: [begn, ended]}")
    row = map_row(mapping, s="2026-10-05 08:00", e="2026-10-05 07:59")
    assert [fault.message for fault in row.faults] == ["数量（count）无法读懂：结束时间早于开始时间"]


@pytest.mark.parametrize(
    ("rules", "sentence"),
    [
        ({"count": "{minutes: [begn, ended]}"}, "begn 没有写在 fields 里"),
        ({"begn": "{column: s}", "count": "{minutes: [begn]}"}, "先开始，后结束"),
        ({"begn": "{column: s}", "count": "{minutes: [begn, day]}"}, "day 不是日期时间字段"),
        ({"begn": "{column: s}", "count": "{minutes: [begn, endet]}"}, "没有字段 endet，是否想写 ended"),
        ({**SPAN, "title": "{minutes: [begn, ended]}"}, "只用于数值字段"),
        ({**SPAN, "count": "{product: [n, {minutes: [begn, ended]}]}"}, "minutes"),
        ({**SPAN, "count": "{minutes: [ended, begn]}"}, "只能写在结束上"),
    ],
)
def test_a_duration_of_what_is_no_moment_of_the_record_is_refused(read_mapping: Any, rules: dict[str, str], sentence: str) -> None:
    with pytest.raises(SpecError, match=sentence):
        read_mapping(**rules)


def test_what_nobody_sees_in_the_words_of_a_mapping_keeps_no_value_from_meeting_them(read_mapping: Any, map_row: Any) -> None:
    """As an editor pastes them from a page or a mail."""
    rules = 'exclude:\n  - {column: s, in: ["\u200b9"], reason: 已取消}'
    mapping = read_mapping(rules, title='{column: t, codes: {"1\u200b": 甲, "2 ": 乙}, empty: ["\ufeff-"]}')
    assert [map_row(mapping, t=text, s="1").values.get("title") for text in ("1", "2", "-")] == ["甲", "乙", None]
    assert map_row(mapping, t="1", s="9").state is RowState.EXCLUDED
    with pytest.raises(SpecError, match="对照还不一样"):
        read_mapping(title='{column: t, codes: {"1": 甲, "1 ": 乙}}')
