"""What is proposed: a table that a data set may come from, a column that a field may mean, and which of them a draft takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from adapters.introspection.tables import Link, Table
from adapters.proposing.sides import Offered, Score
from schemas.model import Dataset


@dataclass(frozen=True, slots=True)
class Place:
    """A table reached from the head table by links; () is the head table itself."""

    table: str
    head: str
    path: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """A column, or a day and a clock, that may be what a field asks for."""

    place: Place
    offered: Offered
    score: Score
    clock: Offered | None = None  #: the wall clock beside `offered`, which is then the day

    @property
    def shown(self) -> str:
        """As a person reads it."""
        return f"{self.offered.shown}＋{self.clock.column.name}" if self.clock else self.offered.shown


@dataclass(frozen=True, slots=True)
class TableProposal:
    """A table that the data set may come from."""

    table: Table
    score: float
    covered: tuple[str, ...]  #: labels of the required fields that something in it may be
    empty: bool = False


def chosen(dataset: Dataset, proposals: Mapping[str, Sequence[Proposal]], least: float = 0.55) -> dict[str, Proposal]:
    """The proposal of each field that the skeleton makes active: good enough, and not much better for another field."""
    best: dict[str, float] = {}
    for found in proposals.values():
        if found:
            best[found[0].shown] = max(best.get(found[0].shown, 0.0), found[0].score.value)
    specs = {spec.name: spec for spec in dataset.fields}
    active: dict[str, Proposal] = {}
    for name, found in proposals.items():
        if not found:
            continue
        first, needed = found[0], name in specs and specs[name].required
        enough = first.score.value >= (least if needed else least + 0.1)
        if enough and (needed or first.score.value >= best[first.shown] - 0.2):
            active[name] = first
    return active
