"""Where in an exchange the line broke: before a byte could leave, or after the reply had begun."""

from __future__ import annotations

import traceback

import requests
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, ReadTimeoutError


def never_connected(error: requests.exceptions.ConnectionError) -> bool:
    """Whether the failure came before any byte could leave (DNS, refused, unreachable)."""
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    return isinstance(reason, NewConnectionError | ConnectTimeoutError)


def late(error: requests.exceptions.ConnectionError) -> bool:
    """Whether the reply had begun, and was not over in time."""
    return bool(error.args) and isinstance(error.args[0], ReadTimeoutError)


def let_go(error: BaseException | None) -> None:
    """Of an error that has been told: clear what the frames that it passed hold, the message among it.

    They and the errors refer to each other: a message of megabytes would wait for the garbage collector, and hundreds of them while
    a platform is away.
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__
