"""The bureau's roster (institutions x scenes) from a file a person made: all of it, or nothing and one list of faults."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from compliance import sheets
from compliance.errors import RosterError
from compliance.model import Institution
from compliance.sheets import Rows
from schemas import identity

_NUMBER, _DEFERRED, _CODE = "序号", "缓建", "医药机构编码"
_NAMES = ("医疗机构名称", "机构名称")
_SCENE = "场景"
_SCENES = tuple(f"{scene}{_SCENE}" for scene in ("门诊", "血透", "康复理疗", "住院", "购药", "基层接诊"))
_YES, _NO = ("1", "是", "√", "✓"), ("0", "否", "")
_HEAD_ROWS = 10  #: how far down the heading may stand, below a title


class Page(Protocol):
    """The stored roster inside one transaction."""

    def institutions(self) -> tuple[Institution, ...]:
        """All that is stored."""

    def rename(self, old: str, new: str) -> None:
        """The same institution under a new name."""

    def put(self, rows: Sequence[Institution]) -> None:
        """Insert these or overwrite those of the same name."""


class Writable(Protocol):
    """A roster that can be written."""

    def writing(self) -> AbstractContextManager[Page]:
        """One transaction, alone with the roster."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did."""

    added: tuple[str, ...]
    updated: tuple[str, ...]
    renamed: tuple[tuple[str, str], ...]  #: (old, new), recognised by the code
    missing: tuple[str, ...]  #: on the stored roster but not in the file; kept
    ignored: tuple[str, ...]  #: columns that mean nothing here
    planned: int  #: cells of the file
    assessed: int  #: without the deferred rows


def load(path: Path, store: Writable) -> Imported:
    """Import the file in one transaction. RosterError holds every fault, and then nothing was changed."""
    rows, ignored = read(path)
    with store.writing() as page:
        return _update(rows, ignored, page)


def read(path: Path) -> tuple[tuple[Institution, ...], tuple[str, ...]]:
    """The file's rows, and the columns that were ignored. RosterError holds every bad row and column."""
    heading, body = _split(sheets.read(path))
    faults = list(_heading_faults(heading))
    if faults:
        raise RosterError(faults)
    columns = {name: place for place, name in enumerate(heading) if name}
    parsed = [_row(number, cells, columns, path.name) for number, cells in body]
    rows = [row for row, _ in parsed]
    faults = [fault for _, found in parsed for fault in found]
    faults += _doubles("医疗机构名称", [row.name for row in rows]) + _doubles(_CODE, [row.code for row in rows])
    if not rows:
        faults.append("没有一家机构")
    if faults:
        raise RosterError(faults)
    return tuple(rows), tuple(name for name in columns if name not in _known())


def _split(rows: Rows) -> tuple[tuple[str, ...], Rows]:
    """The heading is the first row that names the institution column; a title may stand above it."""
    for place, (_, cells) in enumerate(rows[:_HEAD_ROWS]):
        if set(_NAMES) & set(cells):
            return cells, rows[place + 1 :]
    raise RosterError([f"没有表头：前 {_HEAD_ROWS} 行中没有一行含有“{'”或“'.join(_NAMES)}”"])


def _heading_faults(heading: tuple[str, ...]) -> Iterator[str]:
    for name in (_NUMBER, _DEFERRED):
        if name not in heading:
            yield f"缺少列 {name}"
    if not set(_SCENES) & set(heading):
        yield f"至少要有一个场景列：{'、'.join(_SCENES)}"
    for name, times in Counter(name for name in heading if name).items():
        if times > 1:
            yield f"列 {name} 出现了 {times} 次"
        if name.endswith(_SCENE) and name not in _SCENES:
            near = difflib.get_close_matches(name, _SCENES, n=1, cutoff=0.5)
            yield f"不认识的场景列 {name}" + (f"，是否指 {near[0]}？" if near else "")
    if set(_NAMES) <= set(heading):
        yield f"列 {_NAMES[0]} 与 {_NAMES[1]} 只能有一个"


def _row(number: int, cells: tuple[str, ...], columns: Mapping[str, int], source: str) -> tuple[Institution, list[str]]:
    """The row as far as it can be read, and what is wrong with it."""
    faults: list[str] = []

    def cell(name: str) -> str:
        place = columns.get(name, len(cells))
        return cells[place] if place < len(cells) else ""

    def flag(name: str) -> bool:
        if cell(name) not in (*_YES, *_NO):
            faults.append(f"第 {number} 行，列 {name}：应为 1、0、是、否、√ 或空白")
        return cell(name) in _YES

    order = cell(_NUMBER)
    if not (order.isascii() and order.isdigit() and 0 < len(order) < 10):
        faults.append(f"第 {number} 行，列 {_NUMBER}：应为整数")
        order = "0"
    name = cell(_NAMES[0]) or cell(_NAMES[1])
    if not name:
        faults.append(f"第 {number} 行：没有机构名称")
    code = cell(_CODE)
    if code and (fault := identity.institution_fault(code)):
        faults.append(f"第 {number} 行，列 {_CODE}：{fault}")
    scenes = tuple(column.removesuffix(_SCENE) for column in _SCENES if column in columns and flag(column))
    return Institution(int(order), name, code, flag(_DEFERRED), scenes, source), faults


def _doubles(column: str, values: Sequence[str]) -> list[str]:
    return [f"{column} {value} 出现了 {times} 次" for value, times in Counter(values).items() if value and times > 1]


def _known() -> frozenset[str]:
    return frozenset((_NUMBER, _DEFERRED, _CODE, *_NAMES, *_SCENES))


def _update(rows: tuple[Institution, ...], ignored: tuple[str, ...], page: Page) -> Imported:
    stored = {each.name: each for each in page.institutions()}
    names = {row.name for row in rows}
    renamed = _renamed(rows, stored)
    merged = [_keep_code(row, stored) for row in rows]
    faults = _taken(merged, stored, gone={old for old, _ in renamed})
    if faults:
        raise RosterError(faults)
    for old, new in renamed:
        page.rename(old, new)
    page.put(merged)
    new_names = {new for _, new in renamed}
    return Imported(
        added=tuple(row.name for row in rows if row.name not in stored and row.name not in new_names),
        updated=tuple(row.name for row in rows if row.name in stored),
        renamed=renamed,
        missing=tuple(name for name in stored if name not in names and name not in dict(renamed)),
        ignored=ignored,
        planned=sum(len(row.scenes) for row in rows),
        assessed=sum(len(row.scenes) for row in rows if not row.deferred),
    )


def _renamed(rows: Sequence[Institution], stored: Mapping[str, Institution]) -> tuple[tuple[str, str], ...]:
    """The code is the institution's identity: its old name is gone from the file and a new one carries the code."""
    names = {row.name for row in rows}
    old_names = {each.code: each.name for each in stored.values() if each.code and each.name not in names}
    return tuple((old_names[row.code], row.name) for row in rows if row.code in old_names and row.name not in stored)


def _keep_code(row: Institution, stored: Mapping[str, Institution]) -> Institution:
    """A blank code in the file does not take away one that was bound by hand."""
    known = stored.get(row.name)
    return replace(row, code=known.code) if known and not row.code else row


def _taken(rows: Sequence[Institution], stored: Mapping[str, Institution], gone: Collection[str]) -> list[str]:
    """Codes that would then belong to two institutions."""
    names = {row.name for row in rows}
    outside = {each.code: each.name for each in stored.values() if each.name not in names and each.name not in gone}
    taken = [f"{_CODE} {row.code} 已绑定给 {outside[row.code]}" for row in rows if row.code and row.code in outside]
    return taken + _doubles(_CODE, [row.code for row in rows])
