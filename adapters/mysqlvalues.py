"""What PyMySQL makes of days and clocks, found instead of reckoned: a bulk load gives the same few again and again.

The values are PyMySQL's own, so nothing else changes. Other drivers of MySQL do this in C, and are left as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any

DRIVERS = frozenset({"mysql+pymysql", "mariadb+pymysql"})
#: most days, and most clocks, remembered
_MOST = 20_000


def converters() -> dict[Any, Callable[[Any], Any]]:
    """For PyMySQL's `conv`."""
    from pymysql import converters
    from pymysql.constants import FIELD_TYPE

    reckoned = converters.convert_datetime

    def moment(text: str) -> Any:
        try:
            return datetime.fromisoformat(text)
        except ValueError:  # 0000-00-00 00:00:00, which stays a text
            return reckoned(text)

    day, clock = (lru_cache(_MOST)(each) for each in (converters.convert_date, converters.convert_timedelta))
    moments = {FIELD_TYPE.DATETIME: moment, FIELD_TYPE.TIMESTAMP: moment}
    return {**converters.conversions, **moments, FIELD_TYPE.DATE: day, FIELD_TYPE.TIME: clock}
