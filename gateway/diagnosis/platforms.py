"""The platforms: which kind of target it is, whether it can be reached, and its certificate. No request is made, no data sent."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

from cryptography import x509

from gateway.config import Target
from gateway.diagnosis.finding import Finding, bad, good, notice
from gateway.web.trust import distrust
from schemas import address

_SOON = 30  #: days
_PORTS = {"https": 443, "http": 80}


def findings(target: Target) -> Iterator[Finding]:
    """Name, then way, then certificate; what hinders the first says enough."""
    subject = f"目标 {target.name}"
    yield good(subject, f"这是{target.kind.word}平台：{target.url}")
    parts = urlsplit(target.url)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    try:
        found = {each[4][0] for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)}
    except OSError:
        yield bad(subject, f"主机名 {host} 解析不了：请核对 url、本机的 DNS 和 hosts 文件")
        return
    try:
        connection = socket.create_connection((host, port), timeout=target.connect_timeout)
    except OSError:
        yield bad(subject, f"连不上 {host}:{port}（{'、'.join(map(str, sorted(found)))}）：请核对地址、端口、防火墙和专网线路")
        return
    with connection:
        yield good(subject, f"{host}:{port} 连得上")
        if parts.scheme == "https":
            yield _certificate(subject, target, connection, host)
        elif address.in_plain_sight(target.url):
            yield notice(subject, "http:// 不加密，报文在路上能被看到；确属专网直连才这样用")


def _certificate(subject: str, target: Target, connection: socket.socket, host: str) -> Finding:
    """By the same trust as when records are sent."""
    context = ssl.create_default_context(cafile=str(target.ca_file) if target.ca_file else None)
    connection.settimeout(target.connect_timeout)
    try:
        with context.wrap_socket(connection, server_hostname=host) as secured:
            raw = secured.getpeercert(binary_form=True) or b""
            version = secured.version()
    except OSError as error:  # ssl.SSLError is one
        return bad(subject, distrust(error) or "建立加密连接失败：请核对 url 和端口")
    ends = x509.load_der_x509_certificate(raw).not_valid_after_utc
    days = (ends - datetime.now(UTC)).days
    if days < _SOON:
        return notice(subject, f"证书还有 {days} 天到期（{ends:%Y-%m-%d}）：请提醒医保局更换")
    return good(subject, f"证书有效，还有 {days} 天到期；{version}")
