"""Looks at the gateway every minute, keeps what is wrong as alarms, and has people told on the channels of the site."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import structlog

from gateway import deadlines, lateness, mending, skew, timekeeping, timeliness
from gateway.alarms import alarms
from gateway.channels import Channels
from gateway.disk import Usage, forecast
from gateway.errors import GatewayError
from gateway.freshness import fresh
from gateway.hindrance import Hindrance, Interruption, Subject
from gateway.lateness import Party
from gateway.maintenance import BACKUP_PULSE, sentence
from gateway.notices import CLAIM, Digest, News, Notice, digest, news, wait
from gateway.outbox import State
from gateway.rhythm import Silence, silence
from gateway.situation import HORIZONS, Arrears, Owed, Shares, Situation
from gateway.store.parents import PARENT
from gateway.unread import lasting
from gateway.wiring import Gateway
from gateway.worklist import TaskFilter
from jobs.timetable import Job
from schemas import workdays

EVERY = 60  #: seconds
#: how often what costs more is looked at: when rows set aside are due, how many rows the store has
_SELDOM = timedelta(minutes=10)
#: what was due longer ago and is still not finished is a person's work list, and no news
_ASIDES_BACK = timedelta(days=1)
_HISTORY = 120
_log: Any = structlog.get_logger()


@dataclass
class Watch:
    """What is remembered between two looks."""

    gateway: Gateway
    channels: Channels | None = None
    waited: dict[str, deque[int]] = field(default_factory=dict)
    asides: Counter[tuple[str, str, bool]] = field(default_factory=Counter)  #: rows not finished: target, data set, overdue
    corrections: tuple[int, int] = (0, 0)  #: tasks that are due soon, and those of them that are overdue
    asides_at: datetime | None = None
    usage: Usage | None = None
    usage_at: datetime | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def look(self) -> Sequence[Notice]:
        """See how the gateway is, keep what is wrong, and tell whom it concerns."""
        with self.lock:
            found = self._situation()
            for owing in found.arrears:
                self.waited.setdefault(owing.target, deque(maxlen=_HISTORY)).append(owing.waiting)
        kept = self.gateway.store.look(alarms(found, self.gateway.config.alerts.thresholds), found.now)
        if self.channels is not None:
            self._tell(self.channels, kept, found.now)
        return kept

    def situation(self) -> Situation:
        """One moment of the gateway; asked by the job and by whoever scrapes."""
        with self.lock:
            return self._situation()

    def _situation(self) -> Situation:
        gateway, now = self.gateway, self.gateway.clock()
        store = gateway.store
        broken = store.interruptions(now, now + timedelta(days=1))
        usage = forecast(self._usage(now), store.room, gateway.config.storage.disk_budget, now)
        clocks = {target: store.platform_clock(target) for target in gateway.clients}
        unread = {(each.source, each.dataset) for each in lasting(gateway)}
        return Situation(
            now=now,
            arrears=self._arrears(broken, now),
            asides=store.aside_counts(),
            tripped=[each for target in gateway.clients for each in store.tripped(target)],
            brakes=store.brakes(),
            unreadable=[each for each in broken if _lasts_at_source(each) and (each.place.name, each.place.part) in unread],
            silences=self._silences(now, unread),
            disk=usage,
            disk_sentence=sentence(usage),
            skews={target: clock.median for target, clock in clocks.items() if clock},
            clocks={target: skew.sentence(target, clock) for target, clock in clocks.items() if clock and clock.off},
            doubt=timekeeping.lasting(gateway),
            calendar=deadlines.unknown_years(gateway.edition, now),
            corrections=self.corrections,
            failing=self._failing(),
            backed_up_at=store.beaten(BACKUP_PULSE),
            made_at=store.made()[0] if store.in_box else None,
        )

    def _usage(self, now: datetime) -> Usage:
        """Rows are counted for it, so not at every look; what is free on the disk is asked every time."""
        if self.usage is None or not fresh(self.usage_at, now, _SELDOM):
            self.usage, self.usage_at = self.gateway.store.usage(now), now
        return self.usage

    def _arrears(self, broken: Sequence[Interruption], now: datetime) -> list[Arrears]:
        store, due = self.gateway.store, self.gateway.config.alerts.thresholds.due
        owed = store.owed(self.gateway.clients.keys(), now, {*HORIZONS, due})
        rejected = store.rejected(self.gateway.clients.keys())
        self._open_asides(now, due)
        found = []
        for target in self.gateway.clients:
            mine = [each for each in owed if each.target == target]
            found.append(
                Arrears(
                    target,
                    states=_summed(mine),
                    oldest=store.oldest(target) if mine else None,
                    history=(*self.waited.get(target, ()), sum(each.rows for each in mine)),
                    due={horizon: sum(each.due[horizon] for each in mine) for horizon in HORIZONS},
                    overdue=sum(each.overdue for each in mine),
                    rejected={dataset: rows for (at, dataset), rows in rejected.items() if at == target},
                    parts=[*(self._share(each, broken, due) for each in mine), *self._asides_of(target)],
                )
            )
        return found

    def _share(self, each: Owed, broken: Sequence[Interruption], due: timedelta) -> Shares:
        return Shares(each.dataset, self._holder(each, broken), each.due[due], each.overdue)

    def _holder(self, each: Owed, broken: Sequence[Interruption]) -> Party:
        """In whose hands rows on their way are now, as `gateway late` will say of them."""
        if each.hold == PARENT:
            return lateness.PARTY_OF[Hindrance.PARENT]
        for one in broken:
            place = one.place
            of_target = place.subject is Subject.TARGET and place.name == each.target and place.part in ("", each.institution)
            if of_target and one.ended_at is None:
                return lateness.PARTY_OF[one.kind]
        if each.state in (State.SENDING, State.UNKNOWN) or self.gateway.gates[each.target].closed():
            return Party.PLATFORM
        return Party.GATEWAY

    def _open_asides(self, now: datetime, due: timedelta) -> None:
        """Rows set aside that are due soon, or were within the last day; and tasks that are to be mended soon."""
        if fresh(self.asides_at, now, _SELDOM):
            return
        self.asides_at, self.asides = now, Counter()
        for target in self.gateway.clients:
            for crowd, until in timeliness.crowds(self.gateway, target, now - _ASIDES_BACK, now + due):
                self.asides[target, crowd.dataset, until <= now] += crowd.rows
        page = mending.tasks(self.gateway, TaskFilter(due_within=due), size=0)
        self.corrections = (page.total, page.overdue)

    def _asides_of(self, target: str) -> list[Shares]:
        return [
            Shares(dataset, Party.CLINICAL, 0 if overdue else rows, rows if overdue else 0)
            for (at, dataset, overdue), rows in self.asides.items()
            if at == target
        ]

    def _silences(self, now: datetime, unread: set[tuple[str, str]]) -> list[Silence]:
        """Of what can be read: of what cannot, nothing comes anyway."""
        rhythm = self.gateway.store.rhythm(now)
        known = {(feed.source.name, feed.source.dataset): feed.source.name for feed in self.gateway.feeds}
        found = (
            silence(place, rhythm.get(place, {}), now, closed=self._closed(source), rests=workdays.is_rest_day)
            for place, source in known.items()
            if place not in unread
        )
        return [each for each in found if each]

    def _ready(self, channels: Channels, now: datetime) -> list[str]:
        """Those that did not just fail."""
        failing = self.gateway.store.failing_channels()
        return [name for name in channels if name not in failing or not fresh(failing[name][1], now, wait(failing[name][0]))]

    def _failing(self) -> Mapping[str, str]:
        """Of the channels that are configured."""
        configured = self.gateway.config.alerts.channels
        return {name: cause for name, (_, _, cause) in self.gateway.store.failing_channels().items() if name in configured}

    def _closed(self, source: str) -> Callable[[date], bool]:
        """A source is silent of itself only on days on which all of its institutions are closed."""
        (settings,) = (each for each in self.gateway.config.sources if each.name == source)
        closures = [self.gateway.closures[code] for code in settings.institutions]
        return lambda day: all(closed(day) for closed in closures)

    def _tell(self, channels: Channels, kept: Sequence[Notice], now: datetime) -> None:
        if not (ready := self._ready(channels, now)):
            return
        manners = self.gateway.config.alerts.manners
        reasons = {(each.kind, each.place): reason for each in kept if (reason := news(each, manners, now))}
        mine = self.gateway.store.claim([each for each in kept if (each.kind, each.place) in reasons], now, now + CLAIM)
        if not mine:
            return
        message = digest([(reasons[each.kind, each.place], each) for each in mine], manners, now)
        waits = send(self.gateway, channels, message, now, ready)
        if all(waits.values()):  # told if any channel took it; a channel that did not is an alarm of its own
            self.gateway.store.untold(mine, now + min(pause for pause in waits.values() if pause))
        else:
            self.gateway.store.told(mine, now)


def send(
    gateway: Gateway, channels: Channels, message: Digest, now: datetime, names: Sequence[str] = ()
) -> Mapping[str, timedelta | None]:
    """Send on these channels, or on every one: None for one that took it, else how long to wait. One log line each."""
    urgent = any(notice.urgent and reason is not News.OVER for reason, notice in message.matters)
    waits: dict[str, timedelta | None] = {}
    for name in names or channels:
        cause = channels.send(name, message.title, message.body, urgent=urgent)
        pause = gateway.store.note_channel(name, cause, now)
        waits[name] = pause if cause else None
        if cause:
            _log.warning("alert_failed", channel=name, matters=len(message.matters), cause=cause)
        else:
            _log.info("alert_sent", channel=name, matters=len(message.matters))
    return waits


def _lasts_at_source(each: Interruption) -> bool:
    return each.ended_at is None and each.place.subject is Subject.SOURCE


def _summed(owed: Sequence[Owed]) -> Mapping[State, int]:
    counts: Counter[State] = Counter()
    for each in owed:
        counts[each.state] += each.rows
    return counts


def jobs(watch: Watch) -> list[Job]:
    """What `serve` does every minute."""

    def turn() -> None:
        try:
            watch.look()
        except GatewayError as error:
            _log.error("failed", job="watch", kind=type(error).__name__, cause=str(error))

    return [Job("watch", EVERY, turn)]


def opened(gateway: Gateway) -> Watch:
    """Ready to look. ConfigError for a channel that cannot be."""
    settings = gateway.config.alerts
    channels = Channels(settings.channels, environment_proxy=settings.environment_proxy) if settings.channels else None
    return Watch(gateway, channels)
