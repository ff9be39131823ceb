"""`gateway preview`: single rows, local value beside reported value. Nothing is stored or sent, persons are masked."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import click
from rich.console import Console

from adapters.mapping import RowMapping
from adapters.origins import Row
from gateway import config as configuration
from gateway.clerk import localvalues, masking
from gateway.config import Config
from gateway.console import ASIDE_WORDS
from gateway.errors import ConfigError
from gateway.judging import Judge, Judged
from gateway.layout import say
from gateway.model import SourceRow
from gateway.telling import told
from gateway.wiring import Feed, edition_of, feeds_of
from schemas.commandline import Command
from schemas.wire import SHANGHAI


@dataclass(frozen=True, slots=True)
class Looked:
    """A row as it was read, and what became of it."""

    mapping: RowMapping
    row: Row
    became: SourceRow


class Watcher:
    """Keeps the first rows that are read, and those of some numbers."""

    def __init__(self, first: int, refs: Collection[str] = ()) -> None:
        self._first, self._refs, self._kept = first, set(refs), dict[str, Looked]()
        self._seen = 0

    def __call__(self, mapping: RowMapping, row: Row, became: SourceRow) -> None:
        """See adapters.watching.Watch."""
        if self._seen < self._first or became.ref in self._refs:
            self._kept.setdefault(became.ref, Looked(mapping, row, became))
        self._seen += 1

    @property
    def rows(self) -> list[Looked]:
        """In the order in which they were read."""
        return list(self._kept.values())

    @property
    def missing(self) -> list[str]:
        """Those of the numbers that were not read yet."""
        return sorted(self._refs - self._kept.keys())

    @property
    def begun(self) -> bool:
        """Whether the first rows are there."""
        return self._seen >= self._first

    @property
    def full(self) -> bool:
        """Whether no more is wanted."""
        return self.begun and not self.missing


@click.command(cls=Command, help="预览：逐行看本地值、报送值和报不了的原因；不存、不发，姓名和证件号遮盖。")
@click.argument("dataset", metavar="数据集")
@click.option("--source", "only", default="", help="只看这个来源")
@click.option("--limit", default=5, show_default=True, type=click.IntRange(1, 100), help="看几行")
@click.option("--ref", default="", help="只看本地行号是这个的一行（check 和 status 的“例”）")
@click.pass_obj
def preview(path: Path, *, dataset: str, only: str, limit: int, ref: str) -> None:
    """Exit code 1 if there is no such row."""
    with told():
        config = configuration.load(path)
        rows = look(config, dataset, only, 0 if ref else limit, [ref] if ref else ())
        judge = Judge(edition_of(config), dataset, "preview")
        console = Console(highlight=False, markup=False)
        for each in rows:
            _show(console, each, judge.judge(each.became, datetime.now(SHANGHAI)))
    if not rows:
        click.echo(f"没有读到本地行号 {ref} 的行。" if ref else f"{dataset} 一行也没有读到。", err=True)
        sys.exit(1)


def look(config: Config, dataset: str, only: str, first: int, refs: Collection[str] = ()) -> Sequence[Looked]:
    """The first rows of a data set, and those of these numbers. ConfigError if no source has the data set."""
    watcher = Watcher(first, refs)
    feeds = [each for each in feeds_of(config, edition_of(config), watcher) if each.source.dataset == dataset]
    feeds = [each for each in feeds if only in ("", each.source.name)]
    if not feeds:
        raise ConfigError(f"没有来源读取数据集 {dataset}" + (f"，或它不属于来源 {only}" if only else ""), key="sources")
    for feed in feeds:
        _fill(feed, watcher, first)
    return watcher.rows


def _fill(feed: Feed, watcher: Watcher, first: int) -> None:
    """What can be asked for by its number is; else all is read until everything was met."""
    if first or not feed.source.sweeps:
        for _ in feed.source.pages(None, first or feed.page_size):
            if watcher.full or (watcher.begun and feed.source.sweeps):
                break
    if feed.source.sweeps:
        for number in range(0, len(missing := watcher.missing), feed.page_size):
            feed.source.lookup(missing[number : number + feed.page_size])


def _show(console: Console, each: Looked, judged: Judged) -> None:
    console.rule(f"本地行号 {masking.row_number(each.became.ref)}", align="left")
    where = ASIDE_WORDS[judged.aside] if judged.aside else "可报送"
    say(console, f"去向：{where}", style="" if judged.aside is None else "yellow")
    reasons = {reason.field: reason.message for reason in judged.reasons}
    for name, message in reasons.items():
        if name not in {spec.name for spec in each.mapping.dataset.fields}:
            say(console, f"  {message}", style="yellow")
    for name, reported, local, why in lines(each, judged, reasons):
        label = each.mapping.dataset.field(name).label
        say(console, f"  {label} {name} = {reported or '（空）'}　← {local}")
        if why:
            say(console, f"      {why}", style="yellow")


def lines(each: Looked, judged: Judged, reasons: dict[str, str]) -> Iterator[tuple[str, str, str, str]]:
    """Field, reported value, the local columns it was made of, and what is wrong with it."""
    for spec in each.mapping.dataset.fields:
        rule = each.mapping.fields.get(spec.name)
        person = masking.of_person(spec)
        content = judged.content.get(spec.name)
        columns = rule.origin.columns if rule else ()
        plain = bool(columns) and all(masking.own_number(each.row.get(column)) for column in columns)
        person = person or any(localvalues.hidden(each.mapping, column, spec) for column in columns)
        reported = f"{len(content)} 行" if isinstance(content, list) else masking.masked(content, person=person, plain=plain)
        reported = localvalues.nameless(each.mapping, each.row, reported, spec)
        local = "；".join(f"{column}={localvalues.shown(each.mapping, each.row, column, spec)}" for column in columns)
        if spec.name in each.mapping.children:
            local = localvalues.first_line(each.mapping, each.row, spec.name)
        why = reasons.get(spec.name) or next((text for name, text in reasons.items() if name.startswith(f"{spec.name}[")), "")
        if rule is None and not why:
            why = each.mapping.absent.get(spec.name, "")
        if reported or local or why:
            yield spec.name, reported, local or "—", why


COMMANDS = (preview,)
