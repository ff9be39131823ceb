"""How gently a source is read: so many rows an hour in each tier, the nightly look off the peak, and a rest when the HIS slows.

The HIS is a hospital's, and its cashiers come before us. Pure but for the counting: clocks and waiting are handed in.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gateway.errors import SparedError, StoppedError
from gateway.model import Cursor, Mark, Page, Reading, SourceRow
from gateway.ports import DroppedSource, SweptSource
from gateway.windows import Allowance, Hours
from schemas.wire import SHANGHAI

HOT, WARM, COLD = "hot", "warm", "cold"
WORDS = {HOT: "热层", WARM: "回看", COLD: "夜间核对"}
#: pages before it is known how long one usually takes
_KNOWN = 5
#: seconds that are never slow
_QUICK = 2.0
#: a rest is so many times what the slow page took, doubled with each slow one after it
_REST = 10
_LONGEST_REST = 600.0
#: by so much each page changes what is usual
_WEIGHT = 0.1


def now() -> datetime:
    """The clock of a real run."""
    return datetime.now(SHANGHAI)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a site allows of one source."""

    hot_rows: int = 0  #: an hour; 0: as many as there are
    warm_rows: int = 0
    cold_rows: int = 0
    off_peak: tuple[Hours, ...] = ()  #: when the nightly look may read; (): whenever it is due
    slower: int = 3  #: a page that takes so many times what it usually takes is slow; 0: none is

    def rows(self, tier: str) -> int:
        """Of that tier, an hour."""
        return {HOT: self.hot_rows, WARM: self.warm_rows, COLD: self.cold_rows}[tier]


@dataclass
class Pace:
    """What a page of one data set usually takes, in seconds."""

    usual: float = 0.0
    pages: int = 0

    def slow(self, seconds: float, slower: int) -> bool:
        """Whether this page was; it counts for what is usual, but a slow one no more than as far as it is told by."""
        found = bool(slower) and self.pages >= _KNOWN and seconds > max(_QUICK, slower * self.usual)
        counted = min(seconds, slower * self.usual) if found else seconds
        self.usual = counted if not self.pages else self.usual + _WEIGHT * (counted - self.usual)
        self.pages += 1
        return found


@dataclass
class Kindness:
    """Of one source; its data sets and tiers share what an hour allows, and rest together."""

    limits: Limits = field(default_factory=Limits)
    clock: Callable[[], datetime] = now
    ticks: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep
    _read: dict[tuple[str, datetime], int] = field(default_factory=dict)
    _paces: dict[tuple[str, str], Pace] = field(default_factory=dict)
    _slow: int = 0  #: pages in a row
    _rest_until: float = float("-inf")
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def closed(self, tier: str) -> str:
        """Why that tier may not read now, in Chinese; "" if it may."""
        with self._lock:
            if (left := self._rest_until - self.ticks()) > 0:
                return f"本地系统变慢，歇 {left:.0f} 秒再读"
            hour = self._hour()
            limit = self.limits.rows(tier)
            if limit and self._read.get((tier, hour), 0) >= limit:
                return f"{WORDS[tier]}这一小时已读满 {limit} 行，{hour + timedelta(hours=1):%H:%M} 接着读"
        return self._off_peak() if tier == COLD else ""

    def taken(self, dataset: str, tier: str, rows: int, seconds: float) -> None:
        """A page came, after so many seconds."""
        with self._lock:
            hour = self._hour()
            self._read = {place: count for place, count in self._read.items() if place[1] == hour}
            self._read[tier, hour] = self._read.get((tier, hour), 0) + rows
            if not self._paces.setdefault((dataset, tier), Pace()).slow(seconds, self.limits.slower):
                self._slow = 0
                return
            self._slow += 1
            self._rest_until = self.ticks() + min(_LONGEST_REST, seconds * _REST * 2 ** (self._slow - 1))

    def of(self, source: SweptSource, tier: str, stop: Callable[[], bool]) -> Considerate:
        """That source, read as kindly as this says."""
        return Considerate(source, self, tier, stop)

    def _hour(self) -> datetime:
        return self.clock().astimezone(SHANGHAI).replace(minute=0, second=0, microsecond=0)

    def _off_peak(self) -> str:
        now = self.clock()
        opens = Allowance(self.limits.off_peak).opens_at(now)
        return f"夜间核对只在闲时做，{opens.astimezone(SHANGHAI):%H:%M} 再读" if opens > now else ""


@dataclass(frozen=True, slots=True)
class Considerate:
    """A source whose pages are counted and timed.

    New rows stop between two pages, where the cursor goes on later; what is read whole each time, as a dropped file is, only begins
    when it may, or it would never come to its end. Sweeps wait between two slices, when no transaction is open at the site.
    """

    source: SweptSource
    kindness: Kindness
    tier: str
    stop: Callable[[], bool]

    @property
    def name(self) -> str:
        """See gateway.ports."""
        return self.source.name

    @property
    def dataset(self) -> str:
        """See gateway.ports."""
        return self.source.dataset

    @property
    def reading(self) -> Reading:
        """See gateway.ports."""
        return self.source.reading

    @property
    def digest(self) -> str:
        """See gateway.ports."""
        return self.source.digest

    @property
    def sweeps(self) -> bool:
        """See gateway.ports."""
        return self.source.sweeps

    def earlier(self, position: Cursor, by: timedelta) -> Cursor:
        """See gateway.ports."""
        return self.source.earlier(position, by)

    def lookup(self, refs: Collection[str]) -> tuple[SourceRow, ...]:
        """See gateway.ports."""
        return self.source.lookup(refs)

    def mark(self) -> Mark:
        """See gateway.ports."""
        return self.source.mark()

    def count(self) -> int | None:
        """See gateway.ports."""
        return self.source.count()

    def filled_by(self, path: str) -> tuple[str, ...]:
        """See gateway.ports."""
        return self.source.filled_by(path)

    def pages(self, after: Cursor | None, size: int) -> Iterator[Page]:
        """See gateway.ports. SparedError when it may not go on now."""
        self._ask()
        goes_on = self.reading is Reading.INCREMENTAL and not isinstance(self.source, DroppedSource)
        for page in self._timed(self.source.pages(after, size)):
            yield page
            if goes_on:
                self._ask()

    def window(self, start: datetime, end: datetime, size: int) -> Iterator[Page]:
        """See gateway.ports. Waits until it may; StoppedError when it is asked to end meanwhile."""
        while self.kindness.closed(self.tier):
            if self.stop():
                raise StoppedError("按要求停止读取：已读的都已存好，其余下次接着读")
            self.kindness.pause(1)
        yield from self._timed(self.source.window(start, end, size))

    def _ask(self) -> None:
        if cause := self.kindness.closed(self.tier):
            raise SparedError(f"来源 {self.name} 的 {self.dataset}：{cause}")

    def _timed(self, pages: Iterator[Page]) -> Iterator[Page]:
        while True:
            began = self.kindness.ticks()
            page = next(pages, None)
            if page is None:
                return
            self.kindness.taken(self.dataset, self.tier, len(page.rows), self.kindness.ticks() - began)
            yield page
