"""Path 1a: source row -> validated record -> outbox and ledger, or set aside with every reason (DESIGN.md §4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from gateway import lookback
from gateway.errors import OutpacedError, StoppedError
from gateway.failpoints import reach
from gateway.judging import Judge, Judged, kept_ref
from gateway.model import AsideState, Cursor, Intake, Page, Reading, SourceRow, Tally
from gateway.ports import IntakeStore, KeyedSource, RecordSource
from gateway.restraint import Restraint
from gateway.sorting import compare
from gateway.voiding import Guards
from schemas.model import Violation
from schemas.wire import SHANGHAI

_Lookup = Callable[[Collection[str]], Sequence[SourceRow]]
_Change = tuple[str, str, int]  #: ref, key, version

#: of a row that a page shows and its own number does not find
VANISHED = Violation("", "vanished", "读到之后按行号又查不到：多半正在删改；一直如此，是适配包的 lookup 查询写错了")

#: most rows of one look-up
_AT_ONCE = 200
#: how often a page is compared again because another reader was faster
_TRIES = 5
#: most rows before the cursor that are read again
_OVERLAP_ROWS = 2000
#: so far the site's clock may be ahead of ours
_CLOCKS = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Manner:
    """How the hot tier reads: what it looks at once more, because rows become visible out of order, and how far it goes."""

    overlap: timedelta = timedelta(seconds=120)  #: so far before the cursor
    since: datetime | None = None  #: rows changed after it are counted by how late they came
    guards: Guards = field(default_factory=Guards)
    stop: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class Look:
    """What the pages of one look at a data set have in common."""

    targets: tuple[str, ...]
    restraint: Restraint
    since: datetime | None = None  #: as of `Manner`; None: not counted
    stop: Callable[[], bool] = lambda: False  #: whether to end before the next page
    resumes: bool = False  #: a cursor stands in the store by now, or a person has released a brake


def accept(
    source: RecordSource,
    judge: Judge,
    store: IntakeStore,
    *,
    targets: tuple[str, ...],
    clock: Callable[[], datetime],
    page_size: int = 500,
    from_start: bool = False,
    manner: Manner | None = None,
) -> Tally:
    """Read what is new at the source and put it in the outbox.

    1. Read from a little before the cursor (a rescanning source, or `from_start`, reads everything): a row may become
       visible after others with a later change time. The adapter has mapped it.
       So does a target that is new in the configuration: whatever it was never given is queued for it.
    2. Judge each row. A bad one is set aside with every reason; the rest go on.
    3. Compare with the ledger: new content is the next version, known content is unchanged.
    4. In one transaction: which rows were seen, outbox, ledger, rows set aside, cursor.

    A crash before 4 means the page is read again; the ledger makes that harmless. StoppedError when asked to end.
    """
    rescan = from_start or source.reading is Reading.RESCAN
    after = None if rescan else store.cursor(source.name, source.dataset, source.digest, targets)
    manner = manner or Manner()
    restraint = Restraint(store, source.name, source.dataset, manner.guards)
    total, look, saved = Tally(), Look(targets, restraint, manner.since, manner.stop), after is not None
    for page in _pages(source, after, page_size, manner.overlap):
        reach("after_read")
        now = clock()
        moved = page.cursor if (after is None or page.cursor.follows(after)) and not _ahead(page.cursor, now) else None
        _, tally = take_in(source, judge, store, page.rows, moved, replace(look, resumes=saved), now)
        saved = saved or moved is not None
        total += tally
    return total


def _ahead(cursor: Cursor, now: datetime) -> bool:
    """Whether a change time lies in the future: a slip of the site, after which nothing would ever be new again."""
    if cursor.time is None:
        return False
    today = now if cursor.time.tzinfo else now.astimezone(SHANGHAI).replace(tzinfo=None)
    return cursor.time > today + _CLOCKS


def _pages(source: RecordSource, after: Cursor | None, size: int, overlap: timedelta) -> Iterator[Page]:
    """The overlap and what lies after it; a bulk load inside the overlap is not read again and again."""
    if after is None:
        yield from source.pages(None, size)
        return
    again = 0
    for page in source.pages(source.earlier(after, overlap), size):
        yield page
        again += len(page.rows)
        if again >= _OVERLAP_ROWS and not page.cursor.follows(after):
            yield from source.pages(after, size)
            return


def take_in(
    source: RecordSource,
    judge: Judge,
    store: IntakeStore,
    rows: Sequence[SourceRow],
    cursor: Cursor | None,
    look: Look,
    now: datetime,
) -> tuple[list[Judged], Tally]:
    """Judge, compare and store some rows; how late new ones are is counted if they changed after we began.

    Compared again if another reader of the same rows (window, backfill) was faster. It may also have read later than we did:
    what would change a known key is looked up after the ledger was asked, or an old content would follow a newer one.
    """
    if look.stop():
        raise StoppedError("按要求停止读取：已读的都已存好，其余下次接着读")
    judged = [judge.judge(row, now) for row in rows]
    sighted = tuple(sorted({kept_ref(row.ref) for row in rows}))
    lookup = source.lookup if isinstance(source, KeyedSource) and source.sweeps else None
    confirmed: frozenset[_Change] = frozenset()

    def compared() -> tuple[Intake, Tally]:
        intake, tally = compare(source, judge, store, judged, cursor, look.targets, now, look.restraint.held)
        lags = _lags(judged, intake, look.since, now) if look.since else {}
        return replace(intake, sighted=sighted, lags=lags, resumes=look.resumes), tally

    for tries in range(1, _TRIES + 1):
        intake, tally = compared()
        while lookup and (changes := _changes(intake)) - confirmed:
            judged, confirmed = _read_again(lookup, judge, judged, {ref for ref, _, _ in changes}, now), changes
            intake, tally = compared()
        try:
            reach("before_accept")
            store.accept(intake)
            reach("after_accept")
        except OutpacedError:
            if tries == _TRIES:
                raise
        else:
            return judged, tally
    raise AssertionError("unreachable")


def _changes(intake: Intake) -> frozenset[_Change]:
    """What the page would say anew of keys that are known."""
    later = (each for each in intake.parcels if each.version > 1)
    return frozenset((each.ref, each.key, each.version) for each in (*later, *intake.voids))


def _read_again(lookup: _Lookup, judge: Judge, judged: Sequence[Judged], refs: set[str], now: datetime) -> list[Judged]:
    """The page with these rows as they read now. One that is not found any more waits: deleted meanwhile, or a faulty look-up."""
    asked = sorted(refs)
    chunks = (asked[start : start + _AT_ONCE] for start in range(0, len(asked), _AT_ONCE))
    fresh = [judge.judge(row, now) for chunk in chunks for row in lookup(chunk)]
    found = {each.row.ref for each in fresh}
    gone = {each.row.ref: each for each in judged if each.row.ref in refs - found}
    waiting = [replace(each, record={}, aside=AsideState.QUARANTINED, reasons=(VANISHED,)) for each in gone.values()]
    return [each for each in judged if each.row.ref not in refs] + fresh + waiting


def _lags(judged: Sequence[Judged], intake: Intake, since: datetime, now: datetime) -> dict[int, int]:
    """How late the rows are that were never sent before."""
    new = {parcel.ref for parcel in intake.parcels if parcel.version == 1}
    times = (each.row.changed_at for each in judged if each.row.ref in new)
    return dict(Counter(lookback.step(now - time) for time in times if time and time >= since))
