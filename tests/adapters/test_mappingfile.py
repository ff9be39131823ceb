"""A mapping file is read strictly: whatever is wrong is told with file and key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from adapters import mappingfile
from schemas.errors import SpecError
from schemas.model import Edition


@pytest.mark.parametrize(
    ("fields", "more", "sentence"),
    [
        ({"cuont": "{column: c}"}, "", "没有字段 cuont，是否想写 count"),
        ({"title": "{colum: t}"}, "", "是否想写 column"),
        ({"title": "{column: t, constant: item_code}"}, "", "须且只须写一个"),
        ({"title": "{blank: 无}"}, "", "须且只须写一个"),
        ({"begn": "{date: d}"}, "", "date 与 time 须一起写"),
        ({"begn": "{column: d, time: t}"}, "", "date 与 time 须一起写"),
        ({"shift": "{fixed: '1'}"}, "", "fixed 与 why 须一起写"),
        ({"shift": "{fixed: '9', why: 甲}"}, "", "代码表《班次》没有 9"),
        ({"count": "{fixed: 两, why: 甲}"}, "", "应为数值"),
        ({"shift": "{column: s, codes: {am: '9'}}"}, "", "代码表《班次》没有 9"),
        ({"shift": "{column: s, codes: {1: '1'}}"}, "", "键须为文本（请加引号）"),
        ({"shift": "{column: s, codes: {am: 1}}"}, "", "应为文本"),
        ({"code": "{constant: itme_code}"}, "", "没有 itme_code，是否想写 item_code"),
        ({"code": "{catalogue: code, take: a}"}, "", "manifest.yaml 的 catalogues 没有 code"),
        ({"code": "{first: [1]}"}, "", "第 1 项应为列名或键值表"),
        ({"code": "{first: [{fixed: '1', why: 甲}]}"}, "", "不认识的键"),
        ({"begn": "{column: t, zone: Asia/Tokyo}"}, "", "只能是 Asia/Shanghai、UTC"),
        ({"ended": "{column: t, next_day_if_before: day}"}, "", "只用于两个日期时间字段"),
        ({"drugs": "{column: d}"}, "", "子表字段写在 children 下"),
        ({}, "absent: {lot: 没有, id: 没有}", "既映射又声明缺失：id；有这一列就删去 absent 里的那一行，没有就删去 fields 里的"),
        ({}, "absent: {title: 没有}", "必填字段既未映射也未在 absent 中声明缺失：批号（lot）"),
        ({}, "absent: {lot: 没有, lto: 没有}", "没有字段 lto，是否想写 lot"),
        ({}, "exclude: [{column: c, in: [no], reason: 甲}]", "应为文本"),
        ({}, "exclude: [{column: c, reason: 甲}]", "须且只须写一个"),
        ({}, "exclude: [{column: c, is: empty, reason: 甲}]", "只能是 blank 或 present"),
        ({}, "exclude: [{column: c, in: ['1']}]", "缺少必填的键"),
        ({}, "void: [{all: [], reason: 甲}]", "至少写一个条件"),
        ({}, "heads: [{column: c, reason: 甲}]", "须写明它解释哪些字段"),
        ({}, "heads: [{column: c, reason: 甲, explains: [nothing]}]", "没有字段 nothing"),
        ({}, "notready: []", "是否想写 not_ready"),
        ({}, "shown: {documnt: title}", "是否想写 document"),
        ({}, "shown: {document: 1}", "应为文本"),
    ],
)
def test_a_mistake_is_told_with_its_file(read_mapping: Any, fields: dict[str, str], more: str, sentence: str) -> None:
    with pytest.raises(SpecError) as refusal:
        read_mapping(more, **fields)
    assert sentence in str(refusal.value)
    assert "T1.yaml" in str(refusal.value)


def test_a_required_field_that_is_forgotten_is_named(edition: Edition, tmp_path: Path) -> None:
    path = tmp_path / "T1.yaml"
    path.write_text("dataset: T1\nfields:\n  id: {column: id}\n", encoding="utf-8")
    with pytest.raises(SpecError, match="数量（count）、医保码（code）、批号（lot）"):
        mappingfile.read(path, edition, "T1")


def test_a_file_of_another_data_set_is_refused(edition: Edition, tmp_path: Path) -> None:
    path = tmp_path / "T1.yaml"
    path.write_text("dataset: T2\n", encoding="utf-8")
    with pytest.raises(SpecError, match="应为 T1"):
        mappingfile.read(path, edition, "T1")


def test_the_columns_of_all_rules_are_known(read_mapping: Any) -> None:
    more = "exclude: [{all: [{column: a, in: ['1']}, {constant: counts, in: ['no']}], reason: 甲}]\n"
    more += "heads: [{column: b, reason: 甲, explains: [title]}]"
    mapping = read_mapping(more, begn="{date: d, time: t}", title="{first: [e, {catalogue: bar, take: f}, {constant: item_code}]}")
    assert mapping.columns == {"id", "count", "code", "a", "b", "d", "t", "e", "bar"}
