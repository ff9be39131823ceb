"""`gateway check --report`: gathers the dossier while the sources are checked, and writes it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from adapters.databases import explaining
from gateway.checking import CheckReport
from gateway.clerk import masking, reportbook, reportpage
from gateway.clerk.dossier import Chapter, Dossier, Sample, sample
from gateway.clerk.preview import Looked, look
from gateway.comparing import Comparison, Crossing
from gateway.config import Config
from gateway.errors import ConfigError, SourceError
from gateway.judging import Judge
from gateway.wiring import Feed
from schemas.errors import file_trouble
from schemas.model import Edition

_SAMPLES = 3  #: rows of each data set
_CAUSES = 300  #: whose examples are looked at; further ones are told without their values
PAGE, BOOK = "接口检查报告.html", "接口检查报告.xlsx"


class Gatherer:
    """Takes what the check finds; nothing is gathered where no report is wanted."""

    def __init__(self, config: Config, edition: Edition, out: Path | None, clock: Callable[[], datetime]) -> None:
        self._config, self._edition, self._out, self._clock = config, edition, out, clock
        names = "、".join(f"{each.name}（{each.code}）" for each in list(config.institutions.values())[:3])
        many = len(config.institutions)
        self._dossier = Dossier(names + (f"等 {many} 家" if many > 3 else ""), edition.id, clock())
        self._seconds = 0.0

    @contextmanager
    def timed(self) -> Iterator[None]:
        """How long one data set takes."""
        begun = time.monotonic()
        yield
        self._seconds = time.monotonic() - begun

    def take(self, feed: Feed, report: CheckReport) -> None:
        """One data set that could be read."""
        if self._out is None:
            return
        dataset = self._edition.datasets[report.dataset]
        plans = tuple(explaining.sentences(feed.source, self._clock()))
        labels = {spec.name: spec.label for each in dataset.fields for spec in (each, *each.fields)}
        looked = self._looked(report)
        samples = self._samples(report, looked)
        self._dossier.chapters.append(Chapter(report, self._seconds, samples, plans, labels, looked))

    def _looked(self, report: CheckReport) -> dict[str, Looked]:
        """The first rows, and the examples of all reasons, read once more beside what became of them."""
        refs = {ref for cause in report.causes[:_CAUSES] for ref in cause.examples}
        try:
            return {row.became.ref: row for row in look(self._config, report.dataset, report.source, _SAMPLES, refs)}
        except SourceError:
            return {}

    def _samples(self, report: CheckReport, looked: dict[str, Looked]) -> tuple[Sample, ...]:
        """The first rows, and the first of each kind that cannot be reported: that is what the vendor has to look at."""
        judge = Judge(self._edition, report.dataset, "check")
        wanted = [*list(looked)[:_SAMPLES], *(cause.examples[0] for cause in report.causes[:_SAMPLES] if cause.examples)]
        return tuple(sample(looked[ref], judge, self._clock()) for ref in dict.fromkeys(wanted) if ref in looked)

    def write(self, comparison: Comparison, lost: Sequence[str], unfinished: Sequence[str]) -> list[Path]:
        """The page and the workbook; [] where none is wanted. ConfigError if they cannot be written."""
        if self._out is None:
            return []
        self._dossier.crossings, self._dossier.shares = list(map(_masked, comparison.crossings())), comparison.shares()
        self._dossier.unread, self._dossier.unfinished = lost, unfinished
        page, book = self._out / PAGE, self._out / BOOK
        try:
            self._out.mkdir(parents=True, exist_ok=True)
            reportpage.write(self._dossier, page)
            reportbook.write(self._dossier, book)
        except OSError as error:
            raise ConfigError(f"报告写不进 {self._out}：{file_trouble(error)}；文件正打开着的请先关闭") from None
        return [page, book]


def _masked(crossing: Crossing) -> Crossing:
    return replace(crossing, examples=list(map(masking.row_number, crossing.examples)))
