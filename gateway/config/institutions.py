"""Whom this gateway serves, and when they are closed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from gateway import rosterfile
from gateway.deadlines import NEVER, WEEKDAYS, Closure
from schemas import identity
from schemas.yamlfile import Section


@dataclass(frozen=True, slots=True)
class Institution:
    """An institution this gateway serves."""

    code: str
    name: str
    admvs: str  #: 就医地医保区划
    closed: Closure = NEVER


def listed(section: Section) -> Iterable[Section]:
    """The institutions, written out or in a table of their own."""
    if not isinstance(section.data.get("institutions"), dict):
        return section.sections("institutions")
    inner = section.section("institutions").known("file")
    return rosterfile.rows(section.file.parent / inner.need("file", str), rosterfile.INSTITUTION_COLUMNS)


def institution(section: Section) -> Institution:
    section.known("code", "name", "admvs", "closed")
    code, admvs = section.need("code", str), section.need("admvs", str)
    for key, fault in (("code", identity.institution_fault(code)), ("admvs", identity.district_fault(admvs))):
        if fault:
            raise section.error(fault, key)
    return Institution(code, section.need("name", str), admvs, _closed(section))


def _closed(section: Section) -> Closure:
    words = section.texts("closed")
    weekdays = frozenset(WEEKDAYS.index(word) for word in words if word in WEEKDAYS)
    if len(weekdays) == len(WEEKDAYS):
        raise section.error("不能天天休业", "closed")
    return Closure(frozenset(_date(section, "closed", word) for word in words if word not in WEEKDAYS), weekdays)


def _date(section: Section, key: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise section.error('应为加引号的日期或周几，例："2026-10-01"、"周日"', key) from None
