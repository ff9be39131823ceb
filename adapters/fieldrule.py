"""How one field is filled from a local row, and what is said where it cannot be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timezone
from typing import Any
from zoneinfo import ZoneInfo

from adapters.conversion import UnreadableError, convert, local_code
from adapters.origins import Missing, Origin, Row, SiteFacts
from schemas.model import Field, FieldType, Violation
from schemas.wire import SHANGHAI


@dataclass(frozen=True, slots=True)
class FieldRule:
    """How one field of the data set is filled."""

    spec: Field
    origin: Origin
    codes: Mapping[str, str] | None = None
    zone: ZoneInfo | timezone = SHANGHAI
    blank: str = ""  #: the site's word for an empty value
    next_day_if_before: str = ""

    def value(self, row: Row, facts: SiteFacts) -> Any:
        """The spec value, Missing, or a Violation."""
        try:
            found = self.origin.find(row, facts)
            if isinstance(found, Missing):
                return found
            if self.codes is not None:
                return self._translated(local_code(found))
            return convert(self.spec, found, self.zone)
        except UnreadableError as error:
            return fault(self.spec, "unreadable", f"无法读懂：{error}")

    def _translated(self, code: str) -> Any:
        codes = self.codes or {}
        if code not in codes:
            return fault(self.spec, "unmapped_code", f"本地代码 {code[:32]} 没有对照")
        return convert(self.spec, codes[code], self.zone)

    def missing(self, missing: Missing) -> Violation:
        """The fault of a required field that has no value."""
        if missing.rule == "required":
            return fault(self.spec, "required", "必填，当前为空" + (f"：{self.blank}" if self.blank else ""))
        return fault(self.spec, missing.rule, f"：{missing.reason}")


def fault(spec: Field, rule: str, sentence: str) -> Violation:
    """「标签（字段）…」."""
    return Violation(spec.name, rule, f"{spec.label}（{spec.name}）{sentence}")


@dataclass(frozen=True, slots=True)
class FieldRules:
    """The rules of some fields that belong together: those of a record, or of a line below it."""

    rules: Mapping[str, FieldRule]
    absent: Mapping[str, str] = field(default_factory=dict)

    @property
    def columns(self) -> frozenset[str]:
        """Every local column they read."""
        return frozenset(column for rule in self.rules.values() for column in rule.origin.columns)

    def value(self, spec: Field, row: Row, facts: SiteFacts) -> Any:
        """The value, a fault, or None: an optional field may be empty for whatever reason."""
        rule = self.rules.get(spec.name)
        value = rule.value(row, facts) if rule else Missing("absent", self.absent.get(spec.name, ""))
        if not isinstance(value, Missing):
            return value
        if not spec.required:
            return None
        if spec.blank_allowed and spec.type is FieldType.TEXT and value.rule in ("required", "absent"):
            return ""
        return rule.missing(value) if rule else fault(spec, "absent", f"必填，但本系统没有：{value.reason}")
