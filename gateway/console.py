"""What the commands print, in Chinese, for a hospital's IT clerk."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from gateway.breaker import Tripped
from gateway.checking import CheckReport
from gateway.comparing import Comparison, Crossing
from gateway.model import AsideState, Tally
from gateway.outbox import State
from gateway.standing import Awaited, Grievance, Queue, Standing
from schemas import wire
from schemas.model import Severity
from schemas.placeholders import Habit, Share
from schemas.rules import Case

ASIDE_WORDS = {AsideState.EXCLUDED: "按规则排除", AsideState.NOT_READY: "未完成", AsideState.QUARANTINED: "待改正"}
_TEXTS = frozenset(
    {
        "来源",
        "数据集",
        "目标",
        "去向",
        "原因",
        "例：本地行号",
        "例",
        "核对",
        "规则",
        "结论",
        "说明（第一例）",
        "例：业务主键",
        "字段",
        "现象",
    }
)
CASE_WORDS = {Case.BROKEN: "矛盾", Case.MISSING: "缺上级", Case.UNKNOWN: "无法核对"}
HABIT_WORDS = {Habit.FILLER: "占位值", Habit.CONSTANT: "处处同一个值", Habit.COPIED: "照抄"}
STATE_WORDS = {
    State.QUEUED: "待发送",
    State.LEASED: "已取出",
    State.SENDING: "发送中",
    State.UNKNOWN: "结果不明",
    State.CONFLICT: "版本冲突",
    State.HELD: "暂缓",
    State.ACCEPTED: "平台已收",
    State.REJECTED: "平台退回",
    State.SUPERSEDED: "被新版取代",
    State.CANCELLED: "已取消",
}


def check(console: Console, report: CheckReport) -> None:
    """One data set's check: the account in numbers, then why rows would not go."""
    tally = report.tally
    console.rule(f"{report.source} · {report.dataset} {report.name}", align="left")
    aside = f"按规则排除 {tally.excluded} + 未完成 {tally.not_ready} + 待改正 {tally.quarantined}"
    console.print(f"读到 {tally.read} = {aside} + 可报送 {tally.queued}　{_verdict(report.balanced)}")
    if report.causes:
        console.print(_causes(report))


def _causes(report: CheckReport) -> Table:
    table = _table("行数", "去向", "原因", "例：本地行号")
    for cause in report.causes:
        reasons = "\n".join(reason.message for reason in cause.reasons)
        table.add_row(str(cause.rows), ASIDE_WORDS[cause.state], reasons, "、".join(cause.examples))
    return table


def comparison(console: Console, found: Comparison) -> None:
    """What the records say of each other, and fields that are filled without saying anything."""
    crossings, shares = found.crossings(), found.shares()
    console.rule("跨记录核对（只提示，不影响报送）", align="left")
    console.print(_crossings(crossings) if crossings else "没有发现")
    for sentence in found.skipped:
        console.print(f"未执行：{escape(sentence)}", style="yellow")
    if shares:
        console.rule("占位值（只提示，不影响报送）", align="left")
        console.print(_shares(shares))


def _crossings(crossings: Sequence[Crossing]) -> Table:
    table = _table("条数", "规则", "结论", "说明（第一例）", "例：业务主键")
    for each in crossings:
        word = CASE_WORDS[each.case] + ("，不应报送" if each.severity is Severity.ERROR else "")
        said = f"{each.rule.title}：{each.message}"
        table.add_row(str(each.records), each.rule.id, word, escape(said), escape("、".join(each.examples)))
    return table


def _shares(shares: Sequence[Share]) -> Table:
    table = _table("占比", "行数", "数据集", "字段", "现象")
    for each in shares:
        habit = HABIT_WORDS[each.habit] + (f" {each.other}" if each.other else "")
        field = escape(f"{each.label} {each.field}")  # a child field is written rows[].field
        table.add_row(f"{each.share:.0%}", f"{each.count}/{each.rows}", each.dataset, field, escape(habit))
    return table


def intake(console: Console, rows: Iterable[tuple[str, str, Tally]]) -> None:
    """What one round of reading took in."""
    table = _table("来源", "数据集", "读到", "排除", "未完成", "待改正", "未变", "入队", "作废", "核对")
    for source, dataset, tally in rows:
        figures = (tally.read, tally.excluded, tally.not_ready, tally.quarantined, tally.unchanged, tally.queued, tally.voided)
        table.add_row(source, dataset, *map(str, figures), _verdict(tally.balanced))
    console.print(table)


def standings(console: Console, found: Sequence[Standing]) -> None:
    """The account of every route over all rows ever read, a table per target."""
    for target in dict.fromkeys(each.route.target for each in found):
        routes = [each for each in found if each.route.target == target]
        console.rule(f"目标 {target}", align="left")
        console.print(_accounts(routes))
        for each in routes:
            if each.outdated:
                where = f"{each.route.source} {each.route.dataset}"
                console.print(f"{where}：{each.outdated} 行报送后在本地变得不合格，平台仍为旧值", style="yellow")


def _accounts(routes: Sequence[Standing]) -> Table:
    table = _table("来源", "数据集", "读到", "排除", "未完成", "待改正", "在途", "已收", "退回", "取消", "作废", "核对")
    for each in routes:
        asides = [each.asides.get(state, 0) for state in AsideState]
        settled = [each.states.get(state, 0) for state in (State.ACCEPTED, State.REJECTED, State.CANCELLED)]
        figures = map(str, (each.read, *asides, each.unsettled, *settled, each.voided))
        table.add_row(each.route.source, each.route.dataset, *figures, _verdict(each.balanced))
    return table


def queue(console: Console, found: Queue) -> None:
    """What waits for a target, and what holds it up."""
    due = f"，最早应于 {wire.encode_datetime(found.oldest_due)} 前送达" if found.oldest_due else ""
    waiting = f"还有 {found.waiting} 条未送达{due}" if found.waiting else "没有未送达的"
    console.print(f"目标 {found.target}：{waiting}")
    for cause, rows in found.causes.items():
        console.print(f"  {rows} 条：{cause}", style="yellow")


def awaited(console: Console, found: Sequence[Awaited]) -> None:
    """What is held for records above it, and since when."""
    for each in found:
        since = wire.encode_datetime(each.since)
        console.print(f"  {each.rows} 条在等所指的上级 {each.dataset} 被平台收下，最早自 {since} 起", style="yellow")


def tripped(console: Console, found: Sequence[Tripped]) -> None:
    """Where sending pauses, why, and when it is tried again."""
    for each in found:
        place = f"机构 {each.institution}" if each.institution else "整个平台"
        again = f"{wire.encode_datetime(each.breaker.next_at)} 再试一批" if each.breaker.next_at else "即将再试"
        console.print(f"  暂停报送（{place}）：{escape(each.breaker.cause)}；{again}", style="yellow")


def grievances(console: Console, found: Sequence[Grievance]) -> None:
    """Reasons of what a person must mend, most frequent first."""
    if not found:
        return
    table = _table("数据集", "原因", "行数", "例")
    for each in found:
        table.add_row(each.dataset, each.reason, str(each.rows), each.example)
    console.print(table)


def warnings(console: Console, sentences: Sequence[str]) -> None:
    """What was stopped, and what gets worse."""
    for sentence in sentences:
        console.print(escape(sentence), style="bold yellow", soft_wrap=True)


def _verdict(balanced: bool) -> str:
    return "[green]平[/green]" if balanced else "[bold red]不平[/bold red]"


def _table(*headers: str) -> Table:
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold")
    for header in headers:
        numeric = header not in _TEXTS
        table.add_column(header, justify="right" if numeric else "left", overflow="fold", no_wrap=numeric)
    return table
