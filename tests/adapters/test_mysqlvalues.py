"""Remembered or not, and whatever the driver, a value of MySQL is what PyMySQL makes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pymysql import converters
from pymysql.constants import FIELD_TYPE
from sqlalchemy import URL, NullPool, create_engine, make_url, text
from support.databases import database

from adapters import mysqlvalues
from adapters.connection import SiteDatabase
from gateway.errors import ConfigError

_TABLE = """
CREATE TABLE kinds (
    id BIGINT PRIMARY KEY, n DECIMAL(8,2), f DOUBLE, t TINYINT(1), b BIT(1), y YEAR, c CHAR(4), v VARCHAR(20), x TEXT,
    raw VARBINARY(8), d DATE, m DATETIME(3), s TIMESTAMP NULL, k TIME(2), j JSON, e ENUM('是', '否')
) DEFAULT CHARSET=utf8mb4
"""
_ROWS = """
INSERT INTO kinds VALUES
    (1, 61.50, 0.1, 1, b'1', 2026, '甲', 'O''Neil', '长文', X'00FF', '2026-11-25', '2026-11-25 08:00:01.5', '2026-11-25 08:00:01',
     '23:59:59.25', '{"a": 1}', '是'),
    (2, -0.10, -1e300, 0, b'0', 0, '', ' 乙 ', '', X'', '0000-00-00', '0000-00-00 00:00:00', NULL, '-01:00:00', '[]', '否'),
    (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, '838:59:59', NULL, NULL)
"""


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
    found = mysqlvalues.converters("mysql+pymysql")
    assert found is not None
    made, reckoned = found[kind], converters.conversions[kind]
    for _ in range(2):  # the second time from memory
        assert made(given) == reckoned(given)
        assert type(made(given)) is type(reckoned(given))


def test_every_kind_of_column_reads_alike_by_mysqlclient(tmp_path: Path) -> None:
    pytest.importorskip("MySQLdb", reason="mysqlclient 没有安装（可选），不能比较两种驱动")
    with database("mariadb", tmp_path) as url:
        site = make_url(url)
        with create_engine(site, poolclass=NullPool).begin() as connection:  # the site's own program
            for statement in ("SET sql_mode = ''", _TABLE, _ROWS):
                connection.execute(text(statement))
        one, other = (read(site.set(drivername=f"mysql+{driver}")) for driver in ("pymysql", "mysqldb"))
    assert one == other
    assert [list(map(type, row)) for row in one] == [list(map(type, row)) for row in other]


def read(url: URL) -> list[tuple[Any, ...]]:
    """The rows as a source is given them."""
    site = SiteDatabase(url, 30)
    with site.connect() as connection, site.reading(connection):
        return [tuple(row) for row in connection.execute(text("SELECT * FROM kinds ORDER BY id"))]


def test_gbk_in_latin1_is_read_by_pymysql_only() -> None:
    with pytest.raises(ConfigError, match="PyMySQL"):
        SiteDatabase(make_url("mysql+mysqldb://127.0.0.1/his"), 30, encoding="gbk")
