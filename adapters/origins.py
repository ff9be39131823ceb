"""Where a field's value comes from: a column, two columns, the site's constants, its catalogue, or the product itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from adapters.catalogue import Catalogue
from adapters.conversion import is_blank, to_date, to_text, to_time
from schemas.wire import SHANGHAI

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """What the site declared, because its software does not hold it."""

    institution: str  #: fixmedins_code
    constants: Mapping[str, str] = field(default_factory=dict)
    catalogues: Mapping[str, Catalogue] = field(default_factory=dict)  #: by the column that finds a row
    others: frozenset[str] = frozenset()  #: further institutions whose rows the database holds, told by a column
    institutions: Mapping[str, str] = field(default_factory=dict)  #: what that column says -> fixmedins_code, where it is no code


@dataclass(frozen=True, slots=True)
class Missing:
    """Why there is no value."""

    rule: str = "required"
    reason: str = ""  #: Chinese; empty when the column was simply empty


class Origin(Protocol):
    """Where a field's value comes from."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns the query must yield."""

    def find(self, row: Row, facts: SiteFacts) -> Any:
        """The local value, or Missing. UnreadableError if the parts cannot be put together."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the query."""

    column: str

    @property
    def columns(self) -> tuple[str, ...]:
        """Itself."""
        return (self.column,)

    def find(self, row: Row, facts: SiteFacts) -> Any:
        """The column's value."""
        value = row[self.column]
        return Missing() if is_blank(value) else value


@dataclass(frozen=True, slots=True)
class DateAndTime:
    """A day and a wall clock in two columns."""

    date: str
    time: str
    zone: ZoneInfo | timezone = SHANGHAI

    @property
    def columns(self) -> tuple[str, ...]:
        """Both."""
        return (self.date, self.time)

    def find(self, row: Row, facts: SiteFacts) -> Any:
        """The moment; Missing if either half is."""
        if is_blank(row[self.date]) or is_blank(row[self.time]):
            return Missing()
        day = to_date(row[self.date], self.zone)
        return datetime.combine(day, to_time(row[self.time]), self.zone)


@dataclass(frozen=True, slots=True)
class Constant:
    """A value the site declared for all its rows."""

    name: str
    columns: tuple[str, ...] = ()

    def find(self, row: Row, facts: SiteFacts) -> Any:
        """The declared value."""
        value = facts.constants.get(self.name, "")
        return Missing("undeclared", f"站点尚未声明 {self.name}") if is_blank(value) else value


@dataclass(frozen=True, slots=True)
class CatalogueValue:
    """A column of one of the site's catalogues, in the row found by a column of the query, if it has dates the one of the day."""

    key: str
    take: str
    as_of: str = ""  #: the column of the day that counts, of a catalogue with dates
    zone: ZoneInfo | timezone = SHANGHAI

    @property
    def columns(self) -> tuple[str, ...]:
        """The key, and the day if one is named."""
        return (self.key, self.as_of) if self.as_of else (self.key,)

    def find(self, row: Row, facts: SiteFacts) -> Any:
        """The catalogue's value, or which step of the look-up failed."""
        catalogue = facts.catalogues.get(self.key)
        if catalogue is None:
            return Missing("catalogue", f"站点尚未提供按 {self.key} 查的目录对照表")
        if self.take not in catalogue.columns:
            return Missing("catalogue", f"目录对照表没有列 {self.take}")
        if is_blank(row[self.key]):
            return Missing("catalogue", f"本行没有 {self.key}，不能查目录对照表")
        found = self._row(catalogue, to_text(row[self.key]), row)
        if isinstance(found, Missing):
            return found
        return found[self.take] or Missing("catalogue", f"目录对照表中这一行的 {self.take} 为空")

    def _row(self, catalogue: Catalogue, key: str, row: Row) -> Mapping[str, str] | Missing:
        if not catalogue.knows(key):
            return Missing("catalogue", f"目录对照表中查不到本行的 {self.key}")
        if not catalogue.dated:
            return catalogue.rows[key]
        if not self.as_of:
            return Missing("catalogue", "目录对照表有生效日期，但映射没有写按哪一列的日期查（as_of）")
        if is_blank(row[self.as_of]):
            return Missing("catalogue", f"本行没有 {self.as_of}，不知道该用哪一天的目录")
        day = to_date(row[self.as_of], self.zone)
        return catalogue.find(key, day) or Missing("catalogue", f"目录对照表中本行的 {self.key} 在 {day} 没有生效的一行")


@dataclass(frozen=True, slots=True)
class Fixed:
    """A value that is true of the product itself; the file says why."""

    value: str
    columns: tuple[str, ...] = ()

    def find(self, row: Row, facts: SiteFacts) -> Any:
        """The value."""
        return self.value


@dataclass(frozen=True, slots=True)
class First:
    """The first of several origins that has a value."""

    origins: tuple[Origin, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """Those of all."""
        return tuple(column for origin in self.origins for column in origin.columns)

    def find(self, row: Row, facts: SiteFacts) -> Any:
        """The first value; else Missing with every reason."""
        missing: list[Missing] = []
        for origin in self.origins:
            value = origin.find(row, facts)
            if not isinstance(value, Missing):
                return value
            missing.append(value)
        return Missing(missing[-1].rule, "，".join(each.reason for each in missing if each.reason))
