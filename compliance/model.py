"""What the bureau keeps of a message. Frozen values, no I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from schemas.model import Violation


@dataclass(frozen=True, slots=True)
class Held:
    """One version of a key that was accepted before."""

    content_hash: str
    accepted_at: datetime


@dataclass(frozen=True, slots=True)
class Accepted:
    """A record to be stored: what it says and its clocks."""

    key: str
    version: int
    content_hash: str
    vali_flag: str
    edition: str
    rid: str
    body: Mapping[str, Any]  #: wire form, whole
    occurred_at: datetime
    entered_at: datetime | None
    seen_at: datetime | None
    accepted_at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that was refused, without its body: reasons name fields and rules, never values."""

    key: str
    version: int
    content_hash: str
    reasons: tuple[Violation, ...]


@dataclass(frozen=True, slots=True)
class Receipt:
    """One message as the bureau remembers it."""

    reference: str  #: our own id of the exchange, inf_refmsgid of the reply
    msgid: str
    institution: str
    infno: str
    received_at: datetime
    accepted: int = 0
    duplicate: int = 0
    rejected: int = 0
    conflict: int = 0
    refused: str = ""  #: the sentence, when the message was refused whole


class EpochState(StrEnum):
    """Whether a gateway may report for its institution."""

    ACTIVE = "active"
    WAITING = "waiting"  #: a second one; a person must approve it
    FENCED = "fenced"  #: replaced by another one


@dataclass(frozen=True, slots=True)
class Epoch:
    """One gateway installation that reported for an institution."""

    rid: str
    state: EpochState
    first_seen: datetime
    last_seen: datetime


@dataclass(frozen=True, slots=True)
class Institution:
    """One row of the roster."""

    number: int
    name: str
    code: str  #: fixmedins_code; "" while the bureau has not issued one
    deferred: bool
    scenes: tuple[str, ...]  #: planned scenes
    source: str = ""  #: file the row came from


@dataclass(frozen=True, slots=True)
class Tally:
    """What the store holds of one institution and data set at a cut-off."""

    institution: str  #: fixmedins_code
    dataset: str
    received: int = 0  #: distinct keys accepted, voided ones included
    live: int = 0  #: keys whose newest version is not void
    on_time: int = 0  #: keys whose first acceptance was in time
    rejected: int = 0  #: keys whose newest version was rejected and not mended since
    last_received: datetime | None = None

    @property
    def withdrawn(self) -> int:
        """Keys whose newest version is void: received, and taken back since."""
        return self.received - self.live

    @property
    def late(self) -> int:
        """Keys first accepted after they were due."""
        return self.received - self.on_time
