"""What the HTTP client makes of every way a platform can answer, fail or vanish; real sockets on loopback."""

from __future__ import annotations

import contextlib
import gc
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import orjson
import pytest
import structlog
from support.delivery import INSTITUTION, Clock

from gateway.bureau.client import Account, BureauClient, Endpoint
from gateway.errors import GatewayError, NotAdmittedError, NotDeliveredError, OutcomeUnknownError, RefusedError
from gateway.redaction import LONGEST
from schemas import overlay
from schemas.envelope import Result, Sender, Status, answer, refusal, reply
from schemas.holdings import CODE, Answer, Asked, Holding, Question, write_answer
from schemas.model import Edition, Violation
from schemas.signature import Credential, matches

CREDENTIAL = Credential("paas-1", "not-a-real-token")
BODIES = [orjson.dumps({"key": "RX1|1", "version": "1"})]


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.seen.append((dict(self.headers), body))  # type: ignore[attr-defined]
        self.server.act(self)  # type: ignore[attr-defined]

    def log_message(self, *args: Any) -> None:
        """Quiet."""


@contextmanager
def platform(act: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.act, server.seen = act, []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def client(edition: Edition, port: int, *, host: str = "127.0.0.1", read_timeout: float = 5) -> Iterator[BureauClient]:
    url = f"http://{host}:{port}/api"
    endpoint = Endpoint("bureau", f"{url}/upload", 1, read_timeout, None, f"{url}/query")
    sender = Sender(INSTITUTION, "云溪区人民医院", "990001", "99")
    opened = BureauClient(endpoint, {INSTITUTION: Account(sender, CREDENTIAL)}, edition, Clock())
    try:
        yield opened
    finally:
        opened.close()


def answering(status: int, body: bytes, **headers: str) -> Callable[[BaseHTTPRequestHandler], None]:
    def act(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return act


def deliver(edition: Edition, act: Callable[[BaseHTTPRequestHandler], None], **options: Any) -> Any:
    with platform(act) as server, client(edition, server.server_address[1], **options) as opened:
        return opened.deliver(INSTITUTION, "RX01", "M1", BODIES)


def test_results_come_back_per_record(edition: Edition) -> None:
    result = Result("RX1|1", 1, Status.ACCEPTED, accepted_at="2026-11-25 08:00:00")
    assert deliver(edition, answering(200, reply("R1", Clock()(), [result]))) == (result,)


def test_the_request_is_signed_over_exactly_the_bytes_that_travel(edition: Edition) -> None:
    good = answering(200, reply("R1", Clock()(), []))
    with platform(good) as server, client(edition, server.server_address[1]) as opened:
        opened.deliver(INSTITUTION, "RX01", "M1", BODIES)
        headers, body = server.seen[0]  # type: ignore[attr-defined]
    received = {name.lower(): value for name, value in headers.items()}
    assert matches(CREDENTIAL, body, received)
    assert not matches(CREDENTIAL, body.replace(b"RX1", b"RX2"), received)
    assert CREDENTIAL.token.encode() not in body + repr(headers).encode()
    assert orjson.loads(body)["input"]["data"] == [{"key": "RX1|1", "version": "1"}]


def test_every_reply_tells_how_far_the_platforms_clock_is_ahead_a_refusal_too(edition: Edition) -> None:
    ahead = Clock()() + timedelta(minutes=8)
    refused = answering(401, refusal("R1", ahead, "时钟不准"))
    with platform(refused) as server, client(edition, server.server_address[1]) as opened:
        assert opened.heard() == ()
        with pytest.raises(NotAdmittedError):
            opened.deliver(INSTITUTION, "RX01", "M1", BODIES)
        (found,) = opened.heard()
        assert opened.heard() == ()
    assert timedelta(minutes=8) <= found < timedelta(minutes=8, seconds=5)


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_platform_has_not_taken_it_and_its_wait_is_kept(edition: Edition, status: int) -> None:
    with pytest.raises(NotDeliveredError) as caught:
        deliver(edition, answering(status, b"", Retry_After="120"))
    assert caught.value.retry_after == 120


@pytest.mark.parametrize("status", [200, 400, 422])
def test_a_refusal_may_be_a_records_fault_and_does_not_prove_it(edition: Edition, status: int) -> None:
    with pytest.raises(RefusedError, match="原因在此") as caught:
        deliver(edition, answering(status, refusal("R1", Clock()(), "原因在此")))
    assert not caught.value.certain


def test_what_the_platform_writes_is_cleaned_before_anybody_sees_it(edition: Edition) -> None:
    dirty = "证件990000199003070010\x1b[31m\n" + "长" * 1000
    with pytest.raises(RefusedError, match=r"拒收：证件\*\*\*\[31m 长+…") as caught:
        deliver(edition, answering(200, refusal("R1", Clock()(), dirty)))
    assert len(str(caught.value)) < 250
    result = Result("RX1|1", 1, Status.REJECTED, (Violation("rx_id", "code", dirty),))
    (found,) = deliver(edition, answering(200, reply("R1", Clock()(), [result])))
    assert found.reasons[0].message.startswith("证件***[31m 长")
    assert len(found.reasons[0].message) == LONGEST


@pytest.mark.parametrize("status", [302, 401, 403, 404, 405, 409, 410, 415])
@pytest.mark.parametrize("body", [refusal("R1", Clock()(), "原因在此"), b"<html>nginx</html>", b""])
def test_a_wrong_key_address_or_edition_is_no_records_fault(edition: Edition, status: int, body: bytes) -> None:
    with pytest.raises(NotAdmittedError, match="请核对") as caught:
        deliver(edition, answering(status, body))
    assert ("原因在此" in str(caught.value)) is (b"R1" in body)


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("body", [refusal("R1", Clock()(), "签名不对"), b"<html>nginx</html>"])
def test_a_wrong_key_is_told_with_its_institution_and_where_it_is_configured(edition: Edition, status: int, body: bytes) -> None:
    with pytest.raises(NotAdmittedError) as caught:
        deliver(edition, answering(status, body))
    assert f"机构 {INSTITUTION}" in str(caught.value)
    assert f"密钥 targets.bureau.credentials.{INSTITUTION}.token" in str(caught.value)


def test_a_proxy_that_finds_the_message_too_large_has_refused_it_so_that_it_is_split(edition: Edition) -> None:
    with pytest.raises(RefusedError, match="太大") as caught:
        deliver(edition, answering(413, b"<html>413</html>"))
    assert caught.value.certain


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, b"<html>login</html>"),
        (200, b"{}"),
        (500, b"oops"),
        (502, b""),
        (200, b'{"infcode":0,"output":[]}'),
    ],
)
def test_an_answer_that_proves_nothing_is_unknown(edition: Edition, status: int, body: bytes) -> None:
    with pytest.raises(OutcomeUnknownError):
        deliver(edition, answering(status, body))


def test_a_silent_platform_is_unknown_not_failed(edition: Edition) -> None:
    released = threading.Event()
    try:
        with pytest.raises(OutcomeUnknownError, match="没有应答"):
            deliver(edition, lambda handler: released.wait(3) and None, read_timeout=0.2)  # type: ignore[arg-type, return-value]
    finally:
        released.set()


def test_a_connection_cut_before_the_answer_is_unknown(edition: Edition) -> None:
    with pytest.raises(OutcomeUnknownError, match="断开"):
        deliver(edition, lambda handler: handler.connection.shutdown(socket.SHUT_RDWR))


def test_an_answer_cut_in_the_middle_is_unknown(edition: Edition) -> None:
    def cut(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("content-length", "1000")
        handler.end_headers()
        handler.wfile.write(b'{"infcode": 0')
        handler.wfile.flush()
        handler.connection.shutdown(socket.SHUT_RDWR)

    with pytest.raises(OutcomeUnknownError):
        deliver(edition, cut)


def test_a_platform_that_is_down_provably_got_nothing(edition: Edition) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with client(edition, port) as opened, pytest.raises(NotDeliveredError, match="连接不上"):
        opened.deliver(INSTITUTION, "RX01", "M1", BODIES)


def test_messages_that_could_not_leave_do_not_wait_for_the_collector(edition: Edition) -> None:
    with client(edition, 1) as opened:
        for _ in range(2):  # the first time modules are loaded
            gc.collect()
            gc.disable()
            try:
                with contextlib.suppress(NotDeliveredError):
                    opened.deliver(INSTITUTION, "RX01", "M1", BODIES)
                left = gc.collect()
            finally:
                gc.enable()
    assert left == 0


def test_an_unknown_host_provably_got_nothing(edition: Edition) -> None:
    with client(edition, 1, host="no-such-host.invalid") as opened, pytest.raises(NotDeliveredError, match="连接不上"):
        opened.deliver(INSTITUTION, "RX01", "M1", BODIES)


def test_an_institution_without_a_key_sends_nothing(edition: Edition) -> None:
    with client(edition, 1) as opened, pytest.raises(NotAdmittedError, match="没有配置"):
        opened.deliver("H99000199999", "RX01", "M1", BODIES)


def ask(edition: Edition, act: Callable[[BaseHTTPRequestHandler], None], *asked: Asked) -> tuple[Answer, list[Any]]:
    with platform(act) as server, client(edition, server.server_address[1]) as opened:
        return opened.holdings(INSTITUTION, Question("RX01", asked)), server.seen  # type: ignore[attr-defined]


def test_a_question_is_signed_like_an_upload_and_more_keys_than_one_message_takes_are_asked_in_several(edition: Edition) -> None:
    small = replace(edition, datasets={**edition.datasets, CODE: replace(edition.datasets[CODE], batch=2)})
    output = write_answer(Answer((Holding("RX1|1", 3),)))
    found, seen = ask(small, answering(200, answer("R1", Clock()(), output)), *(Asked(f"RX{n}|1", n) for n in range(1, 6)))
    assert len(found.holdings) == 3
    assert [len(orjson.loads(body)["input"]["data"]["asked"]) for _, body in seen] == [2, 2, 1]
    headers, body = seen[0]
    assert matches(CREDENTIAL, body, {name.lower(): value for name, value in headers.items()})
    assert orjson.loads(body)["infno"] == CODE


@pytest.mark.parametrize(
    ("act", "error"),
    [
        (answering(404, b"<html>"), NotAdmittedError),
        (answering(503, b""), NotDeliveredError),
        (answering(401, refusal("R1", Clock()(), "签名不对")), NotAdmittedError),
        (answering(200, reply("R1", Clock()(), [])), OutcomeUnknownError),
    ],
)
def test_a_question_that_is_not_answered_is_an_error_and_never_an_empty_answer(
    edition: Edition, act: Callable[[BaseHTTPRequestHandler], None], error: type[Exception]
) -> None:
    with pytest.raises(error):
        ask(edition, act, Asked("RX1|1", 1))


def test_a_platform_that_answers_no_query_or_an_edition_without_it_is_not_asked(edition: Edition) -> None:
    without = replace(edition, datasets={code: each for code, each in edition.datasets.items() if code != CODE})
    with client(edition, 1) as able, client(without, 1) as unable:
        assert (able.answers_queries, unable.answers_queries) == (True, False)
    silent = BureauClient(Endpoint("bureau", "http://127.0.0.1:1/api/upload", 1, 1), {}, edition, Clock())
    assert not silent.answers_queries
    silent.close()


SALE = orjson.dumps({"key": "B7", "version": "2", "fixmedins_bchno": "B7"})


def test_an_inventory_record_is_taken_back_by_its_number_and_kind(edition: Edition) -> None:
    good = answering(
        200, orjson.dumps({"infcode": "0", "respond_time": "20261125080000000", "output": {"result": {"retRslt": "1"}}})
    )
    with platform(good) as server, client(edition, server.server_address[1]) as opened:
        assert opened.withdraws("3505")
        assert not opened.withdraws("RX01")
        opened.withdraw(INSTITUTION, "3505", SALE)
        (_, body) = server.seen[0]  # type: ignore[attr-defined]
    sent = orjson.loads(body)
    assert (sent["infno"], sent["input"]["data"]) == ("3507", {"fixmedins_bchno": "B7", "inv_data_type": "4"})


def test_a_withdrawal_that_the_platform_refuses_is_told_with_its_sentence(edition: Edition) -> None:
    refused = {"infcode": "0", "respond_time": "", "output": {"result": {"retRslt": "0", "msgRslt": "没有可删除的数据"}}}
    answered = answering(200, orjson.dumps(refused))
    with (
        platform(answered) as server,
        client(edition, server.server_address[1]) as opened,
        pytest.raises(RefusedError, match="没有可删除的数据"),
    ):
        opened.withdraw(INSTITUTION, "3505", SALE)


def test_a_message_larger_than_the_edition_allows_is_not_sent(edition: Edition) -> None:
    small = replace(edition, body_limit=200)
    with platform(answering(200, b"")) as server, client(small, server.server_address[1]) as opened:
        with pytest.raises(RefusedError, match=r"报文太大：[0-9]+ 字节，平台最多收 200 字节") as caught:
            opened.deliver(INSTITUTION, "RX01", "M1", BODIES)
        assert server.seen == []  # type: ignore[attr-defined]
    assert caught.value.certain


def test_a_certificate_file_that_is_gone_by_now_means_that_nothing_left(edition: Edition, tmp_path: Path) -> None:
    account = {INSTITUTION: Account(Sender(INSTITUTION, "示例医院", "990001", "99"), CREDENTIAL)}
    endpoint = Endpoint("bureau", "https://127.0.0.1:1/api/upload", 1, 1, tmp_path / "ca.pem")
    opened = BureauClient(endpoint, account, edition, Clock())
    with pytest.raises(NotDeliveredError, match=r"证书文件 .*ca\.pem 读不到了"):
        opened.deliver(INSTITUTION, "RX01", "M1", BODIES)
    opened.close()


@pytest.fixture(scope="module")
def nmg() -> Edition:
    """An edition whose messages are written in gb18030."""
    return overlay.load("nmg")


REFUSAL = "报文不是合法的 JSON"
ADVICE = "本机按地区版 nmg 用 gb18030 报送，请核对配置里的 edition"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", orjson.dumps({"infcode": -1, "err_msg": REFUSAL})),  # as our own bureau writes it
        ("application/json; charset=UTF-8", refusal("R1", Clock()(), REFUSAL)),
        ("application/json; charset=utf-8", refusal("R1", Clock()(), REFUSAL, "ascii")),
        ("application/json; charset=rot13", orjson.dumps({"infcode": -1, "err_msg": REFUSAL})),
    ],
)
def test_a_platform_of_another_charset_is_understood_when_it_refuses_and_the_difference_is_told(
    nmg: Edition, content_type: str, body: bytes
) -> None:
    with pytest.raises(RefusedError) as refused:
        deliver(nmg, answering(400, body, content_type=content_type))
    assert not refused.value.certain
    told = f"（平台的应答用 utf-8，与本机不同：平台的地区版可能是另一个。{ADVICE}）"
    assert str(refused.value) == f"平台 bureau 拒收：{REFUSAL}{told}"


@pytest.mark.parametrize("content_type", ["application/json", "text/plain; charset=GBK"])
def test_a_refusal_in_the_charset_of_the_edition_is_told_as_it_is(nmg: Edition, content_type: str) -> None:
    body = orjson.dumps({"infcode": -1, "err_msg": "机构不存在"}).decode().encode("gb18030")
    with pytest.raises(RefusedError, match=r"^平台 bureau 拒收：机构不存在$"):
        deliver(nmg, answering(400, body, content_type=content_type))


def test_an_escaped_reply_without_a_charset_hints_at_nothing(nmg: Edition) -> None:
    with pytest.raises(RefusedError, match=r"^平台 bureau 拒收：机构不存在$"):
        deliver(nmg, answering(400, refusal("R1", Clock()(), "机构不存在", "gb18030")))


def test_a_400_that_cannot_be_read_is_a_refusal_and_no_doubt(nmg: Edition) -> None:
    with pytest.raises(RefusedError, match=rf"拒收（HTTP 400），应答读不懂.*（{ADVICE}）") as refused:
        deliver(nmg, answering(400, b"<html>Bad Request \xff\xfe</html>"))
    assert not refused.value.certain


def test_what_was_accepted_is_read_in_the_charset_of_the_reply(nmg: Edition) -> None:
    result = Result("RX1|诊1", 1, Status.ACCEPTED, accepted_at="2026-11-25 08:00:00")
    body = orjson.dumps({"infcode": 0, "output": {"result": [result.as_dict()]}})
    assert deliver(nmg, answering(200, body, content_type="application/json")) == (result,)


COME_TO = [
    (answering(200, reply("R1", Clock()(), [Result("RX1|1", 1, Status.ACCEPTED)])), "answered", {"accepted": 1}),
    (answering(200, reply("R1", Clock()(), [Result("RX1|1", 1, Status.REJECTED)])), "answered", {"rejected": 1}),
    (answering(503, b""), "not_delivered", {"cause": "平台 bureau 正忙或暂停服务"}),
    (answering(401, b"no"), "not_admitted", {}),
    (answering(413, b""), "refused", {"cause": "平台 bureau 拒收：报文太大"}),
    (answering(200, b"<html>"), "outcome_unknown", {}),
]


@pytest.mark.parametrize(("act", "came_to", "told"), COME_TO)
def test_every_request_is_exactly_one_log_line_with_what_it_came_to(
    edition: Edition, act: Callable[[BaseHTTPRequestHandler], None], came_to: str, told: dict[str, Any]
) -> None:
    with structlog.testing.capture_logs() as lines, contextlib.suppress(GatewayError):
        deliver(edition, act)
    (line,) = lines
    place = {"target": "bureau", "institution": INSTITUTION, "infno": "RX01", "msgid": "M1", "records": 1}
    assert {**place, "event": came_to, **told}.items() <= line.items()
    assert line["ms"] >= 0
    assert line["log_level"] == ("info" if came_to == "answered" else "warning")
    assert bool(line.get("cause")) == (came_to != "answered")


def test_questions_and_withdrawals_are_requests_too_and_what_is_not_called_is_none(edition: Edition) -> None:
    held = write_answer(Answer((), ""))
    with platform(answering(200, answer("R1", Clock()(), held))) as server, client(edition, server.server_address[1]) as opened:
        with structlog.testing.capture_logs() as lines:
            opened.holdings(INSTITUTION, Question("RX01", asked=(Asked("RX1|1", 1),)))
        assert [(line["event"], line["infno"], line["holdings"]) for line in lines] == [("answered", CODE, 0)]
    with client(edition, 1) as opened:
        opened._admit = lambda: "这一分钟已用完"
        with structlog.testing.capture_logs() as lines, pytest.raises(NotDeliveredError):
            opened.holdings(INSTITUTION, Question("RX01", asked=(Asked("RX1|1", 1),)))
    assert lines == []
