"""Configuration -> running service, without the command line: what `main`, the demo and tests start the bureau with."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import Any, Self

import waitress  # type: ignore[import-untyped]
from flask import Flask
from waitress import wasyncore

from compliance import reporting
from compliance.authentication import Authenticator
from compliance.config import Config
from compliance.coverage import CoverageReport
from compliance.credentials import Keyring
from compliance.errors import ComplianceError, ConfigError
from compliance.holdings import Holdings
from compliance.http import Exchange, create_app
from compliance.receiving import Receiver
from compliance.store import database
from compliance.store.archive import StoredArchive
from compliance.store.database import Database
from compliance.store.holdings import StoredShelf
from compliance.store.nonces import StoredNonces
from compliance.store.roll import StoredRoll
from compliance.store.standing import StoredStanding
from schemas import overlay
from schemas.errors import SpecError
from schemas.model import Edition
from schemas.wire import SHANGHAI

_THREADS = 8
#: beyond this many times the edition's body limit the connection is cut before the application can answer
_HARD_LIMIT = 16


def now() -> datetime:
    """The real clock."""
    return datetime.now(SHANGHAI)


def edition_of(config: Config) -> Edition:
    """The edition this bureau works by. ConfigError if its files are wrong."""
    try:
        return overlay.load(config.edition)
    except SpecError as error:
        raise ConfigError(f"接口规范有误：{error}") from None


def build(config: Config, clock: Callable[[], datetime] = now) -> Flask:
    """The bureau's application. The store must have been created (`compliance init`, or `Database.create`)."""
    edition = edition_of(config)
    store = database.connect(config.store)
    store.check()
    authenticator = Authenticator(Keyring(config.credentials), StoredNonces(store), config.tolerance)
    return create_app(
        exchange=Exchange(authenticator, edition, config.admdvs, clock),
        receiver=Receiver(edition, StoredArchive(store), config.fencing),
        held=Holdings(edition, StoredShelf(store)),
        alive=store.check,
        body_limit=edition.body_limit,
    )


def coverage(config: Config, store: Database, as_of: datetime) -> CoverageReport:
    """The coverage report of this bureau as of a cut-off."""
    return reporting.coverage(
        edition_of(config),
        StoredRoll(store),
        StoredStanding(store),
        credentialed=Keyring(config.credentials).institutions(),
        district=config.district,
        as_of=as_of,
    )


class Server:
    """Runs an application under waitress in a thread, from `with` to its end. Port 0 takes a free one."""

    def __init__(self, app: Flask, host: str = "127.0.0.1", port: int = 0) -> None:
        self._app, self._host, self._port = app, host, port
        self._stopping = threading.Event()
        self._channels: dict[int, Any] = {}

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{self._host}:{self._port}"

    def __enter__(self) -> Self:
        self._socket = self._listen()
        self._port = self._socket.getsockname()[1]
        self._server = waitress.create_server(
            self._app,
            map=self._channels,
            sockets=[self._socket],
            threads=_THREADS,
            ident=None,
            clear_untrusted_proxy_headers=True,
            max_request_body_size=_HARD_LIMIT * (self._app.config["MAX_CONTENT_LENGTH"] or 1 << 22),
        )
        self._thread = threading.Thread(target=self._run, name="compliance-http", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop taking connections, let the requests under way finish, close."""
        self._stopping.set()
        self._server.pull_trigger()
        self._thread.join()

    def _listen(self) -> socket.socket:
        try:
            return socket.create_server((self._host, self._port), backlog=1024)
        except OSError as error:
            raise ComplianceError(f"不能监听 {self._host}:{self._port}（{error.strerror or type(error).__name__}）") from None

    def _run(self) -> None:
        while not self._stopping.is_set():
            wasyncore.loop(timeout=1, map=self._channels, count=1)
        self._server.task_dispatcher.shutdown()
        wasyncore.close_all(self._channels)
