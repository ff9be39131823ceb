"""Rule files are read strictly, held against the edition, and listed in the document."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from schemas import crosscheck, loader, placeholders, rulefile, rulelint, rulepage
from schemas.checkfile import KINDS
from schemas.checks import Order
from schemas.errors import SpecError
from schemas.model import FieldType
from schemas.rules import BLANKS

RULE = """rules:
  - id: X-HD03-01
    title: 下机不早于上机
    severity: error
    kind: order
    requirements: [J-101]
    check: {dataset: HD03, earlier: begn_time, later: end_time}
    sentences: {broken: 下机时间不晚于上机时间}
    source: {doc: 测试文本, ref: 第一条, confidence: O}
"""
WITHIN = """rules:
  - id: X-HD03-01
    title: 透析在排班内
    severity: warn
    kind: within
    check:
      child: HD03
      parent: HD02
      links:
        - pairs: [{child: schd_id, parent: schd_id}]
      window: {at: begn_time, date: schd_date, shift: shift, hours: {"1": "05:00-13:00"}}
    sentences: {broken: 不在班次内}
    source: {doc: 测试文本, ref: 第一条, confidence: O}
"""


def loaded(tmp_path: Path, text: str) -> str:
    """The complaint about a rule file."""
    (tmp_path / "rules.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        rulefile.load(tmp_path)
    return str(caught.value).removeprefix(f"{tmp_path / 'rules.yaml'} ")


def test_the_example_files_are_sound(tmp_path: Path) -> None:
    for text in (RULE, WITHIN):
        (tmp_path / "rules.yaml").write_text(text, encoding="utf-8")
        assert rulelint.findings(loader.reference(), rulefile.load(tmp_path)) == ()


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("X-HD03-01", "HD03-1", "第 2 行：键 rules[0].id：应写成 X-数据集-两位数字，例如 X-HD03-01"),
        ("kind: order", "kind: sql", f"第 5 行：键 rules[0].kind：只能是 {'、'.join(KINDS)} 之一"),
        ("severity: error", "severity: fatal", "第 4 行：键 rules[0].severity：只能是 error、warn 之一"),
        ("later: end_time", "latter: end_time", "第 7 行：键 rules[0].check.latter：不认识的键，是否想写 later？"),
        ("{broken: ", "{brocken: ", "第 8 行：键 rules[0].sentences.brocken：不认识的键，是否想写 broken？"),
        ("上机时间}", "上机时间, missing: 缺}", "第 8 行：键 rules[0].sentences.missing：不认识的键，可用的键：broken"),
        ("{broken: 下机时间不晚于上机时间}", "{}", "第 8 行：键 rules[0].sentences：缺少 broken 或 missing 的句子"),
        ("{broken: 下机时间不晚于上机时间}", '{broken: "患者{patn_id}"}', "不能填入 {patn_id}（没有可用的占位）"),
        ("{broken: 下机时间不晚于上机时间}", '{broken: "患者{"}', "第 8 行：键 rules[0].sentences.broken：花括号不成对"),
        ("    source: {doc: 测试文本, ref: 第一条, confidence: O}\n", "", "第 2 行：键 rules[0].source：缺少必填的键"),
        ("dataset: HD03", "dataset: 3505", "第 7 行：键 rules[0].check.dataset：应为文本（请加引号），实为整数"),
    ],
)
def test_a_mistake_names_line_and_key(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    assert old in RULE
    assert complaint in loaded(tmp_path, RULE.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('"05:00-13:00"', '"5-13"', "第 11 行：键 rules[0].check.window.hours.1：应写成 05:00-13:00；过了午夜写 26:00 之类"),
        ('"05:00-13:00"', '"13:00-05:00"', "开始须早于结束；过了午夜写 26:00 之类"),
        ('{"1": ', "{1: ", "第 11 行：键 rules[0].check.window.hours.1：键须为文本（请加引号）"),
        ("- pairs: [{child: schd_id, parent: schd_id}]", "- pairs: []", "第 9 行：键 rules[0].check.links：至少写一种关联"),
        ("      window:", '      day_begins: "3"\n      window:', "第 11 行：键 rules[0].check.day_begins：应写成 03:00"),
    ],
)
def test_a_mistake_in_a_link_or_window_names_line_and_key(tmp_path: Path, old: str, new: str, complaint: str) -> None:
    assert old in WITHIN
    assert complaint in loaded(tmp_path, WITHIN.replace(old, new))


def test_one_id_twice_is_refused(tmp_path: Path) -> None:
    assert "规则 X-HD03-01 写了两次" in loaded(tmp_path, RULE + RULE.removeprefix("rules:\n"))


def test_the_rules_fit_the_reference_edition() -> None:
    rules = rulefile.reference()
    assert len(rules) > 40
    assert rulelint.findings(loader.reference(), rules) == ()
    assert all(rule.requirements for rule in rules)


def test_the_rules_use_every_kind() -> None:
    """A kind without a rule is dead code."""
    assert {rule.kind for rule in rulefile.reference()} == set(KINDS)
    assert {type(rule.check) for rule in rulefile.reference()} == set(BLANKS)


@pytest.mark.parametrize(
    ("check", "sentence"),
    [
        (Order("HD99", "begn_time", "end_time", equal=False), "没有数据集 HD99，是否想写 HD0"),
        (Order("HD03", "begin_time", "end_time", equal=False), "数据集 HD03 没有字段 begin_time，是否想写 begn_time？"),
        (Order("HD03", "begn_time", "dialyzer", equal=False), "HD03 的 dialyzer 是 C，此处须为 D、DT"),
        (Order("HD03", "begn_time", "drugs.use_tim", equal=False), "数据集 HD03 没有字段 drugs.use_tim，是否想写 drugs.use_time？"),
    ],
)
def test_a_rule_that_does_not_fit_is_told_and_left_out(check: Order, sentence: str) -> None:
    rule = replace(next(rule for rule in rulefile.reference() if isinstance(rule.check, Order)), check=check)
    (found,) = rulelint.findings(loader.reference(), [rule])
    assert sentence in found
    book = crosscheck.Book(loader.reference(), [rule])
    assert (book.rules, book.skipped) == ((), {rule.id: (found,)})


def test_a_rule_without_a_stated_source_is_told() -> None:
    rule = rulefile.reference()[0]
    empty = replace(rule, source=replace(rule.source, ref=" "))
    assert rulelint.findings(loader.reference(), [empty]) == (f"规则 {rule.id}：来源 source 的 doc 和 ref 都要写明",)


def test_a_rule_survives_an_edition_without_its_field() -> None:
    """A region may leave a field out; the other rules go on."""
    edition = loader.reference()
    session = edition.datasets["HD03"]
    node = session.input[0]
    fewer = replace(session, input=(replace(node, fields=tuple(f for f in node.fields if f.name != "schd_id")), *session.input[1:]))
    book = crosscheck.Book(replace(edition, datasets={**edition.datasets, "HD03": fewer}), rulefile.reference())
    assert set(book.skipped) == {"X-HD03-01", "X-HD03-02", "X-HD03-03"}


def test_every_rule_reads_comparable_fields_only() -> None:
    """No rule keeps whole child rows in memory."""
    for rule in rulefile.reference():
        for ref in rule.check.refs():
            spec = rulelint.find(loader.reference().datasets[ref.dataset], ref.field)
            assert spec is not None
            assert spec.type is not FieldType.ROWS


def test_the_document_lists_every_rule_as_it_is() -> None:
    page = Path(__file__).parents[2] / "docs" / "rules.md"
    assert rulepage.main(page, check=True) == 0
    text = page.read_text(encoding="utf-8")
    assert [rule.id for rule in rulefile.reference() if f"| {rule.id} | {rule.title} |" not in text] == []
    assert [kind for kind in KINDS if f"| {kind} |" not in text] == []


def test_a_stale_document_is_noticed_and_made_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "rules.md"
    page.write_text(f"前言\n{rulepage.BEGIN}\n旧表\n{rulepage.END}\n后记\n", encoding="utf-8")
    assert rulepage.main(page, check=True) == 1
    assert "与规则不一致" in capsys.readouterr().err
    assert rulepage.main(page, check=False) == rulepage.main(page, check=True) == 0
    tables = rulepage.tables(loader.reference(), rulefile.reference(), placeholders.reference())
    assert page.read_text(encoding="utf-8") == f"前言\n{rulepage.BEGIN}\n{tables}\n{rulepage.END}\n后记\n"
