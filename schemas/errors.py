"""Errors of the agreed data and messages, sorted by who must act."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from schemas.model import Violation


class SpecError(Exception):
    """A YAML file of ours says something wrong: stop at start; the message names file, line and key."""

    def __init__(self, message: str, *, file: Path | str = "", line: int = 0, key: str = "") -> None:
        where = str(file) + (f" 第 {line} 行" if line else "")
        parts = [part for part in (where, f"键 {key}" if key else "", message) if part]
        super().__init__("：".join(parts))


class WireError(ValueError):
    """A value cannot be written as, or read from, the wire text of its field."""


def file_trouble(error: Exception) -> str:
    """Why a file could not be read or written, in the words of whoever named it."""
    for kind, words in _TROUBLES.items():
        if isinstance(error, kind):
            return words
    return _NUMBERED.get(getattr(error, "errno", None), "磁盘或系统出错")


_TROUBLES: dict[type[Exception], str] = {
    FileNotFoundError: "没有这个文件或文件夹",
    FileExistsError: "是文件，应为文件夹",
    PermissionError: "没有权限",
    IsADirectoryError: "是文件夹",
    NotADirectoryError: "路径中有一段不是文件夹",
    UnicodeDecodeError: "不是 UTF-8 文本",
}
#: that have no class of their own
_NUMBERED: dict[int | None, str] = {
    errno.ENOSPC: "磁盘已满，请腾出空间",
    errno.EDQUOT: "账号的磁盘限额已满，请腾出空间",
    errno.EROFS: "这个磁盘或共享只读，请给运行网关的账号写权限",
}


class RecordInvalidError(Exception):
    """A record breaks the edition; `violations` holds every reason, not only the first."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        self.violations = tuple(violations)
        super().__init__("；".join(violation.message for violation in self.violations))


class EnvelopeError(Exception):
    """The 公共报文头 is unusable, so no record of the message can be judged."""


class UnknownInfnoError(EnvelopeError):
    """The edition has no transaction of that number."""


class RefusedWholeError(EnvelopeError):
    """The receiver read the message and refused it whole; the message is its own sentence."""
