"""`gateway user …`: who may log in to the web pages, and who has looked at what. A password is never on the command line."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import click

from gateway import config as configuration
from gateway import login, operators, passwords, redaction
from gateway.errors import GatewayError
from gateway.operators import PLACE_LENGTH, Operator
from gateway.roles import roles
from gateway.telling import told
from gateway.wiring import Gateway, opened
from schemas import wire
from schemas.commandline import CalendarDay, Group
from schemas.wire import SHANGHAI

_NAME = click.argument("name", metavar="用户名")
_ROLE = click.Choice(tuple(roles()))
_ROLE_WORDS = "、".join(f"{code} {each.title}" for code, each in roles().items())
_DEPARTMENT = click.option("--department", default="", help="角色是 department 时写：哪个科室")
_GENERATE = click.option(
    "--generate",
    "place",
    type=click.Path(path_type=Path, dir_okay=False),
    help="由程序想一个密码，写进这个新文件（只有本人能读），不在屏幕上输入",
)
_DAY = CalendarDay()


def _now() -> datetime:
    return datetime.now(SHANGHAI)


@click.group(cls=Group, help="网页的用户：谁能登录，能做什么，看过什么。")
def user() -> None:
    """Accounts."""


@user.command(help="新建一个用户；密码在提示后输入，或用 --generate 生成。第一次登录时须改密码。")
@_NAME
@click.option("--role", type=_ROLE, required=True, help=f"角色：{_ROLE_WORDS}")
@_DEPARTMENT
@_GENERATE
@click.pass_obj
def add(path: Path, name: str, role: str, department: str, place: Path | None) -> None:
    """Nobody exists at first."""
    with told(), opened(configuration.load(path), _now) as gateway:
        operators.check(name, role, department)
        if gateway.store.people.operator(name):
            raise GatewayError(f"已有用户 {name}")
        made = _with_password(Operator(name, role, department), place)
        gateway.store.people.add_operator(made, _now())
    click.echo(f"已建用户 {name}（{roles()[role].title}）。第一次登录时会要求改密码。")


@user.command("list", help="列出用户：角色、是否停用、锁到何时、最近一次登录。")
@click.pass_obj
def list_(path: Path) -> None:
    """One line each."""
    with told(), opened(configuration.load(path), _now) as gateway:
        found = gateway.store.people.operators()
        locked = gateway.store.people.lockouts(_now())
        for each in found:
            click.echo(_line(each, locked.get(each.name)))
    if not found:
        click.echo("还没有用户。建第一个：gateway user add 用户名 --role admin")


def _line(each: Operator, locked: datetime | None) -> str:
    work = f"{each.held.title} {each.department}".strip()
    seen = f"最近登录 {wire.encode_datetime(each.seen_at)}" if each.seen_at else "没有登录过"
    marks = [
        "已停用" if each.disabled else "",
        f"锁到 {wire.encode_datetime(locked)}" if locked else "",
        "下次登录须改密码" if each.must_change else "",
    ]
    return "，".join((f"{each.name}：{work}", seen, *filter(None, marks)))


@user.command(help="换一个角色；这个用户的登录随即失效。")
@_NAME
@click.argument("role", metavar="角色", type=_ROLE)
@_DEPARTMENT
@click.pass_obj
def role(path: Path, name: str, role: str, department: str) -> None:
    """Other work."""
    with told(), opened(configuration.load(path), _now) as gateway:
        operators.check(name, role, department)
        gateway.store.people.set_role(name, role, department)
    click.echo(f"用户 {name} 的角色已改为 {roles()[role].title}。")


@user.command(help="重设密码；这个用户的登录随即失效，下次登录须改密码。")
@_NAME
@_GENERATE
@click.pass_obj
def password(path: Path, name: str, place: Path | None) -> None:
    """Forgotten, or seen by somebody else."""
    with told(), opened(configuration.load(path), _now) as gateway:
        made = _with_password(_known(gateway, name), place)
        gateway.store.people.set_password(name, made.password, must_change=True)
        gateway.store.people.unlock(name)
    click.echo(f"用户 {name} 的密码已重设，下次登录时会要求改密码。")


@user.command(help="解锁：密码连续输错被锁住的，立即可以再试。")
@_NAME
@click.pass_obj
def unlock(path: Path, name: str) -> None:
    """Its failures are forgotten."""
    with told(), opened(configuration.load(path), _now) as gateway:
        gateway.store.people.unlock(name)
    click.echo(f"用户 {name} 已解锁。")


@user.command(help="停用：不能再登录，已登录的随即失效；记录照留。")
@_NAME
@click.pass_obj
def disable(path: Path, name: str) -> None:
    """Somebody left."""
    with told(), opened(configuration.load(path), _now) as gateway:
        gateway.store.people.set_disabled(name, True)
    click.echo(f"用户 {name} 已停用。")


@user.command(help="重新启用停用的用户。")
@_NAME
@click.pass_obj
def enable(path: Path, name: str) -> None:
    """Somebody is back."""
    with told(), opened(configuration.load(path), _now) as gateway:
        gateway.store.people.set_disabled(name, False)
    click.echo(f"用户 {name} 已启用。")


@user.command(help="访问记录：谁、何时、从哪里、看了或做了什么；只有行号，没有内容。")
@click.option("--from", "first", type=_DAY, required=True, help="起始日期 yyyy-MM-dd")
@click.option("--to", "last", type=_DAY, help="截止日期 yyyy-MM-dd，含当天；不写是到今天")
@click.option("--user", "name", default="", help="只看这个用户")
@click.pass_obj
def access(path: Path, first: datetime, last: datetime | None, name: str) -> None:
    """The newest last, as in a log file."""
    with told(), opened(configuration.load(path), _now) as gateway:
        end = (last.replace(tzinfo=SHANGHAI) if last else _now()) + timedelta(days=1)
        found = gateway.store.people.accesses(first.replace(tzinfo=SHANGHAI), end, name)
        for each in reversed(found):
            parts = (
                wire.encode_datetime(each.at),
                each.operator,
                each.address,
                each.action,
                str(each.outcome),
                redaction.shown(each.place, PLACE_LENGTH),
            )
            click.echo(" ".join(filter(None, parts)))
    if not found:
        click.echo("这段时间没有访问记录。")


COMMANDS = (user,)


def _with_password(operator: Operator, place: Path | None) -> Operator:
    """Typed twice at a prompt, or made and written to a file. GatewayError if it will not do."""
    if place is None:
        typed = click.prompt("密码", hide_input=True)
        if typed != click.prompt("再输入一次", hide_input=True):
            raise GatewayError("两次输入的不一样")
        return login.with_password(operator, typed)
    made = passwords.generated()
    passwords.hand_over(made, place)
    click.echo(f"密码已写进 {place}，交给本人后请删除这个文件。")
    return login.with_password(operator, made)


def _known(gateway: Gateway, name: str) -> Operator:
    found = gateway.store.people.operator(name)
    if found is None:
        raise GatewayError(f"没有用户 {name}，请用 gateway user list 查看")
    return found
