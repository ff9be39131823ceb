"""The difference of two editions is told as work: what must change, what to look at, what the gateway does by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from schemas import difference, fake, loader, overlay
from schemas.difference import Change, Weight
from schemas.model import (
    CodeTable,
    Condition,
    DayOff,
    Edition,
    Empty,
    Encoding,
    Extra,
    Field,
    FieldType,
    Node,
    Replay,
    Severity,
    Success,
)

YUNXI = Path(__file__).parent / "overlays" / "yunxi.yaml"


def _with(edition: Edition, **changes: Any) -> Edition:
    """The edition with its one data set T1 changed."""
    return replace(edition, datasets={"T1": replace(edition.datasets["T1"], **changes)})


def _fields(edition: Edition, fields: tuple[Field, ...]) -> Edition:
    return _with(edition, input=(replace(edition.datasets["T1"].input[0], fields=fields),))


def _changed(edition: Edition, name: str, /, **changes: Any) -> Edition:
    specs = edition.datasets["T1"].fields
    return _fields(edition, tuple(replace(spec, **changes) if spec.name == name else spec for spec in specs))


def _without(edition: Edition, name: str) -> Edition:
    return _fields(edition, tuple(spec for spec in edition.datasets["T1"].fields if spec.name != name))


def _added(edition: Edition, **changes: Any) -> Edition:
    spec = replace(edition.datasets["T1"].field("rx_id"), **{"name": "ward", "label": "病区", "required": False, **changes})
    return _fields(edition, (*edition.datasets["T1"].fields, spec))


def _codes(edition: Edition, **changes: Any) -> Edition:
    return replace(edition, codes={"shift": replace(edition.codes["shift"], **changes)})


def _table(edition: Edition) -> Edition:
    table = CodeTable("new", "新表", {"1": "一"}, edition.source)
    return replace(_changed(edition, "rx_id", codes="new"), codes={**edition.codes, "new": table})


def _child(edition: Edition) -> Edition:
    (first, second) = edition.datasets["T1"].field("drugs").fields
    return _changed(edition, "drugs", fields=(first, replace(second, required=True)))


#: what is changed; how pressing it is; part of the sentence
CASES: dict[str, tuple[Callable[[Edition], Edition], Weight, str]] = {
    "required field added": (lambda e: _added(e, required=True), Weight.MUST, "新增必填字段 病区（ward）：映射须补上（C 8）"),
    "conditional field added": (
        lambda e: _added(e, required_if=Condition("shift", ("3",))),
        Weight.MUST,
        "新增字段 病区（ward），在 shift 为 3 时必填",
    ),
    "optional field added": (_added, Weight.LOOK, "新增选填字段 病区（ward）"),
    "field removed": (lambda e: _without(e, "cnt"), Weight.MUST, "去掉字段 数量（cnt）：再报会被拒收"),
    "field removed but let through": (
        lambda e: replace(_without(e, "cnt"), style=replace(e.style, extra=Extra.KEEP)),
        Weight.LOOK,
        "去掉字段 数量（cnt）：再报也放行",
    ),
    "field renamed, by its label": (lambda e: _changed(e, "cnt", name="amount"), Weight.MUST, "字段 数量（cnt）改名为 amount"),
    "field renamed, by its alias": (
        lambda e: _changed(e, "cnt", name="amount", label="总量", aliases=("cnt",)),
        Weight.MUST,
        "字段 数量（cnt）改名为 amount",
    ),
    "newly required": (lambda e: _changed(e, "cnt", required=True), Weight.MUST, "数量（cnt）改为必填"),
    "no longer required": (lambda e: _changed(e, "rx_id", required=False), Weight.NONE, "处方号（rx_id）不再必填"),
    "condition changed": (
        lambda e: _changed(e, "reason", required_if=Condition("shift", ("1", "3"))),
        Weight.MUST,
        "改为在 shift 为 1、3 时必填",
    ),
    "condition dropped": (lambda e: _changed(e, "reason", required_if=None), Weight.NONE, "不再在 shift 为 3 时必填"),
    "shorter": (lambda e: _changed(e, "rx_id", length=4), Weight.MUST, "长度由 8 缩短到 4：超长会被拒收"),
    "shorter, only told": (
        lambda e: _changed(e, "rx_id", length=4, length_severity=Severity.WARN),
        Weight.LOOK,
        "长度由 8 缩短到 4，超长只提醒",
    ),
    "label": (lambda e: _changed(e, "drugs", label="药"), Weight.LOOK, "中文名称由“药品”改为“药”"),
    "longer": (lambda e: _changed(e, "rx_id", length=20), Weight.NONE, "长度由 8 放宽到 20"),
    "more decimals for the same digits": (lambda e: _changed(e, "cnt", scale=4), Weight.MUST, "长度由 6,2 缩短到 6,4"),
    "more digits": (lambda e: _changed(e, "cnt", length=8, scale=3), Weight.NONE, "长度由 6,2 放宽到 8,3"),
    "type": (lambda e: _changed(e, "rx_date", type=FieldType.DATETIME), Weight.MUST, "类型由 D 改为 DT"),
    "smallest value": (lambda e: _changed(e, "cnt", least=Decimal(1)), Weight.MUST, "改为不得小于 1"),
    "blank refused": (lambda e: _changed(e, "line_no", blank_allowed=False), Weight.MUST, "不再接受空文本"),
    "code removed": (lambda e: _codes(e, values={"1": "上午"}), Weight.MUST, "代码表《班次》去掉 3 夜间：再报会被拒收"),
    "code added": (
        lambda e: _codes(e, values={"1": "上午", "2": "下午", "3": "夜间"}),
        Weight.LOOK,
        "班次（shift）的代码表《班次》增加 2 下午",
    ),
    "code redefined": (lambda e: _codes(e, values={"1": "早", "3": "夜间"}), Weight.MUST, "改了含义：1 由“上午”改为“早”"),
    "code written otherwise": (lambda e: _codes(e, on_wire={"1": "A"}), Weight.NONE, "换了写法，网关自动换写"),
    "codes where none were": (_table, Weight.MUST, "改为只能取代码表《新表》的代码"),
    "free where codes were": (lambda e: _changed(e, "shift", codes=None), Weight.NONE, "不再限于代码表《班次》"),
    "child field": (_child, Weight.MUST, "药品（drugs）的子字段：剂量（dose）改为必填"),
    "name on the wire": (lambda e: _changed(e, "cnt", wire_name="CNT"), Weight.NONE, "在报文中写作 CNT，网关自动换写"),
    "meaning": (lambda e: _changed(e, "cnt", meaning="按盒"), Weight.LOOK, "的说明改为：按盒"),
    "key": (lambda e: _with(e, key=("rx_id",)), Weight.MUST, "主键由 rx_id、line_no 改为 rx_id"),
    "business time": (lambda e: _with(e, occurred="rx_date"), Weight.MUST, "业务时间由 rx_time 改为 rx_date"),
    "replay": (lambda e: _with(e, replay=Replay.PERSON), Weight.LOOK, "结果不明时的处理由 resend 改为 person"),
    "batch": (lambda e: _with(e, batch=9), Weight.NONE, "一次最多条数由 3 改为 9"),
    "number": (lambda e: _with(e, infno="T9"), Weight.NONE, "交易编号由 T1 改为 T9"),
    "node": (
        lambda e: _with(e, input=(replace(e.datasets["T1"].input[0], name="rows"),)),
        Weight.NONE,
        "报送节点由 data 改为 rows",
    ),
    "encoding": (
        lambda e: _with(e, input=(replace(e.datasets["T1"].input[0], encoding=Encoding.JSON_TEXT),)),
        Weight.NONE,
        "节点写法由 array 改为 json_text",
    ),
    "success": (lambda e: _with(e, success=(Success("infcode", ("1",)),)), Weight.NONE, "判断成功的条件变了"),
    "style": (lambda e: replace(e, style=replace(e.style, empty=Empty.NULL)), Weight.NONE, "报文的写法"),
    "data set gone": (lambda e: replace(e, datasets={}), Weight.MUST, "新版没有这个数据集或交易，须停止报送"),
    "common field": (
        lambda e: replace(e, common=(*e.common, replace(e.common[0], name="area", label="乡镇"))),
        Weight.MUST,
        "新增必填字段 乡镇（area）",
    ),
    "header field": (
        lambda e: replace(e, header=(replace(e.header[0], length=4),)),
        Weight.LOOK,
        "报文头：交易编号（infno）长度由 6 缩短到 4",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_change_is_told_as_pressing_as_it_is(edition: Edition, case: str) -> None:
    change, weight, sentence = CASES[case]
    found = difference.changes(edition, change(edition))
    told = [each for each in found if sentence in each.sentence]
    assert [each.weight for each in told] == [weight], found


@pytest.mark.parametrize("case", sorted(set(CASES) - {"data set gone"}))
def test_the_site_has_no_more_duties_than_the_change_brings(edition: Edition, case: str) -> None:
    change, weight, _ = CASES[case]
    pressing = [each for each in difference.changes(edition, change(edition)) if each.weight is Weight.MUST]
    assert len(pressing) == (weight is Weight.MUST)


def test_an_edition_does_not_differ_from_itself(edition: Edition) -> None:
    assert difference.changes(edition, edition) == ()
    assert difference.lines(()) == ()


def test_a_tighter_deadline_is_a_duty_and_a_wider_one_is_not(edition: Edition) -> None:
    cadence = edition.cadences["realtime"]
    for minutes, weight in ((5, Weight.MUST), (60, Weight.LOOK)):
        new = replace(edition, cadences={"realtime": replace(cadence, minutes=minutes, label=f"{minutes} 分钟")})
        (change,) = difference.changes(edition, new)
        assert change.weight is weight
        assert change.sentence.startswith(f"报送频次由实时改为{minutes} 分钟")


def test_days_that_are_counted_now_are_a_duty_and_days_left_out_now_are_not(edition: Edition) -> None:
    every, working = (replace(edition.cadences["realtime"], minutes=None, days=2, skip=skip) for skip in ((), (DayOff.REST,)))
    one, other = (replace(edition, cadences={"realtime": each}) for each in (every, working))
    assert [each.weight for each in difference.changes(one, other)] == [Weight.LOOK]
    assert [each.weight for each in difference.changes(other, one)] == [Weight.MUST]


def test_a_new_data_set_is_a_duty_and_a_new_called_transaction_is_not(edition: Edition) -> None:
    called = replace(edition.datasets["T1"], code="T2", key=(), cadence="", occurred="")
    upload = replace(edition.datasets["T1"], code="T3")
    found = difference.changes(edition, replace(edition, datasets={**edition.datasets, "T2": called, "T3": upload}))
    assert [(each.dataset, each.weight) for each in found] == [("T3", Weight.MUST), ("T2", Weight.LOOK)]


def test_a_renamed_node_of_a_called_transaction_is_found_by_its_place(edition: Edition) -> None:
    called = replace(edition.datasets["T1"], key=(), cadence="", occurred="")
    old = replace(edition, datasets={"T1": called})
    node = called.input[0]
    renamed = replace(old, datasets={"T1": replace(called, input=(Node("Data", node.fields[1:], node.encoding),))})
    told = {each.sentence: each.weight for each in difference.changes(old, renamed)}
    assert told["节点 data（array）改为 Data（array）"] is Weight.NONE
    assert told["节点 data：去掉字段 处方号（rx_id）：再报会被拒收，请从映射中去掉"] is Weight.LOOK


def test_the_lines_stand_under_their_data_set_most_pressing_first(reference: Edition) -> None:
    told = difference.lines(difference.changes(reference, overlay.load("jilin")))
    start = told.index("3505 商品销售")
    assert [line.strip()[:5] for line in told[start + 1 : start + 7]] == ["〔必须改〕"] * 4 + ["〔建议看〕", "〔不影响〕"]
    assert "  〔必须改〕有效期止（expy_end）改为必填：逐行都要有值" in told


def test_what_the_gateway_does_by_itself_is_cut_short(reference: Edition) -> None:
    told = difference.lines(difference.changes(reference, overlay.load(YUNXI)))
    start = told.index("HD01 血透开方信息")
    block = told[start + 1 : start + 7]
    assert all(line.startswith("  〔不影响〕") for line in block)
    assert block[-1].endswith("处，多为报文写法，网关自动照办")


def test_no_change_carries_what_it_is_not(reference: Edition) -> None:
    for change in difference.changes(reference, overlay.load(YUNXI)):
        assert isinstance(change, Change)
        assert change.sentence
        assert change.dataset in {"", *reference.datasets, "YX01"}


def test_the_records_that_the_new_edition_refuses_are_counted_by_reason(reference: Edition) -> None:
    records = [("3505", record) for record in fake.valid(reference, "3505", 1, 60)]
    lacking = {name: sum(name not in each for _, each in records) for name in ("expy_end", "rx_circ_flag")}
    found = difference.rejected_now(reference, overlay.load("jilin"), records)
    counted = {(each.field, each.rule): each.count for each in found}
    assert counted[("expy_end", "required")] == lacking["expy_end"] > 0
    assert counted[("rx_circ_flag", "required")] == lacking["rx_circ_flag"] > 0
    assert {each.dataset for each in found} == {"3505"}
    assert "有效期止（expy_end）必填，当前为空" in {each.sentence for each in found}


def test_the_same_fault_in_several_rows_counts_once_a_record(edition: Edition, record: Callable[..., dict[str, Any]]) -> None:
    new = _child(edition)
    records = [("T1", record(rx_id=f"RX{n}", drugs=[{"drug_codg": "A"}, {"drug_codg": "B"}])) for n in range(3)]
    (found,) = difference.rejected_now(edition, new, records)
    assert (found.field, found.rule, found.count) == ("drugs[].dose", "required", 3)


def test_a_record_that_was_never_valid_is_not_counted(edition: Edition, record: Callable[..., dict[str, Any]]) -> None:
    assert difference.rejected_now(edition, _changed(edition, "cnt", required=True), [("T1", record(rx_id=None))]) == ()


def test_records_of_a_data_set_that_is_gone_are_told(edition: Edition, record: Callable[..., dict[str, Any]]) -> None:
    (found,) = difference.rejected_now(edition, replace(edition, datasets={}), [("T1", record())])
    assert (found.rule, found.sentence) == ("dataset", "新版没有数据集 T1")


def test_two_loads_of_the_same_folder_do_not_differ(folder: Path) -> None:
    assert difference.changes(loader.load(folder), loader.load(folder)) == ()
