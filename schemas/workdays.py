"""China's rest days: weekends and public holidays, less the weekend days worked in exchange. Kept by `chinesecalendar`.

The State Council fixes a year's days in the November before it, so no library can know them further ahead. Of a year it does
not know only the weekends are rest days; who counts by it is told: `unknown`.
"""

from __future__ import annotations

from datetime import date
from functools import cache

import chinese_calendar  # type: ignore[import-untyped]
from chinese_calendar.constants import holidays  # type: ignore[import-untyped]

_SATURDAY = 5
_FIRST, _LAST = min(holidays).year, max(holidays).year


@cache
def is_rest_day(day: date) -> bool:
    """Whether the country rests that day."""
    return bool(chinese_calendar.is_holiday(day) if is_known(day.year) else day.weekday() >= _SATURDAY)


def is_known(year: int) -> bool:
    """Whether that year's holidays and exchanged days are known."""
    return bool(_FIRST <= year <= _LAST)


def unknown(year: int) -> str:
    """What a person has to be told of a year that is not known."""
    return (
        f"本程序还不知道 {year} 年的放假和调休安排（只到 {_LAST} 年），以工作日计的时限在那一年暂按周末推算，节假日前后可能差几天；"
        f"国务院公布后请升级 Python 包 chinesecalendar"
    )
