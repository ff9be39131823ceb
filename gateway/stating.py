"""The daily manifests (OP01): a business day is read, what is new in it is taken in, and where every row stands is stated.

So a manifest is also the day's reconciliation of the site's database with our store. It is a record like any other; its next
version goes out when its figures or its digest have changed, and a zero that was none is revoked. Yesterday is read for it; of
an older day the cold tier reads every row each night anyway, and it is stated by that reading (ADR 0018).
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from enum import Enum, auto
from typing import Any

import orjson
import structlog

from gateway import redaction
from gateway.errors import ConfigError, GatewayError, NowhereError, StoppedError, StoreError
from gateway.judging import kept_ref
from gateway.manifest import READ, DayReading, Held, Statement, Whereabouts, figures, live_everywhere
from gateway.model import AsideState, Cursor, SourceRow
from gateway.ownrecords import Own, queue
from gateway.tiers import span_of
from gateway.wiring import Feed, Gateway
from jobs.timetable import Job
from schemas import wire
from schemas.manifest import CODE, Entry, digest
from schemas.wire import SHANGHAI

#: under which the store keeps them; no name that a site would give a source of its own
SOURCE = "gateway:manifest"
#: how often it is asked whether a day is to be stated
_LOOK = 600
#: rows that a revocation names
_NAMED = 3
_LONGEST = 40
#: manifests taken in by one transaction
_AT_ONCE = 200
#: so long `gateway status` tells of a revocation
_TOLD = timedelta(days=7)
#: so long the cold tier may have missed a day that was stated; then it is read for its manifest
_MISSED = timedelta(days=2)
_NEVER = datetime.min.replace(tzinfo=SHANGHAI)
_log = structlog.get_logger()
_Stop = Callable[[], bool]


@dataclass
class Day:
    """What was found of one data set's business day: of each institution, where its rows and its records stand."""

    dataset: str
    day: date
    taken_at: datetime
    targets: dict[str, tuple[str, ...]] = field(default_factory=dict)  #: institution -> who is to have it
    read: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    rows: dict[str, list[Whereabouts]] = field(default_factory=lambda: defaultdict(list))  #: those that were read
    records: dict[str, list[Whereabouts]] = field(default_factory=lambda: defaultdict(list))  #: those of the ledger
    asked: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))  #: what the sources were asked, as digests
    counted: set[str] = field(default_factory=set)  #: institutions of which the store was counted, not the source


class By(Enum):
    """What a day is told by."""

    SITE = auto()  #: the sources are asked now
    NIGHT = auto()  #: what the cold tier read of it last; a source that it did not read is asked
    STORE = auto()  #: only what the store knows


def find(gateway: Gateway, dataset: str, day: date, stop: _Stop = lambda: False, *, by: By = By.SITE, whole: bool = False) -> Day:
    """See where the rows of the day stand. SourceError if a source that has to be asked cannot be read.

    `whole`: with the records of the ledger too, whether their rows are there or not.
    """
    feeds = _feeds(gateway, dataset)
    asked = [feed for feed in feeds if feed.source.sweeps and by is not By.STORE]
    readings = {feed.source.name: _reading(gateway, feed, day, stop, by) for feed in asked}
    now = gateway.clock()
    moments = [each.read_at for each in readings.values() if by is By.NIGHT]  # what came since is not in it
    found = Day(dataset, day, min(moments, default=now))
    for feed in feeds:
        known = readings.get(feed.source.name)
        _take(gateway, found, feed, known.rows if known else None, whole=whole)
    return found


def _reading(gateway: Gateway, feed: Feed, day: date, stop: _Stop, by: By) -> DayReading:
    source = feed.source
    kept = gateway.store.reading_of(source.name, source.dataset, day) if by is By.NIGHT else None
    if kept and kept.digest == source.digest:
        return kept
    rows = _read(gateway, feed, day, stop)
    return DayReading(gateway.clock(), source.digest, rows)


def _read(gateway: Gateway, feed: Feed, day: date, stop: _Stop) -> dict[str, str]:
    """ref -> institution of every row of the day, all taken in by now."""
    found: dict[str, str] = {}

    def note(rows: Sequence[SourceRow]) -> None:
        found.update((kept_ref(row.ref), row.institution) for row in rows)

    gateway.reader(feed, stop).day(day, note)
    return found


def _take(gateway: Gateway, found: Day, feed: Feed, refs: Mapping[str, str] | None, *, whole: bool) -> None:
    """Where one source's rows are. `refs`: those that were read; None: the source cannot be asked for a day."""
    source, span = feed.source, span_of(found.day)
    ours, first = _institutions(gateway, source.name)
    for code in ours:
        found.targets[code] = tuple(dict.fromkeys((*found.targets.get(code, ()), *feed.targets)))
    place = (source.name, source.dataset, span)
    records = gateway.store.whereabouts_of_day(*place, feed.targets) if whole or refs is None else ()
    if refs is None:
        rows: Sequence[Whereabouts] = [*records, *gateway.store.set_aside_of_day(*place)]
        for each in rows:
            found.read[_whose(each.institution, ours, first)] += 1
        found.counted |= ours
    else:
        rows = _standing(gateway, feed, refs)
        for institution in refs.values():
            found.read[_whose(institution, ours, first)] += 1
        for code in ours:
            found.asked[code].append(_asked(feed, span))
    for each in rows:
        at = refs.get(each.ref, each.institution) if refs else each.institution
        found.rows[_whose(at, ours, first)].append(each)
    for each in records:
        found.records[_whose(each.institution, ours, first)].append(each)


def _institutions(gateway: Gateway, source: str) -> tuple[frozenset[str], str]:
    """Everyone whose rows the source reports, and the one that others are counted with: a row must not be nobody's."""
    configured = next(each for each in gateway.config.sources if each.name == source)
    return frozenset(configured.institutions), configured.institution


def _whose(institution: str, ours: Collection[str], first: str) -> str:
    return institution if institution in ours else first


def _standing(gateway: Gateway, feed: Feed, refs: Mapping[str, str]) -> Sequence[Whereabouts]:
    """NowhereError if a row that was taken in is nowhere: then no account may be given."""
    place = (feed.source.name, feed.source.dataset)
    rows = gateway.store.whereabouts(*place, refs.keys(), feed.targets)
    lost = refs.keys() - {each.ref for each in rows if each.aside or each.key}
    if lost:
        named = "、".join(sorted(lost)[:_NAMED])
        raise NowhereError(
            f"来源 {place[0]} 的 {place[1]}：{len(lost)} 行读到了却没有着落（本地行号 {named}），不能出清单；稍后自动再试"
        )
    return rows


def _asked(feed: Feed, span: tuple[datetime, datetime]) -> str:
    """Digest of what was asked: the profile's queries and mapping, and the span."""
    said = orjson.dumps([feed.source.name, feed.source.digest, *(wire.encode_datetime(each) for each in span)])
    return hashlib.sha256(said).hexdigest()


def _query_digest(found: Day, institution: str) -> str:
    if institution in found.counted:
        return ""
    return f"sha256:{hashlib.sha256(''.join(sorted(found.asked[institution])).encode()).hexdigest()}"


def account(gateway: Gateway, found: Day) -> list[Statement]:
    """What there is to be stated of each institution."""
    everyone = {target for targets in found.targets.values() for target in targets}
    held: dict[str, list[Held]] = defaultdict(list)
    for each in gateway.store.held(found.dataset, span_of(found.day), everyone):
        held[each.institution].append(each)
    return [
        _said(found, institution, live_everywhere(held[institution], targets)) for institution, targets in found.targets.items()
    ]


def _said(found: Day, institution: str, live: Sequence[Entry]) -> Statement:
    counts = figures(found.read[institution], found.rows[institution])
    place = (institution, found.dataset, found.day, found.taken_at)
    return Statement(*place, counts, digest(live), len(live), _query_digest(found, institution))


def state(
    gateway: Gateway, dataset: str, day: date, stop: _Stop = lambda: False, *, by: By = By.SITE, whole: bool = False
) -> tuple[Day, list[Statement]]:
    """Queue the manifests of a data set's business day, as far as they say something new; returns the newest of each.

    1. Read the day at its sources; what is new is taken in. Count where every row stands. By the night's reading neither
       is to be done, but if a row of it is gone from the store since then, the day is read after all.
    2. What says the same as the manifest before is left at that. Else the next version is queued.
    3. A zero that was stated before is revoked when there are rows after all.
    """
    try:
        found = find(gateway, dataset, day, stop, by=by, whole=whole)
    except NowhereError:
        if by is not By.NIGHT:
            raise
        found = find(gateway, dataset, day, stop, whole=whole)
    before: dict[str, list[Statement]] = defaultdict(list)
    for each in gateway.store.statements(dataset, day):
        before[each.institution].append(each)
    newest = {said.institution: said for said in account(gateway, found)}
    same = [code for code, said in newest.items() if before[code] and before[code][-1].says_as(said)]
    queued = _queued(gateway, found, [said for code, said in newest.items() if code not in same])
    for said in queued:
        if not said.zero:
            owed = [row for row in found.rows[said.institution] if row.part != AsideState.EXCLUDED]
            _revoke(gateway, [each for each in before[said.institution] if each.zero], owed)
    gateway.store.statements_stand(dataset, day, list(newest), found.taken_at)
    newest.update({code: before[code][-1] for code in same} | {said.institution: said for said in queued})
    return found, list(newest.values())


def _queued(gateway: Gateway, found: Day, fresh: Sequence[Statement]) -> list[Statement]:
    """Those that are new, with the versions they got. As many go into one transaction as have the same targets."""
    for said in fresh:
        if not said.balanced:  # every row that was read has its whereabouts, so this is a bug
            raise StoreError(f"{said.dataset} {said.day} 的账不平，没有出清单")
    groups: dict[tuple[str, ...], list[Statement]] = defaultdict(list)
    for said in fresh:
        groups[found.targets[said.institution]].append(said)
    for targets, group in groups.items():
        for start in range(0, len(group), _AT_ONCE):
            queue(gateway, Own(SOURCE, CODE, tuple(map(_row, group[start : start + _AT_ONCE]))), targets, "日清单")
    key = _key(found.dataset, found.day)
    queued = [replace(said, version=gateway.store.ledger(said.institution, CODE, [key])[key].version) for said in fresh]
    gateway.store.keep_statements(queued)
    for said in queued:
        about = {"institution": said.institution, "dataset": said.dataset, "day": str(said.day), "version": said.version}
        _log.info("stated", **about, read=said.figures[READ])
    return queued


def _row(said: Statement) -> SourceRow:
    key = _key(said.dataset, said.day)
    ref = f"{said.institution} {key}"
    return SourceRow(ref, Cursor(None, ref), said.institution, said.values(), entered_at=said.snapshot_at)


def _key(dataset: str, day: date) -> str:
    return f"{dataset}|{day.isoformat()}"


def _revoke(gateway: Gateway, zeros: Sequence[Statement], rows: Sequence[Whereabouts]) -> None:
    """Once is enough."""
    named = "、".join(f"来源 {each.source} 的 {redaction.shown(each.ref, _LONGEST)}" for each in rows[:_NAMED])
    first = min(each.first_seen for each in rows)
    by = f"后来有 {len(rows)} 行（最早 {wire.encode_datetime(first)} 读到）：{named}"
    for zero in zeros:
        if not zero.revoked_at:
            gateway.store.revoke(zero, gateway.clock(), by)
            place = {"institution": zero.institution, "dataset": zero.dataset, "day": str(zero.day)}
            _log.warning("zero_revoked", **place, version=zero.version, rows=len(rows))


def datasets(gateway: Gateway, only: str = "") -> list[str]:
    """The data sets that are read, or the one that is meant. ConfigError if it is not read."""
    found = list(dict.fromkeys(feed.source.dataset for feed in gateway.feeds))
    if only and only not in found:
        raise ConfigError(f"没有读取数据集 {only}，现有：{'、'.join(found)}")
    return [only] if only else found


def check(gateway: Gateway) -> None:
    """ConfigError where the edition knows no manifest."""
    if CODE not in gateway.edition.datasets:
        raise ConfigError(f"规范版本 {gateway.edition.id} 没有 {CODE}，不能出日清单", key="edition")


def ended(gateway: Gateway, day: date) -> bool:
    """Whether the business day is over."""
    return day < gateway.clock().astimezone(SHANGHAI).date()


def due(gateway: Gateway, dataset: str) -> list[date]:
    """The business days to be read now for their manifests, newest first: its deadline is next. None before the hour of the day.

    Yesterday, once it is that hour; what was never stated; and what the cold tier has missed for two nights. Where no source
    can be asked for a day, each open day once a day: only the store is counted.
    """
    now = gateway.clock().astimezone(SHANGHAI)
    since = datetime.combine(now.date(), time(gateway.config.schedule.manifest_hour), SHANGHAI)
    if now < since:
        return []
    yesterday = now.date() - timedelta(days=1)
    swept = any(feed.source.sweeps for feed in _feeds(gateway, dataset))
    found = _looks(gateway, dataset)
    return [day for day, at in found.items() if at < (since - _MISSED if swept and day < yesterday else since)]


def reviewable(gateway: Gateway, dataset: str) -> list[date]:
    """The business days stated before that the cold tier has read anew since, at every source that can be asked for a day."""
    swept = [feed.source for feed in _feeds(gateway, dataset) if feed.source.sweeps]
    readings = [gateway.store.readings(source.name, dataset, source.digest) for source in swept]
    if not readings:
        return []
    looks = _looks(gateway, dataset)
    return [day for day, at in looks.items() if _NEVER < at < min(each.get(day, _NEVER) for each in readings)]


def _looks(gateway: Gateway, dataset: str) -> dict[date, datetime]:
    """When each open day was looked at last, the newest day first, from the day the gateway was installed.

    A moment that is still to come was said by a clock that was wrong then, and counts as never.
    """
    now = gateway.clock()
    today = now.astimezone(SHANGHAI).date()
    first = max(today - timedelta(days=gateway.config.tiers.open_days), gateway.store.installed_at.astimezone(SHANGHAI).date())
    looks = gateway.store.stated_looks(dataset, first)
    served = {code for feed in _feeds(gateway, dataset) for code in _institutions(gateway, feed.source.name)[0]}
    days = (today - timedelta(days=back) for back in range(1, (today - first).days + 1))
    found = {day: min(looks.get((code, day), _NEVER) for code in served) for day in days} if served else {}
    return {day: at if at <= now else _NEVER for day, at in found.items()}


def _feeds(gateway: Gateway, dataset: str) -> list[Feed]:
    return [feed for feed in gateway.feeds if feed.source.dataset == dataset]


def jobs(gateway: Gateway, stop: _Stop) -> list[Job]:
    """What `serve` does for manifests; an edition without them has none."""
    return [Job("manifest", _LOOK, lambda: turn(gateway, stop))] if CODE in gateway.edition.datasets else []


def turn(gateway: Gateway, stop: _Stop = lambda: False) -> None:
    """State what is due; a source that is away stops its own data set only, and is tried again at the next turn."""
    for dataset in datasets(gateway):
        log: Any = _log.bind(dataset=dataset, job="manifest")
        try:
            _turn(gateway, dataset, stop, log)
        except StoppedError:
            return
        except GatewayError as error:
            log.error("failed", kind=type(error).__name__, cause=str(error))


def _turn(gateway: Gateway, dataset: str, stop: _Stop, log: Any) -> None:
    """A day of which no account can be given does not keep the other days from theirs."""
    wanted = [(day, By.SITE) for day in due(gateway, dataset)]
    wanted += [(day, By.NIGHT) for day in reviewable(gateway, dataset) if (day, By.SITE) not in wanted]
    for day, by in wanted:
        if stop():
            raise StoppedError("按要求停止出日清单：其余的日期下次接着出")
        try:
            state(gateway, dataset, day, stop, by=by)
        except StoreError as error:
            log.error("failed", day=str(day), kind=type(error).__name__, cause=str(error))


def lines(gateway: Gateway, *, named: bool = True) -> list[str]:
    """A sentence for every zero that was revoked of late. Not `named`: without the rows that it was revoked for."""
    return [
        f"机构 {each.institution} 的 {each.dataset}：{each.day} 的零申报（清单第 {each.version} 版）已于 "
        f"{wire.encode_datetime(each.revoked_at)} 撤销，{each.revoked_by if named else '后来读到了这一天的行'}"
        for each in gateway.store.revoked_zeros(gateway.clock() - _TOLD)
        if each.revoked_at
    ]
