"""How far a platform's clock is ahead of ours, measured from its replies: `respond_time` of the envelope.

A reply says when it was written; it was written between our sending and our receiving, so the middle of the two is what it is
held against. How long that took is told by the monotonic clock: ours may be set while we wait.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from schemas import wire
from schemas.wire import SHANGHAI

#: a reply that took longer says too little: it may be wrong by half of that
_LONGEST = timedelta(seconds=10)
#: so many of the latest replies are kept
KEPT = 21
#: from here on a person is told; platforms refuse messages that are a few minutes off
TOLERANCE = timedelta(seconds=30)
_STAMP = re.compile(rb'"respond_time"\s*:\s*"(?P<seconds>[0-9]{14})(?P<millis>[0-9]{3})?"')


@dataclass(frozen=True, slots=True)
class PlatformClock:
    """What the latest replies of a target say of its clock."""

    ahead: tuple[timedelta, ...]  #: one for each reply, the latest last
    measured_at: datetime

    @property
    def median(self) -> timedelta:
        """Ahead of ours by so much; one reply that was held up on its way changes little."""
        return sorted(self.ahead)[len(self.ahead) // 2]

    @property
    def off(self) -> bool:
        """Whether a person has to look."""
        return abs(self.median) > TOLERANCE


def ahead(reply: bytes, received: datetime, took: timedelta) -> timedelta | None:
    """By how much the clock that stamped a reply is ahead; None where the reply does not tell."""
    found = _STAMP.search(reply) if took <= _LONGEST else None
    if found is None:
        return None
    try:
        stamped = datetime.strptime(found["seconds"].decode(), "%Y%m%d%H%M%S").replace(tzinfo=SHANGHAI)
    except ValueError:
        return None
    return stamped + timedelta(milliseconds=int(found["millis"] or 0)) - (received - took / 2)


def sentence(target: str, clock: PlatformClock) -> str:
    """What a person is told of a clock that is off."""
    seconds = round(abs(clock.median).total_seconds())
    way = "快" if clock.median > timedelta() else "慢"
    measured = f"{wire.encode_datetime(clock.measured_at)} 前 {len(clock.ahead)} 次应答的中位数"
    return (
        f"目标 {target}：平台时钟比本机{way} {seconds // 60} 分 {seconds % 60} 秒（{measured}）。"
        f"请先核对本机的时间和授时；本机无误的请告知医保局，按时与否以平台时钟为准"
    )


def joined(known: PlatformClock | None, heard: Sequence[timedelta], now: datetime) -> PlatformClock:
    """What is known with what was heard since, the latest only."""
    return PlatformClock(((known.ahead if known else ()) + tuple(heard))[-KEPT:], now)
