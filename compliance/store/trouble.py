"""What the store's database said, in the operator's words, sorted by who can help: who wrote `store`, or who keeps the machine.

The gateway sorts the same way over more databases (`gateway.store.trouble`); the two never meet, and a bureau has no backup
command to send a person to, so each keeps its own sentences.
"""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy.exc import DBAPIError

from compliance.errors import StoreAddressError, StoreError


class Remedy(StrEnum):
    """What is to be done, as the end of the sentence."""

    WRITE = "改好配置再运行"
    MEND = "已收的记录没有丢，修好后自动继续"
    RESTORE = "请停止服务，从备份恢复"


_LOGIN = "数据库服务器拒绝登录，请检查 store 里的账号、密码，以及服务器是否允许本机登录"
_RIGHTS = "数据库用户没有所需的权限，请数据库管理员把这个库和它的表授予该用户"
_ABSENT = "数据库服务器上没有 store 所写的库，请先建库，或改正库名"
_AWAY = "连不上数据库服务器，请检查它是否在运行、store 的地址和端口、网络"
#: what a message contains, in the order of asking: SQLite, PostgreSQL
_SIGNS: tuple[tuple[tuple[str, ...], str, Remedy], ...] = (
    (("malformed", "invalid page in block"), "存储的文件已损坏", Remedy.RESTORE),
    (("not a database",), "store 所指的文件不是存储库，或已损坏", Remedy.WRITE),
    (("is full", "no space left"), "磁盘已满，请清理磁盘", Remedy.MEND),
    (("disk i/o error",), "磁盘读写出错，可能已满或损坏", Remedy.MEND),
    (("readonly", "read-only", "read only"), "存储的文件、磁盘或数据库是只读的，请检查权限", Remedy.MEND),
    (("unable to open",), "存储的文件打不开，请检查 store 的路径，以及文件夹是否存在、运行账号有没有权限", Remedy.WRITE),
    (("is locked", "lock timeout"), "存储被别的程序占用，请关掉打开它的工具", Remedy.MEND),
    (("no such table",), "存储里缺少表，不完整", Remedy.RESTORE),
    (("too many clients", "too many connections"), "数据库服务器的连接数已满", Remedy.MEND),
    (("password authentication", "no password", "pg_hba"), _LOGIN, Remedy.WRITE),
    (("permission denied",), _RIGHTS, Remedy.MEND),
    (("connection refused", "failed to resolve", "timeout expired", "timed out", "network is unreachable"), _AWAY, Remedy.MEND),
    (("server closed", "terminating connection", "starting up", "shutting down"), _AWAY, Remedy.MEND),
)
#: PostgreSQL speaks the language of its server, its codes are the same everywhere; by class or whole, the whole first
_CODES: tuple[tuple[tuple[str, ...], str, Remedy], ...] = (
    (("28",), _LOGIN, Remedy.WRITE),
    (("3D000",), _ABSENT, Remedy.WRITE),
    (("42501",), _RIGHTS, Remedy.MEND),
    (("42P01",), "存储里缺少表，不完整", Remedy.RESTORE),
    (("53100",), "磁盘已满，请清理磁盘", Remedy.MEND),
    (("53300",), "数据库服务器的连接数已满", Remedy.MEND),
    (("25006",), "存储的文件、磁盘或数据库是只读的，请检查权限", Remedy.MEND),
    (("55P03",), "存储被别的程序占用，请关掉打开它的工具", Remedy.MEND),
    (("XX001", "XX002"), "存储的文件已损坏", Remedy.RESTORE),
    (("08", "57P"), _AWAY, Remedy.MEND),
)
_UNKNOWN = ("存储暂时不能读写，原因不明，请检查磁盘和数据库服务", Remedy.MEND)


def failure(error: DBAPIError) -> StoreError:
    """The whole sentence. Whoever has to change `store` gets a StoreAddressError, anybody else a StoreError."""
    said, remedy = known(error) or (_AWAY if _never_connected(error) else _UNKNOWN[0], _UNKNOWN[1])
    kind = StoreAddressError if remedy is Remedy.WRITE else StoreError
    return kind(f"{said}。{remedy}")


def known(error: DBAPIError) -> tuple[str, Remedy] | None:
    """What happened and what helps, if we know it; the driver's own words are never passed on: they may quote values."""
    code, words = str(getattr(error.orig, "sqlstate", None) or ""), str(error.orig).lower()
    for codes, said, remedy in _CODES:
        if code and code.startswith(codes):
            return said, remedy
    if "fatal" in words and "does not exist" in words:  # before there is a connection there is no code either
        return (_ABSENT if "database" in words else _LOGIN), Remedy.WRITE
    return next(((said, remedy) for signs, said, remedy in _SIGNS if any(sign in words for sign in signs)), None)


def _never_connected(error: DBAPIError) -> bool:
    """psycopg has no code for what failed before there was a connection, and its words are in the server's language."""
    return type(error.orig).__module__.startswith("psycopg") and not getattr(error.orig, "sqlstate", None)
