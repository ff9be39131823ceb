"""A bounded look at a table's newest rows: of each column how much is filled, how many values, of what shape.

Values are looked at and forgotten. Kept are only short codes of a column with few of them, and none that may be of a person.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Select, column, select, table
from sqlalchemy.exc import DBAPIError

from adapters.conversion import UnreadableError, is_blank, local_code
from adapters.databases import mislabelled
from adapters.introspection.namelike import may_be_someone
from adapters.introspection.shapes import NOTATIONS, PLAIN, Shape, shape
from adapters.introspection.tables import Kind, Table
from gateway.errors import ConfigError
from schemas import placeholders

ROWS = 200  #: of a table
FEW = 12  #: values of a column that is a list of codes
_LONGEST = 16
_AGAIN = 2  #: times that a unit is met, on average
_PATHS = 40  #: of one JSON column
_DEPTH = 3
_CODE = re.compile(r"[A-Za-z0-9_+./\-\u4e00-\u9fff]{1,16}")
_DAY = len("1900-01-01")
#: words of a column that holds persons; its values are never shown
_PERSONS = re.compile(
    r"name|姓名|名字|(^|_)xm|人$|人员|医生|医师|护士|药师|患者|病人|者$|operator|doctor|nurse|creator|(_by|user|_man|person)|phone|tel|mobile|电话|address|地址|card|证件",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Content:
    """What the looked-at values of a column have in common."""

    rows: int = 0
    filled: int = 0
    distinct: int = 0
    shapes: Mapping[Shape, float] = field(default_factory=dict)  #: share of the filled
    codes: tuple[str, ...] = ()  #: all values, where they are few codes and none may be of a person
    fillers: tuple[str, ...] = ()  #: those met that say nothing in most fields, as a mapping reads them
    longest: int = 0  #: characters of the longest text
    notations: tuple[str, ...] = ()  #: ways in which days are written that a mapping must name
    units: tuple[str, ...] = ()
    paths: Mapping[str, Content] = field(default_factory=dict)  #: of a JSON column: path -> what is there

    def share(self, *shapes: Shape) -> float:
        """Of the filled values, those of any of these shapes."""
        return sum(self.shapes.get(each, 0.0) for each in shapes)


def look(
    connection: Connection, found: Table, schema: str | None = None, rows: int = ROWS, *, believing: bool = False
) -> dict[str, Content]:
    """The columns of one table by name; of one that cannot be read nothing. Newest rows first, where the key tells.

    `believing`: the server's word is taken for what its latin1 texts are; ConfigError if they are no such thing.
    """
    columns = [each for each in found.columns if each.kind is not Kind.BINARY]
    clause: Any = select(*(column(each.name) for each in columns)).select_from(table(found.name, schema=schema)).limit(rows)
    if len(found.key) == 1:
        clause = clause.order_by(column(found.key[0]).desc())
    try:
        lines = connection.execute(clause).all()
    except (DBAPIError, ValueError):  # no right to read it, or a value that the driver cannot hold
        return {}
    if believing and (places := mislabelled.garbled(lines)) and not mislabelled.chinese(lines):
        names = "、".join(columns[place].name for place in places)
        raise ConfigError(
            f"表 {found.name}（列 {names}）里{mislabelled.GARBLED}：请加 --encoding gbk 再来一次，配置的来源里也写 encoding: gbk"
        )
    return {each.name: content([line[number] for line in lines], each.name, each.comment) for number, each in enumerate(columns)}


def content(values: Sequence[Any], name: str, comment: str = "") -> Content:
    """What these values have in common."""
    filled = [value for value in values if not is_blank(value)]
    shapes = Counter(found for found in map(shape, filled) if found)
    texts = [value.strip() for value in filled if isinstance(value, str)]
    return Content(
        rows=len(values),
        filled=len(filled),
        distinct=len({str(value) for value in filled}),
        shapes={each: count / len(filled) for each, count in shapes.most_common()},
        codes=_codes(filled, name, comment),
        fillers=_fillers(filled),
        longest=max(map(len, texts), default=0),
        notations=_notations(texts, shapes),
        units=_units(texts, name, comment) if shapes.get(Shape.AMOUNT) else (),
        paths=_paths(filled) if shapes.get(Shape.JSON, 0) * 2 > len(filled) else {},
    )


def _is_of_persons(name: str, comment: str) -> bool:
    return bool(_PERSONS.search(name) or _PERSONS.search(comment))


def _codes(filled: Sequence[Any], name: str, comment: str) -> tuple[str, ...]:
    if _is_of_persons(name, comment):
        return ()
    found: set[str] = set()
    for value in filled:
        try:
            code = local_code(value)
        except UnreadableError:
            return ()
        if not _CODE.fullmatch(code) or may_be_someone(code):
            return ()
        found.add(code)
        if len(found) > FEW:
            return ()
    return tuple(sorted(found))


def _fillers(filled: Sequence[Any]) -> tuple[str, ...]:
    """Words and days of the lists, which name nobody; a 0 or a row of nines is more often a value."""
    texts = {str(value).strip() for value in filled}
    listed: frozenset[str] = frozenset().union(*placeholders.reference().texts.values())
    return tuple(sorted(text for text in texts if not text.isdigit() and {text.casefold(), text[:_DAY]} & listed))[:FEW]


def _notations(texts: Sequence[str], shapes: Mapping[Shape, int]) -> tuple[str, ...]:
    """Those beside the plain one that are met; () if any value is written in a way that none of them reads."""
    if not texts or shapes.get(Shape.DATE, 0) + shapes.get(Shape.MOMENT, 0) < len(texts) * 0.9:
        return ()
    odd = [text for text in texts if not PLAIN.fullmatch(text)]
    met = [next((name for name, pattern in NOTATIONS if pattern.fullmatch(text)), "") for text in odd]
    plain = ("yyyy-MM-dd",) if met and len(odd) < len(texts) and "yyyy-M-d" not in met else ()
    return () if "" in met else tuple(dict.fromkeys((*met, *plain)))


def _units(texts: Sequence[str], name: str, comment: str) -> tuple[str, ...]:
    """Few words, each met again and again: what else stands behind a number is a remark, as `3床` and a name."""
    measured = [text for text in texts if shape(text) in (Shape.AMOUNT, Shape.INTEGER, Shape.DECIMAL)]
    units = Counter(re.sub(r"^[+-]?\d+(?:\.\d+)?\s*", "", text) for text in measured)
    if _is_of_persons(name, comment) or any(map(may_be_someone, units)) or len(units) > max(1, len(measured) // _AGAIN):
        return ()
    return tuple(sorted(units))[:FEW]


def _paths(filled: Sequence[Any]) -> dict[str, Content]:
    values: dict[str, list[Any]] = {}
    for each in filled:
        for path, value in _leaves(_parsed(each), ""):
            if path in values or len(values) < _PATHS:
                values.setdefault(path, []).append(value)
    return {path: content(found, path) for path, found in values.items()}


def _leaves(value: Any, path: str, depth: int = 0) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and depth < _DEPTH:
        for name, inner in value.items():
            if "." not in str(name) and not may_be_someone(str(name)):  # some keep a list of persons under their names
                yield from _leaves(inner, f"{path}.{name}" if path else str(name), depth + 1)
    elif path and not isinstance(value, dict | list):
        yield path, value


def _parsed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def overlap(
    connection: Connection, of: Table, at: str, to: Table, target: str, schema: str | None = None, keys: int = 50
) -> float | None:
    """Of some values of a column, the share that names a row of another table; None where there is nothing to compare."""
    some = select(column(at)).select_from(table(of.name, schema=schema)).where(column(at).is_not(None)).limit(ROWS).subquery()
    source: Select[Any] = select(some.c[at]).distinct().limit(keys)  # of a few rows: no large table is read through for it
    try:
        values = [value for (value,) in connection.execute(source) if not is_blank(value)]
        if not values:
            return None
        hits: Select[Any] = (
            select(column(target)).select_from(table(to.name, schema=schema)).where(column(target).in_(values)).distinct()
        )
        return len(connection.execute(hits).all()) / len(set(values))
    except DBAPIError:  # of another type
        return 0.0
