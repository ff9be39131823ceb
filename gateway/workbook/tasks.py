"""待改正.xlsx: an explaining first sheet, then one for each department with what it has to mend, soonest deadline first."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from openpyxl import Workbook

from gateway.workbook.saving import filling
from gateway.workbook.sheet import LATE, SOON, Column, Look, Paper, Sheet, Tint, Value
from gateway.worklist import KIND_WORDS, Stack, Task, TaskKind
from schemas.wire import SHANGHAI

#: tab of what no department is known of
NOBODYS = "未注明科室"
_COVER, _TITLE = "说明", "医保数据待改正清单"
#: characters that a tab may not have, and its length
_FORBIDDEN, _TAB = re.compile(r"[\[\]:*?/\\']"), 31
_SOON = timedelta(days=2)
_COLUMNS = (
    Column("序号", 6, centred=True),
    Column("单据号", 19),
    Column("业务日期", 12, centred=True),
    Column("数据", 18),
    Column("类别", 13, centred=True),
    Column("哪里不对", 48),
    Column("怎么改", 40),
    Column("首次不合格", 12, centred=True),
    Column("最迟改好", 12, centred=True),
    Column("剩余", 12, centred=True),
    Column("负责人", 10),
    Column("备注", 18),
    Column("业务主键", 24),
    Column("本地行号", 20),
)
_PRINTED = 12  #: columns that go on paper: the last two are for the information department
_COLOURED = (8, 9)  #: columns of the deadline, from 0


def write(stacks: Sequence[Stack], names: Mapping[str, str], now: datetime, path: Path) -> int:
    """Write the tasks as a workbook at `path`; returns how many. `names`: data set -> its Chinese name.

    A task is written as it comes and forgotten.
    """
    with filling(_TITLE, path) as book:
        _cover(book, stacks, now)
        tabs: set[str] = {_COVER.lower()}
        for each in sorted(stacks, key=lambda stack: (not stack.department, stack.department)):
            _department(book, _tab(each.department or NOBODYS, tabs), each, names, now)
    return sum(each.total for each in stacks)


def _cover(book: Workbook, stacks: Sequence[Stack], now: datetime) -> None:
    paper = Paper(book, _COVER, (16, 92))
    paper.line([(_TITLE, Look(size=16, bold=True, high="top"))], 30.0)
    text_look = Look(size=11, high="top", wrapped=True)
    for head, text in (*_figures(stacks, now), *_HOW):
        paper.line([(head, replace(text_look, bold=True)), (text, text_look)], 18.0 * max(1, -(-len(text) // 56)))


def _figures(stacks: Sequence[Stack], now: datetime) -> list[tuple[str, str]]:
    kinds: Counter[TaskKind] = Counter()
    for each in stacks:
        kinds.update(each.kinds)
    late = sum(each.late for each in stacks)
    told = sorted((each.department, each.total) for each in stacks)
    departments = "；".join(f"{name or NOBODYS} {total} 件" for name, total in told)
    return [
        ("导出时间", f"{now.astimezone(SHANGHAI):%Y-%m-%d %H:%M}（北京时间）；之后改好的，以网关为准"),
        ("件数", f"共 {kinds.total()} 件，其中已超期 {late} 件" if stacks else "没有要改正的数据"),
        ("类别", "；".join(f"{KIND_WORDS[kind]} {kinds[kind]} 件" for kind in TaskKind if kinds[kind]) or "无"),
        ("科室", departments or "无"),
        ("", ""),
    ]


_HOW = [
    ("怎么用", "每个科室一张表，按期限从近到远排。按“单据号”在自己的程序里找到这张单据，照“哪里不对”“怎么改”改好、保存即可。"),
    ("改好之后", "不必告诉谁、也不必重新上传：网关会自己再读、再判断、再报送，改好的下次导出就不在表里了。"),
    (KIND_WORDS[TaskKind.MEND], "数据不合规范，一次也没有报给平台。"),
    (KIND_WORDS[TaskKind.RETURNED], "报过了，平台没有收下，原因写在“哪里不对”里。"),
    (KIND_WORDS[TaskKind.OUTDATED], "平台收过，之后在本地改成了不合格的，平台上还是以前的内容。"),
    ("最迟改好", "改正期限从第一次不合格算起，写的是最后一天；红底是已超期，黄底是两天之内到期，“剩余”里同样写明。"),
    ("现在的值", "只写数字、日期和代码；姓名等文字、证件号、电话一律不写，请到单据上看。"),
]


def _tab(name: str, taken: set[str]) -> str:
    """A name that a tab may have and none has yet; Excel takes upper and lower case for the same."""
    plain = _FORBIDDEN.sub("_", name).strip() or NOBODYS
    for number in range(1, len(taken) + 2):
        tab = plain[:_TAB] if number == 1 else f"{plain[: _TAB - 4]}~{number}"
        if tab.lower() not in taken:
            break
    taken.add(tab.lower())
    return tab


def _department(book: Workbook, tab: str, stack: Stack, names: Mapping[str, str], now: datetime) -> None:
    note = f"共 {stack.total} 件，已超期 {stack.late} 件；改好保存后网关会自己再报"
    sheet = Sheet(book, tab, f"{stack.department or NOBODYS}　待改正的数据", _COLUMNS, note, frozen=2)
    for number, task in enumerate(stack.tasks, start=1):
        tint = _tint(task, now)
        tints = [tint if column in _COLOURED else None for column in range(len(_COLUMNS))]
        sheet.add(_row(number, task, names, now), tints)
    sheet.finish(printed=_PRINTED)


def _row(number: int, task: Task, names: Mapping[str, str], now: datetime) -> list[Value]:
    occurred = task.occurred_at.astimezone(SHANGHAI).date() if task.occurred_at else None
    several = len(task.reasons) > 1
    reasons = [f"{place}. {each.told}" if several else each.told for place, each in enumerate(task.reasons, start=1)]
    rival = [f"另一行：{task.rival}"] if task.rival else []
    return [
        number,
        task.document,
        occurred,
        names.get(task.row.dataset, task.row.dataset),
        KIND_WORDS[task.kind],
        "\n".join([*reasons, *rival]),
        "\n".join(task.advice),
        task.since.astimezone(SHANGHAI).date(),
        task.last_day,
        task.left_told(now),
        task.owner,
        task.note,
        task.key,
        f"{task.row.source} {task.number}",
    ]


def _tint(task: Task, now: datetime) -> Tint | None:
    left = task.left(now)
    if left is None or left > _SOON:
        return None
    return LATE if left <= timedelta() else SOON
