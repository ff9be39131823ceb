"""Texts that a MySQL or MariaDB server believes to be latin1 and that are GBK: the classic of old Chinese systems.

Asked for latin1 the server hands the bytes out as they stand, and the driver is told that they are GB18030. What cannot be read
stays bytes, so that only its row is set aside.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from adapters import mysqlvalues

CODEC = "liangding_gb18030"
_BYTES = "gb18030"
#: what a site may write under `encoding`
NAMES = ("gbk", "gb18030")
#: what is told of texts that are garbled, and what to do
GARBLED = "读到的中文是乱码，像是存成 latin1 的 GBK"
_SEVERAL, _BYTE = 2, 0x100
_CHINESE = re.compile("[\u4e00-\u9fff]")
_PAIRS = re.compile(rb"(?:[\xb0-\xf7][\xa1-\xfe]){2}")
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


def garbled(rows: Iterable[Iterable[Any]]) -> bool:
    """Whether these are such texts, read as the server calls them: no Chinese anywhere, and several that are GBK byte for byte.

    One that somebody once pasted beside proper Chinese is the site's own mistake, and says nothing of how the others are kept.
    """
    found = 0
    for value in (each for row in rows for each in row if isinstance(each, str) and not each.isascii()):
        if _CHINESE.search(value):
            return False
        found += _is_gbk(value)
    return found >= _SEVERAL


def _is_gbk(text: str) -> bool:
    """No word of a European language has four accented letters in a row."""
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
