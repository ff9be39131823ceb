"""A reply that drips, or never ends, keeps nobody: whatever it is, there is a word on it within the read timeout."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from support.delivery import INSTITUTION, Clock

from gateway.bureau.client import Account, BureauClient, Endpoint
from gateway.errors import OutcomeUnknownError
from gateway.web import patience
from schemas.envelope import Result, Sender, Status, reply
from schemas.model import Edition
from schemas.signature import Credential

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"
BODIES = [b'{"key":"RX1|1","version":"1"}']
READ_TIMEOUT = 1


@contextmanager
def platform(act: Callable[[socket.socket], None]) -> Iterator[int]:
    """A port where every connection's request is answered so, until the other side has gone."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                act(connection)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()
        thread.join()


def deliver(edition: Edition, act: Callable[[socket.socket], None]) -> list[Result]:
    with platform(act) as port:
        endpoint = Endpoint("bureau", f"http://127.0.0.1:{port}/api/upload", 1, READ_TIMEOUT)
        account = Account(Sender(INSTITUTION, "云溪区人民医院", "990001", "99"), Credential("paas-1", "not-a-real-token"))
        client = BureauClient(endpoint, {INSTITUTION: account}, edition, Clock())
        try:
            return list(client.deliver(INSTITUTION, "RX01", "M1", BODIES))
        finally:
            client.close()


def dripping(start: bytes, drop: bytes) -> Callable[[socket.socket], None]:
    def act(connection: socket.socket) -> None:
        connection.sendall(start)
        end = time.monotonic() + 10 * READ_TIMEOUT
        while time.monotonic() < end:
            connection.sendall(drop)
            time.sleep(READ_TIMEOUT / 5)

    return act


@pytest.mark.parametrize(
    ("start", "drop"),
    [
        pytest.param(HEAD + b"\r\n", b" ", id="body"),
        pytest.param(CHUNKED, b"1\r\n \r\n", id="chunks"),
        pytest.param(HEAD + b"content-length: 1000\r\n\r\n", b" ", id="body of a length"),
        pytest.param(HEAD, b"x-more: 1\r\n", id="head"),
    ],
)
def test_what_drips_is_given_up_at_the_read_timeout(edition: Edition, start: bytes, drop: bytes) -> None:
    began = time.monotonic()
    with pytest.raises(OutcomeUnknownError, match=f"在 {READ_TIMEOUT} 秒内没有.*不知是否收到"):
        deliver(edition, dripping(start, drop))
    assert time.monotonic() - began < 5 * READ_TIMEOUT


def test_what_never_ends_is_given_up_at_a_size(edition: Edition, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "LONGEST", 1 << 20)

    def endless(connection: socket.socket) -> None:
        connection.sendall(HEAD + b"\r\n")
        for _ in range(64):
            connection.sendall(b" " * (1 << 20))

    with pytest.raises(OutcomeUnknownError, match=r"的应答超过 .* MiB，没有读完，不知是否收到"):
        deliver(edition, endless)


def test_what_comes_in_pieces_and_in_time_is_read_whole(edition: Edition) -> None:
    result = Result("RX1|1", 1, Status.ACCEPTED, accepted_at="2026-11-25 08:00:00")
    body = reply("R1", Clock()(), [result])

    def pieces(connection: socket.socket) -> None:
        connection.sendall(HEAD + f"content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode())
        for byte in body:
            connection.sendall(bytes([byte]))

    assert deliver(edition, pieces) == [result]
