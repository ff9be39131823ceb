"""Where things are: files and folders beside the configuration, addresses of databases and of what is called over HTTP."""

from __future__ import annotations

import ssl
from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from schemas import address
from schemas.yamlfile import Section


def path_of(section: Section, key: str) -> Path | None:
    text = section.get(key, str)
    return section.file.parent / text if text else None


def reachable(section: Section, key: str, url: str) -> str:
    """An address that records may be posted to. Over plain HTTP anybody on the way reads them: only where the site says so."""
    if fault := address.web_fault(url):
        raise section.error(fault, key)
    if address.in_plain_sight(url) and not section.get("allow_plain_http", bool, False):
        raise section.error("http:// 不加密，报文在路上能被看到；请改用 https://，确属医保专网直连的写 allow_plain_http: true", key)
    return url


def ca_file(section: Section) -> Path | None:
    path = path_of(section, "ca_file")
    if path is None:
        return None
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except OSError:  # ssl.SSLError is one
        raise section.error(f"证书文件 {path} 读不出来（须为 PEM 格式的证书）", "ca_file") from None
    return path


def address_of(section: Section) -> str:
    """What stands under `url`. One that holds a password must come from elsewhere as a whole."""
    if isinstance(section.data.get("url"), dict):
        return section.secret("url")
    text = section.need("url", str)
    if address.holds_secret(text):
        raise section.error("密码不得写在配置文件里，请把整个地址写成 {file: …} 或 {env: …}，来源也可以另写 password", "url")
    return text


def database_url(section: Section, text: str) -> URL:
    """With its driver. Whether that is installed is seen where it is opened: nothing is loaded here."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # the latter of a port that is no number
        raise section.error("数据库地址写得不对，例：postgresql+psycopg://用户@地址:端口/库名", "url") from None
    if fault := address.driver_fault(url.drivername):
        raise section.error(fault, "url")
    if url.port is not None and not 0 < url.port <= address.LAST_PORT:
        raise section.error(f"端口应为 1 至 {address.LAST_PORT}", "url")
    return url.set(drivername=address.driver(url.drivername))
