"""对接 by heartbeats (OP02): who is connected now, and how much of a day was. Pure.

What counts is when a heartbeat was received, by our own clock: what a sender says of its time proves nothing. A received day
never changes once it is over, so its heartbeats may be compacted into one row, to the minute, and any figure of the day is
the same from the row as from the heartbeats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from statistics import median_low

from compliance.thresholds import Thresholds
from schemas.wire import SHANGHAI

DAY = timedelta(days=1)
MINUTES = 24 * 60
_MINUTE = timedelta(minutes=1)
_FARTHEST = (1 << 31) - 1  #: milliseconds


class Link(StrEnum):
    """Whether the bureau hears of an institution."""

    CONNECTED = "在线"
    LATE = "迟到"  #: the last heartbeat is older than it should be
    SILENT = "静默"  #: none for long, and nobody said why
    CLOSED = "休业"  #: silent, and closed that day
    DECLARED = "已申明"  #: silent, and has said that it cannot report
    NEVER = "从未连接"  #: none ever


#: those that somebody has to ask
UNEXPLAINED = (Link.LATE, Link.SILENT, Link.NEVER)


@dataclass(frozen=True, slots=True)
class Beat:
    """One heartbeat as it was received."""

    received_at: datetime
    beat_time: datetime  #: by the sender's clock
    gateway_version: str = ""
    queue_depth: int = 0
    oldest_unsent: datetime | None = None
    disk_free_mb: int = 0


@dataclass(frozen=True, slots=True)
class BeatDay:
    """The heartbeats of one received day."""

    day: date
    beats: int
    minutes: int  #: bit n is set: one came in minute n of the day
    offset_ms: int  #: median of the sender's clock less ours


@dataclass(frozen=True, slots=True)
class Heard:
    """What is known of an institution's heartbeats as of a moment."""

    first: date | None = None  #: day on which the very first one was received; None: there is none
    last_at: datetime | None = None  #: when the last one was received, to the minute
    newest: Beat | None = None  #: what it said; None where it is compacted already
    before: BeatDay | None = None  #: of the day before the one that is asked for
    here: BeatDay | None = None  #: of that day


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a day heartbeats covered."""

    covered: int  #: minutes
    whole: int  #: minutes that there were to cover; 0: none, as of a day before the first heartbeat
    gap: int  #: minutes, longest stretch without

    @property
    def share(self) -> float | None:
        """None where there was nothing to cover."""
        return self.covered / self.whole if self.whole else None


def compacted(day: date, beats: Sequence[Beat]) -> BeatDay:
    """What is kept of the heartbeats received on a day; there is at least one."""
    minutes = 0
    for beat in beats:
        local = beat.received_at.astimezone(SHANGHAI)
        minutes |= 1 << (local.hour * 60 + local.minute)
    return BeatDay(day, len(beats), minutes, median_low(offset_ms(beat) for beat in beats))


def last_minute(day: BeatDay, until: datetime) -> datetime | None:
    """When the last heartbeat of the day came, up to `until`; None if none had."""
    begin = datetime.combine(day.day, time(), SHANGHAI)
    shown = day.minutes & ((1 << max(0, min(MINUTES, (until - begin) // _MINUTE + 1))) - 1)
    return begin + (shown.bit_length() - 1) * _MINUTE if shown else None


def offset_ms(beat: Beat) -> int:
    """By how much the sender's clock is ahead of ours; its way here is in it. The wire says whole seconds.

    Beyond some weeks it is only known to be far off: a database's integer ends there.
    """
    return max(-_FARTHEST, min(_FARTHEST, (beat.beat_time - beat.received_at) // timedelta(milliseconds=1)))


def coverage(day: date, heard: Heard, until: datetime, reach: timedelta) -> Coverage:
    """Of the day up to `until`. A heartbeat covers `reach` from its minute on, over midnight too.

    Of the day of the very first heartbeat only what came after it counts; before it nobody could know of the institution.
    """
    begin = datetime.combine(day, time(), SHANGHAI)
    whole = max(0, min(MINUTES, (until - begin) // _MINUTE))
    if heard.first is None or heard.first > day or not whole:
        return Coverage(0, 0, 0)
    minutes, before = (each.minutes if each else 0 for each in (heard.here, heard.before))
    start = (minutes & -minutes).bit_length() - 1 if heard.first == day and minutes else 0
    return _covered(minutes, _carried(before, reach), range(start, whole), reach // _MINUTE)


def _carried(before: int, reach: timedelta) -> int:
    """Up to which minute of the day the last heartbeat of the day before covers."""
    return max(0, before.bit_length() - 1 + reach // _MINUTE - MINUTES) if before else 0


def _covered(minutes: int, until: int, span: range, reach: int) -> Coverage:
    covered = gap = longest = 0
    for minute in span:
        if minutes >> minute & 1:
            until = minute + reach
        if minute < until:
            covered, gap = covered + 1, 0
        else:
            gap += 1
            longest = max(longest, gap)
    return Coverage(covered, len(span), longest)


def link(
    last: datetime | None, now: datetime, interval: timedelta, limits: Thresholds, *, closed: date | None, declared: bool
) -> Link:
    """The state at `now`, given when the last heartbeat came. A reason counts only where there is something to excuse.

    `closed`: since which day it has been closed. Who was silent for a day already when the closed days began, is silent.
    """
    age = now - last if last else None
    if age is not None and age <= interval * limits.late_after:
        return Link.CONNECTED
    if closed and (last is None or last >= datetime.combine(closed, time(), SHANGHAI) - DAY):
        return Link.CLOSED
    if declared:
        return Link.DECLARED
    if age is None:
        return Link.NEVER
    return Link.LATE if age <= interval * limits.silent_after else Link.SILENT
