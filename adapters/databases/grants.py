"""The script by which a hospital's DBA makes an account that reads what the profile reads, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

USER = "gateway_reader"
_PASSWORD = "<另行设定的口令>"  # noqa: S105  a place to fill in
#: what is no place to read from, though FROM may stand in it: comments, texts, parameters (`:from`), words of functions
_ELSEWHERE = re.compile(
    r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|:\w+|\bDISTINCT\s+FROM\b"
    r"|\b(?:EXTRACT|TRIM|SUBSTRING|OVERLAY)\s*\((?:[^()]|\([^()]*\))*?\bFROM\b",
    re.DOTALL | re.IGNORECASE,
)
_NAME = r"(?:[\w$#]++|`[^`]+`|\"[^\"]+\"|\[[^\]]+\])"
_FROM = re.compile(r"\b(?:FROM|JOIN)\b", re.IGNORECASE)
#: a name that no bracket follows, its alias, and whether another is listed after it
_PLACE = re.compile(rf"\s*({_NAME}(?:\.{_NAME})*+)(?!\s*\()(?:\s+(?:AS\s+)?{_NAME})?\s*(,?)", re.IGNORECASE)
_WITH = re.compile(r"(?:\bWITH|,)\s+(?:RECURSIVE\s+)?(\w+)(?:\s*\([^)]*\))?\s+AS\s*\(", re.IGNORECASE)
_NOWHERE = frozenset({"dual", "select", "lateral"})


def tables(sqls: Iterable[str]) -> frozenset[str]:
    """The tables that these queries read, as they are named there; names of WITH are none."""
    found: set[str] = set()
    for sql in sqls:
        plain = _ELSEWHERE.sub(" ", sql)
        own = {name.lower() for name in _WITH.findall(plain)}
        found.update(name for name in _named(plain) if name.lower() not in own | _NOWHERE)
    return frozenset(found)


def _named(plain: str) -> Iterator[str]:
    """What is listed after each FROM and JOIN."""
    for word in _FROM.finditer(plain):
        at = word.end()
        while place := _PLACE.match(plain, at):
            yield place[1]
            if not place[2]:
                break
            at = place.end()


def script(dialect: str, database: str, names: Iterable[str], timeout: int) -> str:
    """What is to be run, by whom, and what it gives. `timeout`: seconds of the longest query."""
    return _SCRIPTS[dialect](database, sorted(names), timeout)


def _mysql(database: str, names: list[str], timeout: int) -> str:
    who = f"'{USER}'@'<网关的地址>'"
    grants = "\n".join(f"GRANT SELECT ON {name if '.' in name else f'`{database}`.{name}'} TO {who};" for name in names)
    return (
        f"-- 由 MySQL、MariaDB 的管理员执行；只给读取这些表的权限\n"
        f"CREATE USER {who} IDENTIFIED BY '{_PASSWORD}';\n"
        f"ALTER USER {who} WITH MAX_USER_CONNECTIONS 16;\n{grants}\n"
    )


def _postgresql(
    database: str, names: list[str], timeout: int, product: str = "PostgreSQL", old: str = "PostgreSQL 14 及以前"
) -> str:
    schemas = sorted({name.rpartition(".")[0] or "public" for name in names})
    usage = "\n".join(f"GRANT USAGE ON SCHEMA {schema} TO {USER};" for schema in schemas)
    lines = (
        f"-- 由 {product} 的管理员连到库 {database} 执行；只给读取这些表的权限",
        f"CREATE ROLE {USER} LOGIN PASSWORD '{_PASSWORD}' CONNECTION LIMIT 16;",
        f"ALTER ROLE {USER} SET default_transaction_read_only = on;",
        f"ALTER ROLE {USER} SET statement_timeout = '{timeout}s';",
        f'GRANT CONNECT ON DATABASE "{database}" TO {USER};',
        usage,
        f"GRANT SELECT ON {', '.join(names)} TO {USER};",
        f"-- {old}，任何账号都能在 public 里建表；确认没有程序靠它之后再执行：",
        "-- REVOKE CREATE ON SCHEMA public FROM PUBLIC;",
    )
    return "\n".join(lines) + "\n"


def _kingbase(database: str, names: list[str], timeout: int) -> str:
    """As PostgreSQL, which it grew from, at a version that only its DBA knows."""
    return _postgresql(database, names, timeout, "KingbaseES", "不少版本里")


def _sqlite(database: str, names: list[str], timeout: int) -> str:
    return f"-- SQLite 没有账号：网关以只读方式打开文件，请只给运行网关的系统用户读取 {database} 的权限\n"


def _oracle(database: str, names: list[str], timeout: int) -> str:
    grants = "\n".join(f"GRANT SELECT ON {name if '.' in name else f'<表的主人>.{name}'} TO {USER};" for name in names)
    return (
        f"-- 由 DBA 执行；只给读取这些表的权限。表没有写主人的，把 <表的主人> 换成它，再给网关的账号建同义词\n"
        f'CREATE USER {USER} IDENTIFIED BY "{_PASSWORD}";\n'
        f"GRANT CREATE SESSION TO {USER};\n{grants}\n"
    )


def _sql_server(database: str, names: list[str], timeout: int) -> str:
    grants = "\n".join(f"GRANT SELECT ON {name if '.' in name else f'dbo.{name}'} TO {USER};" for name in names)
    return (
        f"-- 由 SQL Server 的管理员执行；只给读取这些表的权限\n"
        f"CREATE LOGIN {USER} WITH PASSWORD = '{_PASSWORD}';\n"
        f"USE [{database}];\nCREATE USER {USER} FOR LOGIN {USER};\n{grants}\n"
        f"-- 整段核对（作废、补读）要用快照读，不锁 HIS 的表；没有打开的库须打开：\n"
        f"-- ALTER DATABASE [{database}] SET ALLOW_SNAPSHOT_ISOLATION ON;\n"
    )


_SCRIPTS: Mapping[str, Callable[[str, list[str], int], str]] = {
    "mysql": _mysql,
    "mariadb": _mysql,
    "postgresql": _postgresql,
    "kingbase": _kingbase,
    "sqlite": _sqlite,
    "oracle": _oracle,
    "dm": _oracle,
    "mssql": _sql_server,
}
