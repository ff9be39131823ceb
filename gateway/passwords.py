"""Passwords: what one must be like, made by chance, and kept as a salted scrypt hash that nobody can read back."""

from __future__ import annotations

import os
import secrets
import threading
from functools import cache
from itertools import pairwise
from pathlib import Path

from werkzeug.security import check_password_hash, generate_password_hash

from gateway.errors import GatewayError
from schemas.errors import file_trouble

SHORTEST, LONGEST = 10, 128
_LETTERS = "abcdefghjkmnpqrstuvwxyzACDEFGHJKLMNPQRTUVWXY34679"  #: none that is taken for another on paper
_GENERATED = 16
#: a hash takes 32 MiB and a tenth of a second: one at a time, whoever asks
_one = threading.Lock()


def fault(password: str, name: str) -> str:
    """Why it will not do, in Chinese; "" if it will. Length is what counts; a rule about signs only makes people write it down."""
    if not SHORTEST <= len(password) <= LONGEST:
        return f"密码须为 {SHORTEST} 至 {LONGEST} 个字符"
    if name and name.lower() in password.lower():
        return "密码里不能有用户名"
    if len(set(password.lower())) < SHORTEST // 2:
        return "密码里不同的字符太少"
    return "" if not _run(password.lower()) else "密码不能是一串连续的字符"


def _run(text: str) -> bool:
    """Whether it is 0123456789, or abcdefghij backwards, and nothing else."""
    steps = {ord(after) - ord(before) for before, after in pairwise(text)}
    return steps in ({1}, {-1}) or text in "12345678901234567890" or text in "qwertyuiopasdfghjklzxcvbnm"


def hashed(password: str) -> str:
    """As the store keeps it."""
    with _one:
        return generate_password_hash(password, method="scrypt")


def fits(password: str, kept: str) -> bool:
    """Whether it is the one that was hashed. Without one to compare with it takes as long, and is not."""
    with _one:
        return check_password_hash(kept or _nobodys(), password[:LONGEST]) and bool(kept)


def generated() -> str:
    """A password that nobody chose."""
    return "".join(secrets.choice(_LETTERS) for _ in range(_GENERATED))


def hand_over(password: str, place: Path) -> None:
    """Write it to a new file that only its owner reads. GatewayError if there is one, or none can be made."""
    try:
        with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(f"{password}\n")
    except FileExistsError:
        raise GatewayError(f"文件 {place} 已经存在，请换一个名字") from None
    except OSError as error:
        raise GatewayError(f"文件 {place} 写不成（{file_trouble(error)}）") from None


@cache
def _nobodys() -> str:
    """The hash of a password that nobody has."""
    return generate_password_hash(secrets.token_urlsafe(32), method="scrypt")
