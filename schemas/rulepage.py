"""The tables of `docs/rules.md`, made from the rules: `python -m schemas.rulepage docs/rules.md [--check]`.

Only what stands between the two marks is made; the text around it is written by hand.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import click

from schemas import loader, placeholders, rulefile
from schemas.checks import DoubleKey
from schemas.model import Edition, Severity
from schemas.placeholders import Habit, Lists
from schemas.rules import Case, Rule

BEGIN, END = "<!-- 以下由 python -m schemas.rulepage 生成 -->", "<!-- 生成结束 -->"
_SEVERITY = {Severity.ERROR: "不应报送", Severity.WARN: "提示"}
_CASE = {Case.BROKEN: "矛盾", Case.MISSING: "缺上级", Case.UNKNOWN: "无法核对"}
_HABIT = {Habit.FILLER: "占位值", Habit.CONSTANT: "常量", Habit.COPIED: "照抄"}


def tables(edition: Edition, rules: Iterable[Rule], lists: Lists) -> str:
    """Every rule, then every filler."""
    lines = ["| 规则 | 名称 | 数据集 | 矛盾时 | 说什么 | 依据 |", "|---|---|---|---|---|---|"]
    lines += [_rule(edition, rule) for rule in rules]
    lines += ["", "| 类型 | 占位值 |", "|---|---|"]
    lines += [f"| {kind} | {'、'.join(f'`{text}`' for text in sorted(texts))} |" for kind, texts in sorted(lists.texts.items())]
    lines += ["", "| 现象 | 占比达到即提示 |", "|---|---|"]
    lines += [f"| {_HABIT[habit]} | {part:.0%} |" for habit, part in lists.thresholds.least.items()]
    return "\n".join(lines)


def _rule(edition: Edition, rule: Rule) -> str:
    names = "、".join(f"{code} {edition.datasets[code].name}" if code in edition.datasets else code for code in rule.datasets)
    if isinstance(rule.check, DoubleKey) and not rule.check.datasets:
        names = "所有要报送的数据集"
    said = "<br>".join(f"{_CASE[case]}：{text}" for case, text in rule.sentences.items())
    source = f"{rule.source.doc}，{rule.source.ref}（{rule.source.confidence}）"
    return f"| {rule.id} | {rule.title} | {names} | {_SEVERITY[rule.severity]} | {said} | {source} |"


def made(text: str, inner: str) -> str:
    """The page with its made part replaced. ValueError if a mark is missing."""
    before, _, rest = text.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"缺少标记 {BEGIN} 或 {END}")
    return f"{before}{BEGIN}\n{inner}\n{END}{after}"


def main(path: Path, *, check: bool) -> int:
    """Write the page, or tell whether it is up to date; the exit code."""
    text = path.read_text(encoding="utf-8")
    wanted = made(text, tables(loader.reference(), rulefile.reference(), placeholders.reference()))
    if not check:
        path.write_text(wanted, encoding="utf-8")
    elif wanted != text:
        click.echo(f"{path} 与规则不一致，请运行 python -m schemas.rulepage {path}", err=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), check="--check" in sys.argv[2:]))
