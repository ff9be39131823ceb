"""看板: per institution whether the bureau hears of it, and per data set and business date whether all is here. Pure values.

Every figure is computed from what was received and from the calendar, whenever it is asked for; none is kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from compliance import closing, connection, days
from compliance.closing import Closure
from compliance.connection import Beat, Coverage, Heard, Link
from compliance.days import DayCell, DayState, Plan
from compliance.declared import Declaration
from compliance.model import Institution
from compliance.ports import Watch
from compliance.thresholds import Thresholds
from schemas import operating
from schemas.cadence import end_of_month
from schemas.model import Cadence, Dataset, Edition
from schemas.wire import SHANGHAI

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Asked:
    """Of when the board is asked for."""

    now: datetime  #: nothing that came later is looked at
    days: tuple[date, ...]  #: business dates, the last one is the day of the figures

    @property
    def day(self) -> date:
        """The day of the figures."""
        return self.days[-1]


@dataclass(frozen=True, slots=True)
class LinkLine:
    """One institution's connection."""

    number: int
    name: str
    code: str
    deferred: bool
    state: Link
    last_at: datetime | None  #: of the last heartbeat, to the minute
    beats: int  #: received on the day of the figures
    coverage: Coverage  #: of that day
    offset_seconds: int | None  #: its clock ahead of ours, median of that day
    newest: Beat | None  #: what the last one said
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DayRow:
    """One data set of one institution over the days of the board."""

    institution: str
    code: str
    dataset: str
    dataset_name: str
    cells: tuple[DayCell, ...]

    @property
    def last(self) -> DayCell:
        """Of the day of the figures."""
        return self.cells[-1]

    @property
    def assessed(self) -> tuple[DayCell, ...]:
        """The days that count; none of who is deferred."""
        return tuple(cell for cell in self.cells if cell.state is not DayState.EXEMPT)

    @property
    def owed(self) -> int:
        """Over the days that count: what is here and what is missing, without what is excused."""
        return sum(cell.owed for cell in self.assessed)

    @property
    def on_time(self) -> int:
        """Over the days that count."""
        return sum(cell.on_time for cell in self.assessed)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something may be missing: a closure or a declaration."""

    institution: str
    code: str
    kind: str
    number: str
    datasets: str
    span: str
    text: str
    told_at: datetime
    received_at: datetime
    remark: str = ""


@dataclass(frozen=True, slots=True)
class BoardReport:
    """Everything that screen and workbook show."""

    district: str
    as_of: datetime
    edition: str
    asked: Asked
    interval: timedelta
    limits: Thresholds
    links: tuple[LinkLine, ...]  #: () of an edition without heartbeats
    rows: tuple[DayRow, ...]
    reasons: tuple[Reason, ...]

    @property
    def link_counts(self) -> Counter[Link]:
        """Institutions by state, those that are deferred left out."""
        return Counter(line.state for line in self.links if not line.deferred)

    @property
    def day_counts(self) -> Counter[DayState]:
        """Data sets of institutions by their state on the day of the figures."""
        return Counter(row.last.state for row in self.rows)

    @property
    def well(self) -> bool:
        """Whether nobody has to be asked."""
        silent = any(line.state in connection.UNEXPLAINED for line in self.links if not line.deferred)
        return not silent and not any(row.last.state in days.WANTING for row in self.rows)


def asked_of(day: date, now: datetime, length: int) -> Asked:
    """The board of a day and those before it."""
    return Asked(now, tuple(day - _DAY * back for back in reversed(range(length))))


def report(
    edition: Edition, roster: Sequence[Institution], watch: Watch, limits: Thresholds, asked: Asked, district: str = ""
) -> BoardReport:
    """The board of these institutions."""
    return _Board(edition, watch, limits, asked).report(roster, district)


class _Board:
    """One board while it is put together."""

    def __init__(self, edition: Edition, watch: Watch, limits: Thresholds, asked: Asked) -> None:
        self._edition, self._watch, self._limits, self._asked = edition, watch, limits, asked
        self._closures = _grouped(watch.closures())
        self._declarations = _told(watch.declarations(asked.now))
        self._open_for = timedelta(days=limits.open_declaration_days)
        self._interval = timedelta(minutes=_cadence(edition, operating.HEARTBEAT).minutes or 0)

    def report(self, roster: Sequence[Institution], district: str) -> BoardReport:
        """Every institution's lines."""
        return BoardReport(
            district=district,
            as_of=self._asked.now,
            edition=self._edition.id,
            asked=self._asked,
            interval=self._interval,
            limits=self._limits,
            links=tuple(map(self._link, roster)) if self._interval else (),
            rows=tuple(row for institution in roster for row in self._rows(institution)),
            reasons=tuple(reason for institution in roster for reason in self._reasons(institution)),
        )

    def _link(self, institution: Institution) -> LinkLine:
        now, code = self._asked.now, institution.code
        planned = self._planned(institution)
        heard = self._watch.heard(code, self._asked.day, now) if code else Heard()
        state = connection.link(
            heard.last_at,
            now,
            self._interval,
            self._limits,
            closed=closing.since(closing.calendar(self._closures.get(code, ())), now.astimezone(SHANGHAI).date()),
            declared=any(each.excuses(now, self._open_for, planned) for each in self._declarations.get(code, ())),
        )
        covered = connection.coverage(self._asked.day, heard, now, self._interval * self._limits.late_after)
        offset = round(heard.here.offset_ms / 1000) if heard.here else None
        return LinkLine(
            number=institution.number,
            name=institution.name,
            code=code,
            deferred=institution.deferred,
            state=state,
            last_at=heard.last_at,
            beats=heard.here.beats if heard.here else 0,
            coverage=covered,
            offset_seconds=offset,
            newest=heard.newest,
            remarks=tuple(self._remarks(institution, covered, offset)),
        )

    def _remarks(self, institution: Institution, covered: Coverage, offset: int | None) -> Iterator[str]:
        if institution.deferred:
            yield "缓建"
        if not institution.code:
            yield "未核发编码"
        if covered.share is not None and covered.share * 100 < self._limits.day_coverage:
            yield f"当日覆盖不足 {self._limits.day_coverage}％"
        if offset is not None and abs(offset) > self._limits.clock_seconds:
            yield f"时钟{'快' if offset > 0 else '慢'} {abs(offset)} 秒，请核对授时"

    def _rows(self, institution: Institution) -> Iterator[DayRow]:
        planned = self._planned(institution)
        if not planned:
            return
        found = days.cells(
            {code: self._plan(institution, dataset) for code, dataset in planned.items()},
            self._asked.days,
            self._arrivals(institution.code, planned),
            self._watch.manifests(institution.code, *_span(self._asked.days[0], self._asked.day), self._asked.now),
            self._asked.now,
        )
        for code, dataset in planned.items():
            cells = tuple(cell for cell in found if cell.dataset == code)
            yield DayRow(institution.name, institution.code, code, dataset.name, cells)

    def _planned(self, institution: Institution) -> dict[str, Dataset]:
        return {
            dataset.code: dataset
            for dataset in self._edition.datasets.values()
            if dataset.uploaded and dataset.scene in institution.scenes and institution.code
        }

    def _plan(self, institution: Institution, dataset: Dataset) -> Plan:
        return Plan(
            cadence=_cadence(self._edition, dataset.code),
            manifests_by=_cadence(self._edition, operating.MANIFEST),
            closed=closing.calendar(self._closures.get(institution.code, ())),
            deferred=institution.deferred,
            declarations=self._declarations.get(institution.code, ()),
            open_for=self._open_for,
        )

    def _arrivals(self, institution: str, planned: Mapping[str, Dataset]) -> list[days.Arrival]:
        """Of the days; of a monthly data set, of the whole months that they are in."""
        first, last = self._asked.days[0], self._asked.day
        monthly = [code for code in planned if _cadence(self._edition, code).day_of_next_month]
        daily = planned.keys() - set(monthly)
        parts = ((daily, _span(first, last)), (monthly, _span(first.replace(day=1), end_of_month(last))))
        return [each for codes, span in parts if codes for each in self._watch.arrivals(institution, codes, *span, self._asked.now)]

    def _reasons(self, institution: Institution) -> Iterator[Reason]:
        """What touches the days of the board, newest last."""
        begin, end = _span(self._asked.days[0], max(self._asked.day, self._asked.now.astimezone(SHANGHAI).date()))
        for closure in self._closures.get(institution.code, ()):
            if closure.first < end.date() and (closure.last is None or closure.last >= begin.date()):
                yield Reason(
                    *(institution.name, institution.code, "休业", str(closure.id), "全部", closure.days, closure.reason),
                    *(closure.entered_at, closure.entered_at, f"由 {closure.entered_by} 录入"),
                )
        for told in self._declarations.get(institution.code, ()):
            newest = told.newest
            if newest.live and newest.start < end and (newest.end or newest.start + self._open_for) > begin:
                yield self._declared(institution, told)

    def _declared(self, institution: Institution, told: Declaration) -> Reason:
        said = told.newest
        until = f"{said.end:%Y-%m-%d %H:%M}" if said.end else f"尚未恢复（最多算 {self._limits.open_declaration_days} 天）"
        return Reason(
            *(institution.name, institution.code, "申明", said.key, "、".join(sorted(said.datasets)) or "全部"),
            *(f"{said.start:%Y-%m-%d %H:%M} 至 {until}", said.reason, said.declared_at, told.versions[0].received_at),
            "收到时已过申明自己的时限，申明时间为机构自述" if told.arrived_late else "",
        )


def _cadence(edition: Edition, code: str) -> Cadence:
    """The cadence of a data set; of an edition that has none of that code, one that is over at once."""
    dataset = edition.datasets.get(code)
    return edition.cadences[dataset.cadence] if dataset else Cadence(code, code, days=1)


def _span(first: date, last: date) -> tuple[datetime, datetime]:
    begin, end = (datetime.combine(day, time(), SHANGHAI) for day in (first, last))
    return begin, end + _DAY


def _grouped(closures: Sequence[Closure]) -> dict[str, list[Closure]]:
    found: dict[str, list[Closure]] = {}
    for each in closures:
        found.setdefault(each.institution, []).append(each)
    return found


def _told(declarations: Sequence[Declaration]) -> dict[str, list[Declaration]]:
    found: dict[str, list[Declaration]] = {}
    for each in declarations:
        found.setdefault(each.newest.institution, []).append(each)
    return found
