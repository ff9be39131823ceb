"""How often each data set is read in `gateway serve`, so that the hospital's server hardly feels it: a tenth of the time at most.

What was changed last says where to go on; a product that keeps no change times is read from the start each time, and that costs
the hospital's server as much as the table is long. A reading of what is new is short, unless much is new or the table has no
index for it: then it rests too, but never for long, because it is what deadlines wait for.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from gateway.config import Schedule
from gateway.model import Reading
from gateway.ports import RecordSource
from jobs.timetable import Job

#: at most one part in so many of the time is spent reading
_SHARE = 10
#: seconds that a reading of what is new rests at most
_LONGEST_REST = 60
#: a shorter rest is nobody's concern
_TOLD_FROM = 10
_log = structlog.get_logger()


def reading_job(source: RecordSource, schedule: Schedule, do: Callable[[], None]) -> Job:
    """Reads one data set at its interval."""
    name, seconds = f"read:{source.name}:{source.dataset}", every(source, schedule)
    longest = float("inf") if source.reading is Reading.RESCAN else _LONGEST_REST
    return Job(name, seconds, Spared(name, seconds, do, longest=longest))


def every(source: RecordSource, schedule: Schedule) -> int:
    """Seconds between two readings."""
    return schedule.rescan_every if source.reading is Reading.RESCAN else schedule.read_every


@dataclass
class Spared:
    """A reading that leaves its turn out while the last one was less than ten times its own length ago, or `longest` seconds."""

    name: str
    every: int  #: seconds
    do: Callable[[], None]
    clock: Callable[[], float] = time.monotonic
    longest: float = float("inf")
    rest_until: float = field(default=float("-inf"), init=False)

    def __call__(self) -> None:
        """Scan if it is time again."""
        began = self.clock()
        if began < self.rest_until:
            return
        try:
            self.do()
        finally:
            self._rest(began, self.clock() - began)

    def _rest(self, began: float, took: float) -> None:
        rest = min(took * _SHARE, took + self.longest)
        self.rest_until = began + rest
        if rest > max(self.every, _TOLD_FROM):
            _log.warning("slow_scan", job=self.name, seconds=round(took, 1), next_in=round(rest))
