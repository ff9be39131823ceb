"""`compliance closure …`: the days on which institutions are closed."""

from __future__ import annotations

import getpass
from datetime import datetime
from pathlib import Path

import click

from compliance import closing, closuresheet, serving
from compliance.closing import Closure
from compliance.errors import ComplianceError
from compliance.store.closures import StoredClosures
from compliance.store.roll import StoredRoll
from compliance.telling import checked, opened, told
from schemas import wire
from schemas.commandline import CalendarDay, Group

_FILE = click.Path(path_type=Path, dir_okay=False)
_DATE = CalendarDay()


def _me() -> str:
    """Who is at the machine; a service account without a name has none."""
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):
        return "未写明"


_BY = click.option("--by", default=_me, help="经办人，默认本机登录名")


@click.group(cls=Group, help="休业日：机构停业、每周固定休息的日子，看板和时限按它算。")
def closure() -> None:
    """What excuses silence."""


@closure.command(help="录入休业：一段日期，或每周固定的几天。")
@click.argument("code", metavar="编码")
@click.option("--from", "first", type=_DATE, required=True, help="开始日期 yyyy-MM-dd")
@click.option("--to", "last", type=_DATE, help="结束日期，含当天；每周固定的可以不写")
@click.option("--weekday", "weekly", default="", help="每周固定的休业日，如 周六、周日；不写就是天天")
@click.option("--reason", required=True, help="原因")
@_BY
@click.pass_obj
def add(path: Path, code: str, first: datetime, last: datetime | None, weekly: str, reason: str, by: str) -> None:
    """Enter one."""
    with told(path), opened(path) as (config, store):
        try:
            weekdays = closuresheet.weekdays(weekly)
        except ValueError as error:
            raise ComplianceError(str(error)) from None
        made = Closure(checked(code), first.date(), last.date() if last else None, weekdays, reason.strip(), by, serving.now())
        if wrong := "；".join(closing.faults(made)):
            raise ComplianceError(f"休业日没有录入：{wrong}")
        changed = StoredClosures(store, serving.edition_of(config)).add([made])
        click.echo(f"已录入：{code} {made.days}休业，{made.reason}{_moved(changed)}")
        if code not in {each.code for each in StoredRoll(store).institutions()}:
            click.echo(f"提示：名册中没有编码 {code}")


@closure.command("import", help="从 CSV 或 Excel 导入休业日；有一处不对就全部不导入。")
@click.argument("file", type=_FILE, metavar="文件")
@_BY
@click.pass_obj
def import_(path: Path, file: Path, by: str) -> None:
    """All of a file, or nothing."""
    with told(path), opened(path) as (config, store):
        found = closuresheet.read(file, by, serving.now())
        changed = StoredClosures(store, serving.edition_of(config)).add(found)
        click.echo(f"已导入休业日 {len(found)} 条{_moved(changed)}")


@closure.command("list", help="列出有效的休业日。")
@click.option("--institution", default="", help="只列这家机构（编码）")
@click.pass_obj
def list_(path: Path, institution: str) -> None:
    """Those in force."""
    with told(path), opened(path) as (config, store):
        found = StoredClosures(store, serving.edition_of(config)).all(institution)
        for each in found:
            entered = f"{each.entered_by} 录入于 {wire.encode_datetime(each.entered_at)}"
            click.echo(f"{each.id}　{each.institution}　{each.days}　{each.reason}　{entered}")
        if not found:
            click.echo("没有录入休业日")


@closure.command(help="撤销一条休业日（编号见 list）；撤销的留作记录。")
@click.argument("number", type=int, metavar="编号")
@_BY
@click.pass_obj
def remove(path: Path, number: int, by: str) -> None:
    """Take one back."""
    with told(path), opened(path) as (config, store):
        gone, changed = StoredClosures(store, serving.edition_of(config)).remove(number, by, serving.now())
        click.echo(f"已撤销：{gone.institution} {gone.days}休业{_moved(changed)}")


COMMANDS = (closure,)


def _moved(changed: int) -> str:
    return f"；{changed} 条已收记录的报送时限随之改变，按时与否已重新判定" if changed else ""
