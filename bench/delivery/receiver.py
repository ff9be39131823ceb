"""The receiver that counts: `python -m bench.delivery.receiver` prints its port and serves until its input ends.

It applies whatever arrives, also the same record twice: who never sends a record twice shows it here. Three doors:
    POST /rows         a JSON list of rows, as most platforms take them
    POST /api/upload   the edition's message, answered record by record
    POST /api/query    QY01: what is held
and for the benchmark itself
    POST /script       forget everything; behave as the body says (see `Script`)
    POST /relent       behave from now on
    GET /counts        how much arrived
    GET /held          record -> minutes last said of it
    GET /arrivals      record -> when it came first
"""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson

from schemas import envelope, holdings
from schemas.envelope import Result, Status
from schemas.holdings import Fate, Holding
from schemas.wire import SHANGHAI, encode_datetime

_SENTENCES = {200: "OK", 404: "Not Found", 422: "Unprocessable", 503: "Busy"}
GONE = "void"  #: what is held of a record that was withdrawn


@dataclass(slots=True)
class Script:
    """How the receiver misbehaves: of uploads, counted from 1, every so-many-th."""

    busy_every: int = 0  #: answered 503, not applied
    silent_every: int = 0  #: applied, the connection ends without an answer
    latency: float = 0.0  #: seconds before each answer
    poison: str = ""  #: a record for whose sake a whole message is refused
    timed: bool = False  #: whether it is remembered when a record came first


@dataclass(slots=True)
class Held:
    """What the receiver holds of one record."""

    version: int
    digest: str
    said: str


@dataclass(slots=True)
class Book:
    """What arrived."""

    script: Script = field(default_factory=Script)
    requests: int = 0
    applied: int = 0
    duplicates: int = 0
    records: dict[str, Held] = field(default_factory=dict)
    arrivals: dict[str, float] = field(default_factory=dict)  #: record -> when it came first; only if the script asks

    def apply(self, key: str, held: Held) -> None:
        """Take a record. Said again word for word, it was applied twice."""
        self.applied += 1
        before = self.records.get(key)
        self.duplicates += before is not None and (before.said, before.version) == (held.said, held.version)
        self.records[key] = held
        if self.script.timed:
            self.arrivals.setdefault(key, time.time())


class Platform:
    """Answers requests; knows nothing of sockets. None: the connection ends without an answer."""

    def __init__(self) -> None:
        self.book = Book()

    def answer(self, path: str, body: bytes) -> tuple[int, bytes] | None:
        """Status and body."""
        match path:
            case "/rows" | "/api/upload":
                return self._upload(path, orjson.loads(body))
            case "/api/query":
                return 200, self._query(orjson.loads(body))
            case "/script":
                self.book = Book(Script(**orjson.loads(body)))
                return 200, b"{}"
            case "/relent":
                self.book.script = Script()
                return 200, b"{}"
            case "/counts":
                names = ("requests", "applied", "duplicates")
                return 200, orjson.dumps({name: getattr(self.book, name) for name in names} | {"distinct": len(self.book.records)})
            case "/arrivals":
                return 200, orjson.dumps(self.book.arrivals)
            case "/held":
                return 200, orjson.dumps({key: held.said for key, held in self.book.records.items()})
        return 404, b"{}"

    def _upload(self, path: str, message: Any) -> tuple[int, bytes] | None:
        script, book = self.book.script, self.book
        book.requests += 1
        if script.busy_every and book.requests % script.busy_every == 0:
            return 503, b"busy"
        records = message if path == "/rows" else message["input"]["data"]
        if script.poison and any(_key(record) == script.poison for record in records):
            refusal = envelope.refusal("0" * 30, _now(), "报文中有记录不合要求")
            return 422, refusal
        for record in records:
            book.apply(_key(record), _held(record))
        if script.silent_every and book.requests % script.silent_every == 0:
            return None
        return 200, b"{}" if path == "/rows" else _results(message, records)

    def _query(self, message: Any) -> bytes:
        record = message["input"]["data"]
        found = [self._holding(each["key"], int(each.get("version", 0))) for each in record.get("asked", ())]
        return envelope.answer(message["msgid"], _now(), holdings.write_answer(holdings.Answer(tuple(found))))

    def _holding(self, key: str, version: int) -> Holding:
        held = self.book.records.get(key)
        if held is None:
            return Holding(key, asked_version=version)
        fate = Fate.ACCEPTED if held.version >= version else Fate.NEVER
        digest = held.digest if held.version == version else ""
        flag = "0" if held.said == GONE else "1"
        return Holding(key, held.version, held.digest, flag, "", encode_datetime(_now()), version, fate, digest)


def _key(record: Any) -> str:
    """A record is called by the edition's key, a mapped row by its field, a raw row by its column."""
    return str(record.get("key") or record.get("sess_id") or record["session_no"])


def _held(record: Any) -> Held:
    said = GONE if record.get("vali_flag") == "0" else str(record.get("duration_min", record.get("minutes")))
    return Held(int(record.get("version", 1)), record.get("content_hash", ""), said)


def _results(message: Any, records: list[Any]) -> bytes:
    stamp = encode_datetime(_now())
    results = [Result(each["key"], int(each["version"]), Status.ACCEPTED, accepted_at=stamp) for each in records]
    return envelope.reply(message["msgid"], _now(), results)


def _now() -> datetime:
    return datetime.now(SHANGHAI)


class Connection(asyncio.Protocol):
    """As little HTTP as the contestants' clients speak: content-length, keep-alive."""

    def __init__(self, platform: Platform) -> None:
        self._platform, self._buffer = platform, bytearray()
        self._transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """See asyncio."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = bytes(self._buffer[:end]).decode("latin-1").split("\r\n")
            names = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
            size = end + 4 + int(names.get("content-length", 0))
            if len(self._buffer) < size:
                if names.get("expect") == "100-continue":
                    self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                return
            body = bytes(self._buffer[end + 4 : size])
            del self._buffer[:size]
            self._reply(self._platform.answer(head[0].split(" ")[1], body))

    def _reply(self, answer: tuple[int, bytes] | None) -> None:
        if answer is None:
            self._transport.abort()
            return
        status, body = answer
        head = f"HTTP/1.1 {status} {_SENTENCES[status]}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        latency = self._platform.book.script.latency
        if latency:
            asyncio.get_running_loop().call_later(latency, self._transport.write, head.encode() + body)
        else:
            self._transport.write(head.encode() + body)


async def serve() -> None:
    """Listen on a free port of loopback until the standard input ends: with the benchmark, the receiver ends."""
    platform, loop = Platform(), asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(platform), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201  what the benchmark waits for
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve())
