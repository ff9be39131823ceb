"""The store as the use cases see it: each method is one transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path

from sqlalchemy import Connection, Engine, select
from sqlalchemy.exc import IntegrityError

from gateway.alarms import Alarm
from gateway.breaker import Ended, Report, Tripped
from gateway.disk import Room, Usage
from gateway.errors import OutpacedError, StoreError
from gateway.hindrance import Hindrance, Interruption, Place
from gateway.lateness import Track
from gateway.manifest import DayReading, Held, Statement, Whereabouts
from gateway.model import Absence, AsideState, Brake, BrakeKind, Cursor, Heir, Intake, LedgerEntry, Mark
from gateway.notices import Notice
from gateway.outbox import Batch, Doubt, Item, State, Step
from gateway.quality import Quality
from gateway.rhythm import Counts
from gateway.situation import Owed
from gateway.skew import PlatformClock
from gateway.standing import (
    EVERYTHING,
    Awaited,
    Backlog,
    Crowd,
    Extent,
    Grievance,
    Progress,
    Queue,
    Resent,
    Route,
    Sieve,
    Standing,
    Waiting,
)
from gateway.store import (
    alarms,
    asides,
    backup,
    brakes,
    breakers,
    changes,
    clocks,
    cursors,
    deliveries,
    heirs,
    intake,
    interruptions,
    leasing,
    ledger,
    manifests,
    marked,
    outbox,
    outdated,
    pace,
    parents,
    quality,
    readings,
    requeueing,
    resending,
    reservations,
    retention,
    revisits,
    rhythms,
    sealing,
    situations,
    standing,
    sweeps,
    tracks,
    usage,
    voids,
    whereabouts,
    worklist,
)
from gateway.store.backup import Copy
from gateway.store.engine import compact, connect, place_of, reading, write, write_over
from gateway.store.migrations import Prepared, configured, prepare
from gateway.store.people import People
from gateway.store.tables import installation
from gateway.store.timing import Timing, host
from gateway.voiding import SPACING
from gateway.whereabouts import RowTrail, Sought
from gateway.worklist import Age, Complaint, Finding, LocalRow, TaskFilter, TaskNote
from schemas.holdings import Holding
from schemas.model import Edition

#: what a server is backed up with
_TOOLS = {
    "postgresql": " pg_dump --format=custom、pg_restore ",
    "mysql": " mariadb-dump --single-transaction、mariadb ",
    "mariadb": " mariadb-dump --single-transaction、mariadb ",
}


def open_store(
    url: str,
    edition: Edition,
    now: datetime,
    key: str | Path | None = None,
    floor: int = 0,
    clock: Callable[[], datetime] = host,
) -> Store:
    """Open, create or upgrade the store. ConfigError for a bad URL or key, StoreError if it cannot be used.

    `key`: the keys themselves, or the file they are in; a SQLite store without one gets a key file beside it.
    `floor`: free bytes below which nothing more is taken in. `clock`: that the process goes by, to be held against the
    database's.
    """
    engine = connect(url)
    try:
        prepared = write(engine, lambda connection: prepare(connection, now, key))
        compact(engine)
    except BaseException:
        engine.dispose()
        raise
    return Store(engine, edition, prepared, Room(place_of(engine), floor), Timing(clock))


def restore_store(url: str, key: str | Path | None, source: Path, now: datetime) -> tuple[Copy, Path | None]:
    """Put a backup in the place of a store that nobody has open. See `backup.restore`."""
    engine = connect(url)
    try:
        return backup.restore(source, _in_box(engine), configured(engine, key), now)
    finally:
        engine.dispose()


def _in_box(engine: Engine) -> Path:
    place = place_of(engine)
    if place is None:
        tool = _TOOLS.get(engine.dialect.name, "它自己的工具")
        raise StoreError(f"本地库在数据库服务器上，请用{tool}备份和恢复；密钥另行保存")
    return place


class Store:
    """Implements IntakeStore and OutboxStore on SQLAlchemy."""

    def __init__(self, engine: Engine, edition: Edition, prepared: Prepared, room: Room, timing: Timing) -> None:
        self._engine, self._edition, self.room, self._skew = engine, edition, room, timing.skew
        self.keyring, self.news = prepared.keyring, prepared.news

    @cached_property
    def rid(self) -> str:
        """The installation epoch that every record carries."""
        with reading(self._engine) as connection:
            return str(connection.execute(select(installation.c.rid)).scalar_one())

    @cached_property
    def people(self) -> People:
        """Who uses the web pages."""
        return People(self._engine)

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    # what intake asks

    def cursor(self, source: str, dataset: str, digest: str, targets: Collection[str] = ()) -> Cursor | None:
        """See IntakeStore."""
        with reading(self._engine) as connection:
            return cursors.load(connection, source, dataset, digest, targets)

    def ledger(self, institution: str, dataset: str, keys: Collection[str]) -> Mapping[str, LedgerEntry]:
        """See IntakeStore."""
        with reading(self._engine) as connection:
            return intake.entries(connection, institution, dataset, keys)

    def unserved(self, dataset: str, entries: Collection[LedgerEntry], targets: Collection[str]) -> Collection[tuple[str, str]]:
        """See IntakeStore."""
        if not entries:
            return ()
        with reading(self._engine) as connection:
            return deliveries.unserved(connection, dataset, entries, targets)

    def of_rows(self, source: str, dataset: str, refs: Collection[str]) -> Sequence[LedgerEntry]:
        """See IntakeStore."""
        with reading(self._engine) as connection:
            return voids.of_rows(connection, source, dataset, list(refs))

    def bodies(self, entries: Collection[LedgerEntry], dataset: str) -> Mapping[tuple[str, str], bytes]:
        """See IntakeStore."""
        with reading(self._engine) as connection:
            found = voids.bodies(connection, list(entries), dataset)
        versions = {(each.institution, each.key): each.version for each in entries}
        return {
            (institution, key): self.keyring.open(body, sealing.of_parcel(institution, dataset, key, versions[institution, key]))
            for (institution, key), body in found.items()
        }

    def accept(self, page: Intake) -> None:
        """See IntakeStore."""
        self.room.check()
        links = parents.links(self._edition, page)
        sealed = intake.sealed(page, self.keyring)

        def work(connection: Connection) -> None:
            intake.accept(connection, sealed, self.keyring)
            parents.hold_back(connection, links, page.targets, page.now)

        try:
            write(self._engine, work)
        except StoreError as error:
            if isinstance(error.__cause__, IntegrityError):  # both entered the key for the first time
                raise OutpacedError(str(error)) from error
            raise

    # what sweeping asks

    def missing(
        self, source: str, dataset: str, start: datetime, end: datetime, seen: Callable[[LedgerEntry], bool]
    ) -> Sequence[LedgerEntry]:
        """See SweepStore."""
        with reading(self._engine) as connection:
            return sweeps.missing(connection, source, dataset, start, end, seen)

    def count_live(self, source: str, dataset: str, start: datetime, end: datetime) -> int:
        """See SweepStore."""
        with reading(self._engine) as connection:
            return sweeps.count(connection, source, dataset, start, end)

    def note_missing(
        self, place: tuple[str, str], span: tuple[datetime, datetime], gone: Sequence[LedgerEntry], now: datetime
    ) -> None:
        """See SweepStore."""

        def work(connection: Connection) -> None:
            sweeps.note(connection, place, span, gone, now + self._skew(connection), SPACING)

        write_over(self._engine, work)

    def heirs(self, dataset: str, entries: Sequence[LedgerEntry]) -> Mapping[tuple[str, str], Sequence[Heir]]:
        """See SweepStore."""
        with reading(self._engine) as connection:
            return heirs.find(connection, dataset, entries) if entries else {}

    def hand_over(self, dataset: str, heirs_of: Mapping[LedgerEntry, Heir]) -> None:
        """See SweepStore."""
        if heirs_of:
            write(self._engine, lambda connection: heirs.hand_over(connection, dataset, heirs_of))

    def due_absences(self, source: str, dataset: str, looks: int, since: datetime) -> Sequence[Absence]:
        """See SweepStore."""
        with reading(self._engine) as connection:
            return sweeps.due(connection, source, dataset, looks, since + self._skew(connection))

    def sweep_done(self, source: str, dataset: str, tier: str) -> tuple[str, datetime] | None:
        """See SweepStore."""
        with reading(self._engine) as connection:
            return sweeps.finished(connection, source, dataset, tier)

    def finish_sweep(self, source: str, dataset: str, tier: str, now: datetime, done_to: str = "") -> None:
        """See SweepStore."""
        write_over(self._engine, lambda connection: sweeps.finish(connection, source, dataset, tier, done_to, now))

    def keep_reading(self, source: str, dataset: str, day: date, found: DayReading) -> None:
        """See SweepStore."""
        write_over(self._engine, lambda connection: readings.keep(connection, source, dataset, day, found))

    def reading_of(self, source: str, dataset: str, day: date) -> DayReading | None:
        """The rows that the cold tier saw of a day when it read it last; None: it did not."""
        with reading(self._engine) as connection:
            return readings.of(connection, source, dataset, day)

    def readings(self, source: str, dataset: str, digest: str) -> Mapping[date, datetime]:
        """Day -> when the cold tier read it last, by a profile of that digest."""
        with reading(self._engine) as connection:
            return readings.moments(connection, source, dataset, digest)

    def forget_readings(self, source: str, dataset: str, before: date) -> None:
        """See SweepStore."""
        write(self._engine, lambda connection: readings.forget(connection, source, dataset, before))

    def lags(self, source: str, dataset: str, since: date) -> Mapping[date, Mapping[int, int]]:
        """Day -> step of lookback -> rows that came so late."""
        with reading(self._engine) as connection:
            return sweeps.lags(connection, source, dataset, since)

    def brakes(self) -> Sequence[Brake]:
        """Everything that waits for a person."""
        with reading(self._engine) as connection:
            return brakes.engaged(connection)

    def withdrawn(self, source: str, dataset: str, now: datetime, within: timedelta) -> int:
        """See IntakeStore."""
        with reading(self._engine) as connection:
            return marked.withdrawn(connection, source, dataset, now, within)

    def allowed_marks(self, source: str, dataset: str, refs: Collection[str]) -> frozenset[str]:
        """See IntakeStore."""
        with reading(self._engine) as connection:
            return marked.allowed(connection, source, dataset, refs)

    def revisitable(self, source: str, dataset: str, before: datetime, complete: datetime | None = None) -> Sequence[str]:
        """Some rows set aside whose reason may be over by itself, or that a complete look begun at that time did not see."""
        with reading(self._engine) as connection:
            return revisits.due(connection, source, dataset, before, complete)

    def unseen(self, source: str, dataset: str, complete: datetime) -> Sequence[str]:
        """Some rows set aside that a complete look begun at that time did not see."""
        with reading(self._engine) as connection:
            return revisits.unseen(connection, source, dataset, complete)

    def forget(self, source: str, dataset: str, refs: Collection[str]) -> None:
        """These rows, set aside, are not at the site any more."""
        if refs:
            write(self._engine, lambda connection: revisits.forget(connection, source, dataset, refs))

    def engage(self, brake: Brake) -> None:
        """Stop it until a person looks."""
        if write_over(self._engine, lambda connection: brakes.engage(connection, brake)):
            changes.engaged(brake)

    def lift(self, source: str, dataset: str, kind: BrakeKind) -> None:
        """What stopped it is over by itself."""
        if write(self._engine, lambda connection: brakes.lift(connection, source, dataset, kind)):
            changes.lifted(source, dataset, kind)

    def release_brakes(
        self, source: str, dataset: str, seen: Mapping[BrakeKind, str], now: datetime | None = None
    ) -> Sequence[BrakeKind]:
        """A person looked: it may go on. `seen`: only what still says the sentence that was looked at."""
        kinds = write(self._engine, lambda connection: brakes.release(connection, source, dataset, seen, now or host()))
        for kind in kinds:
            changes.lifted(source, dataset, kind)
        return kinds

    def mark(self, source: str, dataset: str) -> tuple[Mark, datetime] | None:
        """The source's last fingerprint and when it was taken."""
        with reading(self._engine) as connection:
            return brakes.mark(connection, source, dataset)

    def save_mark(self, source: str, dataset: str, mark: Mark, now: datetime) -> None:
        """Keep the fingerprint for the next comparison."""
        write_over(self._engine, lambda connection: brakes.save_mark(connection, source, dataset, mark, now))

    # what uploading asks

    def recover(self, target: str, now: datetime) -> Sequence[Item]:
        """See OutboxStore."""
        with reading(self._engine) as connection:
            return leasing.recoverable(connection, self._edition.datasets, target, now + self._skew(connection))

    def lease(self, target: str, now: datetime, until: datetime) -> Batch | None:
        """See OutboxStore."""

        return self._lease(target, now, lambda connection: leasing.lease(connection, self._turn(connection, target, now, until)))

    def _turn(self, connection: Connection, target: str, now: datetime, until: datetime) -> leasing.Turn:
        skew = self._skew(connection)
        return leasing.Turn(self._edition, target, now + skew, until + skew)

    def _lease(self, target: str, now: datetime, work: Callable[[Connection], Batch | None]) -> Batch | None:
        while leased := write(self._engine, work):
            batch, other = outdated.parted(self._edition, leasing.opened(leased, self.keyring))
            if other:
                self._hold(target, leased, other, now)
            if batch.items:
                return batch
        return None

    def advance(self, target: str, ended: Ended | None, now: datetime, until: datetime) -> Batch | None:
        """See OutboxStore. Only what went well is written with the next lease: anything else may lock what others wait for."""
        smooth = ended if ended and ended.smooth else None
        if ended and not smooth:
            self.apply(ended.steps, now)
            self.note(target, ended.batch.institution, ended.report, now)

        turned: dict[str, Tripped] = {}

        def work(connection: Connection) -> Batch | None:
            turn = replace(self._turn(connection, target, now, until), sent=now)
            if smooth:
                turned.update((each.institution, each) for each in outbox.finish(connection, target, smooth, turn.now))
            return leasing.lease(connection, turn)

        batch = self._lease(target, now, work)
        for each in turned.values():
            changes.turned(each)
        return batch

    def _hold(self, target: str, leased: Batch, other: dict[int, str], now: datetime) -> None:
        """Hold what another edition made; if nothing of the batch is left, whatever it was to try is not tried."""

        def work(connection: Connection) -> None:
            skew = self._skew(connection)
            outdated.hold(connection, leased, other, now + skew)
            if len(other) == len(leased.items):
                breakers.unprobe(connection, target, leased.institution, now + skew)

        write(self._engine, work)

    def mark_sending(self, batch: Batch, now: datetime) -> str | None:
        """See OutboxStore."""
        return write(self._engine, lambda connection: _mark(connection, batch, now, self._skew(connection)))

    def apply(self, steps: Sequence[Step], now: datetime) -> None:
        """See OutboxStore."""
        if steps:
            write_over(self._engine, lambda connection: outbox.apply(connection, steps, now, self._skew(connection)))

    def passed(self, target: str, batch: Batch, since: datetime) -> bool:
        """See OutboxStore."""
        with reading(self._engine) as connection:
            return outbox.passed(connection, target, batch, since)

    def doubts(self, target: str, state: State, now: datetime, after: int) -> Sequence[Doubt]:
        """See OutboxStore."""
        with reading(self._engine) as connection:
            return ledger.doubts(connection, self._edition.datasets, target, state, now + self._skew(connection), after)

    def reserve(self, doubts: Sequence[Doubt], now: datetime, until: datetime) -> Sequence[Doubt]:
        """See OutboxStore."""

        def work(connection: Connection) -> Sequence[Doubt]:
            skew = self._skew(connection)
            return reservations.take(connection, doubts, now + skew, until + skew)

        return write(self._engine, work)

    def settled(self, target: str, after: int, extent: Extent = EVERYTHING) -> Sequence[Doubt]:
        """See OutboxStore."""
        with reading(self._engine) as connection:
            return ledger.settled(connection, self._edition.datasets, target, after, extent)

    def resend(self, doubts: Sequence[Doubt], now: datetime) -> Resent:
        """See OutboxStore."""

        def work(connection: Connection) -> Resent:
            return resending.resend(connection, self._edition, self.keyring, doubts, now + self._skew(connection))

        return write(self._engine, work)

    def depth(self, dataset: str) -> int:
        """See OutboxStore."""
        return parents.depth(self._edition, dataset)

    def record(self, doubt: Doubt) -> bytes:
        """See OutboxStore."""
        with reading(self._engine) as connection:
            return ledger.record(connection, doubt, self.keyring)

    def rebuild(self, target: str, findings: Sequence[tuple[Doubt, Holding]], now: datetime) -> None:
        """See OutboxStore."""
        rid = self.rid

        def work(connection: Connection) -> None:
            at = now + self._skew(connection)
            ledger.rebuild(connection, ledger.Rebuilding(target, rid, self.keyring, at), findings)

        write(self._engine, work)

    def release(self, batch: Batch, now: datetime) -> None:
        """See OutboxStore."""
        write(self._engine, lambda connection: leasing.release(connection, batch, now + self._skew(connection)))

    def note(self, target: str, institution: str, report: Report, now: datetime) -> None:
        """See OutboxStore."""
        with reading(self._engine) as connection:
            at = now + self._skew(connection)
            if breakers.unmoved(connection, target, institution, report, at):
                return
        for turned in write(self._engine, lambda connection: breakers.note(connection, target, institution, report, at)):
            changes.turned(turned)

    def platform_clock(self, target: str) -> PlatformClock | None:
        """What the latest replies say of a target's clock; None before the first."""
        with reading(self._engine) as connection:
            return clocks.known(connection, target)

    def note_clock(self, target: str, heard: Sequence[timedelta], now: datetime) -> None:
        """By how much a target's clock was ahead in its latest replies."""
        if clocks.worth_noting(self.platform_clock(target), heard, now):
            write(self._engine, lambda connection: clocks.note(connection, target, heard, now))

    def calls_left(self, target: str, rate: int, now: datetime) -> bool:
        """Whether another call of a target is allowed in this minute."""
        with reading(self._engine) as connection:
            return pace.left(connection, target, rate, now + self._skew(connection))

    def take_call(self, target: str, rate: int, now: datetime) -> bool:
        """Count one; False: there is none left, and none was counted."""
        return write(self._engine, lambda connection: pace.take(connection, target, rate, now + self._skew(connection)))

    # what lateness and declarations are told by

    def interrupted(self, place: Place, kind: Hindrance, cause: str, now: datetime) -> None:
        """Something could not be had."""
        if write(self._engine, lambda connection: interruptions.note(connection, place, kind, cause, now)):
            changes.interrupted(place, kind, cause)

    def restored(self, place: Place, now: datetime) -> None:
        """It can be had; nothing is written where nothing was interrupted."""
        with reading(self._engine) as connection:
            if not interruptions.lasting(connection, place):
                return
        write(self._engine, lambda connection: interruptions.over(connection, place, now))
        changes.restored(place)

    def interruptions(self, start: datetime, end: datetime) -> Sequence[Interruption]:
        """Those that touch [start, end), in the order they began."""
        with reading(self._engine) as connection:
            return interruptions.between(connection, start, end)

    def tracks(self, target: str, after: datetime, until: datetime, dataset: str = "") -> Iterator[Track]:
        """Every record due in (after, until] at a target, with its history; in bounded memory. `dataset`: only of this one."""
        return tracks.tracks(self._engine, target, after, until, dataset)

    def waiting(self, source: str, dataset: str, span: tuple[datetime, datetime]) -> Sequence[Waiting]:
        """Rows set aside that were never sent, of a span of business time."""
        with reading(self._engine) as connection:
            return list(asides.waiting(connection, source, dataset, span))

    def crowds(self, source: str, dataset: str, span: tuple[datetime, datetime]) -> Sequence[Crowd]:
        """How many they are, by institution and minute of business time."""
        with reading(self._engine) as connection:
            return asides.crowds(connection, source, dataset, span)

    def deliveries(self, dataset: str, keys: Collection[str] | None = None) -> Sequence[Progress]:
        """How far every record of a data set of few rows has come, or those of some keys."""
        with reading(self._engine) as connection:
            return standing.deliveries(connection, dataset, keys)

    # what manifests are stated by

    @cached_property
    def installed_at(self) -> datetime:
        """When the store was made: of days before it nothing is stated by itself."""
        with reading(self._engine) as connection:
            found: datetime = connection.execute(select(installation.c.created_at)).scalar_one()
            return found

    def whereabouts(self, source: str, dataset: str, refs: Collection[str], targets: Collection[str]) -> Sequence[Whereabouts]:
        """Where these rows stand; one that was never taken in is missing."""
        with reading(self._engine) as connection:
            return manifests.of_rows(connection, source, dataset, sorted(refs), targets)

    def whereabouts_of_day(
        self, source: str, dataset: str, span: tuple[datetime, datetime], targets: Collection[str]
    ) -> Sequence[Whereabouts]:
        """Where the records of a span of business time stand, whether their rows are still there or not."""
        with reading(self._engine) as connection:
            return manifests.of_day(connection, source, dataset, span, targets)

    def set_aside_of_day(self, source: str, dataset: str, span: tuple[datetime, datetime]) -> Sequence[Whereabouts]:
        """The rows set aside, never sent, whose business time lies in a span; of one without such a time nobody can say."""
        with reading(self._engine) as connection:
            return manifests.set_aside(connection, source, dataset, span)

    def held(self, dataset: str, span: tuple[datetime, datetime], targets: Collection[str]) -> Sequence[Held]:
        """What each target accepted as the newest of a key, of what happened in the span."""
        with reading(self._engine) as connection:
            return manifests.held(connection, dataset, span, targets)

    def statements(self, dataset: str, day: date) -> Sequence[Statement]:
        """Every manifest of a data set's business day, by institution, oldest first."""
        with reading(self._engine) as connection:
            return manifests.of(connection, dataset, day)

    def statements_between(self, institution: str, first: date, last: date) -> Sequence[Statement]:
        """Every manifest of an institution's business days; by data set and day, oldest first."""
        with reading(self._engine) as connection:
            return manifests.between(connection, institution, first, last)

    def revoked_zeros(self, since: datetime) -> Sequence[Statement]:
        """The zeros that turned out to be none since then."""
        with reading(self._engine) as connection:
            return manifests.revoked(connection, since)

    def stated_looks(self, dataset: str, since: date) -> Mapping[tuple[str, date], datetime]:
        """(institution, business day) -> when its manifest was made, or last found to be still so."""
        with reading(self._engine) as connection:
            return manifests.looks(connection, dataset, since)

    def keep_statements(self, said: Sequence[Statement]) -> None:
        """Manifests that were queued."""

        def work(connection: Connection) -> None:
            for each in said:
                manifests.keep(connection, each)

        if said:
            write_over(self._engine, work)

    def statements_stand(self, dataset: str, day: date, institutions: Sequence[str], now: datetime) -> None:
        """Looked at again, their manifests of the day say what is so."""
        if institutions:
            write(self._engine, lambda connection: manifests.looked(connection, dataset, day, institutions, now))

    def revoke(self, said: Statement, now: datetime, by: str) -> None:
        """A zero that was none."""
        write(self._engine, lambda connection: manifests.revoke(connection, said, now, by))

    def beat(self, name: str, now: datetime) -> datetime | None:
        """A sign of life; returns the one before."""
        return write(self._engine, lambda connection: interruptions.beat(connection, name, now))

    def backlogs(self, target: str) -> Mapping[str, Backlog]:
        """What waits for a target, by institution."""
        with reading(self._engine) as connection:
            return standing.backlogs(connection, target)

    def draw(self) -> int:
        """The next number of this installation; no other worker gets the same."""
        return write(self._engine, leasing.draw)

    def add_interruption(self, found: Interruption) -> None:
        """One that was noticed when it was over."""
        write(self._engine, lambda connection: interruptions.add(connection, found))

    # what alarms, metrics and health ask

    def owed(self, targets: Collection[str], now: datetime, horizons: Collection[timedelta]) -> Sequence[Owed]:
        """Everything on its way to these targets, in groups of alike ones."""
        with reading(self._engine) as connection:
            return situations.owed(connection, targets, now, horizons)

    def oldest(self, target: str) -> datetime | None:
        """When what waits longest for a target was taken in."""
        with reading(self._engine) as connection:
            return situations.oldest(connection, target)

    def rejected(self, targets: Collection[str]) -> Mapping[tuple[str, str], int]:
        """(target, data set) -> rows whose newest version was sent back."""
        with reading(self._engine) as connection:
            return situations.rejected(connection, targets)

    def aside_counts(self) -> Mapping[tuple[str, str, AsideState], int]:
        """(source, data set, state) -> rows set aside."""
        with reading(self._engine) as connection:
            return situations.asides(connection)

    def rhythm(self, now: datetime) -> Counts:
        """When rows came in the last weeks."""
        with reading(self._engine) as connection:
            return rhythms.counts(connection, now)

    def beaten(self, name: str) -> datetime | None:
        """The last sign of life under that name."""
        with reading(self._engine) as connection:
            return situations.beaten(connection, name)

    def made(self) -> tuple[datetime, int]:
        """When the store was made, and the version of its tables."""
        with reading(self._engine) as connection:
            return situations.made(connection)

    def look(self, found: Sequence[Alarm], now: datetime) -> Sequence[Notice]:
        """Keep what a look found; returns every alarm that is kept."""
        write_over(self._engine, lambda connection: alarms.look(connection, found, now))
        return self.notices()

    def notices(self) -> Sequence[Notice]:
        """Every alarm that is kept, also those that are over."""
        with reading(self._engine) as connection:
            return alarms.kept(connection)

    def claim(self, notices: Sequence[Notice], now: datetime, until: datetime) -> Sequence[Notice]:
        """Those of them that nobody else is telling: ours until then."""
        return write(self._engine, lambda connection: alarms.claim(connection, notices, now, until))

    def told(self, notices: Sequence[Notice], now: datetime) -> None:
        """A message named them."""
        write(self._engine, lambda connection: alarms.told(connection, notices, now))

    def untold(self, notices: Sequence[Notice], until: datetime) -> None:
        """No channel took the message: not before then."""
        write(self._engine, lambda connection: alarms.untold(connection, notices, until))

    def know(self, kind: str, place: str | None, now: datetime) -> int:
        """A person knows of it: not told again while it lasts; returns how many."""
        return write(self._engine, lambda connection: alarms.know(connection, kind, place, now))

    def note_channel(self, name: str, cause: str, now: datetime) -> timedelta:
        """How a message fared on a channel; returns how long to wait before the next try."""
        return write_over(self._engine, lambda connection: alarms.note_channel(connection, name, cause, now))

    def failing_channels(self) -> Mapping[str, tuple[int, datetime, str]]:
        """Channel -> failures in a row, the last try, its cause."""
        with reading(self._engine) as connection:
            return alarms.failing(connection)

    # what upkeep asks

    def shred(self, keep: timedelta, now: datetime) -> int:
        """Empty the bodies that every target took longer ago than `keep`; returns how many."""
        return retention.shred(self._engine, keep, now)

    def back_up(self, to: Path) -> Copy:
        """Copy the store to a new file while others use it; the copy is verified."""
        return backup.back_up(_in_box(self._engine), to, self.keyring)

    @property
    def in_box(self) -> bool:
        """Whether it is a file, which this program can back up."""
        return place_of(self._engine) is not None

    def usage(self, now: datetime) -> Usage:
        """How much room the store takes."""
        with reading(self._engine) as connection:
            return usage.usage(connection, now)

    # what a person asks

    def unknown(self, target: str, dataset: str, key: str) -> Sequence[Doubt]:
        """Items of unknown outcome of one key."""
        with reading(self._engine) as connection:
            return ledger.unknown(connection, self._edition.datasets, target, dataset, key)

    def requeue(self, sieve: Sieve, now: datetime) -> int:
        """Send once more what a target rejected; returns how many rows."""
        datasets = self._edition.datasets
        return write(self._engine, lambda connection: requeueing.requeue(connection, datasets, sieve, now + self._skew(connection)))

    def resume(self, target: str) -> int:
        """Wait for nothing any longer; returns how many rows waited."""
        return write(self._engine, lambda connection: requeueing.resume(connection, target))

    def find(self, sought: Sought) -> Sequence[RowTrail]:
        """The rows that a number names, each with its whole way."""
        with reading(self._engine) as connection:
            return whereabouts.find(connection, sought)

    def awaited(self, target: str) -> Sequence[Awaited]:
        """What is held until a record above it is accepted."""
        with reading(self._engine) as connection:
            return parents.awaiting(connection, target)

    def tripped(self, target: str) -> Sequence[Tripped]:
        """Where sending is cut off for a while."""
        with reading(self._engine) as connection:
            return breakers.tripped(connection, target)

    def standings(self, routes: Sequence[Route]) -> list[Standing]:
        """Where every row ever read stands, per route."""
        with reading(self._engine) as connection:
            return standing.standings(connection, routes)

    def queue(self, target: str) -> Queue:
        """What waits for a target."""
        with reading(self._engine) as connection:
            return standing.queue(connection, target)

    def grievances(self) -> list[Grievance]:
        """Why rows are set aside or were sent back."""
        with reading(self._engine) as connection:
            return standing.grievances(connection)

    def findings(self, wanted: TaskFilter) -> Sequence[Finding]:
        """Rows that a person must mend; owner and deadline are not asked for here."""
        with reading(self._engine) as connection:
            return worklist.find(connection, wanted)

    def ages(self, wanted: TaskFilter, *, kinds: bool = True) -> Sequence[Age]:
        """How many of them there are, by institution, hour and, where asked, kind."""
        with reading(self._engine) as connection:
            return worklist.ages(connection, wanted, kinds=kinds)

    def findings_by_age(self, wanted: TaskFilter, until: datetime | None, start: int, size: int) -> Sequence[Finding]:
        """Some of them, those first that are wrong since longest; `until`: only those that were so before."""
        with reading(self._engine) as connection:
            return worklist.by_age(connection, wanted, until, start, size)

    def complaints(self, rows: Collection[LocalRow]) -> Mapping[LocalRow, Sequence[Complaint]]:
        """What is said of each of these rows now."""
        with reading(self._engine) as connection:
            return worklist.complaints(connection, self.keyring, rows)

    def note_history(self, row: LocalRow) -> Sequence[TaskNote]:
        """Who had a row and what was said of it, oldest first."""
        with reading(self._engine) as connection:
            return worklist.history(connection, row)

    def write_notes(self, entries: Mapping[LocalRow, TaskNote]) -> None:
        """Add an entry to the history of each row."""
        if entries:
            write(self._engine, lambda connection: worklist.write_notes(connection, entries))

    def departments(self) -> Sequence[str]:
        """Those that have something to mend."""
        with reading(self._engine) as connection:
            return worklist.departments(connection)

    def quality(self, route: Route, start: datetime, end: datetime) -> Sequence[Quality]:
        """First-pass and final quality of each business date in [start, end)."""
        with reading(self._engine) as connection:
            return quality.quality(connection, route, start, end)


def _mark(connection: Connection, batch: Batch, now: datetime, skew: timedelta) -> str | None:
    """A fresh message id and the state, together; without the lease, neither."""
    msgid = leasing.next_message(connection, batch.institution, now)
    if leasing.mark_sending(connection, batch, msgid, now + skew):
        return msgid
    connection.rollback()
    return None
