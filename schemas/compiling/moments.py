"""Which wire texts are real days and wall clocks, by look-up: a bulk load asks for the same few days again and again."""

from __future__ import annotations

from typing import Any

from schemas import wire
from schemas.errors import WireError
from schemas.model import Confidence, Field, FieldType, Source

#: a statement of our own, which no document makes
NOWHERE = Source("", "", Confidence.OURS)
_DAY = Field("day", "日期", FieldType.DATE, NOWHERE)
#: most days remembered: a century; whoever sends more different ones is answered as right, only slower
_MOST = 40_000

#: days met so far; only `is_day` adds to it
DAYS: set[str] = set()
#: what may stand after the day, up to the minute, and after that
MINUTES = frozenset(f" {hour:02}:{minute:02}" for hour in range(24) for minute in range(60))
SECONDS = frozenset(f":{second:02}" for second in range(60))


def is_day(text: Any) -> bool:
    """Whether the authority reads `text` as a date. Remembered, so that the next time a look-up in DAYS suffices."""
    try:
        wire.decode(_DAY, text)
    except WireError:
        return False
    if len(DAYS) < _MOST:
        DAYS.add(text)
    return True


def is_moment(text: str) -> bool:
    """Whether `text` is a day and a wall clock."""
    return (text[:10] in DAYS or is_day(text[:10])) and text[10:16] in MINUTES and text[16:] in SECONDS
