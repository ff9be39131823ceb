"""`gateway reconcile` asks each platform what it holds and mends what differs; `gateway verified` takes a person's word."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from pathlib import Path

import click

from gateway import config as configuration
from gateway import reconcile as reconciling
from gateway.errors import GatewayError
from gateway.outbox import Verified, next_step
from gateway.reconcile import Audit
from gateway.standing import Extent
from gateway.telling import told
from gateway.wiring import Gateway, opened
from schemas.commandline import CalendarDay, Command
from schemas.wire import SHANGHAI


def _now() -> datetime:
    return datetime.now(SHANGHAI)


@click.command(cls=Command, help="对账：逐条核对平台持有的与本地台账，不一致的按平台重建后重报；恢复旧备份之后运行一次。")
@click.option("--target", "only", help="只核对这个目标")
@click.option("--date", "day", type=CalendarDay(), help="只核对这个业务日 yyyy-MM-dd")
@click.option("--dataset", default="", help="只核对这个数据集，如 HD03")
@click.option("--resend", is_flag=True, help="收下过而平台已没有的，按原版本再报一次（先与医保局核实是不是有意删的）")
@click.pass_obj
def reconcile(path: Path, only: str | None, day: datetime | None, dataset: str, resend: bool) -> None:
    """Ask every platform that answers queries."""
    with told(), opened(configuration.load(path), _now) as gateway:
        extent = Extent(dataset, _span(day) if day else None)
        well = [_audit(gateway, target, extent, resend=resend) for target in gateway.clients if only in (None, target)]
        if not well:
            click.echo(f"没有名为 {only} 的目标", err=True)
    sys.exit(0 if well and all(well) else 1)


def _span(day: datetime) -> tuple[datetime, datetime]:
    """From midnight to midnight in Shanghai."""
    begin = day.replace(tzinfo=SHANGHAI)
    return begin, begin + timedelta(days=1)


def _audit(gateway: Gateway, target: str, extent: Extent, *, resend: bool) -> bool:
    """Whether the platform could be asked and holds everything, or is sent again what it lost."""
    client = gateway.clients[target]
    if not client.answers_queries:
        click.echo(f"目标 {target}：这个平台不回答查询（answers_queries: false），未核对")
        return True
    found = reconciling.audit(gateway.store, client, target, _now(), extent=extent, resend=resend)
    reconciling.heal(gateway.store, client, target, clock=_now)
    click.echo(_account(target, found))
    for sentence in found.failures:
        click.echo(f"  {sentence}", err=True)
    return not found.failures and found.missing == found.resent.queued


def _account(target: str, found: Audit) -> str:
    differing = f"{found.differing} 条与平台不一致，已按平台重建，下次运行时重报" if found.differing else "没有不一致的"
    return f"目标 {target}：核对 {found.asked} 条，{differing}{_lost(found)}"


def _lost(found: Audit) -> str:
    """What the platform does not hold any more, and what becomes of it."""
    if not found.missing:
        return ""
    if not found.resent.queued + found.resent.shredded:
        return f"；{found.missing} 条平台已没有，请与医保局核实，要再报的加 --resend"
    again = f"，{found.resent.queued} 条已按原版本重新排队"
    shredded = f"，{found.resent.shredded} 条正文已销毁、不能再报，请与医保局商定" if found.resent.shredded else ""
    return f"；{found.missing} 条平台已没有{again}{shredded}"


@click.command(cls=Command, help="录入核实的结果：到平台查过，结果不明的这一条收到没有。")
@click.argument("target", metavar="目标")
@click.argument("dataset", metavar="数据集")
@click.argument("key", metavar="业务主键")
@click.option("--received/--not-received", "received", required=True, help="平台已收到，或没有收到（将按同一版本再发）")
@click.option("--institution", "institution", help="机构编码；只有一家机构有这个主键时不必写")
@click.pass_obj
def verified(path: Path, target: str, dataset: str, key: str, received: bool, institution: str | None) -> None:
    """A person's word on one record that nobody can be asked about."""
    with told(), opened(configuration.load(path), _now) as gateway:
        found = [each for each in gateway.store.unknown(target, dataset, key) if institution in (None, each.institution)]
        if len(found) != 1:
            several = "不止一家机构有，请写 --institution" if found else "没有结果不明的这一条，请用 gateway status 查看"
            raise GatewayError(f"{dataset} {key}：{several}")
        gateway.store.apply([next_step(found[0].item, Verified(received), _now())], _now())
    click.echo("已记为平台已收。" if received else "将按同一版本再发。")


COMMANDS = (reconcile, verified)
