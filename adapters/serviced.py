"""A source over a web service: calls, pages, rows. What the service does not order is gathered and put in order here.

How a call travels (SOAP, REST) is the caller's; this asks, checks that every page goes on, and that no column is missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from itertools import islice
from typing import Any, NoReturn, Protocol

from adapters import children, replies
from adapters.conversion import UnreadableError, is_blank, to_key
from adapters.localsource import LocalSource
from adapters.mapping import CURSOR_KEY, CURSOR_TIME, ENTERED_AT, INSTITUTION, ROW_REF
from adapters.plan import Parts
from adapters.replies import Answer, RefusedError, UnusableError
from adapters.serviceplan import TIMES, Argument, By, Call, Ends, Lines, ServiceEntry, Text, is_bare, kind_of
from gateway.errors import SourceError, SourceQueryError
from gateway.model import Cursor, Mark, Page, Reading, SourceRow
from schemas.dateformat import dateformat
from schemas.model import FieldType
from schemas.wire import SHANGHAI

#: most rows that are gathered to be put in order
MOST_ROWS = 200_000
#: most pages of one reading
_MOST_PAGES = 10_000
_BETWEEN = "|"
#: a moment of XML that says its zone
_ZONED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(?:Z|[+-][0-9]{2}:[0-9]{2})")
_FIRST, _LAST = datetime(1900, 1, 1), datetime(9999, 12, 31)  # noqa: DTZ001  the site's clock is naive
#: a rescan of some days also takes what is planned
_AHEAD = timedelta(days=8)


class Caller(Protocol):
    """Carries a call to the service."""

    @property
    def identity(self) -> str:
        """Which service it is."""

    @property
    def structured(self) -> bool:
        """Whether its replies are trees of the text they came as."""

    def ask(self, call: Call, arguments: Mapping[str, Any]) -> Answer:
        """The reply. SourceError if there is none, UnusableError if it cannot be read."""

    def follow(self, call: Call, link: str) -> Answer:
        """The same of an address that a reply gave."""

    def account(self, name: str) -> str:
        """The user or the password of the source."""

    def moments(self, call: Call) -> frozenset[str]:
        """The arguments that the service itself calls moments."""

    def expired(self, code: str) -> bool:
        """Whether that code only means that it must log in again; it will, with the next call."""


@dataclass
class _Turn:
    """Where a reading has come to."""

    page: int
    offset: int = 0
    cursor: str = ""
    link: str = ""


class ServiceSource(LocalSource):
    """One data set of one service."""

    def __init__(
        self,
        parts: Parts,
        dataset: str,
        entry: ServiceEntry,
        caller: Caller,
        clock: Callable[[], datetime] = lambda: datetime.now(SHANGHAI),
    ) -> None:
        super().__init__(parts, dataset, "manifest.yaml", entry.reading, entry.key)
        self.entry, self.caller, self._clock = entry, caller, clock

    @property
    def sweeps(self) -> bool:
        """Whether the manifest has what warm and cold reading need."""
        return self.entry.window is not None and self.entry.lookup is not None

    @property
    def at_once(self) -> bool:
        """Whether each reading asks the service for everything: it does not go on after a key."""
        return self.entry.main.paging.by is not By.KEY

    @property
    def turns(self) -> bool:
        """Whether the service gives its rows page by page."""
        return self.entry.main.paging.by is not By.NONE

    def opening(self, size: int, pages: int) -> list[str]:
        """The refs of the first pages as the service gives them."""
        asked = self._asked(self.entry.main, {**self._position(None), **self._days()}, size)
        return [row[ROW_REF] for rows in islice(asked, pages) for row in rows]

    def pages(self, after: Cursor | None, size: int) -> Iterator[Page]:
        """What is new or, of a rescan, everything of its days. In the order of the service if it pages by key, else in ours."""
        self._check_start(after)
        timed = self.entry.main.takes("after_time")
        if self.entry.main.paging.by is By.KEY:
            yield from self._ordered(after, size, timed=timed)
            return
        values = {**self._position(after), **self._days()}
        yield from self._put_in_order(self._asked(self.entry.main, values, size), size, timed=timed)

    def window(self, start: datetime, end: datetime, size: int) -> Iterator[Page]:
        """Every row of that span as the service has it. What moves from page to page meanwhile is found by the look-up."""
        call = self._have(self.entry.window, "window")
        values = {**self._position(None), "from": self._local(start), "to": self._local(end)}
        yield from self._put_in_order(self._asked(call, values, size), size, timed=False)

    def lookup(self, refs: Collection[str]) -> tuple[SourceRow, ...]:
        """Those of these rows that the service finds by their own key."""
        call = self._have(self.entry.lookup, "lookup")
        asked = [{"keys": list(refs)}] if call.takes("keys") else [{"key": ref} for ref in refs]
        known = set(refs)
        found: dict[str, dict[str, Any]] = {}
        for each in asked:
            for rows in self._asked(call, {**self._position(None), **each}, len(refs)):
                found.update({row[ROW_REF]: row for row in rows})
        return tuple(self._mapped(row, self._cursor(row, timed=False), timed=False) for ref, row in found.items() if ref in known)

    def mark(self) -> Mark:
        """Which service it is; how far it goes nobody can say."""
        return Mark(self.caller.identity)

    def count(self) -> int | None:
        """Nobody can say."""
        return None

    def _have(self, call: Call | None, key: str) -> Call:
        if call is None:
            raise self.wrong(f"manifest.yaml 没有写 {key}，不能按业务时间核对或补读")
        return call

    def _ordered(self, after: Cursor | None, size: int, *, timed: bool) -> Iterator[Page]:
        """Page after page by key, as a query is read."""
        untimed = set[str]()
        for _ in range(_MOST_PAGES):
            rows = next(self._asked(self.entry.main, {**self._position(after), **self._days()}, size), [])
            if not rows:
                return
            page = self._page(rows, after, timed=timed, known=untimed)
            if page.cursor == after:
                raise self.wrong(f"接连 {len(rows)} 行的 {self.entry.cursor_time} 为空或不是时间，不能再往下读")
            after = page.cursor
            if page.rows:
                yield page
            if self.entry.main.paging.ends is Ends.SHORT and len(rows) < size:
                return

    def _put_in_order(self, pages: Iterator[list[dict[str, Any]]], size: int, *, timed: bool) -> Iterator[Page]:
        """All rows, each once and in its newest form: a row may move from page to page while they are read."""
        found: dict[str, dict[str, Any]] = {}
        for rows in pages:
            found.update({row[ROW_REF]: row for row in rows})
            if len(found) > MOST_ROWS:
                raise self.wrong(f"一次读到的行超过 {MOST_ROWS}，请改为按键翻页（by: key），或缩短 days")
        ordered = sorted(found.values(), key=lambda row: self._place(row, timed=timed))
        known = set[str]()
        last: Cursor | None = None
        for first in range(0, len(ordered), size):
            page = self._page(ordered[first : first + size], last, timed=timed, known=known)
            last = page.cursor
            if page.rows:
                yield page

    def _place(self, row: Mapping[str, Any], *, timed: bool) -> tuple[datetime, Any]:
        """Rows whose change time cannot be read come last: they move no cursor."""
        cursor = self._cursor(row, timed=timed)
        moment = cursor.time or _LAST
        return moment.replace(tzinfo=None) if moment.tzinfo is None else moment.astimezone(SHANGHAI).replace(
            tzinfo=None
        ), cursor.key

    def _position(self, after: Cursor | None) -> dict[str, Any]:
        since = self._local(self.bounds.since) if self.bounds.since else _FIRST
        until = self._local(self.bounds.until) if self.bounds.until else _LAST
        return {
            "after_time": self._naive(after.time) if after and after.time else since,
            "after_key": after.key if after else self._least(),
            "from": since,
            "to": until,
        }

    def _days(self) -> dict[str, Any]:
        """The business days that a rescan takes; those it leaves out are the sweeps' work."""
        if not self.entry.days or self.reading is not Reading.RESCAN:
            return {}
        midnight = datetime.combine(self._clock().astimezone(SHANGHAI).date(), time(), SHANGHAI)
        start = midnight - timedelta(days=self.entry.days)
        return {"from": self._local(max(start, self.bounds.since or start)), "to": self._local(midnight + _AHEAD)}

    def _naive(self, moment: datetime) -> datetime:
        return self._local(moment) if moment.tzinfo else moment

    def _asked(self, call: Call, values: Mapping[str, Any], size: int) -> Iterator[list[dict[str, Any]]]:
        """The rows of each page until the last one.

        A service that does not go on from page to page would be read for ever, or as if it had no more: both are told.
        """
        turn, before, seen = _Turn(call.paging.first), set[str](), 0
        for _ in range(_MOST_PAGES):
            answer = self._answer(call, values, turn, size)
            tree, (rows, counted) = answer.tree, self._rows(answer, call)
            refs = {row[ROW_REF] for row in rows}
            if refs and refs == before:
                raise self.wrong(f"翻页没有往后走：{call.operation} 接连两页给出同样的行")
            before, seen = refs, seen + counted
            yield rows
            if not self._turned(turn, call, tree, counted, size, seen):
                self._check_total(tree, call, seen)
                return
        raise self.wrong(f"翻页没有尽头：{call.operation} 已读了 {_MOST_PAGES} 页")

    def _turned(self, turn: _Turn, call: Call, tree: Any, counted: int, size: int, seen: int) -> bool:
        """Whether there is another page; then the turn stands at it."""
        paging = call.paging
        if paging.by in (By.NONE, By.KEY):
            return False
        if paging.by in (By.CURSOR, By.LINK):
            following = self._next(tree, paging.next)
            if following and following in (turn.cursor, turn.link):
                raise self.wrong(f"翻页没有往后走：{call.operation} 的 {paging.next} 没有变")
            turn.cursor, turn.link = (following, "") if paging.by is By.CURSOR else ("", following)
            return bool(following)
        total = self._total(tree, call)
        if not counted or (total is not None and seen >= total) or (paging.ends is Ends.SHORT and counted < size):
            return False
        turn.page, turn.offset = turn.page + 1, seen
        return True

    def _next(self, tree: Any, path: str) -> str:
        """ "" where the reply says that there is none, in whatever way."""
        try:
            value = replies.find(tree, path)
        except UnusableError:
            return ""
        return "" if is_blank(value) or value is False else str(value)

    def _total(self, tree: Any, call: Call) -> int | None:
        if not call.paging.total:
            return None
        try:
            return int(str(replies.find(tree, call.paging.total)))
        except (UnusableError, ValueError):
            raise self.wrong(f"{call.operation} 的应答里没有总行数 {call.paging.total}，或它不是整数") from None

    def _check_total(self, tree: Any, call: Call, seen: int) -> None:
        total = self._total(tree, call)
        if total is not None and seen < total:
            told = f"{call.operation} 说有 {total} 行，只给了 {seen} 行；读的时候在变，或服务少给了，下次重读"
            raise SourceError(f"数据源 {self.name} 的 {self.dataset}：{told}")

    def _answer(self, call: Call, values: Mapping[str, Any], turn: _Turn, size: int) -> Answer:
        """That in which the rows stand."""
        given = {**values, "page": turn.page, "offset": turn.offset, "cursor": turn.cursor, "limit": size}
        arguments = {each.name: value for each in call.arguments if (value := self._value(each, given)) is not None}
        for tries in (1, 2):
            with self._telling(call):
                answer = self.caller.follow(call, turn.link) if turn.link else self.caller.ask(call, arguments)
                try:
                    return replies.opened(answer, call.shape, structured=self.caller.structured)
                except RefusedError as refusal:
                    if tries == 1 and self.caller.expired(refusal.code):
                        continue
                    raise
        raise AssertionError("unreachable")

    def _value(self, argument: Argument, given: Mapping[str, Any]) -> Any:
        """What the service is given under its name; None: nothing, as the first page has no cursor."""
        if argument.fixed:
            return argument.fixed
        if argument.account:
            return self.caller.account(argument.account) or self._unsaid(f"service.{argument.account}", argument)
        if argument.constant:
            value = self.facts.constants.get(argument.constant)
            return self._unsaid(argument.constant, argument) if value is None else value
        value = given.get(argument.parameter)
        if isinstance(value, datetime):
            moment = value - timedelta(seconds=1) if argument.inclusive and value > _FIRST else value
            kind = kind_of(argument.pattern)
            text = str(moment.date()) if kind is FieldType.DATE else moment.isoformat(sep=" ", timespec="seconds")
            return dateformat(argument.pattern, kind).write(text)
        if isinstance(value, list) and argument.joined:
            return argument.joined.join(value)
        return None if value == "" and argument.parameter == "cursor" else value

    def _unsaid(self, what: str, argument: Argument) -> NoReturn:
        raise self.wrong(f"来源没有申明 {what}，{argument.name} 不知道填什么")

    def _rows(self, answer: Answer, call: Call) -> tuple[list[dict[str, Any]], int]:
        """The records of a reply, and how many the service counts: each line may be a record, and pages are of whole rows."""
        shape, xml = call.shape, not self.caller.structured or call.shape.text is Text.XML
        declared = answer.below(shape.rows)
        with self._telling(call):
            found = replies.rows(answer.tree, shape.rows, xml=xml, declared=answer.declared)
            counted = len(found)
            if shape.pairs:
                found = [replies.paired(row, shape.pairs) for row in found]
            if shape.lines:
                found = self._spread(found, call, declared)
            self._check_columns(found, call, declared)
            self._check_zone(found, call)
            dressed = [self._dressed(row, call, declared) for row in found]
        self._check_references(dressed, call)
        return dressed, counted

    def _check_references(self, rows: Sequence[Mapping[str, Any]], call: Call) -> None:
        """Two rows of one reply under one number: the first would go without a word. From page to page a row may come again."""
        seen: dict[str, Mapping[str, Any]] = {}
        for row in rows:
            if seen.setdefault(row[ROW_REF], row) != row:
                names = "、".join(self.entry.row_ref)
                raise self.wrong(f"{call.operation} 的应答里有两行的 {names} 相同、内容不同：认不出一行，请在 row_ref 里再加一列")

    def _spread(self, rows: Sequence[Mapping[str, Any]], call: Call, declared: frozenset[str]) -> list[dict[str, Any]]:
        """A record for each line. That no row of a page has lines is told: they may have been renamed."""
        at = call.shape.lines
        found = [line for row in rows for line in replies.spread(row, at)]
        names = {f"{name}." for row in rows for name in row}
        there = any(name.startswith(f"{at}.") or f"{at}.".startswith(name) for name in names)
        if rows and not found and not there and at not in declared | self.entry.may_omit:
            raise self.wrong(f"{call.operation} 的应答里没有一行有 {at}（lines）；没有明细时服务不写这一项的，请写进 may_omit")
        return found

    def _check_columns(self, rows: Sequence[Mapping[str, Any]], call: Call, declared: frozenset[str]) -> None:
        """A column that no row of a page has is missing; one that some have, or that is declared, is empty in the others."""
        if not rows:
            return
        there = {name for row in rows for name in row} | declared
        if missing := sorted((self.mapping.columns | self.entry.columns) - there - self.entry.may_omit):
            hint = "；服务对空值不写这一项的，请写进 manifest.yaml 的 may_omit"
            raise self.wrong(f"{call.operation} 的应答缺少 {'、'.join(missing)}（{self.mapping.file} 要用）{hint}")

    def _check_zone(self, rows: Sequence[Mapping[str, Any]], call: Call) -> None:
        """A service that says the zone of its moments may take ours, without one, as UTC: eight hours of rows would be missed."""
        moments = self.caller.moments(call)
        bare = [each.name for each in call.arguments if each.name in moments and each.parameter in TIMES and is_bare(each.pattern)]
        if not bare:
            return
        texts = ((name, value) for row in rows for name, value in row.items() if isinstance(value, str))
        zoned = next((name for name, value in texts if _ZONED.fullmatch(value)), "")
        if zoned:
            said = f"{call.operation} 的应答里 {zoned} 带时区，参数 {'、'.join(bare)} 的 format 却没有写"
            raise self.wrong(f"{said}：服务按别的时区读会漏行，请写成 \"yyyy-MM-dd'T'HH:mm:ss'+08:00'\"")

    def _dressed(self, row: dict[str, Any], call: Call, declared: frozenset[str]) -> dict[str, Any]:
        entry = self.entry
        whole: dict[str, Any] = {**dict.fromkeys(self.mapping.columns), **row}
        parts = [whole.get(name) for name in entry.row_ref]
        if any(map(is_blank, parts)):
            raise self.wrong(f"{call.operation} 的应答有一行的 {'、'.join(entry.row_ref)} 为空，认不出是哪一行")
        whole[ROW_REF] = _BETWEEN.join(map(to_key, parts))
        whole[CURSOR_KEY] = whole[entry.cursor_key] if entry.cursor_key else whole[ROW_REF]
        for column, name in ((entry.cursor_time, CURSOR_TIME), (entry.entered_at, ENTERED_AT)):
            if column:
                whole[name] = self._moment(whole.get(column))
        if entry.institution:
            whole[INSTITUTION] = whole.get(entry.institution)
        for name, place in entry.children.items():
            whole[children.place(name)] = self._lines(whole, name, place, call, declared)
        return whole

    def _lines(
        self, row: Mapping[str, Any], name: str, place: Lines, call: Call, declared: frozenset[str]
    ) -> list[Mapping[str, Any]]:
        at, line_key = place.at, place.line_key
        found = replies.lines(row, at)
        needed = self.mapping.children[name].fields.columns | ({line_key} if line_key else set())
        there = {column for line in found for column in line} | Answer(None, declared).below(at)
        missing = sorted(needed - there - self.entry.may_omit) if found else []
        if missing:
            raise self.wrong(
                f"{call.operation} 的应答里 {at} 缺少 {'、'.join(missing)}（{self.mapping.file} 的 children.{name} 要用）"
            )
        whole = [
            {**dict.fromkeys(needed), **line, children.LINE_KEY: line.get(line_key) if line_key else number}
            for number, line in enumerate(found)
        ]
        return children.ordered(whole)

    def _moment(self, value: Any) -> Any:
        """As a moment where the manifest says how it is written; what cannot be read stays, and the row says so."""
        if is_blank(value):
            return None
        if self.entry.times is None:
            return value
        try:
            return self.entry.times.apply(value, {})
        except UnreadableError:
            return value

    @contextmanager
    def _telling(self, call: Call) -> Iterator[None]:
        try:
            yield
        except UnusableError as error:
            raise self.wrong(f"{call.operation}：{error}") from None
        except UnreadableError as error:
            raise self.wrong(f"{call.operation} 的应答有一行的 {'、'.join(self.entry.row_ref)} {error}") from None
        except RefusedError as refusal:
            at = call.shape.success.at if call.shape.success else ""
            told = f"{call.operation} 答复不成功（{at}={refusal.code}），原因请看服务一方的日志"
            raise SourceError(f"数据源 {self.name} 的 {self.dataset}：{told}") from None
        except SourceQueryError as error:
            raise self._placed(error, SourceQueryError) from None
        except SourceError as error:
            raise self._placed(error, SourceError) from None

    def _placed(self, error: SourceError, kind: type[SourceError]) -> SourceError:
        """What the caller says names the source; which data set it stops is known here."""
        head = f"数据源 {self.name} 的 {self.dataset}"
        text = str(error)
        return error if text.startswith(head) else kind(f"{head}：{text.removeprefix(f'数据源 {self.name} 的')}")
