"""YAML under `两定接口/rules/` -> rules. Every error names file, line and key.

rules/*.yaml                one list `rules:` per file
rules/placeholders.yaml     not rules but the list of fillers, see `schemas.placeholders`
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path

from schemas.loader import REFERENCE, read_condition, read_decimal, read_enum, read_source
from schemas.model import Condition, Severity
from schemas.rules import (
    BLANKS,
    Balance,
    Between,
    Case,
    Ceiling,
    Check,
    DoubleKey,
    Duration,
    Least,
    Once,
    Order,
    Overlap,
    Pair,
    Precedes,
    Repeat,
    Rule,
    Term,
    Unlisted,
    Window,
    Within,
)
from schemas.yamlfile import Section, read

PLACEHOLDERS = "placeholders.yaml"
_ID = re.compile(r"X-[A-Z0-9]{2,6}-[0-9]{2}")
_HOURS = re.compile(r"([0-9]{2}):([0-5][0-9])-([0-9]{2}):([0-5][0-9])")
_CLOCK = re.compile(r"([0-9]{2}):([0-5][0-9])")


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


def _within(section: Section) -> Within:
    section.known("child", "parent", "links", "where", "day_begins", "same", "window", "between", "parent_not")
    window, between, status = (section.optional(key) for key in ("window", "between", "parent_not"))
    links = tuple(_pairs(each.known("pairs"), "pairs") for each in section.sections("links"))
    if not links or not all(links):
        raise section.error("至少写一种关联，每种至少一对字段", "links")
    return Within(
        child=section.need("child", str),
        parent=section.need("parent", str),
        links=links,
        where=_where(section),
        day_begins=_clock(section, "day_begins"),
        same=_pairs(section, "same"),
        window=_window(window) if window else None,
        between=_between(between) if between else None,
        parent_not=read_condition(status) if status else None,
    )


def _pairs(section: Section, key: str) -> tuple[Pair, ...]:
    return tuple(
        Pair(each.known("child", "parent", "by_day").need("child", str), each.need("parent", str), _flag(each, "by_day"))
        for each in section.sections(key)
    )


def _window(section: Section) -> Window:
    section.known("at", "date", "shift", "hours")
    hours = section.section("hours")
    return Window(
        at=section.need("at", str),
        date=section.need("date", str),
        shift=section.need("shift", str),
        hours={str(shift): _hours(hours, shift) for shift in hours.data},
    )


def _hours(section: Section, shift: str) -> tuple[timedelta, timedelta]:
    if not isinstance(shift, str):
        raise section.error("代码须为文本（请加引号）", str(shift))
    parts = _HOURS.fullmatch(section.need(shift, str))
    if not parts:
        raise section.error("应写成 05:00-13:00；过了午夜写 26:00 之类", shift)
    first, last = (timedelta(hours=int(h), minutes=int(m)) for h, m in (parts.group(1, 2), parts.group(3, 4)))
    if first >= last:
        raise section.error("开始须早于结束；过了午夜写 26:00 之类", shift)
    return first, last


def _clock(section: Section, key: str) -> timedelta:
    text = section.text(key, "00:00")
    parts = _CLOCK.fullmatch(text)
    if not parts:
        raise section.error("应写成 03:00", key)
    return timedelta(hours=int(parts[1]), minutes=int(parts[2]))


def _between(section: Section) -> Between:
    section.known("at", "begin", "end")
    return Between(section.need("at", str), section.need("begin", str), section.need("end", str))


def _balance(section: Section) -> Balance:
    section.known("closing", "month", "inward", "outward", "lot", "unit", "tolerance", "unlisted")
    return Balance(
        closing=_term(section.section("closing")),
        month=section.need("month", str),
        inward=_terms(section, "inward"),
        outward=_terms(section, "outward"),
        lot=section.text("lot"),
        unit=section.text("unit"),
        tolerance=_amount(section, "tolerance"),
        unlisted=read_enum(section, "unlisted", Unlisted, Unlisted.UNKNOWN),
    )


def _ceiling(section: Section) -> Ceiling:
    section.known("allowed", "withdrawn", "used", "returned", "opening", "opening_needed", "tolerance")
    opening = section.optional("opening")
    return Ceiling(
        allowed=_terms(section, "allowed"),
        withdrawn=_terms(section, "withdrawn"),
        used=_terms(section, "used"),
        returned=_terms(section, "returned"),
        opening=_dated(opening) if opening else None,
        opening_needed=_flag(section, "opening_needed"),
        tolerance=_amount(section, "tolerance"),
    )


def _order(section: Section) -> Order:
    section.known("dataset", "earlier", "later", "equal")
    need = section.need
    return Order(need("dataset", str), need("earlier", str), need("later", str), _flag(section, "equal"))


def _precedes(section: Section) -> Precedes:
    section.known("before", "after", "unless")
    unless = section.optional("unless")
    before, after = (_dated(section.section(key)) for key in ("before", "after"))
    return Precedes(before, after, _dated(unless) if unless else None)


def _overlap(section: Section) -> Overlap:
    section.known("dataset", "group", "begin", "end")
    need = section.need
    return Overlap(need("dataset", str), _group(section), need("begin", str), need("end", str))


def _repeat(section: Section) -> Repeat:
    section.known("dataset", "same", "at", "seconds")
    need = section.need
    return Repeat(need("dataset", str), _some(section, "same"), need("at", str), need("seconds", int))


def _double_key(section: Section) -> DoubleKey:
    return DoubleKey(section.known("datasets").texts("datasets"))


def _once(section: Section) -> Once:
    section.known("used", "returned")
    return Once(_term(section.section("used")), _term(section.section("returned")))


def _duration(section: Section) -> Duration:
    section.known("dataset", "begin", "end", "minutes", "slack")
    need = section.need
    return Duration(need("dataset", str), need("begin", str), need("end", str), need("minutes", str), _amount(section, "slack"))


def _least(section: Section) -> Least:
    section.known("dataset", "field", "minus", "least", "reason")
    return Least(
        dataset=section.need("dataset", str),
        field=section.need("field", str),
        minus=section.text("minus"),
        least=_amount(section, "least"),
        reason=section.text("reason"),
    )


def _terms(section: Section, key: str) -> tuple[Term, ...]:
    return tuple(_term(each) for each in section.sections(key))


def _term(section: Section) -> Term:
    section.known("dataset", "group", "amount", "at", "where")
    return Term(
        dataset=section.need("dataset", str),
        group=_group(section),
        amount=section.text("amount"),
        at=section.text("at"),
        where=_where(section),
    )


def _dated(section: Section) -> Term:
    section.need("at", str)
    return _term(section)


def _group(section: Section) -> tuple[str, ...]:
    return _some(section, "group")


def _some(section: Section, key: str) -> tuple[str, ...]:
    names = section.texts(key)
    if not names:
        raise section.error("至少写一个字段", key)
    return names


def _where(section: Section) -> Condition | None:
    inner = section.optional("where")
    return read_condition(inner) if inner else None


def _flag(section: Section, key: str) -> bool:
    return bool(section.get(key, bool, False))


def _amount(section: Section, key: str) -> Decimal:
    return read_decimal(section, key) or Decimal(0)


#: the closed set of kinds
KINDS: dict[str, Callable[[Section], Check]] = {
    "within": _within,
    "balance": _balance,
    "ceiling": _ceiling,
    "order": _order,
    "precedes": _precedes,
    "overlap": _overlap,
    "repeat": _repeat,
    "double_key": _double_key,
    "once": _once,
    "duration": _duration,
    "least": _least,
}
