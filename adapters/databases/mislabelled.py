"""Texts that a MySQL or MariaDB server believes to be latin1 and that are GBK: the classic of old Chinese systems.

Asked for latin1 the server hands the bytes out as they stand, and the driver is told that they are GB18030. What cannot be read
stays bytes, so that only its row is set aside.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from adapters.databases import mysqlvalues

CODEC = "liangding_gb18030"
_BYTES = "gb18030"
#: what a site may write under `encoding`
NAMES = ("gbk", "gb18030")
#: what is told of texts that are garbled, and what to do
GARBLED = "读到的中文是乱码，像是存成 latin1 的 GBK"
_SEVERAL, _BYTE = 2, 0x100
#: fewer than one in so many rows are slips of people's
_FEW = 10
_CHINESE = re.compile("[\u4e00-\u9fff]")
#: two characters of GB2312; one letter again and again is a mask, as ×××× of a number
_PAIRS = re.compile(rb"(?!(.)\1{3})(?:[\xb0-\xf7][\xa1-\xfe]){2}")
#: what the server writes for characters that latin1 does not have
_LOST = "??"
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)


def _find(name: str) -> codecs.CodecInfo | None:
    """The driver gives no say in how errors are handled; a codec of our own does."""
    if name != CODEC:
        return None
    return codecs.CodecInfo(
        name=CODEC,
        encode=lambda text, errors="strict": codecs.getencoder(_BYTES)(text, errors),
        decode=lambda stored, errors="strict": codecs.getdecoder(_BYTES)(bytes(stored), "surrogateescape"),
    )


codecs.register(_find)


def whole(text: Any) -> Any:
    """The text, or its bytes if some of them are no characters."""
    if not isinstance(text, str) or text.isascii() or not any("\udc80" <= each <= "\udcff" for each in text):
        return text
    return text.encode(_BYTES, "surrogateescape")


def misread(names: Sequence[str], rows: Iterable[Iterable[Any]], encoding: str) -> str:
    """Why these texts of a MySQL server cannot be what the site keeps, and what to write; "" where they can."""
    lines = [tuple(row) for row in rows]
    if encoding and (lost := _suspect(lines, lambda text: _LOST in text, alone=False)):
        mended = "CONVERT(CAST(CONVERT(列 USING gbk) AS BINARY) USING latin1)"
        return f"读到的中文成了问号（列 {_named(names, lost)}），一行也没有收：它们不是存成 latin1 的，请在查询里写 {mended}"
    if not encoding and (found := garbled(lines)):
        mended = "请在这个来源里写 encoding: gbk；别的列没有乱码的，不写它，在查询里写 CONVERT(CAST(列 AS BINARY) USING gbk)"
        return f"{GARBLED}（列 {_named(names, found)}），一行也没有收：{mended}"
    return ""


def garbled(rows: Iterable[Sequence[Any]]) -> list[int]:
    """The columns, by their places, of such texts read as the server calls them: several, and no Chinese in the same column.

    A few that somebody once pasted beside proper Chinese are the site's own mistake, and say nothing of how the others are kept.
    Chinese of another column does not hide a whole one: it may stand in the query itself (`THEN '男'`), or come from a newer table.
    """
    return _suspect(rows, _is_gbk, alone=True)


def chinese(rows: Iterable[Sequence[Any]]) -> bool:
    """Whether proper Chinese stands anywhere: a table as a whole is kept in one way, and a dead column of it says nothing."""
    return any(isinstance(each, str) and _CHINESE.search(each) for row in rows for each in row)


def _suspect(rows: Iterable[Sequence[Any]], wrong: Callable[[str], bool], *, alone: bool) -> list[int]:
    """The columns of wrong texts; `alone`: where there is no Chinese at all a few are enough, however many rows there are."""
    lines = list(rows)
    counts = [_wrong(column, wrong) for column in zip(*lines, strict=True)]
    least = 0.0 if alone and None not in counts else len(lines) / _FEW
    found = {place: count for place, count in enumerate(counts) if count and count >= least}
    return list(found) if sum(found.values()) >= _SEVERAL else []


def _wrong(column: Iterable[Any], wrong: Callable[[str], bool]) -> int | None:
    """How many of its texts are; None: proper Chinese stands among them, seen at its first."""
    count = 0
    for each in column:
        if isinstance(each, str):
            if not each.isascii() and _CHINESE.search(each):
                return None
            count += wrong(each)
    return count


def _named(names: Sequence[str], places: Iterable[int]) -> str:
    return "、".join(names[place] for place in places)


def _is_gbk(text: str) -> bool:
    """No word of a European language has four accented letters in a row."""
    if text.isascii():
        return False
    try:
        stored = b"".join(bytes((ord(each),)) if ord(each) < _BYTE else each.encode("cp1252") for each in text)
        read = stored.decode(_BYTES)
    except UnicodeError:
        return False
    return bool(_PAIRS.search(stored)) and bool(_CHINESE.search(read))


def converters() -> dict[Any, Callable[[Any], Any]]:
    """For PyMySQL: those of `mysqlvalues`, and `whole` for every kind of text."""
    from pymysql.constants import FIELD_TYPE

    kinds = ("STRING", "VAR_STRING", "VARCHAR", "BLOB", "TINY_BLOB", "MEDIUM_BLOB", "LONG_BLOB")
    return {**mysqlvalues.converters(), **{getattr(FIELD_TYPE, kind): whole for kind in kinds}}


def told(connection: Any, record: Any) -> None:
    """For SQLAlchemy's `connect` event: what the server calls latin1 is GB18030."""
    connection.encoding = CODEC


def bound(values: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as bytes where they are no ASCII: a GBK character may end in a backslash, which the server would take for one."""
    return {name: _stored(value) for name, value in values.items()}


def _stored(value: Any) -> Any:
    if isinstance(value, list):
        return [_stored(each) for each in value]
    return value.encode(_BYTES) if isinstance(value, str) and not value.isascii() else value


def perilous(sql: str) -> str:
    """A character of a query, outside of comments, that ends in a backslash in GBK; "" if there is none."""
    return next((each for each in _COMMENT.sub("", sql) if not each.isascii() and b"\\" in each.encode(_BYTES, "replace")), "")
