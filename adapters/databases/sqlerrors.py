"""What a database driver raised -> what the operator is told, and who must act. Never the driver's own text: it may hold values."""

from __future__ import annotations

import re
import socket
import ssl
from dataclasses import dataclass
from typing import Any

from sqlalchemy import URL
from sqlalchemy.exc import DBAPIError


@dataclass(frozen=True, slots=True)
class Cause:
    """One kind of failure."""

    sentence: str  #: Chinese; {host}, {database}, {login} and {name} are filled in
    query: bool = False  #: the site's SQL is wrong: a person must mend the profile


AUTH = Cause("用户名或密码不对，或这个用户不许从本机登录（{login}）")
RIGHTS = Cause("这个数据库用户没有读取权限，请医院授予只读权限")
NO_ENTRY = Cause("这个数据库用户没有读取权限，或库 {database} 不存在，请核对库名，或请医院授予只读权限")
NO_DATABASE = Cause("数据库 {database} 不存在")
UNKNOWN_HOST = Cause("主机名 {host} 无法解析，请检查地址或 DNS")
UNREACHABLE = Cause("连接不上数据库 {host}，请检查地址、端口和网络")
TIMEOUT = Cause("查询超过时限被中止")
BUSY = Cause("数据库正忙（被锁定），稍后再读")
LOST = Cause("读取途中与数据库的连接断开")
NO_FILE = Cause("数据库文件 {host} 不存在或打不开")
DAMAGED = Cause("文件 {host} 不是可读的数据库")
NO_TABLE = Cause("查询用到的表不存在{name}", query=True)
NO_COLUMN = Cause("查询用到的列不存在{name}", query=True)
SYNTAX = Cause("SQL 语法有误", query=True)
WRITES = Cause("查询试图写入，已被只读连接拒绝", query=True)
NO_VERSIONS = Cause("数据库没有打开快照读（ALLOW_SNAPSHOT_ISOLATION），不能整段核对，请医院的数据库管理员打开")
OLD_SERVER = Cause("Oracle 服务器的版本太旧，要用 Oracle 自己的客户端：安装 Instant Client，在来源里写 oracle_client")
NO_METHOD = Cause("数据库 {host} 要求的登录方式这个驱动不会（openGauss、GaussDB 的 sha256 一类），这种数据库还不支持")
NO_TLS = Cause("数据库 {host} 没有打开加密连接，而地址里要求加密：请管理员打开，或改地址里的参数（sslmode、ssl_ca 一类）")
CERTIFICATE = Cause("数据库 {host} 的证书核对不上：请核对地址里写的签发机构证书和主机名")
PARAMETERS = Cause("数据库地址里问号后面的参数写错了，或它指的文件读不出来，请核对")
LICENCE = Cause("数据库的授权无效或已过期，请医院的数据库管理员处理")
NO_CLIENT = Cause("Oracle 客户端用不了：请核对 oracle_client 是 Oracle Instant Client 的文件夹，位数与 Python 相同")
BAD_QUERY = Cause("数据库拒绝执行这个查询，或读不出它的结果", query=True)

_SQLSTATES = {
    "28P01": AUTH, "28000": AUTH, "3D000": NO_DATABASE, "42501": RIGHTS, "57014": TIMEOUT, "55P03": BUSY,
    "42P01": NO_TABLE, "42703": NO_COLUMN, "42601": SYNTAX, "25006": WRITES,
    "57P01": LOST, "57P03": UNREACHABLE, "53300": UNREACHABLE,
}  # fmt: skip
_MYSQL = {
    1045: AUTH, 1698: AUTH, 1130: AUTH, 1044: NO_ENTRY, 1142: RIGHTS, 1143: RIGHTS, 1049: NO_DATABASE,
    2002: UNREACHABLE, 2003: UNREACHABLE, 1040: UNREACHABLE, 2006: LOST, 2013: LOST, 1205: BUSY, 3024: TIMEOUT, 1969: TIMEOUT,
    1146: NO_TABLE, 1054: NO_COLUMN, 1064: SYNTAX, 1792: WRITES,
}  # fmt: skip
_ORACLE = {
    "ORA-01017": AUTH, "ORA-28000": AUTH, "ORA-01031": RIGHTS, "ORA-12514": NO_DATABASE, "ORA-12505": NO_DATABASE,
    "DPY-6001": NO_DATABASE, "DPY-6003": NO_DATABASE, "DPY-6005": UNREACHABLE, "DPY-4011": LOST, "DPY-4024": TIMEOUT,
    "DPI-1047": NO_CLIENT, "DPI-1072": NO_CLIENT, "DPY-3010": OLD_SERVER,
    "ORA-12541": UNREACHABLE, "ORA-12170": UNREACHABLE, "ORA-03113": LOST, "ORA-03114": LOST, "ORA-01013": TIMEOUT,
    "ORA-00054": BUSY,
    "ORA-00942": NO_TABLE, "ORA-00904": NO_COLUMN, "ORA-00936": SYNTAX, "ORA-00933": SYNTAX, "ORA-01456": WRITES,
}  # fmt: skip
#: numbers of SQL Server (sys.messages) and of the library that pymssql speaks through (from 20000)
_SQL_SERVER = {
    18456: AUTH, 18452: AUTH, 4060: NO_DATABASE, 911: NO_DATABASE, 916: NO_ENTRY, 229: RIGHTS, 230: RIGHTS, 262: RIGHTS,
    208: NO_TABLE, 207: NO_COLUMN, 102: SYNTAX, 156: SYNTAX, 1205: BUSY, 1222: BUSY, 3952: NO_VERSIONS, 3906: WRITES,
    20002: UNREACHABLE, 20009: UNREACHABLE, 20003: TIMEOUT, 20004: LOST, 20006: LOST, 20047: LOST,
}  # fmt: skip
#: of the server and, from -70000, of its driver: as its manual and the table of messages inside dmPython 2.6.1 name them
_DM = {
    -2501: AUTH, -2503: AUTH, -2508: AUTH, -2512: AUTH, -6015: AUTH, -200: AUTH,
    -5504: RIGHTS, -5505: RIGHTS, -5508: RIGHTS, -5509: NO_ENTRY,
    -2103: NO_TABLE, -2106: NO_TABLE, -2111: NO_COLUMN, -2115: NO_COLUMN, -2006: SYNTAX, -2007: SYNTAX,
    -6506: WRITES, -615: WRITES,
    -6402: BUSY, -6403: BUSY, -6405: BUSY, -6407: BUSY, -6409: BUSY,
    -604: TIMEOUT, -608: TIMEOUT, -6515: TIMEOUT,
    -6001: UNREACHABLE, -6002: UNREACHABLE, -6003: UNREACHABLE,
    -6012: UNREACHABLE, -6029: UNREACHABLE, -6032: UNREACHABLE, -70028: UNREACHABLE,
    -6007: LOST, -6010: LOST, -605: LOST, -70019: LOST,
    -111: LICENCE, -112: LICENCE,
}  # fmt: skip
#: what only the attempt to connect can mean: the same words in the answer to a query are about a value
_AT_THE_DOOR = (
    (r"certificate verify failed|server certificate for|root certificate file", CERTIFICATE),
    (r"does not support SSL|SSL is required but", NO_TLS),
    (r"invalid connection option|invalid \S+ value|invalid value for parameter", PARAMETERS),
)
#: where a driver gives no code, its text; PostgreSQL servers in China often speak Chinese
_TEXTS = (
    (r"failed to resolve host|translate host name|Name or service not known|getaddrinfo", UNKNOWN_HOST),
    (
        r"password authentication failed|no password supplied|认证失败|no pg_hba\.conf entry|role .* does not exist|角色.*不存在",
        AUTH,
    ),
    (r"authentication method .* not supported", NO_METHOD),
    (r"database .* does not exist|数据库.*不存在", NO_DATABASE),
    (r"connection failed|Connection refused|timeout expired|Network is unreachable", UNREACHABLE),
    (r"unable to open database file", NO_FILE),
    (r"no such table", NO_TABLE),
    (r"no such column", NO_COLUMN),
    (r"syntax error|incomplete input", SYNTAX),
    (r"readonly database", WRITES),
    (r"interrupted", TIMEOUT),
    (r"database is locked", BUSY),
    (r"not a database|malformed", DAMAGED),
)
_NAME = re.compile(
    r"(?:relation|column|Table|table:|column:|Unknown column|object name|view name|column name|关系|字段|视图名|列名) ?"
    r"[\"'`“\[]?([\w.]+)"
)


def cause(error: DBAPIError) -> Cause:
    """The kind of failure, by the driver's code where it gives one."""
    original = error.orig
    if original is None:
        return BAD_QUERY
    beneath = getattr(original, "original_exception", None)  # PyMySQL: all have the number of a refused connection
    if isinstance(beneath, socket.gaierror):
        return UNKNOWN_HOST
    if isinstance(beneath, ssl.SSLCertVerificationError):
        return CERTIFICATE
    number = original.args[0] if original.args else None
    if type(original).__module__.startswith("pymssql"):
        return _sql_server(number, error)
    if type(original).__module__.startswith("dmPython"):
        return _DM.get(getattr(number, "code", 0), _otherwise(error))
    if isinstance(number, int) and number in _MYSQL:
        return _MYSQL[number]
    code = getattr(original, "sqlstate", None) or getattr(original, "kbcode", None) or getattr(number, "full_code", None) or ""
    if code in _SQLSTATES or code in _ORACLE:
        return _SQLSTATES.get(code) or _ORACLE[code]
    return _by_text(str(original), error)


def _sql_server(number: Any, error: DBAPIError) -> Cause:
    """pymssql gives the number alone, or in a pair with the message."""
    found = number[0] if isinstance(number, tuple) and number else number
    return _SQL_SERVER.get(found, _otherwise(error))


def _by_text(message: str, error: DBAPIError) -> Cause:
    for pattern, found in _TEXTS if error.statement else (*_AT_THE_DOOR, *_TEXTS):
        if re.search(pattern, message, re.IGNORECASE):
            return found
    return _otherwise(error)


def _otherwise(error: DBAPIError) -> Cause:
    """Before a query was sent, none can be wrong."""
    if not error.statement:
        return UNREACHABLE
    return LOST if error.connection_invalidated else BAD_QUERY


def sentence(found: Cause, error: DBAPIError, url: URL, password_from: str = "") -> str:
    """The cause with its names. Neither password nor the driver's text gets in; `password_from` says where the password was."""
    match = _NAME.search(str(error.orig)) if found in (NO_TABLE, NO_COLUMN) else None
    name = f"：{match.group(1)}" if match else ""
    login = f"用户 {url.username or '没有写'}，" + (f"密码取自{password_from}" if password_from else "密码没有写")
    return found.sentence.format(host=url.host or url.database or "", database=url.database or "", login=login, name=name)


def told(error: Exception, url: URL, password_from: str = "") -> str:
    """What is told of any failure at a site's database."""
    if not isinstance(error, DBAPIError):
        return f"数据库的结构读不出来（{type(error).__name__}）"
    return sentence(cause(error), error, url, password_from)
