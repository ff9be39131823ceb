"""`gateway profile new`: look at an unknown database and draft a profile for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import click
from rich.console import Console

from adapters import profile, unfinished
from adapters.databases.aligning import aligned
from adapters.databases.connection import SiteDatabase
from adapters.databases.sql import Query
from adapters.proposing import doubts, folder
from adapters.proposing.folder import Drafted, Product
from adapters.proposing.survey import Survey
from gateway import config as configuration
from gateway.errors import ConfigError
from gateway.layout import say, show
from gateway.telling import told
from schemas import overlay
from schemas.commandline import Command, Group
from schemas.wire import SHANGHAI

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group(name="profile", cls=Group, help="适配包：为还没有适配包的系统起草一个。")
def profiles() -> None:
    """Commands about profiles."""


@profiles.command(cls=Command, help="起草：只读地看一遍库里的表和列，为每个数据集提出主表和各字段的列，写成一个可改的适配包。")
@click.option("--url-from", required=True, type=_FILE, help="写着数据库地址的文件，一行，例：mysql+pymysql://用户:密码@地址/库名")
@click.option("--dataset", "datasets", required=True, multiple=True, help="数据集，如 HD03；可写几次")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="写到哪个新文件夹")
@click.option("--table", "tables", multiple=True, help="指明主表；与 --dataset 一一对应，不写则由程序提议")
@click.option("--schema", default=None, help="表所在的模式（Oracle、PostgreSQL 用）；不写则是登录用户默认的")
@click.option("--encoding", default="", help="库里的中文其实是什么编码（库却以为是 latin1），如 gbk；同配置里的 encoding")
@click.option("--edition", default="reference", help="规范版本，同配置里的 edition")
@click.option(
    "--product", nargs=3, default=("未命名的系统", "未填写", "未填写"), metavar="产品 厂商 版本", help="写进适配包的三个名字"
)
def new(
    *,
    url_from: Path,
    datasets: tuple[str, ...],
    out: Path,
    tables: tuple[str, ...],
    schema: str | None,
    encoding: str,
    edition: str,
    product: tuple[str, str, str],
) -> None:
    """Write the folder and tell what a person must look at."""
    with told():
        if tables and len(tables) != len(datasets):
            raise ConfigError(f"--table 写了 {len(tables)} 次，--dataset 写了 {len(datasets)} 次：要写就一一对应")
        rules = overlay.load(edition)
        survey = Survey(SiteDatabase(configuration.address_in(url_from), 30, f"文件 {url_from}", encoding=encoding), schema)
        found = folder.write(survey, rules, datasets, tables, out, Product(*product), datetime.now(SHANGHAI).date())
        made = profile.load(out)
        left = list(unfinished.sentences(made, [profile.mapping(made, code, rules) for code in datasets]))
        rights = survey.rights()
    console = Console(highlight=False, markup=False)
    _tell(console, found, left, out)
    if rights:
        told_so = f"这个数据库账号不只能读（{'；'.join(rights)}）：请换一个只读账号，否则 check 会拒绝；脚本用 gateway grants 打印"
        say(console, told_so, style="yellow")


@profiles.command(cls=Command, help="把主查询的列和连接照样写进 window、lookup 两个查询：改了主查询之后用，哪些行（WHERE）不动。")
@click.argument("place", metavar="适配包文件夹", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.argument("datasets", metavar="数据集", nargs=-1, required=True)
def align(place: Path, datasets: tuple[str, ...]) -> None:
    """Write those that differ, all or none; say which."""
    console = Console(highlight=False, markup=False)
    with told():
        changed = _aligned(place, datasets)
    for path, text in changed.items():
        path.write_text(text, encoding="utf-8", newline="\n")
        say(console, f"已改 {path}")
    if not changed:
        say(console, f"{'、'.join(datasets)} 的 window、lookup 与主查询的列和连接相同（没有这两个查询的也算），不用改")


def _aligned(place: Path, datasets: Sequence[str]) -> dict[Path, str]:
    made = profile.load(place)
    found: dict[Path, str] = {}
    for code in datasets:
        query = made.queries.get(code)
        if not isinstance(query, Query):
            raise ConfigError(f"适配包 {place} 没有用 SQL 读的数据集 {code}")
        for other in (each for each in (query.window, query.lookup) if each):
            text = aligned(query.sql, other.sql, other.file)
            if text != other.sql:
                found[place / other.file] = text
    return found


def _tell(console: Console, found: Sequence[Drafted], left: Sequence[str], out: Path) -> None:
    for each in found:
        made = each.draft
        console.rule(f"{made.dataset.code} {made.dataset.name}", align="left")
        others = (
            "；还考虑过 " + "、".join(other.table.name for other in each.tables if other.table.name != made.head.name)
            if each.tables
            else ""
        )
        say(console, f"主表 {made.head.name}（{made.head.comment or '没有注释'}）{others}。不对就用 --table 指明")
        for remark in made.remarks:
            say(console, remark, style="yellow")
        rows = []
        for spec in made.dataset.fields:
            active, others_of = made.active.get(spec.name), made.others.get(spec.name, ())
            if active or spec.required:
                beside = "、".join(other.shown for other in others_of)
                sure = f"{active.score.value:.2f}" + ("，请核对" if any(doubts.of(made, spec)) else "") if active else "—"
                rows.append((spec.name, active.shown if active else "没有找到", sure, beside))
        show(console, ("字段名", "取自", "把握", "备选"), rows)
    say(console, f"已写到 {out}。接着：")
    for number, sentence in enumerate((*_STEPS, *left), start=1):
        say(console, f"  {number}. {sentence}")


_STEPS = (
    "在 config.yaml 的 sources 里把 profile 写成这个文件夹",
    "gateway preview 数据集 --limit 5：看本地值和报送值是不是一回事，不是就改 mapping 里的那一行",
    "gateway check：看哪些行报不了、为什么",
)
COMMANDS = (profiles,)
