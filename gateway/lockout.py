"""Guessing passwords is made slow, pure: after so many failures in a row each further one costs a longer wait.

A name that nobody has is treated as one that somebody has, or the wait would tell which names there are.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from gateway.freshness import coming

_FIRST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(minutes=15)
#: so long without a failure, and they are forgotten
FORGOTTEN = timedelta(hours=24)


class Guarded(StrEnum):
    """What failures are counted of."""

    OPERATOR = "operator"
    ADDRESS = "address"


#: failures in a row that are free. One address may be a whole ward's computer, or a proxy's
_FREE = {Guarded.OPERATOR: 5, Guarded.ADDRESS: 20}


@dataclass(frozen=True, slots=True)
class Lockout:
    """The failures of one name, or from one address."""

    failures: int = 0
    failed_at: datetime | None = None
    until: datetime | None = None  #: before it nothing is tried

    def wait(self, now: datetime) -> timedelta:
        """How long nothing is tried from now on; a clock that was ahead, and is right again, locks nobody out for a year."""
        return self.until - now if self.until and coming(self.until, now, _LONGEST_WAIT) else timedelta()


def after_failure(kind: Guarded, found: Lockout, now: datetime) -> Lockout:
    """The next state: from the last free failure on the wait doubles each time."""
    failed = Lockout(_remembered(kind, found, now) + 1, now)
    beyond = failed.failures - _FREE[kind]
    if beyond < 0:
        return replace(failed, until=None)
    return replace(failed, until=now + min(_FIRST_WAIT * int(2 ** min(beyond, 10)), _LONGEST_WAIT))


def _remembered(kind: Guarded, found: Lockout, now: datetime) -> int:
    """Failures that still count. Those of an address are slips of many people: each longest wait that passes forgives one."""
    if found.failed_at is None or now - found.failed_at >= FORGOTTEN:
        return 0
    if kind is Guarded.OPERATOR:
        return found.failures
    return max(found.failures - max(now - found.failed_at, timedelta()) // _LONGEST_WAIT, 0)


def spoken(wait: timedelta) -> str:
    """How long, as a person reads it: never "0 分钟"."""
    minutes = -(-round(wait.total_seconds()) // 60)
    return f"{max(minutes, 1)} 分钟"
