"""A network between gateway and receiver that fails as real ones do: by a seeded schedule, every fault counted.

Real sockets on loopback. What the receiver did and what the gateway learnt of it differ by exactly the fault.
"""

from __future__ import annotations

import http.client
import socket
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import orjson

from schemas import envelope
from schemas.wire import SHANGHAI


class Fault(StrEnum):
    """What becomes of one request."""

    NONE = "none"
    REPLY_DROPPED = "reply_dropped"  #: applied; the connection ends without an answer
    REPLY_CUT = "reply_cut"  #: applied; half of the answer, then a reset
    REPLY_GARBAGE = "reply_garbage"  #: applied; somebody's web page instead of the answer
    REPLY_LATE = "reply_late"  #: applied; answered after the gateway has given up
    REQUEST_CUT = "request_cut"  #: reset in the middle of the body; never reaches the receiver
    BUSY = "busy"  #: 503, not forwarded
    THROTTLED = "throttled"  #: 429 with Retry-After, not forwarded
    TWICE = "twice"  #: forwarded twice, the first answer comes back
    TWICE_LAST = "twice_last"  #: forwarded twice, the second answer comes back
    REFUSED = "refused"  #: refused whole, though nothing is wrong with it; not forwarded


#: of all requests; a run of some hundred meets each of them
EVERYTHING: Mapping[Fault, float] = {
    Fault.REPLY_DROPPED: 0.06,
    Fault.REPLY_CUT: 0.04,
    Fault.REPLY_GARBAGE: 0.04,
    Fault.REPLY_LATE: 0.01,
    Fault.REQUEST_CUT: 0.04,
    Fault.BUSY: 0.03,
    Fault.THROTTLED: 0.03,
    Fault.TWICE: 0.05,
    Fault.TWICE_LAST: 0.03,
}
_RETRY_AFTER = 7
_UPLOAD = "/api/upload"


@dataclass
class Schedule:
    """Which fault befalls which request: drawn one after the other from a seed."""

    seed: int
    rates: Mapping[Fault, float] = field(default_factory=lambda: EVERYTHING)

    def __post_init__(self) -> None:
        self._random, self._lock = Random(self.seed), threading.Lock()

    def draw(self) -> Fault:
        """The next request's fault."""
        with self._lock:
            dice = self._random.random()
        for fault, rate in self.rates.items():
            dice -= rate
            if dice < 0:
                return fault
        return Fault.NONE


@dataclass(frozen=True)
class Reply:
    """What came back from the receiver, or is pretended to."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Proxy:
    """Listens on a free port from `with` to its end. `upstream` may be moved or be down."""

    upstream: str
    draw: Callable[[], Fault] = lambda: Fault.NONE
    poison: frozenset[str] = frozenset()  #: keys that make the platform refuse the whole message
    late: float = 1.4  #: seconds an answer is kept back; longer than the gateway waits
    counts: Counter[str] = field(default_factory=Counter)

    def __enter__(self) -> Self:
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where the gateway is to send."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def forward(self, path: str, body: bytes, headers: Mapping[str, str]) -> Reply | None:
        """Pass a request on; None when the receiver is not there."""
        place = urlsplit(self.upstream)
        with closing(http.client.HTTPConnection(place.hostname or "", place.port, timeout=20)) as connection:
            try:
                connection.request("POST", path, body, {**headers, "connection": "close"})
                response = connection.getresponse()
                return Reply(response.status, response.read())
            except (OSError, http.client.HTTPException):
                return None


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, proxy: Proxy) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.proxy = proxy

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A gateway killed in mid-request is what we are here for; anything else is a bug of ours."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the counts tell."""

    def do_POST(self) -> None:
        """One request, one fault."""
        proxy = self.server.proxy
        fault = proxy.draw()
        size = int(self.headers["content-length"])
        if fault is Fault.REQUEST_CUT:
            proxy.counts[fault] += 1
            self.rfile.read(size // 2)
            self._reset()
            return
        body = self.rfile.read(size)
        if len(body) < size:
            raise ConnectionResetError  # the gateway died while sending
        if proxy.poison and self.path == _UPLOAD and proxy.poison & _keys(body):
            proxy.counts["poison"] += 1
            self._answer(_refusal("报文中有记录不合要求"))
            return
        proxy.counts[fault] += 1
        self._befall(fault, body)

    def _befall(self, fault: Fault, body: bytes) -> None:
        if fault in (Fault.BUSY, Fault.THROTTLED, Fault.REFUSED):
            self._answer(_NOT_FORWARDED[fault]())
            return
        reply = self._forwarded(body)
        if reply is None:
            self._reset()
            return
        if fault in (Fault.TWICE, Fault.TWICE_LAST):
            again = self._forwarded(body)
            self._answer(again if again and fault is Fault.TWICE_LAST else reply)
            return
        if fault is Fault.REPLY_LATE:
            time.sleep(self.server.proxy.late)
        self._tell(fault, reply)

    def _tell(self, fault: Fault, reply: Reply) -> None:
        if fault is Fault.REPLY_DROPPED:
            self._reset()
        elif fault is Fault.REPLY_CUT:
            self._answer(reply, len(reply.body) // 2)
            self._reset()
        elif fault is Fault.REPLY_GARBAGE:
            self._answer(Reply(200, b"<html><body>welcome to the wireless network</body></html>"))
        else:
            self._answer(reply)

    def _forwarded(self, body: bytes) -> Reply | None:
        kept = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "connection")}
        return self.server.proxy.forward(self.path, body, kept)

    def _answer(self, reply: Reply, cut: int | None = None) -> None:
        self.send_response(reply.status)
        for name, value in {**reply.headers, "content-length": str(len(reply.body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(reply.body[:cut])

    def _reset(self) -> None:
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.shutdown(socket.SHUT_RDWR)


def _keys(body: bytes) -> frozenset[str]:
    """The business keys in a message."""
    given = orjson.loads(body)["input"]
    return frozenset(record["key"] for records in given.values() for record in records)


def _refusal(sentence: str) -> Reply:
    return Reply(400, envelope.refusal("0" * 30, datetime.now(SHANGHAI), sentence))


_NOT_FORWARDED: Mapping[Fault, Callable[[], Reply]] = {
    Fault.BUSY: lambda: Reply(503, b"busy"),
    Fault.THROTTLED: lambda: Reply(429, b"slow down", {"retry-after": str(_RETRY_AFTER)}),
    Fault.REFUSED: lambda: _refusal("平台内部校验失败"),
}
