"""Calls a web service of a site: over HTTPS that is checked, evenly spaced, within a deadline; what goes wrong is one sentence.

No proxy of the user's environment is asked and no redirect followed: patients' data goes where the site said, or nowhere.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests

from adapters.services.replies import UnusableError
from gateway.errors import SourceError, SourceQueryError
from gateway.model import Service
from gateway.web import charset
from gateway.web.broken import late, never_connected
from gateway.web.patience import LONGEST, Endless, Patient, read
from gateway.web.patience import Reply as Reply
from gateway.web.trust import distrust

_MOVED = frozenset({301, 302, 303, 307, 308})
_BARRED = frozenset({401, 403})
_NOWHERE = frozenset({404, 405, 410})
_BUSY = frozenset({429, 503})


@dataclass
class Spacing:
    """Lets calls pass evenly: so many a minute, whoever asks."""

    rate: int  #: a minute; 0: as they come
    ticks: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep
    _free: float = field(default=float("-inf"))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def wait(self) -> None:
        """Until it is this call's turn."""
        if not self.rate:
            return
        with self._lock:
            now = self.ticks()
            turn = max(now, self._free)
            self._free = turn + 60 / self.rate
        if turn > now:
            self.pause(turn - now)


class WebClient:
    """One service of one source."""

    def __init__(self, source: str, service: Service, spacing: Spacing | None = None) -> None:
        self.source, self.service = source, service
        self.spacing = spacing or Spacing(service.rate)
        self._lock = threading.Lock()  #: one call at a time: a session is no threads' playground, and the service is not ours
        self.session = requests.Session()
        for scheme in ("http://", "https://"):
            self.session.mount(scheme, Patient())
        self.session.trust_env = False
        self.session.verify = str(service.ca_file) if service.ca_file else True

    @property
    def identity(self) -> str:
        """Which service this is: another address may be another hospital's."""
        parts = urlsplit(self.service.url)
        return f"{parts.scheme}://{parts.netloc}{parts.path}"

    def account(self, name: str) -> str:
        """The user or the password, where a service takes them as arguments."""
        return self.service.user if name == "user" else self.service.password

    def call(self, method: str, url: str, **sent: Any) -> Reply:
        """The whole reply, whatever its status. SourceError if there is none."""
        timeout = (self.service.connect_timeout, self.service.read_timeout)
        try:
            with self._lock:
                self.spacing.wait()
                return read(self.session.request(method, url, timeout=timeout, allow_redirects=False, stream=True, **sent))
        except requests.exceptions.RequestException as error:
            raise self._broken(error) from None
        except Endless:
            raise self.wrong(f"的应答超过 {LONGEST >> 20} MiB，没有读完：请减小 page_size，或缩短 days") from None
        except OSError as error:  # the file of certificates was there at the start
            raise self.trouble(f"的应答中断（{type(error).__name__}）") from None

    def usable(self, reply: Reply) -> Reply:
        """The reply if its status says that it is one. SourceError, SourceQueryError where the manifest is at fault."""
        status = reply.status_code
        if status in _MOVED:
            raise self.wrong(f"的地址已搬迁（HTTP {status}），请核对 service.url")
        if status in _BARRED:
            raise self.trouble(f"不让调用（HTTP {status}）：请核对 service 的 user、password、token 和权限")
        if status in _NOWHERE:
            raise self.wrong(f"没有这个接口（HTTP {status}）：请核对 service.url 和 manifest.yaml")
        if status in _BUSY:
            raise self.trouble(f"正忙（HTTP {status}），稍后再读")
        if not 200 <= status < 300:
            raise self.trouble(f"出错（HTTP {status}）")
        return reply

    def trouble(self, sentence: str) -> SourceError:
        """The service cannot be read now."""
        return SourceError(f"数据源 {self.source} 的服务 {self._host} {sentence}")

    def wrong(self, sentence: str) -> SourceQueryError:
        """A person must mend the profile or the configuration."""
        return SourceQueryError(f"数据源 {self.source} 的服务 {self._host} {sentence}")

    @property
    def _host(self) -> str:
        return urlsplit(self.service.url).netloc

    def _broken(self, error: requests.exceptions.RequestException) -> SourceError:
        seconds = f"{self.service.read_timeout:g}"
        if cause := distrust(error):
            return self.trouble(f"连接不上（{cause}）")
        match error:
            case requests.exceptions.ConnectTimeout():
                return self.trouble("连接不上（连接超时）")
            case requests.exceptions.SSLError():
                return self.trouble("的加密连接中途出错")
            case requests.exceptions.ConnectionError() if never_connected(error):
                return self.trouble("连接不上（地址不通或服务未启动）")
            case requests.exceptions.ConnectionError() if late(error):
                return self.trouble(f"的应答在 {seconds} 秒内没有传完")
            case requests.exceptions.ReadTimeout():
                return self.trouble(f"在 {seconds} 秒内没有应答")
            case requests.exceptions.ConnectionError():
                return self.trouble("的连接在应答前断开")
        return self.trouble(f"的应答中断（{type(error).__name__}）")


def basic(service: Service) -> Mapping[str, Any]:
    """What a request carries for HTTP basic authentication, in UTF-8."""
    return {"auth": (service.user.encode(), service.password.encode())}


def text_of(reply: Reply) -> str:
    """A reply's text, in the charset that it names, else UTF-8. UnusableError for bytes that are none, or were replaced."""
    name = charset.of_reply(reply.headers.get("content-type", ""), reply.content, "utf-8")
    try:
        text = reply.content.decode(name).removeprefix("\ufeff")
    except UnicodeDecodeError:
        raise UnusableError(f"应答不是 {name} 的文本") from None
    if "\ufffd" in text:
        raise UnusableError("应答里有被替换掉的字（乱码）：服务的字符集弄错了")
    return text
