"""A web application served by waitress in a thread, from `with` to its end; both deployables listen this way."""

from __future__ import annotations

import errno
import socket
import threading
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import waitress  # type: ignore[import-untyped]
from waitress import wasyncore

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

_THREADS = 8
_FORWARDED = {"x-forwarded-for", "x-forwarded-proto"}
_CAUSES = {
    errno.EADDRINUSE: "端口已被别的程序占用，或本程序已在运行",
    errno.EADDRNOTAVAIL: "地址不是本机的",
    errno.EACCES: "没有权限，请用 1024 以上的端口",
}


class ListeningError(Exception):
    """The address is taken, not ours, or needs rights: told in Chinese."""


class Server:
    """Serves `app` on host and port; port 0 takes a free one. ListeningError if it cannot.

    `proxy`: the address of a reverse proxy, the only one whose X-Forwarded-For and -Proto say who called, and how.
    """

    def __init__(self, app: WSGIApplication, host: str, port: int, *, body_limit: int, proxy: str = "") -> None:
        self._app, self._host, self._port, self._body_limit = app, host, port, body_limit
        self._proxy = {"trusted_proxy": proxy, "trusted_proxy_headers": _FORWARDED, "trusted_proxy_count": 1} if proxy else {}
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
            **self._proxy,
            max_request_body_size=self._body_limit,
        )
        self._thread = threading.Thread(target=self._run, name="http", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        """Stop taking connections, let the requests under way finish, close. Nothing is closed while the thread may be woken."""
        self._stopping.set()
        self._server.pull_trigger()
        self._thread.join()
        self._server.task_dispatcher.shutdown()
        wasyncore.close_all(self._channels)

    def _listen(self) -> socket.socket:
        try:
            return socket.create_server((self._host, self._port), backlog=1024)
        except OSError as error:
            raise ListeningError(f"不能监听 {self._host}:{self._port}（{_why(error)}）") from None

    def _run(self) -> None:
        while not self._stopping.is_set():
            wasyncore.loop(timeout=1, map=self._channels, count=1)


def _why(error: OSError) -> str:
    """In Chinese; a name that is no address has its own kind of error."""
    if isinstance(error, socket.gaierror):
        return "地址写得不对"
    return _CAUSES.get(error.errno or 0, f"系统出错 {error.errno or type(error).__name__}")
