"""`overlap`, `repeat`, `double_key`, `once`: the same business recorded or used up twice."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise

from schemas.checks import DoubleKey, Once, Overlap, Repeat, Term
from schemas.crosschecking.book import Book, Slip, Value
from schemas.crosschecking.finding import Finding, tell
from schemas.rules import Case, Rule


def overlap(rule: Rule, check: Overlap, book: Book) -> Iterator[Finding | None]:
    """Records that begin while another of their group still runs; each is told with the one that runs longest."""
    groups: dict[tuple[str, ...], list[tuple[datetime, datetime, str, Slip]]] = defaultdict(list)
    for slip in book.live(check.dataset):
        group, begin, end = slip.group(check.group), slip.clock(check.begin), slip.clock(check.end)
        if group and begin and end and begin < end:
            groups[group].append((begin, end, slip.key, slip))
    for _, spans in sorted(groups.items()):
        spans.sort(key=lambda span: span[:3])
        running = spans[0]
        for span in spans[1:]:
            if span[0] < running[1]:
                yield tell(rule, Case.BROKEN, span[3], [running[3]])
            running = max(running, span, key=lambda each: each[1])


def repeat(rule: Rule, check: Repeat, book: Book) -> Iterator[Finding | None]:
    """Records that say the same as the one just before them."""
    groups: dict[tuple[Value, ...], list[tuple[datetime, str, Slip]]] = defaultdict(list)
    for slip in book.live(check.dataset):
        at = slip.clock(check.at)
        if at:
            groups[slip.institution, *(slip.get(name) for name in check.same)].append((at, slip.key, slip))
    for moments in groups.values():
        moments.sort(key=lambda each: each[:2])
        for (before, _, first), (after, _, second) in pairwise(moments):
            if after - before <= timedelta(seconds=check.seconds):
                yield tell(rule, Case.BROKEN, second, [first], seconds=check.seconds)


def double_key(rule: Rule, check: DoubleKey, book: Book) -> Iterator[Finding | None]:
    """Keys whose newest version came more than once."""
    for code in check.datasets or book.codes:
        for slip, copies in book.doubled(code):
            yield tell(rule, Case.BROKEN, slip, count=copies)


def once(rule: Rule, check: Once, book: Book) -> Iterator[Finding | None]:
    """Codes used more often than they came back, by more than one; told at the last use."""
    back = Counter(code for code, _ in _codes(check.returned, book))
    uses: dict[tuple[str, str], list[Slip]] = defaultdict(list)
    for code, slip in _codes(check.used, book):
        uses[code].append(slip)
    for code, slips in sorted(uses.items()):
        count = len(slips) - back[code]
        if count > 1:
            slips.sort(key=lambda slip: (str(slip.get(check.used.at)) if check.used.at else "", slip.key))
            yield tell(rule, Case.BROKEN, slips[-1], slips[:-1], count=count)


def _codes(term: Term, book: Book) -> Iterator[tuple[tuple[str, str], Slip]]:
    """Institution and code of every use; a record names a code once however often it lists it."""
    for slip in book.live(term.dataset):
        value = slip.get(term.group[0]) if slip.meets(term.where) else None
        for code in set(value) if isinstance(value, tuple) else {value} if isinstance(value, str) else ():
            yield (slip.institution, code), slip
