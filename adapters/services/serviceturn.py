"""The pages of one call to a web service: where the next one starts, whether there is one, and that they do go on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from adapters.conversion import is_blank
from adapters.services import replies
from adapters.services.replies import UnusableError
from adapters.services.serviceplan import By, Call, Ends
from gateway.errors import SourceQueryError


@dataclass
class Turn:
    """Where a reading has come to. A service that does not go on would be read for ever, or as if it had no more: both are told."""

    call: Call
    wrong: Callable[[str], SourceQueryError]  #: makes the error that names source, data set and manifest
    page: int
    offset: int = 0  #: rows that the service counted so far
    cursor: str = ""
    link: str = ""
    _before: frozenset[str] = field(default_factory=frozenset)

    def take(self, refs: frozenset[str], counted: int) -> None:
        """A page came. SourceQueryError if it is the one before."""
        if refs and refs == self._before:
            raise self.wrong(f"翻页没有往后走：{self.call.operation} 接连两页给出同样的行")
        self._before, self.offset = refs, self.offset + counted

    def goes_on(self, tree: Any, counted: int, size: int) -> bool:
        """Whether there is another page; then the turn stands at it."""
        paging = self.call.paging
        if paging.by in (By.NONE, By.KEY):
            return False
        if paging.by in (By.CURSOR, By.LINK):
            return self._follows(tree)
        total = self._total(tree)
        if not counted or (total is not None and self.offset >= total) or (paging.ends is Ends.SHORT and counted < size):
            return False
        self.page += 1
        return True

    def missing(self, tree: Any) -> str:
        """What the service said it has more than it gave; "": nothing."""
        total = self._total(tree)
        if total is None or self.offset >= total:
            return ""
        return f"{self.call.operation} 说有 {total} 行，只给了 {self.offset} 行；读的时候在变，或服务少给了，下次重读"

    def _follows(self, tree: Any) -> bool:
        paging = self.call.paging
        following = _next(tree, paging.next)
        if following and following in (self.cursor, self.link):
            raise self.wrong(f"翻页没有往后走：{self.call.operation} 的 {paging.next} 没有变")
        self.cursor, self.link = (following, "") if paging.by is By.CURSOR else ("", following)
        return bool(following)

    def _total(self, tree: Any) -> int | None:
        at = self.call.paging.total
        if not at:
            return None
        try:
            return int(str(replies.find(tree, at)))
        except (UnusableError, ValueError):
            raise self.wrong(f"{self.call.operation} 的应答里没有总行数 {at}，或它不是整数") from None


def _next(tree: Any, path: str) -> str:
    """ "" where the reply says that there is none, in whatever way."""
    try:
        value = replies.find(tree, path)
    except UnusableError:
        return ""
    return "" if is_blank(value) or value is False else str(value)
