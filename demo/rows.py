"""One row of a site's table through its life: inserted, changed, and what it is worth to the gateway at each point."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from demo.dirt import Fate

_FORMAT = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True, slots=True)
class Change:
    """One statement that the site's product ran, and when."""

    at: datetime  #: aware, Asia/Shanghai
    database: str  #: `his:<code>` or `pos:<code>`
    sql: str
    params: Mapping[str, Any]
    dataset: str = ""  #: data set the row is a record of; "" for master data and documents


@dataclass(frozen=True, slots=True)
class Version:
    """The row from `at` on. Without values nothing is written, only the fate changes (its document was changed)."""

    at: datetime
    values: Mapping[str, Any]
    fate: Fate = Fate.CLEAN
    dirt: str = ""  #: kind of dirt this version brought in


@dataclass(slots=True)
class Row:
    """A row with all its versions, oldest first. `number` is given when it is first stored, in storage order."""

    database: str
    table: str
    versions: list[Version]
    dataset: str = ""  #: data set this row is a record of; "" for master data and documents
    key: str = "id"  #: column by which the product finds it again; `id` is numbered by the product
    stamped: bool = True  #: whether the table keeps created_at and updated_at
    number: int = field(default=0)

    @property
    def born(self) -> datetime:
        """When the site first stored it."""
        return self.versions[0].at

    def until(self, end: datetime) -> list[Version]:
        """The versions stored before `end`."""
        return [version for version in self.versions if version.at < end]

    def changes(self, end: datetime) -> Iterator[Change]:
        """The statements before `end`: one INSERT, then UPDATEs."""
        for index, version in enumerate(self.until(end)):
            if index == 0:
                yield self._insert(version)
            elif version.values or self.stamped:
                yield self._update(version)

    def _insert(self, version: Version) -> Change:
        values = dict(version.values)
        if self.key == "id":
            values["id"] = self.number
        if self.stamped:
            values["created_at"] = values["updated_at"] = text(version.at)
        marks = ", ".join(f":{name}" for name in values)
        sql = f"INSERT INTO {self.table} ({', '.join(values)}) VALUES ({marks})"  # noqa: S608 - names are ours
        return Change(version.at, self.database, sql, values, self.dataset)

    def _update(self, version: Version) -> Change:
        values = dict(version.values)
        if self.stamped:
            values["updated_at"] = text(version.at)
        assignments = ", ".join(f"{name} = :{name}" for name in values)
        sql = f"UPDATE {self.table} SET {assignments} WHERE {self.key} = :row_key"  # noqa: S608 - names are ours
        key = self.number if self.key == "id" else self.versions[0].values[self.key]
        return Change(version.at, self.database, sql, {**values, "row_key": key}, self.dataset)


def text(moment: datetime) -> str:
    """The site's own way to store a time: wall clock without a zone."""
    return moment.strftime(_FORMAT)
