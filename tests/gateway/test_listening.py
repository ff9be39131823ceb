"""The web server of both deployables ends in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
import requests

from jobs.listening import Server


def hello(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", [("content-type", "text/plain"), ("content-length", "2")])
    return [b"ok"]


def test_a_server_whose_thread_ends_before_it_is_woken_is_closed_all_the_same() -> None:
    """The thread looks once a second by itself; woken after its end, it must not write to a descriptor that is closed."""
    with Server(hello, "127.0.0.1", 0, body_limit=1000) as server:
        assert requests.get(server.url, timeout=5).text == "ok"
        waking = server._server.pull_trigger

        def late() -> None:
            server._thread.join(5)
            waking()

        server._server.pull_trigger = late
    with pytest.raises(requests.ConnectionError):
        requests.get(server.url, timeout=1)


def caller(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", [("content-type", "text/plain")])
    return [f"{environ['REMOTE_ADDR']} {environ['wsgi.url_scheme']}".encode()]


_DIRECT = "127.0.0.1 http"


@pytest.mark.parametrize(("proxy", "told"), [("", _DIRECT), ("10.0.0.9", _DIRECT), ("127.0.0.1", "10.1.2.3 https")])
def test_only_the_proxy_of_the_site_may_say_who_called_and_how(proxy: str, told: str) -> None:
    forwarded = {"X-Forwarded-For": "10.9.9.9, 10.1.2.3", "X-Forwarded-Proto": "https"}
    with Server(caller, "127.0.0.1", 0, body_limit=1000, proxy=proxy) as server:
        assert requests.get(server.url, headers=forwarded, timeout=5).text == told
