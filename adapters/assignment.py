"""Generated lines that set one local variable to the wire text of what a driver gave, "" for none.

What drivers commonly give is written on the spot, since a call costs as much as the work; the rest by `adapters.wiretext`.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from adapters import wiretext
from adapters.conversion import is_blank, local_code, visible
from adapters.fieldrule import FieldRule
from adapters.origins import DateAndTime
from schemas.compiling.listing import Listing
from schemas.model import Field, FieldType, Severity

#: what `conversion.is_blank` takes for nothing, once stripped and in capitals
BLANK = frozenset({"", "NULL"})
_LONGEST_BLANK = max(map(len, BLANK))


class Assignments:
    """Writes them into the body of a function of `row` that returns None where it is not sure."""

    def __init__(self, listing: Listing) -> None:
        self._listing = listing
        self._days: dict[str, str] = {}  #: column -> the local that holds its day

    def value(self, rule: FieldRule, value: str, needed: bool) -> None:
        """The local holds what the origin found, None for nothing; if a value is `needed`, nothing is left to the slow path."""
        write = self._listing.bind("write", wiretext.writer(rule.spec, rule.zone))
        match rule.spec.type:
            case FieldType.TEXT:
                self._text(rule.spec, value, write, needed)
            case FieldType.NUMBER:
                self._number(rule.spec, value, write, needed)
            case _:
                self._write(value, write, needed)

    def code(self, table: dict[str, str], value: str, needed: bool) -> None:
        """The local holds a local code; `table` has those that are surely right."""
        self._listing.add(f"{value} = {self._listing.bind('codes', Codes(table))}[{value}]")
        if needed:
            self._unsure(f"not {value}")

    def day(self, rule: FieldRule, column: str, value: str, needed: bool) -> None:
        """A date in a column."""
        write = self._listing.bind("write", wiretext.writer(rule.spec, rule.zone))
        self._listing.add(f"{value} = {self._day(column)}")
        with self._listing.block(f"if not {value}:"):
            self._listing.add(f"{value} = row[{column!r}]")
            self._write(value, write, needed)

    def moment(self, origin: DateAndTime, value: str, needed: bool) -> None:
        """A day and a clock of Shanghai in two columns, as MySQL drivers give DATE and TIME."""
        day, minutes = self._day(origin.date), self._listing.bind("minutes", wiretext.MINUTES)
        seconds, clock = self._listing.bind("seconds", wiretext.SECONDS), self._listing.bind("timedelta", timedelta)
        self._listing.add(f"{value} = row[{origin.time!r}]")
        with self._listing.block(f"if {day} and type({value}) is {clock} and {value}.days == 0:"):
            self._listing.add(f"n = {value}.seconds")
            self._listing.add(f"{value} = f'{{{day}}}{{{minutes}[n // 60]}}{{{seconds}[n % 60]}}'")
        with self._listing.block("else:"):
            self._listing.add(f"{value} = {self._listing.bind('joined', wiretext.joined)}(row[{origin.date!r}], {value})")
            if needed:
                self._unsure(f"not {value}")

    def _day(self, column: str) -> str:
        """The local that holds the column's day as text, "" if the driver gave no date. More than one field may ask for it."""
        if column not in self._days:
            day = self._days[column] = f"d{len(self._days)}"
            texts, kind = self._listing.bind("texts", wiretext.TEXTS), self._listing.bind("date", date)
            self._listing.add(f"{day} = row[{column!r}]")
            self._listing.add(f"{day} = {texts}[{day}] if type({day}) is {kind} else ''")
        return self._days[column]

    def _text(self, spec: Field, value: str, write: str, needed: bool) -> None:
        """Only a short text can be one of those that mean nothing; any other may be too long."""
        nothing = "return None" if needed else f"{value} = ''"
        with self._listing.block(f"if type({value}) is str:"):
            seen = self._listing.bind("visible", visible)
            self._listing.add(f"{value} = {value}.strip() if {value}.isascii() or {value}.isprintable() else {seen}({value})")
            self._listing.add(f"n = len({value})")
            with self._listing.block(f"if n <= {_LONGEST_BLANK}:"):
                self._listing.add(f"if {value}.upper() in {self._listing.bind('blank', BLANK)}: {nothing}")
                self._limit(spec, "elif n", _LONGEST_BLANK)
            self._limit(spec, "elif n")
        with self._listing.block("else:"):
            self._write(value, write, needed)
            self._limit(spec, f"if len({value})")

    def _limit(self, spec: Field, asked: str, most: int | None = None) -> None:
        """Give up on what is longer than the field, if something of up to `most` characters can be."""
        if spec.length and spec.length_severity is Severity.ERROR and (most is None or spec.length < most):
            self._listing.add(f"{asked} > {spec.length:d}: return None")

    def _number(self, spec: Field, value: str, write: str, needed: bool) -> None:
        """A Decimal that is no plain number (NaN, an exponent) gives a text that no pattern of a number takes."""
        kinds = [Decimal, int] if spec.scale else [int, Decimal]
        for word, kind in zip(("if", "elif"), kinds, strict=True):
            with self._listing.block(f"{word} type({value}) is {self._listing.bind('kind', kind)}:"):
                self._listing.add(f"{value} = str({value})")
                if kind is Decimal:
                    trimmed = self._listing.bind("trimmed", wiretext.trimmed)
                    self._listing.add(f"if {value}[-1] == '0': {value} = {trimmed}({value})")
        with self._listing.block("else:"):
            self._write(value, write, needed)

    def _write(self, value: str, write: str, needed: bool) -> None:
        self._listing.add(f"{value} = '' if {value} is None else {write}({value})")
        if needed:
            self._unsure(f"not {value}")

    def _unsure(self, condition: str) -> None:
        self._listing.add(f"if {condition}: return None")


class Codes(dict[Any, str]):
    """A table that also takes a local code which does not stand in it as it is. KeyError: only the slow path knows."""

    def __missing__(self, value: Any) -> str:
        if is_blank(value):
            return ""
        code = local_code(value)
        if code not in self:
            raise KeyError(code)
        return self[code]
