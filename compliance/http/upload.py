"""POST /api/upload: one URL for every infno. Bytes in, envelope out, one log line per message."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from datetime import datetime

import structlog
from flask import Response, request

from compliance.authentication import Authenticator
from compliance.errors import ForeignInstitutionError, MessageRefusedError, UnauthenticatedError
from compliance.receiving import Answer, Receiver
from schemas import envelope, wire

_log = structlog.stdlib.get_logger()


class Upload:
    """The view with its dependencies."""

    def __init__(self, authenticator: Authenticator, receiver: Receiver, admdvs: str, clock: Callable[[], datetime]) -> None:
        self._authenticator, self._receiver, self._admdvs = authenticator, receiver, admdvs
        self.clock = clock

    def reference(self, now: datetime) -> str:
        """inf_refmsgid: district(6) + yyyyMMddHHmmss(14) + serial(10) (interface facts §1.2)."""
        return f"{self._admdvs}{now.astimezone(wire.SHANGHAI):%Y%m%d%H%M%S}{secrets.randbelow(10**10):010d}"

    def post(self) -> Response:
        """Receive one message: 200 judged record by record; 400, 401, 403 refused whole."""
        started = time.perf_counter()
        now = self.clock()
        reference = self.reference(now)
        body = request.get_data(cache=False)
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            caller = self._authenticator.recognise(headers, body, now)
            answer = self._receiver.receive(caller.institutions, body, reference, now)
        except UnauthenticatedError as error:
            _log.warning("unauthenticated", reason=error.reason, reference=reference, ms=_elapsed(started))
            return _reply(401, envelope.refusal(reference, now, str(error)))
        except MessageRefusedError as error:
            _log.warning("refused", reason=type(error).__name__, reference=reference, ms=_elapsed(started))
            status = 403 if isinstance(error, ForeignInstitutionError) else 400
            return _reply(status, envelope.refusal(reference, now, str(error)))
        _log.info("received", **_counts(answer), ms=_elapsed(started))
        return _reply(200, envelope.reply(reference, now, answer.results))


def _counts(answer: Answer) -> dict[str, str | int]:
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


def _elapsed(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)


def _reply(status: int, body: bytes) -> Response:
    return Response(body, status, content_type="application/json")
