"""A refusal for a program: JSON with one Chinese sentence, for the log of the HIS vendor or of the monitoring."""

from __future__ import annotations

import orjson
from flask import Response


def refusal(status: int, sentence: str) -> Response:
    """503 asks to come again."""
    headers = {"Retry-After": "30"} if status == 503 else {}
    return Response(orjson.dumps({"err_msg": sentence}), status, content_type="application/json", headers=headers)
