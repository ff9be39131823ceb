"""The same columns and joins in all queries of a data set: a person changes the main one, the others follow.

A column that only the main query has is found missing first when a day is looked through again. Only what stands between the
first SELECT and the WHERE is taken over, as it is written; what rows a query asks for stays its own.
"""

from __future__ import annotations

import re

from gateway.errors import ConfigError

_START = re.compile(r"^SELECT\b", re.IGNORECASE | re.MULTILINE)
_WHERE = re.compile(r"^WHERE\b", re.IGNORECASE | re.MULTILINE)
#: written so that the first SELECT is not that of the rows, or their number stands in it
_OTHERWISE = re.compile(r"\b(?:UNION|WITH|ROWNUM|TOP)\b|^FROM\s*\(", re.IGNORECASE | re.MULTILINE)
_ALIAS = re.compile(r"\b([A-Za-z_]\w*)\.[`\"\[]?\w")
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/|'[^']*'", re.DOTALL)


def aligned(main: str, other: str, file: str) -> str:
    """`other` with the columns and joins of `main` and its own WHERE. ConfigError where that cannot be told apart."""
    columns, _ = _parted(main, "主查询")
    _, asked = _parted(other, file)
    plain = _COMMENT.sub("", columns)
    if strange := sorted({alias for alias in _ALIAS.findall(_COMMENT.sub("", asked)) if not re.search(rf"\b{alias}\b", plain)}):
        raise ConfigError(f"{file} 的 WHERE 用了主查询没有的表 {'、'.join(strange)}：请在主查询里连上它，或手工改这个文件")
    start = _START.search(other)
    return other[: start.start() if start else 0] + columns + asked


def _parted(sql: str, name: str) -> tuple[str, str]:
    """What is read and from where; and which rows."""
    start, where = _START.search(sql), list(_WHERE.finditer(sql))
    if start is None or len(where) != 1 or _OTHERWISE.search(_COMMENT.sub("", sql)):
        raise ConfigError(f"{name} 不是一句查询，或 SELECT、WHERE 没有各起一行，不能照着改：请手工改 window、lookup 的列和连接")
    return sql[start.start() : where[0].start()], sql[where[0].start() :]
