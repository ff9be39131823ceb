"""Each kind of mistake that only the whole edition shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from schemas import lint, loader
from schemas.lint import findings
from schemas.model import CodeTable, Dataset, Edition, Encoding, Field, Form, Node, Source

Spoil = Callable[[str, str, str], Path]


def _with_dataset(edition: Edition, **changes: Any) -> Edition:
    dataset = replace(edition.datasets["T1"], **changes)
    return replace(edition, datasets={"T1": dataset})


def _with_field(edition: Edition, name: str, **changes: Any) -> Edition:
    dataset = edition.datasets["T1"]
    specs = tuple(replace(spec, **changes) if spec.name == name else spec for spec in dataset.fields)
    return _with_fields(edition, dataset, specs)


def _with_fields(edition: Edition, dataset: Dataset, specs: tuple[Field, ...]) -> Edition:
    return _with_dataset(edition, input=(replace(dataset.input[0], fields=specs),))


def test_the_small_edition_is_sound(edition: Edition) -> None:
    assert findings(edition) == ()


@pytest.mark.parametrize(
    ("file", "old", "new", "sentence"),
    [
        ("datasets/T1.yaml", "codes: shift", "codes: shifts", "T1 字段 shift：没有代码表 shifts，应有文件 codes/shifts.yaml"),
        ("datasets/T1.yaml", "codes: shift", "blank_allowed: false", "代码表 shift：没有字段使用"),
        ("datasets/T1.yaml", "name: dose", "name: drug_codg", "T1 字段 drugs：字段 drug_codg 写了两次"),
        ("datasets/T1.yaml", "name: cnt", "name: rx_date", "T1：字段 rx_date 写了两次"),
        ("datasets/T1.yaml", "cadence: realtime", "cadence: weekly", "T1：edition.yaml 中没有报送频次 weekly"),
        ("datasets/T1.yaml", "scene: 血透", "scene: 牙科", "T1：edition.yaml 中没有场景 牙科"),
        ("datasets/T1.yaml", "key: [rx_id, line_no]", "key: []", "T1：没有写主键 key"),
        ("datasets/T1.yaml", "key: [rx_id, line_no]", "key: [rx_id, lineno]", "T1：主键字段 lineno 不在字段表内"),
        ("datasets/T1.yaml", "key: [rx_id, line_no]", "key: [rx_id, cnt]", "T1：主键字段 cnt 须为必填"),
        ("datasets/T1.yaml", "occurred: rx_time", "occurred: rx_date", "T1：业务时间字段 rx_date 须为必填"),
        ("datasets/T1.yaml", "occurred: rx_time", "occurred: rxtime", "T1：业务时间字段 rxtime 不在字段表内"),
        ("datasets/T1.yaml", "occurred: rx_time", "occurred: rx_id", "T1：业务时间字段 rx_id 的类型须为 D 或 DT"),
        ("datasets/T1.yaml", "field: shift, in", "field: shifts, in", "T1 字段 reason：required_if 所指的字段 shifts 不存在"),
        ("datasets/T1.yaml", 'in: ["3"]', 'in: ["4"]', "T1 字段 reason：required_if 的取值 4 不在代码表 shift 内"),
        ("datasets/T1.yaml", 'in: ["3"]}', 'in: ["3"]}, required: true', "T1 字段 reason：required 与 required_if 只能写一个"),
        ("datasets/T1.yaml", 'in: ["3"]', "in: []", "T1 字段 reason：required_if 没有写取值 in"),
        (
            "datasets/T1.yaml",
            "type: N, length: 6, scale: 2}\n  - {name: shift",
            "type: N}\n  - {name: shift",
            "T1 字段 cnt：数值没有写总位数 length",
        ),
        (
            "datasets/T1.yaml",
            "type: N, length: 6, scale: 2}\n  - {",
            "type: N, length: 1, scale: 2}\n  - {",
            "T1 字段 cnt：小数位数 scale 大于总位数 length",
        ),
        ("datasets/T1.yaml", "type: D}", "type: D, blank_allowed: true}", "T1 字段 rx_date：只有 C 类型可以允许空文本"),
        ("datasets/T1.yaml", "type: D}", "type: D, codes: shift}", "T1 字段 rx_date：只有 C 类型可以带代码表"),
        ("datasets/T1.yaml", "type: ROWS\n", "type: C\n", "T1 字段 drugs：只有 ROWS 类型可以有子字段"),
        ("datasets/T1.yaml", "label: 处方有效期", "label: ''", "T1 字段 rx_date：没有中文名称 label"),
        ("datasets/T1.yaml", "doc: 测试文本", "doc: ''", "T1：来源 source 的 doc 和 ref 都要写明"),
        ("datasets/T1.yaml", "name: rx_date", "name: seen_at", "T1：字段 seen_at 与 common.yaml 的公共字段同名"),
        ("datasets/T1.yaml", "type: D}", "type: D, length: 10}", "T1 字段 rx_date：只有 C、N 类型可以写长度 length"),
        ("datasets/T1.yaml", "type: D}", "type: D, scale: 2}", "T1 字段 rx_date：只有 N 类型可以写小数位数 scale"),
        ("datasets/T1.yaml", "type: D}", 'type: D, least: "1"}', "T1 字段 rx_date：只有 N 类型可以写最小值 least"),
        (
            "datasets/T1.yaml",
            "type: D}",
            "type: D, length_severity: warn}",
            "T1 字段 rx_date：没有写 length，length_severity 就没有意义",
        ),
        ("datasets/T1.yaml", "type: D}", "type: D, aliases: [rx_date]}", "T1 字段 rx_date：别名 rx_date 就是它在报文中的名字"),
        (
            "datasets/T1.yaml",
            "type: D}",
            "type: D, format: yyyyMMDD}",
            "T1 字段 rx_date：日期格式 yyyyMMDD 用不了：缺少 dd",
        ),
        (
            "datasets/T1.yaml",
            "length: 8, required: true}\n  - {name: line_no",
            "length: 8, required: true, format: yyyyMMdd}\n  - {name: line_no",
            "T1 字段 rx_id：只有 D、DT 类型可以写格式 format",
        ),
        (
            "datasets/T1.yaml",
            "type: D}",
            "type: D, wire_name: cnt}",
            "T1 节点 data：字段 rx_date 与 cnt 在报文中都叫 cnt",
        ),
        (
            "datasets/T1.yaml",
            "type: D}",
            "type: D, aliases: [seen_at]}",
            "T1 节点 data：字段 seen_at 与 rx_date 在报文中都叫 seen_at",
        ),
        (
            "datasets/T1.yaml",
            "batch: 3\n",
            "batch: 3\nsuccess:\n  - {path: 'output..retRslt'}\n",
            "T1：成功条件的路径“output..retRslt”应写成用点连接的字段名，如 output.result.retRslt",
        ),
        (
            "datasets/T1.yaml",
            "batch: 3\n",
            "batch: 3\nsuccess:\n  - {path: ''}\n",
            "T1：成功条件的路径“”应写成用点连接的字段名，如 output.result.retRslt",
        ),
        (
            "datasets/T1.yaml",
            "batch: 3\n",
            'batch: 3\nforms:\n  - {infno: "T1", node: row}\n',
            "交易编号 T1 被多个数据集使用：T1、T1",
        ),
        (
            "datasets/T1.yaml",
            "batch: 3\n",
            'batch: 3\nforms:\n  - {infno: "T1A", node: row, without: [drug]}\n',
            "T1：形式 T1A 的 without 所写的字段 drug 不存在",
        ),
        (
            "datasets/T1.yaml",
            "batch: 3\n",
            'batch: 3\nforms:\n  - {infno: "T1A", node: row, without: [rx_id]}\n',
            "T1：形式 T1A 不能去掉主键字段 rx_id",
        ),
        ("datasets/T1.yaml", "batch: 3\n", "batch: 3\nalias_of: T9\n", "T1：alias_of 所指的 T9 不是另一个数据集"),
        ("datasets/T1.yaml", "batch: 3\n", "batch: 3\nalias_of: T1\n", "T1：alias_of 所指的 T1 不是另一个数据集"),
        ("codes/shift.yaml", "values:\n", 'on_wire: {"1": "3"}\nvalues:\n', "代码表 shift：on_wire 使两个代码在报文中都写作 3"),
        (
            "edition.yaml",
            "scenes:",
            "style: {date: yyyy}\nscenes:",
            "edition.yaml style 的 date：日期格式 yyyy 用不了：缺少 MM、dd",
        ),
        (
            "edition.yaml",
            "scenes:",
            "style: {datetime: yyyyMMdd}\nscenes:",
            "edition.yaml style 的 datetime：日期格式 yyyyMMdd 用不了：缺少 HH、mm、ss",
        ),
        ("codes/shift.yaml", "ref: 第一条", "ref: ' '", "代码表 shift：来源 source 的 doc 和 ref 都要写明"),
        ("common.yaml", "name: version", "name: seen_at", "common.yaml record：字段 seen_at 写了两次"),
    ],
)
def test_a_mistake_is_found(spoil: Spoil, file: str, old: str, new: str, sentence: str) -> None:
    assert sentence in findings(loader.load(spoil(file, old, new)))


def test_two_data_sets_with_one_transaction_number_are_found(edition: Edition) -> None:
    twin = replace(edition.datasets["T1"], code="T2")
    assert findings(replace(edition, datasets={**edition.datasets, "T2": twin})) == ("交易编号 T1 被多个数据集使用：T1、T2",)


def test_a_transaction_that_is_called_needs_no_key_no_cadence_and_no_scene(edition: Edition) -> None:
    assert findings(_with_dataset(edition, key=(), cadence="", occurred="", scene="")) == ()


@pytest.mark.parametrize(("left", "value"), [("cadence", "realtime"), ("occurred", "rx_time")])
def test_a_transaction_that_is_called_but_has_a_deadline_is_found(edition: Edition, left: str, value: str) -> None:
    called = {"key": (), "cadence": "", "occurred": "", left: value}
    assert "T1：没有写主键 key" in findings(_with_dataset(edition, **called))


def test_an_uploaded_record_may_belong_to_no_scene(edition: Edition) -> None:
    assert findings(_with_dataset(edition, scene="")) == ()


def test_an_uploaded_node_that_holds_one_record_only_is_found(edition: Edition) -> None:
    node = replace(edition.datasets["T1"].input[0], encoding=Encoding.OBJECT)
    assert findings(_with_dataset(edition, input=(node,))) == (
        "T1：报送的节点 data 须能放多条记录（array、json_text），否则 batch 须为 1",
    )


def test_a_node_named_twice_and_a_node_without_fields_are_found(edition: Edition) -> None:
    empty = Node("result", ())
    assert findings(_with_dataset(edition, output=(empty, empty))) == (
        "T1：节点 result 写了两次",
        *("T1：节点 result 没有字段",) * 2,
    )


def test_the_number_of_a_form_must_not_be_that_of_another_data_set(edition: Edition) -> None:
    twin = replace(edition.datasets["T1"], code="T2", infno="T2", forms=(Form("T1", "row"),))
    assert findings(replace(edition, datasets={**edition.datasets, "T2": twin})) == ("交易编号 T1 被多个数据集使用：T1、T2",)


def test_rows_without_fields_are_found(edition: Edition) -> None:
    assert findings(_with_field(edition, "drugs", fields=())) == ("T1 字段 drugs：子节点没有字段",)


def test_an_empty_code_table_is_found(edition: Edition) -> None:
    table = replace(edition.codes["shift"], values={})
    assert "代码表 shift：没有取值" in findings(replace(edition, codes={"shift": table}))


def test_a_table_used_only_by_a_child_row_counts_as_used(edition: Edition) -> None:
    dataset = edition.datasets["T1"]
    drugs = dataset.field("drugs")
    unit = CodeTable("unit", "单位", {"mg": "毫克"}, drugs.source)
    child = replace(drugs.fields[0], name="unit", codes="unit")
    specs = tuple(replace(spec, fields=(*spec.fields, child)) if spec is drugs else spec for spec in dataset.fields)
    assert findings(_with_fields(replace(edition, codes={**edition.codes, "unit": unit}), dataset, specs)) == ()


def test_a_field_with_an_empty_source_of_its_own_is_found(edition: Edition) -> None:
    empty = Source("", "", edition.source.confidence)
    assert findings(_with_field(edition, "cnt", source=empty)) == ("T1 字段 cnt：来源 source 的 doc 和 ref 都要写明",)


def test_all_findings_are_told_and_the_exit_code_is_one(spoil: Spoil, capsys: pytest.CaptureFixture[str]) -> None:
    spoil("datasets/T1.yaml", "cadence: realtime", "cadence: weekly")
    folder = spoil("datasets/T1.yaml", "scene: 血透", "scene: 牙科")
    assert lint.main(folder) == 1
    assert capsys.readouterr().err.splitlines() == ["T1：edition.yaml 中没有场景 牙科", "T1：edition.yaml 中没有报送频次 weekly"]


def test_a_file_that_cannot_be_read_is_one_sentence_and_exit_code_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "edition.yaml").unlink()
    assert lint.main(folder) == 1
    assert capsys.readouterr().err.strip() == f"{folder / 'edition.yaml'}：文件不存在"


def test_a_sound_edition_ends_with_exit_code_zero(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lint.main(folder) == 0
    assert "测试版 test@1：1 个数据集、1 个代码表，未发现问题" in capsys.readouterr().out
