"""How far back the window must reach: as far as rows have been seen to come late (DESIGN.md §4).

Late by how much: first seen minus the row's own change time, counted in steps, so that two weeks of it fit in a few rows.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

#: upper ends of the steps
STEPS = (
    *(timedelta(minutes=each) for each in (1, 5, 15, 60, 180, 720)),
    *(timedelta(days=each) for each in (1, 2, 3, 4, 5, 7, 10, 14, 21, 31, 45, 62, 92, 183, 366)),
)
OBSERVED = 14  #: days
_RECENT = 2
_PER_MILLE = 999
#: a tail of fewer rows says nothing yet
_FEW = 50

Counts = Mapping[int, int]  #: step -> rows


@dataclass(frozen=True, slots=True)
class Bounds:
    """Between which the look-back may move, whatever was observed."""

    floor: timedelta = timedelta(days=3)
    cap: timedelta = timedelta(days=31)


def step(late: timedelta) -> int:
    """The step that a row belongs to; the last one is open."""
    return min(bisect_left(STEPS, late), len(STEPS) - 1)


def tail(counts: Counts) -> timedelta | None:
    """The delay that 999 of 1000 rows keep; None if none was seen."""
    total = sum(counts.values())
    passed = 0
    for each in sorted(counts):
        passed += counts[each]
        if passed * 1000 >= total * _PER_MILLE:
            return STEPS[each]
    return None


def look_back(by_day: Mapping[date, Counts], bounds: Bounds) -> timedelta:
    """How far the window reaches back today."""
    return min(max(tail(_sum(by_day, by_day)) or bounds.floor, bounds.floor), bounds.cap)


def alarm(by_day: Mapping[date, Counts], today: date, bounds: Bounds) -> str:
    """A Chinese sentence if rows come later than the window reaches, or later and later; "" if all is well."""
    recent = {day for day in by_day if (today - day).days < _RECENT}
    late, before = tail(_sum(by_day, recent)), tail(_sum(by_day, by_day.keys() - recent))
    overall = tail(_sum(by_day, by_day))
    if overall and overall > bounds.cap:
        return f"本地数据迟到 {_words(overall)}，超过回看上限 {_words(bounds.cap)}；更早的改动只能由夜间核对发现"
    seen = sum(sum(by_day[day].values()) for day in recent)
    if late and before and seen >= _FEW and late > max(before, bounds.floor):
        return f"本地数据迟到的时间变长：近 {_RECENT} 天为 {_words(late)}，此前为 {_words(before)}，请查 HIS 的补录或同步"
    return ""


def _sum(by_day: Mapping[date, Counts], days: Container[date]) -> Counter[int]:
    total: Counter[int] = Counter()
    for day, counts in by_day.items():
        if day in days:
            total.update(counts)
    return total


def _words(span: timedelta) -> str:
    if span >= timedelta(days=1):
        return f"{span.days} 天"
    hours = span // timedelta(hours=1)
    return f"{hours} 小时" if hours else f"{span // timedelta(minutes=1)} 分钟"
