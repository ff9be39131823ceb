"""When a platform may be called: between which hours, and how often a minute. Asking it something is a call like any other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Protocol

from schemas.wire import SHANGHAI

_DAY = timedelta(days=1)
_MINUTE = 60


@dataclass(frozen=True, slots=True)
class Hours:
    """From one time of day to another, which may lie on the next day; both in minutes since midnight."""

    opens: int
    closes: int

    def __str__(self) -> str:
        return f"{_written(self.opens)}-{_written(self.closes)}"

    def on(self, midnight: datetime) -> tuple[datetime, datetime]:
        """The stretch that begins on the day of that midnight."""
        closes = self.closes + (24 * _MINUTE if self.closes <= self.opens else 0)
        return midnight + timedelta(minutes=self.opens), midnight + timedelta(minutes=closes)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a target allows."""

    window: tuple[Hours, ...] = ()  #: (): at any time
    rate: int = 0  #: calls a minute; 0: as many as we like

    def __str__(self) -> str:
        hours = f"只在 {'、'.join(map(str, self.window))} 之间调用" if self.window else ""
        rate = f"每分钟最多 {self.rate} 次" if self.rate else ""
        return "，".join(filter(None, (hours, rate)))

    def closed(self, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
        """The stretches of [start, end) in which it may not be called."""
        if not self.window:
            return []
        found, since = [], start
        for opens, closes in sorted(self._stretches(start, end)):
            if opens > since:
                found.append((since, opens))
            since = max(since, closes)
        return [*found, (since, end)] if since < end else found

    def opens_at(self, now: datetime) -> datetime:
        """When it may be called next; now, where it may."""
        shut = self.closed(now, now + 2 * _DAY)
        return shut[0][1] if shut and shut[0][0] == now else now

    def _stretches(self, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
        first = datetime.combine(start.astimezone(SHANGHAI).date(), time(), SHANGHAI) - _DAY
        days = range((end - first) // _DAY + 1)
        every = (hours.on(first + number * _DAY) for number in days for hours in self.window)
        return [(opens, closes) for opens, closes in every if closes > start and opens < end]


def hours(text: str) -> Hours:
    """`08:00-22:00`. ValueError if it is none."""
    opens, mark, closes = text.partition("-")
    found = Hours(_minutes(opens), _minutes(closes))
    if not mark or found.opens == found.closes or found.opens == 24 * _MINUTE:
        raise ValueError(text)
    return found


class PaceStore(Protocol):
    """Counts the calls of all workers together."""

    def calls_left(self, target: str, rate: int, now: datetime) -> bool:
        """Whether another call is allowed in this minute."""

    def take_call(self, target: str, rate: int, now: datetime) -> bool:
        """Count one; False: there is none left, and none was counted."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Lets calls of one target pass, or says why not."""

    target: str
    allowance: Allowance
    store: PaceStore
    clock: Callable[[], datetime]

    def closed(self) -> str:
        """Why nothing may be called now, in Chinese; "" if it may. Nothing is counted."""
        now = self.clock()
        opens = self.allowance.opens_at(now)
        if opens > now:
            return f"平台 {self.target} {self.allowance}，{opens.astimezone(SHANGHAI):%m-%d %H:%M} 再报"
        if self.allowance.rate and not self.store.calls_left(self.target, self.allowance.rate, now):
            return self._full()
        return ""

    @property
    def paced(self) -> bool:
        """Whether calls are counted."""
        return bool(self.allowance.rate)

    def spare(self) -> str:
        """The same for a call that can wait: the last half of a minute's calls is left to records."""
        rate = self.allowance.rate
        if (cause := self.closed()) or not rate or self.store.calls_left(self.target, max(1, rate // 2), self.clock()):
            return cause
        return self._full()

    def admit(self) -> str:
        """As `closed`, and one call is counted if it passes."""
        if cause := self.closed():
            return cause
        rate = self.allowance.rate
        return "" if not rate or self.store.take_call(self.target, rate, self.clock()) else self._full()

    @property
    def counts(self) -> bool:
        """Whether calls are counted: then one is counted for every batch, before it is marked as sending."""
        return bool(self.allowance.rate)

    def _full(self) -> str:
        return f"平台 {self.target} 每分钟最多调用 {self.allowance.rate} 次，这一分钟已用完，下一分钟再报"


class _Always:
    """Of a target that may be called at any time."""

    def closed(self) -> str:
        """Never."""
        return ""

    def admit(self) -> str:
        """Always."""
        return ""

    @property
    def counts(self) -> bool:
        """Nobody asks how often."""
        return False


ALWAYS = _Always()


def _minutes(text: str) -> int:
    found, _, minutes = text.strip().partition(":")
    if not (found.isascii() and found.isdigit() and minutes.isascii() and minutes.isdigit() and len(minutes) == 2):
        raise ValueError(text)
    whole = int(found) * _MINUTE + int(minutes)
    if int(minutes) >= _MINUTE or whole > 24 * _MINUTE:
        raise ValueError(text)
    return whole


def _written(minutes: int) -> str:
    return f"{minutes // _MINUTE:02d}:{minutes % _MINUTE:02d}"
