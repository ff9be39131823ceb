"""YAML under `两定接口/rules/` -> rules. Every error names file, line and key.

rules/*.yaml                one list `rules:` per file
rules/placeholders.yaml     not rules but the list of fillers, see `schemas.placeholders`
"""

from __future__ import annotations

import re
import string
from functools import cache
from pathlib import Path

from schemas.checkfile import KINDS
from schemas.checks import Check
from schemas.loader import REFERENCE, read_enum, read_source
from schemas.model import Severity
from schemas.rules import BLANKS, Case, Rule
from schemas.yamlfile import Section, read

PLACEHOLDERS = "placeholders.yaml"
_ID = re.compile(r"X-[A-Z0-9]{2,6}-[0-9]{2}")


@cache
def reference() -> tuple[Rule, ...]:
    """The rules that ship with the reference edition."""
    return load(REFERENCE / "rules")


def load(folder: Path) -> tuple[Rule, ...]:
    """Every rule of a folder, by id. SpecError says what is wrong and where."""
    found: dict[str, Rule] = {}
    for path in sorted(folder.glob("*.yaml")):
        if path.name == PLACEHOLDERS:
            continue
        for section in read(path).known("rules").sections("rules"):
            rule = _rule(section)
            if rule.id in found:
                raise section.error(f"规则 {rule.id} 写了两次", "id")
            found[rule.id] = rule
    return tuple(found[each] for each in sorted(found))


def _rule(section: Section) -> Rule:
    section.known("id", "title", "severity", "kind", "check", "sentences", "requirements", "source")
    rule_id = section.need("id", str)
    if not _ID.fullmatch(rule_id):
        raise section.error("应写成 X-数据集-两位数字，例如 X-HD03-01", "id")
    kind = section.need("kind", str)
    if kind not in KINDS:
        raise section.error(f"只能是 {'、'.join(KINDS)} 之一", "kind")
    check = KINDS[kind](section.section("check"))
    return Rule(
        id=rule_id,
        title=section.need("title", str),
        severity=read_enum(section, "severity", Severity, None),
        kind=kind,
        check=check,
        sentences=_sentences(section.section("sentences"), check),
        requirements=section.texts("requirements"),
        source=read_source(section),
    )


def _sentences(section: Section, check: Check) -> dict[Case, str]:
    """Only cases the kind has, only blanks that the case fills in; a contradiction or a missing record must be told."""
    blanks = BLANKS[type(check)]
    section.known(*blanks)
    sentences = {Case(case): section.need(case, str) for case in section.data}
    for case, text in sentences.items():
        for name in _blanks(section, case, text) - blanks[case]:
            allowed = "、".join(f"{{{each}}}" for each in sorted(blanks[case])) or "没有可用的占位"
            raise section.error(f"不能填入 {{{name}}}（{allowed}）", case)
    if not sentences.keys() & {Case.BROKEN, Case.MISSING}:
        raise section.error("缺少 broken 或 missing 的句子")
    return sentences


def _blanks(section: Section, case: Case, text: str) -> set[str]:
    try:
        return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}
    except ValueError:
        raise section.error("花括号不成对", case) from None
