"""Days and clocks as PyMySQL makes them, by shorter ways: a bulk load gives millions of them.

mysqlclient, which a site may use instead (docs/sources.md), is given the same: by itself it makes NULL of 0000-00-00.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

_PYMYSQL = frozenset({"mysql+pymysql", "mariadb+pymysql"})
_MYSQLCLIENT = frozenset({"mysql+mysqldb", "mariadb+mysqldb"})
#: most days remembered
_MOST = 20_000

_CLOCK = len("23:59:59")

Converters = dict[Any, Any]


def converters(scheme: str) -> Converters | None:
    """What the driver of that scheme is given as `conv`; None for one that is left as it is. ModuleNotFoundError without it."""
    if scheme in _PYMYSQL:
        from pymysql.converters import conversions

        return {**conversions, **_moments()}
    if scheme in _MYSQLCLIENT:
        from MySQLdb.converters import conversions as in_c

        return {**in_c, **_moments()}
    return None


def _moments() -> dict[Any, Callable[[str], Any]]:
    from pymysql import converters
    from pymysql.constants import FIELD_TYPE

    reckoned = converters.convert_datetime

    def moment(text: str) -> Any:
        try:
            return datetime.fromisoformat(text)
        except ValueError:  # 0000-00-00 00:00:00, which stays a text
            return reckoned(text)

    def clock(text: str) -> Any:
        if len(text) == _CLOCK and text[:2].isdecimal():  # 23:59:59; neither a sign, nor fractions, nor a hundred hours
            return timedelta(0, int(text[:2]) * 3600 + int(text[3:5]) * 60 + int(text[6:]))
        return converters.convert_timedelta(text)

    day = lru_cache(_MOST)(converters.convert_date)
    moments = dict.fromkeys((FIELD_TYPE.DATETIME, FIELD_TYPE.TIMESTAMP), moment)
    return {**moments, **dict.fromkeys((FIELD_TYPE.DATE, FIELD_TYPE.NEWDATE), day), FIELD_TYPE.TIME: clock}
