"""What one gateway does for one data set in each tier of reading (DESIGN.md §4), and whether its source is still itself.

Hot: what is new, every poll. Warm: the look-back window, every few minutes. Cold: the open period, at night.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from gateway import fingerprint, lookback
from gateway.backfilling import backfill
from gateway.config import Tiers
from gateway.deadlines import Closure
from gateway.errors import ConfigError, SourceChangedError, SourceError
from gateway.hindrance import Hindrance, Place, Subject
from gateway.intake import Look, Manner, accept, take_in
from gateway.judging import Judge, Judged
from gateway.kindness import HOT, Kindness
from gateway.model import Brake, BrakeKind, Reading, SourceRow, Tally
from gateway.ports import DroppedSource, PresentSource, SweptSource
from gateway.restraint import Restraint
from gateway.store import Store
from gateway.sweeping import Span, Sweeper, Swept
from schemas.manifest import CODE as MANIFEST
from schemas.model import Edition
from schemas.wire import SHANGHAI

#: schedules and plans carry tomorrow's date, or next week's
AHEAD = timedelta(days=8)
#: under which name the first reading is remembered
_FIRST = "first"
#: a look at the source's fingerprint costs a query
_MARK_EVERY = timedelta(seconds=60)
#: so long a row that could not be found is left alone before it is looked for again
_PATIENCE = timedelta(seconds=60)


class Tier(StrEnum):
    """Which part of the site is read again beside the hot tier."""

    WARM = "warm"
    COLD = "cold"


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads one data set of one source."""

    source: SweptSource
    edition: Edition
    store: Store
    targets: tuple[str, ...]
    page_size: int
    tiers: Tiers
    clock: Callable[[], datetime]
    stop: Callable[[], bool] = lambda: False  #: whether to end before the next page, by StoppedError
    closures: Mapping[str, Closure] = field(default_factory=dict)  #: by institution
    kindness: Kindness = field(default_factory=Kindness)  #: of the source

    def hot(self, *, from_start: bool = False) -> Tally:
        """What is new. SourceChangedError if the source is not the one read before."""
        with self._noted():
            self._watch(_MARK_EVERY)
            began = self.clock()
            found = self._accepted(from_start)
            complete = began if from_start or self.source.reading is Reading.RESCAN else None
            if complete and isinstance(self.source, PresentSource) and self.source.present:
                self._leave_behind(complete)
            return found + self._revisit(complete) if self.source.sweeps else found

    def _accepted(self, from_start: bool) -> Tally:
        """What the pages came to. Files are put away as far as they were taken in, also when the next one stopped us."""
        try:
            return accept(
                self.kindness.of(self.source, HOT, self.stop),
                self._judge(),
                self.store,
                targets=self.targets,
                clock=self.clock,
                page_size=self.page_size,
                from_start=from_start,
                manner=self._manner(),
            )
        finally:
            if isinstance(self.source, DroppedSource):
                self.source.put_away()

    def _revisit(self, complete: datetime | None) -> Tally:
        """Rows set aside for a reason that may be over by itself: their key was another row's, or they could not be found.

        After a complete look, begun at `complete`, also those it did not see: what is not found by its number either is gone.
        """
        place = (self.source.name, self.source.dataset)
        refs = self.store.revisitable(*place, self.clock() - _PATIENCE, complete)
        if not refs:
            return Tally()
        judged, tally = self.look(refs)
        self.store.forget(*place, set(refs) - {each.row.ref for each in judged})
        return tally

    def _leave_behind(self, complete: datetime) -> None:
        """Of a source of the present, rows set aside that it did not show: last month's, which nobody can mend any more.

        One that was reported before it was spoiled is left at what the platform has: the last that was right.
        """
        place = (self.source.name, self.source.dataset)
        while refs := self.store.unseen(*place, complete):
            self.store.forget(*place, refs)

    @contextmanager
    def _noted(self) -> Iterator[None]:
        """Whether the source could be read is kept, as evidence. A source that was changed waits for a person: a brake."""
        place = Place(Subject.SOURCE, self.source.name, self.source.dataset)
        try:
            yield
        except SourceChangedError:
            raise
        except SourceError as error:
            self.store.interrupted(place, Hindrance.UNREADABLE, str(error), self.clock())
            raise
        self.store.restored(place, self.clock())

    def look(self, refs: Collection[str]) -> tuple[list[Judged], Tally]:
        """Take in these rows, wherever the cursor stands; those that are not at the site are not among the judged."""
        self._watch(_MARK_EVERY)
        rows = self.source.lookup(refs)
        restraint = Restraint(self.store, self.source.name, self.source.dataset, self.tiers.guards)
        look = Look(self.targets, restraint, self._since())
        return take_in(self.source, self._judge(), self.store, rows, None, look, self.clock())

    def sweep(self, tier: Tier) -> Swept:
        """The window of that tier, held against the ledger; what vanished before and after the look must be the same source."""
        self._watch(timedelta())
        span = self.span(tier)
        found = self._sweeper(tier).sweep(span)
        if span.over:
            self.store.forget_readings(self.source.name, self.source.dataset, span.start.date())
        self.store.finish_sweep(self.source.name, self.source.dataset, tier, self.clock())
        return found

    def backfill(self, first: date, last: date, done: Callable[[date, Tally], None]) -> Tally:
        """Everything of these business days."""
        if not self.source.sweeps:
            raise ConfigError(f"来源 {self.source.name} 的 {self.source.dataset} 没有按业务时间读取的查询（window），不能补读")
        self._watch(timedelta())
        return backfill(self._sweeper(), self.store, first, last, done)

    def day(self, day: date, note: Callable[[Sequence[SourceRow]], None]) -> Tally:
        """Everything of one business day, in one snapshot; `note` is shown each page as it was read. Nothing is withdrawn."""
        with self._noted():
            self._watch(_MARK_EVERY)
            return self._sweeper().read(*span_of(day), note=note)

    def span(self, tier: Tier) -> Span:
        """From midnight to midnight: where a site keeps a date and a clock apart, only whole days are sure."""
        today = self.clock().astimezone(SHANGHAI).date()
        end = _midnight(today + AHEAD)
        if tier is Tier.WARM:
            return Span(_midnight(today - self._look_back(today)), end)
        over = _midnight(today) if MANIFEST in self.edition.datasets else None
        return Span(_midnight(today - timedelta(days=self.tiers.open_days)), end, over=over)

    def cold_is_due(self) -> bool:
        """Once a night, after the configured hour; also when the last night was missed."""
        now = self.clock().astimezone(SHANGHAI)
        done = self.store.sweep_done(self.source.name, self.source.dataset, Tier.COLD)
        due = datetime.combine(now.date(), time(self.tiers.cold_hour), SHANGHAI)
        return now >= due and (done is None or done[1] < due) and not self.kindness.closed(Tier.COLD)

    def alarm(self) -> str:
        """A sentence if rows come later and later."""
        today = self.clock().astimezone(SHANGHAI).date()
        return lookback.alarm(self._lags(today), today, self.tiers.bounds)

    def _look_back(self, today: date) -> timedelta:
        return lookback.look_back(self._lags(today), self.tiers.bounds)

    def _lags(self, today: date) -> dict[date, dict[int, int]]:
        since = today - timedelta(days=lookback.OBSERVED)
        found = self.store.lags(self.source.name, self.source.dataset, since)
        return {day: dict(counts) for day, counts in found.items()}

    def _watch(self, every: timedelta) -> None:
        """Refuse to read a source that has become another one; a person says whether that is right."""
        place = (self.source.name, self.source.dataset)
        for brake in self.store.brakes():
            if (brake.source, brake.dataset, brake.kind) == (*place, BrakeKind.SOURCE):
                raise SourceChangedError(_stopped(brake))
        now = self.clock()
        known = self.store.mark(*place)
        if known and now - known[1] < every:
            return
        found = self.source.mark()
        if known and (sentence := fingerprint.change(known[0], found, self.tiers.tolerance)):
            brake = Brake(*place, BrakeKind.SOURCE, sentence, now)
            self.store.engage(brake)
            raise SourceChangedError(_stopped(brake))
        self.store.save_mark(*place, found, now)

    def _since(self) -> datetime:
        """When this source was first read: how late older rows are says nothing, they waited for us."""
        place = (self.source.name, self.source.dataset)
        if found := self.store.sweep_done(*place, _FIRST):
            return found[1]
        self.store.finish_sweep(*place, _FIRST, self.clock())
        return self.clock()

    def _judge(self) -> Judge:
        return Judge(self.edition, self.source.dataset, self.store.rid, self.closures)

    def _sweeper(self, tier: Tier | None = None) -> Sweeper:
        """None: a person asked for it, who knows what the site can bear."""
        return Sweeper(
            self.kindness.of(self.source, tier, self.stop) if tier else self.source,
            self._judge(),
            self.store,
            targets=self.targets,
            clock=self.clock,
            page_size=self.page_size,
            manner=self._manner(),
        )

    def _manner(self) -> Manner:
        return Manner(self.tiers.overlap, self._since(), self.tiers.guards, self.stop)


def _stopped(brake: Brake) -> str:
    return (
        f"来源 {brake.source} 的 {brake.dataset}：{brake.sentence}；已停止读取，没有作废任何数据。"
        f"核实后运行 gateway brake release --source {brake.source} --dataset {brake.dataset}"
    )


def span_of(day: date) -> tuple[datetime, datetime]:
    """From its midnight to before the next."""
    return _midnight(day), _midnight(day + timedelta(days=1))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), SHANGHAI)
