"""The gateway's web server beside its timetable: one listener, with a room for each kind of caller that the site wants."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog

from gateway.errors import GatewayError
from gateway.http import Room, Sight, create_app, monitoring, pushes, refusal
from gateway.http.console import Desk, console, refuse
from gateway.watching import Watch
from gateway.wiring import Gateway
from jobs.listening import ListeningError, Server
from jobs.prompting import Prompt

_log = structlog.get_logger()
_BODY_LIMIT = 1 << 24  #: beyond it the connection is cut before the application can answer


@contextmanager
def listening(gateway: Gateway, stop: threading.Event, watch: Watch | None = None) -> Iterator[str]:
    """Listen while the block runs and yield the address; "" where the site wants no listener. GatewayError if it cannot."""
    settings = gateway.config.http
    if settings is None:
        yield ""
        return
    with Prompt(lambda: _send(gateway, stop)) as prompt:
        rooms = _rooms(gateway, stop, prompt.ask, watch or Watch(gateway))
        app = create_app(*rooms, refuse=refuse if gateway.config.console else refusal)
        server = Server(app, settings.host, settings.port, body_limit=_BODY_LIMIT, proxy=settings.proxy)
        with _listening(server):
            yield server.url


def _rooms(gateway: Gateway, stop: threading.Event, taken: Callable[[], None], watch: Watch) -> Iterator[Room]:
    """Every room that is configured; a new kind of caller gets its line here."""
    if push := gateway.config.push:
        readers = {
            (feed.source.name, feed.source.dataset): gateway.reader(feed, stop.is_set)
            for feed in gateway.feeds
            if feed.source.sweeps
        }
        yield pushes(readers=readers, token=push.token, taken=taken)
    if pages := gateway.config.console:
        yield console(Desk(gateway, pages, watch, taken))
    yield _monitored(gateway, watch)


def _monitored(gateway: Gateway, watch: Watch) -> Room:
    store = gateway.store
    sight = Sight(watch.situation, gateway.seen.seen, store.notices, store.failing_channels, store.made, gateway.clock)
    return monitoring(sight, gateway.config.monitoring)


@contextmanager
def _listening(server: Server) -> Iterator[Server]:
    try:
        server.__enter__()
    except ListeningError as error:
        raise GatewayError(f"{error}，请改 http.listen") from None
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
