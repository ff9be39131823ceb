"""Who calls: both signatures right, the clock near ours, the nonce new. Every refusal is told apart (HTTP 401)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from compliance.credentials import Issued, Keyring
from compliance.errors import UnauthenticatedError
from compliance.ports import NonceMemory
from schemas import signature

_NONCE_LENGTH = 128
_STAMP_DIGITS = 11


class Authenticator:
    """Recognises senders by the headers of `schemas.signature`."""

    def __init__(self, keyring: Keyring, nonces: NonceMemory, tolerance: timedelta) -> None:
        self._keyring, self._nonces, self._tolerance = keyring, nonces, tolerance

    def recognise(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Issued:
        """The credential the request was signed with. `headers` has lower-case names.

        The nonce is spent last, so that nobody without the token can use one up. UnauthenticatedError says what is wrong.
        """
        issued = self._keyring.find(headers.get(signature.PAASID, ""))
        if issued is None:
            raise UnauthenticatedError("unknown_paasid", "没有这个 paasid，请核对医保局发放的密钥")
        _check_signature(issued, headers, body)
        signed_at = self._check_clock(headers.get(signature.TIMESTAMP, ""), now)
        nonce = headers.get(signature.NONCE, "")
        if not 0 < len(nonce) <= _NONCE_LENGTH:
            raise UnauthenticatedError("bad_nonce", f"x-tif-nonce 应为 1 至 {_NONCE_LENGTH} 个字符")
        if not self._nonces.spend(issued.credential.paasid, nonce, now, signed_at + self._tolerance):
            raise UnauthenticatedError("replayed_nonce", "x-tif-nonce 已经用过，请求是重放的")
        return issued

    def _check_clock(self, stamp: str, now: datetime) -> datetime:
        if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= _STAMP_DIGITS):
            raise UnauthenticatedError("stale_clock", "x-tif-timestamp 应为 Unix 秒数")
        signed_at = datetime.fromtimestamp(int(stamp), UTC)
        if abs(now - signed_at) > self._tolerance:
            seconds = int(self._tolerance.total_seconds())
            raise UnauthenticatedError("stale_clock", f"请求时间与平台相差超过 {seconds} 秒，请校准本机时钟")
        return signed_at


def _check_signature(issued: Issued, headers: Mapping[str, str], body: bytes) -> None:
    digest = f"sha256={hashlib.sha256(body).hexdigest()}"
    if headers.get(signature.BODY_DIGEST, "") != digest:
        raise UnauthenticatedError("digest_mismatch", "报文摘要（x-ld-digest）与报文不符，报文在途中被改动")
    if not signature.matches(issued.credential, body, headers):
        raise UnauthenticatedError("wrong_key", "签名不对，请核对密钥是否为医保局最近发放的一把")
