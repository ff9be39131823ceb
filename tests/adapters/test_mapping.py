"""One row in, one SourceRow out: values, states and every kind of fault."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters import mappingfile
from adapters.catalogue import Catalogue, Entry
from adapters.origins import SiteFacts
from gateway.model import Cursor, RowState, SourceRow
from schemas.model import Edition
from schemas.wire import SHANGHAI

ROW = {"row_ref": 7, "cursor_key": 7, "id": 7, "count": 2, "code": "X1"}


def told(row: SourceRow) -> list[tuple[str, str, str]]:
    return [(fault.field, fault.rule, fault.message) for fault in row.faults]


def test_a_row_is_mapped_with_its_reference_and_institution(read_mapping: Any, map_row: Any) -> None:
    row = map_row(read_mapping(day="{column: d}"), d=date(2026, 10, 5), entered_at="2026-10-05 08:00:00")
    assert (row.ref, row.institution, row.state, row.faults) == ("7", "H1", RowState.READY, ())
    assert row.values == {"id": "7", "count": Decimal(2), "code": "X1", "day": date(2026, 10, 5), "lot": ""}
    assert row.entered_at == datetime(2026, 10, 5, 8, tzinfo=SHANGHAI)


def test_the_institution_may_be_a_column_of_the_data(read_mapping: Any) -> None:
    facts = SiteFacts("H1", others=frozenset({"H2"}))
    for code, institution in (("H2", "H2"), ("H1", "H1"), (" H2 ", "H2")):
        row = read_mapping().source_row({**ROW, "fixmedins_code": code}, Cursor(None, 7), facts)
        assert (row.institution, row.faults) == (institution, ())


@pytest.mark.parametrize("others", [(), ("H1",)])
def test_a_row_without_a_code_is_the_sources_where_it_is_of_one_institution(read_mapping: Any, others: tuple[str, ...]) -> None:
    for more in ({}, {"fixmedins_code": None}, {"fixmedins_code": ""}):
        row = read_mapping().source_row({**ROW, **more}, Cursor(None, 7), SiteFacts("H1", others=frozenset(others)))
        assert (row.institution, row.faults) == ("H1", ())


def test_a_row_without_a_code_is_nobodys_where_several_institutions_share_the_database(read_mapping: Any) -> None:
    """On both paths: a patient of the second clinic would be reported as the first one's."""
    mapping, cursor, facts = read_mapping(), Cursor(None, 7), SiteFacts("H1", others=frozenset({"H1", "H2"}))
    for more in ({}, {"fixmedins_code": None}, {"fixmedins_code": " "}):
        row = {**ROW, **more}
        for found in (mapping.source_row(row, cursor, facts), mapping.ready_row(row, cursor, facts, {})):
            assert [(fault.field, fault.rule) for fault in found.faults] == [("fixmedins_code", "institution")]
            assert "本行没有机构编号" in found.faults[0].message


def test_a_row_of_an_institution_that_the_site_did_not_name_is_faulty_and_stays_the_sources(read_mapping: Any) -> None:
    """On both paths: it would be sent for the wrong institution, or by nobody."""
    row, cursor, facts = {**ROW, "fixmedins_code": "H3"}, Cursor(None, 7), SiteFacts("H1", others=frozenset({"H2"}))
    mapping = read_mapping()
    for found in (mapping.source_row(row, cursor, facts), mapping.ready_row(row, cursor, facts, {})):
        assert found.institution == "H1"
        assert [(fault.field, fault.rule) for fault in found.faults] == [("fixmedins_code", "institution")]
        assert found.faults[0].message == "本行的机构编号（fixmedins_code）是 H3，不是本来源所配置的 H1，不能替它报送"


def test_every_fault_of_a_row_is_told_at_once(read_mapping: Any, map_row: Any) -> None:
    mapping = read_mapping(shift='{column: s, codes: {am: "1"}}', code="{column: code, blank: 无医保码}")
    assert told(map_row(mapping, s="night", count="2盒", code=" ")) == [
        ("shift", "unmapped_code", "班次（shift）本地代码 night 没有对照"),
        ("count", "unreadable", "数量（count）无法读懂：应为数值，不能带单位或其他文字"),
        ("code", "required", "医保码（code）必填，当前为空：无医保码"),
    ]


def test_an_empty_optional_field_is_left_out(read_mapping: Any, map_row: Any) -> None:
    row = map_row(read_mapping(title="{column: t}", day="{column: d}", begn="{constant: item_code}"), t="NULL", d=None)
    assert row.faults == ()
    assert not {"title", "day", "begn"} & row.values.keys()


def test_a_required_text_that_may_be_blank_is_sent_blank(read_mapping: Any, map_row: Any) -> None:
    assert map_row(read_mapping("absent: {}", lot="{column: l}"), l=None).values["lot"] == ""


def test_a_required_field_the_product_lacks_is_told_with_the_declared_reason(
    edition: Edition, tmp_path: Path, map_row: Any
) -> None:
    path = tmp_path / "T1.yaml"
    text = "dataset: T1\nfields: {id: {column: id}, count: {column: count}}\nabsent: {code: 本系统没有医保码, lot: 没有}\n"
    path.write_text(text, encoding="utf-8")
    row = map_row(mappingfile.read(path, edition, "T1"))
    assert told(row) == [("code", "absent", "医保码（code）必填，但本系统没有：本系统没有医保码")]


def test_an_undeclared_constant_is_named_to_the_clerk(read_mapping: Any, map_row: Any) -> None:
    mapping = read_mapping(code="{constant: item_code}")
    assert told(map_row(mapping)) == [("code", "undeclared", "医保码（code）：站点尚未声明 item_code")]
    assert map_row(mapping, {"item_code": "X9"}).values["code"] == "X9"


CATALOGUE = Catalogue("c.csv", "bar", frozenset({"bar", "code"}), {"1": {"bar": "1", "code": "X1"}, "2": {"bar": "2", "code": ""}})


@pytest.mark.parametrize(
    ("catalogue", "bar", "take", "reason"),
    [
        (None, "1", "code", "站点尚未提供按 bar 查的目录对照表"),
        (CATALOGUE, "1", "lot", "目录对照表没有列 lot"),
        (CATALOGUE, "", "code", "本行没有 bar，不能查目录对照表"),
        (CATALOGUE, "9", "code", "目录对照表中查不到本行的 bar"),
        (CATALOGUE, "2", "code", "目录对照表中这一行的 code 为空"),
    ],
)
def test_a_catalogue_that_does_not_help_says_which_step_failed(
    read_mapping: Any, map_row: Any, catalogue: Catalogue | None, bar: str, take: str, reason: str
) -> None:
    row = map_row(read_mapping(code=f"{{catalogue: bar, take: {take}}}"), {}, catalogue, bar=bar)
    assert told(row) == [("code", "catalogue", f"医保码（code）：{reason}")]


def test_a_catalogue_is_looked_up_by_the_text_of_the_column(read_mapping: Any, map_row: Any) -> None:
    row = map_row(read_mapping(code="{catalogue: bar, take: code}"), {}, CATALOGUE, bar=Decimal("1.0"))
    assert row.values["code"] == "X1"


def test_the_first_origin_with_a_value_wins_and_none_tells_all_reasons(read_mapping: Any, map_row: Any) -> None:
    mapping = read_mapping(code="{first: [own, {catalogue: bar, take: code}, {constant: item_code}]}")
    assert map_row(mapping, {"item_code": "C"}, CATALOGUE, own="O", bar="1").values["code"] == "O"
    assert map_row(mapping, {"item_code": "C"}, CATALOGUE, own="", bar="1").values["code"] == "X1"
    assert map_row(mapping, {"item_code": "C"}, CATALOGUE, own=None, bar="9").values["code"] == "C"
    assert (
        told(map_row(mapping, own="", bar="9"))[0][2] == "医保码（code）：站点尚未提供按 bar 查的目录对照表，站点尚未声明 item_code"
    )


def test_a_fixed_value_needs_no_column(read_mapping: Any, map_row: Any) -> None:
    assert map_row(read_mapping(shift='{fixed: "1", why: 只有上午}')).values["shift"] == "1"


@pytest.mark.parametrize(
    ("start", "end", "ended"),
    [
        (time(21, 7), time(1, 7), datetime(2026, 10, 20, 1, 7, tzinfo=SHANGHAI)),
        (time(7, 0), time(11, 0), datetime(2026, 10, 19, 11, 0, tzinfo=SHANGHAI)),
        (time(7, 0), time(7, 0), datetime(2026, 10, 19, 7, 0, tzinfo=SHANGHAI)),
    ],
)
def test_an_end_before_the_start_lies_on_the_next_day(
    read_mapping: Any, map_row: Any, start: time, end: time, ended: datetime
) -> None:
    mapping = read_mapping(begn="{date: d, time: s}", ended="{date: d, time: e, next_day_if_before: begn}")
    assert map_row(mapping, d=date(2026, 10, 19), s=start, e=end).values["ended"] == ended


def test_a_day_without_a_clock_is_no_moment(read_mapping: Any, map_row: Any) -> None:
    row = map_row(read_mapping(begn="{date: d, time: s}"), d=date(2026, 10, 19), s=None)
    assert "begn" not in row.values
    assert row.faults == ()


def test_half_a_moment_that_cannot_be_read_is_a_fault(read_mapping: Any, map_row: Any) -> None:
    row = map_row(read_mapping(begn="{date: d, time: s}"), d=date(2026, 10, 19), s="七点")
    assert told(row) == [("begn", "unreadable", "开始时间（begn）无法读懂：应为时间 HH:mm:ss")]


def test_naive_times_follow_the_zone_of_field_file_or_shanghai(read_mapping: Any, map_row: Any) -> None:
    mapping = read_mapping("zone: UTC", begn="{column: t}", ended="{column: t, zone: Asia/Shanghai}")
    values = map_row(mapping, t="2026-10-05 04:00:00").values
    assert values["begn"] == datetime(2026, 10, 5, 4, tzinfo=UTC)
    assert values["ended"] == datetime(2026, 10, 5, 4, tzinfo=SHANGHAI)


STATES = """
exclude: [{column: deleted, in: ["1"], reason: 已删除}]
void: [{column: status, in: [cancelled], reason: 已取消}]
not_ready: [{column: done, is: blank, reason: 尚未结束}]
"""


@pytest.mark.parametrize(
    ("deleted", "status", "done", "state", "reason"),
    [
        (1, "cancelled", None, RowState.EXCLUDED, "已删除"),
        (0, "cancelled", None, RowState.VOID, "已取消"),
        (None, None, "", RowState.NOT_READY, "尚未结束"),
        (0, "", "x", RowState.READY, ""),
    ],
)
def test_the_rules_of_the_site_say_what_a_row_is(
    read_mapping: Any, map_row: Any, deleted: Any, status: Any, done: Any, state: RowState, reason: str
) -> None:
    row = map_row(read_mapping(STATES), deleted=deleted, status=status, done=done, count="unreadable")
    assert (row.state, row.reason) == (state, reason)
    assert bool(row.faults) is (state is RowState.READY)
    assert row.values["id"] == "7"


@pytest.mark.parametrize(
    ("test", "value", "met"),
    [
        ("not_in: [a]", "b", True),
        ("not_in: [a]", "a", False),
        ("not_in: [a]", None, True),
        ("is: present", "b", True),
        ("is: present", " ", False),
        ("in: ['true']", True, True),
        ("in: ['']", None, True),
    ],
)
def test_conditions_read_as_they_are_written(read_mapping: Any, map_row: Any, test: str, value: Any, met: bool) -> None:
    mapping = read_mapping(f"exclude: [{{column: c, {test}, reason: 排除}}]")
    assert (map_row(mapping, c=value).state is RowState.EXCLUDED) is met


def test_a_condition_that_cannot_be_read_is_a_fault_not_a_guess(read_mapping: Any, map_row: Any) -> None:
    row = map_row(read_mapping("exclude: [{column: c, in: [a], reason: 排除}]"), c=[1])
    assert told(row) == [("excluded", "unreadable", "是否属于“排除”不能确定：c 无法读懂：应为文本或数字")]


COUNTS = """
not_ready: [{all: [{column: status, in: ["0"]}, {constant: counts, in: ["no"]}], reason: 未审核}]
"""


def test_what_the_site_has_not_said_is_asked_only_of_rows_it_concerns(read_mapping: Any, map_row: Any) -> None:
    mapping = read_mapping(COUNTS)
    assert map_row(mapping, {"counts": "no"}, status="0").state is RowState.NOT_READY
    assert map_row(mapping, {"counts": "yes"}, status="0").faults == ()
    assert map_row(mapping, status="1").faults == ()
    assert told(map_row(mapping, status="0")) == [("not_ready", "undeclared", "是否属于“未审核”不能确定：站点尚未声明 counts")]


HEAD = "heads: [{column: drug, reason: 药品在目录中查不到, explains: [code, title]}]"


def test_a_missing_joined_row_is_told_instead_of_its_symptoms(read_mapping: Any, map_row: Any) -> None:
    mapping = read_mapping(HEAD, title="{column: t}")
    assert told(map_row(mapping, drug=None, code=None, t=None)) == [("code", "head", "医保码（code）为空：药品在目录中查不到")]
    assert map_row(mapping, drug=1, t="甲").faults == ()


def test_a_missing_joined_row_is_told_even_if_only_optional_fields_suffer(read_mapping: Any, map_row: Any) -> None:
    mapping = read_mapping("heads: [{column: drug, reason: 查不到, explains: [title]}]", title="{column: t}")
    assert told(map_row(mapping, drug=None, t=None)) == [("title", "head", "名称（title）为空：查不到")]


def test_an_entry_time_that_cannot_be_read_is_a_fault(read_mapping: Any, map_row: Any) -> None:
    assert [rule for _, rule, _ in told(map_row(read_mapping(), entered_at="昨天"))] == ["unreadable"]


@pytest.mark.parametrize("moment", [datetime(9999, 12, 31, 23), "9999-12-31 23:00:00"])  # noqa: DTZ001  as drivers give it
def test_a_moment_past_the_end_of_the_calendar_is_a_fault_not_a_crash(read_mapping: Any, map_row: Any, moment: Any) -> None:
    mapping = read_mapping("zone: UTC", begn="{column: t}")
    row = map_row(mapping, t=moment, entered_at=moment)
    assert [(name, rule) for name, rule, _ in told(row)] == [("begn", "unreadable"), ("entered_at", "unreadable")]


def test_no_fault_carries_the_value_at_fault(read_mapping: Any, map_row: Any) -> None:
    mapping = read_mapping(begn="{column: t}", day="{column: d}", title="{column: n}")
    row = map_row(mapping, count="Secret1", t="Secret2", d="Secret3", n=[b"Secret4"])
    assert len(row.faults) == 4
    assert not any("Secret" in fault.message for fault in row.faults)


def test_a_last_day_without_a_next_is_a_fault_not_a_crash(read_mapping: Any, map_row: Any) -> None:
    mapping = read_mapping(begn="{date: d, time: s}", ended="{date: d, time: e, next_day_if_before: begn}")
    row = map_row(mapping, d=date(9999, 12, 31), s=time(22), e=time(2))
    assert told(row) == [("ended", "unreadable", "结束时间（ended）无法读懂：这一天没有下一天")]


SPRING, SUMMER = (
    Entry({"bar": "1", "code": "X3"}, date.min, date(2026, 3, 31)),
    Entry({"bar": "1", "code": "X4"}, date(2026, 4, 1), date.max),
)
DATED = Catalogue("c.csv", "bar", frozenset({"bar", "code"}), {}, {"1": (SPRING, SUMMER), "2": (SUMMER,)})


@pytest.mark.parametrize(
    ("bar", "day", "code"),
    [
        ("1", date(2026, 3, 31), "X3"),
        ("1", "2026-04-01 00:30:00", "X4"),
        ("2", date(2026, 3, 31), "医保码（code）：目录对照表中本行的 bar 在 2026-03-31 没有生效的一行"),
        ("3", date(2026, 3, 31), "医保码（code）：目录对照表中查不到本行的 bar"),
        ("1", None, "医保码（code）：本行没有 d，不知道该用哪一天的目录"),
    ],
)
def test_a_backfill_of_march_uses_marchs_catalogue(read_mapping: Any, map_row: Any, bar: str, day: Any, code: str) -> None:
    row = map_row(read_mapping(code="{catalogue: bar, take: code, as_of: d}"), {}, DATED, bar=bar, d=day)
    assert row.values.get("code", row.faults[0].message if row.faults else "") == code


def test_a_dated_catalogue_is_not_read_without_a_day(read_mapping: Any, map_row: Any) -> None:
    row = map_row(read_mapping(code="{catalogue: bar, take: code}"), {}, DATED, bar="1")
    assert "映射没有写按哪一列的日期查（as_of）" in row.faults[0].message
