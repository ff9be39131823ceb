"""One signed message in, one envelope out: what upload and query have in common."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import structlog
from flask import Response, request

from compliance.authentication import Authenticator
from compliance.credentials import Issued
from compliance.errors import (
    ForeignInstitutionError,
    MessageRefusedError,
    OtherEditionError,
    SecondGatewayError,
    UnauthenticatedError,
    UnknownTransactionError,
)
from compliance.http.monitoring import Meter
from schemas import envelope, wire
from schemas.model import Edition

_log = structlog.stdlib.get_logger()
#: what is done with a message: (caller, body, reference, now) -> the reply, what the log may say
Handling = Callable[[Issued, bytes, str, datetime], tuple[bytes, dict[str, Any]]]


class Exchange:
    """Recognises the caller, hands the message over, answers in the region's charset and writes one log line."""

    def __init__(
        self, authenticator: Authenticator, edition: Edition, admdvs: str, clock: Callable[[], datetime], meter: Meter | None = None
    ) -> None:
        self._authenticator, self._admdvs = authenticator, admdvs
        self.meter = meter or Meter(edition.datasets)
        self.clock, self.charset = clock, edition.style.charset
        self._content_type = "application/json" if self.charset == "utf-8" else envelope.content_type(edition)

    def reference(self, now: datetime) -> str:
        """inf_refmsgid: district(6) + yyyyMMddHHmmss(14) + serial(10) (interface facts §1.2)."""
        return f"{self._admdvs}{now.astimezone(wire.SHANGHAI):%Y%m%d%H%M%S}{secrets.randbelow(10**10):010d}"

    def run(self, action: str, handle: Handling) -> Response:
        """200 answered; 400, 401, 403, 404, 409 refused whole. Whatever comes of it is measured."""
        started = time.perf_counter()
        came_to: dict[str, Any] = {"outcome": "failed"}
        try:
            return self._run(action, handle, started, came_to)
        finally:
            self.meter.took(action, came_to.pop("outcome"), time.perf_counter() - started, came_to)

    def _run(self, action: str, handle: Handling, started: float, came_to: dict[str, Any]) -> Response:
        now = self.clock()
        reference = self.reference(now)
        body = request.get_data(cache=False)
        headers = {name.lower(): value for name, value in request.headers.items()}
        try:
            caller = self._authenticator.recognise(headers, body, now)
            reply, told = handle(caller, body, reference, now)
        except UnauthenticatedError as error:
            came_to["outcome"] = "unauthenticated"
            _log.warning("unauthenticated", reason=error.reason, reference=reference, ms=_elapsed(started))
            return self.refusal(401, reference, now, str(error))
        except MessageRefusedError as error:
            came_to["outcome"] = "refused"
            _log.warning("refused", reason=type(error).__name__, reference=reference, ms=_elapsed(started))
            return self.refusal(_status(error), reference, now, str(error))
        came_to.update(told, outcome=action)
        _log.info(action, **told, ms=_elapsed(started))
        return Response(reply, 200, content_type=self._content_type)

    def refusal(self, status: int, reference: str, now: datetime, sentence: str) -> Response:
        """The answer to a message that was refused whole."""
        body = envelope.refusal(reference, now, sentence, self.charset)
        return Response(body, status, content_type=self._content_type)


def _status(error: MessageRefusedError) -> int:
    match error:
        case ForeignInstitutionError():
            return 403
        case UnknownTransactionError():
            return 404
        case SecondGatewayError() | OtherEditionError():
            return 409
        case _:
            return 400


def _elapsed(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)
