"""`gateway requeue` sends once more what a platform rejected; `gateway resume` tries at once what waits. Both are a person's."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path

import click

from gateway import config as configuration
from gateway.errors import ConfigError
from gateway.standing import Sieve
from gateway.telling import told
from gateway.wiring import Gateway, opened
from schemas.commandline import Command
from schemas.wire import SHANGHAI

_TARGET = click.option("--target", required=True, help="目标的名字")


def _now() -> datetime:
    return datetime.now(SHANGHAI)


@click.command(cls=Command, help="退回的重新排队：内容不变，按原版本再报一次。平台一侧的原因改好之后用；本地改好的会自己再报。")
@_TARGET
@click.option("--institution", default="", help="只这家机构")
@click.option("--dataset", default="", help="只这个数据集，如 HD03")
@click.option("--key", default="", help="只这个业务主键")
@click.option("--reason", default="", help="只这些：退回原因里有这几个字")
@click.pass_obj
def requeue(path: Path, target: str, institution: str, dataset: str, key: str, reason: str) -> None:
    """Exit code 1 when nothing matches."""
    with told(), opened(configuration.load(path), _now) as gateway:
        _known(gateway, target)
        count = gateway.store.requeue(Sieve(target, institution, dataset, key, reason), _now())
    if not count:
        click.echo("没有符合的退回记录，请用 gateway status 查看。", err=True)
        sys.exit(1)
    click.echo(f"{count} 条退回的已重新排队，下一轮报送时发出。")


@click.command(cls=Command, help="立即再试：密钥、地址或网络修好之后，不等暂停到时间。")
@_TARGET
@click.pass_obj
def resume(path: Path, target: str) -> None:
    """What waits for a later try may go with the next round."""
    with told(), opened(configuration.load(path), _now) as gateway:
        _known(gateway, target)
        count = gateway.store.resume(target)
    click.echo(f"目标 {target} 已解除暂停；{count} 条不再等待，下一轮报送时发出。")


def _known(gateway: Gateway, target: str) -> None:
    if target not in gateway.clients:
        raise ConfigError(f"没有名为 {target} 的目标，现有：{'、'.join(gateway.clients)}", key="targets")


COMMANDS = (requeue, resume)
