"""A list of closed days from a file that a person made: all of it, or nothing and one list of faults."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path

from compliance import closing, sheets
from compliance.closing import WEEKDAYS, Closure
from compliance.errors import ComplianceError
from schemas import identity

_CODE, _FIRST, _LAST, _WEEKLY, _REASON = "机构编码", "开始日期", "结束日期", "每周", "原因"
_NEEDED = (_CODE, _FIRST, _LAST, _REASON)
_HEAD_ROWS = 10


def read(path: Path, by: str, now: datetime) -> tuple[Closure, ...]:
    """The closures of the file; ComplianceError holds every fault."""
    rows = sheets.read(path)
    place = next((number for number, (_, cells) in enumerate(rows[:_HEAD_ROWS]) if _CODE in cells), None)
    if place is None:
        raise ComplianceError(f"没有表头：前 {_HEAD_ROWS} 行中没有一行含有“{_CODE}”")
    heading = rows[place][1]
    if missing := [name for name in _NEEDED if name not in heading]:
        raise ComplianceError(f"缺少列 {'、'.join(missing)}")
    found: list[Closure] = []
    wrong: list[str] = []
    for number, cells in rows[place + 1 :]:
        row = {name: cells[column] if column < len(cells) else "" for column, name in enumerate(heading) if name}
        try:
            found.append(_closure(row, by, now))
        except ValueError as error:
            wrong.append(f"第 {number} 行：{error}")
    if wrong or not found:
        raise ComplianceError(
            "\n".join((f"休业日未导入，共 {len(wrong)} 处问题：", *wrong) if wrong else ("文件里没有一行休业日",))
        )
    return tuple(found)


def weekdays(text: str) -> frozenset[int]:
    """`周六、周日` -> their numbers. ValueError if a word is none."""
    words = [word for word in text.replace("，", "、").replace(",", "、").split("、") if word]
    if unknown := [word for word in words if word not in WEEKDAYS]:
        raise ValueError(f"{unknown[0]} 不是星期几，应写 {'、'.join(WEEKDAYS)}")
    return frozenset(map(WEEKDAYS.index, words))


def _closure(row: Mapping[str, str], by: str, now: datetime) -> Closure:
    """ValueError with every fault of the row."""
    wrong: list[str] = []
    if fault := identity.institution_fault(row[_CODE]):
        wrong.append(f"{_CODE} {fault}")
    first, last = _day(row, _FIRST, wrong), _day(row, _LAST, wrong)
    weekly: frozenset[int] = frozenset()
    try:
        weekly = weekdays(row.get(_WEEKLY, ""))
    except ValueError as error:
        wrong.append(str(error))
    if first is None:
        wrong.append(f"{_FIRST}没有写")
    made = Closure(row[_CODE], first or now.date(), last, weekly, row[_REASON], by, now)
    if wrong := wrong or list(closing.faults(made)):
        raise ValueError("；".join(wrong))
    return made


def _day(row: Mapping[str, str], name: str, wrong: list[str]) -> date | None:
    text = row[name].removesuffix(" 00:00:00").replace("/", "-")  # Excel hands a date over as a moment
    if not text:
        return None
    try:
        return date(*map(int, text.split("-")))
    except (TypeError, ValueError):
        wrong.append(f"{name} {row[name]} 不是日期，例：2026-10-01")
        return date.min
