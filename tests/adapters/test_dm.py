"""DM8: its driver and its vendor's dialect, as far as they go without a server, which was not at hand.

The dialect cannot be loaded beside SQLAlchemy 2.1; `make test-dm` runs what needs it beside 2.0.
"""

from __future__ import annotations

import importlib.util
from datetime import datetime

import pytest
import sqlalchemy
from sqlalchemy import URL, bindparam, text
from sqlalchemy.exc import DBAPIError

from adapters.databases import probing, sqlerrors
from adapters.databases.connection import SiteDatabase
from adapters.databases.sql import KeyKind
from adapters.proposing.idioms import Idioms
from gateway.errors import ConfigError, SourceError
from schemas.wire import SHANGHAI

dmPython = pytest.importorskip("dmPython", reason="the vendor publishes no driver for this system")  # noqa: N816  its name
PLACE = URL.create("dm", "reader", "not-a-real-password", "127.0.0.1", 1)
AT_TWENTY = sqlalchemy.__version__.startswith("2.0.") and importlib.util.find_spec("dmSQLAlchemy") is not None
needs_dialect = pytest.mark.skipif(not AT_TWENTY, reason="DM's dialect wants SQLAlchemy 2.0: make test-dm")


def refused() -> DBAPIError:
    """What the driver raises where nobody listens."""
    with pytest.raises(dmPython.DatabaseError) as failure:
        dmPython.connect(user="reader", password="not-a-real-password", server="127.0.0.1", port=1, login_timeout=2)
    return DBAPIError("SELECT 1", {}, failure.value)


def test_what_the_driver_raises_is_classed_by_its_code() -> None:
    assert sqlerrors.cause(refused()) is sqlerrors.UNREACHABLE


class ServerError(Exception):
    """As the driver raises what a server said: one argument with a number and a sentence."""

    __module__ = "dmPython"

    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(type("DmError", (), {"code": code, "__str__": lambda _: f"[CODE:{code}]{sentence}"})())


@pytest.mark.parametrize(
    ("code", "sentence", "told"),
    [
        (-2501, "用户名或密码错误", "用户名或密码不对，或这个用户不许从本机登录（用户 reader，密码没有写）"),
        (-5504, "没有[visit]对象的查询权限", "这个数据库用户没有读取权限，请医院授予只读权限"),
        (-2106, "第1 行附近出现错误:\n无效的表或视图名[VISIT]", "查询用到的表不存在：VISIT"),
        (-2106, "Invalid table or view name [VISIT]", "查询用到的表不存在：VISIT"),
        (-2111, "第1 行附近出现错误:\n无效的列名[YB]", "查询用到的列不存在：YB"),
        (-2007, "第1 行, 第 20 列[FROM]附近出现错误:\n语法分析出错", "SQL 语法有误"),
        (-6506, "只读事务", "查询试图写入，已被只读连接拒绝"),
        (-6407, "锁超时", "数据库正忙（被锁定），稍后再读"),
        (-608, "session request timeout", "查询超过时限被中止"),
        (-70019, "网络通讯失败", "读取途中与数据库的连接断开"),
        (-112, "Expired licence", "数据库的授权无效或已过期，请医院的数据库管理员处理"),
        (-6118, "非法的时间日期类型数据 2026-13-01", "数据库拒绝执行这个查询，或读不出它的结果"),
    ],
)
def test_what_a_server_says_is_classed_by_its_code_and_never_repeated(code: int, sentence: str, told: str) -> None:
    assert sqlerrors.told(DBAPIError("SELECT 1", {}, ServerError(code, sentence)), PLACE) == told


@pytest.mark.skipif(AT_TWENTY, reason="make test-dm has the dialect; make test shows what is told without it")
def test_without_the_dialect_it_is_told_what_to_install() -> None:
    with pytest.raises(ConfigError, match=r"dm\+dmPython.*liangding-gateway\[gateway,dm\]"):
        SiteDatabase(PLACE, 5)


@needs_dialect
def test_an_address_is_opened_by_driver_and_dialect_with_the_limits_that_they_know() -> None:
    """A parameter that the driver does not know would be refused before it tries to connect."""
    with pytest.raises(SourceError, match=r"连接不上数据库 127\.0\.0\.1"):
        probing.probe(SiteDatabase(PLACE, 5), datetime.now(SHANGHAI))


@needs_dialect
def test_what_the_gateway_asks_compiles_in_its_dialect() -> None:
    dialect = SiteDatabase(PLACE, 5).dialect_of_sql
    page = text('SELECT id AS "row_ref" FROM visit WHERE id > :after_key ORDER BY id FETCH FIRST :limit ROWS ONLY')
    assert set(page.compile(dialect=dialect).params) == {"after_key", "limit"}
    keys = text("SELECT id FROM visit WHERE id IN :keys").bindparams(bindparam("keys", ["1", "2"], expanding=True))
    assert "IN (" in str(keys.compile(dialect=dialect, compile_kwargs={"render_postcompile": True}))


@needs_dialect
def test_a_draft_writes_what_the_manual_shows_for_it() -> None:
    idioms = Idioms(SiteDatabase(PLACE, 5).dialect_of_sql)
    assert idioms.family == ("dm",)
    assert idioms.page == "FETCH FIRST :limit ROWS ONLY"
    assert idioms.after("id", KeyKind.INTEGER) == "id > :after_key"
    assert idioms.quoted("ORDER") == '"ORDER"'
