"""The credentials the bureau issued: one YAML file outside the repository, owner-readable only.

credentials:
  - {paasid: "…", token: "…", institutions: ["H41900100001"]}

A token never leaves this file but for its hand-over file, and is never logged or printed.
"""

from __future__ import annotations

import os
import secrets
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import NamedTemporaryFile

import structlog
import yaml

from compliance.errors import ConfigError
from schemas import yamlfile
from schemas.errors import SpecError
from schemas.signature import Credential
from schemas.yamlfile import Section

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_log = structlog.stdlib.get_logger()
_HEADING = "# 医保局发给机构的密钥。由 compliance key issue 写入；权限应为 0600，不得放进代码仓库。\n"


@dataclass(frozen=True, slots=True)
class Issued:
    """One credential and the institutions it may report for."""

    credential: Credential
    institutions: tuple[str, ...]


class Keyring:
    """The credentials file; changes to it are seen without a restart."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int] = (-1, -1)
        self._issued: dict[str, Issued] = {}
        self._load()

    def find(self, paasid: str) -> Issued | None:
        """The credential of that id, if one was issued."""
        self._refresh()
        return self._issued.get(paasid)

    def institutions(self) -> frozenset[str]:
        """Every institution that holds a credential."""
        self._refresh()
        return frozenset(code for issued in self._issued.values() for code in issued.institutions)

    def _refresh(self) -> None:
        """A file that is half edited must not lock every institution out: the last good one stays in force."""
        try:
            if self._stamp != _stamp(self._path):
                self._load()
        except (ConfigError, OSError) as error:
            _log.error("credentials file cannot be used, the last good one stays", kind=type(error).__name__)

    def _load(self) -> None:
        issued = read(self._path)
        self._stamp = _stamp(self._path)
        self._issued = {each.credential.paasid: each for each in issued}


def read(path: Path) -> tuple[Issued, ...]:
    """Every credential of the file. ConfigError names file and key."""
    try:
        section = yamlfile.read(path).known("credentials")
        issued = tuple(_issued(each) for each in section.sections("credentials"))
    except SpecError as error:
        raise ConfigError(f"密钥文件有误：{error}") from None
    _refuse_doubles(path, "paasid", [each.credential.paasid for each in issued])
    _refuse_doubles(path, "institutions", [code for each in issued for code in each.institutions])
    return issued


def warnings(path: Path) -> tuple[str, ...]:
    """What a person should mend, although the file can be used."""
    if os.name == "posix" and stat.S_IMODE(path.stat().st_mode) & 0o077:
        return (f"密钥文件 {path} 可被其他用户读取，请执行 chmod 600 {path}",)
    return ()


def create(path: Path) -> None:
    """An empty file, owner-readable only; one that is there stays."""
    with _alone(path):
        if not path.exists():
            _write(path, [])


def issue(path: Path, code: str) -> tuple[str, Path]:
    """Give `code` a new token, replacing any it had. Returns the paasid and the file to hand over, which holds the token."""
    with _alone(path):
        return _issue(path, code)


def _issue(path: Path, code: str) -> tuple[str, Path]:
    issued = list(read(path)) if path.exists() else []
    index = next((number for number, each in enumerate(issued) if code in each.institutions), len(issued))
    if index == len(issued):
        issued.append(Issued(Credential(f"ld-{code}", ""), (code,)))
    paasid = issued[index].credential.paasid
    issued[index] = replace(issued[index], credential=Credential(paasid, secrets.token_urlsafe(32)))
    _write(path, issued)
    handover = path.with_name(f"{paasid}.token")
    _write_private(handover, issued[index].credential.token + "\n")
    return paasid, handover


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Whoever changes the file is alone: it is read and written whole, so the later of two would undo the earlier.

    The lock is a file of its own, as the other one is replaced, and ends with the process.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise ConfigError(f"密钥写不进去（{type(error).__name__}）", file=path) from None
    try:
        _lock(lock)
        yield
    finally:
        os.close(lock)


def _lock(file: int) -> None:
    """Wait for it."""
    if sys.platform == "win32":
        while True:
            with suppress(OSError):  # it gives up after ten seconds
                msvcrt.locking(file, msvcrt.LK_LOCK, 1)
                return
    else:
        fcntl.flock(file, fcntl.LOCK_EX)


def _issued(section: Section) -> Issued:
    section.known("paasid", "token", "institutions")
    institutions = section.texts("institutions")
    if not institutions:
        raise section.error("至少写一个机构编码", "institutions")
    token = section.need("token", str)
    if not token.strip():  # a signature made with nothing could be made by anybody
        raise section.error("密钥是空的，请用 compliance key issue 重新发放", "token")
    return Issued(Credential(section.need("paasid", str), token), institutions)


def _write(path: Path, issued: Iterable[Issued]) -> None:
    _write_private(path, _HEADING + yaml.safe_dump({"credentials": [_plain(each) for each in issued]}, allow_unicode=True))


def _plain(issued: Issued) -> dict[str, object]:
    credential = issued.credential
    return {"paasid": credential.paasid, "token": credential.token, "institutions": list(issued.institutions)}


def _refuse_doubles(path: Path, key: str, values: Iterable[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise ConfigError(f"{value} 出现了两次", file=path, key=key)
        seen.add(value)


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_size


def _write_private(path: Path, text: str) -> None:
    """Whole or not at all, readable by the owner only (a temporary file is 0600 from its first byte)."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).replace(path)
    except OSError as error:
        raise ConfigError(f"密钥写不进去（{type(error).__name__}）", file=path) from None
