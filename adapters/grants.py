"""The script by which a hospital's DBA makes an account that reads what the profile reads, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

USER = "gateway_reader"
_PASSWORD = "<另行设定的口令>"  # noqa: S105  a place to fill in
_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_NAMED = re.compile(
    r"\b(?:FROM|JOIN)\s+((?:[\w$#]+|`[^`]+`|\"[^\"]+\"|\[[^\]]+\])(?:\.(?:[\w$#]+|`[^`]+`|\"[^\"]+\"|\[[^\]]+\]))*)", re.IGNORECASE
)
_WITH = re.compile(r"(?:\bWITH|,)\s+(?:RECURSIVE\s+)?(\w+)(?:\s*\([^)]*\))?\s+AS\s*\(", re.IGNORECASE)
_NOWHERE = frozenset({"dual", "select", "lateral", "unnest", "generate_series"})


def tables(sqls: Iterable[str]) -> frozenset[str]:
    """The tables that these queries read, as they are named there; names of WITH are none."""
    found: set[str] = set()
    for sql in sqls:
        plain = _COMMENT.sub(" ", sql)
        own = {name.lower() for name in _WITH.findall(plain)}
        found.update(name for name in _NAMED.findall(plain) if name.lower() not in own | _NOWHERE)
    return frozenset(found)


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


def _postgresql(database: str, names: list[str], timeout: int) -> str:
    schemas = sorted({name.rpartition(".")[0] or "public" for name in names})
    usage = "\n".join(f"GRANT USAGE ON SCHEMA {schema} TO {USER};" for schema in schemas)
    lines = (
        f"-- 由 PostgreSQL 的管理员连到库 {database} 执行；只给读取这些表的权限",
        f"CREATE ROLE {USER} LOGIN PASSWORD '{_PASSWORD}' CONNECTION LIMIT 16;",
        f"ALTER ROLE {USER} SET default_transaction_read_only = on;",
        f"ALTER ROLE {USER} SET statement_timeout = '{timeout}s';",
        f'GRANT CONNECT ON DATABASE "{database}" TO {USER};',
        usage,
        f"GRANT SELECT ON {', '.join(names)} TO {USER};",
        "-- PostgreSQL 14 及以前，任何账号都能在 public 里建表；确认没有程序靠它之后再执行：",
        "-- REVOKE CREATE ON SCHEMA public FROM PUBLIC;",
    )
    return "\n".join(lines) + "\n"


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
    "kingbase": _postgresql,
    "sqlite": _sqlite,
    "oracle": _oracle,
    "dm": _oracle,
    "mssql": _sql_server,
}
