"""`gateway late`: what was due on a day, what of it was late or is missing, and whom that is charged to."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from itertools import chain
from pathlib import Path

import click
from rich.console import Console

from gateway import config as configuration
from gateway import console as show
from gateway import deadlines, rescanning
from gateway.hindrance import Hindrance, Interruption, Subject
from gateway.lateness import Account, History, Span, Track
from gateway.standing import Crowd, Route, Waiting
from gateway.telling import told
from gateway.wiring import Gateway, opened
from schemas.commandline import CalendarDay, Command
from schemas.wire import SHANGHAI

_MOMENT = timedelta(microseconds=1)


def _now() -> datetime:
    return datetime.now(SHANGHAI)


@click.command(cls=Command, help="迟报：这一天到期的，多少按时、多少迟到、多少还没到，迟在谁手里。")
@click.option("--date", "day", type=CalendarDay(), required=True, help="哪一天到期的 yyyy-MM-dd")
@click.option("--dataset", "only", default="", help="只看这个数据集，如 HD03")
@click.pass_obj
def late(path: Path, day: datetime, only: str) -> None:
    """Exit code 1 while anything that was due that day is not there."""
    with told(), opened(configuration.load(path), _now) as gateway:
        console = Console(highlight=False, markup=False)
        for code in closed_on(gateway, day.date()):
            show.say(console, f"机构 {code} 当日休业（按配置 institutions 的 closed）")
        accounts = {target: account(gateway, target, day.date(), only) for target in gateway.clients}
        for target, found in accounts.items():
            show.late(console, target, day.date(), found)
    sys.exit(1 if any(each.overdue for found in accounts.values() for each in found) else 0)


COMMANDS = (late,)


def closed_on(gateway: Gateway, day: date) -> list[str]:
    """The institutions that have said that they are closed that day."""
    return [code for code, closed in gateway.closures.items() if closed(day)]


def account(gateway: Gateway, target: str, day: date, only: str = "") -> list[Account]:
    """Each data set of which anything was due at a target that day: later than its beginning, up to its 24:00."""
    after = datetime.combine(day, time(), SHANGHAI)
    return _accounts(gateway, target, (after, after + timedelta(days=1)), only)


def of_business_day(gateway: Gateway, target: str, dataset: str, day: date) -> dict[str, Account]:
    """What happened on a day and is, or was, due at a target whenever that is; by institution."""
    start = datetime.combine(day, time(), SHANGHAI)
    end, spec = start + timedelta(days=1), gateway.edition.datasets[dataset]
    closures = (*gateway.closures.values(), deadlines.NEVER)
    dues = [deadlines.due_at(gateway.edition, spec, at, closed) for at in (start, end - _MOMENT) for closed in closures]
    found: dict[str, Account] = {}
    for track, poll, now in _told(gateway, target, (min(dues) - _MOMENT, max(dues)), dataset):
        if start <= track.history.occurred < end:
            found.setdefault(track.institution, Account(dataset)).take(track, poll, now)
    return found


def _accounts(gateway: Gateway, target: str, due: tuple[datetime, datetime], only: str) -> list[Account]:
    """Of what is due later than the one moment, up to the other."""
    found: dict[str, Account] = {}
    for track, poll, now in _told(gateway, target, due, only):
        found.setdefault(track.dataset, Account(track.dataset)).take(track, poll, now)
    return [found[code] for code in sorted(found)]


def _told(gateway: Gateway, target: str, due: tuple[datetime, datetime], only: str) -> Iterator[tuple[Track, timedelta, datetime]]:
    """Each record with all that kept it, how long it may lie unread, and the moment it is judged at."""
    now, polls = gateway.clock(), _polls(gateway)
    after, until = due
    kept = gateway.store.interruptions(after, max(now, until))
    shut = tuple(Span(Hindrance.SHUT, *each) for each in gateway.config.targets[target].allowance.closed(after, max(now, until)))
    for track in chain(gateway.store.tracks(target, after, until, only), set_aside(gateway, target, after, until, only)):
        history = _interrupted(track.history, kept, target, track.institution)
        told = replace(track, history=replace(history, target=(*history.target, *shut)))
        yield told, polls.get(track.dataset, timedelta()), now


def _polls(gateway: Gateway) -> dict[str, timedelta]:
    """How long a row may lie unread because that is how often we read: of a data set of several sources, the longest."""
    found: dict[str, timedelta] = {}
    for feed in gateway.feeds:
        interval = timedelta(seconds=rescanning.every(feed.source, gateway.config.schedule))
        found[feed.source.dataset] = max(interval, found.get(feed.source.dataset, timedelta()))
    return found


def _interrupted(history: History, kept: Sequence[Interruption], target: str, institution: str) -> History:
    """The history with what kept everything of its target, or everything at all."""
    at_target = tuple(
        Span(each.kind, each.began_at, each.ended_at)
        for each in kept
        if each.place.subject is Subject.TARGET and each.place.name == target and each.place.part in ("", institution)
    )
    halts = tuple(Span(each.kind, each.began_at, each.ended_at) for each in kept if each.place.subject is Subject.GATEWAY)
    return replace(history, target=at_target, halts=halts)


def set_aside(gateway: Gateway, target: str, after: datetime, until: datetime, only: str = "") -> Iterator[Track]:
    """Rows that were due and never sent, because they are not finished or not right. Of one without its time nobody can say."""
    for route in _routes(gateway, target, only):
        for row in gateway.store.waiting(route.source, route.dataset, _possible(gateway, route.dataset, after, until)):
            due = _due(gateway, row)
            if after < due <= until:
                history = History(due, row.occurred_at, None, row.first_seen, None)
                yield Track(row.dataset, row.institution, f"{row.source} 的 {row.ref}", history)


def crowds(gateway: Gateway, target: str, after: datetime, until: datetime) -> Iterator[tuple[Crowd, datetime]]:
    """The same, counted by the database, with when they are due: where a limit is in minutes, up to one too early."""
    for route in _routes(gateway, target):
        for crowd in gateway.store.crowds(route.source, route.dataset, _possible(gateway, route.dataset, after, until)):
            due = _due(gateway, crowd)
            if after < due <= until:
                yield crowd, due


def _routes(gateway: Gateway, target: str, only: str = "") -> Iterator[Route]:
    return (route for route in gateway.routes if route.target == target and only in ("", route.dataset))


def _possible(gateway: Gateway, dataset: str, after: datetime, until: datetime) -> tuple[datetime, datetime]:
    """Business times of what may be due in (after, until]."""
    spec = gateway.edition.datasets[dataset]
    return deadlines.earliest(gateway.edition, spec, after, gateway.closures.values()), until


def _due(gateway: Gateway, row: Waiting | Crowd) -> datetime:
    closed = gateway.closures.get(row.institution, deadlines.NEVER)
    return deadlines.due_at(gateway.edition, gateway.edition.datasets[row.dataset], row.occurred_at, closed)
