"""What is known of an unknown database, looked up as it is needed: its tables, what they hold, which column names whose row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from adapters import privileges, sqlerrors
from adapters.connection import SiteDatabase
from adapters.introspection import contents, tables
from adapters.introspection.contents import Content
from adapters.introspection.tables import Column, Kind, Link, Table
from adapters.proposing.vocabulary import vocabulary, words
from gateway.errors import ConfigError, SourceError

#: a link that only a name implies must hold for so much of the looked-at rows
_LEAST_OVERLAP = 0.5
_TRIED, _TRIED_UUID = 3, 40  #: tables
_ID_WORDS = frozenset({"id", "no", "code", "key", "num", "bh", "h", "by"})
_KEYED = (Kind.INTEGER, Kind.NUMBER, Kind.TEXT, Kind.UUID, Kind.OTHER)


class Survey:
    """One database, read-only; every look is a short transaction of its own. SourceError if it cannot be read at all."""

    def __init__(self, database: SiteDatabase, schema: str | None = None, only: Sequence[str] = ()) -> None:
        self.database, self.schema = database, schema
        with self._reading() as connection:
            found = tables.read(connection, schema, only)
        if not found:
            raise ConfigError("库里看不到任何表或视图：请核对库名、模式名（--schema）和这个用户的只读权限")
        self.tables: Mapping[str, Table] = {each.name: each for each in found}
        self._contents: dict[str, Mapping[str, Content]] = {}
        self._links: dict[str, tuple[Link, ...]] = {}

    def rights(self) -> list[str]:
        """Where this account may write, in a few Chinese words; [] also where it cannot be asked."""
        try:
            with self.database.connect() as connection, self.database.reading(connection):
                return privileges.writable(self.database, connection)
        except SQLAlchemyError:
            return []

    def contents(self, table: str) -> Mapping[str, Content]:
        """What its columns hold."""
        if table not in self._contents:
            with self._reading() as connection:
                self._contents[table] = contents.look(connection, self.tables[table], self.schema)
        return self._contents[table]

    def empty(self, table: str) -> bool:
        """Whether it has no row to look at."""
        return not any(each.rows for each in self.contents(table).values())

    def links(self, table: str) -> tuple[Link, ...]:
        """Its foreign keys, and columns whose names say the same and whose values bear it out."""
        if table not in self._links:
            found = self.tables[table]
            declared = [each for each in found.links if each.table in self.tables]
            taken = {each.column for each in declared}
            implied = (
                self._implied(found, each) for each in found.columns if each.name not in taken and each.name not in found.key
            )
            self._links[table] = (*declared, *(each for each in implied if each))
        return self._links[table]

    def _implied(self, table: Table, column: Column) -> Link | None:
        """The table that the name means best, of those in which the values are found."""
        if same := self._namesake(column, table):
            return same
        stem = [word for word in words(column.name) if word not in _ID_WORDS]
        if not stem or column.kind not in _KEYED or len(words(column.name)) == len(stem):
            return None
        named = sorted(self._meant(stem, table), key=lambda each: (-each[0], len(each[1].name), each[1].name))[:_TRIED]
        for other in [each for _, each in named] or self._told(column, table) or self._identified(column, table):
            with self._reading() as connection:
                share = contents.overlap(connection, table, column.name, other, other.key[0], self.schema)
            if share is not None and (share >= _LEAST_OVERLAP or (self.empty(other.name) and named and named[0][0] > 1)):
                return Link(column.name, other.name, other.key[0], declared=False)
        return None

    def _meant(self, stem: Sequence[str], table: Table) -> Iterator[tuple[float, Table]]:
        for other in self.tables.values():
            if other.name == table.name or len(other.key) != 1:
                continue
            named = words(other.name)
            hits = sum(1 for word in stem if any(_same(word, each) for each in named))
            if (hits and _same(stem[-1], named[-1])) or (hits and any(_same(stem[-1], each) for each in named)):
                yield hits / len(stem) + hits / len(named), other

    def _namesake(self, column: Column, table: Table) -> Link | None:
        """A column called just as another table's key, which is not merely called id."""
        name = column.name.lower()
        if name in _ID_WORDS:
            return None
        for other in self.tables.values():
            if other.name != table.name and [each.lower() for each in other.key] == [name]:
                with self._reading() as connection:
                    share = contents.overlap(connection, table, column.name, other, other.key[0], self.schema)
                if share is not None and share >= _LEAST_OVERLAP:
                    return Link(column.name, other.name, other.key[0], declared=False)
        return None

    def _told(self, column: Column, table: Table) -> list[Table]:
        """By its comment: an organ_id “供应商id” names a row of the suppliers."""
        known = vocabulary()
        about = frozenset().union(*known.of_text(column.comment)) - known.heads - known.idle
        return [
            each for each in self.tables.values() if each.name != table.name and len(each.key) == 1 and about & self._about(each)
        ][:_TRIED]

    def _identified(self, column: Column, table: Table) -> list[Table]:
        """A UUID is found in one table only, whatever that is called."""
        if column.kind is not Kind.UUID:
            return []
        keyed = (each for each in self.tables.values() if each.name != table.name and len(each.key) == 1)
        return [each for each in keyed if each.column(each.key[0]).kind is Kind.UUID][:_TRIED_UUID]

    def _about(self, table: Table) -> frozenset[str]:
        known = vocabulary()
        return frozenset().union(*known.of_name(table.name)[-1:]) - known.heads

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        try:
            with self.database.connect() as connection, self.database.reading(connection):
                yield connection
        except SQLAlchemyError as error:
            raise SourceError(sqlerrors.told(error, self.database.url, self.database.password_from)) from None


def _same(one: str, other: str) -> bool:
    """Plural or short: org is organization."""
    one, other = one.removesuffix("s"), other.removesuffix("s")
    return one == other or (len(one) > 2 and other.startswith(one)) or (len(other) > 3 and one.startswith(other))
