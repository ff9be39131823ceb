"""Whether a TLS failure came while the two sides were still getting acquainted, and what the operator does about it.

Until the platform's certificate is believed no byte of a record leaves, so such a failure proves that nothing was delivered.
Any later failure of the encrypted connection proves nothing.
"""

from __future__ import annotations

import ssl
import traceback
from collections.abc import Iterator

#: OpenSSL's verify codes of a certificate before its time, or after it
_OUT_OF_DATE = frozenset({9, 10})
#: and of a host name, an IP address that it does not name
_ANOTHER_NAME = frozenset({62, 64})


def distrust(error: BaseException) -> str:
    """Why no encrypted connection came about, in Chinese; "" if it failed later, or in another way."""
    for cause in _causes(error):
        if isinstance(cause, OSError) and _in_handshake(cause):
            return _told(cause)
    return ""


def _in_handshake(cause: OSError) -> bool:
    """The reason alone does not tell: what is no TLS is met in mid-connection too, and named the same."""
    return any(frame.f_code.co_name == "do_handshake" for frame, _ in traceback.walk_tb(cause.__traceback__))


def _told(cause: OSError) -> str:
    if isinstance(cause, ssl.SSLCertVerificationError):
        return _certificate(cause.verify_code)
    if isinstance(cause, TimeoutError):
        return "对方没有应答加密连接：请核对 url 和端口，对方可能不是 https 服务"
    if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLEOFError):
        return "对方不是 https 服务，或两边没有共同的加密版本：请核对 url 和端口"
    return "建立加密连接时被对方断开：请核对 url 和端口，对方可能不是 https 服务"


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
