"""What a found value must go through before it means what the field says: the site's words for nothing, its way to write a day,
units, the sign of a document."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache
from typing import Any, Protocol

from adapters.conversion import NUMBER, UnreadableError, half_width, local_code, to_number, to_text, visible
from adapters.origins import Missing, Origin, Row, SiteFacts

_PIECE = re.compile(r"'(?P<quoted>[^']*)'|(?P<part>yyyy|MM?|dd?|HH?|mm?|ss?)|(?P<mark>.)", re.DOTALL)
_NAMES = {"y": "year", "M": "month", "d": "day", "H": "hour", "m": "minute", "s": "second"}
#: a text of a day and a clock: what stands before the clock
_DAY_OF = re.compile(r"(.+?)[ T]+[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?")
_AMOUNT = re.compile(rf"({NUMBER})(?![0-9.,])\s*(.*)", re.DOTALL)


class Step(Protocol):
    """One thing done to a found value."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Further columns that it reads."""

    def apply(self, value: Any, row: Row) -> Any:
        """The value after it, or Missing. UnreadableError if it is not what the mapping says."""


@dataclass(frozen=True, slots=True)
class Refined:
    """An origin and what its value goes through, in order."""

    origin: Origin
    steps: tuple[Step, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Those of the origin and of the steps."""
        return (*self.origin.columns, *(column for step in self.steps for column in step.columns))

    def find(self, row: Row, facts: SiteFacts) -> Any:
        """The value after the last step, or Missing as soon as there is none."""
        value = self.origin.find(row, facts)
        for step in self.steps:
            if isinstance(value, Missing):
                return value
            value = step.apply(value, row)
        return value


@dataclass(frozen=True, slots=True)
class Empty:
    """Values by which the site says that there is nothing: `-`, `0000-00-00`, `1900-01-01`."""

    values: frozenset[str]
    columns: tuple[str, ...] = ()

    def apply(self, value: Any, row: Row) -> Any:
        """Missing if it is one of them; a day is compared as yyyy-MM-dd, whatever its time is."""
        return Missing() if self.values.intersection(_texts(value)) else value


@dataclass(frozen=True, slots=True)
class Notations:
    """How the site writes days or moments as text; a value that is no text stays as it is."""

    patterns: tuple[str, ...]  #: as the mapping writes them, for messages
    columns: tuple[str, ...] = ()

    def apply(self, value: Any, row: Row) -> Any:
        """The day or moment. UnreadableError if no notation fits, or if two that fit mean different days."""
        if not isinstance(value, str):
            return value
        found = {read for pattern in self.patterns if (read := _read(visible(value), pattern)) is not None}
        if not found:
            raise UnreadableError(f"应写成 {' 或 '.join(self.patterns)}")
        if len(found) > 1:
            raise UnreadableError(f"按 {' 和 '.join(self.patterns)} 读出来不一样，不能确定是哪一天")
        return found.pop()


@dataclass(frozen=True, slots=True)
class Units:
    """What one of each unit is in the field's own; "" is a number without a unit."""

    factors: Mapping[str, Decimal]
    columns: tuple[str, ...] = ()

    def apply(self, value: Any, row: Row) -> Any:
        """The number in the field's unit."""
        number, unit = _amount(value)
        factor = self.factors.get(unit)
        if factor is None:
            units = "、".join(unit or "（不写单位）" for unit in self.factors)
            raise UnreadableError(f"单位应为 {units} 之一")
        return number * factor


@dataclass(frozen=True, slots=True)
class Sign:
    """Which kind of document counts up and which counts down; the site may store either without a sign."""

    column: str
    plus: frozenset[str]
    minus: frozenset[str]

    @property
    def columns(self) -> tuple[str, ...]:
        """The kind's column."""
        return (self.column,)

    def apply(self, value: Any, row: Row) -> Any:
        """The number with the kind's sign. UnreadableError for a kind that the mapping does not name: it is not guessed."""
        kind, number = local_code(row[self.column]) if row[self.column] is not None else "", to_number(value)
        if kind in self.plus:
            return abs(number)
        if kind in self.minus:
            return -abs(number)
        raise UnreadableError(f"单据类型 {kind[:32] or '为空'}（{self.column}）没有说明是加还是减")


@dataclass(frozen=True, slots=True)
class Translated:
    """A local code inside another origin, such as the shift that tells a clock."""

    codes: Mapping[str, str]
    columns: tuple[str, ...] = ()

    def apply(self, value: Any, row: Row) -> Any:
        """What the code stands for."""
        code = local_code(value)
        if code not in self.codes:
            raise UnreadableError(f"本地代码 {code[:32]} 没有对照")
        return self.codes[code]


def unusable(pattern: str) -> str:
    """Why a notation cannot be used, in Chinese; "" if it can."""
    pieces = list(_PIECE.finditer(pattern))
    parts = [piece["part"][0] for piece in pieces if piece["part"]]
    letters = [piece["mark"] for piece in pieces if piece["mark"] and piece["mark"].isascii() and piece["mark"].isalnum()]
    if letters:
        return f"不认识 {letters[0]}；可用 yyyy、MM、M、dd、d、HH、H、mm、m、ss、s，其他字母和数字写在单引号里"
    if len(set(parts)) != len(parts):
        return "同一部分写了两次"
    return "" if {"y", "M", "d"} <= set(parts) else "须有年、月、日"


def _read(text: str, pattern: str) -> date | datetime | None:
    """The day, or the moment if the notation has a clock; None if the text is not written so, or is no day there is."""
    found = _shape(pattern).fullmatch(text)
    if found is None:
        return None
    numbers = {name: int(digits) for name, digits in found.groupdict().items()}
    try:
        moment = datetime(**numbers)  # type: ignore[arg-type]  # noqa: DTZ001  the mapping says in which zone it stands
    except ValueError:
        return None
    return moment if len(numbers) > len(("year", "month", "day")) else moment.date()


@cache
def _shape(pattern: str) -> re.Pattern[str]:
    return re.compile("".join(map(_group, _PIECE.finditer(pattern))))


def _group(piece: re.Match[str]) -> str:
    """MM is two digits, M one or two: `2026115` is not taken for a day by yyyyMMdd."""
    part = piece["part"]
    if part is None:
        return re.escape(piece["mark"] or piece["quoted"] or "")
    least = 1 if len(part) == 1 else len(part)
    return f"(?P<{_NAMES[part[0]]}>[0-9]{{{least},{max(least, 2)}}})"


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, datetime):
        return (value.date().isoformat(), value.isoformat(" "))
    if isinstance(value, date | time):
        return (value.isoformat(),)
    try:
        text = to_text(value)
    except UnreadableError:
        return ()
    moment = _DAY_OF.fullmatch(text)  # SQLite and files give moments as texts, MySQL drivers those of no calendar
    return (text, moment[1]) if moment else (text,)


def _amount(value: Any) -> tuple[Decimal, str]:
    if not isinstance(value, str):
        return to_number(value), ""
    text = visible(value)
    match = _AMOUNT.fullmatch(half_width(text))
    if match is None:
        raise UnreadableError("应为数值，可带单位")
    return Decimal(match[1].replace(",", "")), text[match.start(2) :].strip()
