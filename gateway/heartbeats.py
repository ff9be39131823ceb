"""OP02: a sign of life of every institution to every target, with what waits there.

A stale heartbeat is of no use, so none is kept: it goes out at once, is tried once, and the next one simply comes later.
It is the least of all messages: it waits for no lock, opens no breaker and takes no call that a record may need.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol

import orjson

from gateway.breaker import Tripped
from gateway.errors import NotAdmittedError, NotDeliveredError, OutcomeUnknownError, RefusedError
from gateway.judging import Judge
from gateway.model import Cursor, SourceRow
from gateway.ports import Bureau
from gateway.standing import Backlog
from schemas.envelope import Status, message_id
from schemas.operating import HEARTBEAT

_MIB = 1 << 20
_TAKEN = (Status.ACCEPTED, Status.DUPLICATE)


class HeartStore(Protocol):
    """What it asks of the local store."""

    def draw(self) -> int:
        """The next number of this installation."""

    def backlogs(self, target: str) -> Mapping[str, Backlog]:
        """What waits for a target, by institution; one that nothing waits of is missing."""

    def tripped(self, target: str) -> Sequence[Tripped]:
        """Where sending is cut off for a while."""


class SpareGate(Protocol):
    """Whether a target may be called for what can wait."""

    @property
    def paced(self) -> bool:
        """Whether its calls are counted."""

    def spare(self) -> str:
        """Why a call that can wait may not be made now; "" if it may. Nothing is counted."""

    def admit(self) -> str:
        """Count one call, or say why it may not be made."""


@dataclass(frozen=True, slots=True)
class Vitals:
    """What a heartbeat says beside the queue."""

    gateway_version: str
    profile_versions: Mapping[str, str]  #: by institution
    disk_free: Callable[[], int]  #: bytes


@dataclass
class Round:
    """What became of one round."""

    taken: int = 0
    failures: Counter[str] = field(default_factory=Counter)  #: kind -> institutions
    ended: str = ""  #: why it ended before everyone had a turn


class Heart:
    """Beats for the institutions of one target."""

    def __init__(
        self,
        target: str,
        institutions: Sequence[str],
        store: HeartStore,
        bureau: Bureau,
        gate: SpareGate,
        judge: Judge,
        vitals: Vitals,
        clock: Callable[[], datetime],
    ) -> None:
        self._target, self._institutions = target, tuple(institutions)
        self._store, self._bureau, self._gate, self._judge, self._vitals, self._clock = store, bureau, gate, judge, vitals, clock
        self._first = 0  #: whose turn it is: a round that was cut off goes on where it ended

    def beat(self, stop: Callable[[], bool] = lambda: False) -> Round:
        """One heartbeat of each institution that may pass, until `stop` says so, the target is away or may not be called."""
        done = Round()
        blocked = {each.institution for each in self._store.tripped(self._target) if each.breaker.blocks(self._clock())}
        if "" in blocked:
            done.ended = "breaker"
            return done
        backlogs, number = self._store.backlogs(self._target), self._store.draw()
        start = self._first
        for place in range(len(self._institutions)):
            self._first = (start + place) % len(self._institutions)
            institution = self._institutions[self._first]
            if institution in blocked:
                continue
            if stop() or self._wait():
                done.ended = "stopped" if stop() else "gate"
                return done
            record = self._record(institution, number, backlogs.get(institution, Backlog()))
            if not record:
                done.failures["invalid"] += 1
            elif not self._send(institution, number, record, done):
                self._first = (self._first + 1) % len(self._institutions)  # if it was only this one, it must not be the end of all
                return done
        self._first = start
        return done

    def _wait(self) -> bool:
        """Whether a record may need the call."""
        if self._gate.spare() or (self._gate.paced and self._store.backlogs(self._target)):
            return True
        return bool(self._gate.admit())

    def _record(self, institution: str, number: int, backlog: Backlog) -> bytes:
        """The record as it goes out; b"" if the edition does not let it pass, which its own rules decide."""
        now = self._clock()
        values: dict[str, Any] = {
            "beat_id": f"{self._judge.rid}-{number}",
            "beat_time": now,
            "gateway_version": self._vitals.gateway_version,
            "profile_version": self._vitals.profile_versions.get(institution),
            "queue_depth": Decimal(backlog.waiting),
            "oldest_unsent": backlog.oldest,
            "disk_free_mb": Decimal(self._vitals.disk_free() // _MIB),
        }
        given = {name: value for name, value in values.items() if value is not None}
        judged = self._judge.judge(SourceRow(values["beat_id"], Cursor(None, number), institution, given), now)
        return b"" if judged.reasons else orjson.dumps({**judged.record, "version": "1"})

    def _send(self, institution: str, number: int, record: bytes, done: Round) -> bool:
        """Whether the others may try."""
        msgid = message_id(institution, self._clock(), number)
        try:
            results = self._bureau.deliver(institution, HEARTBEAT, msgid, [record])
        except (NotDeliveredError, OutcomeUnknownError) as error:
            done.failures[type(error).__name__] += 1
            done.ended = "away"
            return False
        except (NotAdmittedError, RefusedError) as error:
            done.failures[type(error).__name__] += 1
            return True
        taken = [each for each in results if each.status in _TAKEN]
        done.taken += bool(taken)
        done.failures.update(str(each.status) for each in results if each.status not in _TAKEN)
        return True
