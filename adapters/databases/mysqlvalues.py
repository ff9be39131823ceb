"""Days and clocks as PyMySQL makes them, by shorter ways: a bulk load gives millions of them. The values are PyMySQL's own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

#: most days remembered
_MOST = 20_000
_CLOCK = len("23:59:59")


def converters() -> dict[Any, Callable[[Any], Any]]:
    """For PyMySQL's `conv`: its own, with the shorter ways in their place."""
    from pymysql import converters
    from pymysql.constants import FIELD_TYPE

    moments = dict.fromkeys((FIELD_TYPE.DATETIME, FIELD_TYPE.TIMESTAMP), _moment)
    return {**converters.conversions, **moments, FIELD_TYPE.DATE: _day, FIELD_TYPE.TIME: _clock}


def _moment(text: str) -> Any:
    try:
        return datetime.fromisoformat(text)
    except ValueError:  # 0000-00-00 00:00:00, which stays a text
        from pymysql.converters import convert_datetime

        return convert_datetime(text)


@lru_cache(_MOST)
def _day(text: str) -> Any:
    from pymysql.converters import convert_date

    return convert_date(text)


def _clock(text: str) -> Any:
    if len(text) == _CLOCK and text[:2].isdecimal():  # neither a sign, nor fractions, nor a hundred hours
        return timedelta(0, int(text[:2]) * 3600 + int(text[3:5]) * 60 + int(text[6:]))
    from pymysql.converters import convert_timedelta

    return convert_timedelta(text)
