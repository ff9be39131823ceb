"""今日风险: what is wrong now, and what to do about it."""

from __future__ import annotations

from flask import request
from flask.typing import ResponseReturnValue

from gateway.http.console.desk import Desk
from gateway.http.console.paper import done, page


class Today:
    """The first page."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def show(self) -> ResponseReturnValue:
        """Refreshes itself once a minute; that does not keep a session alive."""
        return page("today", outlook=self._desk.outlook())

    def release(self) -> ResponseReturnValue:
        """A person has looked at the site: what was stopped may go on."""
        source, dataset = request.form.get("source", ""), request.form.get("dataset", "")
        if request.form.get("verified") != "yes":
            return page("today", outlook=self._desk.outlook(), sentence="请先到 HIS 里核实，再勾选“已核实”放行"), 400
        kinds = self._desk.gateway.store.release_brakes(source, dataset)
        self._desk.changed()
        return done("today", "released" if kinds else "nothing")
