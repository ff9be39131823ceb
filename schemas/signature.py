"""The request headers both sides must compute alike: TIF signature (interface facts §2.2) plus a digest of the body.

The TIF signature alone does not cover the body, so a second one does: HMAC-SHA256 over timestamp, nonce and body digest.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass

PAASID = "x-tif-paasid"
TIMESTAMP = "x-tif-timestamp"
NONCE = "x-tif-nonce"
SIGNATURE = "x-tif-signature"
BODY_DIGEST = "x-ld-digest"
BODY_SIGNATURE = "x-ld-signature"
#: seconds the two clocks may differ; the bureau's profile decides, this is the reference value
TOLERANCE = 300
_SENDABLE = re.compile(r"[!-~]+")


@dataclass(frozen=True, slots=True)
class Credential:
    """What the bureau issued to one institution. `token` is secret and is never printed."""

    paasid: str
    token: str

    def __repr__(self) -> str:
        return f"Credential(paasid={self.paasid!r}, token=***)"


def sendable(paasid: str) -> bool:
    """Whether it can stand in a header: requests refuses what is not Latin-1, and proxies more than that."""
    return _SENDABLE.fullmatch(paasid) is not None


def headers(credential: Credential, body: bytes, timestamp: int, nonce: str) -> dict[str, str]:
    """Headers for one request. `timestamp` is Unix seconds; `nonce` must not repeat."""
    stamp = str(timestamp)
    digest = hashlib.sha256(body).hexdigest()
    return {
        PAASID: credential.paasid,
        TIMESTAMP: stamp,
        NONCE: nonce,
        SIGNATURE: _tif(credential.token, stamp, nonce),
        BODY_DIGEST: f"sha256={digest}",
        BODY_SIGNATURE: _body(credential.token, stamp, nonce, digest),
    }


def matches(credential: Credential, body: bytes, received: Mapping[str, str]) -> bool:
    """Whether both signatures are right for this body. The caller checks age and repetition of the nonce."""
    stamp, nonce = received.get(TIMESTAMP, ""), received.get(NONCE, "")
    digest = hashlib.sha256(body).hexdigest()
    return all(
        (
            _same(received.get(SIGNATURE, ""), _tif(credential.token, stamp, nonce)),
            _same(received.get(BODY_DIGEST, ""), f"sha256={digest}"),
            _same(received.get(BODY_SIGNATURE, ""), _body(credential.token, stamp, nonce, digest)),
        )
    )


def _tif(token: str, stamp: str, nonce: str) -> str:
    return hashlib.sha256(f"{stamp}{token}{nonce}{stamp}".encode()).hexdigest()


def _body(token: str, stamp: str, nonce: str, digest: str) -> str:
    return hmac.new(token.encode(), f"{stamp}\n{nonce}\n{digest}".encode(), hashlib.sha256).hexdigest()


def _same(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode(), right.encode())
