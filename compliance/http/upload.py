"""POST /api/upload: one URL for every infno that is reported. Bytes in, envelope out."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Response

from compliance.credentials import Issued
from compliance.http.exchange import Exchange
from compliance.receiving import Answer, Receiver
from schemas import envelope


class Upload:
    """The view with its dependencies."""

    def __init__(self, exchange: Exchange, receiver: Receiver) -> None:
        self._exchange, self._receiver = exchange, receiver

    def post(self) -> Response:
        """Receive one message: judged record by record, or refused whole."""
        return self._exchange.run("received", self._take)

    def _take(self, caller: Issued, body: bytes, reference: str, now: datetime) -> tuple[bytes, dict[str, Any]]:
        answer = self._receiver.receive(caller.institutions, body, reference, now)
        return envelope.reply(reference, now, answer.results, self._exchange.charset), _counts(answer)


def _counts(answer: Answer) -> dict[str, Any]:
    receipt = answer.receipt
    return {
        "infno": receipt.infno,
        "msgid": receipt.msgid,
        "reference": receipt.reference,
        "accepted": receipt.accepted,
        "duplicate": receipt.duplicate,
        "rejected": receipt.rejected,
        "conflict": receipt.conflict,
    }
