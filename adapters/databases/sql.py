"""A RecordSource over a site's database: its own `.sql` file, paged by key, sent as it is.

The contract of a `.sql` file: it takes named parameters (:after_key and :limit always; :after_time, :from, :to if its manifest
says so), orders by (cursor_time,) cursor_key ascending, returns at most :limit rows after the cursor, and yields `row_ref`,
`cursor_key`, with :after_time also `cursor_time`, if it can `entered_at` and `fixmedins_code`, beside the columns of its mapping.
A data set may have three more, with the same columns: `window` (:from :to :after_key :limit; every row of that span of business
time, ordered by cursor_key), `lookup` (:keys, a list of row_ref), and `mark` (no parameters, yields `newest_key` and, unless
counting is dear, `row_count`). A fourth, `count`, yields as `row_count` how many rows of the head table the main query must
yield, without its joins (:from and :to if that takes them): by it `gateway check` tells that a join drops rows.
Fields that are lines (the drugs given in a dialysis) have a query each: it takes :keys, the row_refs of a page, and yields for
every line `row_ref` (whose line it is), `line_key` (what orders the lines of a record) and its columns. It is asked in the same
transaction as the page; an edited line shows when its record is read again.

Before the first row :after_key is the least key there is and :after_time 1900-01-01, so a plain `>` suffices and an index serves.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, TextClause, bindparam, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from adapters import children
from adapters.bounds import Window as Window
from adapters.conversion import is_blank, to_text
from adapters.databases import grants, privileges, sqlerrors
from adapters.databases.connection import SiteDatabase
from adapters.localsource import KeyKind as KeyKind
from adapters.localsource import LocalSource
from adapters.mapping import CURSOR_KEY, CURSOR_TIME, ROW_REF, RowMapping
from adapters.origins import SiteFacts
from adapters.plan import Parts
from gateway.errors import SourceError
from gateway.model import Cursor, Mark, Page, Reading, SourceRow

PARAMETERS = ("after_time", "after_key", "from", "to", "limit")
#: what the other two queries of a data set take: all of it, always
WINDOW_PARAMETERS, LOOKUP_PARAMETERS = frozenset({"from", "to", "after_key", "limit"}), frozenset({"keys"})
#: most keys in one query for lines: Oracle takes a thousand
_KEYS_AT_ONCE = 500
_NEWEST_KEY, _ROW_COUNT = "newest_key", "row_count"
#: by so much a page may grow to get past rows without a change time, wherever the database sorts them
_GROWTH = 32
_FIRST_TIME, _LAST_TIME = datetime(1900, 1, 1), datetime(9999, 12, 31)  # noqa: DTZ001  the site's clock is naive


@dataclass(frozen=True, slots=True)
class Statement:
    """A `.sql` file."""

    file: str  #: as the manifest names it
    sql: str


@dataclass(frozen=True, slots=True)
class Query:
    """The `.sql` files of one data set and what the manifest says of them."""

    dataset: str
    file: str  #: as the manifest names it
    sql: str
    takes: frozenset[str]
    reading: Reading
    key: KeyKind
    window: Statement | None = None  #: every row of a span of business time
    lookup: Statement | None = None  #: the rows of some row_refs
    mark: Statement | None = None  #: newest key and row count
    count: Statement | None = None  #: rows of the head table that the main query must yield
    children: Mapping[str, Statement] = field(default_factory=dict)  #: field -> its lines
    snapshot: str = ""  #: why it has no business time: it tells how things are now, and nothing of it is ever gone

    def decides(self) -> tuple[object, ...]:
        """See adapters.plan.Entry."""
        return (self.sql, self.window.sql if self.window else "")

    def lines(self) -> list[tuple[str, str]]:
        """See adapters.plan.Entry."""
        return sorted((name, each.sql) for name, each in self.children.items())


def parameters(sql: str) -> frozenset[str]:
    """The named parameters of a `.sql` file, those in its comments too: the driver would ask for them."""
    return frozenset(text(sql).compile().params)


class SqlSource(LocalSource):
    """One data set of one site's database."""

    def __init__(
        self,
        name: str,
        query: Query,
        mapping: RowMapping,
        facts: SiteFacts,
        database: SiteDatabase,
        bounds: Window,
        digest: str = "",
        swift: Callable[[Mapping[str, Any]], Mapping[str, Any] | None] = lambda row: None,
    ) -> None:
        super().__init__(Parts(name, mapping, facts, bounds, digest, swift), query.dataset, query.file, query.reading, query.key)
        self.query, self.database = query, database

    @property
    def sweeps(self) -> bool:
        """Whether the profile has what warm and cold reading need."""
        return self.query.window is not None and self.query.lookup is not None

    @property
    def present(self) -> bool:
        """Whether the manifest says `snapshot`."""
        return bool(self.query.snapshot)

    def pages(self, after: Cursor | None, size: int) -> Iterator[Page]:
        """Pages of at most `size` rows until one is shorter. Between two pages no transaction is open at the site.

        A row whose change time cannot be read is yielded once, with its fault, and moves no cursor: it may be read again with
        every page, first or last as the database sorts it. Only a page full of such rows is asked for again, twice as long.
        """
        self._check_start(after)
        timed, limit, untimed = "after_time" in self.query.takes, size, set[str]()
        with self._telling(), self.database.connect() as connection:
            while True:
                with self.database.reading(connection):
                    rows = self._read(connection, text(self.query.sql), self._parameters(after, limit), limit)
                    self._add_lines(connection, rows)
                ended = len(rows) < limit
                if timed and not ended and not any(map(self._time, rows)):
                    limit = self._longer(limit, size, rows)
                    continue
                if rows:
                    page = self._page(rows, after, timed=timed, known=untimed)
                    after = page.cursor
                    if page.rows:
                        yield page
                if ended:
                    return

    def _longer(self, limit: int, size: int, rows: Sequence[Mapping[str, Any]]) -> int:
        if limit >= size * _GROWTH:
            raise self.wrong(
                f"接连 {limit} 行的 {CURSOR_TIME} 为空或不是时间，不能再往下读；其中一行是 {to_text(rows[0][ROW_REF])}"
            )
        return limit * 2

    def window(self, start: datetime, end: datetime, size: int) -> Iterator[Page]:
        """Every row whose business time is in [start, end), all of ONE snapshot of the site.

        Exhausted without an error, it was complete; ended in any other way, it says nothing about what is not there.
        """
        statement = self._statement(self.query.window, "window")
        span = {"from": self._bound(self._local(start)), "to": self._bound(self._local(end)), "limit": size}
        after: Cursor | None = None
        with self._telling(statement), self.database.connect() as connection, self.database.snapshot(connection):
            while True:
                values = {**span, "after_key": after.key if after else self._least()}
                rows = self._read(connection, text(statement.sql), values, size, statement)
                self._add_lines(connection, rows)
                if rows:
                    page = self._page(rows, after, timed=False)
                    after = page.cursor
                    yield page
                if len(rows) < size:
                    return

    def lookup(self, refs: Collection[str]) -> tuple[SourceRow, ...]:
        """The rows of these refs that exist at the site, whatever their business time."""
        statement = self._statement(self.query.lookup, "lookup")
        clause = text(statement.sql).bindparams(bindparam("keys", expanding=True))
        with self._telling(statement), self.database.connect() as connection, self.database.reading(connection):
            rows = self._read(connection, clause, {"keys": [self._as_key(ref) for ref in refs]}, len(refs), statement)
            self._add_lines(connection, rows)
        return tuple(self._mapped(row, self._cursor(row, timed=False), timed=False) for row in rows)

    def mark(self) -> Mark:
        """What this database is, and how far it goes: a fingerprint to hold against the one taken before."""
        with self._telling(self.query.mark), self.database.connect() as connection, self.database.reading(connection):
            identity = self.database.identity(connection)
            if self.query.mark is None:
                return Mark(identity)
            row: Mapping[str, Any] = connection.execute(text(self.query.mark.sql)).mappings().first() or {}  # type: ignore[assignment]
        newest, count = row.get(_NEWEST_KEY), row.get(_ROW_COUNT)
        return Mark(identity, None if newest is None else self._key(newest), None if count is None else int(count))

    def count(self) -> int | None:
        """How many rows the head table has for this data set; None where the profile does not count them."""
        statement = self.query.count
        if statement is None:
            return None
        values = {name: value for name, value in self._parameters(None, 0).items() if name in ("from", "to")}
        with self._telling(statement), self.database.connect() as connection, self.database.reading(connection):
            row = connection.execute(text(statement.sql), values).mappings().first()
        count = row and row.get(_ROW_COUNT)
        if count is None:
            raise self.wrong(f"结果缺少列 {_ROW_COUNT}", _file(statement))
        return int(count)

    @property
    def tables(self) -> frozenset[str]:
        """What its queries read."""
        query = self.query
        further = [each.sql for each in (query.window, query.lookup, query.mark, query.count, *query.children.values()) if each]
        return grants.tables([query.sql, *further])

    def writable(self) -> list[str]:
        """Where the account may write; nothing is the proof that it cannot."""
        with self._telling(), self.database.connect() as connection, self.database.reading(connection):
            return privileges.writable(self.database, connection)

    def script(self, tables: frozenset[str]) -> str:
        """What the database's administrator runs to make an account that reads these tables only."""
        return grants.script(self.database.dialect, self.database.url.database or "", tables, self.database.timeout)

    @contextmanager
    def _telling(self, statement: Statement | None = None) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise self._told(error, statement) from None
        except UnicodeError:  # of a driver, whose words would show the value
            raise self.wrong("有字不在数据库与网关连接所用的字符集里，请数据库的管理员核对字符集", _file(statement)) from None

    def _statement(self, statement: Statement | None, key: str) -> Statement:
        if statement is None:
            raise self.wrong(f"manifest.yaml 没有写 {key}，不能按业务时间核对或补读")
        return statement

    def _read(
        self, connection: Connection, clause: TextClause, values: Mapping[str, Any], size: int, of: Statement | None = None
    ) -> Sequence[dict[str, Any]]:
        """One page of rows. One row more than asked for is fetched, to notice a query that ignores :limit."""
        result = connection.execute(clause, self.database.bound(values))
        if not result.returns_rows:
            raise self.wrong("不是查询语句，没有返回结果", _file(of))
        names = tuple(result.keys())
        self._check_columns(set(names), of)
        rows = [dict(zip(names, row, strict=True)) for row in result.fetchmany(size + 1)]
        if len(rows) > size:
            raise self.wrong("返回的行数多于 :limit 或 :keys", _file(of))
        self._check_characters(rows, of)
        return rows

    def _check_characters(self, rows: Sequence[Mapping[str, Any]], of: Statement | None) -> None:
        if rows and (told := self.database.misread(list(rows[0]), (row.values() for row in rows))):
            raise self.wrong(told, _file(of))

    def _add_lines(self, connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
        """Give each row the lines of its fields, in the order of their keys; a row without any gets none."""
        for name, statement in self.query.children.items():
            found: dict[Any, list[Mapping[str, Any]]] = defaultdict(list)
            for first in range(0, len(rows) if self.mapping.children[name].wanted(self.facts) else 0, _KEYS_AT_ONCE):
                refs = [row[ROW_REF] for row in rows[first : first + _KEYS_AT_ONCE]]
                for line in self._lines(connection, name, statement, refs):
                    found[line[ROW_REF]].append(line)
            for row in rows:
                row[children.place(name)] = children.ordered(found.get(row[ROW_REF], ()))

    def _lines(self, connection: Connection, name: str, statement: Statement, refs: Sequence[Any]) -> Iterator[Mapping[str, Any]]:
        clause = text(statement.sql).bindparams(bindparam("keys", expanding=True))
        with self._telling(statement):
            result = connection.execute(clause, self.database.bound({"keys": refs}))
            needed = {ROW_REF, children.LINE_KEY, *self.mapping.children[name].fields.columns}
            if missing := sorted(needed - set(result.keys())):
                raise self.wrong(
                    f"结果缺少列 {'、'.join(missing)}（{self.mapping.file} 的 children.{name} 要用）", _file(statement)
                )
            known, lines = set(refs), [dict(row) for row in result.mappings()]
            self._check_characters(lines, statement)
            for line in lines:
                if line[ROW_REF] not in known:  # of another type it would be nobody's, and its record would go without it
                    raise self.wrong(f"有一行的 {ROW_REF} 不是所问的行，须与主查询的 {ROW_REF} 同一类型", _file(statement))
                if is_blank(line[children.LINE_KEY]):
                    raise self.wrong(f"有一行的 {children.LINE_KEY} 为空，不能确定子行的次序", _file(statement))
                yield line

    def first_values(self, size: int) -> dict[str, Any]:
        """With what the first page is asked for: for whoever asks how a query would be run."""
        return {**dict.fromkeys(PARAMETERS), "after_key": self._least(), "limit": size, **self._parameters(None, size)}

    def span_values(self, start: datetime, end: datetime) -> dict[str, Any]:
        """With what a span of business time is asked for."""
        return {"from": self._bound(self._local(start)), "to": self._bound(self._local(end))}

    def _parameters(self, after: Cursor | None, size: int) -> dict[str, Any]:
        values = {
            "after_key": after.key if after else self._least(),
            "after_time": self._bound(after.time if after and after.time else _FIRST_TIME),
            "from": self._bound(self._local(self.bounds.since) if self.bounds.since else _FIRST_TIME),
            "to": self._bound(self._local(self.bounds.until) if self.bounds.until else _LAST_TIME),
            "limit": size,
        }
        return {name: values[name] for name in self.query.takes}

    def _least(self) -> str | int:
        """Oracle, and DM where it is told to do as Oracle, take an empty text for NULL, and nothing is greater than NULL."""
        return super()._least() or (" " if self.database.dialect in ("oracle", "dm") else "")

    def _bound(self, moment: datetime) -> Any:
        """SQLite has no time type: `yyyy-MM-dd HH:mm:ss` text, as its own functions write it."""
        return moment.isoformat(sep=" ") if self.database.dialect == "sqlite" else moment

    def _check_columns(self, found: set[str], of: Statement | None) -> None:
        needed = {ROW_REF, CURSOR_KEY, *self.mapping.columns}
        if "after_time" in self.query.takes and of is None:
            needed.add(CURSOR_TIME)
        missing = sorted(needed - found)
        if missing:
            folded = not set(missing) - {name.lower() for name in found}
            hint = f'：数据库把列名变成了大写，请给别名加双引号，例 AS "{missing[0]}"' if folded else ""
            raise self.wrong(f"结果缺少列 {'、'.join(missing)}（{self.mapping.file} 要用）{hint}", _file(of))

    def _told(self, error: SQLAlchemyError, statement: Statement | None = None) -> SourceError:
        if not isinstance(error, DBAPIError):
            return self.wrong(f"查询不能执行（{type(error).__name__}）", _file(statement))
        cause = sqlerrors.cause(error)
        sentence = sqlerrors.sentence(cause, error, self.database.url, self.database.password_from)
        return (
            self.wrong(sentence, _file(statement))
            if cause.query
            else SourceError(f"数据源 {self._name} 的 {self.query.dataset}：{sentence}")
        )


def _file(statement: Statement | None) -> str:
    """The further query that is at fault; "" for the data set's own."""
    return statement.file if statement else ""
