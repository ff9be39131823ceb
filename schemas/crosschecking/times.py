"""`order`, `precedes`, `duration`, `least`: times and measures that cannot be right together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal

from schemas.checks import Duration, Least, Order, Precedes, Term
from schemas.crosschecking.book import Book, Slip
from schemas.crosschecking.finding import Finding, tell
from schemas.rules import Case, Rule


def order(rule: Rule, check: Order, book: Book) -> Iterator[Finding | None]:
    """Records whose later time is before the earlier one."""
    for slip in book.live(check.dataset):
        if _before(slip, check.later, slip, check.earlier, or_equal=not check.equal):
            yield tell(rule, Case.BROKEN, slip)


def precedes(rule: Rule, check: Precedes, book: Book) -> Iterator[Finding | None]:
    """Records that come before the first one they depend on. A group without such a first one is not judged."""
    starts = _firsts(check.before, book)
    counted = _firsts(check.unless, book) if check.unless else {}
    items = _firsts(check.unless, book, without_lot=True) if check.unless else {}
    unclear: dict[str, list[Slip]] = defaultdict(list)
    for group, slip in book.of(check.after):
        start = starts.get(group)
        if start is None or not _before(slip, check.after.at, start, check.before.at):
            continue
        if check.unless and _since(slip, check.after, counted.get(group), check.unless):
            continue
        if check.unless and not _since(slip, check.after, items.get(group[:-1]), check.unless):
            unclear[slip.institution].append(slip)
            continue
        yield tell(rule, Case.BROKEN, slip, [start])
    for slips in unclear.values():
        yield tell(rule, Case.UNKNOWN, slips[0], slips, count=len(slips))


def _since(slip: Slip, after: Term, stock: Slip | None, unless: Term) -> bool:
    """Whether the stocktake is there and does not come after the record."""
    return stock is not None and not _before(slip, after.at, stock, unless.at)


def _firsts(term: Term, book: Book, *, without_lot: bool = False) -> dict[tuple[str, ...], Slip]:
    first: dict[tuple[str, ...], Slip] = {}
    for whole, slip in book.of(term):
        group = whole[:-1] if without_lot else whole
        held = first.setdefault(group, slip)
        if held.get(term.at) is None or _before(slip, term.at, held, term.at):
            first[group] = slip
    return first


def duration(rule: Rule, check: Duration, book: Book) -> Iterator[Finding | None]:
    """Records that state more minutes than passed between begin and end."""
    for slip in book.live(check.dataset):
        begin, end, minutes = slip.clock(check.begin), slip.clock(check.end), slip.number(check.minutes)
        if begin is None or end is None or minutes is None or end < begin:
            continue
        clock = Decimal((end - begin).days * 1440) + Decimal((end - begin).seconds) / 60
        if minutes > clock + check.slack:
            yield tell(rule, Case.BROKEN, slip, minutes=minutes, clock=clock.quantize(Decimal(1)))


def least(rule: Rule, check: Least, book: Book) -> Iterator[Finding | None]:
    """Records whose number stays below the least value without a stated reason."""
    exempt = {group for group, _ in book.of(check.exempt)} if check.exempt else set()
    for slip in book.live(check.dataset):
        if check.exempt and slip.group(check.exempt.group) in exempt:
            continue
        value = slip.number(check.field)
        taken = slip.number(check.minus) if check.minus else Decimal(0)
        if value is None or taken is None or (check.reason and slip.get(check.reason) is not None):
            continue
        if value - taken < check.least:
            yield tell(rule, Case.BROKEN, slip, value=value - taken, least=check.least)


def _before(ours: Slip, our_field: str, theirs: Slip, their_field: str, *, or_equal: bool = False) -> bool:
    """By the second, or by the day where one side is a date; an absent time contradicts nothing."""
    mine, yours = ours.get(our_field), theirs.get(their_field)
    if isinstance(mine, datetime) and isinstance(yours, datetime):
        return mine <= yours if or_equal else mine < yours
    day, other = ours.day(our_field), theirs.day(their_field)
    if day is None or other is None:
        return False
    return day <= other if or_equal else day < other
