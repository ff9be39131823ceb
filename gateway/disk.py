"""Room on the disk: what the store takes, how fast it grows, how long that goes well, and when reading has to stop."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from gateway.errors import StoreError

#: growth is taken from the rows of these last days
WINDOW = timedelta(days=7)
#: fewer days left than this is a person's matter
SOON = 30


@dataclass(frozen=True, slots=True)
class Usage:
    """What the store holds, counted by the store."""

    size: int  #: bytes on disk
    rows: int  #: versions of records
    recent: int  #: keys that came or changed within the window
    since: datetime  #: when the store was made


@dataclass(frozen=True, slots=True)
class Forecast:
    """How it goes on, if it goes on like this."""

    size: int
    free: int | None  #: of the store's volume; None where it is a server's
    growth: int  #: bytes a day
    days_left: int | None  #: until the floor or the budget is reached; None: not in sight, or nothing to reach
    budget: int  #: 0: none
    floor: int

    @property
    def short(self) -> bool:
        """Nothing more is read in."""
        return self.free is not None and self.free < self.floor

    @property
    def tight(self) -> bool:
        """A person should act."""
        over = bool(self.budget) and self.size > self.budget
        return self.short or over or (self.days_left is not None and self.days_left < SOON)


@dataclass(frozen=True, slots=True)
class Room:
    """The volume of a SQLite store. Delivery needs some room too, so reading stops before it is gone."""

    place: Path | None  #: None: a server's disk, which we cannot see
    floor: int

    @property
    def free(self) -> int | None:
        """Bytes left to us."""
        return shutil.disk_usage(self.place.parent).free if self.place else None

    def check(self) -> None:
        """StoreError below the floor; asked before anything of a page is written."""
        free = self.free
        if free is not None and free < self.floor:
            raise StoreError(
                f"磁盘只剩 {spoken(free)}，少于 {spoken(self.floor)}（store.disk_floor），停止读取，报送照常；"
                "没有丢数据，清理磁盘后自动继续"
            )


def forecast(usage: Usage, room: Room, budget: int, now: datetime) -> Forecast:
    """Growth from the rows of the window, each as large as a row is on average; shredding is in that average."""
    days = max(min(now - usage.since, WINDOW) / timedelta(days=1), 1.0)
    growth = round(usage.recent / days * usage.size / usage.rows) if usage.rows else 0
    free = room.free
    limits = [free - room.floor] if free is not None else []
    if budget:
        limits.append(budget - usage.size)
    days_left = max(min(limits), 0) // growth if growth and limits else None
    return Forecast(usage.size, free, growth, days_left, budget, room.floor)


def spoken(size: int) -> str:
    """Bytes as a person reads them."""
    for unit, step in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size >= step:
            return f"{size / step:.1f} {unit}"
    return f"{size} 字节"
