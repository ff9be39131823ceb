"""The work list as its users see it: which tasks there are, who has them, and trying them once more. Prints nothing.

The console's pages and the commands of `gateway todo` are built on these functions alone.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from gateway import worklist
from gateway.deadlines import NEVER
from gateway.errors import SourceError
from gateway.judging import Judge
from gateway.standing import Sieve
from gateway.wiring import Feed, Gateway
from gateway.worklist import Age, Finding, LocalRow, Replayed, Stack, Task, TaskFilter, TaskKind, TaskNote, TaskPage

#: most rows of one look-up, and of one statement
_AT_ONCE = 200
#: rows that are asked for one by one rather than among all of their data set
_FEW = 20
_HOUR = timedelta(hours=1)
_Due = tuple[Finding, datetime | None]


def tasks(gateway: Gateway, wanted: TaskFilter, start: int = 0, size: int = 50) -> TaskPage:
    """`size` of the tasks that fit, from the `start`th on, soonest deadline first. With a `size` of 0 only how many they are."""
    if not wanted.owner and worklist.by_day(gateway.edition, gateway.closures.values()):
        return _counted(gateway, wanted, start, size)
    found, now = _found(gateway, wanted), gateway.clock()
    page = _told(gateway, found[start : start + size])
    overdue = sum(due is not None and due < now for _, due in found)
    return TaskPage(tuple(page), len(found), overdue, Counter(each.kind for each, _ in found))


def _counted(gateway: Gateway, wanted: TaskFilter, start: int, size: int) -> TaskPage:
    """The same where a deadline is a matter of the day: the database counts, and only the page's rows are read."""
    now, until = gateway.clock(), None
    ages = [(each, _deadline(gateway, each)) for each in gateway.store.ages(wanted, kinds=size > 0)]
    if wanted.due_within is not None:
        ages = [(each, due) for each, due in ages if due is not None and due - now <= wanted.due_within]
        until = max((each.since + _HOUR for each, _ in ages), default=None)
    total = sum(each.rows for each, _ in ages)
    found = gateway.store.findings_by_age(wanted, until, start, size) if size and total else ()
    kinds: Counter[TaskKind] = Counter()
    for each, _ in ages:
        kinds[each.kind] += each.rows
    overdue = sum(each.rows for each, due in ages if due is not None and due < now)
    return TaskPage(tuple(_told(gateway, [(each, _deadline(gateway, each)) for each in found])), total, overdue, kinds)


def every(gateway: Gateway, wanted: TaskFilter) -> Iterator[Task]:
    """All that fit, in the same order; their contents are not held together."""
    yield from _each(gateway, _found(gateway, wanted))


def stacks(gateway: Gateway, wanted: TaskFilter) -> list[Stack]:
    """All that fit by department; their contents are not held together."""
    now, by_department = gateway.clock(), defaultdict[str, list[_Due]](list)
    for each in _found(gateway, wanted):
        by_department[each[0].department].append(each)
    return [_stack(gateway, department, found, now) for department, found in by_department.items()]


def _stack(gateway: Gateway, department: str, found: Sequence[_Due], now: datetime) -> Stack:
    late = sum(due is not None and due <= now for _, due in found)
    return Stack(department, Counter(each.kind for each, _ in found), late, _each(gateway, found))


def _each(gateway: Gateway, found: Sequence[_Due]) -> Iterator[Task]:
    for start in range(0, len(found), _AT_ONCE):
        yield from _told(gateway, found[start : start + _AT_ONCE])


def task(gateway: Gateway, row: LocalRow) -> Task | None:
    """The task of a row; None if nothing is wrong with it."""
    return next(every(gateway, TaskFilter(row=row)), None)


def history(gateway: Gateway, row: LocalRow) -> Sequence[TaskNote]:
    """Who had a row and what was said of it, oldest first; those of earlier tasks too."""
    return gateway.store.note_history(row)


def assign(gateway: Gateway, wanted: TaskFilter, owner: str, by: str) -> int:
    """Say who sees to these tasks, "" for nobody; returns how many. ConfigError if it is no name."""
    worklist.checked_owner(owner)
    return _write(gateway, wanted, by, lambda entry: replace(entry, owner=owner))


def annotate(gateway: Gateway, wanted: TaskFilter, note: str, by: str) -> int:
    """Say something of these tasks; returns how many. ConfigError if a person's number is in it."""
    worklist.checked_note(note)
    return _write(gateway, wanted, by, lambda entry: replace(entry, note=note))


def rehearse(gateway: Gateway, wanted: TaskFilter) -> Replayed:
    """What `replay` would do; nothing is changed. That another row has the same key is not seen here.

    Rows that were only sent back are not looked up: which of them have other content by now is told by the replay itself.
    """
    found = [each for each, _ in _found(gateway, wanted)]
    wrong = [each for each in found if each.kind is not TaskKind.RETURNED]
    looked = [_rehearsed(gateway, feed, rows) for feed, rows in _by_feed(gateway, wrong)]
    requeued = sum(len(each.targets) for each in found if each.kind is TaskKind.RETURNED)
    return sum(looked, Replayed(requeued=requeued, unreadable=_unreachable(gateway, wrong)))


def replay(gateway: Gateway, wanted: TaskFilter) -> Replayed:
    """Look the rows of these tasks up at their sources and judge them again; send once more what stays sent back.

    1. Each row is looked up by its number and taken in as any other: one that is right now is released, one with other
       content becomes the next version.
    2. What a target sent back and is unchanged at the source goes out again as it is: see `gateway requeue`.
    """
    before = [each for each, _ in _found(gateway, wanted)]
    judged = [each for each in before if each.kind is not TaskKind.RETURNED]
    total = Replayed(unreadable=_unreachable(gateway, judged))
    for feed, rows in _by_feed(gateway, before):
        total += _looked_up(gateway, feed, rows)
    still = _still(gateway, before)
    wrong = {each.row for each in still if each.kind is not TaskKind.RETURNED}
    right = sum(each.row not in wrong for each in judged)
    requeued = sum(gateway.store.requeue(sieve, gateway.clock()) for sieve in _sieves(still))
    return replace(total, right=right, requeued=requeued)


def _found(gateway: Gateway, wanted: TaskFilter) -> list[_Due]:
    now = gateway.clock()
    due = ((each, _deadline(gateway, each)) for each in gateway.store.findings(wanted))
    fitting = [(each, until) for each, until in due if wanted.holds(each, until, now)]
    return sorted(fitting, key=lambda pair: (pair[1] or datetime.max.replace(tzinfo=now.tzinfo), pair[0].since, pair[0].row))


def _deadline(gateway: Gateway, found: Finding | Age) -> datetime | None:
    return worklist.deadline(gateway.edition, found.since, gateway.closures.get(found.institution, NEVER))


def _told(gateway: Gateway, found: Sequence[_Due]) -> list[Task]:
    said = gateway.store.complaints([each.row for each, _ in found])
    feeds = _feeds(gateway)

    def columns(source: str, dataset: str, path: str) -> tuple[str, ...]:
        feed = feeds.get((source, dataset))
        return feed.source.filled_by(path) if feed else ()

    datasets = gateway.edition.datasets
    return [worklist.task(each, due, said[each.row], datasets.get(each.row.dataset), columns) for each, due in found]


def _write(gateway: Gateway, wanted: TaskFilter, by: str, change: Callable[[TaskNote], TaskNote]) -> int:
    """An entry is never older than its task: the task may have begun by the clock of another machine."""
    now = gateway.clock()
    entries: dict[LocalRow, TaskNote] = {}
    for each, _ in _found(gateway, wanted):
        known = each.current
        entry = TaskNote(known.owner if known else "", known.note if known else "", max(now, each.since), by)
        entries[each.row] = change(entry)
    gateway.store.write_notes(entries)
    return len(entries)


def _feeds(gateway: Gateway) -> dict[tuple[str, str], Feed]:
    return {(feed.source.name, feed.source.dataset): feed for feed in gateway.feeds}


def _by_feed(gateway: Gateway, found: Collection[Finding]) -> Iterator[tuple[Feed, list[str]]]:
    """Rows that can be looked up, as many at once as may be."""
    refs: dict[tuple[str, str], list[str]] = defaultdict(list)
    for each in found:
        refs[each.row.source, each.row.dataset].append(each.row.ref)
    for place, feed in _feeds(gateway).items():
        rows = refs.get(place, []) if feed.source.sweeps else []
        for start in range(0, len(rows), _AT_ONCE):
            yield feed, rows[start : start + _AT_ONCE]


def _unreachable(gateway: Gateway, found: Collection[Finding]) -> tuple[str, ...]:
    """A sentence for every source of which no row can be looked up."""
    feeds = _feeds(gateway)
    places = sorted({(each.row.source, each.row.dataset) for each in found})
    told = "来源 {0} 的 {1} 没有按行号查的查询（lookup）或已不在配置里，不能逐行重查；请改用 gateway run --once --from-start"
    return tuple(told.format(*place) for place in places if place not in feeds or not feeds[place].source.sweeps)


def _rehearsed(gateway: Gateway, feed: Feed, refs: Sequence[str]) -> Replayed:
    judge = Judge(gateway.edition, feed.source.dataset, gateway.store.rid, gateway.closures)
    try:
        judged = [judge.judge(row, gateway.clock()) for row in feed.source.lookup(refs)]
    except SourceError as error:
        return Replayed(unreadable=(str(error),))
    right = sum(each.aside is None for each in judged)
    return Replayed(looked=len(refs), right=right, absent=len(set(refs) - {each.row.ref for each in judged}))


def _looked_up(gateway: Gateway, feed: Feed, refs: Sequence[str]) -> Replayed:
    try:
        judged, _ = gateway.reader(feed).look(refs)
    except SourceError as error:
        return Replayed(unreadable=(str(error),))
    return Replayed(looked=len(refs), absent=len(set(refs) - {each.row.ref for each in judged}))


def _still(gateway: Gateway, before: Collection[Finding]) -> list[Finding]:
    """Those that are wrong now too, as they are now."""
    rows = {each.row for each in before}
    if len(rows) <= _FEW:
        return [each for row in sorted(rows) for each in gateway.store.findings(TaskFilter(row=row))]
    places = {(row.source, row.dataset) for row in rows}
    found = (each for place in sorted(places) for each in gateway.store.findings(TaskFilter(*place)))
    return [each for each in found if each.row in rows]


def _sieves(found: Collection[Finding]) -> Iterator[Sieve]:
    """The deliveries that go out again as they are: not those of rows that are wrong at the site."""
    keys: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for each in found:
        for target in each.targets if each.kind is TaskKind.RETURNED else ():
            keys[target, each.institution, each.row.dataset].append(each.key)
    for (target, institution, dataset), of_one in keys.items():
        for start in range(0, len(of_one), _AT_ONCE):
            yield Sieve(target, institution, dataset, keys=tuple(of_one[start : start + _AT_ONCE]))
