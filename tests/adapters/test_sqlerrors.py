"""Driver errors we cannot provoke here, by the codes and texts their drivers give."""

from __future__ import annotations

import socket
import ssl
from typing import Any

import pymssql
import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError

from adapters.databases import sqlerrors

URL = make_url("postgresql://user:s3cret@db.example/his")


class DriverError(Exception):
    """What a driver raises: arguments, and attributes of its own."""

    def __init__(self, *args: Any, **attributes: Any) -> None:
        super().__init__(*args)
        self.__dict__.update(attributes)


class OracleArgument:
    """python-oracledb's first argument."""

    def __init__(self, code: str = "ORA-01017") -> None:
        self.full_code = code

    def __str__(self) -> str:
        return f"{self.full_code}: invalid username/password; logon denied"


@pytest.mark.parametrize(
    ("original", "cause"),
    [
        (DriverError('connection failed: FATAL:  password authentication failed for user "user"'), sqlerrors.AUTH),
        (DriverError('致命错误:  用户 "user" Password 认证失败'), sqlerrors.AUTH),
        (DriverError('connection failed: FATAL:  role "user" does not exist'), sqlerrors.AUTH),
        (DriverError("x", sqlstate="28P01"), sqlerrors.AUTH),
        (DriverError(OracleArgument()), sqlerrors.AUTH),
        (DriverError(1045, "Access denied"), sqlerrors.AUTH),
        (DriverError(1044, "Access denied for user to database"), sqlerrors.NO_ENTRY),
        (DriverError(1142, "SELECT command denied"), sqlerrors.RIGHTS),
        (DriverError("x", sqlstate="42501"), sqlerrors.RIGHTS),
        (DriverError('致命错误:  数据库 "his" 不存在'), sqlerrors.NO_DATABASE),
        (DriverError(2003, "x", original_exception=socket.gaierror(-2, "x")), sqlerrors.UNKNOWN_HOST),
        (DriverError(2003, "x", original_exception=ConnectionRefusedError()), sqlerrors.UNREACHABLE),
        (DriverError("connection timeout expired"), sqlerrors.UNREACHABLE),
        (DriverError("connection failed: authentication method 10 not supported"), sqlerrors.NO_METHOD),
        (DriverError(2013, "Lost connection"), sqlerrors.LOST),
        (DriverError(3024, "maximum statement execution time exceeded"), sqlerrors.TIMEOUT),
        (DriverError("x", sqlstate="57014"), sqlerrors.TIMEOUT),
        (DriverError(1792, "READ ONLY transaction"), sqlerrors.WRITES),
        (DriverError("x", sqlstate="25006"), sqlerrors.WRITES),
        (DriverError("x", sqlstate="22P02"), sqlerrors.BAD_QUERY),
        (None, sqlerrors.BAD_QUERY),
        # numbers of SQL Server's sys.messages and of DB-Library, as pymssql raises them; no server was at hand
        (pymssql.OperationalError((18456, b"Login failed for user")), sqlerrors.AUTH),
        (pymssql.OperationalError((20009, b"Unable to connect: Adaptive Server is unavailable")), sqlerrors.UNREACHABLE),
        (pymssql.OperationalError((4060, b"Cannot open database")), sqlerrors.NO_DATABASE),
        (pymssql.OperationalError(20003, b"connection timed out"), sqlerrors.TIMEOUT),
        (pymssql.OperationalError(20006, b"Write to the server failed"), sqlerrors.LOST),
        (pymssql.OperationalError(1205, b"deadlock victim"), sqlerrors.BUSY),
        (pymssql.OperationalError(3952, b"Snapshot isolation transaction failed"), sqlerrors.NO_VERSIONS),
        (pymssql.OperationalError(229, b"The SELECT permission was denied"), sqlerrors.RIGHTS),
        (pymssql.ProgrammingError(208, b"Invalid object name 'nada'."), sqlerrors.NO_TABLE),
        (pymssql.ProgrammingError(207, b"Invalid column name 'yb'."), sqlerrors.NO_COLUMN),
        (pymssql.ProgrammingError(102, b"Incorrect syntax near"), sqlerrors.SYNTAX),
        (pymssql.ProgrammingError(8134, b"Divide by zero"), sqlerrors.BAD_QUERY),
        # python-oracledb's own and the server's, by their documented codes
        *(
            (DriverError(OracleArgument(code)), cause)
            for code, cause in {
                "ORA-00942": sqlerrors.NO_TABLE,
                "ORA-00904": sqlerrors.NO_COLUMN,
                "ORA-12541": sqlerrors.UNREACHABLE,
                "ORA-03113": sqlerrors.LOST,
                "ORA-01013": sqlerrors.TIMEOUT,
                "DPY-4024": sqlerrors.TIMEOUT,
                "DPY-3010": sqlerrors.OLD_SERVER,
                "DPI-1047": sqlerrors.NO_CLIENT,
                "ORA-01456": sqlerrors.WRITES,
            }.items()
        ),
    ],
)
def test_each_failure_has_its_own_cause(original: DriverError | None, cause: sqlerrors.Cause) -> None:
    assert sqlerrors.cause(DBAPIError("SELECT 1", {}, original)) is cause  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("original", "cause"),
    [
        (DriverError("server does not support SSL, but SSL was required"), sqlerrors.NO_TLS),
        (DriverError("connection failed: server does not support SSL, but SSL was required"), sqlerrors.NO_TLS),
        (DriverError(2026, "SSL is required but the server doesn't support it"), sqlerrors.NO_TLS),
        (DriverError(2003, "x", original_exception=ssl.SSLCertVerificationError()), sqlerrors.CERTIFICATE),
        (DriverError("connection failed: SSL error: certificate verify failed"), sqlerrors.CERTIFICATE),
        (DriverError('server certificate for "his" does not match host name "10.0.0.8"'), sqlerrors.CERTIFICATE),
        (DriverError('root certificate file "/nowhere" does not exist'), sqlerrors.CERTIFICATE),
        (DriverError('invalid dsn: invalid connection option "nonsense"'), sqlerrors.PARAMETERS),
        (DriverError('invalid sslmode value: "klingon"'), sqlerrors.PARAMETERS),
        (DriverError('FATAL:  invalid value for parameter "client_encoding": "klingon"'), sqlerrors.PARAMETERS),
        (DriverError("received invalid response to SSL negotiation: d"), sqlerrors.UNREACHABLE),
        (pymssql.InterfaceError("Connection to the database failed for an unknown reason."), sqlerrors.UNREACHABLE),
    ],
)
def test_what_fails_before_a_query_was_sent_is_never_the_querys_fault(original: Exception, cause: sqlerrors.Cause) -> None:
    assert sqlerrors.cause(DBAPIError(None, None, original)) is cause  # type: ignore[arg-type]
    assert not cause.query


def test_the_same_words_in_the_answer_to_a_query_are_about_a_value() -> None:
    failure = DBAPIError("SELECT 1", {}, DriverError('invalid input value for enum kind: "x"', sqlstate="22P02"))  # type: ignore[arg-type]
    assert sqlerrors.cause(failure) is sqlerrors.BAD_QUERY


def test_a_broken_connection_without_a_code_is_a_lost_one() -> None:
    assert sqlerrors.cause(DBAPIError("SELECT 1", {}, DriverError("?"), connection_invalidated=True)) is sqlerrors.LOST


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('relation "nada" does not exist', "nada"),
        ("column r.yb does not exist", "r.yb"),
        ("Table 'his.nada' doesn't exist", "his.nada"),
        ("Unknown column 'yb' in 'SELECT'", "yb"),
        ("no such column: yb", "yb"),
        ('关系 "nada" 不存在', "nada"),
    ],
)
def test_a_missing_table_or_column_is_named(text: str, name: str) -> None:
    sentence = sqlerrors.sentence(sqlerrors.NO_TABLE, DBAPIError("", {}, DriverError(text)), URL)
    assert sentence == f"查询用到的表不存在：{name}"


def test_a_database_that_may_not_be_there_is_named() -> None:
    """MariaDB says to a user without rights the same of a database that does not exist."""
    sentence = sqlerrors.sentence(sqlerrors.NO_ENTRY, DBAPIError("", {}, DriverError(1044)), URL)
    assert sentence == "这个数据库用户没有读取权限，或库 his 不存在，请核对库名，或请医院授予只读权限"


@pytest.mark.parametrize(
    ("password_from", "told"), [("文件 /etc/gateway/his.password", "密码取自文件 /etc/gateway/his.password"), ("", "密码没有写")]
)
def test_a_refused_login_is_told_with_its_user_and_where_the_password_is(password_from: str, told: str) -> None:
    sentence = sqlerrors.sentence(sqlerrors.AUTH, DBAPIError("", {}, DriverError(1045)), URL, password_from)
    assert sentence == f"用户名或密码不对，或这个用户不许从本机登录（用户 user，{told}）"


@pytest.mark.parametrize("cause", [value for value in vars(sqlerrors).values() if isinstance(value, sqlerrors.Cause)])
def test_no_sentence_carries_the_password_or_the_drivers_text(cause: sqlerrors.Cause) -> None:
    sentence = sqlerrors.sentence(cause, DBAPIError("", {}, DriverError("s3cret value 410000")), URL)
    assert "s3cret" not in sentence
    assert "410000" not in sentence
    assert "{" not in sentence
