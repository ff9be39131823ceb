"""Stands before every page: how the request came, who it is, whether the form is ours, what that person may. Keeps the log."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import groupby

import structlog
from flask import Response, g, redirect, request, url_for
from werkzeug.wrappers import Response as Answer

from gateway.errors import StoreError
from gateway.freshness import fresh
from gateway.http.console import tokens
from gateway.http.console.desk import Desk
from gateway.http.console.pages import Page
from gateway.http.console.paper import HEADERS, trouble
from gateway.operators import PLACE_LENGTH, Access, Operator, nameable

_log = structlog.get_logger()
#: until the password is changed, nothing else is to be had
_FIRST = ("password", "change_password", "logout")
_KNOCKS = timedelta(minutes=1)
STALE = 419  #: of no RFC, and what many use for a form that is not to be trusted any more


def _written(rows: Iterable[tuple[str, str, str]]) -> Iterator[str]:
    """(source, data set, local number) of rows as the log keeps them: those of a data set beside each other."""
    for place, group in groupby(sorted(rows), key=lambda row: row[:2]):
        line = head = " ".join(place)
        for _, _, ref in group:
            if line != head and len(line) + len(ref) >= PLACE_LENGTH:
                yield line
                line = head
            line += f"{' ' if line == head else '、'}{ref}"
        yield line


class _Knocking:
    """Whoever is locked out and tries on is written down once a minute: guessing must not fill the disk."""

    def __init__(self, most: int = 1000) -> None:
        """`most` addresses are remembered, the latest."""
        self._most, self._noted = most, dict[str, datetime]()
        self._lock = threading.Lock()

    def again(self, address: str, now: datetime) -> bool:
        """Whether it was written down a moment ago."""
        with self._lock:
            if fresh(self._noted.get(address), now, _KNOCKS):
                return True
            self._noted.pop(address, None)
            self._noted[address] = now
            if len(self._noted) > self._most:
                del self._noted[next(iter(self._noted))]
            return False


class Guard:
    """Before and after every page."""

    def __init__(self, desk: Desk, pages: Mapping[str, Page], still: str) -> None:
        """`pages` by endpoint; `still`: the endpoint of what is the same for everybody and says nothing, e.g. the style sheet."""
        self._desk, self._pages, self._still = desk, pages, still
        self._knocking = _Knocking()

    def before(self) -> Response | Answer | None:
        """Whatever is returned is answered instead of the page.

        1. Not over plain HTTP from another machine, unless the site said so.
        2. A form must carry the token of its session (or, to log in, of its browser), and not come from elsewhere.
        3. Nobody sees a page without a session; one with a password of somebody else's choice must change it first.
        4. The role must allow what the page is for.
        """
        g.session, g.operator, g.places, g.who, g.visitor = None, None, [], "", ""
        if request.endpoint == self._still:
            return None
        if not (request.is_secure or self._desk.settings.allow_plain_http or tokens.here()):
            return trouble(
                403, "密码和数据在路上会被看到：请用 https:// 打开（怎么设见运维手册“网页”一节），或在网关那台机器上打开"
            )
        page = self._pages[request.endpoint or ""]
        g.session = self._desk.login.whose(tokens.token(), counts=not (page.refreshes and "refresh" in request.args))
        g.operator = g.session.operator if g.session else None
        if request.method == "POST" and not tokens.ours():
            return trouble(STALE, "页面已过期，刚才的操作没有做：请重新打开页面再做一次")
        return None if page.open else self._admitted(page, g.operator)

    def _admitted(self, page: Page, operator: Operator | None) -> Response | Answer | None:
        if operator is None:
            return redirect(url_for("console.login", next=page.name if page.menu else None), 303)
        if operator.must_change and page.name not in _FIRST:
            return redirect(url_for("console.password"), 303)
        if page.needs and not operator.may(page.needs):
            return trouble(403, f"您的角色（{operator.held.title}）不能做这件事；需要的话请找管理员")
        return None

    def after(self, response: Response) -> Response:
        """The log comes before the page: what cannot be written down is not shown."""
        response.headers.update(HEADERS)
        page = self._pages.get(request.endpoint or "")
        if page is None or (page.refreshes and "refresh" in request.args and response.status_code < 400):
            return response
        tokens.mark_visitor(response)
        try:
            self._write_down(page, response.status_code)
        except StoreError as error:
            _log.error("access_not_logged", action=page.name, cause=str(error))
            return trouble(503, f"访问记录写不进去，所以不能显示：{error}")
        return response

    def _write_down(self, page: Page, status: int) -> None:
        """Which rows were seen, as many in a line as it holds, or the page alone. Who only looks at the login page is not noted."""
        who = g.operator.name if g.operator else g.who if nameable(g.who) else ""
        if page.name == "login" or (not who and not g.who):
            return
        now, where = self._desk.now(), tokens.address()
        if status == 429 and g.operator is None and self._knocking.again(where, now):
            return
        lines = (Access(now, who or "?", where, page.name, status, place) for place in list(_written(g.places)) or [""])
        self._desk.people.note_access(*lines)
        _log.info("access", operator=who or "?", action=page.name, status=status, rows=len(g.places))
