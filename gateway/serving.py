"""The gateway's web server beside its timetable: what the HIS pushes is taken in at once and sent at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from gateway.errors import GatewayError
from gateway.http import create_app
from gateway.wiring import Gateway
from jobs.listening import ListeningError, Server
from jobs.prompting import Prompt

_log = structlog.get_logger()
_BODY_LIMIT = 1 << 24  #: beyond it the connection is cut before the application can answer


@contextmanager
def pushes(gateway: Gateway, stop: threading.Event) -> Iterator[str]:
    """Listen while the block runs and yield the address; "" where the site wants no pushes. GatewayError if it cannot."""
    settings = gateway.config.push
    if settings is None:
        yield ""
        return
    readers = {
        (feed.source.name, feed.source.dataset): gateway.reader(feed, stop.is_set) for feed in gateway.feeds if feed.source.sweeps
    }
    with Prompt(lambda: _send(gateway, stop)) as prompt:
        app = create_app(readers=readers, token=settings.token, taken=prompt.ask)
        with _listening(Server(app, settings.host, settings.port, body_limit=_BODY_LIMIT)) as server:
            yield server.url


@contextmanager
def _listening(server: Server) -> Iterator[Server]:
    try:
        server.__enter__()
    except ListeningError as error:
        raise GatewayError(f"{error}，请改 push.listen") from None
    try:
        yield server
    finally:
        server.__exit__(None, None, None)


def _send(gateway: Gateway, stop: threading.Event) -> None:
    for target in gateway.clients:
        try:
            gateway.send(target, stop=stop.is_set)
        except GatewayError as error:
            _log.error("failed", target=target, kind=type(error).__name__, cause=str(error))
