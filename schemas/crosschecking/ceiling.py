"""`ceiling`: what was used is not above what was allowed, e.g. sold and bought, treatments done and ordered."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from schemas.checks import Ceiling, Term
from schemas.crosschecking.book import Book, Slip
from schemas.crosschecking.finding import Finding, tell
from schemas.rules import Case, Rule

_Group = tuple[str, ...]


@dataclass(slots=True)
class _Account:
    """One group's account."""

    opened: date | None = None  #: day of the first stocktake
    allowed: Decimal = Decimal(0)
    used: list[tuple[str, Slip, Decimal]] = field(default_factory=list)  #: (when, record, amount)
    returned: Decimal = Decimal(0)
    grounds: list[Slip] = field(default_factory=list)  #: what the allowed amount rests on

    @property
    def net(self) -> Decimal:
        """What was used and did not come back."""
        return sum((amount for _, _, amount in self.used), Decimal(0)) - self.returned

    @property
    def over(self) -> Decimal:
        """By how much it is exceeded; negative while something is left."""
        return self.net - self.allowed

    def exceeding(self, tolerance: Decimal) -> Slip:
        """The record, in order of time, with which the ceiling was passed."""
        left = self.allowed + self.returned + tolerance
        self.used.sort(key=lambda each: (each[0], each[1].dataset, each[1].key))
        for _, slip, amount in self.used:
            left -= amount
            if left < 0:
                return slip
        return self.used[-1][1]


def ceiling(rule: Rule, check: Ceiling, book: Book) -> Iterator[Finding | None]:
    """Groups that used more than allowed, and groups of which it cannot be said."""
    for _, account in sorted(_accounts(check, book).items()):
        if account.net > 0 and account.over > check.tolerance:
            yield _told(rule, check, account)


def _told(rule: Rule, check: Ceiling, account: _Account) -> Finding | None:
    slip = account.exceeding(check.tolerance)
    unopened = check.opening is not None and check.opening_needed and account.opened is None
    if not account.grounds or unopened:
        return tell(rule, Case.UNKNOWN, slip, account.grounds, used=account.net)
    return tell(rule, Case.BROKEN, slip, account.grounds, used=account.net, allowed=account.allowed, over=account.over)


def _accounts(check: Ceiling, book: Book) -> dict[_Group, _Account]:
    accounts: dict[_Group, _Account] = defaultdict(_Account)
    if check.opening:
        _open(check.opening, book, accounts)
    for term in check.allowed:
        for group, slip, amount in _moved(term, book, accounts, in_doubt=True):
            accounts[group].allowed += amount
            accounts[group].grounds.append(slip)
    for term in check.withdrawn:
        for group, _, amount in _moved(term, book, accounts, in_doubt=False):
            accounts[group].allowed -= amount
    for term in check.used:
        for group, slip, amount in _moved(term, book, accounts, in_doubt=False):
            accounts[group].used.append((str(slip.get(term.at)) if term.at else "", slip, amount))
    for term in check.returned:
        for group, _, amount in _moved(term, book, accounts, in_doubt=True):
            accounts[group].returned += amount
    return accounts


def _open(term: Term, book: Book, accounts: dict[_Group, _Account]) -> None:
    """Begin each group with its first stocktake; its rows of that day are added up."""
    for group, slip in book.of(term):
        day, amount = slip.day(term.at), _amount(term, slip)
        account = accounts[group]
        if day is None or amount is None or (account.opened and day > account.opened):
            continue
        if account.opened != day:
            account.opened, account.allowed, account.grounds = day, Decimal(0), []
        account.allowed += amount
        account.grounds.append(slip)


def _moved(term: Term, book: Book, accounts: dict[_Group, _Account], *, in_doubt: bool) -> Iterator[tuple[_Group, Slip, Decimal]]:
    """What moved since the group's stocktake; `in_doubt` says whether the stocktake's own day counts."""
    for group, slip in book.of(term):
        amount = _amount(term, slip)
        opened = accounts[group].opened
        day = slip.day(term.at) if term.at else None
        earlier = opened is not None and day is not None and (day < opened or (day == opened and not in_doubt))
        if amount is not None and not earlier:
            yield group, slip, amount


def _amount(term: Term, slip: Slip) -> Decimal | None:
    return slip.number(term.amount) if term.amount else Decimal(1)
