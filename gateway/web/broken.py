"""Where in an exchange the line broke: before a byte could leave, or after the reply had begun."""

from __future__ import annotations

import requests
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, ReadTimeoutError


def never_connected(error: requests.exceptions.ConnectionError) -> bool:
    """Whether the failure came before any byte could leave (DNS, refused, unreachable)."""
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return isinstance(reason, NewConnectionError | ConnectTimeoutError)


def late(error: requests.exceptions.ConnectionError) -> bool:
    """Whether the reply had begun, and was not over in time."""
    return bool(error.args) and isinstance(error.args[0], ReadTimeoutError)
