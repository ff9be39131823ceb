"""What the coverage workbook shows: values only; reading them is the store's work, laying them out the workbook's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class CellState(StrEnum):
    """State of one institution x scene (requirements J-044 … J-063)."""

    NOT_PLANNED = "不适用"
    DEFERRED = "缓建"  #: planned, but not assessed
    NOT_STARTED = "未开始"  #: planned, nothing received yet
    RECEIVING = "接收中"


@dataclass(frozen=True, slots=True)
class Cell:
    """One scene of one institution."""

    scene: str
    state: CellState
    records: int = 0  #: live records accepted
    last_received: datetime | None = None

    @property
    def withdrawn(self) -> bool:
        """Whether something came in and all of it was taken back."""
        return self.last_received is not None and not self.records


@dataclass(frozen=True, slots=True)
class InstitutionCoverage:
    """One row of the matrix."""

    number: int
    name: str
    code: str  #: fixmedins_code; "" while the bureau has not issued one
    deferred: bool
    cells: tuple[Cell, ...]  #: in the order of `CoverageReport.scenes`


@dataclass(frozen=True, slots=True)
class UploadLine:
    """What one institution uploaded of one data set."""

    institution: str
    code: str
    dataset: str
    dataset_name: str
    cadence: str  #: label, e.g. D+1日
    received: int  #: distinct keys accepted, newest version counted once, withdrawn ones included
    withdrawn: int  #: of these, keys whose newest version is void
    rejected: int  #: distinct keys whose newest version was rejected and not yet mended
    on_time: int
    late: int
    last_received: datetime | None


@dataclass(frozen=True, slots=True)
class CoverageReport:
    """Everything the workbook needs. Totals are computed here once, so that sheet and screen cannot differ."""

    district: str
    as_of: datetime  #: data cut-off
    edition: str
    scenes: tuple[str, ...]
    institutions: tuple[InstitutionCoverage, ...]
    uploads: tuple[UploadLine, ...]

    @property
    def planned(self) -> int:
        """Planned cells, deferred included (63 in Jiyuan's annex 2)."""
        return self._count(CellState.DEFERRED, CellState.NOT_STARTED, CellState.RECEIVING)

    @property
    def assessed(self) -> int:
        """Planned cells without the deferred ones (57 in Jiyuan's annex 2): the denominator."""
        return self._count(CellState.NOT_STARTED, CellState.RECEIVING)

    @property
    def receiving(self) -> int:
        """Assessed cells with at least one accepted record."""
        return self._count(CellState.RECEIVING)

    def _count(self, *states: CellState) -> int:
        return sum(cell.state in states for row in self.institutions for cell in row.cells)
