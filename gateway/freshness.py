"""Whether what was seen a while ago still holds, also where the clock was set back since: then nothing of the future holds."""

from __future__ import annotations

from datetime import datetime, timedelta


def fresh(at: datetime | None, now: datetime, lasts: timedelta) -> bool:
    """Whether less than `lasts` has passed since. What a wrong clock dated into the future is not waited for."""
    return at is not None and timedelta() <= now - at < lasts


def coming(until: datetime | None, now: datetime, longest: timedelta) -> bool:
    """Whether a wait still goes on. One longer than any wait can be was made by a clock that was ahead: it is over."""
    return until is not None and timedelta() < until - now <= longest
