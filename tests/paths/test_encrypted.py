"""The bureau behind TLS with a certificate of its own authority: trusted by `ca_file`, and what is told when it is not."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from support import sites
from support.deployment import TARGET, Deployment, deployed
from support.tls import Authority, front

from gateway.outbox import State

INSTITUTION = "H99000100001"
ROWS = 12


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Deployment]:
    """A dozen lines to report."""
    source = sites.Source(f"sqlite:///{tmp_path / 'site.db'}", seed=1)
    source.insert(ROWS)
    entry = {"profile": str(sites.profile(tmp_path / "profile")), "url": source.url}
    with deployed(tmp_path / "site", INSTITUTION, entry, {}) as deployment:
        deployment.env["COLUMNS"] = "400"
        yield deployment


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path, "bureau-ca")


def point(site: Deployment, **changes: Any) -> None:
    """The operator changes the target's entry."""
    settings = yaml.safe_load(site.config.read_text(encoding="utf-8"))
    settings["targets"][TARGET].update(changes)
    site.config.write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")


def test_records_arrive_over_tls_where_the_bureaus_authority_is_named(site: Deployment, authority: Authority) -> None:
    with front(authority.issue(), site.bureau.host, site.bureau.port) as port:
        point(site, url=f"https://127.0.0.1:{port}/api/upload", ca_file=str(authority.file))
        site.send()
    assert len(site.held("RX01")) == ROWS


def refused(site: Deployment) -> str:
    """A run that sent nothing and says why, in one sentence."""
    result = site.run("run", "--once")
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert site.held("RX01") == {}
    assert site.account("RX01").unsettled == ROWS
    (told,) = set(re.findall(r"条：上次：(平台.*?)；", result.output, re.MULTILINE))
    assert "结果不明" not in result.output
    return str(told)


@pytest.mark.parametrize("wrong", [True, False], ids=["another authority", "the system's authorities"])
def test_a_certificate_that_nobody_trusted_signed_is_told_and_names_the_key_to_look_at(
    site: Deployment, authority: Authority, tmp_path: Path, wrong: bool
) -> None:
    with front(authority.issue(), site.bureau.host, site.bureau.port) as port:
        trusted = {"ca_file": str(Authority(tmp_path, "another-ca").file)} if wrong else {}
        point(site, url=f"https://127.0.0.1:{port}/api/upload", **trusted)
        told = refused(site)
    assert told == "平台 bureau 连接不上（证书不是所信任的机构签发的：请核对 ca_file（不写则用系统自带的））"


def test_a_certificate_that_has_run_out_is_told_as_that(site: Deployment, authority: Authority) -> None:
    with front(authority.issue(life=-timedelta(days=1)), site.bureau.host, site.bureau.port) as port:
        point(site, url=f"https://127.0.0.1:{port}/api/upload", ca_file=str(authority.file))
        assert "证书不在有效期内：请核对本机日期" in refused(site)


def test_a_certificate_for_another_address_is_told_as_that(site: Deployment, authority: Authority) -> None:
    with front(authority.issue("127.0.0.2"), site.bureau.host, site.bureau.port) as port:
        point(site, url=f"https://127.0.0.1:{port}/api/upload", ca_file=str(authority.file))
        assert "证书不是签发给这个地址的：请核对 url" in refused(site)


def test_https_to_a_service_that_waits_for_plain_http_is_told_as_that(site: Deployment) -> None:
    """Its silence is no unknown outcome: no byte of a record has left."""
    point(site, url=f"https://{site.bureau.host}:{site.bureau.port}/api/upload", connect_timeout=1)
    assert "对方没有应答加密连接：请核对 url 和端口" in refused(site)


def test_https_to_a_service_that_answers_in_plain_http_is_told_as_that(site: Deployment) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as plain:
        thread = threading.Thread(target=plain.serve_forever, daemon=True)
        thread.start()
        point(site, url=f"https://127.0.0.1:{plain.server_port}/api/upload")
        told = refused(site)
        plain.shutdown()
        thread.join()
    assert "对方不是 https 服务，或两边没有共同的加密版本" in told


@contextmanager
def cutting(certificate: Path | None, last_words: bytes) -> Iterator[int]:
    """A server that takes one request, over TLS if it has a certificate, and ends each connection by these bytes in plain."""

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with suppress(OSError), connection:
                    if certificate is None:
                        continue
                    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                    context.load_cert_chain(certificate)
                    secure = context.wrap_socket(connection, server_side=True)
                    secure.settimeout(0.5)
                    with suppress(TimeoutError):  # what is left unread would be answered by a reset
                        while secure.recv(65536):
                            pass
                    with socket.socket(fileno=secure.detach()) as plain:
                        plain.sendall(last_words)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield int(listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_an_encrypted_connection_that_breaks_after_the_request_is_an_unknown_outcome(
    site: Deployment, authority: Authority
) -> None:
    """Plain HTTP in mid-connection has the same name in OpenSSL as plain HTTP instead of a handshake."""
    with cutting(authority.issue(), b"HTTP/1.1 502 Bad Gateway\r\n\r\n") as port:
        point(site, url=f"https://127.0.0.1:{port}/api/upload", ca_file=str(authority.file))
        result = site.run("run", "--once")
    assert "平台 bureau 的加密连接中途出错，不知是否收到" in result.output
    assert site.account("RX01").states == {State.UNKNOWN: ROWS}


def test_a_connection_that_is_cut_while_the_two_get_acquainted_has_delivered_nothing(site: Deployment) -> None:
    with cutting(None, b"") as port:
        point(site, url=f"https://127.0.0.1:{port}/api/upload")
        assert "建立加密连接时被对方断开" in refused(site)
