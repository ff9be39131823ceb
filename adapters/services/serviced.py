"""A source over a web service: what is asked, and what comes put in order where the service does not order it.

How a call travels (SOAP, REST) is the caller's, how pages follow each other the turn's, what a row is `servicerows`'.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, time, timedelta
from itertools import islice
from typing import Any, NoReturn

from adapters.conversion import UnreadableError
from adapters.localsource import LocalSource
from adapters.mapping import ROW_REF
from adapters.plan import Parts
from adapters.services import replies
from adapters.services.caller import Caller
from adapters.services.replies import Answer, RefusedError, UnusableError
from adapters.services.serviceplan import Argument, By, Call, Ends, ServiceEntry, kind_of
from adapters.services.servicerows import ServiceRows
from adapters.services.serviceturn import Turn
from gateway.errors import SourceError, SourceQueryError
from gateway.model import Cursor, Mark, Page, Reading, SourceRow
from schemas.dateformat import dateformat
from schemas.model import FieldType
from schemas.wire import SHANGHAI

#: most rows that are gathered to be put in order
MOST_ROWS = 200_000
#: most pages of one reading
_MOST_PAGES = 10_000
_FIRST, _LAST = datetime(1900, 1, 1), datetime(9999, 12, 31)  # noqa: DTZ001  the site's clock is naive
#: a rescan of some days also takes what is planned
_AHEAD = timedelta(days=8)


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
        self._rows = ServiceRows(entry, self.mapping, caller, self.wrong)

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
        """The rows of each page until the last one."""
        turn = Turn(call, self.wrong, call.paging.first)
        for _ in range(_MOST_PAGES):
            answer = self._answer(call, values, turn, size)
            with self._telling(call):
                rows, counted = self._rows.records(answer, call)
            turn.take(frozenset(row[ROW_REF] for row in rows), counted)
            yield rows
            if not turn.goes_on(answer.tree, counted, size):
                self._check_all(turn, answer)
                return
        raise self.wrong(f"翻页没有尽头：{call.operation} 已读了 {_MOST_PAGES} 页")

    def _check_all(self, turn: Turn, answer: Answer) -> None:
        if missing := turn.missing(answer.tree):
            raise SourceError(f"数据源 {self.name} 的 {self.dataset}：{missing}")

    def _answer(self, call: Call, values: Mapping[str, Any], turn: Turn, size: int) -> Answer:
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
