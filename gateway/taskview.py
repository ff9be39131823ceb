"""How the work list and both qualities look in a window."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

from rich.console import Console
from rich.text import Text

from gateway.layout import say as say
from gateway.layout import show, table
from gateway.quality import Quality, total
from gateway.worklist import KIND_WORDS, Replayed, Task, TaskKind, TaskNote, TaskPage
from schemas.wire import SHANGHAI

_MOMENT = "%Y-%m-%d %H:%M"


def page(console: Console, found: TaskPage, start: int, now: datetime) -> None:
    """Some of the tasks, a line each, and how many there are."""
    if not found.total:
        say(console, "没有要改正的数据。", style="green")
        return
    rows = [
        (
            _left(task, now),
            KIND_WORDS[task.kind],
            task.row.dataset,
            task.document or task.number,
            task.department,
            task.owner,
            "；".join(each.message for each in task.reasons),
        )
        for task in found.tasks
    ]
    show(console, ("期限", "类别", "数据集", "单据号", "科室", "负责人", "原因"), rows)
    say(console, _count(found, start))


def _left(task: Task, now: datetime) -> Text:
    left = task.left(now)
    late = left is not None and left.total_seconds() <= 0
    return Text(task.left_told(now), "bold red" if late else "")


def _count(found: TaskPage, start: int) -> str:
    kinds = "、".join(f"{KIND_WORDS[kind]} {found.kinds[kind]}" for kind in TaskKind if found.kinds.get(kind))
    shown = f"，这里是第 {start + 1} 到 {start + len(found.tasks)} 件" if len(found.tasks) < found.total else ""
    return f"共 {found.total} 件（{kinds}），已超期 {found.overdue} 件{shown}。"


def detail(console: Console, task: Task, history: Sequence[TaskNote], names: Mapping[str, str], now: datetime) -> None:
    """One task with every reason and what to do about it."""
    name = f"{task.row.dataset} {names.get(task.row.dataset, '')}".strip()
    console.rule(Text(f"{name} · {task.document or task.number}"), align="left")
    for label, value in _facts(task, now):
        say(console, f"{label}：{value}")
    for number, reason in enumerate(task.reasons, start=1):
        say(console, f"{number}. {reason.told}", style="bold")
        if reason.advice:
            say(console, f"   怎么改：{reason.advice}")
    for entry in history:
        owner = f"负责人 {entry.owner}" if entry.owner else "没有负责人"
        said = f"，备注：{entry.note}" if entry.note else ""
        say(console, f"{_told(entry.written_at)} {entry.written_by}：{owner}{said}", style="dim")


def _facts(task: Task, now: datetime) -> Iterator[tuple[str, str]]:
    yield "类别", KIND_WORDS[task.kind]
    yield "本地行号", f"来源 {task.row.source} 的 {task.number}"
    for label, value in (("科室", task.department), ("业务主键", task.key), ("主键相同的另一行", task.rival)):
        if value:
            yield label, value
    if task.occurred_at:
        yield "业务时间", _told(task.occurred_at)
    until = f"，最迟 {task.last_day} 改好（{task.left_told(now)}）" if task.deadline else ""
    yield "不合格自", f"{_told(task.since)}{until}"
    for label, value in (("负责人", task.owner), ("备注", task.note)):
        if value:
            yield label, value


def _told(moment: datetime) -> str:
    return moment.astimezone(SHANGHAI).strftime(_MOMENT)


def replayed(console: Console, found: Replayed, *, dry: bool) -> None:
    """What became of tasks that were tried once more, or would become."""
    right = "已合格" if dry else "已合格，自动放行"
    requeued = "会按原版本再报" if dry else "已按原版本重新排队，下一轮报送时发出"
    say(console, f"{'试算：' if dry else ''}按行号重查 {found.looked} 行，其中 {found.right} 行{right}。")
    if found.absent:
        say(console, f"{found.absent} 行在本地查不到，没有动它们：删掉了的，下次完整读取之后会自己结束。", style="yellow")
    if found.requeued:
        say(console, f"平台退回的 {found.requeued} 条{requeued}。")
    for sentence in found.unreadable:
        say(console, sentence, style="red")


def qualities(console: Console, found: Sequence[Quality], span: tuple[date, date]) -> None:
    """Both rates of each data set and day, a table for each target, its sums last."""
    if not found:
        say(console, f"{span[0]} 至 {span[1]} 没有数据。")
        return
    for target in dict.fromkeys(each.route.target for each in found):
        console.rule(Text(f"目标 {target}"), align="left")
        lines = [each for each in found if each.route.target == target]
        _qualities(console, [_quality(each) for each in (*lines, *total(lines))])
    say(console, "首次合格：第一次判断就合格、没被退回过就收下；最终合格：现在合格并已收下。没有业务时间的算在发现当天。")
    say(console, "两率都除以已有结论的条数，不含在途和作废。")


def _qualities(console: Console, lines: Sequence[Mapping[str, str]]) -> None:
    """Without the columns that are zero everywhere; a sentence a line where the window is too narrow for a table."""
    headers = [name for name in lines[0] if name not in _COUNTED or any(line[name] != "0" for line in lines)]
    drawn = table(headers, [tuple(line[name] for name in headers) for line in lines])
    if console.measure(drawn, options=console.options.update(width=1000)).maximum <= console.width:
        console.print(drawn)
        return
    for line in lines:
        counts = "，".join(f"{name} {line[name]}" for name in headers[3:])
        say(console, f"{line['来源']} {line['数据集']} {line['业务日期']}：{counts}")


_COUNTED = frozenset({"待改正", "退回", "旧值", "在途", "作废"})


def _quality(each: Quality) -> dict[str, str]:
    return {
        "来源": each.route.source,
        "数据集": each.route.dataset,
        "业务日期": f"{each.day}" if each.day else "合计",
        "条数": str(each.records),
        "结论": str(each.judged),
        "首次合格率": _rate(each.first_rate),
        "最终合格率": _rate(each.final_rate),
        "待改正": str(each.quarantined),
        "退回": str(each.rejected),
        "旧值": str(each.outdated),
        "在途": str(each.underway),
        "作废": str(each.withdrawn),
    }


def _rate(rate: Decimal | None) -> str:
    return "—" if rate is None else f"{rate:.2%}"
