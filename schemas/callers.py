"""The section `monitoring` of both configurations: who may ask for `/metrics` and `/healthz`, beside the machine itself."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from schemas.yamlfile import Section

_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
REFUSAL = "监控只许本机和配置 monitoring 里写明的地址访问"


@dataclass(frozen=True, slots=True)
class Callers:
    """Who may ask."""

    networks: tuple[IPv4Network | IPv6Network, ...] = _LOOPBACK
    token: str = field(default="", repr=False)  #: "": nobody by a token

    def admits(self, address: str, authorization: str) -> bool:
        """Whether a caller from there, with that header, may ask. A malformed address is nobody's."""
        given = authorization.encode("utf-8", "surrogateescape")
        if self.token and hmac.compare_digest(given, f"Bearer {self.token}".encode()):
            return True
        try:
            caller = ip_address(address)
        except ValueError:
            return False
        mapped = getattr(caller, "ipv4_mapped", None)
        return any((mapped or caller) in network for network in self.networks)


def callers(section: Section | None) -> Callers:
    """This machine, and whom the site names."""
    if section is None:
        return Callers()
    section.known("token", "allow")
    try:
        allowed = tuple(ip_network(each) for each in section.texts("allow"))
    except ValueError:
        raise section.error('应为 IP 地址或网段的列表，例：["10.1.2.3", "10.1.2.0/24"]', "allow") from None
    return Callers((*_LOOPBACK, *allowed), section.secret("token") if "token" in section.data else "")
