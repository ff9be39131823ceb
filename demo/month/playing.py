"""The month passes: rows are entered, gateways read, send, state manifests and look at themselves, the bureau at its board."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from compliance import board, serving
from compliance.board import BoardReport
from compliance.connection import Link
from compliance.days import DayCell
from compliance.store import database
from demo.month import script
from demo.month.sites import TARGET, District, Site
from gateway import stating
from gateway.declaring import Declaration, declare
from gateway.manifest import Statement
from gateway.tiers import Tier
from schemas.wire import SHANGHAI

#: when gateways and bureau do something, by the hour of the day
_NIGHT, _MANIFESTS, _EVENING = 3, 7, 20
_AFTER = timedelta(minutes=5)
#: the last half hour before the bureau looks; through the rest of the day none is sent, to keep the month short
_BEATS = 6
#: a day's data are looked at again when the limit of D+1 is over
_LATER = timedelta(days=2)


@dataclass
class Said:
    """What was said of one institution's day."""

    institution: str
    day: date
    link: Link | None = None  #: 看板 that evening
    cells: dict[str, DayCell] = field(default_factory=dict)  #: data set -> 看板 two evenings later
    final: dict[str, DayCell] = field(default_factory=dict)  #: data set -> 看板 after the month
    manifests: dict[str, tuple[Statement, ...]] = field(default_factory=dict)  #: of that business date, the newest first
    alarms: set[tuple[str, str]] = field(default_factory=set)  #: (kind, place) that lasted at one of the looks of that day


_Said = dict[tuple[str, date], Said]


def play(district: District, on_day: Callable[[date], None] = lambda day: None) -> dict[tuple[str, date], Said]:
    """Let everything pass; what was said of each day of the month."""
    said = {(code, day): Said(code, day) for code in script.NAMES for day in script.days() if script.FIRST <= day <= script.LAST}
    for day in [*script.days(), script.LAST + timedelta(days=1), script.LAST + _LATER]:
        for hour, do in sorted(_hours(district, day, said)):
            moment = datetime.combine(day, time(hour), SHANGHAI)
            district.clock.move_to(moment)
            do()
        on_day(day)
    for (code, day), each in said.items():
        store = district.sites[code].gateway.store
        each.manifests = {dataset: tuple(store.statements(dataset, day)) for dataset in script.DATASETS}
    for row in _board(district, script.LAST, (script.LAST - script.FIRST).days + 1).rows:
        for cell in row.cells if row.dataset in script.DATASETS else ():
            said[row.code, cell.day].final[row.dataset] = cell
    return said


def _hours(district: District, day: date, said: _Said) -> Iterator[tuple[int, Callable[[], None]]]:
    if day > script.FIRST:
        yield _NIGHT, lambda: _sweep(district)
        yield _MANIFESTS, lambda: _state(district)
    for hour in script.HOURS:
        yield hour, lambda at=hour: _work(district, day, at, said)  # type: ignore[misc]
    if day >= script.FIRST - timedelta(days=1):
        yield _EVENING, lambda: _evening(district, day, said)


def _sweep(district: District) -> None:
    """The cold reading over the open days, as `gateway serve` does it at night."""
    for site in _awake(district):
        for feed in site.gateway.feeds:
            site.gateway.reader(feed).sweep(Tier.COLD)


def _state(district: District) -> None:
    for site in _awake(district):
        stating.turn(site.gateway)
        site.gateway.send(TARGET)


def _work(district: District, day: date, hour: int, said: _Said) -> None:
    """What was entered five minutes ago is read, whatever could not be sent before is sent, and each gateway looks at itself."""
    moment = datetime.combine(day, time(hour), SHANGHAI)
    for row in script.rows(day):
        if row.entered == moment - _AFTER:
            district.sites[row.institution].store(row)
    for site in _awake(district):
        site.work()
        _look(site, day, said)


def _look(site: Site, day: date, said: _Said) -> None:
    lasting = {(each.kind, each.place) for each in site.watch.look() if each.lasts}
    if (site.code, day) in said:
        said[site.code, day].alarms |= lasting


def _evening(district: District, day: date, said: _Said) -> None:
    evening = district.clock()
    for beat in range(_BEATS):
        district.clock.move_to(evening + beat * _AFTER)
        for site in _awake(district):
            site.heart.beat()
    for site in _awake(district):
        site.gateway.send(TARGET)
        _look(site, day, said)
        if site.code == script.CENTRE and evening == script.DECLARED_ON:
            declare(site.gateway, Declaration(site.code, "服务器搬迁", *script.MOVED, ()))
            site.gateway.send(TARGET)
    district.clock.move_to(district.clock() + timedelta(minutes=1))
    _watch(district, day, said)


def _watch(district: District, day: date, said: _Said) -> None:
    """The bureau looks: who is heard of now, and whether all is here of the day before yesterday."""
    for line in _board(district, day).links:
        if (line.code, day) in said:
            said[line.code, day].link = line.state
    for row in _board(district, day - _LATER).rows:
        if (row.code, day - _LATER) in said and row.dataset in script.DATASETS:
            said[row.code, day - _LATER].cells[row.dataset] = row.last


def _board(district: District, day: date, length: int = 1) -> BoardReport:
    store = database.connect(district.bureau.store)
    try:
        return serving.board(district.bureau, store, board.asked_of(day, district.clock(), length))
    finally:
        store.close()


def _awake(district: District) -> list[Site]:
    """Gateways that run now, each with its line as it is now."""
    now = district.clock()
    running = [site for site in district.sites.values() if script.running(site.code, now)]
    for site in running:
        site.reach(script.reachable(site.code, now))
    return running
