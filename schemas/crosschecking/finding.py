"""What a cross-record rule says of one record."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from schemas.crosschecking.book import Slip
from schemas.model import Severity
from schemas.rules import Case, Rule

#: most related keys that a finding names
RELATED = 10


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One record that a rule tells something about. Sorts by rule, institution and key."""

    rule: str
    institution: str
    dataset: str
    key: str
    case: Case
    severity: Severity
    message: str  #: Chinese; amounts and counts at most, never a person
    related: tuple[str, ...]  #: `data set key` of the records it was compared with, the first ten


def tell(rule: Rule, case: Case, slip: Slip, related: Iterable[Slip] = (), **blanks: Decimal | int | str) -> Finding | None:
    """The finding in the rule's own sentence; None if the rule has no sentence for this case."""
    sentence = rule.sentences.get(case)
    if sentence is None:
        return None
    others = sorted({f"{each.dataset} {each.key}" for each in related if each is not slip})
    filled = sentence.format(**{name: plain(value) for name, value in blanks.items()})
    severity = rule.severity_of(case)
    return Finding(rule.id, slip.institution, slip.dataset, slip.key, case, severity, filled, tuple(others[:RELATED]))


def plain(value: Decimal | int | str) -> str:
    """A number as people write it: no exponent, no trailing zeros."""
    if not isinstance(value, Decimal):
        return str(value)
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
