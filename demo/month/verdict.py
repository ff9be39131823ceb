"""What the script makes right to say of each day, and where something else was said."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from compliance.connection import Link
from compliance.days import DayState
from demo.month import script
from demo.month.playing import Said
from demo.month.sites import TARGET, District
from gateway import timeliness
from gateway.alarms import Kind
from gateway.lateness import Party

_ALL = script.ROWS * len(script.HOURS)
#: 断网: of the three readings of the day two could not be sent
_CUT_LATE = script.ROWS * 2


@dataclass(frozen=True, slots=True)
class Right:
    """What is right of one data set's day, after the month."""

    state: DayState
    live: int
    late: int = 0
    versions: tuple[int, ...] = ()  #: rows that each version of the manifest accepted, the first one first
    revoked: bool = False


def of_day(institution: str, day: date, dataset: str) -> Right:
    """By the script alone."""
    here = (institution, day)
    rows = _ALL if script.works(institution, day) else 0
    if here == (script.CLINIC, script.EMPTY) and dataset == "RX01":
        return Right(DayState.LATE, 1, 1, (0, 1), revoked=True)
    if here == (script.HOSPITAL, script.LATE_OF) and dataset == "RH02":
        return Right(DayState.LATE, rows + 1, 1, (rows, rows + 1))
    if here == (script.HOSPITAL, script.CUT[0].date()) and dataset == "RX01":
        return Right(DayState.LATE, rows, _CUT_LATE, (rows,))
    if here == (script.CENTRE, script.MOVED[0].date()):
        state, late = (DayState.DECLARED, rows) if dataset == "RX01" else (DayState.MATCHED, 0)
        return Right(state, rows, late, (0, rows))
    if institution == script.CLINIC and script.OFF[0].date() <= day < script.OFF[1].date():
        on_time = dataset == "RH02" and day == script.OFF[1].date() - _DAY  # D+1 ends with the day on which the gateway is back
        return Right(DayState.MATCHED if on_time else DayState.LATE, rows, 0 if on_time else rows, (0, rows))
    return Right(DayState.MATCHED if rows else DayState.ZERO, rows, 0, (rows,))


_DAY = script.FIRST.resolution


def link(institution: str, day: date) -> Link:
    """What the board says of the connection that evening."""
    if institution == script.CENTRE and day == script.MOVED[0].date():
        return Link.DECLARED
    silent = institution == script.CLINIC and script.OFF[0].date() <= day < script.OFF[1].date()
    return Link.SILENT if silent else Link.CONNECTED


def alarms(institution: str, day: date) -> set[tuple[str, str]]:
    """What the gateway rings for that day; a holiday, a closed day or a day of rest begins no silence."""
    if (institution, day) == (script.HOSPITAL, script.CUT[0].date()):
        of_data = {(kind, f"{TARGET} RX01") for kind in (Kind.OVERDUE, Kind.DUE)}
        return {(str(kind), place) for kind, place in {*of_data, (Kind.BREAKER, TARGET), (Kind.GROWING, TARGET)}}
    if institution == script.CLINIC and script.EMPTY <= day <= script.ENTERED_AFTER_ALL.date():  # until a row comes
        return {(str(Kind.SILENT), f"his {dataset}") for dataset in script.DATASETS}
    return set()


#: what the bureau could not know two evenings later, while the gateway was off
_UNTIL_THEN = {
    (script.CLINIC, script.OFF[0].date() - _DAY): DayState.SILENT,  # its manifest was due while the gateway was off
    (script.CLINIC, script.OFF[0].date()): DayState.SILENT,
}


def then(institution: str, day: date, dataset: str) -> DayState:
    """What the board says two evenings later."""
    if (institution, day, dataset) == (script.HOSPITAL, script.LATE_OF, "RH02"):
        return DayState.MATCHED  # nobody has entered it yet
    return _UNTIL_THEN.get((institution, day)) or of_day(institution, day, dataset).state


def differences(said: Mapping[tuple[str, date], Said]) -> Iterator[str]:
    """Where something else was said than is right, each in Chinese; none if all agrees."""
    for (institution, day), each in sorted(said.items(), key=lambda pair: (pair[0][1], pair[0][0])):
        place = f"{day} {script.NAMES[institution]}"
        if each.link is not link(institution, day):
            yield f"{place}：看板说{each.link}，应为{link(institution, day)}"
        if each.alarms != alarms(institution, day):
            yield f"{place}：告警 {sorted(each.alarms)}，应为 {sorted(alarms(institution, day))}"
        for dataset in script.DATASETS:
            yield from _of_data(f"{place} {dataset}", each, institution, day, dataset)


def _of_data(place: str, each: Said, institution: str, day: date, dataset: str) -> Iterator[str]:
    right, cell = of_day(institution, day, dataset), each.final[dataset]
    found = (cell.state, cell.live, cell.late, cell.missing, cell.equal, cell.revoked)
    if found != (right.state, right.live, right.late, 0, True, right.revoked):
        yield f"{place}：月底看板是 {cell}，应为 {right}"
    if each.cells[dataset].state is not then(institution, day, dataset):
        yield f"{place}：两天后的看板说{each.cells[dataset].state}，应为{then(institution, day, dataset)}"
    versions = sorted(each.manifests[dataset], key=lambda one: one.version)
    if tuple(one.figures["accepted"] for one in versions) != right.versions:
        yield f"{place}：各版清单已收 {[one.figures['accepted'] for one in versions]}，应为 {list(right.versions)}"
    if [one.zero for one in versions if one.revoked_at] != [True] * right.revoked:
        yield f"{place}：零申报的撤销不对"


def charged(district: District) -> Iterator[str]:
    """Whom the two days of lateness that nobody declared are charged to, where that is not whose they were."""
    for institution, due, dataset, party, rows in (
        (script.HOSPITAL, script.CUT[0].date(), "RX01", Party.NETWORK, _CUT_LATE),
        (script.HOSPITAL, script.LATE_OF + _DAY, "RH02", Party.CLINICAL, 1),
    ):
        found = timeliness.account(district.sites[institution].gateway, TARGET, due, dataset)
        records = {one: count for each in found for one, count in each.records.items()}
        if records != {party: rows}:
            yield f"{due} {script.NAMES[institution]} {dataset} 的迟报记在 {records}，应为 {party} {rows} 条"
