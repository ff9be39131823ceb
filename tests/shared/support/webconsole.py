"""The console over a demo hospital: its pages asked by Flask's own client, or served for a real browser."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.security import generate_password_hash
from werkzeug.test import TestResponse

from gateway import config as configuration
from gateway.http import create_app
from gateway.http.console import Desk, console, refuse
from gateway.main import now
from gateway.operators import Operator
from gateway.watching import Watch
from gateway.wiring import Gateway, opened
from support.delivery import Clock
from support.district import bureau, lived

HOSPITAL = "H99000100001"
PASSWORD = "correct-horse-battery"


@cache
def password_hash() -> str:
    """Hashing is slow on purpose; this one is made cheap, and carries that with it."""
    return generate_password_hash(PASSWORD, method="scrypt:1024:8:1")


def hospital(folder: Path, days: int = 2) -> Path:
    """A hospital's folder: what there is was read and reported, by the real clock. Copied for each test by `site`."""
    built = lived(folder, days)
    config = built.gateways[HOSPITAL]
    with config.open("a", encoding="utf-8") as file:
        file.write('\n"http": {"listen": "127.0.0.1:0"}\n"console": {}\n')
    with bureau(built), opened(configuration.load(config), now) as gateway:
        for feed in gateway.feeds:
            gateway.read(feed)
        assert gateway.send("bureau").accepted
    return config.parent


def present() -> Clock:
    """A clock that stands at the real present: the hospital's rows were reported by it."""
    return Clock(now().replace(microsecond=0))


@dataclass
class Site:
    """One test's console."""

    gateway: Gateway
    desk: Desk
    app: Flask
    clock: Clock
    sent: list[bool] = field(default_factory=list)  #: one for each time that something was to be sent at once

    def add(self, name: str, role: str = "admin", department: str = "", **changes: Any) -> str:
        """An account with the tests' password."""
        made = Operator(name, role, department, password_hash(), must_change=changes.pop("must_change", False), **changes)
        self.gateway.store.people.add_operator(made, self.clock())
        return name

    def browser(self, address: str = "127.0.0.1", *, tls: bool = False) -> Browser:
        """Somebody who is not logged in."""
        return Browser(self.app.test_client(), address, "https" if tls else "http")

    def logged_in(self, role: str = "admin", department: str = "") -> Browser:
        """Somebody new with that role."""
        name = f"{role}{len(self.gateway.store.people.operators())}"
        self.add(name, role, department)
        browser = self.browser()
        assert browser.enter(name).status_code == 303
        return browser


@dataclass
class Browser:
    """Keeps cookies, sends forms as they stand on the page it saw last."""

    client: FlaskClient
    address: str
    scheme: str
    text: str = ""

    def get(self, path: str, **more: Any) -> TestResponse:
        return self._seen(self.client.get(path, base_url=f"{self.scheme}://127.0.0.1", environ_base=self._environ(), **more))

    def post(self, path: str, **fields: str) -> TestResponse:
        """With the token of the page that was seen last."""
        return self.send(path, {"csrf": self.csrf(), **fields})

    def send(self, path: str, fields: dict[str, str], **more: Any) -> TestResponse:
        """Exactly these fields."""
        url = f"{self.scheme}://127.0.0.1"
        return self._seen(self.client.post(path, data=fields, base_url=url, environ_base=self._environ(), **more))

    def enter(self, name: str, password: str = PASSWORD, **fields: str) -> TestResponse:
        """Log in."""
        self.get("/login")
        found = self.post("/login", name=name, password=password, **fields)
        if found.status_code == 303:
            self.get("/password")  # a page with a form of the new session
        return found

    def csrf(self) -> str:
        found = re.search(r'name="csrf" value="([0-9a-f]{64})"', self.text)
        return found[1] if found else ""

    def cookies(self) -> dict[str, str]:
        return {cookie.key: cookie.value for cookie in self.client._cookies.values()}

    def _environ(self) -> dict[str, str]:
        return {"REMOTE_ADDR": self.address}

    def _seen(self, response: TestResponse) -> TestResponse:
        if response.mimetype == "text/html" and "csrf" in response.text:
            self.text = response.text
        if response.is_streamed:
            response.close()
        return response


def moved(gateway: Gateway, clock: Clock) -> None:
    """The hospital's database stands elsewhere than when it was read, and a person has said that this is right."""
    for feed in gateway.feeds:
        gateway.store.save_mark(feed.source.name, feed.source.dataset, feed.source.mark(), clock())


@contextmanager
def site(template: Path, folder: Path, clock: Clock, changes: str = "") -> Iterator[Site]:
    """A console of its own over a copy of the hospital. `changes` takes the place of the console's section."""
    place = Path(shutil.copytree(template, folder / "site"))
    config = place / "config.yaml"
    if changes:
        config.write_text(config.read_text(encoding="utf-8").replace('"console": {}', f'"console": {changes}'), encoding="utf-8")
    with opened(configuration.load(config), clock) as gateway:
        moved(gateway, clock)
        settings = gateway.config.console
        assert settings
        sent: list[bool] = []
        desk = Desk(gateway, settings, Watch(gateway), lambda: sent.append(True))
        yield Site(gateway, desk, create_app(console(desk), refuse=refuse), clock, sent)
