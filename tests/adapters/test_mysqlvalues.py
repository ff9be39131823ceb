"""A value of MySQL is what PyMySQL makes of it, by whichever way; no other driver reads MySQL."""

from __future__ import annotations

import pytest
from pymysql import converters
from pymysql.constants import FIELD_TYPE
from sqlalchemy import make_url

from adapters.databases import mysqlvalues
from adapters.databases.connection import SiteDatabase
from gateway.errors import ConfigError


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (FIELD_TYPE.DATETIME, "2026-11-25 08:00:01"),
        (FIELD_TYPE.DATETIME, "2026-11-25 08:00:01.5"),
        (FIELD_TYPE.DATETIME, "2026-11-25 08:00:01.123"),
        (FIELD_TYPE.TIMESTAMP, "2026-11-25 08:00:01.123456"),
        (FIELD_TYPE.DATETIME, "0000-00-00 00:00:00"),
        (FIELD_TYPE.DATETIME, "2026-02-31 08:00:00"),
        (FIELD_TYPE.DATETIME, "0001-01-01 00:00:00"),
        (FIELD_TYPE.DATE, "2026-11-25"),
        (FIELD_TYPE.DATE, "0000-00-00"),
        (FIELD_TYPE.TIME, "08:00:01"),
        (FIELD_TYPE.TIME, "99:59:59"),
        (FIELD_TYPE.TIME, "-8:00:01"),
        (FIELD_TYPE.TIME, "-838:59:59"),
        (FIELD_TYPE.TIME, "25:06:17.250000"),
    ],
)
def test_values_are_pymysqls_own(kind: int, given: str) -> None:
    made, reckoned = mysqlvalues.converters()[kind], converters.conversions[kind]
    for _ in range(2):  # the second time a day comes from memory
        assert made(given) == reckoned(given)
        assert type(made(given)) is type(reckoned(given))


@pytest.mark.parametrize("scheme", ["mysql+mysqldb", "mariadb+mysqldb", "mysql+mysqlconnector"])
def test_a_driver_that_may_connect_in_clear_or_elsewhere_is_refused(scheme: str) -> None:
    with pytest.raises(ConfigError, match=r"只用驱动 pymysql 连接：地址的开头请写 (mysql|mariadb)\+pymysql://"):
        SiteDatabase(make_url(f"{scheme}://u@localhost:3307/his?ssl_ca=/ca.pem"), 30)
