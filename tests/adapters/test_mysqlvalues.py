"""Remembered or not, a value is what PyMySQL makes of it."""

from __future__ import annotations

import pytest
from pymysql import converters
from pymysql.constants import FIELD_TYPE

from adapters import mysqlvalues


@pytest.mark.parametrize(
    ("kind", "text"),
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
        (FIELD_TYPE.TIME, "-838:59:59"),
        (FIELD_TYPE.TIME, "25:06:17.250000"),
    ],
)
def test_values_are_pymysqls_own(kind: int, text: str) -> None:
    made, reckoned = mysqlvalues.converters()[kind], converters.conversions[kind]
    for _ in range(2):  # the second time from memory
        assert made(text) == reckoned(text)
        assert type(made(text)) is type(reckoned(text))
