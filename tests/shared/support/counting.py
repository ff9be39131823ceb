"""A platform that is not ours: it answers no query, and books whatever arrives as often as it arrives.

So a replay that was not allowed is seen as what it is, a second effect. What is booked can be taken back by 3507, once.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

import orjson

from schemas import envelope
from schemas.envelope import Result, Status
from schemas.wire import SHANGHAI

_TAKE_BACK = "3507"


@dataclass
class Counting:
    """Listens on a free port from `with` to its end."""

    idempotent: bool = False  #: by key: the second arrival replaces the first
    booked: list[Mapping[str, str]] = field(default_factory=list)  #: what stands in its books, in order of arrival
    arrived: Counter[str] = field(default_factory=Counter)  #: records, by transaction; how they are batched is the gateway's matter

    def __enter__(self) -> Self:
        self._lock = threading.Lock()
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
        """Its address without a path."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def effects(self) -> Counter[str]:
        """How often each key stands in the books."""
        return Counter(record["key"] for record in self.booked)

    def take(self, body: bytes) -> bytes:
        """One message: its effect, and the answer."""
        message = orjson.loads(body)
        (content,) = message["input"].values()
        with self._lock:
            self.arrived[message["infno"]] += len(content) if isinstance(content, list) else 1
            if message["infno"] == _TAKE_BACK:
                return self._take_back(content)
            return self._book(content)

    def _book(self, records: list[Mapping[str, str]]) -> bytes:
        keys = {record["key"] for record in records}
        if self.idempotent:
            self.booked = [record for record in self.booked if record["key"] not in keys]
        self.booked += records
        accepted = (Result(record["key"], int(record["version"]), Status.ACCEPTED) for record in records)
        return envelope.reply("0" * 30, datetime.now(SHANGHAI), list(accepted))

    def _take_back(self, content: Any) -> bytes:
        (asked,) = content if isinstance(content, list) else [content]
        found = [record for record in self.booked if record["fixmedins_bchno"] == asked["fixmedins_bchno"]]
        if not found:
            return envelope.refusal("0" * 30, datetime.now(SHANGHAI), "没有这一条，不能删除")
        self.booked.remove(found[-1])
        return envelope.answer("0" * 30, datetime.now(SHANGHAI), {"result": {"retRslt": "1"}})


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, platform: Counting) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.platform = platform


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: the books tell."""

    def do_POST(self) -> None:
        """Every message is understood."""
        reply = self.server.platform.take(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.send_header("content-length", str(len(reply)))
        self.end_headers()
        self.wfile.write(reply)
