"""Origins made of more than one column, or of a part of one: a day and a clock read apart, a product, a joined number, JSON,
the time from one field to another."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from adapters.conversion import UnreadableError, is_blank, to_date, to_number, to_text, to_time, visible
from adapters.fieldrule import FieldRule
from adapters.origins import Missing, Origin, Row, SiteFacts
from schemas.model import Violation
from schemas.wire import SHANGHAI

_NOTHING = timedelta(0)


@dataclass(frozen=True, slots=True)
class DayAndClock:
    """A day and a wall clock that each need reading of their own: a day in several notations, a clock told by the shift."""

    day: Origin
    clock: Origin
    zone: ZoneInfo | timezone = SHANGHAI

    @property
    def columns(self) -> tuple[str, ...]:
        """Those of both."""
        return (*self.day.columns, *self.clock.columns)

    def find(self, row: Row, facts: SiteFacts) -> Any:
        """The moment; Missing if either half is."""
        day, clock = self.day.find(row, facts), self.clock.find(row, facts)
        if isinstance(day, Missing) or isinstance(clock, Missing):
            return day if isinstance(day, Missing) else clock
        return datetime.combine(to_date(day, self.zone), to_time(clock).replace(tzinfo=None), self.zone)


@dataclass(frozen=True, slots=True)
class Product:
    """The product of several numbers, such as packs x pieces in a pack."""

    factors: tuple[Origin, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Those of all factors."""
        return tuple(column for origin in self.factors for column in origin.columns)

    def find(self, row: Row, facts: SiteFacts) -> Any:
        """The product; Missing if a factor is: what is not known is not taken for 1."""
        product = Decimal(1)
        for origin in self.factors:
            value = origin.find(row, facts)
            if isinstance(value, Missing):
                return value
            product *= to_number(value)
        return product


@dataclass(frozen=True, slots=True)
class Joined:
    """One number made of several, such as a register number and the line in it."""

    parts: tuple[Origin, ...]
    mark: str  #: between them

    @property
    def columns(self) -> tuple[str, ...]:
        """Those of all parts."""
        return tuple(column for origin in self.parts for column in origin.columns)

    def find(self, row: Row, facts: SiteFacts) -> Any:
        """The parts with the mark between them; Missing if one is: half a number would be another's."""
        texts: list[str] = []
        for origin in self.parts:
            value = origin.find(row, facts)
            if isinstance(value, Missing):
                return value
            texts.append(to_text(value))
        return self.mark.join(texts)


@dataclass(frozen=True, slots=True)
class Minutes:
    """Whole minutes from one moment of the record to another, as their own rules read them."""

    start: FieldRule
    end: FieldRule

    @property
    def columns(self) -> tuple[str, ...]:
        """Those of both."""
        return (*self.start.origin.columns, *self.end.origin.columns)

    def find(self, row: Row, facts: SiteFacts) -> Any:
        """Their number, rounded down; Missing if either moment is. UnreadableError if one cannot be read, or they run backwards."""
        start, end = self.start.value(row, facts), self.end.value(row, facts)
        for rule, value in ((self.start, start), (self.end, end)):
            if isinstance(value, Missing):
                return value
            if isinstance(value, Violation):
                raise UnreadableError(f"要由{rule.spec.label}算，而它无法读懂")
        passed = end - start
        if passed < _NOTHING and self.end.next_day_if_before == self.start.spec.name:
            passed += timedelta(days=1)
        if passed < _NOTHING:
            raise UnreadableError(f"{self.end.spec.label}早于{self.start.spec.label}")
        return passed // timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class InJson:
    """A single value inside a JSON column."""

    column: str
    path: tuple[str, ...]  #: names, and numbers from 0 in a list

    @property
    def columns(self) -> tuple[str, ...]:
        """The column."""
        return (self.column,)

    def find(self, row: Row, facts: SiteFacts) -> Any:
        """The value; Missing where the path leads nowhere. UnreadableError for what is no JSON, or not a single value."""
        if is_blank(row[self.column]):
            return Missing()
        value = _parsed(row[self.column])
        for step in self.path:
            value = _step(value, step)
        if isinstance(value, dict | list):
            raise UnreadableError(f"JSON 的 {'.'.join(self.path)} 处不是单个值")
        return Missing() if is_blank(value) else value


@dataclass(frozen=True, slots=True)
class Declared:
    """One of several columns: the site declares which of them is meant."""

    constant: str
    choices: Mapping[str, str]  #: declared value -> column

    @property
    def columns(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(self.choices.values())

    def find(self, row: Row, facts: SiteFacts) -> Any:
        """The value of the declared column."""
        column = self.choices.get(facts.constants.get(self.constant, ""))
        if column is None:
            return Missing("undeclared", f"站点尚未声明 {self.constant}（{'、'.join(self.choices)} 之一）")
        return Missing() if is_blank(row[column]) else row[column]


def _parsed(value: Any) -> Any:
    """Drivers give a JSON column as text, as bytes, or read already."""
    if isinstance(value, dict | list):
        return value
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        raise UnreadableError("应为 JSON")
    try:
        return _loaded(visible(value))
    except (ValueError, RecursionError):
        raise UnreadableError("不是完整的 JSON") from None


@lru_cache(8)  # the fields of one row ask for the same text
def _loaded(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


def _step(value: Any, step: str) -> Any:
    if isinstance(value, dict):
        return value.get(step)
    if isinstance(value, list) and step.isdecimal() and int(step) < len(value):
        return value[int(step)]
    return None
