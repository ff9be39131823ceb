"""SOAP services by zeep: the WSDL is a file of the profile, nothing it names elsewhere is fetched, only the site is called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from adapters.choices import choice
from adapters.plan import Opener, Parts
from adapters.services.serviced import ServiceSource
from adapters.services.servicefile import entries
from adapters.services.serviceplan import Call, ServiceEntry
from adapters.services.webclient import WebClient
from adapters.site import Site
from gateway.errors import ConfigError
from schemas import address
from schemas.yamlfile import Section

if TYPE_CHECKING:
    from adapters.services.soapcaller import SoapCaller


class Security(StrEnum):
    """How a call says who makes it."""

    NONE = "none"
    BASIC = "basic"
    USERNAME_TOKEN = "username_token"  # noqa: S105  WS-Security, the password as it is
    USERNAME_DIGEST = "username_digest"  #: WS-Security, its digest with a nonce
    HEADER = "header"  #: elements of the envelope's header that the WSDL names, as ASMX has them


@dataclass(frozen=True, slots=True)
class Header:
    """Where name and password stand in the envelope's header, by dotted names."""

    user: str = ""
    password: str = ""


@dataclass(frozen=True, slots=True)
class SoapPlan:
    """The WSDL and the operations of every data set."""

    wsdl: Path
    binding: str  #: the WSDL's only one where it is ""
    security: Security
    strict: bool
    entries: Mapping[str, ServiceEntry]
    header: Header = Header()

    def opener(self, profile: str, site: Site) -> Opener:
        """See adapters.plan. The WSDL is read here: what it lacks is told before anything is called."""
        service = site.service
        if service is None:
            raise site.wrong("适配包调的是 SOAP 服务，请写 service", "service")
        for name, value in (("user", service.user), ("password", service.password)):
            if self.security is not Security.NONE and not value:
                raise site.wrong(f"适配包用 {self.security} 验明身份，请写 service.{name}", f"service.{name}")
        if find_spec("zeep") is None:
            raise site.wrong(address.missing_library("SOAP 服务", "soap"))
        from adapters.services.soapcaller import SoapCaller

        caller = SoapCaller(WebClient(site.name, service), service, self)
        self._check_operations(caller)
        self._check_places(caller)

        def opened(dataset: str, parts: Parts) -> ServiceSource:
            return ServiceSource(parts, dataset, self.entries[dataset], caller)

        return opened

    def _check_operations(self, caller: SoapCaller) -> None:
        known = caller.operations
        for code, entry in self.entries.items():
            for call in (entry.main, entry.window, entry.lookup):
                if call and call.operation not in known:
                    told = f"manifest.yaml 里 {code} 用的操作 {call.operation} 不在 WSDL 里，有：{'、'.join(sorted(known))}"
                    raise ConfigError(told, file=self.wsdl)

    def _check_places(self, caller: SoapCaller) -> None:
        """A path that the WSDL does not have is told before a day without rows hides it."""
        for code, entry in self.entries.items():
            for call in (entry.main, entry.window, entry.lookup):
                if call is None or call.shape.text:
                    continue
                for key, path in _places(entry, call):
                    known = caller.astray(call, path)
                    if known is not None:
                        there = f"不在 WSDL 说的 {call.operation} 的应答里，那里有：{'、'.join(known)}"
                        raise ConfigError(f"manifest.yaml 里 {code} 的 {key}（{path}）{there}", file=self.wsdl)


def _places(entry: ServiceEntry, call: Call) -> Iterator[tuple[str, str]]:
    """Each path of a reply, whole, by the key of the manifest."""
    shape = call.shape
    rows = _path(shape.element, shape.rows)
    yield "rows", rows
    yield "pairs", _path(rows, shape.pairs)
    yield "lines", _path(rows, shape.lines)
    if not shape.pairs:
        yield from ((f"children.{name}", _path(rows, each.at)) for name, each in entry.children.items())


def _path(*parts: str) -> str:
    return ".".join(filter(None, parts))


def read(folder: Path, section: Section) -> SoapPlan:
    """The plan of a manifest of kind soap. SpecError names file and key."""
    wsdl = folder / section.need("wsdl", str)
    if not wsdl.is_file():
        raise section.error(f"没有文件 {wsdl.name}：请把服务的 WSDL（和它引用的 .xsd）存进适配包", "wsdl")
    security = choice(section, "security", Security, Security.NONE)
    if security is not Security.HEADER and "header" in section.data:
        raise section.error("写了 header（名字和密码放在信封头的哪里），就请写 security: header", "header")
    return SoapPlan(
        wsdl=wsdl,
        binding=section.text("binding"),
        security=security,
        strict=bool(section.get("strict", bool, True)),
        entries=entries(section, rest=False),
        header=_header(section.section("header")) if security is Security.HEADER else Header(),
    )


def _header(section: Section) -> Header:
    section.known("user", "password")
    return Header(section.need("user", str), section.need("password", str))
