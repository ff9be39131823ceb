"""Each kind of mistake that only the whole edition shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from schemas import lint, loader
from schemas.lint import findings
from schemas.model import CodeTable, Dataset, Edition, Field, Source

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
        ("datasets/T1.yaml", "codes: shift", "codes: shifts", "T1 字段 shift：没有代码表 shifts"),
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
        ("codes/shift.yaml", "ref: 第一条", "ref: ' '", "代码表 shift：来源 source 的 doc 和 ref 都要写明"),
        ("common.yaml", "name: version", "name: seen_at", "common.yaml record：字段 seen_at 写了两次"),
    ],
)
def test_a_mistake_is_found(spoil: Spoil, file: str, old: str, new: str, sentence: str) -> None:
    assert sentence in findings(loader.load(spoil(file, old, new)))


def test_two_data_sets_with_one_transaction_number_are_found(edition: Edition) -> None:
    twin = replace(edition.datasets["T1"], code="T2")
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
    assert capsys.readouterr().err.splitlines() == ["T1：edition.yaml 中没有报送频次 weekly", "T1：edition.yaml 中没有场景 牙科"]


def test_a_file_that_cannot_be_read_is_one_sentence_and_exit_code_one(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "edition.yaml").unlink()
    assert lint.main(folder) == 1
    assert capsys.readouterr().err.strip() == f"{folder / 'edition.yaml'}：文件不存在"


def test_a_sound_edition_ends_with_exit_code_zero(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert lint.main(folder) == 0
    assert "测试版 test@1：1 个数据集、1 个代码表，未发现问题" in capsys.readouterr().out
