"""The shape of a cross-record rule: what it compares, how grave it is, what it says. Frozen, no I/O.

A rule is data (`两定接口/rules/*.yaml`, read by `schemas.rulefile`). Its kind is one of a closed set (`schemas.checks`),
each with a small evaluator in `schemas.crosschecking`; there is no expression language, so a rule can be read by whoever
maintains it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from schemas.checks import Balance, Ceiling, Check, DoubleKey, Duration, Least, Once, Order, Overlap, Precedes, Repeat, Within
from schemas.model import Severity, Source


class Case(StrEnum):
    """What a finding says of its record. Only a contradiction is evidence against it."""

    BROKEN = "broken"  #: the records contradict each other
    MISSING = "missing"  #: the other record is not there
    UNKNOWN = "unknown"  #: 无法核对: what it would be compared with was not read at all


#: what a sentence of each kind may fill in, by case; amounts and counts only, never a person
BLANKS: dict[type, dict[Case, frozenset[str]]] = {
    Within: {Case.BROKEN: frozenset(), Case.MISSING: frozenset(), Case.UNKNOWN: frozenset({"count"})},
    Balance: {
        Case.BROKEN: frozenset({"month", "opening", "inward", "outward", "closing", "difference"}),
        Case.UNKNOWN: frozenset({"month", "count"}),
    },
    Ceiling: {Case.BROKEN: frozenset({"used", "allowed", "over"}), Case.UNKNOWN: frozenset({"used"})},
    Order: {Case.BROKEN: frozenset()},
    Precedes: {Case.BROKEN: frozenset(), Case.UNKNOWN: frozenset({"count"})},
    Overlap: {Case.BROKEN: frozenset()},
    Repeat: {Case.BROKEN: frozenset({"seconds"})},
    DoubleKey: {Case.BROKEN: frozenset({"count"})},
    Once: {Case.BROKEN: frozenset({"count"})},
    Duration: {Case.BROKEN: frozenset({"minutes", "clock"})},
    Least: {Case.BROKEN: frozenset({"value", "least"})},
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One cross-record rule."""

    id: str  #: e.g. X-HD03-01
    title: str
    severity: Severity  #: of a contradiction; the other cases are always told, never an error
    kind: str
    check: Check
    sentences: Mapping[Case, str]  #: a case without a sentence is not told by this rule
    requirements: tuple[str, ...]  #: clauses it serves, e.g. J-101
    source: Source

    @property
    def datasets(self) -> tuple[str, ...]:
        """The data sets it reads, in the order of its text."""
        named = self.check.datasets if isinstance(self.check, DoubleKey) else ()
        return tuple(dict.fromkeys((*named, *(ref.dataset for ref in self.check.refs()))))

    def severity_of(self, case: Case) -> Severity:
        """What cannot be compared may lie outside of what was read, so it never stops a record."""
        return self.severity if case is Case.BROKEN else Severity.WARN
