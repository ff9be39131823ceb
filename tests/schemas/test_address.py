"""What may not stand in an address, and what cannot be posted to."""

from __future__ import annotations

import pytest
from sqlalchemy import make_url

from schemas import address


@pytest.mark.parametrize(
    "text",
    [
        *("postgresql://user:pw@db/x", "postgresql+psycopg://user:p/w?#@db:5432/x", "mysql+pymysql://u:@db/x", "oracle://:pw@db"),
        *("mysql+pymysql://u@db/x?password=pw", "mysql+pymysql://u@db/x?passwd=pw", "postgresql://db/x?user=u&PassWord=pw"),
        *("mssql+pyodbc:///?odbc_connect=DRIVER%3D%7BODBC%7D%3BUID%3Du%3BPWD%3Dpw", "https://h/x?access_token=pw"),
        "postgresql://db/x?sslpassword=pw",
    ],
)
def test_a_password_anywhere_in_an_address_is_found(text: str) -> None:
    assert address.holds_secret(text)


@pytest.mark.parametrize(
    "text",
    [
        *("sqlite:///data/gateway.db", "sqlite:///C:/库@甲/x.db", "sqlite:////var/a:b@c.db", "postgresql+psycopg://user@db:5432/x"),
        *("mysql+pymysql://db:3306/x?charset=utf8mb4", "postgresql://u@db/x?passfile=/etc/pgpass", "https://h:8600/api/upload"),
    ],
)
def test_an_address_without_a_password_is_none(text: str) -> None:
    assert not address.holds_secret(text)
    if "https" not in text:
        assert make_url(text).password is None


@pytest.mark.parametrize(
    ("text", "memory"),
    [
        *[(text, True) for text in ("sqlite://", "sqlite:///", "sqlite:///:memory:", "sqlite+pysqlite://", "SQLITE://")],
        *[(text, True) for text in ("sqlite:///file::memory:?uri=true", "sqlite:///file:x?mode=memory&uri=true")],
        *[(text, False) for text in ("sqlite:///a.db", "sqlite:////abs/a.db", "postgresql://db/x")],
    ],
)
def test_a_store_that_ends_with_the_program_is_found(text: str, memory: bool) -> None:
    assert address.in_memory(text) is memory


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("https://10.0.0.1:8600/api/upload", ""),
        ("http://localhost/api/upload", ""),
        ("https://[::1]:8600/x", ""),
        ("10.0.0.1:8600/api", "应以 https:// 或 http:// 开头"),
        ("ftp://h/x", "应以 https:// 或 http:// 开头"),
        ("https:///api/upload", "没有主机名"),
        ("https://", "没有主机名"),
        ("https://a..b/x", "没有主机名，或主机名写得不对"),
        ("https://h:0/x", "端口应为 1 至 65535"),
        ("https://h:65536/x", "端口应为 1 至 65535"),
        ("https://h:86oo/x", "端口应为 1 至 65535"),
        ("https://[::1/x", "地址写得不对"),
        ("https://平台/x", "中文"),
        ("https://h：8600/x", "全角"),
        ("https://h/a b", "空格"),
        ("https://u@h/x", "不能写用户名和密码"),
        ("https://h/x?token=t", "不能写用户名和密码"),
    ],
)
def test_an_address_nothing_can_be_posted_to_is_told(text: str, told: str) -> None:
    fault = address.web_fault(text)
    assert told in fault
    assert bool(fault) is bool(told)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("http://127.0.0.1:8600/x", False),
        ("http://127.9.9.9/x", False),
        ("http://[::1]/x", False),
        ("http://localhost:8600/x", False),
        ("https://10.0.0.1/x", False),
        ("http://10.0.0.1/x", True),
        ("http://localhost.example/x", True),
    ],
)
def test_only_this_machine_is_talked_to_without_encryption(text: str, plain: bool) -> None:
    assert address.in_plain_sight(text) is plain
