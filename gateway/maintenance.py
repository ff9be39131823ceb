"""`gateway backup`, `restore` and `disk`, and the store's daily upkeep."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import click
import structlog

from gateway import config as configuration
from gateway import timekeeping
from gateway.config import Config, Console
from gateway.disk import Forecast, forecast, spoken
from gateway.errors import ClockDoubtedError, GatewayError
from gateway.freshness import fresh
from gateway.store import Store, open_store, restore_store
from gateway.store.backup import Copy
from gateway.telling import tell, told
from gateway.tiers import AHEAD
from gateway.wiring import Gateway, edition_of
from jobs.timetable import Job
from schemas.commandline import Command
from schemas.wire import SHANGHAI

_HOUR = 60 * 60
#: a turn comes every hour, so one that comes a moment early is the day's too
_DAILY = timedelta(hours=23, minutes=30)
_FILE = click.Path(path_type=Path, dir_okay=False)
_DECADE = 3650
#: under which name the last backup is remembered
BACKUP_PULSE = "backup"


@click.command(cls=Command, help="在线备份本地库到一个新文件，并核验；不必停止网关。")
@click.option("--to", "to", type=_FILE, required=True, help="备份写到哪个文件")
@click.pass_obj
def backup(path: Path, to: Path) -> None:
    """A verified copy."""
    with told():
        config = configuration.load(path)
        store = _opened(config)
        try:
            found = store.back_up(to)
            store.beat(BACKUP_PULSE, _now())
        finally:
            store.close()
        click.echo(f"已备份到 {to}：{_account(found)}")
        click.echo("密钥不在备份里，没有它备份打不开：请与备份分开、另行保存一份。")


@click.command(cls=Command, help="用备份恢复本地库；网关须已停止，现有的库会先另存。")
@click.option("--from", "source", type=_FILE, required=True, help="备份文件")
@click.pass_obj
def restore(path: Path, source: Path) -> None:
    """Put a backup in the store's place."""
    with told():
        config = configuration.load(path)
        found, kept = restore_store(config.store_url, config.storage.key, source, _now())
        click.echo(f"已恢复：{_account(found)}")
        if kept:
            click.echo(f"原来的本地库另存为 {kept}，确认无误后请删除。")
        click.echo("备份之后可能已报送过的都记为“结果不明”，下次运行先核实再报。")
        click.echo("接着请运行 gateway reconcile，与平台逐条核对：备份之后改过又改回去的，只有这样才看得出来。")


@click.command(cls=Command, help="磁盘：本地库多大、每天增长多少、还能用多久。")
@click.pass_obj
def disk(path: Path) -> None:
    """The forecast; exit code 1 when a person should act."""
    with told():
        config = configuration.load(path)
        store = _opened(config)
        try:
            found = forecast(store.usage(_now()), store.room, config.storage.disk_budget, _now())
        finally:
            store.close()
    click.echo(sentence(found))
    sys.exit(1 if found.tight else 0)


COMMANDS = (backup, restore, disk)


def disk_line(gateway: Gateway, now: datetime) -> str:
    """The forecast of a running gateway in one line."""
    return sentence(forecast(gateway.store.usage(now), gateway.store.room, gateway.config.storage.disk_budget, now))


def sentence(found: Forecast) -> str:
    """The forecast in Chinese."""
    floor = f"（低于 {spoken(found.floor)} 停止读取）" if found.floor else ""
    free = f"，磁盘剩余 {spoken(found.free)}{floor}" if found.free is not None else ""
    budget = f"，预算 {spoken(found.budget)}" if found.budget else ""
    left = f"，按此还能用{_spoken_days(found.days_left)}" if found.days_left is not None else ""
    warning = "。磁盘不足，已停止读取，报送照常" if found.short else "。请尽快清理或扩容" if found.tight else ""
    return f"本地库 {spoken(found.size)}{budget}，近日每天增长约 {spoken(found.growth)}{free}{left}{warning}"


def _spoken_days(days: int) -> str:
    return "十年以上" if days > _DECADE else f" {days} 天"


def retention_lines(config: Config) -> list[str]:
    """A sentence if bodies go while the night's reading may still find that their rows were deleted."""
    tiers, kept = config.tiers, config.storage.keep_days
    needed = tiers.open_days + AHEAD.days + tiers.guards.sweeps
    if kept >= needed:
        return []
    why = (
        f"夜间核对到 {tiers.open_days} 天前（tiers.open_days），连同预先排到后几天的和 {tiers.guards.sweeps} 夜的确认共 {needed} 天"
    )
    what = "其间在本地删除的行，正文若已清除就不能自动作废，只能由人到平台上作废"
    return [f"正文只保留 {kept} 天（store.keep_days），{why}；{what}。请把 keep_days 改为不小于 {needed}"]


def clear(gateway: Gateway) -> int:
    """Empty the bodies whose days are over, and forget who looked at what and which sessions there were; returns how many bodies.

    ClockDoubtedError, and nothing is cleared, where the days may not be counted by this machine's clock.
    """
    now, pages = timekeeping.vouched(gateway), gateway.config.console or Console()
    shredded = gateway.store.shred(timedelta(days=gateway.config.storage.keep_days), now)
    gateway.store.people.forget(now, timedelta(days=pages.access_days), pages.longest)
    return shredded


def upkeep(gateway: Gateway) -> list[Job]:
    """What `serve` does once a day; what was put off or failed is tried again within the hour."""
    return [Job("upkeep", _HOUR, _clearing(gateway))]


def _clearing(gateway: Gateway) -> Callable[[], None]:
    log = structlog.get_logger()
    done: datetime | None = None

    def turn() -> None:
        nonlocal done
        now = gateway.clock()
        if fresh(done, now, _DAILY):
            return
        try:
            shredded = clear(gateway)
        except ClockDoubtedError as error:
            log.warning("clearing_put_off", cause=str(error))
            return
        except GatewayError as error:
            log.error("failed", kind=type(error).__name__, cause=str(error))
            return
        done = now
        found = forecast(gateway.store.usage(now), gateway.store.room, gateway.config.storage.disk_budget, now)
        log.info("shredded", bodies=shredded)
        (log.warning if found.tight else log.info)("disk", size=found.size, free=found.free, days_left=found.days_left)

    return turn


def _opened(config: Config) -> Store:
    store = open_store(config.store_url, edition_of(config), _now(), config.storage.key, config.storage.disk_floor)
    tell(store.news)
    return store


def _account(found: Copy) -> str:
    rows = "、".join(f"{name} {count}" for name, count in found.rows.items() if count)
    return f"第 {found.version} 版，完整性正常，抽查正文 {found.opened} 条都打得开；行数：{rows or '无'}"


def _now() -> datetime:
    return datetime.now(SHANGHAI)
