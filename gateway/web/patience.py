"""How long and how much of a reply we read: all of it within one deadline, whatever trickles, and not without end.

A timeout of a socket begins anew with every byte, so a platform, or what sits between, that drips would keep its sender for
hours, and its lease would not last.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

#: far above what results of the largest batch take
LONGEST = 16 * 1024 * 1024
_PIECE = 64 * 1024


class Endless(Exception):  # noqa: N818
    """A reply that is longer than any platform's."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a platform answered, read to the end."""

    status_code: int
    headers: Mapping[str, str]  #: whatever their case
    content: bytes


def read(response: requests.Response) -> Reply:
    """All of it. Endless if it is too long, requests' own errors if it is cut or late; the connection is given up then."""
    pieces, size = [], 0
    with response:
        for piece in response.iter_content(_PIECE):
            pieces.append(piece)
            size += len(piece)
            if size > LONGEST:
                raise Endless
    return Reply(response.status_code, response.headers, b"".join(pieces))


class Patient(HTTPAdapter):
    """Reads each reply, head and body, within the read timeout, counted from the end of the request."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """See HTTPAdapter."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}


class _Timed(io.RawIOBase):
    """What comes from a socket, until its timeout has passed once."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock, self._file = sock, sock.makefile("rb", buffering=0)
        timeout = sock.gettimeout()
        self._deadline = None if timeout is None else time.monotonic() + timeout

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._deadline is not None:
            left = self._deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("timed out")
            self._sock.settimeout(left)
        return self._file.readinto(buffer)

    def close(self) -> None:
        self._file.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp.close()
        self.fp = io.BufferedReader(_Timed(sock))


class _Connection(HTTPConnection):
    response_class = _Response


class _SecureConnection(HTTPSConnection):
    response_class = _Response


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection
