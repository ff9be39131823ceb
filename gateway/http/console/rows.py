"""查一行: by a number that somebody has in the hand. It is posted, never part of an address: those are kept in many logs."""

from __future__ import annotations

from flask import g, request
from flask.typing import ResponseReturnValue

from gateway.http.console.desk import Desk
from gateway.http.console.paper import page
from gateway.locating import UNKNOWN, locate
from gateway.model import KEY_LENGTH
from gateway.whereabouts import MOST, reasons_of


class Rows:
    """The form, and what it finds."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def ask(self) -> ResponseReturnValue:
        """The form."""
        return page("where", datasets=self._desk.datasets())

    def find(self) -> ResponseReturnValue:
        """Every row that is shown is written down first; the page says nothing of who or what, only where the row is."""
        number, dataset = request.form.get("number", "").strip(), request.form.get("dataset", "")
        asked = {"number": number, "dataset": dataset, "datasets": self._desk.datasets()}
        if not number or len(number) > KEY_LENGTH:
            return page("where", **asked, sentence="请输入一个号码：本地行号、单据号或业务主键"), 400
        found = locate(self._desk.gateway, number, dataset)
        g.places = [(each.source, each.dataset, each.ref) for each in found]
        if not found:
            return page("where", **asked, sentence=UNKNOWN), 404
        rows = [(each, reasons_of(each)) for each in found]
        return page("where", **asked, rows=rows, more=len(found) == MOST)
