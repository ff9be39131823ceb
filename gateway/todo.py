"""`gateway todo …`: the work list as an information department works with it; and `gateway quality`."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from gateway import config as configuration
from gateway import mending, taskview, workbook
from gateway.errors import ConfigError
from gateway.quality import Quality
from gateway.telling import told
from gateway.wiring import Gateway, opened
from gateway.worklist import TaskFilter
from schemas.commandline import CalendarDay, Command, Group
from schemas.wire import SHANGHAI

_DAY = CalendarDay()
_FILE = click.Path(path_type=Path, dir_okay=False)
_PAGE = 50
_NARROW = "请写明是哪些：--key、--reason、--department、--dataset 等至少一项"
_WHICH = (
    click.option("--source", default="", help="只这个来源"),
    click.option("--dataset", default="", help="只这个数据集，如 HD03"),
    click.option("--institution", default="", help="只这家机构"),
    click.option("--department", default="", help="只这个科室"),
    click.option("--owner", default="", help="只这个人负责的"),
    click.option("--reason", default="", help="只这些：原因里有这几个字"),
    click.option("--key", default="", help="只这个业务主键"),
    click.option("--from", "first", type=_DAY, help="业务日期从这天起 yyyy-MM-dd"),
    click.option("--to", "last", type=_DAY, help="业务日期到这天止 yyyy-MM-dd，含当天"),
    click.option("--due-within", type=click.IntRange(0, 3650), help="只这么多天之内到期的，已超期的也算"),
)


def _which(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say which tasks are meant."""
    for option in reversed(_WHICH):
        command = option(command)
    return command


def _filter(
    *, first: datetime | None = None, last: datetime | None = None, due_within: int | None = None, **same: Any
) -> TaskFilter:
    if first and last and first > last:
        raise ConfigError("--from 应不晚于 --to")
    within = None if due_within is None else timedelta(days=due_within)
    return TaskFilter(**same, first=_day(first), last=_day(last), due_within=within)


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None


def _now() -> datetime:
    return datetime.now(SHANGHAI)


def _console() -> Console:
    return Console(highlight=False, markup=False)


@contextmanager
def _opened(path: Path) -> Iterator[Gateway]:
    with told(), opened(configuration.load(path), _now) as gateway:
        yield gateway


def _names(gateway: Gateway) -> dict[str, str]:
    return {code: dataset.name for code, dataset in gateway.edition.datasets.items()}


@click.group(cls=Group, help="待办：要人改正的数据，每件有原因、单据号、科室和期限；改好后自动结束。")
def todo() -> None:
    """What a person must mend."""


@todo.command("list", cls=Command, help="列出待办，期限近的在前。")
@_which
@click.option("--page", default=1, type=click.IntRange(1), help="第几页，每页 50 件")
@click.pass_obj
def list_(path: Path, /, page: int, **which: Any) -> None:
    """Exit code 1 while anything is overdue."""
    with _opened(path) as gateway:
        start = (page - 1) * _PAGE
        found = mending.tasks(gateway, _filter(**which), start, _PAGE)
        taskview.page(_console(), found, start, gateway.clock())
    sys.exit(1 if found.overdue else 0)


@todo.command(cls=Command, help="查看一件待办的全部原因和怎么改。号：本地行号、单据号或业务主键。")
@click.argument("number", metavar="号")
@click.pass_obj
def show(path: Path, number: str) -> None:
    """Every task that has this number; exit code 1 if there is none."""
    with _opened(path) as gateway:
        found = list(mending.every(gateway, TaskFilter(word=number)))
        for task in found:
            taskview.detail(_console(), task, mending.history(gateway, task.row), _names(gateway), gateway.clock())
    _none(len(found))


@todo.command(cls=Command, help="导出 Excel 交给科室：每个科室一张表，另有一张说明。")
@click.option("--out", required=True, type=_FILE, help="写到哪个文件，如 待改正.xlsx")
@_which
@click.pass_obj
def export(path: Path, /, out: Path, **which: Any) -> None:
    """The file is written whole, or not at all."""
    with _opened(path) as gateway:
        stacks = mending.stacks(gateway, _filter(**which))
        count = workbook.write_tasks(stacks, _names(gateway), gateway.clock(), out)
    click.echo(f"已导出 {count} 件待办到 {out}。" if count else f"没有要改正的数据，{out} 里只有说明。")


@todo.command(cls=Command, help="指定负责人；名字写空即取消。")
@click.option("--to-whom", "whom", required=True, help="负责人或科室的名字")
@click.option("--by", default="", help="谁指定的，默认当前登录的系统用户")
@click.argument("number", metavar="[号]", default="")
@_which
@click.pass_obj
def assign(path: Path, /, number: str, whom: str, by: str, **which: Any) -> None:
    """Exit code 1 when nothing matches."""
    with _opened(path) as gateway:
        count = mending.assign(gateway, _meant(number, which), whom, _by(by))
    _none(count)
    click.echo(f"{count} 件待办的负责人已改为 {whom}。" if whom else f"{count} 件待办已没有负责人。")


@todo.command(cls=Command, help="写一句备注；不能有证件号、电话、卡号。")
@click.option("--text", required=True, help="备注的内容，写空即清除")
@click.option("--by", default="", help="谁写的，默认当前登录的系统用户")
@click.argument("number", metavar="[号]", default="")
@_which
@click.pass_obj
def note(path: Path, /, number: str, text: str, by: str, **which: Any) -> None:
    """Exit code 1 when nothing matches."""
    with _opened(path) as gateway:
        count = mending.annotate(gateway, _meant(number, which), text, _by(by))
    _none(count)
    click.echo(f"{count} 件待办已记下备注。")


@todo.command(cls=Command, help="重放：按行号到本地重查、重新判断；仍被平台退回的按原版本再报一次。")
@click.option("--dry-run", "dry", is_flag=True, help="只试算会怎样，什么都不改")
@click.argument("number", metavar="[号]", default="")
@_which
@click.pass_obj
def replay(path: Path, /, number: str, dry: bool, **which: Any) -> None:
    """Exit code 1 when some could not be looked up."""
    with _opened(path) as gateway:
        wanted = _meant(number, which)
        found = mending.rehearse(gateway, wanted) if dry else mending.replay(gateway, wanted)
        taskview.replayed(_console(), found, dry=dry)
    sys.exit(1 if found.unreadable else 0)


def _meant(number: str, which: dict[str, Any]) -> TaskFilter:
    """Not all tasks there are by a slip."""
    wanted = replace(_filter(**which), word=number)
    if not wanted.narrow:
        raise ConfigError(_NARROW)
    return wanted


def _by(said: str) -> str:
    return said or getpass.getuser()


def _none(count: int) -> None:
    if not count:
        click.echo("没有符合的待办，请用 gateway todo list 查看。", err=True)
        sys.exit(1)


def remind(console: Console, gateway: Gateway) -> None:
    """One line of `gateway status`; none where nothing waits for a person."""
    if (found := mending.tasks(gateway, TaskFilter(), size=0)).total:
        style = "bold yellow" if found.overdue else "yellow"
        taskview.say(console, f"待办 {found.total} 件，已超期 {found.overdue} 件：逐件见 gateway todo list", style=style)


@click.command(cls=Command, help="质量：首次合格率与最终合格率，按数据集和业务日期分开数。")
@click.option("--from", "first", type=_DAY, required=True, help="业务日期从这天起 yyyy-MM-dd")
@click.option("--to", "last", type=_DAY, required=True, help="业务日期到这天止 yyyy-MM-dd，含当天")
@click.option("--dataset", default="", help="只这个数据集，如 HD03")
@click.option("--out", type=_FILE, help="同时写成 Excel 文件")
@click.pass_obj
def quality(path: Path, first: datetime, last: datetime, dataset: str, out: Path | None) -> None:
    """Figures agree with those of `gateway status`."""
    with _opened(path) as gateway:
        if first > last:
            raise ConfigError("--from 应不晚于 --to")
        span = (first.date(), last.date())
        found = qualities(gateway, *span, dataset)
        taskview.qualities(_console(), found, span)
        if out:
            workbook.write_qualities(found, _names(gateway), span, gateway.clock(), out)
            click.echo(f"已写到 {out}。")


def qualities(gateway: Gateway, first: date, last: date, dataset: str = "") -> list[Quality]:
    """Of every configured route, each business date from `first` to `last`."""
    start = datetime.combine(first, time(), SHANGHAI)
    end = datetime.combine(last, time(), SHANGHAI) + timedelta(days=1)
    routes = [route for route in gateway.routes if dataset in ("", route.dataset)]
    return [each for route in routes for each in gateway.store.quality(route, start, end)]


COMMANDS = (todo, quality)
