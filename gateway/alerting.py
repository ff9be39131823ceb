"""`gateway alert …`: what is wrong now and what to do, whether the channels work, and that a person knows."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import click

from gateway import config as configuration
from gateway import watching
from gateway.alarms import Kind
from gateway.channels import Channels
from gateway.errors import ConfigError
from gateway.notices import Digest, Notice
from gateway.telling import told
from gateway.wiring import Gateway, opened
from schemas import wire
from schemas.commandline import Group
from schemas.wire import SHANGHAI


@click.group(cls=Group, help="告警：要人处理的事，怎么办，通知到了没有。")
def alert() -> None:
    """What a person is told."""


@alert.command("list", help="列出现在的告警和怎么办。")
@click.pass_obj
def list_(path: Path) -> None:
    """Looks anew; exit code 1 while there is any."""
    with told(), opened(configuration.load(path), _now) as gateway:
        lasting = [each for each in watching.Watch(gateway).look() if each.lasts]
        for each in lasting:
            click.echo(sentence(each))
        for line in channel_lines(gateway):
            click.echo(line)
    if not lasting:
        click.echo("没有告警。")
    sys.exit(1 if lasting else 0)


@alert.command(help="向每个告警通道发一条测试消息。")
@click.pass_obj
def test(path: Path) -> None:
    """Exit code 1 if any of them fails."""
    with told(), opened(configuration.load(path), _now) as gateway:
        settings = gateway.config.alerts
        if not settings.channels:
            raise ConfigError("还没有写告警通道", key="alerts.channels")
        channels = Channels(settings.channels, environment_proxy=settings.environment_proxy)
        message = Digest(f"两定网关 {settings.manners.name}：测试消息", "这是一条测试消息，收到即说明告警能送到，不用处理。")
        waits = watching.send(gateway, channels, message, gateway.clock())
        for name in channels:
            click.echo(f"告警通道 {name}：已送到" if waits[name] is None else gateway.store.failing_channels()[name][2])
    sys.exit(1 if any(waits.values()) else 0)


@alert.command(help="记下“已知道”：这一项解除之前不再重复通知。")
@click.option("--kind", type=click.Choice([str(kind) for kind in Kind]), required=True, help="告警的种类，如 静默")
@click.option("--place", default=None, help="告警的位置，如 “his HD03”；不写是这一种的全部")
@click.pass_obj
def ack(path: Path, kind: str, place: str | None) -> None:
    """A person knows."""
    with told(), opened(configuration.load(path), _now) as gateway:
        known = gateway.store.know(kind, place, gateway.clock())
    click.echo(
        f"已记下 {known} 项，解除之前不再重复通知。" if known else "没有这样的告警，请先运行 gateway alert list 查看。",
        err=not known,
    )
    sys.exit(0 if known else 1)


COMMANDS = (alert,)


def sentence(notice: Notice) -> str:
    """One alarm with what to do."""
    since = wire.encode_datetime(notice.raised_at.astimezone(SHANGHAI))
    place = f"（{notice.place}）" if notice.place else ""
    if notice.known_at:
        passed = "，已有人知道"
    else:
        passed = f"，{wire.encode_datetime(notice.told_at.astimezone(SHANGHAI))} 通知过" if notice.told_at else ""
    return f"{notice.kind}{place}：{notice.sentence}（自 {since} 起{passed}）。怎么办：{notice.advice}。"


def channel_lines(gateway: Gateway) -> list[str]:
    """A sentence for every channel that takes no messages."""
    configured = gateway.config.alerts.channels
    return [
        f"{cause}（连续 {failures} 次，最近 {wire.encode_datetime(tried.astimezone(SHANGHAI))}）"
        for name, (failures, tried, cause) in gateway.store.failing_channels().items()
        if name in configured
    ]


def _now() -> datetime:
    return datetime.now(SHANGHAI)
