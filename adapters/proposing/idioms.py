"""How each database writes what a profile's queries need: names, the cursor's comparison, the page, a span of time."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.engine import Dialect

from adapters.databases.sql import KeyKind
from adapters.introspection.tables import Column, Kind

#: databases that are written alike
_FAMILIES = {"mysql": ("mysql", "mariadb"), "mariadb": ("mysql", "mariadb")}
#: a database whose dialect has the name of another
_BY_DRIVER = {"ksycopg2": "kingbase"}


class Bound(StrEnum):
    """How a column of business time compares with :from and :to."""

    MOMENT = "moment"
    ZONED = "zoned"
    DAY = "day"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class Idioms:
    """Those of one database."""

    dialect: Dialect

    @property
    def family(self) -> tuple[str, ...]:
        """The databases that the same queries serve, as a manifest names them."""
        name = _BY_DRIVER.get(self.dialect.driver, self.dialect.name)
        return _FAMILIES.get(name, (name,))

    def quoted(self, name: str) -> str:
        """A table's or a column's name, in quotes only where it needs them."""
        return str(self.dialect.identifier_preparer.quote(name))

    def ordered(self, column: str, key: KeyKind) -> str:
        """What rows are ordered by: text by its bytes, whatever the database's language."""
        if key is not KeyKind.TEXT:
            return column
        match self.dialect.name:
            case "postgresql":
                return f'{column} COLLATE "C"'
            case "mysql" | "mariadb":
                return f"BINARY {column}"
            case "mssql":
                return f"{column} COLLATE Latin1_General_BIN2"
        return column

    def after(self, column: str, key: KeyKind) -> str:
        """Rows after the cursor."""
        bound = "CAST(:after_key AS uuid)" if key is KeyKind.UUID and self.dialect.name == "postgresql" else ":after_key"
        return f"{self.ordered(column, key)} > {bound}"

    @property
    def page(self) -> str:
        """The last line of a query: so many rows."""
        match self.dialect.name:
            case "oracle" | "dm":
                return "FETCH FIRST :limit ROWS ONLY"
            case "mssql":
                return "OFFSET 0 ROWS FETCH NEXT :limit ROWS ONLY"
        return "LIMIT :limit"

    def within(self, column: str, bound: Bound) -> str:
        """Rows of a span of business time."""
        start, end = (self._bound(name, bound) for name in ("from", "to"))
        return f"{column} >= {start}\n    AND {column} < {end}"

    def _bound(self, name: str, bound: Bound) -> str:
        if self.dialect.name == "postgresql":
            cast = {Bound.DAY: "date", Bound.MOMENT: "timestamp", Bound.ZONED: "timestamp", Bound.TEXT: "text"}[bound]
            zone = " AT TIME ZONE 'Asia/Shanghai'" if bound is Bound.ZONED else ""
            return f"CAST(:{name} AS {cast}){zone}"
        if bound is Bound.DAY:
            return f"date(:{name})" if self.dialect.name == "sqlite" else f"CAST(:{name} AS date)"
        return f":{name}"


def bound_of(column: Column) -> Bound:
    """How a column of business time is compared; text sorts like time only where it is written like it."""
    if column.kind is Kind.DATE:
        return Bound.DAY
    if column.kind is Kind.DATETIME:
        return Bound.ZONED if column.zoned else Bound.MOMENT
    return Bound.TEXT


def key_kind(column: Column) -> KeyKind:
    """How a cursor over this column counts."""
    if column.kind in (Kind.INTEGER, Kind.NUMBER):
        return KeyKind.INTEGER
    return KeyKind.UUID if column.kind is Kind.UUID else KeyKind.TEXT
