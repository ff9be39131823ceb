"""What is known of an unknown database, looked up as it is needed: its tables, what they hold, which column names whose row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from adapters.databases import privileges, sqlerrors
from adapters.databases.connection import SiteDatabase
from adapters.introspection import contents, tables
from adapters.introspection.contents import Content
from adapters.introspection.shapes import Shape
from adapters.introspection.tables import Column, Kind, Link, Table
from adapters.proposing.vocabulary import essence, vocabulary, words
from gateway.errors import ConfigError, SourceError

#: a link that only a name implies must hold for so much of the looked-at rows
_LEAST_OVERLAP = 0.5
_TRIED, _TRIED_UUID = 3, 40  #: tables
_MOSTLY = 0.6  #: of the looked-at values
_ROLES = frozenset({"operator", "doctor", "nurse", "therapist", "pharmacist"})
_HOUSEKEEPING = frozenset({"created", "updated", "deleted"})  #: who entered a row is no row of a table of registers
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
        self._extensions: dict[str, tuple[Link, ...]] = {}

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
                found = contents.look(connection, self.tables[table], self.schema, believing=self.database.believes_latin1)
                self._contents[table] = found
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
        """The table that the name means best, of those in which the values are; before all the one that this is lines of."""
        if same := self._namesake(column, table):
            return same
        stem = [word for word in words(column.name) if word not in _ID_WORDS]
        whose = self._staff(column, table)
        if not stem or column.kind not in _KEYED or (len(words(column.name)) == len(stem) and not whose):
            return None
        named = sorted(self._meant(stem, table), key=lambda each: (-each[0], len(each[1].name), each[1].name))
        named = sorted(named, key=lambda each: not table.name.lower().startswith(f"{each[1].name.lower()}_"))[:_TRIED]
        meant = [each for _, each in named]
        if not meant and next(self._guessed(column, table, whose), None) is None:
            return None
        with self._connected() as connection:
            for other in chain(meant, self._guessed(column, table, whose)):
                share = self._overlap(table, column.name, other, connection)
                surely = other in meant and self.empty(other.name) and named[0][0] > 1
                if share is not None and (share >= _LEAST_OVERLAP or surely):
                    return Link(column.name, other.name, self.key(other), declared=False)
        return None

    def _guessed(self, column: Column, table: Table, whose: Sequence[Table]) -> Iterator[Table]:
        """By what its comment and its values say, where its name leads nowhere; each is only looked at if none before holds."""
        yield from self._told(column, table)
        yield from whose
        yield from self._identified(column, table)

    def _overlap(self, table: Table, column: str, other: Table, connection: Connection) -> float | None:
        """A transaction of its own: after an error some databases answer nothing more in the same one."""
        with self.database.reading(connection):
            return contents.overlap(connection, table, column, other, self.key(other), self.schema)

    def key(self, table: Table) -> str:
        """What names one of its rows: its key of one column; where it declares none its filled `id` that never comes twice.

        "" if there is neither.
        """
        if table.key:
            return table.key[0] if len(table.key) == 1 else ""
        return next((each.name for each in table.columns if words(each.name) == ["id"] and self._single(table, each.name)), "")

    def _single(self, table: Table, column: str) -> bool:
        """Whether every looked-at row has a value of its own there."""
        content = self.contents(table.name).get(column, Content())
        return bool(content.filled) and content.filled == content.distinct == content.rows

    def extensions(self, table: str) -> tuple[Link, ...]:
        """Tables called after this one that hold at most one row for each of its rows, as goods_drug does for goods."""
        if table not in self._extensions:
            found = self.tables[table]
            own = self.key(found)
            called = [each for each in self.tables.values() if own and each.name.lower().startswith(f"{table.lower()}_")]
            self._extensions[table] = tuple(
                Link(own, each.name, link.column, declared=False)
                for each in called
                for link in self.links(each.name)
                if link.table == table and link.target == own and self._single(each, link.column)
            )
        return self._extensions[table]

    def _meant(self, stem: Sequence[str], table: Table) -> Iterator[tuple[float, Table]]:
        for other in self.tables.values():
            if other.name == table.name or not self._keyed(other):
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
                with self._connected() as connection:
                    share = self._overlap(table, column.name, other, connection)
                if share is not None and share >= _LEAST_OVERLAP:
                    return Link(column.name, other.name, other.key[0], declared=False)
        return None

    def _told(self, column: Column, table: Table) -> list[Table]:
        """By its comment: an organ_id “供应商id” names a row of the suppliers."""
        known = vocabulary()
        about = frozenset().union(*known.of_text(column.comment)) - known.heads - known.idle - _HOUSEKEEPING
        alike = (each for each in self.tables.values() if each.name != table.name and about & self._about(each))
        return [each for each in alike if self._keyed(each)][:_TRIED]

    def _staff(self, column: Column, table: Table) -> list[Table]:
        """A seller or a nurse is one of the users, whatever the column is called; who entered a row too."""
        if not self.roles(column):
            return []
        staff = (each for each in self.tables.values() if each.name != table.name and "staff" in self._about(each))
        return [each for each in staff if self._keyed(each)][:_TRIED]

    def roles(self, column: Column) -> frozenset[str]:
        """As what it names a person, if it does."""
        known = vocabulary()
        return frozenset().union(*known.of_name(column.name), *known.of_text(essence(column.comment))) & _ROLES

    def _identified(self, column: Column, table: Table) -> list[Table]:
        """A UUID is found in one table only, whatever that is called."""
        if not self._is_uuid(table, column.name):
            return []
        keyed = (each for each in self.tables.values() if each.name != table.name and self._keyed(each))
        return [each for each in keyed if self._is_uuid(each, self.key(each))][:_TRIED_UUID]

    def _is_uuid(self, table: Table, column: str) -> bool:
        """By its type, or written as text."""
        kind = table.column(column).kind
        if kind is not Kind.TEXT:
            return kind is Kind.UUID
        return self.contents(table.name).get(column, Content()).share(Shape.UUID) > _MOSTLY

    def _keyed(self, table: Table) -> bool:
        return bool(self.key(table))

    def _about(self, table: Table) -> frozenset[str]:
        known = vocabulary()
        return frozenset().union(*known.of_name(table.name)[-1:]) - known.heads

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with self._connected() as connection, self.database.reading(connection):
            yield connection

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        try:
            with self.database.connect() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise SourceError(sqlerrors.told(error, self.database.url, self.database.password_from)) from None


def _same(one: str, other: str) -> bool:
    """Plural or short: org is organization."""
    one, other = one.removesuffix("s"), other.removesuffix("s")
    return one == other or (len(one) > 2 and other.startswith(one)) or (len(other) > 3 and one.startswith(other))
