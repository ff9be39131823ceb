"""`gateway check`: everything is read, mapped and judged once, nothing is sent; a report for the vendor, the profile's contract."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from pathlib import Path

import click
from rich.console import Console

from adapters import contract
from adapters.dropped import inboxes
from gateway import config as configuration
from gateway import console as show
from gateway import granting, unread
from gateway.checking import check as check_source
from gateway.clerk import reporting
from gateway.comparing import Comparison
from gateway.config import Config
from gateway.errors import ConfigError, SourceError
from gateway.judging import Judge
from gateway.model import SourceRow
from gateway.ports import WaitingSource
from gateway.telling import told
from gateway.unread import Unread
from gateway.wiring import Feed, edition_of, feeds_of, unfinished_of
from schemas.commandline import Command
from schemas.model import Edition
from schemas.wire import SHANGHAI

_NO_RID = "check"


class First:
    """The first rows of a reading."""

    def __init__(self, most: int) -> None:
        self._most, self.rows = most, list[SourceRow]()

    def take(self, rows: Sequence[SourceRow]) -> None:
        """Keep them, as far as they are wanted."""
        self.rows.extend(rows[: self._most - len(self.rows)])


@click.command(cls=Command, help="检查：连接、读取、映射、校验，但不发送任何数据。")
@click.option("--source", "only", help="只检查这个来源")
@click.option("--report", "out", type=click.Path(path_type=Path), help="把报告（网页和 Excel）写到这个文件夹，交给软件厂商")
@click.option("--contract", "contracted", is_flag=True, help="另试适配包的合同：分页、行号、主键、必填、代码、按行号和按业务时间查")
@click.pass_obj
def check(path: Path, only: str | None, out: Path | None, contracted: bool) -> None:
    """Read everything once and tell what would become of it."""
    with told():
        config = configuration.load(path)
        edition = edition_of(config)
        feeds = [feed for feed in feeds_of(config, edition) if only in (None, feed.source.name)]
        if not feeds:
            raise ConfigError(f"没有名为 {only} 的来源", file=path, key="sources")
        show.banner(_console(), {name: target.kind.word for name, target in config.targets.items()})
        _prove_read_only(config, feeds)
        comparison = Comparison(edition)
        lost: list[Unread] = []
        gatherer = reporting.Gatherer(config, edition, out, _now)
        first = [First(contract.MOST if contracted else 0) for _ in feeds]
        well = [
            _check_feed(feed, Judge(edition, feed.source.dataset, _NO_RID), comparison, lost, gatherer, rows.take)
            for feed, rows in zip(feeds, first, strict=True)
        ]
        sources = [feed.source for feed in feeds]
        for sentence in (*inboxes.unclaimed(sources), *inboxes.bare(sources)):
            show.say(_console(), sentence, style="yellow")
        left, missed = unfinished_of(config, edition, only), list(unread.sentences(lost))
        _tell_red([*missed, *left])
        show.comparison(_console(), comparison, whole=not lost)
        kept = _contract(zip(feeds, first, strict=True), lost, edition) if contracted else True
        for file in gatherer.write(comparison, missed, left):
            show.say(_console(), f"报告已写到 {file}")
    sys.exit(0 if all(well) and not left and kept else 1)


COMMANDS = (check,)


def _prove_read_only(config: Config, feeds: Sequence[Feed]) -> None:
    """An account that can write is refused before a row is read by it, unless the site has said why it must be that one."""
    refused, accepted = granting.unproven(config, feeds)
    for sentence in accepted:
        show.say(_console(), sentence, style="yellow")
    if refused:
        raise ConfigError("\n".join(refused))


def _check_feed(
    feed: Feed,
    judge: Judge,
    comparison: Comparison,
    lost: list[Unread],
    gatherer: reporting.Gatherer,
    note: Callable[[Sequence[SourceRow]], None],
) -> bool:
    """Whether the feed could be read and every row is accounted for; the others are checked all the same."""
    try:
        source = feed.source
        keep, owners, size = comparison.take, comparison.owners, feed.page_size
        with gatherer.timed():
            report = check_source(
                source, judge, clock=_now, keep=keep, note=note, count=source.count, page_size=size, owners=owners
            )
    except SourceError as error:
        lost.append(Unread(feed.source.name, feed.source.dataset, str(error)))
        return False
    finally:
        _tell_held_back(feed)
    show.check(_console(), report)
    gatherer.take(feed, report)
    return report.balanced


def _tell_held_back(feed: Feed) -> None:
    """A half of a pair that is alone now is told at once, not after its time: its name may be the mistake of the profile."""
    if isinstance(feed.source, WaitingSource):
        for sentence in feed.source.held_back():
            show.say(_console(), f"{feed.source.name} · {feed.source.dataset}：有文件这次没有读，{sentence}", style="yellow")


def _contract(checked: Iterable[tuple[Feed, First]], lost: Sequence[Unread], edition: Edition) -> bool:
    """Whether each source keeps what every profile must keep; of a large table the first rows are tried, as they were read."""
    show.say(_console(), "适配包的合同：")
    held = True
    broken_off = {(each.source, each.dataset) for each in lost}
    for feed, first in checked:
        read = None if (feed.source.name, feed.source.dataset) in broken_off else first.rows
        for each in contract.of_source(feed.source, edition, read=read):
            sentence = f"  {feed.source.name} {each.dataset} {each.rule}：{'守' if each.held else '没有守'}　{each.sentence}"
            show.say(_console(), sentence, style="" if each.held else "red")
            held = held and each.held
    return held


def _tell_red(sentences: Iterable[str]) -> None:
    for sentence in sentences:
        show.say(_console(), sentence, style="red")


def _console() -> Console:
    """Sentences name files, codes and causes, in which `[` is no markup."""
    return Console(highlight=False, markup=False, soft_wrap=False)


def _now() -> datetime:
    return datetime.now(SHANGHAI)
