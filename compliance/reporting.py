"""Roster x what came in -> CoverageReport: the one place where cells get their state."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from compliance import cadence
from compliance.coverage import Cell, CellState, CoverageReport, InstitutionCoverage
from compliance.model import Institution, Tally
from compliance.ports import Roll, Standing
from schemas.model import Edition

_OFF_ROSTER = "（未列入名册）"
_Tallies = Mapping[tuple[str, str], Tally]


def coverage(
    edition: Edition, roll: Roll, standing: Standing, *, credentialed: Collection[str], district: str, as_of: datetime
) -> CoverageReport:
    """The report as of a cut-off. Who holds a credential or has reported without being on the roster gets a row too."""
    tallies = {(tally.institution, tally.dataset): tally for tally in standing.tallies(as_of)}
    roster = roll.institutions()
    everyone = listed(roster, {*credentialed, *(code for code, _ in tallies)})
    return CoverageReport(
        district=district,
        as_of=as_of,
        edition=edition.id,
        scenes=edition.scenes,
        institutions=tuple(_row(edition, institution, tallies) for institution in everyone),
        uploads=cadence.upload_lines(edition, everyone, tallies),
    )


def listed(roster: Sequence[Institution], codes: Collection[str]) -> tuple[Institution, ...]:
    """The roster, and after it whoever has one of these codes without being on it."""
    return (*roster, *_rows_of(off_roster(roster, codes), after=max((each.number for each in roster), default=0)))


def off_roster(roster: Collection[Institution], codes: Collection[str]) -> tuple[str, ...]:
    """Codes that no row of the roster has."""
    return tuple(sorted(set(codes) - {each.code for each in roster}))


def _rows_of(codes: tuple[str, ...], after: int) -> tuple[Institution, ...]:
    return tuple(Institution(after + place, _OFF_ROSTER, code, False, ()) for place, code in enumerate(codes, start=1))


def _row(edition: Edition, institution: Institution, tallies: _Tallies) -> InstitutionCoverage:
    cells = tuple(_cell(edition, institution, scene, tallies) for scene in edition.scenes)
    return InstitutionCoverage(institution.number, institution.name, institution.code, institution.deferred, cells)


def _cell(edition: Edition, institution: Institution, scene: str, tallies: _Tallies) -> Cell:
    codes = (dataset.code for dataset in edition.datasets.values() if dataset.scene == scene)
    found = [tallies[institution.code, code] for code in codes if (institution.code, code) in tallies]
    live = sum(tally.live for tally in found)
    last = max((tally.last_received for tally in found if tally.last_received), default=None)
    return Cell(scene, _state(institution, scene, live), live, last)


def _state(institution: Institution, scene: str, live: int) -> CellState:
    """The plan decides first: what comes in outside it is counted, but does not make a cell planned."""
    if scene not in institution.scenes:
        return CellState.NOT_PLANNED
    if institution.deferred:
        return CellState.DEFERRED
    return CellState.RECEIVING if live else CellState.NOT_STARTED
