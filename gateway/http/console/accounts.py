"""账号 and 访问记录: for whoever answers for who may look at what."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from flask import abort, g, request
from flask.typing import ResponseReturnValue

from gateway.http.console.desk import Desk
from gateway.http.console.paper import day_of, done, page
from schemas.wire import SHANGHAI

_MOST = 500


class Accounts:
    """Accounts are made by command; here they are looked at, unlocked, and stopped."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def show(self) -> ResponseReturnValue:
        """All accounts."""
        return page("users", found=self._desk.people.operators(), locked=self._desk.people.lockouts(self._desk.now()))

    def unlock(self) -> ResponseReturnValue:
        """May try again at once."""
        self._desk.people.unlock(self._named())
        return done("users", "unlocked")

    def disable(self) -> ResponseReturnValue:
        """Not oneself: whoever shuts the last door from inside cannot open it."""
        name = self._named()
        if name == g.operator.name:
            abort(400, "不能停用自己的账号")
        self._desk.people.set_disabled(name, True)
        return done("users", "disabled")

    def enable(self) -> ResponseReturnValue:
        """Back again."""
        self._desk.people.set_disabled(self._named(), False)
        return done("users", "enabled")

    def accesses(self) -> ResponseReturnValue:
        """One day's lines, of everybody or of one."""
        today = self._desk.now().astimezone(SHANGHAI).date()
        day, name = day_of(request.args.get("day", "")) or today, request.args.get("user", "")
        start = datetime.combine(day, time(), SHANGHAI)
        found = self._desk.people.accesses(start, start + timedelta(days=1), name, _MOST)
        names = [each.name for each in self._desk.people.operators()]
        return page("access", found=found, day=day, names=names, name=name, more=len(found) == _MOST)

    def _named(self) -> str:
        name = request.form.get("name", "")
        if not self._desk.people.operator(name):
            abort(400, "没有这个用户")
        return name
