"""The platforms that want the records, and the key of each institution at each of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urljoin

from gateway import rosterfile
from gateway.config.institutions import Institution
from gateway.config.places import ca_file, reachable
from gateway.config.schedule import hours_of
from gateway.windows import Allowance
from schemas.signature import Credential, sendable
from schemas.yamlfile import Section


class TargetKind(StrEnum):
    """Whether what is sent there counts."""

    TEST = "test"
    PRODUCTION = "production"

    @property
    def word(self) -> str:
        """As a person reads it."""
        return "测试" if self is TargetKind.TEST else "生产"


@dataclass(frozen=True, slots=True)
class Target:
    """A platform that wants the records."""

    name: str
    url: str
    recer_sys_code: str
    connect_timeout: float
    read_timeout: float
    ca_file: Path | None
    query_url: str  #: where it answers QY01; "": it answers no query
    credentials: Mapping[str, Credential]  #: institution code -> credential
    allowance: Allowance
    heartbeat: bool = True  #: whether it takes OP02
    kind: TargetKind = TargetKind.PRODUCTION


def target(name: str, section: Section, institutions: Mapping[str, Institution]) -> Target:
    section.known(
        *("url", "recer_sys_code", "connect_timeout", "read_timeout", "ca_file", "credentials"),
        *("answers_queries", "query_url", "allow_plain_http", "window", "rate", "heartbeat", "kind"),
    )
    url = reachable(section, "url", section.need("url", str))
    credentials = _credentials(section)
    for code in credentials:
        if code not in institutions:
            raise section.error(f"机构 {code} 不在 institutions 里", "credentials")
    return Target(
        name=name,
        url=url,
        recer_sys_code=section.text("recer_sys_code", "99"),
        connect_timeout=float(section.at_least("connect_timeout", 1, 5)),
        read_timeout=float(section.at_least("read_timeout", 1, 60)),
        ca_file=ca_file(section),
        query_url=_query_url(section, url),
        credentials=credentials,
        allowance=Allowance(hours_of(section, "window"), section.at_least("rate", 0, 0)),
        heartbeat=bool(section.get("heartbeat", bool, True)),
        kind=_kind(section),
    )


def _kind(section: Section) -> TargetKind:
    """Production where nothing is said: a mistake must not be taken for a trial."""
    text = section.text("kind", TargetKind.PRODUCTION)
    if text not in list(TargetKind):
        raise section.error("只能是 test（测试）或 production（生产）", "kind")
    return TargetKind(text)


def _query_url(section: Section, url: str) -> str:
    """Our own platform answers queries beside the address for reports; another one must be said not to."""
    if not section.get("answers_queries", bool, True):
        return ""
    return reachable(section, "query_url", section.text("query_url", urljoin(url, "query")))


def _credentials(section: Section) -> dict[str, Credential]:
    """By institution: each with its token elsewhere, or all in one table that is as secret as they are."""
    inner = section.optional("credentials")
    if inner is None or set(inner.data) != {"file"}:
        named = section.named("credentials")
        return {code: _credential(each.known("paasid", "token"), each.secret("token")) for code, each in named.items()}
    path = section.file.parent / inner.need("file", str)
    rows = rosterfile.rows(path, rosterfile.CREDENTIAL_COLUMNS)
    return {each.need("code", str): _credential(each, each.need("token", str)) for each in rows}


def _credential(section: Section, token: str) -> Credential:
    paasid = section.need("paasid", str)
    if not sendable(paasid):
        raise section.error("应用编号只能是英文字母、数字和半角符号，不含空格和中文", "paasid")
    return Credential(paasid, token)
