"""Seal bodies at rest by AES-256-GCM. A sealed body opens only with its key, and only in the row it was written to.

Form: one byte 0x01, four bytes key id, twelve bytes nonce, ciphertext with its tag. A wire record begins with `{`, so
whether a body is sealed shows in its first byte. The nonce is random: one key may seal some 2^32 bodies, which at ten
million a year is four centuries.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.errors import ConfigError, StoreError

_FORM = b"\x01"
_ID, _NONCE, _TAG, _KEY = 4, 12, 16, 32
#: bytes that sealing adds to a body
OVERHEAD = len(_FORM) + _ID + _NONCE + _TAG
_HEADER = """# 前置网关本地库的密钥。丢了它，库里的数据再也打不开：请与备份分开、另行保存一份。
# 每行一把。第一行用来加密；更换时把新的加在最前面，旧的留着，旧数据才打得开。
"""


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keys of one store: the first seals, all of them open."""

    current: str  #: id of the key that seals
    ciphers: dict[bytes, AESGCM]
    created: Path | None = None  #: the key file, if it was made just now: the operator must hear of it

    def knows(self, key_id: str) -> bool:
        """Whether what that key sealed can be opened."""
        return bytes.fromhex(key_id) in self.ciphers

    def seal(self, plain: bytes, about: bytes) -> bytes:
        """The body as it is stored. `about` is bound to it: see `of_parcel` and `of_aside`."""
        return self.seal_all([(plain, about)])[0]

    def seal_all(self, bodies: Sequence[tuple[bytes, bytes]]) -> list[bytes]:
        """Each body with what it is `about`. The chance for all is drawn at once: the system charges for that by the call."""
        key_id = bytes.fromhex(self.current)
        head, encrypt, chance = _FORM + key_id, self.ciphers[key_id].encrypt, os.urandom(_NONCE * len(bodies))
        sealed = []
        for place, (plain, about) in enumerate(bodies):
            nonce = chance[place * _NONCE : (place + 1) * _NONCE]
            sealed.append(head + nonce + encrypt(nonce, plain, about))
        return sealed

    def open(self, sealed: bytes, about: bytes) -> bytes:
        """The body as it was. StoreError if it was changed, moved to another row, or sealed by a key we do not have."""
        if not is_sealed(sealed):
            raise StoreError("本地库里有一条数据没有加密或已销毁，不能使用；请从备份恢复")
        head = len(_FORM) + _ID
        cipher = self.ciphers.get(sealed[len(_FORM) : head])
        if cipher is None:
            raise missing(sealed[len(_FORM) : head].hex())
        try:
            return cipher.decrypt(sealed[head : head + _NONCE], sealed[head + _NONCE :], about)
        except InvalidTag:
            raise StoreError("本地库里有一条数据打不开：密钥不对，或数据被改动过；请从备份恢复") from None


def is_sealed(body: bytes) -> bool:
    """Whether a stored body has the sealed form; an empty one was shredded."""
    return body[:1] == _FORM and len(body) >= OVERHEAD


def of_parcel(institution: str, dataset: str, key: str, version: int) -> bytes:
    """What the body of a parcel is bound to."""
    return orjson.dumps(("parcel", institution, dataset, key, version))


def of_aside(source: str, dataset: str, ref: str) -> bytes:
    """What the content of a row set aside is bound to."""
    return orjson.dumps(("aside", source, dataset, ref))


def missing(key_id: str) -> StoreError:
    """The sentence for a key that is not there."""
    return StoreError(f"本地库是用另一把密钥（编号 {key_id}）加密的，现有的密钥里没有它；请把原来的密钥加回 store.key")


def parse(text: str) -> Keyring:
    """The keys of `text`: one a line in Base64, newest first, `#` begins a remark. ConfigError shows none of it."""
    lines = (line.strip() for line in text.splitlines())
    keys = [_key(word) for line in lines if not line.startswith("#") for word in line.split()]
    if not keys:
        raise ConfigError("里面没有密钥", key="store.key")
    return _keyring(keys)


def at(place: Path, *, create: bool) -> Keyring:
    """The keys of a file; made with a fresh key, readable by its owner only, if it is absent and `create`."""
    try:
        return parse(place.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if not create:
            raise StoreError(f"密钥文件 {place} 不见了，没有它本地库打不开；请从另存的那份恢复") from None
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"密钥文件 {place} 读不出来，请检查权限", key="store.key") from None
    return _create(place)


def in_memory() -> Keyring:
    """A key that goes with the process, as a store in memory does."""
    return _keyring([os.urandom(_KEY)])


def _create(place: Path) -> Keyring:
    """Written through to the disk before anything is sealed with it: a power cut must not leave bodies without a key."""
    key = os.urandom(_KEY)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(_HEADER + base64.b64encode(key).decode() + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        raise StoreError(f"密钥文件 {place} 建不出来，请检查路径、权限和磁盘") from None
    return _keyring([key], place)


def _key(word: str) -> bytes:
    try:
        key = base64.b64decode(word, validate=True)
    except ValueError:  # of Base64 and of what is not ASCII
        key = b""
    if len(key) != _KEY:
        raise ConfigError(f"密钥应为 {_KEY} 字节的 Base64，每行一把", key="store.key")
    return key


def _keyring(keys: Sequence[bytes], created: Path | None = None) -> Keyring:
    ids = [hashlib.sha256(key).digest()[:_ID] for key in keys]
    return Keyring(ids[0].hex(), {each: AESGCM(key) for each, key in zip(ids, keys, strict=True)}, created)
