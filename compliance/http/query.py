"""POST /api/query: what the platform holds of the institution that asks (QY01)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Response

from compliance.credentials import Issued
from compliance.holdings import Holdings
from compliance.http.exchange import Exchange
from schemas import envelope, holdings


class Query:
    """The view with its dependencies."""

    def __init__(self, exchange: Exchange, held: Holdings) -> None:
        self._exchange, self._held = exchange, held

    def post(self) -> Response:
        """Answer one question, or refuse it."""
        return self._exchange.run("answered", self._tell)

    def _tell(self, caller: Issued, body: bytes, reference: str, now: datetime) -> tuple[bytes, dict[str, Any]]:
        answer = self._held.answer(caller.institutions, body)
        told = {"infno": holdings.CODE, "reference": reference, "holdings": len(answer.holdings)}
        return envelope.answer(reference, now, holdings.write_answer(answer), self._exchange.charset), told
