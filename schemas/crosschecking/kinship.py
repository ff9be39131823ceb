"""`within`: a child record and its parent, e.g. a dialysis session and its schedule.

Three outcomes are kept apart: no parent data set was read at all (nothing can be said), this parent is not there, and the
parent is there but says otherwise.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, time

from schemas.checks import Between, Pair, Window, Within
from schemas.crosschecking.book import Book, Slip
from schemas.crosschecking.finding import Finding, tell
from schemas.rules import Case, Rule
from schemas.wire import SHANGHAI

_Group = tuple[object, ...]
_Indexes = Sequence[Mapping[_Group, list[Slip]]]


def within(rule: Rule, check: Within, book: Book) -> Iterator[Finding | None]:
    """Children without a parent, and children whose parents all disagree."""
    read = book.institutions(check.parent)
    indexes = [_index(check, link, book) for link in check.links]
    orphans: dict[str, list[Slip]] = defaultdict(list)
    for child in book.live(check.child):
        parents = _parents(check, child, indexes) if child.meets(check.where) else None
        if parents is None:
            continue
        if child.institution not in read:
            orphans[child.institution].append(child)
        elif not parents:
            yield tell(rule, Case.MISSING, child)
        elif not any(_agree(check, child, parent) for parent in parents):
            yield tell(rule, Case.BROKEN, child, parents)
    for children in orphans.values():
        yield tell(rule, Case.UNKNOWN, children[0], count=len(children))


def _index(check: Within, link: tuple[Pair, ...], book: Book) -> dict[_Group, list[Slip]]:
    found: dict[_Group, list[Slip]] = defaultdict(list)
    for parent in book.live(check.parent):
        values = [parent.day(pair.parent) if pair.by_day else parent.get(pair.parent) for pair in link]
        if None not in values:
            found[parent.institution, *values].append(parent)
    return found


def _parents(check: Within, child: Slip, indexes: _Indexes) -> list[Slip] | None:
    """The parents by the first link the child has the fields for; None if it has them for no link."""
    for link, index in zip(check.links, indexes, strict=True):
        values = [child.day(pair.child, check.day_begins) if pair.by_day else child.get(pair.child) for pair in link]
        if None not in values:
            return index.get((child.institution, *values), [])
    return None


def _agree(check: Within, child: Slip, parent: Slip) -> bool:
    if check.parent_not and parent.meets(check.parent_not):
        return False
    if not all(_equal(check, pair, child, parent) for pair in check.same):
        return False
    if check.window and not _in_window(check.window, child, parent):
        return False
    return check.between is None or _in_days(check, check.between, child, parent)


def _equal(check: Within, pair: Pair, child: Slip, parent: Slip) -> bool:
    """An absent value contradicts nothing."""
    ours = child.day(pair.child, check.day_begins) if pair.by_day else child.get(pair.child)
    theirs = parent.day(pair.parent) if pair.by_day else parent.get(pair.parent)
    return ours is None or theirs is None or ours == theirs


def _in_window(window: Window, child: Slip, parent: Slip) -> bool:
    at, day = child.clock(window.at), parent.day(window.date)
    hours = window.hours.get(str(parent.get(window.shift)))
    if at is None or day is None or hours is None:
        return True
    midnight = datetime.combine(day, time(), SHANGHAI)
    return midnight + hours[0] <= at <= midnight + hours[1]


def _in_days(check: Within, between: Between, child: Slip, parent: Slip) -> bool:
    at = child.day(between.at, check.day_begins)
    begin, end = parent.day(between.begin), parent.day(between.end)
    return at is None or ((begin is None or begin <= at) and (end is None or at <= end))
