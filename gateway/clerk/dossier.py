"""What `gateway check --report` puts together for the software vendor: per data set the account, the reasons, what to change."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gateway.advice import advice
from gateway.checking import CheckReport, Reason
from gateway.clerk import localvalues, masking
from gateway.clerk.preview import Looked, lines
from gateway.comparing import Crossing
from gateway.console import ASIDE_WORDS
from gateway.judging import Judge
from gateway.model import AsideState
from schemas.model import Violation
from schemas.placeholders import Share

_CODE = re.compile(r"本地代码 (.*?) 没有对照")
_WHOLE = 1000


@dataclass(frozen=True, slots=True)
class Told:
    """One reason, with what the vendor needs to mend it."""

    where: str
    message: str
    rows: int
    columns: str  #: the local ones it comes from; "" of a reason that comes from none
    examples: tuple[tuple[str, str], ...]  #: a row's own number, and what stands in those columns
    advice: str


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A local code that no rule translates."""

    field: str
    label: str
    columns: str  #: the local ones where it stands
    code: str
    rows: int


@dataclass(frozen=True, slots=True)
class Sample:
    """One row: field, label, local columns, reported value, what is wrong."""

    ref: str
    verdict: str
    values: tuple[tuple[str, str, str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Chapter:
    """One data set of one source."""

    report: CheckReport
    seconds: float
    samples: tuple[Sample, ...]
    plans: tuple[str, ...]
    labels: dict[str, str]  #: field -> label
    looked: Mapping[str, Looked]  #: the examples as they stand at the site, by their own numbers

    @property
    def identity(self) -> list[tuple[str, int]]:
        """The account: the first is the sum of the others."""
        tally = self.report.tally
        rest = [(ASIDE_WORDS[AsideState.EXCLUDED], tally.excluded), (ASIDE_WORDS[AsideState.NOT_READY], tally.not_ready)]
        return [("读到", tally.read), *rest, (ASIDE_WORDS[AsideState.QUARANTINED], tally.quarantined), ("可报送", tally.queued)]

    @property
    def pace(self) -> float | None:
        """Seconds for a thousand rows; None if there was none."""
        return self.seconds * _WHOLE / self.report.tally.read if self.report.tally.read else None

    @property
    def reasons(self) -> list[Told]:
        """Each reason once, the most frequent first."""
        return [self._told(each) for each in self.report.reasons]

    def _told(self, reason: Reason) -> Told:
        there = [(self.looked[ref].mapping, each) for ref, each in reason.examples if ref in self.looked]
        columns = dict.fromkeys(column for mapping, each in there for column in localvalues.columns(mapping, each))
        return Told(
            ASIDE_WORDS[reason.state],
            reason.message,
            reason.rows,
            "、".join(columns),
            tuple((masking.row_number(ref), self._values(ref, each)) for ref, each in reason.examples),
            _advice(reason.state, reason.rule),
        )

    def _values(self, ref: str, reason: Violation) -> str:
        """What stands there; "" of a row that is not there any more."""
        looked = self.looked.get(ref)
        return localvalues.values(looked.mapping, looked.row, reason) if looked else ""

    @property
    def unmapped(self) -> list[Unmapped]:
        """Local codes without a translation, the most frequent first."""
        found: Counter[tuple[str, str]] = Counter()
        for cause in self.report.causes:
            for each in cause.reasons:
                if match := _CODE.search(each.message):
                    found[each.field, match[1]] += cause.rows
        return [
            Unmapped(name, self._label(name), "、".join(self._columns(name)), code, rows)
            for (name, code), rows in found.most_common()
        ]

    def _columns(self, name: str) -> tuple[str, ...]:
        looked = next(iter(self.looked.values()), None)
        return looked.mapping.origin_of(name) if looked else ()

    def _label(self, name: str) -> str:
        return self.labels.get(name.rpartition(".")[2], name)


def _advice(state: AsideState, rule: str) -> str:
    return advice(rule, ours=True) if state is AsideState.QUARANTINED else ""


@dataclass
class Dossier:
    """The whole report."""

    institution: str
    edition: str
    made_at: datetime
    chapters: list[Chapter] = field(default_factory=list)
    crossings: Sequence[Crossing] = ()
    shares: Sequence[Share] = ()
    unread: Sequence[str] = ()
    unfinished: Sequence[str] = ()

    @property
    def changes(self) -> list[str]:
        """What the vendor should change, in order of how many rows it holds up."""
        return [*self.unread, *(sentence for chapter in self.chapters for sentence in _changes(chapter))]


def _changes(chapter: Chapter) -> Iterator[str]:
    report = chapter.report
    name = f"{report.dataset} {report.name}"
    if report.heads and not report.complete:
        yield f"{name}：主表有 {report.heads[1]} 行，查询读到 {report.tally.read} 行，查询的连接或条件丢了行或多了行"
    for each in chapter.reasons:
        if each.advice:
            column = f"本地列 {each.columns}，" if each.columns else ""
            yield f"{name}：{each.message}（{column}{each.rows} 行）。{each.advice}"
    yield from (f"{name}：{sentence}" for sentence in chapter.plans)


def sample(each: Looked, judge: Judge, now: datetime) -> Sample:
    """A row for the report, masked."""
    judged = judge.judge(each.became, now)
    reasons = {reason.field: reason.message for reason in judged.reasons}
    labels = {spec.name: spec.label for spec in each.mapping.dataset.fields}
    values = tuple((name, labels[name], local, reported, why) for name, reported, local, why in lines(each, judged, reasons))
    return Sample(masking.row_number(each.became.ref), ASIDE_WORDS[judged.aside] if judged.aside else "可报送", values)
