"""The institution side's own words. Frozen values, no I/O."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from schemas.model import Violation
from schemas.values import value

#: characters of a business key, as common.yaml allows; the store has room for no more
KEY_LENGTH = 400
#: characters of a row's own key at the site
REF_LENGTH = 400


@value
class Cursor:
    """How far a source has been read: the last row's change time and key, in the source's own types."""

    time: datetime | None
    key: str | int

    def follows(self, other: Cursor) -> bool:
        """Whether it lies after `other`, a cursor of the same source."""
        if self.time and other.time and self.time != other.time:
            return self.time > other.time
        return self.key > other.key  # type: ignore[operator]  # one source has keys of one kind


@dataclass(frozen=True, slots=True)
class Mark:
    """What a source is and how far it goes, to be held against an earlier one: see gateway.fingerprint."""

    identity: str  #: of the database
    newest: str | int | None = None  #: greatest cursor key; None if there is none, or the profile does not tell
    rows: int | None = None  #: None where counting is too dear


@dataclass(frozen=True, slots=True)
class Service:
    """A web service of the site: where it is, as whom it is called, how patiently and how often."""

    url: str
    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    ca_file: Path | None = None
    connect_timeout: float = 10.0  #: seconds
    read_timeout: float = 30.0  #: seconds, to the end of the reply
    rate: int = 0  #: most calls a minute; 0: as many as there are


class Reading(StrEnum):
    """How a site's query finds what is new."""

    INCREMENTAL = "incremental"  #: after the cursor; the source moves it on every insert and edit
    RESCAN = "rescan"  #: everything each time, in key order; the ledger tells what is new


#: rule of the one fault of a row whose head is not there: nothing else can be said of it
LOST_HEAD = "lost_head"


class RowState(StrEnum):
    """What the site's own rules say of a row before it is judged."""

    READY = "ready"
    NOT_READY = "not_ready"  #: unfinished at the source, e.g. a dialysis still running
    EXCLUDED = "excluded"  #: not this data set's business, by a rule of the profile
    VOID = "void"  #: withdrawn at the source


@value
class SourceRow:
    """One row of a site, mapped onto a data set's fields."""

    ref: str  #: the row's own key at the site; a person can look it up
    cursor: Cursor
    institution: str  #: fixmedins_code
    values: Mapping[str, Any] = field(default_factory=dict)  #: field -> str, Decimal, date, aware datetime, list of dict
    state: RowState = RowState.READY
    reason: str = ""  #: Chinese; of every state but READY
    faults: tuple[Violation, ...] = ()  #: what the mapping could not do
    entered_at: datetime | None = None  #: when the site stored it; None if it keeps no such time
    changed_at: datetime | None = None  #: its cursor's time, aware; None if the site keeps no such time
    content: Mapping[str, Any] | None = None  #: its values in wire form where the adapter is sure of them; else None
    document: str = ""  #: the number by which a clerk finds it in the site's program; "" if the profile names none
    department: str = ""  #: whose work it is at the site; likewise


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of one read, in cursor order."""

    rows: tuple[SourceRow, ...]
    cursor: Cursor  #: of the last row


class AsideState(StrEnum):
    """Why a row that was read is not on its way (DATASETS §7)."""

    EXCLUDED = "excluded"
    NOT_READY = "not_ready"
    QUARANTINED = "quarantined"


@dataclass(frozen=True, slots=True)
class Aside:
    """A row set aside, with every reason."""

    ref: str
    institution: str
    state: AsideState
    reasons: tuple[Violation, ...]
    key: str = ""
    content: Mapping[str, Any] = field(default_factory=dict)  #: what was mapped so far, wire form
    rival: str = ""  #: the row that has its key already; no part of a reason, or each reason would be another
    occurred_at: datetime | None = None  #: business time; None if it has none, or one that cannot be read
    document: str = ""  #: as of `SourceRow`
    department: str = ""


@value
class LedgerEntry:
    """The newest version of a key that entered the outbox."""

    version: int
    content_hash: str
    ref: str
    live: bool = True  #: False once it was withdrawn
    institution: str = ""
    key: str = ""
    anchor_at: datetime | None = None  #: business time of that version
    source: str = ""  #: that the row came from: two sources may both have a row 1


class BrakeKind(StrEnum):
    """What a person has to look at before it goes on."""

    VOID = "void"  #: so many rows vanished at once that they are not withdrawn
    MARKED = "marked"  #: so many rows were marked void at once that they are not withdrawn
    SOURCE = "source"  #: the database is not the one read before: nothing is read


@dataclass(frozen=True, slots=True)
class Brake:
    """Something dangerous that was stopped and waits for `gateway brake release`."""

    source: str
    dataset: str
    kind: BrakeKind
    sentence: str  #: Chinese
    since: datetime


@dataclass(frozen=True, slots=True)
class Heir:
    """A row that has the key of one that is gone, and could not be taken in."""

    source: str
    ref: str


@dataclass(frozen=True, slots=True)
class Absence:
    """A row that was taken in and is not at the site any more, as far as we looked."""

    entry: LedgerEntry
    released: bool  #: a person said that it may be withdrawn


@value
class Parcel:
    """One version of one record, ready for the outbox."""

    institution: str
    dataset: str
    key: str
    version: int
    content_hash: str
    ref: str
    occurred_at: datetime
    due_at: datetime
    body: bytes  #: the wire record as JSON
    live: bool = True  #: False: it withdraws the key, vali_flag 0
    entered_at: datetime | None = None  #: when the site stored the row; None if it keeps no such time
    document: str = ""  #: as of `SourceRow`
    department: str = ""


@dataclass(frozen=True, slots=True)
class Intake:
    """A judged page: everything that one transaction of the store takes in."""

    source: str
    dataset: str
    targets: tuple[str, ...]
    parcels: tuple[Parcel, ...]
    asides: tuple[Aside, ...]
    cleared: tuple[str, ...]  #: refs that are fine now, wherever they were set aside before
    cursor: Cursor | None  #: None: it stays where it is
    now: datetime
    voids: tuple[Parcel, ...] = ()  #: withdrawals; the store knows to which target one is owed
    digest: str = ""  #: of the profile that read the cursor
    lags: Mapping[int, int] = field(default_factory=dict)  #: step of lookback -> rows first seen so late
    owed: tuple[Parcel, ...] = ()  #: known versions that some target was never given; the store knows which
    adopted: tuple[Parcel, ...] = ()  #: known versions, unchanged, that another row of the source carries on
    resumes: bool = False  #: the cursor is moved only if it still stands: a release takes it away to have all read again
    sighted: tuple[str, ...] = ()  #: ref of every row handed over, whatever became of it: from the rows, not from the judging


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of the rows of one read. `read` equals the sum of the others, or rows were lost."""

    read: int = 0
    excluded: int = 0
    not_ready: int = 0
    quarantined: int = 0
    unchanged: int = 0
    queued: int = 0
    voided: int = 0  #: withdrawn at the source, after they were taken in
    reasons: Mapping[str, int] = field(default_factory=dict, compare=False)  #: of the quarantined ones: field and rule -> rows

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.read + other.read,
            self.excluded + other.excluded,
            self.not_ready + other.not_ready,
            self.quarantined + other.quarantined,
            self.unchanged + other.unchanged,
            self.queued + other.queued,
            self.voided + other.voided,
            Counter(self.reasons) + Counter(other.reasons),
        )

    @property
    def balanced(self) -> bool:
        """The accounting identity of DATASETS §7 for one read."""
        aside = self.excluded + self.not_ready + self.quarantined
        return self.read == aside + self.unchanged + self.queued + self.voided
