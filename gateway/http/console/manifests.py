"""日清单: a calendar of business days and data sets, what was stated of each, and one day held against the platform."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from flask import abort, request
from flask.typing import ResponseReturnValue

from gateway import proving, stating
from gateway.deadlines import NEVER
from gateway.errors import GatewayError
from gateway.http.console.desk import Desk
from gateway.http.console.paper import day_of, page
from gateway.manifest import READ, Statement
from gateway.outbox import State
from gateway.proofpage import PART_WORDS
from gateway.standing import Progress
from schemas.manifest import CODE, PARTS
from schemas.wire import SHANGHAI

_DAYS = 14
#: from what is worst to what is best, of several targets
_WORST = (State.REJECTED, State.UNKNOWN, State.CONFLICT, State.HELD, State.QUEUED, State.LEASED, State.SENDING, State.ACCEPTED)


@dataclass(frozen=True, slots=True)
class Cell:
    """What was stated of one data set's day, and how far that has come."""

    newest: Statement | None = None
    revoked: bool = False  #: a zero that was stated before was none
    states: Mapping[str, State] = field(default_factory=dict)  #: of the newest version, by target
    closed: bool = False

    @property
    def state(self) -> State | None:
        """Of the target that has it least."""
        return min(self.states.values(), key=lambda state: _WORST.index(state) if state in _WORST else len(_WORST), default=None)


class Manifests:
    """The calendar and its days; what the platform says is asked only when a person asks."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def show(self) -> ResponseReturnValue:
        """A fortnight, the last day first."""
        institution, last = self._institution(), self._last()
        days = [last - timedelta(days=number) for number in range(_DAYS)]
        codes = [code for code, _ in self._desk.datasets() if code in self._desk.gateway.datasets_of(institution)]
        return page(
            "manifests",
            cells=self._cells(institution, codes, days),
            days=days,
            codes=codes,
            institution=institution,
            institutions=self._desk.gateway.config.institutions,
            today=self._today(),
            reach=_DAYS,
        )

    def day(self, dataset: str, day: str) -> ResponseReturnValue:
        """What was stated of one data set's day, version by version."""
        return self._show(dataset, self._date(dataset, day))

    def prove(self, dataset: str, day: str) -> ResponseReturnValue:
        """Read the day anew, state what has changed, ask every platform: as `gateway prove`."""
        at, institution = self._date(dataset, day), self._institution()
        if not stating.ended(self._desk.gateway, at):
            abort(400, f"{at} 还没有过完，过完才能对照")
        try:
            stating.check(self._desk.gateway)
            proofs = list(proving.proofs_of(self._desk.gateway, at, institution=institution, dataset=dataset))
        except GatewayError as error:
            return self._show(dataset, at, sentence=str(error)), 503
        self._desk.changed()
        self._desk.taken()
        return self._show(dataset, at, proofs=proofs)

    def _show(self, dataset: str, day: date, **more: object) -> str:
        institution = self._institution()
        history = [each for each in self._desk.gateway.store.statements(dataset, day) if each.institution == institution]
        (cell,) = self._cells(institution, [dataset], [day]).values()
        known = {"dataset": dataset, "day": day, "institution": institution, "history": history, "cell": cell}
        return page("manifest", **known, parts=PARTS, PART_WORDS=PART_WORDS, READ=READ, **more)

    def _cells(self, institution: str, codes: Sequence[str], days: Sequence[date]) -> dict[tuple[str, date], Cell]:
        gateway = self._desk.gateway
        closed = gateway.closures.get(institution, NEVER)
        stated = gateway.store.statements_between(institution, min(days), max(days))
        sent = _by_key(gateway.store.deliveries(CODE, [f"{code}|{day.isoformat()}" for code in codes for day in days]), institution)
        return {
            (code, day): _cell([each for each in stated if (each.dataset, each.day) == (code, day)], sent, closed(day), code, day)
            for code in codes
            for day in days
        }

    def _institution(self) -> str:
        known = tuple(self._desk.gateway.config.institutions)
        asked = request.values.get("institution", "") or known[0]
        if asked not in known:
            abort(404, "没有这家机构")
        return asked

    def _today(self) -> date:
        return self._desk.now().astimezone(SHANGHAI).date()

    def _last(self) -> date:
        """The last day of the calendar: yesterday, or what was asked for."""
        yesterday = self._today() - timedelta(days=1)
        return min(day_of(request.args.get("last", "")) or yesterday, yesterday)

    def _date(self, dataset: str, day: str) -> date:
        """404 of what is no data set that is read, or no day."""
        found = day_of(day)
        if found is None:
            abort(404, "没有这一天")
        if dataset not in dict(self._desk.datasets()):
            abort(404, "没有这个数据集")
        return found


def _by_key(found: Iterable[Progress], institution: str) -> dict[str, dict[str, State]]:
    states: dict[str, dict[str, State]] = {}
    for each in found:
        if each.institution == institution:
            states.setdefault(each.key, {})[each.target] = each.state
    return states


def _cell(stated: Sequence[Statement], sent: Mapping[str, Mapping[str, State]], closed: bool, code: str, day: date) -> Cell:
    newest = stated[-1] if stated else None
    return Cell(newest, any(each.revoked_at for each in stated), sent.get(f"{code}|{day.isoformat()}", {}), closed)
