"""`python -m demo`: five weeks of a fictional district through both deployables; exit code 0 only if everything adds up."""

from __future__ import annotations

import logging
import sys
import time
from datetime import date, datetime, timedelta
from itertools import groupby
from pathlib import Path

import structlog
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table

from compliance import serving
from compliance.store import database
from compliance.workbook import coverage as workbook
from compliance.workbook.errors import WorkbookError
from demo import premises, story, verdict
from demo.dirt import DIRT
from demo.district import DISTRICT
from demo.premises import Premises, PremisesError
from demo.simulation import SEED, Sites, play, running
from demo.verdict import Account
from gateway import console as show
from gateway.outbox import State
from schemas.wire import SHANGHAI

_FOLDER = Path("demo-output")


def main() -> int:
    """The exit code; what stands in the demo's way is told in one sentence."""
    try:
        return _demonstrate()
    except (PremisesError, WorkbookError) as error:
        Console(highlight=False, stderr=True).print(str(error), soft_wrap=True, markup=False)
        return 1


def _demonstrate() -> int:
    """Build, play, compare, tell."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    console = Console(highlight=False)
    begun = time.monotonic()
    start = datetime.now(SHANGHAI).date() - timedelta(days=story.DAYS)
    _introduce(console, start)
    built = premises.build(_FOLDER)
    with running(built, start) as sites:
        _play(console, sites, start)
        store = database.connect(built.bureau.store)
        report = serving.coverage(built.bureau, store, sites.clock())
        store.close()
        workbook.write(report, built.workbook)
        accounts = verdict.accounts(sites, report, start, story.DAYS)
        _account(console, accounts)
        _reasons(console, sites)
    _dirt(console, start)
    _farewell(console, built, report.assessed, report.receiving, time.monotonic() - begun)
    return _conclude(console, accounts)


def _introduce(console: Console, start: date) -> None:
    console.rule("两定网关演示", align="left")
    names = "、".join(_short(each.name) for each in DISTRICT.connected)
    console.print(f"{DISTRICT.name}：{names}。数据全部虚构。")
    console.print(f"{start} 起的 {story.DAYS} 天在演示时钟下重演：本地库写入 → 网关读取、校验、报送 → 医保局接收、统计。")


def _play(console: Console, sites: Sites, start: date) -> None:
    columns = (TextColumn("报送"), BarColumn(), TextColumn("{task.completed}/{task.total} 天　已收 {task.fields[accepted]} 条"))
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("报送", total=story.DAYS, accepted=0)
        total = 0

        def passed(day: date, accepted: int) -> None:
            nonlocal total
            total += accepted
            bar.update(task, completed=(day - start).days + 1, accepted=total)

        play(sites, start, story.DAYS, passed)


def _account(console: Console, accounts: list[Account]) -> None:
    """A row per data set under the name of its institution; fits 80 columns."""
    console.rule("每一行的去向（网关的账 = 医保局的账 = 虚构数据自己的底账）", align="left")
    table = _table("数据集", "读到", "已收", "迟报", "作废", "旧值", "排除", "未完成", "待改正", "核对")
    for number, (institution, of_one) in enumerate(groupby(accounts, lambda each: each.institution), 1):
        console.print(f"机构 {number}：{_short(institution)}")
        table.add_row(f"机构 {number}")
        for each in of_one:
            standing = each.standing
            asides = [standing.asides.get(state, 0) for state in show.ASIDE_WORDS]
            asides[0] += standing.states.get(State.CANCELLED, 0)  # withdrawn before they were sent
            figures = (standing.read, each.received, each.late, standing.voided, standing.outdated, *asides)
            mark = "[green]平[/green]" if each.balanced else "[bold red]不平[/bold red]"
            table.add_row(f"  {standing.route.dataset}", *map(str, figures), mark)
    console.print(table)
    console.print("读到 = 已收 + 排除 + 未完成 + 待改正。“已收”包含下面三种：")
    console.print("迟报：医保局第一次收到时已过期限。作废：报送之后在本地撤销、平台已作废。")
    console.print("旧值：报送之后在本地变得不合格、平台上仍是旧值。")


def _reasons(console: Console, sites: Sites) -> None:
    for each in DISTRICT.connected:
        console.rule(f"{_short(each.name)}：待改正的原因（前 5 种）", align="left")
        show.grievances(console, sites.gateways[each.database].store.grievances()[:5])


def _dirt(console: Console, start: date) -> None:
    console.rule("演示数据里有意放进的毛病", align="left")
    table = _table("毛病", "行数")
    for kind, count in story.dirt_counts(SEED, start, story.DAYS).most_common():
        table.add_row(DIRT[kind].label, str(count))
    console.print(table)


def _short(name: str) -> str:
    return name.removesuffix("（演示）")


def _table(*headers: str) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for header in headers:
        table.add_column(header, justify="left" if header in ("数据集", "毛病", "核对") else "right")
    return table


def _farewell(console: Console, built: Premises, assessed: int, receiving: int, seconds: float) -> None:
    console.rule("文件", align="left")
    console.print(f"覆盖与报送情况表：{built.workbook}（应建 {assessed} 个场景，接收中 {receiving} 个）")
    first = DISTRICT.connected[0].code
    console.print(f"医保局一侧：{built.folder / 'bureau'}　机构一侧：{built.folder / first} 等 {len(built.gateways)} 个文件夹")
    console.print(f"接着可以试：.venv/bin/gateway --config {built.gateways[first]} status", soft_wrap=True)
    console.print(f"用时 {seconds:.0f} 秒")


def _conclude(console: Console, accounts: list[Account]) -> int:
    wrong = [each for each in accounts if not each.balanced]
    if wrong:
        console.print(f"有 {len(wrong)} 个数据集对不上账，请看上表。", style="bold red")
        return 1
    rows = sum(each.standing.read for each in accounts)
    console.print(f"{rows} 行全部有着落，两侧一致。", style="bold green")
    return 0


if __name__ == "__main__":
    sys.exit(main())
