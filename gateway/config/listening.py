"""What the gateway listens for: pushes of the HIS, browsers of its own people, the monitoring."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from schemas import address
from schemas.yamlfile import Section

_LISTEN = "127.0.0.1:8460"
#: 网络安全法 第二十一条（三）: logs are kept for six months at least
_ACCESS_DAYS = 180
#: each of them is a reason to listen
ROOMS = ("http", "push", "monitoring", "console")


@dataclass(frozen=True, slots=True)
class Http:
    """Where the gateway listens: for the HIS's pushes, for the browsers of its own people, for the monitoring."""

    host: str
    port: int
    proxy: str  #: address of the reverse proxy whose word counts on who called, and how; "": there is none


@dataclass(frozen=True, slots=True)
class Push:
    """The HIS may say which rows it has just written."""

    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Console:
    """The web pages of the gateway, behind a login."""

    idle: timedelta = timedelta(minutes=30)  #: without a click, and the session is over
    longest: timedelta = timedelta(hours=12)  #: of a session, whatever is clicked
    allow_plain_http: bool = False  #: the site takes it on itself that passwords may be read on their way
    access_days: int = _ACCESS_DAYS  #: lines of the access log are kept so long


def http(section: Section) -> Http | None:
    """None where nobody wants to be listened to. `push.listen` is how 0.1 said it, and a site that is upgraded still may."""
    if all(section.data.get(name) is None for name in ROOMS):
        return None
    http, push = (section.optional(name) or Section({}, section.file, name) for name in ("http", "push"))
    http.known("listen", "proxy")
    if "listen" in http.data and "listen" in push.data:
        raise push.error("监听的地址只写在 http.listen 里，请删去这一行", "listen")
    proxy = http.text("proxy")
    if proxy and not address.is_ip(proxy):
        raise http.error("应为反向代理的 IP 地址，例：127.0.0.1", "proxy")
    return Http(*_host_and_port(push if "listen" in push.data else http), proxy)


def _host_and_port(section: Section) -> tuple[str, int]:
    host, _, port = section.text("listen", _LISTEN).rpartition(":")
    if not host or not port.isdecimal() or not 0 <= int(port) <= address.LAST_PORT:
        raise section.error(f"应写成 地址:端口，例：{_LISTEN}", "listen")
    return host, int(port)


def push(section: Section | None) -> Push | None:
    return Push(section.known("listen", "token").secret("token")) if section else None


def console(section: Section | None) -> Console | None:
    if section is None:
        return None
    section.known("idle_minutes", "session_hours", "allow_plain_http", "access_days")
    return Console(
        idle=timedelta(minutes=section.at_least("idle_minutes", 1, 30)),
        longest=timedelta(hours=section.at_least("session_hours", 1, 12)),
        allow_plain_http=bool(section.get("allow_plain_http", bool, False)),
        access_days=section.at_least("access_days", _ACCESS_DAYS, _ACCESS_DAYS),
    )
