"""The tables of a site's database as its catalogue tells them: columns, comments, keys. No row is read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, inspect, types
from sqlalchemy.engine.reflection import ObjectKind
from sqlalchemy.exc import NoSuchTableError

#: a HIS has thousands of tables; a clerk who needs one beyond names it
MOST_TABLES = 3000
_BETWEEN = re.compile(r"(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fff])")


class Kind(StrEnum):
    """What a column is, whatever its database calls it."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    DATE = "date"
    DATETIME = "datetime"
    TIME = "time"
    BOOLEAN = "boolean"
    UUID = "uuid"
    JSON = "json"
    BINARY = "binary"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table or view."""

    name: str
    kind: Kind
    comment: str = ""
    length: int | None = None
    zoned: bool = False  #: a moment with its zone


@dataclass(frozen=True, slots=True)
class Link:
    """A column that names a row of another table."""

    column: str
    table: str
    target: str
    declared: bool = True  #: by a foreign key; else by the column's name, and held against the rows


@dataclass(frozen=True, slots=True)
class Table:
    """One table or view."""

    name: str
    comment: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()  #: primary key
    links: tuple[Link, ...] = ()
    indexed: frozenset[str] = frozenset()  #: columns that an index begins with

    def column(self, name: str) -> Column:
        """The column of that name; KeyError if there is none."""
        for each in self.columns:
            if each.name == name:
                return each
        raise KeyError(name)

    def has(self, name: str) -> bool:
        """Whether there is a column of that name."""
        return any(each.name == name for each in self.columns)


def read(connection: Connection, schema: str | None = None, only: Sequence[str] = ()) -> tuple[Table, ...]:
    """All tables and views of the schema by name, or those that are named; unreadable ones are left out."""
    inspector = inspect(connection)
    wanted = list(only) or sorted({*inspector.get_table_names(schema), *inspector.get_view_names(schema)})[:MOST_TABLES]
    scope: dict[str, Any] = {"schema": schema, "filter_names": wanted, "kind": ObjectKind.ANY}
    try:
        columns = inspector.get_multi_columns(**scope)
        keys: dict[Any, Any] = dict(inspector.get_multi_pk_constraint(**scope))
        links: dict[Any, Any] = dict(inspector.get_multi_foreign_keys(**scope))
        indexes: dict[Any, Any] = dict(inspector.get_multi_indexes(**scope))
    except NoSuchTableError:
        return ()
    comments: dict[Any, str] = _comments(inspector, scope)
    return tuple(
        Table(
            name=place[1],
            comment=plain(comments.get(place, "")),
            columns=tuple(map(_column, found)),
            key=tuple((keys.get(place) or {}).get("constrained_columns") or ()),
            links=tuple(_links(links.get(place) or ())),
            indexed=frozenset(each["column_names"][0] for each in indexes.get(place) or () if each["column_names"][0]),
        )
        for place, found in sorted(columns.items(), key=lambda pair: pair[0][1])
    )


def _comments(inspector: Any, scope: Mapping[str, Any]) -> dict[Any, str]:
    """SQLite has none."""
    try:
        found = inspector.get_multi_table_comment(**scope)
    except NotImplementedError:
        return {}
    return {place: (each or {}).get("text") or "" for place, each in found.items()}


def _column(found: Any) -> Column:
    kind = found["type"]
    return Column(
        name=str(found["name"]),
        kind=_kind(kind),
        comment=plain(found.get("comment") or ""),
        length=getattr(kind, "length", None),
        zoned=bool(getattr(kind, "timezone", False)),
    )


def plain(comment: str) -> str:
    """On one line, without the blanks that some modelling tools put between Chinese words: “商品 编码” is 商品编码."""
    return _BETWEEN.sub("", " ".join(comment.split()))


def _links(found: Sequence[Any]) -> list[Link]:
    """Only keys of one column: others are no look-up of a row by its number."""
    return [
        Link(each["constrained_columns"][0], each["referred_table"], each["referred_columns"][0])
        for each in found
        if len(each["constrained_columns"]) == 1 and len(each["referred_columns"]) == 1
    ]


#: in this order: a Boolean may be an Integer, a DateTime a Date
_KINDS: tuple[tuple[type[Any], Kind], ...] = (
    (types.Boolean, Kind.BOOLEAN),
    (types.Uuid, Kind.UUID),
    (types.JSON, Kind.JSON),
    (types.DateTime, Kind.DATETIME),
    (types.Date, Kind.DATE),
    (types.Time, Kind.TIME),
    (types.Integer, Kind.INTEGER),
    (types.Numeric, Kind.NUMBER),
    (types.Float, Kind.NUMBER),
    (types.LargeBinary, Kind.BINARY),
    (types.String, Kind.TEXT),
)


def _kind(found: Any) -> Kind:
    if str(getattr(found, "__visit_name__", "")).upper() == "JSONB":
        return Kind.JSON
    if getattr(found, "__visit_name__", "").upper() in ("BIT",):
        return Kind.INTEGER
    return next((kind for type_, kind in _KINDS if isinstance(found, type_)), Kind.OTHER)
