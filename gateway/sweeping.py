"""Warm and cold reading: everything of a span of business time is read again and held against the ledger (DESIGN.md §4).

What the cursor cannot see is found here: rows committed late, edits that touch no timestamp, rows that are gone. That a row
is gone is believed only if its anchor lies in a span read completely in one snapshot, a look-up by its own key does not
find it, and that so often in a row; and not if too many go at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from gateway import voiding
from gateway.errors import OutpacedError
from gateway.intake import Look, Manner, take_in
from gateway.judging import Judge, Judged, kept_ref
from gateway.manifest import DayReading
from gateway.model import Absence, Aside, AsideState, Brake, BrakeKind, Heir, Intake, LedgerEntry, Parcel, SourceRow, Tally
from gateway.ports import SweepStore, SweptSource
from gateway.restraint import Restraint
from schemas.model import Violation
from schemas.wire import SHANGHAI

_AT_ONCE = 200
#: withdrawals so short a time ago count with those of today's look
_LATELY = timedelta(hours=1)
_LONG_AGO = datetime(1900, 1, 1, tzinfo=SHANGHAI)
_MOMENT = timedelta(microseconds=1)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Span:
    """Business time from `start` to before `end`, read a slice at a time: a long transaction burdens the site."""

    start: datetime
    end: datetime
    step: timedelta = timedelta(days=7)
    over: datetime | None = None  #: the midnight before which each day is read alone, and its rows are remembered

    def slices(self) -> Iterator[tuple[datetime, datetime]]:
        """Its parts, oldest first."""
        start = self.start
        while start < self.end:
            end = min(start + (_DAY if self.alone(start) else self.step), self.end)
            yield start, end
            start = end

    def alone(self, start: datetime) -> bool:
        """Whether a slice that begins then is a business day that is over, and nothing else."""
        return self.over is not None and start < self.over


@dataclass
class Seen:
    """What a complete look found, in a few bytes a row."""

    keys: set[int] = field(default_factory=set)  #: hash of (institution, key); two alike only make us see too much
    unsure: set[int] = field(default_factory=set)  #: hash of the ref of a row whose key cannot be trusted

    def add(self, judged: Iterable[Judged]) -> None:
        """Remember these rows."""
        for each in judged:
            if each.aside is None:
                self.keys.add(hash((each.row.institution, each.key)))
            else:
                self.unsure.add(hash(each.row.ref))

    def holds(self, entry: LedgerEntry) -> bool:
        """Whether the entry's row is there; a row with another key by now is not the entry's any more."""
        return hash((entry.institution, entry.key)) in self.keys or hash(entry.ref) in self.unsure


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep came to."""

    tally: Tally
    missing: int  #: rows that are not at the site as far as we looked
    voided: int
    braked: bool  #: so many at once that a person must say so


class Sweeper:
    """Sweeps one data set of one source."""

    def __init__(
        self,
        source: SweptSource,
        judge: Judge,
        store: SweepStore,
        *,
        targets: tuple[str, ...],
        clock: Callable[[], datetime],
        page_size: int = 500,
        manner: Manner | None = None,
    ) -> None:
        self.source, self.judge, self.store = source, judge, store
        self.targets, self.clock, self.page_size = targets, clock, page_size
        self.manner = manner or Manner()
        self.guards = self.manner.guards
        self._place = (source.name, source.dataset)
        self._look = Look(targets, Restraint(store, source.name, source.dataset, self.guards), stop=self.manner.stop)

    def sweep(self, span: Span) -> Swept:
        """Read the span, then withdraw what is surely gone.

        1. Each slice is read in one snapshot, and what is new or changed in it is taken in. Which rows a day has that was
           read alone is remembered: the site need not be asked again for its manifest.
        2. What the ledger has of the slice and was not seen is looked up by its own key.
        3. What is not found either counts as missing once more; what is back is forgotten.
        4. What was missing often enough is withdrawn, unless it is too much at once.

        An error in a slice leaves its counts as they were and withdraws nothing: half a look proves nothing.
        """
        began, total, missing = self.clock(), Tally(), 0
        for start, end in span.slices():
            seen = Seen()
            total += self._day(start, end, seen) if span.alone(start) else self.read(start, end, seen)
            unseen = self.store.missing(*self._place, start, end, seen.holds)
            gone, found = self._looked_up(unseen)
            total += found
            self.store.note_missing(self._place, (start, end), gone, self.clock())
            missing += len(gone)
        voided, braked = self._withdraw(span, began)
        return Swept(total, missing, voided, braked)

    def _day(self, start: datetime, end: datetime, seen: Seen) -> Tally:
        rows: dict[str, str] = {}
        total = self.read(start, end, seen, lambda page: rows.update((kept_ref(row.ref), row.institution) for row in page))
        found = DayReading(self.clock(), self.source.digest, rows)
        self.store.keep_reading(*self._place, start.astimezone(SHANGHAI).date(), found)
        return total

    def read(
        self,
        start: datetime,
        end: datetime,
        seen: Seen | None = None,
        note: Callable[[Sequence[SourceRow]], None] = lambda rows: None,
    ) -> Tally:
        """Take in everything of one slice; each page is shown to `note` as it was read."""
        total = Tally()
        for page in self.source.window(start, end, self.page_size):
            look = replace(self._look, since=self.manner.since if seen else None)
            judged, tally = take_in(self.source, self.judge, self.store, page.rows, None, look, self.clock())
            if seen:
                seen.add(judged)
            note(page.rows)
            total += tally
        return total

    def _looked_up(self, unseen: Sequence[LedgerEntry]) -> tuple[list[LedgerEntry], Tally]:
        """Those of the entries that their own key does not find either. What it finds has moved, and is taken in."""
        gone: list[LedgerEntry] = []
        total = Tally()
        for entries in _chunks(unseen):
            rows = self.source.lookup({entry.ref for entry in entries})
            judged, tally = take_in(self.source, self.judge, self.store, rows, None, self._look, self.clock())
            seen = Seen()
            seen.add(judged)
            gone += [entry for entry in entries if not seen.holds(entry)]
            total += tally
        return gone, total

    def _withdraw(self, span: Span, began: datetime) -> tuple[int, bool]:
        waiting = self.store.due_absences(*self._place, self.guards.sweeps, _LONG_AGO)  # of other spans too
        fresh = [each for each in self.store.due_absences(*self._place, self.guards.sweeps, began) if not each.released]
        braked = self._stopped(span, fresh)
        if all(each.released for each in waiting):
            self.store.lift(*self._place, BrakeKind.VOID)  # they are back, or a person let them go
        let_go = [each.entry for each in waiting if each.released] + [each.entry for each in fresh if not braked]
        return sum(self._void(entries) for entries in _chunks(let_go)), braked

    def _stopped(self, span: Span, fresh: Sequence[Absence]) -> bool:
        """Whether a person must say so first; once asked for, it stays asked for."""
        waiting = any((b.source, b.dataset, b.kind) == (*self._place, BrakeKind.VOID) for b in self.store.brakes())
        live = self.store.count_live(*self._place, span.start, span.end)
        lately = self.store.withdrawn(*self._place, self.clock(), _LATELY)
        if not fresh or not (waiting or self.guards.stops(len(fresh), live, lately)):
            return False
        sentence = f"{len(fresh)} 行报送过的数据在本地查不到了（同一时段共 {live} 行），一次这么多，已暂停作废，等人核实"
        self.store.engage(Brake(*self._place, BrakeKind.VOID, sentence, self.clock()))
        return True

    def _void(self, entries: Sequence[LedgerEntry]) -> int:
        """Withdraw; what cannot be said rightly is a person's work. Edited meanwhile, it is looked at again next time.

        Looked up once more: since its slice was read, minutes ago, or since a person let it go, a row may have come back.
        """
        gone, _ = self._looked_up(entries)
        now = self.clock()
        for back in (each.anchor_at for each in entries if each.anchor_at and each not in gone):
            self.store.note_missing(self._place, (back, back + _MOMENT), (), now)
        entries = self._without_heirs(gone)
        bodies = self.store.bodies(entries, self.source.dataset)
        parcels: list[Parcel] = []
        asides: list[Aside] = []
        for entry in entries:
            sent = bodies.get((entry.institution, entry.key))
            made = self._made(entry, sent, now) if sent else (voiding.SHREDDED,)
            if isinstance(made, Parcel):
                parcels.append(made)
            else:
                asides.append(
                    Aside(entry.ref, entry.institution, AsideState.QUARANTINED, made, entry.key, occurred_at=entry.anchor_at)
                )
        page = Intake(
            source=self.source.name,
            dataset=self.source.dataset,
            targets=self.targets,
            parcels=(),
            asides=tuple(asides),
            cleared=tuple({parcel.ref for parcel in parcels}),
            cursor=None,
            now=now,
            voids=tuple(parcels),
        )
        try:
            self.store.accept(page)
        except OutpacedError:
            return 0
        return len(parcels)

    def _without_heirs(self, gone: Sequence[LedgerEntry]) -> Sequence[LedgerEntry]:
        """Those whose key no other row has. Where one has it and is not right yet, the platform keeps the old value until it is."""
        found = self.store.heirs(self.source.dataset, gone)
        own = {heir.ref for heirs in found.values() for heir in heirs if heir.source == self.source.name}
        there = {row.ref for row in self.source.lookup(own)} if own else set()
        inherited: dict[LedgerEntry, Heir] = {}
        for entry in gone:
            heirs = found.get((entry.institution, entry.key), ())
            living = [heir for heir in heirs if heir.source != self.source.name or heir.ref in there]
            if living:
                inherited[entry] = living[0]
        self.store.hand_over(self.source.dataset, inherited)
        return [entry for entry in gone if entry not in inherited]

    def _made(self, entry: LedgerEntry, sent: bytes, now: datetime) -> Parcel | tuple[Violation, ...]:
        parcel = voiding.withdrawal(self.judge.edition, self.judge.dataset, entry, sent, self.judge.rid, now)
        return self.judge.violations(parcel) or parcel


def _chunks(entries: Sequence[LedgerEntry]) -> Iterator[Sequence[LedgerEntry]]:
    for start in range(0, len(entries), _AT_ONCE):
        yield entries[start : start + _AT_ONCE]
