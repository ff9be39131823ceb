"""REST services: how a call is made of arguments, who it says it is, and what a reply's bytes mean."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from adapters.choices import choice
from adapters.plan import Opener, Parts
from adapters.services import replies, xmlcharset
from adapters.services.replies import Answer, UnusableError
from adapters.services.serviced import ServiceSource
from adapters.services.servicefile import entries
from adapters.services.serviceplan import Call, ServiceEntry, Text
from adapters.services.webclient import Reply, WebClient, basic, text_of
from adapters.site import Site
from gateway.errors import SourceError
from gateway.model import Service
from schemas.yamlfile import Section

#: a token is renewed so many seconds before its end
_EARLY = 30
_UNAUTHORIZED = 401


class Way(StrEnum):
    """How a call says who makes it."""

    NONE = "none"
    BASIC = "basic"
    BEARER = "bearer"
    API_KEY = "api_key"
    LOGIN = "login"  #: user and password are given for a token, which is good for a while


@dataclass(frozen=True, slots=True)
class Auth:
    """What the manifest says of it; the secrets are the site's."""

    way: Way = Way.NONE
    header: str = "Authorization"
    prefix: str = ""
    path: str = ""  #: where to log in
    body: str = "json"
    user: str = "username"
    password: str = "password"  # noqa: S105  what the service calls it
    token: str = ""  #: where it stands in the reply
    seconds: str = ""  #: where it stands how long it is good for
    expired: frozenset[str] = frozenset()  #: codes by which a reply says that it is not any more


@dataclass(frozen=True, slots=True)
class RestPlan:
    """The calls of every data set."""

    auth: Auth
    entries: Mapping[str, ServiceEntry]

    def opener(self, profile: str, site: Site) -> Opener:
        """See adapters.plan."""
        service = site.service
        if service is None:
            raise site.wrong("适配包调的是 REST 服务，请写 service", "service")
        for secret, ways in (("token", (Way.BEARER, Way.API_KEY)), ("password", (Way.BASIC, Way.LOGIN))):
            if self.auth.way in ways and not getattr(service, secret):
                raise site.wrong(f"适配包用 {self.auth.way} 验明身份，请写 service.{secret}", f"service.{secret}")
        caller = RestCaller(WebClient(site.name, service), service, self.auth)

        def opened(dataset: str, parts: Parts) -> ServiceSource:
            return ServiceSource(parts, dataset, self.entries[dataset], caller)

        return opened


def read(folder: Path, section: Section) -> RestPlan:
    """The plan of a manifest of kind rest. SpecError names file and key."""
    auth = section.optional("auth")
    return RestPlan(_auth(auth) if auth else Auth(), entries(section, rest=True))


def _auth(section: Section) -> Auth:
    section.known("way", "header", "prefix", "path", "body", "user", "password", "token", "seconds", "expired")
    way = choice(section, "way", Way)
    if way is Way.LOGIN and not (section.text("path") and section.text("token")):
        raise section.error("登录换令牌须写 path（登录的路径）和 token（令牌在应答的哪里）", "way")
    body = section.text("body", "json")
    if body not in ("json", "form"):
        raise section.error("只能是 json、form 之一", "body")
    return Auth(
        way,
        section.text("header", "Authorization"),
        section.text("prefix", "Bearer " if way in (Way.BEARER, Way.LOGIN) else ""),
        section.text("path"),
        body,
        section.text("user", "username"),
        section.text("password", "password"),
        section.text("token"),
        section.text("seconds"),
        frozenset(section.texts("expired")),
    )


class RestCaller:
    """Implements adapters.services.caller.Caller over HTTP."""

    structured = True

    def __init__(self, client: WebClient, service: Service, auth: Auth, ticks: Callable[[], float] = time.monotonic) -> None:
        self.client, self.service, self.auth, self._ticks = client, service, auth, ticks
        self._lock = threading.Lock()
        self._token, self._until = "", float("-inf")

    @property
    def identity(self) -> str:
        """Which service it is."""
        return self.client.identity

    def ask(self, call: Call, arguments: Mapping[str, Any]) -> Answer:
        """See adapters.services.caller.Caller."""
        given = replies.given(call, arguments)
        key = {"query": "params", "json": "json", "form": "data"}[call.body]
        return self._answer(call, self._sent(call.method, _under(self.service.url, call.operation), **{key: given}))

    def follow(self, call: Call, link: str) -> Answer:
        """See adapters.services.caller.Caller. An address of another server is not followed: our key would go with it."""
        url = urljoin(_under(self.service.url, call.operation), link)
        if urlsplit(url)[:2] != urlsplit(self.service.url)[:2]:
            raise UnusableError("下一页的地址在另一台服务器上，不去取")
        return self._answer(call, self._sent("GET", url))

    def account(self, name: str) -> str:
        """See adapters.services.caller.Caller."""
        return self.client.account(name)

    def moments(self, call: Call) -> frozenset[str]:
        """See adapters.services.caller.Caller. Nobody says."""
        return frozenset()

    def expired(self, code: str) -> bool:
        """See adapters.services.caller.Caller."""
        if self.auth.way is not Way.LOGIN or code not in self.auth.expired:
            return False
        self._until = float("-inf")
        return True

    def _sent(self, method: str, url: str, **sent: Any) -> Reply:
        reply = self.client.call(method, url, **sent, **self._identified())
        if reply.status_code == _UNAUTHORIZED and self.auth.way is Way.LOGIN:  # the service forgot us before its time
            self._until = float("-inf")
            reply = self.client.call(method, url, **sent, **self._identified())
        return self.client.usable(reply)

    def _answer(self, call: Call, reply: Reply) -> Answer:
        form = call.shape.text or Text.JSON
        if form is Text.XML:
            return Answer(replies.parsed(xmlcharset.in_utf8(reply.content, reply.headers.get("content-type", "")), form))
        return Answer(replies.parsed(text_of(reply), form))

    def _identified(self) -> Mapping[str, Any]:
        auth = self.auth
        if auth.way is Way.BASIC:
            return basic(self.service)
        if auth.way is Way.NONE:
            return {}
        token = self._logged_in() if auth.way is Way.LOGIN else self.service.token
        return {"headers": {auth.header: f"{auth.prefix}{token}"}}

    def _logged_in(self) -> str:
        """The token, a new one where the last one is over. One login serves all data sets."""
        with self._lock:
            if self._ticks() >= self._until:
                self._token, seconds = self._login()
                self._until = self._ticks() + max(0, seconds - _EARLY)
            return self._token

    def _login(self) -> tuple[str, float]:
        auth = self.auth
        given = {auth.user: self.service.user, auth.password: self.service.password}
        reply = self.client.call("POST", _under(self.service.url, auth.path), **{"json" if auth.body == "json" else "data": given})
        try:
            tree = replies.parsed(text_of(self.client.usable(reply)), Text.JSON)
            token = replies.find(tree, auth.token)
            seconds = float(str(replies.find(tree, auth.seconds))) if auth.seconds else float("inf")
        except (UnusableError, ValueError):
            raise self._not_let_in() from None
        if not isinstance(token, str) or not token:
            raise self._not_let_in()
        return token, seconds

    def _not_let_in(self) -> SourceError:
        return self.client.trouble("登录不成：应答里没有令牌，请核对 service 的 user、password")


def _under(url: str, path: str) -> str:
    """A path below the service's address, wherever that ends."""
    return f"{url.rstrip('/')}/{path.lstrip('/')}"
