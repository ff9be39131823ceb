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

import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, TextClause, bindparam, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from adapters import children, sqlerrors
from adapters.connection import SiteDatabase
from adapters.conversion import UnreadableError, is_blank, to_text
from adapters.mapping import CURSOR_KEY, CURSOR_TIME, ROW_REF, RowMapping
from adapters.origins import SiteFacts
from gateway.errors import SourceError, SourceQueryError
from gateway.model import Cursor, Mark, Page, Reading, RowState, SourceRow
from schemas.model import Violation
from schemas.wire import SHANGHAI

PARAMETERS = ("after_time", "after_key", "from", "to", "limit")
#: what the other two queries of a data set take: all of it, always
WINDOW_PARAMETERS, LOOKUP_PARAMETERS = frozenset({"from", "to", "after_key", "limit"}), frozenset({"keys"})
#: most keys in one query for lines: Oracle takes a thousand
_KEYS_AT_ONCE = 500
#: how many keys a source without change times is read again
_KEYS_AGAIN = 1000
_DAY = timedelta(days=1)
_NEWEST_KEY, _ROW_COUNT = "newest_key", "row_count"
#: by so much a page may grow to get past rows without a change time, wherever the database sorts them
_GROWTH = 32
_FIRST_TIME, _LAST_TIME = datetime(1900, 1, 1), datetime(9999, 12, 31)  # noqa: DTZ001  the site's clock is naive


_UNTIMED = Violation(
    CURSOR_TIME, "unreadable", f"本地修改时间（查询的 {CURSOR_TIME} 列）为空或不是时间，无法知道这一行何时改过，请在本地改正"
)


class KeyKind(StrEnum):
    """What a cursor key is, and so where counting starts and how two compare."""

    INTEGER = "integer"
    TEXT = "text"  #: ordered by bytes: COLLATE "C" or BINARY where the database orders otherwise
    UUID = "uuid"


_LEAST: Mapping[KeyKind, str | int] = {
    KeyKind.INTEGER: -(2**63),
    KeyKind.TEXT: "",
    KeyKind.UUID: "00000000-0000-0000-0000-000000000000",
}


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


@dataclass(frozen=True, slots=True)
class Window:
    """The business time a site reports: from its first day online, to an end if it has one."""

    since: datetime | None = None
    until: datetime | None = None

    @property
    def narrow(self) -> bool:
        """Whether it leaves anything out."""
        return self.since is not None or self.until is not None

    def refusal(self, occurred: Any) -> str:
        """Why a row of that business time is not reported; "" if it is, or if it has none."""
        if not isinstance(occurred, date):
            return ""
        moment = occurred if isinstance(occurred, datetime) else datetime.combine(occurred, time(), SHANGHAI)
        if self.since and moment < self.since:
            return f"业务时间早于开始报送的日期 {self.since:%Y-%m-%d}（since）"
        if self.until and moment >= self.until:
            return f"业务时间晚于停止报送的日期 {self.until - _DAY:%Y-%m-%d}（until）"
        return ""


def parameters(sql: str) -> frozenset[str]:
    """The named parameters of a `.sql` file, those in its comments too: the driver would ask for them."""
    return frozenset(text(sql).compile().params)


class SqlSource:
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
        self._name, self.query, self.mapping, self.facts = name, query, mapping, facts
        self._swift = swift  #: the compiled mapping: surely valid content, or None
        self.database, self.bounds, self._digest = database, bounds, digest

    @property
    def name(self) -> str:
        """The source's name in the site's configuration."""
        return self._name

    @property
    def dataset(self) -> str:
        """Code of the data set it yields."""
        return self.query.dataset

    @property
    def reading(self) -> Reading:
        """Whether reading goes on after the cursor or starts over."""
        return self.query.reading

    @property
    def digest(self) -> str:
        """Of everything that decides what a row becomes: another one means that rows read before must be read again."""
        return self._digest

    @property
    def sweeps(self) -> bool:
        """Whether the profile has what warm and cold reading need."""
        return self.query.window is not None and self.query.lookup is not None

    def earlier(self, position: Cursor, by: timedelta) -> Cursor:
        """A position so far before `position`; the same one where there is no telling."""
        if position.time is not None:
            return Cursor(_before(position.time, by), self._least())
        return Cursor(None, position.key - _KEYS_AGAIN) if isinstance(position.key, int) else position

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
            raise self.wrong(f"结果缺少列 {_ROW_COUNT}", statement)
        return int(count)

    @contextmanager
    def _telling(self, statement: Statement | None = None) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            raise self._told(error, statement) from None

    def _statement(self, statement: Statement | None, key: str) -> Statement:
        if statement is None:
            raise self.wrong(f"manifest.yaml 没有写 {key}，不能按业务时间核对或补读")
        return statement

    def _check_start(self, after: Cursor | None) -> None:
        """A stored cursor of another kind would make some databases answer that there is nothing new."""
        if after and isinstance(after.key, int) is not (self.query.key is KeyKind.INTEGER):
            raise self.wrong("存下的游标不是 manifest.yaml 所说的类型；若改过 manifest.yaml，请从头重读")

    def _read(
        self, connection: Connection, clause: TextClause, values: Mapping[str, Any], size: int, of: Statement | None = None
    ) -> Sequence[dict[str, Any]]:
        """One page of rows. One row more than asked for is fetched, to notice a query that ignores :limit."""
        result = connection.execute(clause, values)
        if not result.returns_rows:
            raise self.wrong("不是查询语句，没有返回结果", of)
        names = tuple(result.keys())
        self._check_columns(set(names), of)
        rows = [dict(zip(names, row, strict=True)) for row in result.fetchmany(size + 1)]
        if len(rows) > size:
            raise self.wrong("返回的行数多于 :limit 或 :keys", of)
        return rows

    def _add_lines(self, connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
        """Give each row the lines of its fields, in the order of their keys; a row without any gets none."""
        for name, statement in self.query.children.items():
            found: dict[Any, list[Mapping[str, Any]]] = defaultdict(list)
            for first in range(0, len(rows), _KEYS_AT_ONCE):
                refs = [row[ROW_REF] for row in rows[first : first + _KEYS_AT_ONCE]]
                for line in self._lines(connection, name, statement, refs):
                    found[line[ROW_REF]].append(line)
            for row in rows:
                row[children.place(name)] = children.ordered(found.get(row[ROW_REF], ()))

    def _lines(self, connection: Connection, name: str, statement: Statement, refs: Sequence[Any]) -> Iterator[Mapping[str, Any]]:
        clause = text(statement.sql).bindparams(bindparam("keys", expanding=True))
        with self._telling(statement):
            result = connection.execute(clause, {"keys": refs})
            needed = {ROW_REF, children.LINE_KEY, *self.mapping.children[name].fields.columns}
            if missing := sorted(needed - set(result.keys())):
                raise self.wrong(f"结果缺少列 {'、'.join(missing)}（{self.mapping.file} 的 children.{name} 要用）", statement)
            known = set(refs)
            for row in result.mappings():
                line = dict(row)
                if line[ROW_REF] not in known:  # of another type it would be nobody's, and its record would go without it
                    raise self.wrong(f"有一行的 {ROW_REF} 不是所问的行，须与主查询的 {ROW_REF} 同一类型", statement)
                if is_blank(line[children.LINE_KEY]):
                    raise self.wrong(f"有一行的 {children.LINE_KEY} 为空，不能确定子行的次序", statement)
                yield line

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
        """Oracle takes an empty text for NULL, and nothing is greater than NULL."""
        return _LEAST[self.query.key] or (" " if self.database.dialect == "oracle" else "")

    def _as_key(self, ref: str) -> Any:
        """A row_ref in the database's own type: PostgreSQL compares no number and no uuid with a text."""
        try:
            return {KeyKind.INTEGER: int, KeyKind.UUID: uuid.UUID, KeyKind.TEXT: str}[self.query.key](ref)
        except ValueError:
            return ref

    def _local(self, moment: datetime) -> datetime:
        """The site's own clock, as its columns hold it."""
        return moment.astimezone(self.mapping.zone).replace(tzinfo=None)

    def _bound(self, moment: datetime) -> Any:
        """SQLite has no time type: `yyyy-MM-dd HH:mm:ss` text, as its own functions write it."""
        return moment.isoformat(sep=" ") if self.database.dialect == "sqlite" else moment

    def _check_columns(self, found: set[str], of: Statement | None) -> None:
        needed = {ROW_REF, CURSOR_KEY, *self.mapping.columns}
        if "after_time" in self.query.takes and of is None:
            needed.add(CURSOR_TIME)
        missing = sorted(needed - found)
        if missing:
            raise self.wrong(f"结果缺少列 {'、'.join(missing)}（{self.mapping.file} 要用）", of)

    def _page(self, rows: Sequence[Mapping[str, Any]], after: Cursor | None, *, timed: bool, known: set[str] | None = None) -> Page:
        """The rows and the last position among them that is sure. Rows without one that are `known` already are left out."""
        cursors = [self._cursor(row, timed=timed) for row in rows]
        sure = [cursor for cursor in cursors if cursor.time] if timed else cursors
        self._check_order(sure, after)
        position = sure[-1] if sure else after
        if position is None:
            raise self.wrong(f"每一行的 {CURSOR_TIME} 都为空或不是时间，例如 {to_text(rows[0][ROW_REF])} 这一行")
        mapped = [self._mapped(row, cursor, timed=timed) for row, cursor in zip(rows, cursors, strict=True)]
        if known is None or len(sure) == len(rows):
            return Page(tuple(mapped), position)
        kept = tuple(row for row in mapped if row.cursor.time or row.ref not in known)
        known.update(row.ref for row in kept if not row.cursor.time)
        return Page(kept, position)

    def _mapped(self, row: Mapping[str, Any], cursor: Cursor, *, timed: bool) -> SourceRow:
        """The row with its change time, by which its delay is told; without one that can be read, its edits would be missed."""
        changed_at = self._changed_at(row, cursor)
        astray = changed_at is None and (timed or not is_blank(row.get(CURSOR_TIME)))
        content = None if astray else self._swift(row)
        if content is None:
            mapped = replace(self.mapping.source_row(row, cursor, self.facts), changed_at=changed_at)
        else:
            mapped = self.mapping.ready_row(row, cursor, self.facts, content, changed_at)
        if astray and mapped.state is RowState.READY:
            mapped = replace(mapped, faults=(*mapped.faults, _UNTIMED))
        return self._bounded(mapped) if self.bounds.narrow else mapped

    def _changed_at(self, row: Mapping[str, Any], cursor: Cursor) -> datetime | None:
        time = cursor.time or self._time(row)
        return time if time is None or time.tzinfo else time.replace(tzinfo=self.mapping.zone)

    def _bounded(self, row: SourceRow) -> SourceRow:
        """A row outside the time that the site reports is excluded by that; what was withdrawn is withdrawn all the same."""
        if row.state not in (RowState.READY, RowState.NOT_READY):
            return row
        reason = self.bounds.refusal(row.values.get(self.mapping.dataset.occurred))
        return replace(row, state=RowState.EXCLUDED, reason=reason, faults=(), content=None) if reason else row

    def _cursor(self, row: Mapping[str, Any], *, timed: bool) -> Cursor:
        if is_blank(row[ROW_REF]) or is_blank(row[CURSOR_KEY]):
            raise self.wrong(f"有一行的 {ROW_REF} 或 {CURSOR_KEY} 为空")
        return Cursor(self._time(row) if timed else None, self._key(row[CURSOR_KEY]))

    def _key(self, value: Any) -> str | int:
        integer = self.query.key is KeyKind.INTEGER
        if integer and type(value) is int:  # what nearly every driver gives
            return value
        try:
            return int(to_text(value)) if integer else to_text(value)
        except (UnreadableError, ValueError):
            raise self.wrong(f"{CURSOR_KEY} 不是 manifest.yaml 所说的 {self.query.key}") from None

    def _time(self, row: Mapping[str, Any]) -> datetime | None:
        """The row's change time; None if it has none, or one that cannot be read."""
        value = row.get(CURSOR_TIME)
        try:
            return value if value is None or isinstance(value, datetime) else datetime.fromisoformat(value)
        except (TypeError, ValueError):
            return None

    def _check_order(self, cursors: Sequence[Cursor], after: Cursor | None) -> None:
        """A query that ignores the cursor would loop for ever; rows out of order would be skipped on the next page."""
        last = after
        for cursor in cursors:
            if last and not self._follows(cursor, last):
                told = "没有越过 :after_key 给出的位置" if last is after else "没有按游标（cursor_time、cursor_key）升序返回"
                hint = '；文本键须按字节次序，可用 COLLATE "C" 或 BINARY' if self.query.key is KeyKind.TEXT else ""
                raise self.wrong(told + hint)
            last = cursor

    def _follows(self, one: Cursor, other: Cursor) -> bool:
        try:
            if one.time and other.time and one.time != other.time:
                return one.time > other.time
            return one.key > other.key  # type: ignore[operator]  # both are of the manifest's kind
        except TypeError:
            raise self.wrong(f"{CURSOR_TIME} 有的带时区、有的不带") from None

    def wrong(self, sentence: str, statement: Statement | None = None) -> SourceQueryError:
        """The site's query is at fault: names source, data set and file."""
        file = statement.file if statement else self.query.file
        return SourceQueryError(f"数据源 {self._name} 的 {self.query.dataset}（{file}）：{sentence}")

    def _told(self, error: SQLAlchemyError, statement: Statement | None = None) -> SourceError:
        if not isinstance(error, DBAPIError):
            return self.wrong(f"查询不能执行（{type(error).__name__}）", statement)
        cause = sqlerrors.cause(error)
        sentence = sqlerrors.sentence(cause, error, self.database.url, self.database.password_from)
        return (
            self.wrong(sentence, statement)
            if cause.query
            else SourceError(f"数据源 {self._name} 的 {self.query.dataset}：{sentence}")
        )


def _before(moment: datetime, by: timedelta) -> datetime:
    """So long before; never before the calendar begins, with 0001-01-01, by which .NET programs mean "never"."""
    try:
        return moment - by
    except OverflowError:
        return moment
