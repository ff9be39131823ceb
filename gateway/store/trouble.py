"""What the store's database said, in the operator's words, sorted by what helps: mend and wait, restore, or call us."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError

from gateway.errors import StoreError


class Remedy(StrEnum):
    """What is to be done, as the end of the sentence."""

    MEND = "没有丢数据，修好后自动继续"
    RESTORE = "请停止网关，从备份恢复（SQLite 用 gateway restore，数据库服务器用它自己的工具），再运行 gateway reconcile"
    REPORT = "这不是磁盘或网络的毛病，等待没有用；这一次的改动都没有写入，请把日志交给实施人员"


_LOGIN = "数据库服务器拒绝登录，请检查 store.url 里的账号、密码和它的权限"
_ABSENT = "数据库服务器上没有 store.url 所写的库，请先建库"
_AWAY = "连不上数据库服务器，请检查它是否在运行、store.url 的地址和端口、网络"
_BUSY = "数据库服务器的连接数已满"
#: what a message contains, in the order of asking: SQLite, MariaDB and MySQL, PostgreSQL
_SIGNS: tuple[tuple[tuple[str, ...], str, Remedy], ...] = (
    (("malformed",), "文件已损坏", Remedy.RESTORE),
    (("not a database",), "文件不是本地库，或已损坏", Remedy.RESTORE),
    (("marked as crashed", "is corrupt", "invalid page in block"), "数据库文件已损坏", Remedy.RESTORE),
    (("is full", "no space left"), "磁盘已满", Remedy.MEND),
    (("disk i/o error",), "磁盘读写出错，可能已满或损坏", Remedy.MEND),
    (("readonly", "read-only", "read only"), "文件、磁盘或数据库是只读的", Remedy.MEND),
    (("unable to open",), "文件打不开，请检查路径与权限", Remedy.MEND),
    (("locked", "lock wait timeout", "lock timeout"), "被别的程序占用", Remedy.MEND),
    (("too many connections", "too many clients"), _BUSY, Remedy.MEND),
    (("unknown database",), _ABSENT, Remedy.MEND),
    (
        ("access denied", "command denied", "password authentication", "no password", "pg_hba", "permission denied"),
        _LOGIN,
        Remedy.MEND,
    ),
    (("can't connect", "connection refused", "failed to resolve", "timeout expired", "timed out"), _AWAY, Remedy.MEND),
    (
        ("gone away", "lost connection", "server closed", "terminating connection", "starting up", "shutting down"),
        _AWAY,
        Remedy.MEND,
    ),
)
_OURS = (DataError, IntegrityError, ProgrammingError)


def failure(doing: str, error: BaseException) -> StoreError:
    """The whole sentence for an error that a statement or a connection met."""
    said, remedy = diagnosis(error)
    return StoreError(f"{doing}：{said}。{remedy}")


def sentence(error: BaseException | None) -> str:
    """What happened, without what to do."""
    return diagnosis(error)[0]


def diagnosis(error: BaseException | None) -> tuple[str, Remedy]:
    """What happened and what helps; an error we do not know is told by its kind, never by its text: that may hold values."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    text = str(cause).lower()
    for signs, said, remedy in _known(text):
        if any(sign in text for sign in signs):
            return said, remedy
    kind = type(cause).__name__
    if isinstance(error, _OURS):
        return f"数据库不接受所写的内容（{kind}）", Remedy.REPORT
    return (_AWAY, Remedy.MEND) if _never_connected(error) else (f"数据库出错（{kind}）", Remedy.MEND)


def _known(text: str) -> Iterator[tuple[tuple[str, ...], str, Remedy]]:
    """PostgreSQL words two troubles alike but for what does not exist."""
    if "fatal" in text and "does not exist" in text:
        yield (("role",), _LOGIN, Remedy.MEND)
        yield (("database",), _ABSENT, Remedy.MEND)
    yield from _SIGNS


def _never_connected(error: BaseException | None) -> bool:
    """PostgreSQL speaks the language of its server: without a code the message came from before there was a connection."""
    cause = error.orig if isinstance(error, DBAPIError) else None
    return (
        type(cause).__module__.startswith("psycopg")
        and type(cause).__name__ == "OperationalError"
        and not getattr(cause, "sqlstate", "")
    )
