"""`gateway doctor`: is everything in place for the gateway to work. No record is sent; the store is opened as by any command."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from gateway import config as configuration
from gateway import skew
from gateway.config import Config
from gateway.diagnosis import machine, platforms, sources
from gateway.diagnosis.finding import Finding, Grade, bad, good, notice
from gateway.errors import ConfigError, GatewayError
from gateway.layout import say
from gateway.store import open_store
from gateway.telling import told
from gateway.wiring import edition_of
from schemas.commandline import Command
from schemas.errors import SpecError

_STYLES = {Grade.GOOD: "green", Grade.NOTICE: "yellow", Grade.BAD: "bold red"}


@click.command(
    cls=Command,
    help="体检：程序、密钥、磁盘、本地库、来源、平台、证书、时钟，逐项说正常、注意还是不行。",
)
@click.option("--target", "only", default="", help="平台只看这一个")
@click.pass_obj
def doctor(path: Path, only: str) -> None:
    """Exit code 1 if anything is wrong."""
    with told():
        config = configuration.load(path)
        if only and only not in config.targets:
            raise ConfigError(f"没有名为 {only} 的目标，现有：{'、'.join(config.targets)}", key="targets")
        console, worst = Console(highlight=False, markup=False), set[Grade]()
        for each in _findings(config, only):
            worst.add(each.grade)
            say(console, Text(each.grade, _STYLES[each.grade]), f"　{each.subject}：{each.sentence}")
    sys.exit(1 if Grade.BAD in worst else 0)


def _findings(config: Config, only: str) -> Iterator[Finding]:
    yield good("配置", "读得懂")
    yield from machine.findings(config, machine.moment())
    yield from _store(config)
    yield from sources.findings(config, machine.moment())
    for name, target in config.targets.items():
        if only in ("", name):
            yield from platforms.findings(target)


def _store(config: Config) -> Iterator[Finding]:
    """Opened as every command opens it, which may upgrade it; what platforms said of their clocks is in it."""
    try:
        store = open_store(config.store_url, edition_of(config), machine.moment(), config.storage.key, config.storage.disk_floor)
    except (GatewayError, SpecError) as error:
        yield bad("本地库", f"{error}")
        return
    try:
        yield good("本地库", "打得开，写得进")
        for name in config.targets:
            clock = store.platform_clock(name)
            if clock and clock.off:
                yield notice(f"目标 {name}", skew.sentence(name, clock))
    finally:
        store.close()


COMMANDS = (doctor,)
