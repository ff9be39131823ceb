"""The ways on which alarms reach people: e-mail, webhooks, 企业微信, 钉钉, 飞书 … through Apprise, the only place that knows it.

An address holds passwords or tokens: it is never shown nor logged, and Apprise's own log is kept from every handler but ours,
which only takes the kind of trouble from it. Nothing is contacted but what the site has configured.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from gateway.errors import ConfigError

if TYPE_CHECKING:
    from apprise import Apprise

_HTTP = re.compile(r"error=(\d{3})")
_AWAY = re.compile(r"connection error|socket exception|timed? ?out|could not connect|refused", re.IGNORECASE)
_LOG = logging.getLogger("apprise")
_LOG.propagate = False
#: of Python's own HTTP: no host is asked through a proxy
_NO_PROXY = ("no_proxy", "NO_PROXY")


class Channels:
    """Every channel of a site. ConfigError for an address that Apprise does not know."""

    def __init__(self, addresses: Mapping[str, str], *, environment_proxy: bool = False) -> None:
        self._environment_proxy = environment_proxy
        with _heard():
            self._channels = {name: _opened(name, address) for name, address in addresses.items()}

    def __iter__(self) -> Iterator[str]:
        return iter(self._channels)

    def send(self, name: str, title: str, body: str, *, urgent: bool = False) -> str:
        """Why it did not go through, in Chinese and without the address; "" if it did."""
        apprise = _apprise()
        kind = apprise.NotifyType.FAILURE if urgent else apprise.NotifyType.WARNING
        with _heard() as said, self._directly():
            passed = self._channels[name].notify(body=body, title=title, notify_type=kind, body_format=apprise.NotifyFormat.TEXT)
        return "" if passed else f"告警通道 {name} 没有送到（{_cause(said)}），请检查它的地址、账号和网络"

    @contextmanager
    def _directly(self) -> Iterator[None]:
        """Without the proxies that a user's environment may name, unless the site wants them."""
        if self._environment_proxy:
            yield
            return
        before = {name: os.environ.get(name) for name in _NO_PROXY}
        os.environ.update(dict.fromkeys(_NO_PROXY, "*"))
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


class _Ear(logging.Handler):
    """Takes Apprise's lines, which may name an address, no further than this module."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it for `_cause`."""
        self.said.append(record.getMessage())


@contextmanager
def _heard() -> Iterator[list[str]]:
    ear = _Ear()
    _LOG.addHandler(ear)
    try:
        yield ear.said
    finally:
        _LOG.removeHandler(ear)


def _opened(name: str, address: str) -> Apprise:
    apprise = _apprise()
    asset = apprise.AppriseAsset(
        app_id="liangding-gateway",
        app_desc="两定网关",
        app_url="",
        image_url_mask=None,  # or the reader's machine is sent to the Internet for a picture
        image_url_logo=None,
        storage_mode=apprise.PersistentStoreMode.MEMORY,
        async_mode=False,
        secure_logging=True,
    )
    found: Apprise = apprise.Apprise(asset=asset)
    if not found.add(address):
        raise ConfigError("告警通道的地址写得不对，写法见 docs/operations.md 的监控与告警", key=f"alerts.channels.{name}")
    return found


def _cause(said: list[str]) -> str:
    text = " ".join(said)
    if status := _HTTP.search(text):
        return f"对方答 HTTP {status[1]}"
    return "连不上" if _AWAY.search(text) else "对方没有收下"


def _apprise() -> Any:
    """Imported where a site has channels: a hundred kinds of them cost a second and 20 MB."""
    import apprise

    return apprise
