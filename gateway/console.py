"""What the commands print, in Chinese, for a hospital's IT clerk: in 80 columns, names and numbers unbroken.

Every cell and sentence is text, never markup: a local code may contain `[`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from rich.console import Console
from rich.text import Text

from gateway.breaker import Tripped
from gateway.checking import CheckReport
from gateway.comparing import Comparison, Crossing
from gateway.lateness import Account
from gateway.layout import Cell, show, table
from gateway.layout import say as say
from gateway.model import AsideState, Tally
from gateway.outbox import State
from gateway.standing import Awaited, Grievance, Queue, Standing
from schemas import wire
from schemas.model import Severity
from schemas.placeholders import Habit, Share
from schemas.rules import Case

ASIDE_WORDS = {AsideState.EXCLUDED: "按规则排除", AsideState.NOT_READY: "未完成", AsideState.QUARANTINED: "待改正"}
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


@dataclass(frozen=True, slots=True)
class _Account:
    """One data set's rows and where they are: `read` is the sum of the parts; what `within` counts is in a part already."""

    source: str
    dataset: str
    read: int
    parts: Mapping[str, int]
    balanced: bool
    within: Mapping[str, int]
    unread: bool = False  #: there is nothing to be in balance

    @property
    def figures(self) -> dict[str, int]:
        """Every figure by its word."""
        return {"读到": self.read, **self.parts, **self.within}

    @property
    def verdict(self) -> Text:
        """Whether it balances."""
        return Text("—", "yellow") if self.unread else _verdict(self.balanced)


def banner(console: Console, targets: Mapping[str, str]) -> None:
    """Loud, before anything else: whether what is done here counts. Target -> 测试 or 生产."""
    for name, word in targets.items():
        say(console, Text(f" {word}平台 ", "bold white on red" if word == "生产" else "bold black on green"), f" 目标 {name}")


def check(console: Console, report: CheckReport) -> None:
    """One data set's check: the account in numbers, then why rows would not go."""
    tally = report.tally
    console.rule(Text(f"{report.source} · {report.dataset} {report.name}"), align="left")
    aside = f"按规则排除 {tally.excluded} + 未完成 {tally.not_ready} + 待改正 {tally.quarantined}"
    say(console, f"读到 {tally.read} = {aside} + 可报送 {tally.queued}　", _verdict(report.balanced))
    if report.heads and not report.complete:
        told = (
            f"主表有 {report.heads[1]} 行，查询读到 {tally.read} 行：查询的连接（JOIN）或条件丢了行，或把一行连成了几行，请改 .sql"
        )
        say(console, told, style="bold red")
    if report.causes:
        _reasons(console, report)


def _reasons(console: Console, report: CheckReport) -> None:
    """Each reason once: with two dozen combinations of the same few nobody sees which to mend first."""
    found = report.reasons
    rows = [
        (str(each.rows), str(each.alone), ASIDE_WORDS[each.state], each.message, "\n".join(ref for ref, _ in each.examples))
        for each in found
    ]
    show(console, ("行数", "只因它", "去向", "原因", "例：本地行号"), rows)
    if any(each.alone < each.rows for each in found):
        say(console, "一行有几个原因的，每个原因都算一次；“只因它”是只有这一个原因的行")


def comparison(console: Console, found: Comparison, *, whole: bool = True) -> None:
    """What the records say of each other, and fields that are filled without saying anything. `whole`: all could be read."""
    crossings, shares = found.crossings(), found.shares()
    console.rule("跨记录核对（只提示，不影响报送）", align="left")
    for sentence in _compared(found, whole=whole):
        say(console, sentence)
    if crossings:
        _crossings(console, crossings)
    for sentence in found.skipped:
        say(console, f"未执行：{sentence}", style="yellow")
    if shares:
        console.rule("占位值（只提示，不影响报送）", align="left")
        _shares(console, shares)
    if any(each.habit is Habit.FILLER for each in shares):
        say(console, "占位值在本地表示“没有”的，映射的那个字段写上 empty: [那个值]，就当作空的；用 gateway preview 看是什么值")


def _compared(found: Comparison, *, whole: bool) -> Iterable[str]:
    """How far it could be compared at all: nothing found among nothing is no good news."""
    if not found.records:
        yield "没有可报送的数据，未核对" if whole else "没有读到数据，未核对"
        return
    if not whole:
        yield "有的数据集读不到，只核对了读到的"
    if not found.crossings():
        yield "没有发现"


def _crossings(console: Console, crossings: Sequence[Crossing]) -> None:
    rows = []
    for each in crossings:
        word = CASE_WORDS[each.case] + ("，不应报送" if each.severity is Severity.ERROR else "")
        said = f"{each.rule.title}：{each.message}"
        rows.append((str(each.records), each.rule.id, word, said, "\n".join(each.examples)))
    show(console, ("条数", "规则", "结论", "说明（第一例）", "例：业务主键"), rows)


def _shares(console: Console, shares: Sequence[Share]) -> None:
    rows = []
    for each in shares:
        habit = HABIT_WORDS[each.habit] + (f" {each.other}" if each.other else "")
        rows.append((f"{each.share:.0%}", f"{each.count}/{each.rows}", each.dataset, f"{each.label} {each.field}", habit))
    show(console, ("占比", "行数", "数据集", "字段", "现象"), rows)


def intake(console: Console, rows: Iterable[tuple[str, str, Tally]]) -> None:
    """What one round of reading took in."""
    _print_accounts(console, [_taken_in(source, dataset, tally) for source, dataset, tally in rows])


def _taken_in(source: str, dataset: str, tally: Tally) -> _Account:
    parts = {
        "排除": tally.excluded,
        "未完成": tally.not_ready,
        "待改正": tally.quarantined,
        "未变": tally.unchanged,
        "入队": tally.queued,
        "作废": tally.voided,
    }
    return _Account(source, dataset, tally.read, parts, tally.balanced, {})


def standings(console: Console, found: Sequence[Standing], unread: Collection[tuple[str, str]] = ()) -> None:
    """The account of every route over all rows ever read, a table per target. `unread`: (source, data set) not read so far."""
    for target in dict.fromkeys(each.route.target for each in found):
        routes = [each for each in found if each.route.target == target]
        console.rule(Text(f"目标 {target}"), align="left")
        _print_accounts(console, [_stands(each, unread) for each in routes])
        for each in routes:
            if each.outdated:
                where = f"{each.route.source} {each.route.dataset}"
                say(console, f"{where}：{each.outdated} 行报送后在本地变得不合格，平台仍为旧值", style="yellow")


def _stands(each: Standing, unread: Collection[tuple[str, str]]) -> _Account:
    parts = {
        "排除": each.asides.get(AsideState.EXCLUDED, 0),
        "未完成": each.asides.get(AsideState.NOT_READY, 0),
        "待改正": each.asides.get(AsideState.QUARANTINED, 0),
        "在途": each.unsettled,
        "已收": each.states.get(State.ACCEPTED, 0),
        "退回": each.states.get(State.REJECTED, 0),
        "取消": each.states.get(State.CANCELLED, 0),
    }
    place = (each.route.source, each.route.dataset)
    return _Account(*place, each.read, parts, each.balanced, {"其中作废": each.voided}, unread=place in unread and not each.read)


def _print_accounts(console: Console, accounts: Sequence[_Account]) -> None:
    """A table without the columns that are zero everywhere; one sentence per data set where the window is too narrow for it."""
    if not accounts:
        return
    shown = [word for word in accounts[0].figures if word == "读到" or any(each.figures[word] for each in accounts)]
    rows: list[tuple[Cell, ...]] = [
        (each.source, each.dataset, *(str(each.figures[word]) for word in shown), each.verdict) for each in accounts
    ]
    drawn = table(("来源", "数据集", *shown, "核对"), rows)
    if console.measure(drawn, options=console.options.update(width=1000)).maximum <= console.width:
        console.print(drawn)
        return
    for each in accounts:
        say(console, _sentence(each), each.verdict)


def _sentence(each: _Account) -> str:
    parts = " + ".join(f"{word} {count}" for word, count in each.parts.items() if count) or "0"
    within = "，".join(f"{word} {count}" for word, count in each.within.items() if count)
    return f"{each.source} {each.dataset}：读到 {each.read} = {parts}{f'（{within}）' if within else ''}　"


def queue(console: Console, found: Queue, held: Sequence[Awaited], stopped: Sequence[Tripped], now: datetime) -> None:
    """What waits for a target, what holds it up, and when it is tried again; each cause once."""
    due = f"，最早应于 {wire.encode_datetime(found.oldest_due)} 前送达" if found.oldest_due else ""
    waiting = f"还有 {found.waiting} 条未送达{due}" if found.waiting else "没有未送达的"
    say(console, f"目标 {found.target}：{waiting}")
    for sentence in causes(found, held, stopped, now):
        say(console, f"  {sentence}", style="yellow")


def causes(found: Queue, held: Sequence[Awaited], stopped: Sequence[Tripped], now: datetime) -> list[str]:
    """What holds rows up, each cause once; and where sending pauses."""
    parents = {each.cause for each in held}
    waiting = [(rows, _last(found, cause, stopped, now)) for cause, rows in found.causes.items() if cause not in parents]
    waiting += [(each.rows, f"{each.cause}（最早自 {wire.encode_datetime(each.since)} 起）") for each in held]
    return [*(f"{rows} 条：{told}" for rows, told in waiting), *(_tripped(found, tripped) for tripped in stopped)]


def _last(found: Queue, cause: str, stopped: Sequence[Tripped], now: datetime) -> str:
    """A cause of what is sent again is what was last said: it may be mended by now."""
    if cause not in found.again:
        return cause
    waits = [each.breaker.next_at for each in stopped if each.breaker.cause == cause]
    at = max((each for each in (found.again[cause], *waits) if each), default=None)
    if at is None or at <= now:
        return f"上次：{cause}；下一轮报送时再试"
    return f"上次：{cause}；{wire.encode_datetime(at)} 再试，或运行 gateway resume --target {found.target} 立即再试"


def _tripped(found: Queue, tripped: Tripped) -> str:
    """Where sending pauses and when it is tried again; why, if that is not said yet."""
    place = f"机构 {tripped.institution}" if tripped.institution else "整个平台"
    cause = "原因同上" if tripped.breaker.cause in found.causes else f"上次：{tripped.breaker.cause}"
    again = f"{wire.encode_datetime(tripped.breaker.next_at)} 再试一批" if tripped.breaker.next_at else "即将再试"
    return f"暂停报送（{place}）：{cause}；{again}"


def grievances(console: Console, found: Sequence[Grievance]) -> None:
    """Reasons of what a person must mend, most frequent first."""
    if found:
        rows = [(each.dataset, each.reason, str(each.rows), each.shown) for each in found]
        show(console, ("数据集", "原因", "行数", "例"), rows)


def late(console: Console, target: str, day: date, accounts: Sequence[Account]) -> None:
    """One day's deadlines at a target: how many were kept, who is charged with the others, and the worst of them."""
    if not accounts:
        say(console, f"目标 {target}：{day} 没有到期的数据")
        return
    console.rule(Text(f"目标 {target} · {day} 到期"), align="left")
    figures = [(each.due, each.on_time, each.late, each.overdue, each.pending) for each in accounts]
    rows = [(each.dataset, *map(str, counts)) for each, counts in zip(accounts, figures, strict=True)]
    console.print(table(("数据集", "到期", "按时", "迟到", "逾期未到", "未到期"), rows))
    for each in accounts:
        for party, records in sorted(each.records.items(), key=lambda pair: -pair[1]):
            say(console, f"{each.dataset}：{party.told} {records} 条", style="yellow")
        if each.parts:
            told = "、".join(f"{party} {spoken(part)}" for party, part in sorted(each.parts.items(), key=lambda pair: -pair[1]))
            say(console, f"{each.dataset}：过了时限之后的时间合计 {told}")
        for lateness, whose, ref in each.worst:
            say(console, f"  最晚的：来源 {ref}，晚了 {spoken(lateness)}，{whose}")


def spoken(length: timedelta) -> str:
    """About how long, in the two largest units."""
    minutes, seconds = divmod(round(length.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [f"{count} {unit}" for count, unit in ((days, "天"), (hours, "小时"), (minutes, "分"), (seconds, "秒")) if count]
    return " ".join(parts[:2]) or "0 秒"


def warnings(console: Console, sentences: Sequence[str]) -> None:
    """What was stopped, and what gets worse."""
    for sentence in sentences:
        say(console, sentence, style="bold yellow")


def _verdict(balanced: bool) -> Text:
    return Text("平", "green") if balanced else Text("不平", "bold red")
