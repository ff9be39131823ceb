"""`gateway check`: read, map and validate everything of a source, and send nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gateway.judging import Judge, Judged, doubled
from gateway.model import AsideState, SourceRow, Tally
from gateway.ports import RecordSource
from schemas.model import Violation

#: (institution, data set, key) -> the source and the row that have it
Owners = dict[tuple[str, str, str], tuple[str, str]]
#: rows named for each cause
_EXAMPLES = 3


@dataclass
class Cause:
    """Rows set aside for exactly the same reasons, with the first examples."""

    state: AsideState
    reasons: tuple[Violation, ...]
    rows: int = 0
    examples: list[str] = field(default_factory=list)  #: the rows' own keys at the site


@dataclass
class Reason:
    """One reason, whatever other reasons its rows have too."""

    state: AsideState
    rule: str
    message: str
    rows: int = 0
    alone: int = 0  #: of them, those that have no other: what mending it alone would free
    examples: list[tuple[str, Violation]] = field(default_factory=list)  #: a row's own key, and what is wrong with that row

    def take(self, cause: Cause, each: Violation, *, alone: bool) -> None:
        """Some of its rows."""
        self.rows += cause.rows
        self.alone += cause.rows if alone else 0
        self.examples += [(ref, each) for ref in cause.examples[: _EXAMPLES - len(self.examples)]]


@dataclass
class CheckReport:
    """What one data set of one source would yield. `tally.queued` counts the rows that would be sent."""

    source: str
    dataset: str
    name: str
    tally: Tally
    causes: list[Cause]
    heads: tuple[int, int] | None = None  #: rows of the head table before and after reading; None: nobody counted them

    @property
    def balanced(self) -> bool:
        """The accounting identity, the causes add up to the rows set aside, and the query yields every row there is."""
        aside = self.tally.excluded + self.tally.not_ready + self.tally.quarantined
        return self.tally.balanced and aside == sum(cause.rows for cause in self.causes) and self.complete

    @property
    def reasons(self) -> list[Reason]:
        """Each reason once, the most frequent first; a row with two reasons is counted with both."""
        found: dict[tuple[AsideState, str, str], Reason] = {}
        for cause in self.causes:
            told: dict[tuple[AsideState, str, str], Violation] = {}
            for each in cause.reasons:
                told.setdefault((cause.state, each.rule, each.message), each)
            for key, each in told.items():
                found.setdefault(key, Reason(*key)).take(cause, each, alone=len(told) == 1)
        return sorted(found.values(), key=lambda reason: -reason.rows)

    @property
    def complete(self) -> bool:
        """Whether as many rows were read as there are; rows may come and go meanwhile."""
        return self.heads is None or min(self.heads) <= self.tally.read <= max(self.heads)


def check(
    source: RecordSource,
    judge: Judge,
    *,
    clock: Callable[[], datetime],
    keep: Callable[[str, Mapping[str, Any]], None] = lambda dataset, record: None,
    note: Callable[[Sequence[SourceRow]], None] = lambda rows: None,
    count: Callable[[], int | None] = lambda: None,
    page_size: int = 500,
    owners: Owners | None = None,
) -> CheckReport:
    """Read the source from the start and tell what each row would become. SourceError if it cannot be read.

    Each record that would be sent is shown to `keep`, to be compared with the others; each page as it was read to `note`.
    `count` says how many rows there are.
    `owners` is what the sources checked before have taken: as in a run, a key is the row's that was read first.
    """
    causes: dict[tuple[AsideState, tuple[Violation, ...]], Cause] = {}
    owners = {} if owners is None else owners
    read = ready = 0
    before = count()
    for page in source.pages(None, page_size):
        note(page.rows)
        for row in page.rows:
            read += 1
            judged = judge.judge(row, clock())
            verdict = _verdict(judged, source, owners)
            if verdict is None:
                ready += 1
                keep(source.dataset, judged.record)
                continue
            cause = causes.setdefault(verdict, Cause(*verdict))
            cause.rows += 1
            if len(cause.examples) < _EXAMPLES:
                cause.examples.append(row.ref)
    ranked = sorted(causes.values(), key=lambda cause: -cause.rows)
    after = count()
    heads = None if before is None or after is None else (before, after)
    return CheckReport(source.name, source.dataset, judge.dataset.name, _tally(read, ready, ranked), ranked, heads)


def _verdict(judged: Judged, source: RecordSource, owners: Owners) -> tuple[AsideState, tuple[Violation, ...]] | None:
    """None if the row would be sent; two rows with one business key cannot both be."""
    if judged.aside is not None:
        return judged.aside, judged.reasons
    place = (judged.row.institution, source.dataset, judged.key)
    owner = owners.setdefault(place, (source.name, judged.row.ref))
    if owner == (source.name, judged.row.ref):
        return None
    return AsideState.QUARANTINED, (doubled(owner[0], source.name),)


def _tally(read: int, ready: int, causes: list[Cause]) -> Tally:
    def rows(state: AsideState) -> int:
        return sum(cause.rows for cause in causes if cause.state is state)

    return Tally(
        read=read,
        excluded=rows(AsideState.EXCLUDED),
        not_ready=rows(AsideState.NOT_READY),
        quarantined=rows(AsideState.QUARANTINED),
        queued=ready,
    )
