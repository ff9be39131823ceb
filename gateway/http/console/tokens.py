"""Who a browser says it is, in two cookies; and what a form must carry, so that no other site can send one in its name."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from ipaddress import ip_address

from flask import Response, g, request
from werkzeug.wrappers import Response as Answer

#: what a browser says of a request that our own page, or the person, made
_SAME_SITE = (None, "same-origin", "none")
_SESSION, _VISITOR = "session", "visitor"


def token() -> str:
    """Of the session the browser says it has."""
    return request.cookies.get(_cookie(_SESSION), "")


def address() -> str:
    """Where the request came from; of a proxy that the site named, what it says."""
    return request.remote_addr or ""


def form_token() -> str:
    """What a form of this session carries: made of the session's token, which no other site can read."""
    key = token() if g.get("session") else _visitor()
    return _made_of(key)


def hand_out(response: Response | Answer, made: str) -> None:
    """The cookie of a session: not for scripts, not for requests that other sites cause, not in plain sight."""
    response.set_cookie(_cookie(_SESSION), made, httponly=True, samesite="Strict", secure=request.is_secure)


def take_back(response: Response | Answer) -> None:
    """The browser forgets it."""
    response.delete_cookie(_cookie(_SESSION), httponly=True, samesite="Strict", secure=request.is_secure)


def _visitor() -> str:
    """Of a browser that nobody has logged in with."""
    known = request.cookies.get(_cookie(_VISITOR), "")
    if not known and not g.get("visitor"):
        g.visitor = secrets.token_urlsafe(32)
    return known or str(g.visitor)


def mark_visitor(response: Response) -> None:
    """Give a browser that was just shown a form what the form was made for."""
    if g.get("visitor"):
        response.set_cookie(_cookie(_VISITOR), g.visitor, httponly=True, samesite="Strict", secure=request.is_secure)


def ours() -> bool:
    """Whether a form was sent from a page of ours, in this session."""
    key = token() if g.session else request.cookies.get(_cookie(_VISITOR), "")
    given = request.form.get("csrf", "")
    fits = bool(key) and hmac.compare_digest(given.encode("utf-8", "surrogateescape"), _made_of(key).encode())
    return fits and request.headers.get("Sec-Fetch-Site") in _SAME_SITE


def _made_of(key: str) -> str:
    return hmac.new(key.encode("utf-8", "surrogateescape"), b"form", hashlib.sha256).hexdigest()


def _cookie(name: str) -> str:
    """`__Host-`: a browser takes it only over TLS and from this very host, so that nobody beside us can set one."""
    return f"__Host-gateway-{name}" if request.is_secure else f"gateway-{name}"


def here() -> bool:
    """Whether the request came from this machine."""
    try:
        return ip_address(address()).is_loopback
    except ValueError:
        return False
