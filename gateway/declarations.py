"""`gateway declare`: what a person types to say that an institution cannot report, and how far its declarations have come."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from gateway import config as configuration
from gateway import console as show
from gateway.declaring import CODE, Declaration, Declared, declare, end
from gateway.errors import ConfigError
from gateway.evidence import NOTHING
from gateway.telling import told
from gateway.wiring import Gateway, opened
from schemas import wire
from schemas.commandline import Group
from schemas.wire import SHANGHAI

_MOMENT = click.DateTime(["%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"])
_INSTITUTION = click.option("--institution", default="", help="哪家机构；只有一家时不必写")


def _now() -> datetime:
    return datetime.now(SHANGHAI)


@click.group("declare", cls=Group, help="申明：停机或无法上报时，在应报时间之前向平台申明（OP03）。")
def declaring() -> None:
    """What a person says."""


@declaring.command(help="申明一次停机或无法上报；网关记下的中断作为证据附上。")
@click.option("--from", "start", type=_MOMENT, required=True, help='从何时起，如 "2026-11-24 08:00"')
@click.option("--to", "over", type=_MOMENT, help="到何时恢复；还不知道就不写，恢复后用 gateway declare ended 补上")
@click.option("--dataset", "datasets", multiple=True, help="受影响的数据集，可写几次；不写是全部")
@click.option("--reason", required=True, help="原因，不要写人名、证件号、电话")
@_INSTITUTION
@click.pass_obj
def outage(path: Path, start: datetime, over: datetime | None, datasets: tuple[str, ...], reason: str, institution: str) -> None:
    """Queue it; the running gateway or the next `gateway run` sends it."""
    with told(), opened(configuration.load(path), _now) as gateway:
        code = _institution(gateway, institution)
        until = over.replace(tzinfo=SHANGHAI) if over else None
        found = declare(gateway, Declaration(code, reason, start.replace(tzinfo=SHANGHAI), until, datasets))
        _tell(found, gateway.clock())


@declaring.command(help="补上一次申明的结束时间：按下一版重报。")
@click.option("--id", "number", required=True, help="申明编号，见 gateway declare list")
@click.option("--to", "over", type=_MOMENT, required=True, help='何时恢复，如 "2026-11-24 17:00"')
@_INSTITUTION
@click.pass_obj
def ended(path: Path, number: str, over: datetime, institution: str) -> None:
    """The next version of it."""
    with told(), opened(configuration.load(path), _now) as gateway:
        found = end(gateway, _institution(gateway, institution), number, over.replace(tzinfo=SHANGHAI))
        _tell(found, gateway.clock())


@declaring.command("list", help="列出申明过的，各目标收下没有。")
@click.pass_obj
def list_(path: Path) -> None:
    """The newest version of each."""
    with told(), opened(configuration.load(path), _now) as gateway:
        found = gateway.store.deliveries(CODE)
        for each in found:
            when = f"（{wire.encode_datetime(each.settled_at)}）" if each.settled_at else ""
            click.echo(
                f"{each.key} 机构 {each.institution} 第 {each.version} 版 → {each.target}：{show.STATE_WORDS[each.state]}{when}"
            )
    if not found:
        click.echo("没有申明过。")


COMMANDS = (declaring,)


def _institution(gateway: Gateway, named: str) -> str:
    known = tuple(gateway.config.institutions)
    if not named and len(known) > 1:
        raise ConfigError(f"有几家机构，请写 --institution：{'、'.join(known)}")
    return named or known[0]


def _tell(found: Declared, now: datetime) -> None:
    click.echo(f"申明 {found.id} 已排队，下一轮报送时发往 {'、'.join(found.targets)}。")
    click.echo(f"机器证据：{found.evidence}")
    if found.evidence == NOTHING:
        click.echo("没有机器证据，请核对起止时间；申明照样报送。", err=True)
    late = found.late(now)
    for dataset, due in found.due.items():
        over = "已过，申明晚了" if dataset in late else "之前申明，不晚"
        click.echo(f"{dataset}：这段时间最早的数据应于 {wire.encode_datetime(due)} 前报到，{over}", err=dataset in late)
