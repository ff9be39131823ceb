"""`gateway brake …` and `gateway backfill`, and the warm and cold jobs of `gateway serve`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click
import structlog

from gateway import config as configuration
from gateway.errors import ConfigError, GatewayError, StoppedError
from gateway.model import Brake, BrakeKind, Tally
from gateway.telling import told
from gateway.tiers import Reader, Tier
from gateway.wiring import Feed, Gateway, opened
from jobs.timetable import Job
from schemas import wire
from schemas.commandline import CalendarDay, Command, Group
from schemas.wire import SHANGHAI

#: how often it is asked whether the night's reading is due
_COLD_LOOK = 600
KIND_WORDS = {BrakeKind.VOID: "暂停作废", BrakeKind.MARKED: "暂停作废", BrakeKind.SOURCE: "停止读取"}
_DAY = CalendarDay()
_SOURCE = click.option("--source", required=True, help="来源的名字")
_DATASET = click.option("--dataset", required=True, help="数据集编号，如 HD03")


@click.group(cls=Group, help="刹车：一次作废太多，或本地数据库换过，会停下来等人核实。")
def brake() -> None:
    """What waits for a person."""


@brake.command("list", help="列出停下来等人核实的事。")
@click.pass_obj
def list_(path: Path) -> None:
    """Exit code 1 while anything waits."""
    with told(), opened(configuration.load(path), _now) as gateway:
        found = gateway.store.brakes()
        for sentence in brake_lines(gateway):
            click.echo(sentence)
    if not found:
        click.echo("没有停下来的事。")
    sys.exit(1 if found else 0)


@brake.command(
    help="核实无误后放行：先列出停下来的事，输入 y 才放行列出的；暂停的作废照做，换过的数据库从头重读（未变的不会重发）。"
)
@_SOURCE
@_DATASET
@click.pass_obj
def release(path: Path, source: str, dataset: str) -> None:
    """A person takes the decision on what was shown, and on nothing that came up meanwhile."""
    with told(), opened(configuration.load(path), _now) as gateway:
        place = f"来源 {source} 的 {dataset} "
        shown = _engaged(gateway, source, dataset)
        if not shown:
            raise GatewayError(f"{place}没有停下来的事。")
        _show(shown)
        if click.prompt("以上都已到 HIS 里核实无误、要放行的，输入 y", default="n", show_default=False).strip().lower() != "y":
            raise GatewayError(f"{place}没有放行。")
        kinds = gateway.store.release_brakes(source, dataset, {each.kind: each.sentence for each in shown})
        click.echo(f"{place}已放行：{'、'.join(KIND_WORDS[kind] for kind in kinds)}。" if kinds else f"{place}没有放行什么。")
        if left := _engaged(gateway, source, dataset):
            _show(left)
            raise GatewayError("以上在您看过之后又变了或新停下来，没有放行：请核实后再运行这条命令。")


def _engaged(gateway: Gateway, source: str, dataset: str) -> list[Brake]:
    return [each for each in gateway.store.brakes() if (each.source, each.dataset) == (source, dataset)]


def _show(brakes: Iterable[Brake]) -> None:
    for each in brakes:
        click.echo(_sentence(each))


@click.command(cls=Command, help="补读一段业务日期；可与常驻运行同时进行，中断后再运行同一条命令会接着读。")
@_SOURCE
@_DATASET
@click.option("--from", "first", type=_DAY, required=True, help="起始日期 yyyy-MM-dd")
@click.option("--to", "last", type=_DAY, required=True, help="截止日期 yyyy-MM-dd，含当天")
@click.pass_obj
def backfill(path: Path, source: str, dataset: str, first: datetime, last: datetime) -> None:
    """Day by day; sending is left to the running gateway or to the next `gateway run`."""
    with told(), opened(configuration.load(path), _now) as gateway:
        if first > last:
            raise ConfigError("--from 应不晚于 --to")
        reader = gateway.reader(_feed(gateway, source, dataset))
        total = reader.backfill(first.date(), last.date(), _day_done)
    click.echo(f"共 {_figures(total)}。下一轮报送时发出。")


COMMANDS = (brake, backfill)


def _feed(gateway: Gateway, source: str, dataset: str) -> Feed:
    for feed in gateway.feeds:
        if (feed.source.name, feed.source.dataset) == (source, dataset):
            return feed
    known = "、".join(f"{feed.source.name} {feed.source.dataset}" for feed in gateway.feeds)
    raise ConfigError(f"没有来源 {source} 的 {dataset}，现有：{known}", key="sources")


def _day_done(day: date, tally: Tally) -> None:
    click.echo(f"{day}：{_figures(tally)}")


def _figures(tally: Tally) -> str:
    aside = tally.excluded + tally.not_ready
    changed = f"入队 {tally.queued}，作废 {tally.voided}，未变 {tally.unchanged}"
    return f"读到 {tally.read} 行，{changed}，待改正 {tally.quarantined}，其余 {aside}"


def brake_lines(gateway: Gateway) -> list[str]:
    """A sentence for everything that waits for a person."""
    return [
        f"{_sentence(each)}。核实后运行 gateway brake release --source {each.source} --dataset {each.dataset}"
        for each in gateway.store.brakes()
    ]


def _sentence(found: Brake) -> str:
    since = wire.encode_datetime(found.since.astimezone(SHANGHAI))
    return f"{found.source} {found.dataset}：{KIND_WORDS[found.kind]}（{since} 起）：{found.sentence}"


def alarm_lines(gateway: Gateway) -> list[str]:
    """A sentence for every data set whose rows come later and later."""
    found = ((feed.source, gateway.reader(feed).alarm()) for feed in gateway.feeds)
    return [f"{source.name} {source.dataset}：{sentence}" for source, sentence in found if sentence]


def sweeps(gateway: Gateway, stop: Callable[[], bool]) -> list[Job]:
    """The warm and cold jobs of every data set whose profile has the queries for them."""
    found: list[Job] = []
    for feed in gateway.feeds:
        if feed.source.sweeps:
            name = f"{feed.source.name}:{feed.source.dataset}"
            reader = gateway.reader(feed, stop)
            found.append(Job(f"warm:{name}", gateway.config.tiers.warm_every, _turn(reader, Tier.WARM)))
            found.append(Job(f"cold:{name}", _COLD_LOOK, _turn(reader, Tier.COLD)))
    return found


def _turn(reader: Reader, tier: Tier) -> Callable[[], None]:
    log: Any = structlog.get_logger().bind(source=reader.source.name, dataset=reader.source.dataset, tier=str(tier))

    def turn() -> None:
        try:
            if tier is Tier.COLD and not reader.cold_is_due():
                return
            found = reader.sweep(tier)
        except StoppedError:
            return
        except GatewayError as error:
            log.error("failed", kind=type(error).__name__, cause=str(error))
            return
        log.info("swept", rows=found.tally.read, queued=found.tally.queued, missing=found.missing, voided=found.voided)

    return turn


def _now() -> datetime:
    return datetime.now(SHANGHAI)
