"""The end of `gateway check`: what the records that would be sent say of each other, and how much of them is filler.

Told, never a reason to hold a record back: the exit code does not depend on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.checking import Owners
from schemas import crosscheck, rulefile
from schemas.model import Edition, Severity
from schemas.placeholders import Census, Share
from schemas.rules import Case, Rule


@dataclass
class Crossing:
    """Records of which one rule tells the same case, with the first examples."""

    rule: Rule
    case: Case
    severity: Severity
    message: str  #: of the first example
    records: int = 0
    examples: list[str] = field(default_factory=list)  #: business keys


class Comparison:
    """Takes the records of all sources as they are read."""

    def __init__(self, edition: Edition, rules: Iterable[Rule] | None = None) -> None:
        self._edition = edition
        self._book = crosscheck.Book(edition, rulefile.reference() if rules is None else rules)
        self._censuses: dict[str, Census] = {}
        self.records = 0  #: taken so far
        self.owners: Owners = {}  #: which row of which source has a key

    def take(self, dataset: str, record: Mapping[str, Any]) -> None:
        """One wire record that would be sent."""
        self.records += 1
        self._book.add(dataset, record)
        if dataset not in self._censuses:
            self._censuses[dataset] = Census(self._edition, dataset)
        self._censuses[dataset].add(record)

    def crossings(self, examples: int = 3) -> tuple[Crossing, ...]:
        """Findings by rule and case: what must not be sent first, then by how many there are."""
        rules = {rule.id: rule for rule in self._book.rules}
        found: dict[tuple[str, Case], Crossing] = {}
        for each in crosscheck.findings(self._book):
            fresh = Crossing(rules[each.rule], each.case, each.severity, each.message)
            crossing = found.setdefault((each.rule, each.case), fresh)
            crossing.records += 1
            if len(crossing.examples) < examples:
                crossing.examples.append(each.key)
        return tuple(sorted(found.values(), key=lambda each: (each.severity is not Severity.ERROR, -each.records, each.rule.id)))

    def shares(self) -> tuple[Share, ...]:
        """Fields with more fillers, constants or copies than the threshold, by data set."""
        return tuple(share for _, census in sorted(self._censuses.items()) for share in census.shares() if share.told)

    @property
    def skipped(self) -> tuple[str, ...]:
        """Why some rules could not be evaluated under this edition."""
        return tuple(sentence for why in self._book.skipped.values() for sentence in why)
