"""Rules that need more than one record to be judged, evaluated over what was read.

One pass over the records; the order in which they come does not change the result. Memory is bounded by keys: see
`schemas.crosschecking.book`. Findings never stop a record by themselves; the caller decides by their severity.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, assert_never

from schemas.checks import Balance, Ceiling, DoubleKey, Duration, Least, Once, Order, Overlap, Precedes, Repeat, Within
from schemas.crosschecking.balance import balance
from schemas.crosschecking.book import Book
from schemas.crosschecking.ceiling import ceiling
from schemas.crosschecking.doubles import double_key, once, overlap, repeat
from schemas.crosschecking.finding import Finding
from schemas.crosschecking.kinship import within
from schemas.crosschecking.times import duration, least, order, precedes
from schemas.model import Edition
from schemas.rules import Rule

__all__ = ["Book", "Finding", "check", "findings"]


def check(edition: Edition, rules: Iterable[Rule], records: Iterable[tuple[str, Mapping[str, Any]]]) -> tuple[Finding, ...]:
    """What the rules say of (data set, wire record) pairs. A rule that does not fit the edition says nothing: see `rulelint`."""
    book = Book(edition, rules)
    for code, record in records:
        book.add(code, record)
    return findings(book)


def findings(book: Book) -> tuple[Finding, ...]:
    """What the book's rules say of everything it has taken in, sorted."""
    return tuple(sorted(found for rule in book.rules for found in _evaluated(rule, book) if found is not None))


def _evaluated(rule: Rule, book: Book) -> Iterator[Finding | None]:  # noqa: C901 - one line per kind of the closed set
    match rule.check:
        case Within():
            return within(rule, rule.check, book)
        case Balance():
            return balance(rule, rule.check, book)
        case Ceiling():
            return ceiling(rule, rule.check, book)
        case Order():
            return order(rule, rule.check, book)
        case Precedes():
            return precedes(rule, rule.check, book)
        case Overlap():
            return overlap(rule, rule.check, book)
        case Repeat():
            return repeat(rule, rule.check, book)
        case DoubleKey():
            return double_key(rule, rule.check, book)
        case Once():
            return once(rule, rule.check, book)
        case Duration():
            return duration(rule, rule.check, book)
        case Least():
            return least(rule, rule.check, book)
        case _:
            assert_never(rule.check)
