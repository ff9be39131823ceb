"""An address as a person writes it into a configuration: what may not stand in it, and what cannot be reached by it.

Nothing here connects; the sentences never show the address, because a secret may stand in it.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from urllib.parse import parse_qsl, urlsplit

#: as SQLAlchemy reads a user and a password, so that both find the same
_USER_AND_PASSWORD = re.compile(r"[\w+]+://[^:/]*:[^@]*@")
#: a password in the query, also inside ODBC's own line; `passfile` only names a file
_SECRET_NAME = re.compile(r"pass(?!file)|pwd|secret|token", re.IGNORECASE)
_ODBC = re.compile(r"(?:pwd|password)\s*=", re.IGNORECASE)
_HOST = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?")
_SCHEMES = ("https", "http")
LAST_PORT = 65535
#: the driver that reads a product, whether its address names it or not
_DRIVERS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
    "oracle": "oracle+oracledb",
    "mssql": "mssql+pymssql",
    "kingbase": "kingbase+ksycopg2",
    "dm": "dm+dmPython",
}
#: schemes beside these: one whose driver a site built itself, and the full name of SQLite's
_ALSO = ("oracle+cx_oracle", "sqlite+pysqlite")
_PORT_FAULT = f"地址写得不对：端口应为 1 至 {LAST_PORT} 的数字"


def holds_secret(text: str) -> bool:
    """Whether a password stands in the address, before the host or in the query."""
    query = parse_qsl(text.partition("?")[2], keep_blank_values=True)
    return bool(_USER_AND_PASSWORD.match(text)) or any(_SECRET_NAME.search(name) or _ODBC.search(value) for name, value in query)


def driver(scheme: str) -> str:
    """The scheme of an address with its driver: `mysql` is `mysql+pymysql` wherever it is written."""
    return _DRIVERS.get(scheme, scheme)


def driver_fault(scheme: str) -> str:
    """Why nothing is read by this scheme; "" if it is. Another driver has other limits, values and errors than those we know."""
    product = scheme.partition("+")[0]
    if product not in _DRIVERS:
        return f"不认识的数据库 {product}：地址的开头可以写 {'、'.join(sorted(_DRIVERS))}，都用小写"
    if driver(scheme) == _DRIVERS[product] or scheme in _ALSO:
        return ""
    ours = _DRIVERS[product].partition("+")[2] or "sqlite3"
    return f"{product} 只用驱动 {ours} 连接：地址的开头请写 {_DRIVERS[product]}://"


def missing_driver(scheme: str) -> str:
    """What is to be done when the driver of a gateway's database is not installed."""
    if scheme == "oracle+cx_oracle":
        return f"没有安装数据库驱动 cx_Oracle：地址的开头请写 {_DRIVERS['oracle']}://，或自行编译安装它"
    return f"没有安装数据库驱动 {scheme}，请这样安装：{_advice(scheme)}"


def unfit_driver(scheme: str) -> str:
    """What is to be done when it is installed and cannot be loaded beside what else is: DM's dialect wants an older SQLAlchemy."""
    return f"数据库驱动 {scheme} 与已安装的 SQLAlchemy 版本不合，请这样重新安装：{_advice(scheme)}"


def _advice(scheme: str) -> str:
    product = scheme.partition("+")[0]
    extra = {"mariadb": "mysql", "mssql": "sqlserver"}.get(product, product) if product in _DRIVERS and product != "sqlite" else ""
    extras = ",".join(part for part in ("gateway", extra) if part)
    return f"pip install --no-index --find-links wheelhouse 'liangding-gateway[{extras}]'"


def missing_library(what: str, extra: str) -> str:
    """What is to be done when the library that reads a kind of source is not installed; `extra` is the one that brings it."""
    advice = f"pip install --no-index --find-links wheelhouse 'liangding-gateway[gateway,{extra}]'"
    return f"没有安装读 {what} 的程序库，请这样安装：{advice}"


def in_memory(text: str) -> bool:
    """Whether it is a SQLite store that ends with the program: the ledger would be gone, and everything be sent again."""
    scheme, _, rest = text.partition("://")
    path, _, query = rest.partition("?")
    if scheme.partition("+")[0].lower() != "sqlite":
        return False
    return path in ("", "/") or ":memory:" in path or "mode=memory" in query.lower()


def web_fault(text: str) -> str:
    """Why nothing can be posted to the address; "" if something can."""
    if not text.isascii() or not text.isprintable() or " " in text:
        return "含有空格、中文或不可见字符，请改正（全角的冒号、斜杠也算）"
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:  # a port that is no number or above LAST_PORT, a bracket left open
        return _PORT_FAULT
    if parts.scheme not in _SCHEMES:
        return "应以 https:// 或 http:// 开头"
    if not (_HOST.fullmatch(host) or is_ip(host)):
        return "地址里没有主机名，或主机名写得不对，例：https://10.0.0.1:8600/api/upload"
    if port == 0:
        return _PORT_FAULT
    return "地址里不能写用户名和密码" if "@" in parts.netloc or holds_secret(text) else ""


def in_plain_sight(text: str) -> bool:
    """Whether what is posted there can be read on the way: no TLS, and not this machine."""
    parts = urlsplit(text)
    return parts.scheme == "http" and not _is_loopback(parts.hostname or "")


def _is_loopback(host: str) -> bool:
    return ip_address(host).is_loopback if is_ip(host) else host in ("localhost", "localhost.")


def is_ip(host: str) -> bool:
    """Whether it is an address of its own, not a name that must be looked up."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
