"""Is this still the database we read before? A new server, an emptied table or a restored backup must not be taken for edits.

After a restore, rows that were sent are missing and their numbers are given out again; only a person knows which is true.
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model import Mark


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How much may vanish between two looks before it is no ordinary deleting."""

    tail: int = 3  #: rows at the end of the table
    rows: int = 20
    percent: int = 1


def change(before: Mark, now: Mark, tolerance: Tolerance) -> str:
    """What makes it another source, as a Chinese sentence; "" if it is the same one."""
    if before.identity != now.identity:
        return "数据库不是原来那一个（换了服务器、重建过、文件被替换，或投放文件夹、文件的名字改过）"
    if _held(before) and now.newest is None and not now.rows:
        return "表里一行也没有了，以前有"
    lost = (before.rows or 0) - (now.rows or 0) if before.rows is not None and now.rows is not None else None
    if _went_back(before, now) and (lost is None or lost > tolerance.tail):
        return f"最新的行号由 {before.newest} 退到 {now.newest}，像是恢复过备份"
    if lost is not None and lost > max(tolerance.rows, (before.rows or 0) * tolerance.percent // 100):
        return f"行数由 {before.rows} 减到 {now.rows}，像是恢复过备份或清理过数据"
    return ""


def _held(mark: Mark) -> bool:
    return mark.newest is not None or bool(mark.rows)


def _went_back(before: Mark, now: Mark) -> bool:
    """Only numbers grow with every row; a text or uuid says nothing by its order."""
    return isinstance(before.newest, int) and isinstance(now.newest, int) and now.newest < before.newest
