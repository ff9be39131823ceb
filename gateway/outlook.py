"""What the first page says: what is wrong today with what to do about it, and where all rows stand.

What is wrong is what people are alarmed of (`gateway.alarms`), told at once and whatever the hour; and what only a look can tell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from gateway import deadlines, mending, stating, tending, unread
from gateway.alarms import Alarm, Kind, alarms
from gateway.maintenance import retention_lines
from gateway.standing import Queue, Standing
from gateway.watching import Watch
from gateway.wiring import Gateway
from gateway.worklist import TaskFilter


@dataclass(frozen=True, slots=True)
class Matter:
    """Something for a person."""

    title: str  #: of a closed list: what kind of thing it is
    urgent: bool
    sentence: str
    advice: str  #: what to do
    braked: Mapping[str, str] | None = None  #: what may be let go where it is told: source, dataset, kind, and what is said of it


@dataclass(frozen=True, slots=True)
class Outlook:
    """One moment of a gateway, as its people see it."""

    now: datetime
    matters: tuple[Matter, ...]  #: the urgent ones first
    remarks: tuple[str, ...]  #: good to know, nothing to do
    named: tuple[str, ...]  #: likewise, but they name single rows: for those who may see rows
    unnamed: tuple[str, ...]  #: in their place, for the others
    standings: tuple[Standing, ...]
    unread: frozenset[tuple[str, str]]  #: (source, data set) of what was never read
    queues: tuple[Queue, ...]


def outlook(gateway: Gateway, watch: Watch) -> Outlook:
    """Ask the store for everything; takes a moment where there are millions of rows."""
    found = watch.situation()
    standings = tuple(gateway.store.standings(gateway.routes))
    raised = [each for each in alarms(found, gateway.config.alerts.thresholds) if each.kind is not Kind.CORRECTION]
    matters = chain(map(_alarmed, raised), _of_books(standings), _of_tasks(gateway), _of_lookback(gateway))
    calendar = {each.sentence for each in raised if each.kind is Kind.CALENDAR}
    remarks = (
        found.disk_sentence,
        *(remark for each in standings for remark in each.remarks),
        *gateway.gate_lines(),
        *(line for line in deadlines.remarks(gateway.edition, gateway.closures, found.now) if line not in calendar),
        *retention_lines(gateway.config),
    )
    return Outlook(
        found.now,
        tuple(sorted(matters, key=lambda each: not each.urgent)),
        remarks,
        (*(remark for each in standings for remark in each.named), *stating.lines(gateway)),
        tuple(stating.lines(gateway, named=False)),
        standings,
        frozenset(unread.so_far(gateway, unread.lasting(gateway))),
        tuple(gateway.store.queue(target) for target in gateway.clients),
    )


def _alarmed(alarm: Alarm) -> Matter:
    return Matter(str(alarm.kind), alarm.urgent, alarm.sentence, alarm.advice, alarm.parts if alarm.kind is Kind.BRAKE else None)


def _of_books(standings: Sequence[Standing]) -> Iterator[Matter]:
    for each in standings:
        if not each.balanced:
            route = each.route
            told = f"来源 {route.source} 的 {route.dataset} 账不平：读到 {each.read} 行，有着落的 {each.accounted} 行"
            yield Matter("账不平", True, told, "把下面“其他”里的行号和日志交给实施人员")


def _of_tasks(gateway: Gateway) -> Iterator[Matter]:
    """In the place of the alarm: on this page a person is led to the list, and to what is late only."""
    overdue = mending.tasks(gateway, TaskFilter(), 0, 0).overdue
    if overdue:
        yield Matter("更正期限", False, f"有 {overdue} 行过了更正期限还没有改好", "到“待办”按“已过期限”筛选，请所在科室改正")


def _of_lookback(gateway: Gateway) -> Iterator[Matter]:
    for told in tending.alarm_lines(gateway):
        yield Matter("迟到增多", False, told, "看这些行为什么录得晚；要更长的回看窗口，改配置 lookback")
