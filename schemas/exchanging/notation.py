"""Values as our own cells write them, and back. What other people write is in `understanding`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum
from typing import TypeVar

from schemas.model import Condition, DayOff, Empty, Encoding, Extra, Field, FieldType, Numbers, Replay, Severity

E = TypeVar("E", bound=StrEnum)
YES, NO, CONDITIONAL = "是", "否", "条件必填"
TYPES = {
    FieldType.TEXT: "字符型",
    FieldType.NUMBER: "数值型",
    FieldType.DATE: "日期型",
    FieldType.DATETIME: "日期时间型",
    FieldType.ROWS: "子节点",
}
#: what stands for a value of a list that is an empty text
_EMPTY = '""'
_WORDS: dict[StrEnum, str] = {
    Encoding.ARRAY: "数组",
    Encoding.OBJECT: "对象",
    Encoding.JSON_TEXT: "JSON文本",
    Severity.ERROR: "退回",
    Severity.WARN: "提醒",
    Replay.RESEND: "原样重发",
    Replay.QUERY: "先查询",
    Replay.DELETE_AND_RESEND: "先删除再发",
    Replay.PERSON: "人工处理",
    Numbers.TEXT: "写成文本",
    Numbers.NUMBER: "写成数",
    Empty.OMIT: "不写",
    Empty.NULL: "写 null",
    Empty.BLANK: "写空文本",
    Extra.REJECT: "退回",
    Extra.KEEP: "保留",
    DayOff.REST: "休息日",
    DayOff.CLOSED: "机构休业日",
}


def word(value: StrEnum) -> str:
    """The Chinese word of a closed choice."""
    return _WORDS[value]


def choice(kind: type[E], text: str) -> E | None:
    """The choice of that word or value; None if there is none."""
    return next((each for each in kind if text in (_WORDS[each], each.value)), None)


def join(texts: tuple[str, ...]) -> str:
    """A list in one cell; a separator inside a text is escaped."""
    return "、".join(re.sub(r"([、，,；;\\])", r"\\\1", text) if text else _EMPTY for text in texts)


def split(text: str) -> tuple[str, ...]:
    """The list in a cell, separated as people separate lists."""
    parts = re.findall(r"(?:\\.|[^、，,；;\\])+", text)
    trimmed = (part.strip() for part in parts)
    return tuple("" if part == _EMPTY else re.sub(r"\\(.)", r"\1", part) for part in trimmed if part)


def required(spec: Field) -> str:
    """Cell 是否必填."""
    if spec.required:
        return YES
    return CONDITIONAL if spec.required_if else NO


def condition(found: Condition | None) -> str:
    """Cell 必填条件, e.g. `mdtrt_setl_type=1、2`."""
    return f"{found.field}={join(found.values)}" if found else ""


def read_condition(text: str) -> Condition | None:
    """The condition a cell states; None if it states none."""
    name, sign, values = text.partition("=")
    return Condition(name.strip(), split(values)) if sign and name.strip() else None


def size(spec: Field) -> str:
    """Cell 长度: `30`, or `16,4` with decimals."""
    whole = "" if spec.length is None else str(spec.length)
    return f"{whole},{spec.scale}" if spec.scale else whole


def paths(fields: tuple[Field, ...], joint: str = ".", above: str = "") -> Iterator[tuple[Field, str]]:
    """Every field and those below it, each with its dotted name."""
    for spec in fields:
        path = f"{above}{spec.name}"
        yield spec, path
        yield from paths(spec.fields, joint, path + joint)


def kind(spec: Field) -> str:
    """Type and size for the eye: `C 30`, `N 16,4`, `DT`, 子节点."""
    return TYPES[spec.type] if spec.type is FieldType.ROWS else f"{spec.type.value} {size(spec)}".strip()


def demand(spec: Field) -> str:
    """When the field must be given, for the eye; "" if it need not be."""
    found = spec.required_if
    return f"{found.field} 为 {'、'.join(found.values)} 时" if found else YES if spec.required else ""
