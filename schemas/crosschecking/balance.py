"""`balance`: opening + in - out = closing, per month and item, by lot where the site keeps lots throughout.

What moved belongs to the month whose stocktake came next, by the moment of the count where the stocktake states one: one
taken on the 25th does not hold what came in on the 26th. The opening is the stocktake of the month before. Where none was
read the month cannot be checked, which is told once per month and not as a mismatch of every item. The first stocktake of
all, with nothing moved beside it, is just the beginning.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from schemas.checks import Balance, Term, Unlisted
from schemas.crosschecking.book import Book, Slip
from schemas.crosschecking.finding import Finding, tell
from schemas.rules import Case, Rule

_Item = tuple[str, ...]  # institution and item
_MONTH = re.compile(r"([0-9]{4})\D?(0[1-9]|1[0-2])")


class _Side(StrEnum):
    CLOSING = "closing"
    INWARD = "inward"
    OUTWARD = "outward"


@dataclass(frozen=True, slots=True)
class _Entry:
    """One record's part in the account."""

    month: int  #: months since year 0
    side: _Side
    amount: Decimal
    lot: str | None
    unit: str | None
    slip: Slip


@dataclass(slots=True)
class _Month:
    """One month of one account."""

    entries: list[_Entry] = field(default_factory=list)

    @property
    def moved(self) -> bool:
        return self.has(_Side.INWARD) or self.has(_Side.OUTWARD)

    def total(self, side: _Side) -> Decimal:
        return sum((entry.amount for entry in self.entries if entry.side is side), Decimal(0))

    def has(self, side: _Side) -> bool:
        return any(entry.side is side for entry in self.entries)


def balance(rule: Rule, check: Balance, book: Book) -> Iterator[Finding | None]:
    """Accounts that do not add up, and months that cannot be checked."""
    entries = _entries(check, book)
    accounts = _accounts(check, entries)
    counted = _counted(entries)
    for institution in sorted(counted):
        own = [account for (name, *_), account in sorted(accounts.items()) if name == institution]
        for month, first in sorted(counted[institution].items()):
            pairs = [(each[month - 1], each[month]) for each in own]
            if month > min(counted[institution]) or any(now.moved for _, now in pairs):
                yield from _judged(rule, check, pairs, month, first, opened=month - 1 in counted[institution])


def _judged(
    rule: Rule, check: Balance, pairs: Sequence[tuple[_Month, _Month]], month: int, first: Slip, *, opened: bool
) -> Iterator[Finding | None]:
    """One month of one institution. `first` is the stocktake's first record: it stands for what cannot be checked."""
    unchecked = 0
    for before, now in pairs:
        if not before.has(_Side.CLOSING) and not now.entries:
            continue
        if not opened or _unclear(check, before, now):
            unchecked += 1
            continue
        yield _difference(rule, check, before, now, month)
    if unchecked:
        yield tell(rule, Case.UNKNOWN, first, month=_written(month), count=unchecked)


def _unclear(check: Balance, before: _Month, now: _Month) -> bool:
    """Amounts in two units do not add up; an item the stocktake does not list may be none or not counted."""
    opening = [entry for entry in before.entries if entry.side is _Side.CLOSING]
    if len({entry.unit for entry in (*opening, *now.entries)}) > 1:
        return True
    return check.unlisted is Unlisted.UNKNOWN and not (opening and now.has(_Side.CLOSING))


def _difference(rule: Rule, check: Balance, before: _Month, now: _Month, month: int) -> Finding | None:
    opening, closing = before.total(_Side.CLOSING), now.total(_Side.CLOSING)
    inward, outward = now.total(_Side.INWARD), now.total(_Side.OUTWARD)
    difference = opening + inward - outward - closing
    if abs(difference) <= check.tolerance:
        return None
    involved = [*now.entries, *(entry for entry in before.entries if entry.side is _Side.CLOSING)]
    involved.sort(key=lambda entry: (entry.side is not _Side.CLOSING, -entry.month, entry.slip.dataset, entry.slip.key))
    return tell(
        rule,
        Case.BROKEN,
        involved[0].slip,
        [entry.slip for entry in involved],
        month=_written(month),
        opening=opening,
        inward=inward,
        outward=outward,
        closing=closing,
        difference=difference,
    )


class _Counts:
    """At which moment each month was counted: of an item, or of the institution where the item is not listed."""

    def __init__(self, check: Balance, book: Book) -> None:
        self._moments: dict[_Item, dict[int, datetime]] = defaultdict(dict)
        for group, slip in book.of(check.closing) if check.closing.at else ():
            month, moment = _month(slip.get(check.month)), slip.clock(check.closing.at)
            if month is not None and moment is not None and _month(moment) in (month, month + 1):
                for holder in (group, group[:1]):
                    self._moments[holder][month] = max(moment, self._moments[holder].get(month, moment))

    def month(self, group: _Item, term: Term, slip: Slip) -> int | None:
        """The month to which a movement belongs; without a moment to compare, that of its day."""
        month, moment = _month(slip.day(term.at)), slip.clock(term.at)
        if month is None or moment is None:
            return month
        counted, before = self._moment(group, month), self._moment(group, month - 1)
        if before and moment <= before:
            return month - 1
        return month + 1 if counted and moment > counted else month

    def _moment(self, group: _Item, month: int) -> datetime | None:
        return self._moments[group].get(month) or self._moments[group[:1]].get(month)


def _entries(check: Balance, book: Book) -> dict[_Item, list[_Entry]]:
    found: dict[_Item, list[_Entry]] = defaultdict(list)
    counts = _Counts(check, book)
    sides = [(check.closing, _Side.CLOSING)]
    sides += [(term, _Side.INWARD) for term in check.inward] + [(term, _Side.OUTWARD) for term in check.outward]
    for term, side in sides:
        for group, slip in book.of(term):
            month = _month(slip.get(check.month)) if side is _Side.CLOSING else counts.month(group, term, slip)
            entry = _entry(check, term, side, slip, month)
            if entry:
                found[group].append(entry)
    return found


def _entry(check: Balance, term: Term, side: _Side, slip: Slip, month: int | None) -> _Entry | None:
    amount = slip.number(term.amount)
    if month is None or amount is None:
        return None
    lot, unit = (str(slip.get(name) or "") or None if name else None for name in (check.lot, check.unit))
    return _Entry(month, side, amount, lot, unit, slip)


def _accounts(check: Balance, entries: dict[_Item, list[_Entry]]) -> dict[_Item, dict[int, _Month]]:
    """Month by month for each item, or for each lot of it where every record names one."""
    accounts: dict[_Item, dict[int, _Month]] = defaultdict(lambda: defaultdict(_Month))
    for item, own in entries.items():
        by_lot = bool(check.lot) and all(entry.lot for entry in own)
        for entry in own:
            accounts[(*item, entry.lot or "") if by_lot else item][entry.month].entries.append(entry)
    return accounts


def _counted(entries: dict[_Item, list[_Entry]]) -> dict[str, dict[int, Slip]]:
    """The months of which a stocktake was read, by institution, with its first record."""
    months: dict[str, dict[int, Slip]] = defaultdict(dict)
    for (institution, *_), own in entries.items():
        for entry in own:
            if entry.side is _Side.CLOSING:
                held = months[institution].setdefault(entry.month, entry.slip)
                months[institution][entry.month] = min(held, entry.slip, key=lambda slip: slip.key)
    return months


def _month(value: object) -> int | None:
    """2026-01, 202601, 2026-01-31 -> months since year 0."""
    parts = _MONTH.match(str(value))
    return int(parts[1]) * 12 + int(parts[2]) - 1 if parts else None


def _written(month: int) -> str:
    return f"{month // 12:04d}-{month % 12 + 1:02d}"
