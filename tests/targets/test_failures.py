"""What the operator is told when a real server cannot be read: one sentence each, never the password."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import URL, NullPool, create_engine, text

from gateway.errors import SourceError, SourceQueryError

pytestmark = pytest.mark.targets
PASSWORD = "s3cret-of-the-test"


def told(target: Any, url: URL) -> SourceError:
    dataset = next(iter(target.sources()))
    with pytest.raises(SourceError) as refusal:
        replace(target, url=url).rows(dataset)
    message = str(refusal.value)
    assert message.startswith(f"数据源 样例 的 {dataset}")
    assert PASSWORD not in message
    assert "\n" not in message
    return refusal.value


@pytest.fixture
def reader(jsherp: Any) -> Iterator[URL]:
    """A MariaDB user of the test's own, who may log in but read nothing."""
    name = f"t_{uuid.uuid4().hex[:12]}"
    _administer(jsherp.url, f"CREATE USER '{name}'@'localhost' IDENTIFIED BY '{PASSWORD}'")
    yield jsherp.url.set(username=name, password=PASSWORD)
    _administer(jsherp.url, f"DROP USER '{name}'@'localhost'")


def _administer(url: URL, *statements: str) -> None:
    with create_engine(url, poolclass=NullPool).begin() as connection:
        for statement in statements:
            connection.execute(text(statement))


def test_a_wrong_password_is_told_as_such(jsherp: Any, reader: URL) -> None:
    error = told(jsherp, reader.set(password=f"{PASSWORD}-wrong"))
    assert f"用户名或密码不对，或这个用户不许从本机登录（用户 {reader.username}，" in str(error)
    assert not isinstance(error, SourceQueryError)


def test_a_user_without_rights_is_told_to_ask_for_them(jsherp: Any, reader: URL) -> None:
    assert f"没有读取权限，或库 {reader.database} 不存在" in str(told(jsherp, reader))


def test_a_user_who_may_only_read_is_enough(jsherp: Any, reader: URL) -> None:
    _administer(jsherp.url, f"GRANT SELECT ON `{jsherp.url.database}`.* TO '{reader.username}'@'localhost'")
    assert len(replace(jsherp, url=reader).rows("3505")) == 13


@pytest.mark.parametrize("name", ["openhis", "jsherp"])
def test_a_missing_database_is_named(request: pytest.FixtureRequest, name: str) -> None:
    target = request.getfixturevalue(name)
    assert "数据库 no_such_database 不存在" in str(told(target, target.url.set(database="no_such_database")))


@pytest.mark.parametrize("name", ["openhis", "jsherp"])
def test_an_unknown_host_is_named(request: pytest.FixtureRequest, name: str) -> None:
    target = request.getfixturevalue(name)
    url = target.url.set(host="no-such-host.invalid", query={})
    assert "主机名 no-such-host.invalid 无法解析" in str(told(target, url))


@pytest.mark.parametrize("name", ["openhis", "jsherp"])
def test_a_server_that_does_not_answer_is_told_as_unreachable(request: pytest.FixtureRequest, name: str) -> None:
    target = request.getfixturevalue(name)
    assert "连接不上数据库 127.0.0.1" in str(told(target, target.url.set(host="127.0.0.1", port=1, query={})))


@pytest.mark.parametrize(
    ("name", "old", "new", "sentence"),
    [
        ("openhis", "med_medication m ", "med_medicine m ", "表不存在：med_medicine"),
        ("openhis", "d.yb_no", "d.yb_code", "列不存在：d.yb_code"),
        ("openhis", "ORDER BY", "ODER BY", "SQL 语法有误"),
        ("jsherp", "jsh_material m", "jsh_drug m", "jsh_drug"),
        ("jsherp", "e.bar_code", "e.barcode", "列不存在：e.barcode"),
        ("jsherp", "ORDER BY", "ODER BY", "SQL 语法有误"),
    ],
)
def test_a_query_that_does_not_fit_the_version_names_what_is_missing(
    request: pytest.FixtureRequest, name: str, old: str, new: str, sentence: str
) -> None:
    source = next(iter(request.getfixturevalue(name).sources().values()))
    source.query = replace(source.query, sql=source.query.sql.replace(old, new))
    with pytest.raises(SourceQueryError) as refusal:
        list(source.pages(None, 5))
    assert sentence in str(refusal.value)
    assert source.query.file in str(refusal.value)


@pytest.mark.parametrize(("name", "sleep"), [("openhis", "pg_sleep(5) IS NOT NULL"), ("jsherp", "SLEEP(5) = 0")])
def test_a_query_that_runs_too_long_is_stopped_by_the_server(request: pytest.FixtureRequest, name: str, sleep: str) -> None:
    source = next(iter(request.getfixturevalue(name).sources().values()))
    source.database.timeout = 1
    source.query = replace(source.query, sql=source.query.sql.replace("WHERE", f"WHERE {sleep} AND"))
    with pytest.raises(SourceError, match="查询超过时限被中止"):
        list(source.pages(None, 5))
