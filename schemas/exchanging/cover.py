"""Our cover -> what an edition says besides its data sets; a table without one takes it from a base."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from schemas.errors import SpecError
from schemas.exchanging import layout, notation
from schemas.exchanging.grid import Sheet
from schemas.model import Cadence, Confidence, DayOff, Edition, Empty, Extra, Numbers, Source, Style

E = TypeVar("E", bound=StrEnum)


class Cover:
    """The lines of our cover."""

    def __init__(self, path: Path, sheet: Sheet) -> None:
        self._path, self._sheet = path, sheet
        self._rows = [tuple(cell.text for cell in row) for row in sheet.rows]

    def edition(self) -> Edition:
        """An edition without fields, data sets and code tables. SpecError names the line that is wrong."""
        return Edition(
            code=self._need("版本代码"),
            version=self._need("版本号"),
            name=self._need("版本名称"),
            base=self._text("基于版本"),
            infver=self._need("接口版本号"),
            body_limit=self._number("报文上限（字节）"),
            scenes=tuple(text for text in self._row("场景") if text),
            source=self._source(),
            style=self._style(),
            cadences={each.name: each for each in self._cadences()},
            common=(),
            datasets={},
            codes={},
        )

    def _row(self, key: str) -> tuple[str, ...]:
        return next((row[1:] for row in self._rows if row[0] == key), ())

    def _text(self, key: str) -> str:
        return (*self._row(key), "")[0]

    def _need(self, key: str) -> str:
        text = self._text(key)
        if not text:
            raise self._error(f"没有写“{key}”")
        return text

    def _number(self, key: str) -> int:
        text = layout.plain(self._need(key))
        if not text.isdecimal() or not int(text):
            raise self._error(f"“{key}”应为正整数")
        return int(text)

    def _choice(self, kind: type[E], key: str) -> E:
        found = notation.choice(kind, self._need(key))
        if found is None:
            raise self._error(f"“{key}”只能是 {'、'.join(map(notation.word, kind))} 之一")
        return found

    def _source(self) -> Source:
        doc, ref, level, dated = (*self._row("来源"), "", "", "", "")[:4]
        if level not in tuple(Confidence):
            raise self._error("“来源”的可信度只能是 A、B、C、O 之一")
        return Source(doc, ref, Confidence(level), dated)

    def _style(self) -> Style:
        return Style(
            numbers=self._choice(Numbers, "数值写法"),
            empty=self._choice(Empty, "空值写法"),
            extra=self._choice(Extra, "多余字段"),
            date=self._need("日期写法"),
            datetime=self._need("日期时间写法"),
            charset=self._need("字符集"),
        )

    def _cadences(self) -> Iterator[Cadence]:
        rows = [row for row in self._rows if row[0] == "报送周期"]
        for row in rows[1:]:  # the first is the heading
            name, label, *numbers, skip, postpone = (*row[1:], "", "", "", "", "", "", "")[:7]
            minutes, days, day = (int(layout.plain(text)) if layout.plain(text).isdecimal() else None for text in numbers)
            if (minutes, days, day).count(None) != 2:
                raise self._error(f"报送周期 {name} 的分钟、天数、次月日须且只须写一个")
            yield Cadence(name, label, minutes, days, day, self._days_off(name, skip), self._days_off(name, postpone))

    def _days_off(self, name: str, text: str) -> tuple[DayOff, ...]:
        found = tuple(notation.choice(DayOff, each) for each in notation.split(text))
        if None in found:
            raise self._error(f"报送周期 {name} 里不计或顺延的日子只能是{'、'.join(map(notation.word, DayOff))}")
        return tuple(each for each in found if each)

    def _error(self, message: str) -> SpecError:
        return SpecError(f"工作表“{self._sheet.name}”{message}", file=self._path)


def find(path: Path, sheets: tuple[Sheet, ...]) -> tuple[Cover | None, tuple[Sheet, ...]]:
    """Our cover, if the workbook has one, and the other sheets."""
    for sheet in sheets:
        for row in sheet.rows[:5]:
            texts = [cell.text for cell in row]
            if texts[:2] == list(layout.FORMAT[:2]):
                if texts[2:3] != [layout.FORMAT[2]]:
                    raise SpecError("字段表的格式比本程序新，请先升级", file=path)
                return Cover(path, sheet), tuple(each for each in sheets if each is not sheet)
    return None, sheets


def borrowed(base: Edition, path: Path) -> Edition:
    """What a foreign table does not say, from the base."""
    return replace(
        base,
        code="imported",
        name=path.stem,
        source=Source(path.name, "导入的字段表", Confidence.SINGLE),
        base="",
        datasets={},
        codes={},
    )
