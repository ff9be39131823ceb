"""What the use cases need from technology. Adapters and the store implement these; nothing here does I/O."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Protocol, runtime_checkable

from gateway.breaker import Ended, Report
from gateway.manifest import DayReading
from gateway.model import Absence, Brake, BrakeKind, Cursor, Heir, Intake, LedgerEntry, Mark, Page, Reading, SourceRow
from gateway.outbox import Batch, Doubt, Item, State, Step
from gateway.standing import EVERYTHING, Extent, Resent
from schemas.envelope import Result
from schemas.holdings import Answer, Holding, Question


class RecordSource(Protocol):
    """One data set of one site, already mapped onto the edition's fields."""

    @property
    def name(self) -> str:
        """The source's name in the site's configuration."""

    @property
    def dataset(self) -> str:
        """Code of the data set it yields."""

    @property
    def reading(self) -> Reading:
        """Whether reading goes on after the cursor or starts over."""

    @property
    def digest(self) -> str:
        """Of everything that decides what a row becomes; another one, and all is read again."""

    def earlier(self, position: Cursor, by: timedelta) -> Cursor:
        """A position so far before `position`; the same one where there is no telling."""

    def pages(self, after: Cursor | None, size: int) -> Iterator[Page]:
        """Rows after `after` in (cursor time, cursor key) order, at most `size` a page; None reads from the start.

        SourceError if the site is away, SourceQueryError if the site's SQL is wrong. A row that cannot be mapped is
        still yielded, with its faults: a source never drops a row.
        """


@runtime_checkable
class KeyedSource(RecordSource, Protocol):
    """A source whose rows can be looked up by their own keys."""

    @property
    def sweeps(self) -> bool:
        """Whether the profile has the queries for it; without them the methods here and of SweptSource raise SourceQueryError."""

    def lookup(self, refs: Collection[str]) -> tuple[SourceRow, ...]:
        """Those of these rows that exist at the site, whatever their business time."""


class SweptSource(KeyedSource, Protocol):
    """A source that can also be asked what there is, not only what is new."""

    def window(self, start: datetime, end: datetime, size: int) -> Iterator[Page]:
        """Every row whose business time is in [start, end), in one snapshot; only exhausted was it complete."""

    def mark(self) -> Mark:
        """What the database is and how far it goes."""

    def count(self) -> int | None:
        """How many rows there are to read, counted without joins; None where nobody can say."""

    def filled_by(self, path: str) -> tuple[str, ...]:
        """The local columns that fill a field, `drugs[0].drug_codg` too, for whoever has to mend it; () if none does."""


@runtime_checkable
class PresentSource(Protocol):
    """A source that may tell how things are now, and keeps nothing of how they were."""

    @property
    def present(self) -> bool:
        """Whether it is so: what a whole reading does not show can never be read again."""


@runtime_checkable
class WholeSource(Protocol):
    """A source that may have to be asked for everything at each reading, because it cannot go on after a row."""

    @property
    def at_once(self) -> bool:
        """Whether it is so: then each reading, whatever its page length, costs the site all of its rows."""

    @property
    def turns(self) -> bool:
        """Whether it gives them page by page."""

    def opening(self, size: int, pages: int) -> list[str]:
        """The refs of its first pages as it gives them, asked for by that length. SourceError as `pages`."""


@runtime_checkable
class ProvenSource(Protocol):
    """A source over a database, whose account can be asked what it may do."""

    @property
    def tables(self) -> frozenset[str]:
        """What its queries read."""

    def writable(self) -> Sequence[str]:
        """Where the account may write, in Chinese; () is the proof that it cannot. SourceError if it cannot be asked."""

    def script(self, tables: frozenset[str]) -> str:
        """What the database's administrator runs to make an account that reads these tables only."""


@runtime_checkable
class DroppedSource(Protocol):
    """A source whose rows come in parcels that are put away once they are in the store."""

    def put_away(self) -> None:
        """Put away what `pages` has yielded to its end, and what is no good. SourceError if it cannot be moved."""


@runtime_checkable
class WaitingSource(Protocol):
    """A source of which a parcel may be there in part."""

    def held_back(self) -> list[str]:
        """What the last reading left for later, and what each waits for; `pages` tells of it only after a while."""


class IntakeStore(Protocol):
    """What intake asks of the local store."""

    def cursor(self, source: str, dataset: str, digest: str, targets: Collection[str] = ()) -> Cursor | None:
        """How far this source was read by a profile of that digest for all these targets; None before the first time."""

    def ledger(self, institution: str, dataset: str, keys: Collection[str]) -> Mapping[str, LedgerEntry]:
        """The newest version of each of these keys, if any."""

    def unserved(self, dataset: str, entries: Collection[LedgerEntry], targets: Collection[str]) -> Collection[tuple[str, str]]:
        """(institution, key) of the entries whose version some of these targets was never given."""

    def of_rows(self, source: str, dataset: str, refs: Collection[str]) -> Sequence[LedgerEntry]:
        """The entries that these rows of the source once became; a row whose key was edited has several."""

    def bodies(self, entries: Collection[LedgerEntry], dataset: str) -> Mapping[tuple[str, str], bytes]:
        """(institution, key) -> the wire record of that version; one that was shredded is missing."""

    def accept(self, intake: Intake) -> None:
        """Store a judged page in ONE transaction: outbox, ledger, rows set aside and released, cursor.

        StoreError if it cannot be written, OutpacedError if its versions are taken by now; then nothing of it is.
        """

    def withdrawn(self, source: str, dataset: str, now: datetime, within: timedelta) -> int:
        """Rows withdrawn within that time before `now`; none are counted so soon after a person released a brake."""

    def count_live(self, source: str, dataset: str, start: datetime, end: datetime) -> int:
        """How many live entries have their anchor in [start, end)."""

    def brakes(self) -> Sequence[Brake]:
        """Everything that waits for a person."""

    def engage(self, brake: Brake) -> None:
        """Stop it until a person looks."""

    def allowed_marks(self, source: str, dataset: str, refs: Collection[str]) -> frozenset[str]:
        """Those of these rows that were held for being marked void in a mass, and that a person let go."""


class SweepStore(IntakeStore, Protocol):
    """What sweeping and backfilling ask of the local store beside that."""

    def missing(
        self, source: str, dataset: str, start: datetime, end: datetime, seen: Callable[[LedgerEntry], bool]
    ) -> Sequence[LedgerEntry]:
        """Live entries with their anchor in [start, end) that were not seen."""

    def note_missing(
        self, place: tuple[str, str], span: tuple[datetime, datetime], gone: Sequence[LedgerEntry], now: datetime
    ) -> None:
        """One complete look at a span of (source, data set): what is missing again counts on, what is back is forgotten."""

    def due_absences(self, source: str, dataset: str, looks: int, since: datetime) -> Sequence[Absence]:
        """What was missing in so many looks in a row, the last of them not before `since`."""

    def sweep_done(self, source: str, dataset: str, tier: str) -> tuple[str, datetime] | None:
        """How far a sweep or backfill came, and when."""

    def heirs(self, dataset: str, entries: Sequence[LedgerEntry]) -> Mapping[tuple[str, str], Sequence[Heir]]:
        """(institution, key) -> the rows set aside that have the key of one of these entries, under another number."""

    def hand_over(self, dataset: str, heirs_of: Mapping[LedgerEntry, Heir]) -> None:
        """These entries are their heirs' from now on, unless they changed meanwhile."""

    def finish_sweep(self, source: str, dataset: str, tier: str, now: datetime, done_to: str = "") -> None:
        """Remember how far it came."""

    def keep_reading(self, source: str, dataset: str, day: date, found: DayReading) -> None:
        """Remember which rows a business day had when it was read completely: its manifest is counted by them."""

    def forget_readings(self, source: str, dataset: str, before: date) -> None:
        """What is remembered so of earlier days is of no use any more."""

    def lift(self, source: str, dataset: str, kind: BrakeKind) -> None:
        """What stopped it is over by itself."""

    def mark(self, source: str, dataset: str) -> tuple[Mark, datetime] | None:
        """The source's last fingerprint and when it was taken."""

    def save_mark(self, source: str, dataset: str, mark: Mark, now: datetime) -> None:
        """Keep the fingerprint for the next comparison."""


class OutboxStore(Protocol):
    """What uploading asks of the local store. Every change is a compare-and-set: a lost race changes nothing."""

    def recover(self, target: str, now: datetime) -> Sequence[Item]:
        """Items whose lease ran out or whose unknown outcome is due to be settled; the caller decides with `next_step`."""

    def lease(self, target: str, now: datetime, until: datetime) -> Batch | None:
        """Take the most urgent items of the institution whose turn it is, of one data set.

        None when nothing is due, or when the breakers let nothing of it pass. What today's edition cannot send is held on
        the way: its data set is unknown, or another edition made it.
        """

    def advance(self, target: str, ended: Ended | None, now: datetime, until: datetime) -> Batch | None:
        """Write what became of the last batch, then lease the next and mark it as sending, as one change where all went well.

        As `apply`, `note`, `lease` and `mark_sending` one after the other, at a fraction of their cost. None as of `lease`.
        """

    def release(self, batch: Batch, now: datetime) -> None:
        """Give back what was leased, marked as sending or not, and will not be sent; a newer version that waited goes instead."""

    def mark_sending(self, batch: Batch, now: datetime) -> str | None:
        """Just before the bytes leave. Returns the msgid; None if the lease was lost, then nothing may be sent."""

    def apply(self, steps: Sequence[Step], now: datetime) -> None:
        """Write what `next_step` decided."""

    def passed(self, target: str, batch: Batch, since: datetime) -> bool:
        """Whether the platform accepted anything of the batch's institution and data set since then."""

    def doubts(self, target: str, state: State, now: datetime, after: int) -> Sequence[Doubt]:
        """Items in that state (unknown, conflict) due to be looked into, in the order of their ids, above one; a page.

        None of them is reserved by another worker at that moment.
        """

    def reserve(self, doubts: Sequence[Doubt], now: datetime, until: datetime) -> Sequence[Doubt]:
        """Those, of one state, that nobody else looks into: ours until then. What is decided later is written only if it is."""

    def settled(self, target: str, after: int, extent: Extent = EVERYTHING) -> Sequence[Doubt]:
        """Accepted items that are their key's newest version, in the order of their ids, above one; a page."""

    def resend(self, doubts: Sequence[Doubt], now: datetime) -> Resent:
        """Queue once more, as they are, what a platform lost; only what is still accepted and still its key's newest version.

        One whose parent is queued is held behind it, so what lies deeper comes in a later call: see `depth`.
        """

    def depth(self, dataset: str) -> int:
        """How many records stand above one of a data set, each of which must be at the platform before it."""

    def record(self, doubt: Doubt) -> bytes:
        """The wire record of an item."""

    def rebuild(self, target: str, findings: Sequence[tuple[Doubt, Holding]], now: datetime) -> None:
        """Mend the ledger by what the platform holds: see `gateway.reconcile.mend`. All of it, or nothing."""

    def note(self, target: str, institution: str, report: Report, now: datetime) -> None:
        """Tell the breakers of the target and of the institution what a request came to."""


class Gate(Protocol):
    """Whether a target may be called now: its hours, and how often a minute."""

    def closed(self) -> str:
        """Why nothing may be called now, in Chinese; "" if it may. Nothing is counted."""

    def admit(self) -> str:
        """The same, and one call is counted if it passes."""

    @property
    def counts(self) -> bool:
        """Whether there is a number of calls: only then does `admit` say anything that `closed` does not."""


class Bureau(Protocol):
    """The platform of one target as the gateway sees it."""

    @property
    def answers_queries(self) -> bool:
        """Whether it can be asked what it holds (QY01)."""

    def holdings(self, institution: str, question: Question) -> Answer:
        """Ask what it holds of an institution's keys or business date. Errors as of `deliver`: then nothing is known."""

    def withdraws(self, dataset: str) -> bool:
        """Whether records of the data set can be taken back by a transaction of their own (3507)."""

    def withdraw(self, institution: str, dataset: str, body: bytes) -> None:
        """Take back a record that may have arrived. Errors as of `deliver`; RefusedError when it will not."""

    def deliver(self, institution: str, dataset: str, msgid: str, bodies: Sequence[bytes]) -> Sequence[Result]:
        """Send one batch and read one result per record.

        NotDeliveredError, OutcomeUnknownError, NotAdmittedError or RefusedError when there are no results.
        """
