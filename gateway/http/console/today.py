"""今日风险: what is wrong now, and what to do about it."""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue

from gateway.http.console.desk import Desk
from gateway.http.console.paper import done, page
from gateway.model import BrakeKind


class Today:
    """The first page."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def show(self) -> ResponseReturnValue:
        """Refreshes itself once a minute; that does not keep a session alive."""
        return page("today", outlook=self._desk.outlook())

    def release(self) -> ResponseReturnValue:
        """A person has looked at the site: what was stopped may go on. 409 where more, or something else, is stopped by now."""
        source, dataset, kind, said = (request.form.get(name, "") for name in ("source", "dataset", "kind", "said"))
        if request.form.get("verified") != "yes":
            return page("today", outlook=self._desk.outlook(), sentence="请先到 HIS 里核实，再勾选“已核实”放行"), 400
        seen = {BrakeKind(kind): said} if kind in set(BrakeKind) else {}
        store = self._desk.gateway.store
        kinds = store.release_brakes(source, dataset, seen)
        self._desk.changed()
        if not kinds and any((each.source, each.dataset, each.kind) == (source, dataset, kind) for each in store.brakes()):
            return page(
                "today", outlook=self._desk.outlook(), sentence="停下来的事在您看过之后又变了，没有放行：请按现在写的再核实"
            ), 409
        return done("today", "released" if kinds else "nothing")
