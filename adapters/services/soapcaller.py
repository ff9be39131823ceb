"""One SOAP service as zeep speaks to it; imported only where a source needs it."""

from __future__ import annotations

import logging
import re
import threading
import warnings
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import zeep
from lxml import etree
from zeep import exceptions
from zeep.transports import Transport
from zeep.wsse.username import UsernameToken

from adapters.services import multiref, replies, soapfloat, soapshape, xmlcharset
from adapters.services.replies import Answer, UnusableError
from adapters.services.serviceplan import Call
from adapters.services.webclient import WebClient, basic
from gateway.errors import ConfigError
from gateway.model import Service

if TYPE_CHECKING:
    from adapters.services.soap import SoapPlan

#: statuses with which a fault comes
_OF_FAULTS = (400, 500)
_OTHER_VERSION = 415
#: how the code of a fault begins that is ours, in SOAP 1.1, 1.2 and WS-Security
_OURS = ("Client", "Sender", "FailedAuthentication", "InvalidSecurity")
#: a byte order mark and white space, which some services write before their XML and no parser takes
_BEFORE_XML = b"\xef\xbb\xbf \t\r\n"
_DIFFGRAM = "{urn:schemas-microsoft-com:xml-diffgram-v1}diffgram"
_SCHEMA = "{http://www.w3.org/2001/XMLSchema}schema"
_QUOTED = re.compile(r"'([^']*)'")
#: zeep writes whole messages at debug level, and as an error each value that it cannot convert, with the persons in them
logging.getLogger("zeep").setLevel(logging.CRITICAL)


@dataclass(frozen=True, slots=True)
class _Response:
    """What zeep reads of a reply."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes
    encoding: str | None = None


class _Abroad(Exception):  # noqa: N818
    """A document that the WSDL names and that is not in the profile."""


class _Seen(zeep.Plugin):
    """Keeps the reply as it came: zeep makes None of a value that it cannot convert, and the record would go without it."""

    def __init__(self) -> None:
        self._of_thread = threading.local()

    def ingress(self, envelope: Any, http_headers: Any, operation: Any) -> tuple[Any, Any]:
        """See zeep. What stands in a diffgram no WSDL says: zeep would hold it against the schema beside it, and stumble."""
        self._of_thread.envelope = envelope
        if envelope.find(f".//{_DIFFGRAM}") is None:
            return envelope, http_headers
        known = deepcopy(envelope)
        for each in list(known.iter(_DIFFGRAM)):
            each.getparent().replace(each, etree.Element("rows"))
        for each in known.iter(_SCHEMA):
            each[:] = []
            each.attrib.clear()
        return known, http_headers

    def begin(self) -> None:
        """Before a call."""
        self._of_thread.envelope, self._of_thread.content = None, b""

    def came(self, content: bytes) -> None:
        """What a call brought."""
        self._of_thread.content = content

    def no_xml(self) -> str:
        """Why the reply to this thread's call is no XML."""
        return replies.no_xml(self._of_thread.content)

    def body(self, result: str) -> Any:
        """What the reply to this thread's call says, without the element that only wraps it. UnusableError if there is none."""
        envelope = self._of_thread.envelope
        body = None if envelope is None else envelope.find("{*}Body")
        if body is None or not len(body):
            raise UnusableError("参数与 WSDL 不符：请核对 manifest.yaml 的 arguments" if envelope is None else "应答是空的")
        tree = replies.tree_of(body[0])
        inner = [name for name in tree if not name.startswith("@")] if isinstance(tree, dict) else []
        if not inner:
            return None if result and tree == "" else tree
        return tree[result] if result in inner else tree[inner[0]] if len(inner) == 1 else tree


class _Local(Transport):
    """Reads documents of the profile's folder only; posts by our own client."""

    def __init__(self, client: WebClient, folder: Path, sent: Mapping[str, Any], seen: _Seen) -> None:
        super().__init__(session=client.session)
        self.client, self.folder, self.sent, self.seen = client, folder.resolve(), sent, seen

    def load(self, url: str) -> bytes:
        """A file of the folder; the schema of the SOAP encoding, which old services name and do not bring, is ours."""
        if url == multiref.ENCODING:
            return multiref.SCHEMA
        parts = urlsplit(url)
        path = Path(unquote(parts.path) if parts.scheme == "file" else url).resolve()
        if parts.scheme not in ("", "file") or not path.is_relative_to(self.folder) or not path.is_file():
            raise _Abroad(url)
        return path.read_bytes()

    def post(self, address: str, message: bytes, headers: Mapping[str, str]) -> _Response:
        """The reply; a fault comes with status 500, of SOAP 1.2 also 400, and is told by zeep."""
        reply = self.client.call("POST", address, data=message, headers=dict(headers), **self.sent)
        if reply.status_code == _OTHER_VERSION:
            raise self.client.wrong("不收这个版本的 SOAP（HTTP 415）：请改 binding 换一个绑定，或向服务方要对的 WSDL")
        if reply.status_code not in _OF_FAULTS or b"Fault" not in reply.content:
            self.client.usable(reply)
        self.seen.came(reply.content)
        content = xmlcharset.in_utf8(reply.content.lstrip(_BEFORE_XML), reply.headers.get("content-type", ""))
        return _Response(reply.status_code, reply.headers, multiref.resolved(content))


class SoapCaller:
    """Implements adapters.services.caller.Caller."""

    structured = False

    def __init__(self, client: WebClient, service: Service, plan: SoapPlan) -> None:
        """ConfigError if the WSDL cannot be read, or names what is not in the profile's folder."""
        self.client, self.plan = client, plan
        sent = basic(service) if plan.security == "basic" else {}
        self._seen = _Seen()
        transport = _Local(client, plan.wsdl.parent, sent, self._seen)
        settings = zeep.Settings(strict=plan.strict, forbid_dtd=True, forbid_entities=True, xml_huge_tree=False)
        self._heads = _heads(service, plan)
        options = {"transport": transport, "settings": settings, "wsse": _security(service, plan), "plugins": [self._seen]}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of parts that no data set of ours may need; those it needs are looked for
                self._client = zeep.Client(str(plan.wsdl), **options)
            self._binding = self._found_binding()
            self._service = self._client.create_service(str(self._binding.name), service.url)
        except _Abroad as error:
            name = str(error).rpartition("/")[2]
            told = f"WSDL 引用了适配包以外的文件 {name}，请把它存进同一个文件夹（用浏览器打开那个地址，另存），并把引用改成文件名"
            raise ConfigError(told, file=plan.wsdl) from None
        except (exceptions.Error, etree.Error, KeyError, ValueError, TypeError, AttributeError):
            raise ConfigError("不是能用的 WSDL，或已损坏", file=plan.wsdl) from None

    @property
    def identity(self) -> str:
        """Which service it is."""
        return self.client.identity

    @property
    def _ours(self) -> str:
        """What of a manifest may not fit the WSDL."""
        return "arguments 和 header" if self._heads else "arguments"

    def astray(self, call: Call, path: str) -> tuple[str, ...] | None:
        """What the WSDL has in the place of a path that it does not have; None if it has it, or leaves open what stands there."""
        return soapshape.astray(self._binding.get(call.operation), path) if self.plan.strict else None

    @property
    def operations(self) -> frozenset[str]:
        """What the WSDL has."""
        return frozenset(self._binding.all())

    def ask(self, call: Call, arguments: Mapping[str, Any]) -> Answer:
        """See adapters.services.caller.Caller. zeep holds the reply against the WSDL; its values are taken as they were written."""
        operation, checked = self._binding.get(call.operation), self.plan.strict
        given = soapshape.listed(operation, replies.given(call, arguments))
        self._seen.begin()
        try:
            self._service[call.operation](**given, **self._heads)
        except exceptions.Fault as fault:
            told = f"报错（SOAP Fault {_code(fault)}）：{call.operation}，原因请看服务一方的日志"
            ours = "；它说错在调用的一方，请核对参数、security 和 service 的 user、password"
            raise self.client.trouble(told + (ours if _code(fault).startswith(_OURS) else "")) from None
        except exceptions.TransportError as error:
            if 200 <= error.status_code < 300:
                raise UnusableError(self._seen.no_xml()) from None
            raise self.client.trouble(f"出错（HTTP {error.status_code}）") from None
        except exceptions.XMLSyntaxError:
            raise UnusableError(self._seen.no_xml()) from None
        except RecursionError:  # of a reply that does not say so, zeep follows the references, and has no end where they go round
            raise UnusableError("应答里的引用（href）绕成了圈") from None
        except (exceptions.XMLParseError, exceptions.UnexpectedElementError, exceptions.LookupError) as error:
            told = f"应答与 WSDL 不符{_named(error)}：服务改过了，请换新的 WSDL；换了还不符的，请写 strict: false"
            raise UnusableError(told) from None
        except (exceptions.ValidationError, TypeError) as error:
            raise UnusableError(f"参数与 WSDL 不符{_named(error)}：请核对 manifest.yaml 的 {self._ours}") from None
        except (ArithmeticError, ValueError):  # a value that is not of its type: the mapping says so of its row
            checked = False
        tree = soapfloat.shortened(self._seen.body(soapshape.result(operation)), soapshape.floats(operation))
        return Answer(tree, soapshape.declared(operation) if checked else frozenset())

    def account(self, name: str) -> str:
        """See adapters.services.caller.Caller."""
        return self.client.account(name)

    def moments(self, call: Call) -> frozenset[str]:
        """See adapters.services.caller.Caller."""
        return soapshape.moments(self._binding.get(call.operation))

    def follow(self, call: Call, link: str) -> Answer:
        """SOAP has no links; the manifest was refused."""
        raise UnusableError("SOAP 服务没有 link 翻页")

    def expired(self, code: str) -> bool:
        """It logs in with every call."""
        return False

    def _found_binding(self) -> Any:
        found = {name: each for name, each in self._client.wsdl.bindings.items() if "oap" in type(each).__name__}
        chosen = [each for name, each in found.items() if not self.plan.binding or name.rpartition("}")[2] == self.plan.binding]
        if not chosen:
            names = "、".join(name.rpartition("}")[2] for name in found) or "无"
            raise ConfigError(f"WSDL 里没有 SOAP 绑定 {self.plan.binding or ''}，有：{names}", file=self.plan.wsdl)
        return chosen[0]


def _security(service: Service, plan: SoapPlan) -> UsernameToken | None:
    if plan.security in ("username_token", "username_digest"):
        return UsernameToken(service.user, service.password, use_digest=plan.security == "username_digest")
    return None


def _heads(service: Service, plan: SoapPlan) -> dict[str, Any]:
    """The header of the envelope that says who calls, where the WSDL has one of its own."""
    if plan.security != "header":
        return {}
    return {"_soapheaders": replies.nested({plan.header.user: service.user, plan.header.password: service.password})}


def _code(fault: exceptions.Fault) -> str:
    return str(fault.code or "").rpartition(":")[2][:32]


def _named(error: Exception) -> str:
    """The element or argument that zeep complains of: what it quotes first; a value would be no name, and is not told."""
    quoted = _QUOTED.search(str(error))
    name = quoted[1].rpartition("}")[2] if quoted else ""
    return f"（{name}）" if name.isidentifier() and name.isascii() else ""
