"""Whether a TLS failure came while the two sides were still getting acquainted, and what the operator does about it.

Until the platform's certificate is believed no byte of a record leaves, so such a failure proves that nothing was delivered.
Any later failure of the encrypted connection proves nothing.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator

#: OpenSSL's verify codes of a certificate before its time, or after it
_OUT_OF_DATE = frozenset({9, 10})
#: and of a host name, an IP address that it does not name
_ANOTHER_NAME = frozenset({62, 64})
#: reasons that only a handshake gives: no TLS at all at the other end, or no version or cipher in common
_NO_HANDSHAKE = frozenset(
    {
        "WRONG_VERSION_NUMBER",
        "HTTP_REQUEST",
        "UNSUPPORTED_PROTOCOL",
        "NO_PROTOCOLS_AVAILABLE",
        "TLSV1_ALERT_PROTOCOL_VERSION",
        "SSLV3_ALERT_HANDSHAKE_FAILURE",
        "NO_SHARED_CIPHER",
        "DH_KEY_TOO_SMALL",
    }
)


def distrust(error: BaseException) -> str:
    """Why no encrypted connection came about, in Chinese; "" if it failed later, or in another way."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _certificate(cause.verify_code)
        if isinstance(cause, ssl.SSLError) and cause.reason in _NO_HANDSHAKE:
            return "对方不是 https 服务，或两边没有共同的加密版本：请核对 url 和端口"
        if isinstance(cause, TimeoutError) and "handshake" in str(cause):  # the words of Python's own _ssl.c
            return "对方没有应答加密连接：请核对 url 和端口，对方可能不是 https 服务"
    return ""


def _certificate(code: int) -> str:
    if code in _OUT_OF_DATE:
        return "证书不在有效期内：请核对本机日期，或请医保局更换证书"
    if code in _ANOTHER_NAME:
        return "证书不是签发给这个地址的：请核对 url"
    return "证书不是所信任的机构签发的：请核对 ca_file（不写则用系统自带的）"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and what it was made of: urllib3 wraps the first one several times."""
    seen: list[BaseException] = []
    waiting = [error]
    while waiting:
        each = waiting.pop()
        if each in seen:
            continue
        seen.append(each)
        yield each
        inner = (*each.args, getattr(each, "reason", None), each.__cause__, each.__context__)
        waiting.extend(found for found in inner if isinstance(found, BaseException))
