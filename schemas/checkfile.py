"""The `check:` part of a rule -> the parameters of its kind. Every error names file, line and key."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

from schemas.checks import (
    Balance,
    Between,
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
    Term,
    Unlisted,
    Window,
    Within,
)
from schemas.loader import read_condition, read_decimal, read_enum
from schemas.model import Condition
from schemas.yamlfile import Section

_HOURS = re.compile(r"([0-9]{2}):([0-5][0-9])-([0-9]{2}):([0-5][0-9])")
_CLOCK = re.compile(r"([0-9]{2}):([0-5][0-9])")


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
        hours={shift: _hours(hours, shift) for shift in hours.data},
    )


def _hours(section: Section, shift: str) -> tuple[timedelta, timedelta]:
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
    section.known("dataset", "field", "minus", "least", "reason", "exempt")
    exempt = section.optional("exempt")
    return Least(
        dataset=section.need("dataset", str),
        field=section.need("field", str),
        minus=section.text("minus"),
        least=_amount(section, "least"),
        reason=section.text("reason"),
        exempt=_term(exempt) if exempt else None,
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
