"""What the account of a source may write, asked in each database's own words; nothing means that it is proven that it cannot.

The questions are the documented ones of each product, and are asked in a read-only transaction. Those of Oracle, SQL Server and DM
were not tried on a server of theirs (docs/sources.md says so).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from adapters.databases.connection import SiteDatabase

#: most places that are named
_MOST = 10
#: MySQL's and MariaDB's privileges by which nothing can be written, locked or run
_HARMLESS = frozenset(
    {
        *("USAGE", "SELECT", "SHOW VIEW", "SHOW DATABASES", "PROCESS", "REPLICATION CLIENT", "BINLOG MONITOR", "SLAVE MONITOR"),
        *("REPLICA MONITOR", "SHOW CREATE ROUTINE"),
    }
)
_GRANT = re.compile(r"GRANT (?P<rights>.+?) ON (?:TABLE |FUNCTION |PROCEDURE )?(?P<place>\S+) TO ", re.IGNORECASE)
_ROLE = re.compile(r"GRANT (?P<role>[^ ]+) TO ", re.IGNORECASE)

_POSTGRESQL = (
    """
    SELECT '全库（超级用户）' WHERE (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)
    """,
    """
    SELECT '表 ' || n.nspname || '.' || c.relname || '：' || concat_ws('、',
        CASE WHEN has_table_privilege(c.oid, 'INSERT') OR has_any_column_privilege(c.oid, 'INSERT') THEN 'INSERT' END,
        CASE WHEN has_table_privilege(c.oid, 'UPDATE') OR has_any_column_privilege(c.oid, 'UPDATE') THEN 'UPDATE' END,
        CASE WHEN has_table_privilege(c.oid, 'DELETE') THEN 'DELETE' END,
        CASE WHEN has_table_privilege(c.oid, 'TRUNCATE') THEN 'TRUNCATE' END)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
        AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)'
        AND (has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') OR has_any_column_privilege(c.oid, 'INSERT, UPDATE'))
    ORDER BY 1 LIMIT 11
    """,
    """
    SELECT '模式 ' || nspname || '：CREATE' FROM pg_namespace
    WHERE nspname NOT IN ('pg_catalog', 'information_schema') AND nspname !~ '^pg_(toast|temp)'
        AND has_schema_privilege(oid, 'CREATE')
    ORDER BY 1 LIMIT 11
    """,
)
_ORACLE = (
    """
    SELECT '系统权限 ' || privilege FROM session_privs
    WHERE privilege NOT IN ('CREATE SESSION', 'SELECT ANY TABLE', 'READ ANY TABLE', 'SELECT ANY DICTIONARY')
    ORDER BY 1
    """,
    """
    SELECT '表 ' || owner || '.' || table_name || '：' || privilege FROM user_tab_privs
    WHERE grantee IN (SELECT USER FROM dual UNION SELECT role FROM session_roles)
        AND privilege NOT IN ('SELECT', 'READ') AND owner <> 'SYS'
    ORDER BY 1
    """,
    "SELECT '自己的表 ' || table_name FROM user_tables ORDER BY 1",
)
_SQL_SERVER = (
    """
    SELECT N'数据库：' + permission_name FROM fn_my_permissions(NULL, 'DATABASE')
    WHERE permission_name IN ('INSERT', 'UPDATE', 'DELETE', 'EXECUTE', 'ALTER', 'CONTROL', 'CREATE TABLE', 'CREATE PROCEDURE',
        'ALTER ANY SCHEMA')
    ORDER BY 1
    """,
    """
    SELECT TOP (11) N'表 ' + SCHEMA_NAME(o.schema_id) + N'.' + o.name FROM sys.objects o
    WHERE o.type IN ('U', 'V') AND (
        HAS_PERMS_BY_NAME(QUOTENAME(SCHEMA_NAME(o.schema_id)) + N'.' + QUOTENAME(o.name), 'OBJECT', 'INSERT') = 1
        OR HAS_PERMS_BY_NAME(QUOTENAME(SCHEMA_NAME(o.schema_id)) + N'.' + QUOTENAME(o.name), 'OBJECT', 'UPDATE') = 1
        OR HAS_PERMS_BY_NAME(QUOTENAME(SCHEMA_NAME(o.schema_id)) + N'.' + QUOTENAME(o.name), 'OBJECT', 'DELETE') = 1)
    ORDER BY 1
    """,
)


def writable(database: SiteDatabase, connection: Connection) -> list[str]:
    """Where the account may write, each in a few Chinese words. DBAPIError if it cannot be asked."""
    found = list(_ASKED[database.dialect](connection))
    return [*found[:_MOST], f"等 {len(found)} 处"] if len(found) > _MOST else found


def _rows(*questions: str) -> Callable[[Connection], Iterator[str]]:
    def ask(connection: Connection) -> Iterator[str]:
        for question in questions:
            yield from (str(row[0]) for row in connection.execute(text(question)))

    return ask


def _mysql(connection: Connection) -> Iterator[str]:
    """What SHOW GRANTS says of the account. Its lines may hold a password's digest: only rights and places are taken of them."""
    for (line,) in connection.execute(text("SHOW GRANTS")):
        yield from granted(str(line))


def granted(line: str) -> Iterator[str]:
    """What of a line of SHOW GRANTS is more than reading."""
    match = _GRANT.match(line)
    if match is None:
        role = _ROLE.match(line)
        yield f"角色 {role['role']}：看不出它能不能写" if role else "看不懂的授权"
        return
    rights = [each.strip().upper() for each in re.sub(r"\([^)]*\)", "", match["rights"]).split(",")]
    more = [each for each in rights if each not in _HARMLESS]
    if " WITH GRANT OPTION" in line.upper():
        more.append("GRANT OPTION")
    if more:
        yield f"{match['place']}：{'、'.join(more)}"


def _sqlite(connection: Connection) -> Iterator[str]:
    """The file is opened read-only, whatever its rights are: it is tried."""
    try:
        connection.exec_driver_sql("PRAGMA user_version = 0")
    except DBAPIError:
        return
    yield "文件"


_ASKED: Mapping[str, Callable[[Connection], Iterator[str]]] = {
    "mysql": _mysql,
    "mariadb": _mysql,
    "postgresql": _rows(*_POSTGRESQL),
    "kingbase": _rows(*_POSTGRESQL),
    "sqlite": _sqlite,
    "oracle": _rows(*_ORACLE),
    "dm": _rows(*_ORACLE),
    "mssql": _rows(*_SQL_SERVER),
}
