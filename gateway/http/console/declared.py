"""申明: what the institution has said about not being able to report, and whether the platforms have it."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from gateway.declaring import CODE
from gateway.http.console.desk import Desk
from gateway.http.console.paper import page


class Declared:
    """The list; declaring is done by `gateway declare`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def show(self) -> ResponseReturnValue:
        """The newest version of each."""
        return page("declarations", found=self._desk.gateway.store.deliveries(CODE))
