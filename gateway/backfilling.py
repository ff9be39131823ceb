"""Read a range of business days beside live work, day by day; broken off, it goes on where it was."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time, timedelta

from gateway.model import Tally
from gateway.ports import SweepStore
from gateway.sweeping import Sweeper
from schemas.wire import SHANGHAI

_DAY = timedelta(days=1)


def backfill(
    sweeper: Sweeper, store: SweepStore, first: date, last: date, done: Callable[[date, Tally], None] = lambda day, tally: None
) -> Tally:
    """Take in everything of `first` to `last`, both included. The cursor is not touched and nothing is withdrawn.

    Each finished day is remembered, so the same command goes on after the last one; once all is done it starts anew.
    A profile that changed meanwhile starts anew too.
    """
    source = sweeper.source
    tier = f"backfill:{first:%Y%m%d}:{last:%Y%m%d}:{source.digest[:16]}"
    total = Tally()
    day = _resumed(store.sweep_done(source.name, source.dataset, tier), first, last)
    while day <= last:
        tally = sweeper.read(_midnight(day), _midnight(day + _DAY))
        store.finish_sweep(source.name, source.dataset, tier, sweeper.clock(), (day + _DAY).isoformat())
        done(day, tally)
        total += tally
        day += _DAY
    return total


def _resumed(found: tuple[str, datetime] | None, first: date, last: date) -> date:
    day = date.fromisoformat(found[0]) if found else first
    return day if first <= day <= last else first


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), SHANGHAI)
