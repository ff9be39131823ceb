"""Web services of a HIS on loopback: REST and SOAP, as the templates of adapters/templates know them, over generated rows."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from lxml import etree

from schemas.wire import SHANGHAI

USER, PASSWORD = "gateway_reader", "not-a-real-password"
BEGAN = datetime.now(SHANGHAI).replace(hour=8, minute=0, second=0, microsecond=0, tzinfo=None) - timedelta(days=1)
_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
_ENC = "http://schemas.xmlsoap.org/soap/encoding/"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_HIS = "urn:his-template"
_WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
_WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"


@dataclass(frozen=True)
class Request:
    """What came in."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Reply:
    """What goes out."""

    body: bytes
    status: int = 200
    kind: str = "application/json"
    encoding: str = ""


@contextmanager
def served(answer: Callable[[Request], Reply | None]) -> Iterator[str]:
    """The address of a server that answers every request so; None: it hangs up without a word."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            reply = answer(Request(parts.path, query, {k.lower(): v for k, v in self.headers.items()}, body))
            if reply is None:
                self.connection.close()
                return
            self.send_response(reply.status)
            self.send_header("content-type", reply.kind)
            if reply.encoding:
                self.send_header("content-encoding", reply.encoding)
            self.send_header("content-length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def session(number: int, **more: Any) -> dict[str, Any]:
    """A dialysis as the REST service gives it; a value None is not written at all."""
    began = BEGAN + timedelta(minutes=number)
    row = {
        "sessionNo": f"S{number:05d}",
        "planNo": f"P{number:05d}",
        "orderNo": f"R{number:05d}",
        "patient": {"cardNo": f"A{number:05d}", "insuredNo": f"9900{number:08d}", "dialysisNo": f"D{number:03d}"},
        "machine": f"M{number % 7}",
        "startTime": str(began),
        "endTime": str(began + timedelta(hours=4)),
        "minutes": 240,
        "ybCode": "001203000010000-120300001",
        "weightBefore": 65.5,
        "weightAfter": 63.2,
        "dryWeight": 63,
        "ufMl": 2300,
        "dialyzer": "聚砜膜透析器",
        "anticoagulant": None,
        "nurseCode": "N990000000001",
        "endNote": None,
        "deleted": False,
        "createdAt": str(began),
        "updatedAt": str(began + timedelta(hours=4)),
        "drugList": [
            {"seq": 2, "drugCode": "B2", "drugName": "乙", "dose": 1.5},
            {"seq": 1, "drugCode": "A1", "drugName": "甲", "dose": 1},
        ],
        **more,
    }
    return {name: value for name, value in row.items() if value is not None}


@dataclass
class RestHis:
    """A HIS with a REST interface: a login that expires, pages of at most `most` rows, whatever is asked for."""

    rows: list[dict[str, Any]]
    most: int = 3
    token: str = "t0"
    logins: int = 0
    asked: list[Request] = field(default_factory=list)
    charset: str = "utf-8"
    bend: Callable[[Request, Reply], Reply | None] = lambda request, reply: reply

    def answer(self, request: Request) -> Reply | None:
        """One request."""
        self.asked.append(request)
        return self.bend(request, self._reply(request))

    def _reply(self, request: Request) -> Reply:
        if request.path == "/auth/token":
            given = json.loads(request.body)
            if (given.get("username"), given.get("password")) != (USER, PASSWORD):
                return self._json({"code": "40100", "data": None})
            self.logins += 1
            self.token = f"t{self.logins}"
            return self._json({"code": "0", "data": {"token": self.token, "expiresIn": 7200}})
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return self._json({"code": "40101"})
        if request.path == "/dialysis/sessions/query":
            wanted = json.loads(request.body)["sessionNos"]
            return self._json({"code": "0", "data": {"list": [row for row in self.rows if row["sessionNo"] in wanted]}})
        found = self._found(request.query)
        page, size = int(request.query.get("pageNo", 1)), min(int(request.query.get("pageSize", 9)), self.most)
        part = found[(page - 1) * size : page * size]
        return self._json({"code": "0", "data": {"total": len(found), "list": part}})

    def _found(self, query: Mapping[str, str]) -> list[dict[str, Any]]:
        if "updatedFrom" in query:
            return [row for row in self.rows if row["updatedAt"] >= query["updatedFrom"]]
        return [row for row in self.rows if query.get("dateFrom", "") <= row["startTime"][:10] <= query.get("dateTo", "9")]

    def _json(self, tree: Any) -> Reply:
        text = json.dumps(tree, ensure_ascii=False).encode(self.charset)
        return Reply(text, kind=f"application/json; charset={self.charset}")


def treatment(number: int, **more: Any) -> dict[str, Any]:
    """A dialysis as the SOAP service gives it; a value None is not written at all."""
    began = BEGAN + timedelta(minutes=number)
    row = {
        "treatmentNo": f"S{number:05d}",
        "planNo": f"P{number:05d}",
        "orderNo": f"R{number:05d}",
        "cardNo": f"A{number:05d}",
        "insuredNo": f"9900{number:08d}",
        "dialysisNo": f"D{number:03d}",
        "machine": f"M{number % 7}",
        "startTime": began.isoformat(),
        "endTime": (began + timedelta(hours=4)).isoformat(),
        "minutes": "240",
        "ybCode": "001203000010000-120300001",
        "weightBefore": "65.50",
        "weightAfter": "63.2",
        "dialyzer": "聚砜膜透析器",
        "nurseCode": "N990000000001",
        "updatedAt": (began + timedelta(hours=4)).isoformat(),
        **more,
    }
    return {name: value for name, value in row.items() if value is not None}


def prescription(number: int, line: int = 1) -> dict[str, str]:
    """A prescription line as the SOAP service gives it."""
    moment = BEGAN + timedelta(minutes=number)
    return {
        "rxNo": f"RX{number:05d}",
        "lineNo": str(line),
        "cardNo": f"A{number:05d}",
        "ybCode": "XA00AAA000A000010000001",
        "drugName": "示例片",
        "quantity": "2.5",
        "unit": "盒",
        "prescribedAt": f"{moment:%Y%m%d%H%M%S}",
        "doctor": "D999900000001",
        "createdAt": f"{moment:%Y%m%d%H%M%S}",
    }


@dataclass
class SoapHis:
    """A HIS with a SOAP service: WS-Security, typed replies and XML inside a text."""

    treatments: list[dict[str, Any]] = field(default_factory=list)
    prescriptions: list[dict[str, str]] = field(default_factory=list)
    digest: bool = False  #: wants the password's digest
    renamed: Mapping[str, str] = field(default_factory=dict)  #: elements that are called otherwise by now
    fault: str = ""
    code: str = "0"
    asked: list[str] = field(default_factory=list)

    def answer(self, request: Request) -> Reply | None:
        """One request."""
        envelope = etree.fromstring(request.body)
        if self.fault or not self._knows(envelope):
            return self._fault(self.fault or "FailedAuthentication")
        body = envelope.find(f"{{{_SOAP}}}Body")
        assert body is not None
        (call,) = body
        name = etree.QName(call).localname
        self.asked.append(name)
        given: dict[str, list[str]] = {}
        for each in call:
            given.setdefault(etree.QName(each).localname, []).append(each.text or "")
        return self._wrapped(self._typed(given) if name == "QueryTreatments" else self._texted(given))

    def _knows(self, envelope: Any) -> bool:
        token = envelope.find(f".//{{{_WSSE}}}UsernameToken")
        if token is None:
            return False
        password = token.findtext(f"{{{_WSSE}}}Password") or ""
        expected = PASSWORD
        if self.digest:
            nonce = base64.b64decode(token.findtext(f"{{{_WSSE}}}Nonce") or "")
            created = (token.findtext(f"{{{_WSU}}}Created") or "").encode()
            expected = base64.b64encode(hashlib.sha1(nonce + created + PASSWORD.encode()).digest()).decode()
        return (token.findtext(f"{{{_WSSE}}}Username"), password) == (USER, expected)

    def _typed(self, given: Mapping[str, list[str]]) -> str:
        first = {name: values[0] for name, values in given.items()}
        rows = sorted(self.treatments, key=lambda row: (row["updatedAt"], row["treatmentNo"]))
        if "treatmentNos" in given:
            rows = [row for row in rows if row["treatmentNo"] in given["treatmentNos"]]
        elif "afterNo" in first:
            rows = [row for row in rows if (row["updatedAt"], row["treatmentNo"]) > (first["beginTime"], first["afterNo"])]
        else:
            rows = [row for row in rows if first["beginTime"] <= row["startTime"] <= first["endTime"]]
        size = int(first.get("pageSize", "1000"))
        skipped = (int(first.get("pageNo", "1")) - 1) * size
        written = "".join(_element("treatment", row) for row in rows[skipped : skipped + size])
        treatments = f"<treatments>{written}</treatments>" if written else "<treatments/>"
        result = f"<code>{self.code}</code>{treatments}"
        inner = f"<QueryTreatmentsResult>{result}</QueryTreatmentsResult>"
        return f'<QueryTreatmentsResponse xmlns="{_HIS}">{inner}</QueryTreatmentsResponse>'

    def _texted(self, given: Mapping[str, list[str]]) -> str:
        request = {each.tag: each.text or "" for each in etree.fromstring(given["input"][0])}
        rows = self.prescriptions
        if given["method"] == ["getPrescription"]:
            rows = [row for row in rows if f"{row['rxNo']}|{row['lineNo']}" == request["rxLine"]]
        else:
            rows = [row for row in rows if request["beginDate"] <= row["prescribedAt"][:8] <= request["endDate"]]
        size = int(request.get("pageSize", "1000"))
        skipped = (int(request.get("pageNo", "1")) - 1) * size
        written = "".join(_element("item", row) for row in rows[skipped : skipped + size])
        inner = f"<Response><code>1</code><total>{len(rows)}</total><list>{written}</list></Response>"
        text = etree.Element(f"{{{_HIS}}}CallServiceResult", nsmap={None: _HIS})  # type: ignore[dict-item]
        text.text = inner
        return f'<CallServiceResponse xmlns="{_HIS}">{etree.tostring(text, encoding="unicode")}</CallServiceResponse>'

    def _wrapped(self, content: str) -> Reply:
        for old, new in self.renamed.items():
            content = content.replace(f"<{old}>", f"<{new}>").replace(f"</{old}>", f"</{new}>")
        body = f'<s:Envelope xmlns:s="{_SOAP}"><s:Body>{content}</s:Body></s:Envelope>'
        return Reply(body.encode(), kind="text/xml; charset=utf-8")

    def _fault(self, code: str) -> Reply:
        fault = f"<s:Fault><faultcode>s:{code}</faultcode><faultstring>张三 990000199001011234</faultstring></s:Fault>"
        body = f'<s:Envelope xmlns:s="{_SOAP}"><s:Body>{fault}</s:Body></s:Envelope>'
        return Reply(body.encode(), 500, "text/xml; charset=utf-8")


def _element(name: str, row: Mapping[str, Any]) -> str:
    inner = "".join(
        each if isinstance(each, str) and each.startswith("<") else f"<{key}>{each}</{key}>" for key, each in row.items()
    )
    return f"<{name}>{inner}</{name}>"


@dataclass
class AxisHis(SoapHis):
    """The same by rpc/encoded, as Axis 1 writes it: every structure stands beside the reply, under a number."""

    bend_reply: Callable[[str], str] = lambda text: text

    def _wrapped(self, content: str) -> Reply:
        response = etree.fromstring(content)
        beside: list[str] = []
        result = _encoded(response[0], "QueryTreatmentsReturn", beside)
        name = etree.QName(response).localname
        parts = f'<a:{name} s:encodingStyle="{_ENC}" xmlns:a="{_HIS}">{result}</a:{name}>{"".join(beside)}'
        spaces = f'xmlns:s="{_SOAP}" xmlns:e="{_ENC}" xmlns:i="{_XSI}" xmlns:x="http://www.w3.org/2001/XMLSchema"'
        body = self.bend_reply(f"<s:Envelope {spaces}><s:Body>{parts}</s:Body></s:Envelope>")
        return Reply(body.encode(), kind="text/xml; charset=utf-8")


def _encoded(element: Any, name: str, beside: list[str]) -> str:
    """A text with its type, or a reference to what is put beside."""
    if not len(element) and element.get(f"{{{_XSI}}}nil"):
        return f'<{name} i:nil="true"/>'
    if not len(element) and name != "treatments":
        return f'<{name} i:type="e:string">{element.text or ""}</{name}>'
    inner = "".join(_encoded(child, etree.QName(child).localname, beside) for child in element)
    number = len(beside)
    kind = (
        'i:type="e:Array" e:arrayType="a:Treatment[]" xmlns:a="urn:his"'
        if name == "treatments"
        else 'i:type="a:T" xmlns:a="urn:his"'
    )
    beside.append(f'<multiRef id="id{number}" e:root="0" s:encodingStyle="{_ENC}" {kind}>{inner}</multiRef>')
    return f'<{name} href="#id{number}"/>'
