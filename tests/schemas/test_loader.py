"""Every mistake in an edition is told with file, line and key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from schemas import loader
from schemas.errors import SpecError
from schemas.model import Cadence, Condition, Confidence, Edition, FieldType, Replay

Spoil = Callable[[str, str, str], Path]


def test_a_whole_edition_is_read(edition: Edition) -> None:
    dataset = edition.datasets["T1"]
    assert edition.id == "test@1"
    assert edition.cadences["realtime"] == Cadence("realtime", "实时", minutes=10)
    assert (dataset.key, dataset.occurred, dataset.replay, dataset.batch) == (("rx_id", "line_no"), "rx_time", Replay.RESEND, 3)
    assert dataset.field("reason").required_if == Condition("shift", ("3",))
    assert [child.name for child in dataset.field("drugs").fields] == ["drug_codg", "dose"]
    assert edition.codes["shift"].values == {"1": "上午", "3": "夜间"}


def test_a_field_inherits_the_source_of_its_file_unless_it_names_its_own(spoil: Spoil) -> None:
    own = "required: true, source: {doc: 另一文本, ref: 第二条, confidence: B}}\n  - {name: line_no"
    folder = spoil("datasets/T1.yaml", "required: true}\n  - {name: line_no", own)
    dataset = loader.load(folder).datasets["T1"]
    assert dataset.field("line_no").source.doc == "测试文本"
    assert (dataset.field("rx_id").source.doc, dataset.field("rx_id").source.confidence) == ("另一文本", Confidence.SINGLE)


def test_input_is_the_long_form_of_fields(spoil: Spoil) -> None:
    folder = spoil("datasets/T1.yaml", "fields:\n  - {name: rx_id", "input:\n - node: selinfoDetail\n   fields:\n  - {name: rx_id")
    text = (folder / "datasets/T1.yaml").read_text(encoding="utf-8")
    start = text.index("   fields:\n") + len("   fields:\n")
    indented = "".join(f"  {line}\n" for line in text[start:].splitlines())
    (folder / "datasets/T1.yaml").write_text(text[:start] + indented, encoding="utf-8")
    node = loader.load(folder).datasets["T1"].input[0]
    assert (node.name, node.many, node.fields[0].type) == ("selinfoDetail", True, FieldType.TEXT)


@pytest.mark.parametrize(
    ("file", "old", "new", "told"),
    [
        ("datasets/T1.yaml", "cadence: realtime", "cadense: realtime", ["第 4 行", "键 cadense", "是否想写 cadence"]),
        (
            "datasets/T1.yaml",
            "length: 8, required: true}\n  - {name: line_no",
            "lenght: 8, required: true}\n  - {name: line_no",
            ["第 11 行", "fields[0].lenght", "length"],
        ),
        ("datasets/T1.yaml", 'code: "T1"', "code: 1", ["第 1 行", "键 code", "应为文本（请加引号），实为整数"]),
        ("datasets/T1.yaml", 'in: ["3"]', "in: [3]", ["第 17 行", "required_if.in", "请加引号"]),
        ("datasets/T1.yaml", "name: 测试数据集\n", "name: 测试数据集\nname: 又一个\n", ["第 3 行", "键 name", "写了两次"]),
        ("datasets/T1.yaml", "source: {doc: 测试", "fields_source: {doc: 测试", ["第 9 行", "键 fields_source"]),
        ("datasets/T1.yaml", "occurred: rx_time\n", "", ["第 1 行", "键 occurred", "缺少必填的键"]),
        (
            "datasets/T1.yaml",
            "处方有效期, type: D}",
            "处方有效期, type: DATE}",
            ["第 14 行", "fields[3].type", "只能是 C、N、D、DT、ROWS 之一"],
        ),
        (
            "datasets/T1.yaml",
            "replay: resend",
            "replay: again",
            ["第 7 行", "键 replay", "resend、query、delete_and_resend、person"],
        ),
        ("datasets/T1.yaml", "batch: 3", "batch: 0", ["第 8 行", "键 batch", "应不小于 1"]),
        ("datasets/T1.yaml", "batch: 3", "batch: yes", ["第 8 行", "键 batch", "应为整数，实为true 或 false"]),
        (
            "datasets/T1.yaml",
            "length: 8, required: true, blank",
            "length: 0, required: true, blank",
            ["fields[1].length", "不小于 1"],
        ),
        ("datasets/T1.yaml", "key: [rx_id, line_no]", "key: [rx_id, line_no", ["YAML 语法错误", "第 6 行"]),
        ("datasets/T1.yaml", 'code: "T1"', 'code: "T2"', ["第 1 行", "编号 T2 与文件名 T1 不一致"]),
        ("datasets/T1.yaml", "fields:\n  - {name: rx_id", "input: []\nfields:\n  - {name: rx_id", ["键 input", "只能写一个"]),
        ("datasets/T1.yaml", 'dated: "2026-01-01"', "dated: 2026-02-30", ["第 9 行", "键 dated", "日期写错"]),
        ("datasets/T1.yaml", 'dated: "2026-01-01"', "dated: 2026-02-03", ["第 9 行", "source.dated", "请加引号"]),
        ("datasets/T1.yaml", "测试数据集", "测试\x07数据集", ["第 2 行", "控制字符"]),
        ("codes/shift.yaml", '"1": 上午', "1: 上午", ["第 5 行", "values.1", "键须为文本（请加引号）"]),
        ("codes/shift.yaml", '"1": 上午', '"3": 上午', ["第 6 行", "键 3", "写了两次"]),
        ("codes/shift.yaml", '"1": 上午', '"1": 7', ["第 5 行", "values.1", "请加引号"]),
        ("codes/shift.yaml", "name: shift", "name: shifts", ["第 1 行", "键 name", "表名与文件名不一致"]),
        ("codes/shift.yaml", "name: shift\n", "[a]: b\nname: shift\n", ["第 1 行", "键不能是列表"]),
        ("edition.yaml", "minutes: 10", "minutes: 10, days: 1", ["cadences.realtime", "须且只须写一个"]),
        ("edition.yaml", "minutes: 10", "day_of_next_month: 31", ["cadences.realtime.day_of_next_month", "1 至 28"]),
        ("edition.yaml", "minutes: 10", "minutes: 10, skip: [rest_days]", ["cadences.realtime.skip", "不数日子"]),
        ("edition.yaml", "minutes: 10", "days: 1, skip: [holidays]", ["cadences.realtime.skip", "rest_days、closed_days"]),
        ("edition.yaml", "minutes: 10", "days: 1, skip: [rest_days], postpone: [rest_days]", ["realtime.postpone", "已写在 skip"]),
        ("edition.yaml", "  realtime:", "  1:", ["cadences.1", "请加引号"]),
        ("edition.yaml", "scenes: [血透]", "scenes: 血透", ["第 6 行", "键 scenes", "应为列表，实为文本"]),
        ("common.yaml", "record:", "records:", ["键 records", "是否想写 record"]),
    ],
)
def test_a_mistake_is_told_with_file_line_and_key(spoil: Spoil, file: str, old: str, new: str, told: list[str]) -> None:
    folder = spoil(file, old, new)
    with pytest.raises(SpecError) as caught:
        loader.load(folder)
    for part in (Path(file).name, *told):
        assert part in str(caught.value)


@pytest.mark.parametrize("file", ["edition.yaml", "datasets/T1.yaml", "codes/shift.yaml", "common.yaml"])
def test_a_file_without_source_is_refused(folder: Path, file: str) -> None:
    path = folder / file
    kept = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("source:")]
    path.write_text("\n".join(kept), encoding="utf-8")
    with pytest.raises(SpecError, match=r"第 1 行：键 source：缺少必填的键") as caught:
        loader.load(folder)
    assert path.name in str(caught.value)


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "common.yaml").unlink()
    with pytest.raises(SpecError, match=r"common\.yaml：文件不存在"):
        loader.load(folder)


def test_a_file_in_another_encoding_is_told_to_be_utf8(folder: Path) -> None:
    (folder / "edition.yaml").write_bytes("name: 测试版".encode("gb18030"))
    with pytest.raises(SpecError, match=r"edition\.yaml.*UTF-8"):
        loader.load(folder)


def test_a_file_that_holds_no_mapping_is_refused(folder: Path) -> None:
    (folder / "edition.yaml").write_text("- 1\n", encoding="utf-8")
    with pytest.raises(SpecError, match=r"edition\.yaml：内容应为键值表"):
        loader.load(folder)
