"""Talk to the platform over HTTPS POST: one signed JSON envelope, one institution a request.

What went wrong is sorted by what may be done next: not delivered (send again), not admitted (a person mends key, address or
edition), refused (look for the record at fault), unknown (ask first).
"""

from __future__ import annotations

import secrets
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import requests

from gateway import redaction, skew
from gateway.bureau import withdrawal
from gateway.calls import Call, CameTo, Watch, log
from gateway.errors import GatewayError, NotAdmittedError, NotDeliveredError, OutcomeUnknownError, RefusedError
from gateway.web import charset
from gateway.web.broken import late, let_go, never_connected
from gateway.web.patience import LONGEST, Endless, Patient, Reply, read
from gateway.web.trust import distrust
from schemas import holdings
from schemas.envelope import Result, Sender, content_type, message_id, results, wrap
from schemas.errors import EnvelopeError, RefusedWholeError, WireError
from schemas.holdings import Answer, Question
from schemas.model import Dataset, Edition
from schemas.signature import Credential, headers

_BAD_REQUEST = 400
_RETRY_AFTER = 30
#: answers that say nothing about a record: what a person looks at first
_BARRED = {
    **dict.fromkeys((301, 302, 303, 307, 308), "地址已搬迁，请核对目标的 url"),
    401: "请核对密钥 {token} 和本机时间",
    403: "请核对密钥 {token}",
    404: "请核对目标的 url 和交易编号",
    405: "请核对目标的 url",
    409: "请核对接口版本，或是否有另一台前置机",
    410: "请核对目标的 url",
    415: "请核对目标的 url",
}
#: a longer wait asked for by the platform is cut to this
_LONGEST_RETRY_AFTER = 3600
_CAME_TO: dict[type[GatewayError], CameTo] = {
    NotDeliveredError: CameTo.NOT_DELIVERED,
    OutcomeUnknownError: CameTo.OUTCOME_UNKNOWN,
    NotAdmittedError: CameTo.NOT_ADMITTED,
    RefusedError: CameTo.REFUSED,
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a target is and how long we wait for it."""

    name: str
    url: str
    connect_timeout: float
    read_timeout: float
    ca_file: Path | None = None
    query_url: str = ""  #: where QY01 is answered; "": this platform answers no query


@dataclass(frozen=True, slots=True)
class Account:
    """An institution as one target knows it."""

    sender: Sender
    credential: Credential


class BureauClient:
    """Implements gateway.ports.Bureau for one target."""

    def __init__(
        self,
        endpoint: Endpoint,
        accounts: Mapping[str, Account],
        edition: Edition,
        clock: Callable[[], datetime],
        admit: Callable[[], str] = lambda: "",
        watch: Watch = log,
    ) -> None:
        """`admit` says why the platform may not be called now, or counts the call: for all but `deliver`, whose caller asks.

        `watch` is told of every request.
        """
        self._admit, self._watch = admit, watch
        self._endpoint, self._accounts, self._edition, self._clock = endpoint, accounts, edition, clock
        self._heard: deque[timedelta] = deque(maxlen=skew.KEPT)
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, Patient())
        self._session.trust_env = False  # no proxy of the user's environment between us and 医保专网
        self._session.verify = str(endpoint.ca_file) if endpoint.ca_file else True

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def deliver(self, institution: str, dataset: str, msgid: str, bodies: Sequence[bytes]) -> Sequence[Result]:
        """See gateway.ports.Bureau."""
        sent = self._edition.datasets[dataset]
        with self._watched(institution, dataset, msgid, len(bodies)) as counts:
            found = self._read(institution, self._send(institution, sent, msgid, bodies, self._endpoint.url), sent, bodies)
            counts.update(str(each.status) for each in found)
        return found

    @property
    def answers_queries(self) -> bool:
        """See gateway.ports.Bureau. An edition without QY01 cannot ask."""
        return bool(self._endpoint.query_url) and holdings.CODE in self._edition.datasets

    def holdings(self, institution: str, question: Question) -> Answer:
        """See gateway.ports.Bureau. More keys than one message takes are asked in several."""
        most = self._edition.datasets[holdings.CODE].batch
        parts = [question.asked[start : start + most] for start in range(0, len(question.asked), most)] or [()]
        answers = [self._ask(institution, replace(question, asked=part)) for part in parts]
        return Answer(tuple(each for answer in answers for each in answer.holdings), answers[-1].after_key)

    def withdraws(self, dataset: str) -> bool:
        """See gateway.ports.Bureau."""
        return withdrawal.declared(self._edition, dataset)

    def withdraw(self, institution: str, dataset: str, body: bytes) -> None:
        """See gateway.ports.Bureau."""
        called = self._edition.datasets[withdrawal.CODE]
        with self._called(institution, called.code) as (msgid, counts):
            response = self._send(institution, called, msgid, [withdrawal.record(dataset, body)], self._endpoint.url)
            counts.update(str(each.status) for each in self._read(institution, response, called, [body]))

    def heard(self) -> tuple[timedelta, ...]:
        """By how much the platform's clock was ahead, for each reply since this was asked last."""
        found = tuple(self._heard)
        self._heard.clear()
        return found

    def _ask(self, institution: str, question: Question) -> Answer:
        called = self._edition.datasets[holdings.CODE]
        with self._called(institution, called.code) as (msgid, counts):
            asked = [holdings.write_question(question)]
            response = self._send(institution, called, msgid, asked, self._endpoint.query_url)
            with self._judged(institution, response):
                found = holdings.read_answer(response.content, self._charset(response))
            counts.update({"holdings": len(found.holdings)})
        cleaned = (replace(each, reasons=tuple(map(redaction.reason, each.reasons))) for each in found.holdings)
        return replace(found, holdings=tuple(cleaned))

    @contextmanager
    def _called(self, institution: str, infno: str) -> Iterator[tuple[str, Counter[str]]]:
        """A transaction that is answered on the spot: its message id, and what it comes to. NotDeliveredError outside hours."""
        if cause := self._admit():
            raise NotDeliveredError(cause)
        msgid = message_id(institution, self._clock(), secrets.randbelow(10_000))
        with self._watched(institution, infno, msgid, 1) as counts:
            yield msgid, counts

    @contextmanager
    def _watched(self, institution: str, infno: str, msgid: str, records: int) -> Iterator[Counter[str]]:
        """Tells of the request once it is over, whatever it came to; into what is yielded goes how its records were answered."""
        began, counts = time.perf_counter(), Counter[str]()

        def told(came_to: CameTo, cause: str = "") -> None:
            place = (self._endpoint.name, institution, infno, msgid, records)
            self._watch(Call(*place, time.perf_counter() - began, came_to, counts, cause))

        try:
            yield counts
        except (NotDeliveredError, OutcomeUnknownError, NotAdmittedError, RefusedError) as error:
            told(_CAME_TO[type(error)], str(error))
            raise
        told(CameTo.ANSWERED)

    def _send(self, institution: str, dataset: Dataset, msgid: str, records: Sequence[Any], url: str) -> Reply:
        """Wrap, sign, post."""
        account = self._accounts.get(institution)
        if account is None:
            raise NotAdmittedError(f"机构 {institution} 没有配置 {self._endpoint.name} 的密钥")
        now = self._clock()
        try:
            body = wrap(self._edition, dataset, account.sender, msgid, records, now)
        except WireError as error:  # nothing has left: the region's writing cannot hold one of the records
            raise RefusedError(f"{self._name} 的报文写不出来：{error}", certain=True) from None
        if len(body) > self._edition.body_limit:  # halved until the one record that is too large is alone
            raise RefusedError(f"报文太大：{len(body)} 字节，平台最多收 {self._edition.body_limit} 字节", certain=True)
        return self._post(url, body, headers(account.credential, body, int(now.timestamp()), str(uuid.uuid4())))

    def _post(self, url: str, body: bytes, signed: Mapping[str, str]) -> Reply:
        timeout = (self._endpoint.connect_timeout, self._endpoint.read_timeout)
        sent = {**signed, "content-type": content_type(self._edition)}
        began = time.monotonic()
        try:
            response = self._session.post(url, data=body, headers=sent, timeout=timeout, allow_redirects=False, stream=True)
        except requests.exceptions.RequestException as error:
            raise self._broken(error) from None
        except OSError:  # the CA file was there at the start
            raise NotDeliveredError(f"{self._name} 的证书文件 {self._endpoint.ca_file} 读不到了") from None
        reply = self._whole(response)
        self._hear(reply, timedelta(seconds=time.monotonic() - began))
        return reply

    def _whole(self, response: requests.Response) -> Reply:
        """The reply to its end. Whatever goes wrong now, the message has left."""
        try:
            return read(response)
        except requests.exceptions.RequestException as error:
            raise self._broken(error) from None
        except Endless:
            raise OutcomeUnknownError(f"{self._name} 的应答超过 {LONGEST >> 20} MiB，没有读完，不知是否收到") from None
        except OSError as error:
            raise OutcomeUnknownError(f"{self._name} 的应答中断（{type(error).__name__}），不知是否收到") from None

    def _hear(self, response: Reply, took: timedelta) -> None:
        ahead = skew.ahead(response.content, self._clock(), took)
        if ahead is not None:
            self._heard.append(ahead)

    def _broken(self, error: requests.exceptions.RequestException) -> GatewayError:
        """What it means for the message; the error itself is done with."""
        try:
            return self._meaning(error)
        finally:
            let_go(error)

    def _meaning(self, error: requests.exceptions.RequestException) -> GatewayError:
        """Whether a byte of the message may have left: only what failed before proves that nothing arrived."""
        if cause := distrust(error):
            return NotDeliveredError(f"{self._name} 连接不上（{cause}）")
        match error:
            case requests.exceptions.ConnectTimeout():
                return NotDeliveredError(f"{self._name} 连接不上（连接超时）")
            case requests.exceptions.SSLError():
                return OutcomeUnknownError(f"{self._name} 的加密连接中途出错，不知是否收到")
            case requests.exceptions.ConnectionError() if never_connected(error):
                return NotDeliveredError(f"{self._name} 连接不上（地址不通或服务未启动）")
            case requests.exceptions.ConnectionError() if late(error):
                return OutcomeUnknownError(f"{self._name} 的应答在 {self._endpoint.read_timeout:g} 秒内没有传完，不知是否收到")
            case requests.exceptions.ConnectionError():
                return OutcomeUnknownError(f"{self._name} 的连接在应答前断开，不知是否收到")
            case requests.exceptions.ReadTimeout():
                return OutcomeUnknownError(f"{self._name} 在 {self._endpoint.read_timeout:g} 秒内没有应答，不知是否收到")
        return OutcomeUnknownError(f"{self._name} 的应答中断（{type(error).__name__}），不知是否收到")

    def _read(self, institution: str, response: Reply, dataset: Dataset, bodies: Sequence[bytes]) -> Sequence[Result]:
        with self._judged(institution, response):
            found = results(response.content, dataset, bodies, self._charset(response))
        cleaned = (replace(each, reasons=tuple(map(redaction.reason, each.reasons))) if each.reasons else each for each in found)
        return tuple(cleaned)

    @contextmanager
    def _judged(self, institution: str, response: Reply) -> Iterator[None]:
        """Sort what is no usable answer by what may be done next."""
        if response.status_code in (429, 503):
            raise NotDeliveredError(f"{self._name} 正忙或暂停服务", retry_after=_retry_after(response))
        if response.status_code == 413:  # a proxy says so in HTML; sent again it would be too large again
            raise RefusedError(f"{self._name} 拒收：报文太大", certain=True)
        token = f"targets.{self._endpoint.name}.credentials.{institution}.token"
        barred = _BARRED.get(response.status_code, "").format(token=token)
        try:
            yield
        except RefusedWholeError as error:
            if barred:
                raise NotAdmittedError(f"{self._name} 拒收机构 {institution}（{barred}）：{redaction.shown(error)}") from None
            raise RefusedError(f"{self._name} 拒收：{redaction.shown(error)}{self._foreign(response)}") from None
        except EnvelopeError as error:
            if barred:  # a proxy's own page
                raise NotAdmittedError(f"{self._name} 拒收机构 {institution}（HTTP {response.status_code}）：{barred}") from None
            if response.status_code == _BAD_REQUEST:  # whatever it says, it is no yes
                told = "应答读不懂：平台的字符集、地区版可能与本机不同，或者是中间的代理答的"
                raise RefusedError(f"{self._name} 拒收（HTTP 400），{told}（{self._written}）") from None
            raise OutcomeUnknownError(f"{self._name}（HTTP {response.status_code}）{redaction.shown(error)}") from None

    def _charset(self, response: Reply) -> str:
        return charset.of_reply(response.headers.get("content-type", ""), response.content, self._edition.style.charset)

    def _foreign(self, response: Reply) -> str:
        """That the platform writes otherwise than we do, for the one who wonders why it did not understand us."""
        theirs = self._charset(response)
        if charset.same(theirs, self._edition.style.charset):
            return ""
        return f"（平台的应答用 {theirs}，与本机不同：平台的地区版可能是另一个。{self._written}）"

    @property
    def _written(self) -> str:
        return f"本机按地区版 {self._edition.code} 用 {self._edition.style.charset} 报送，请核对配置里的 edition"

    @property
    def _name(self) -> str:
        return f"平台 {self._endpoint.name}"


def _retry_after(response: Reply) -> int:
    text = response.headers.get("retry-after", "")
    return min(int(text), _LONGEST_RETRY_AFTER) if text.isdecimal() else _RETRY_AFTER
