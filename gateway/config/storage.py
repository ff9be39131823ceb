"""The gateway's own store: where it is, by which key it is sealed, and how long it keeps what it holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from gateway.config.places import address_of, database_url
from schemas import address
from schemas.yamlfile import Section

_MIB = 1024 * 1024
_PRODUCTS = ("sqlite", "postgresql", "mysql", "mariadb")  #: whose locks and transactions the store is tried on


@dataclass(frozen=True, slots=True)
class Storage:
    """How the store keeps what it holds."""

    key: str | Path | None = field(repr=False)  #: the keys, or the file they are in; None: a file beside the SQLite store
    keep_days: int  #: bodies are shredded so long after every target took them
    disk_budget: int  #: bytes the store may grow to before a person is told; 0: no such limit
    disk_floor: int  #: free bytes below which nothing more is read in


def store_url(section: Section) -> str:
    """A relative SQLite path counts from the configuration's folder, wherever the program is started."""
    section.known("url", "key", "keep_days", "disk_budget", "disk_floor")
    text = address_of(section)
    url = database_url(section, text)
    if address.in_memory(text):
        raise section.error("不能用内存里的库：程序一停，台账就没有了；请写成 sqlite:///文件", "url")
    if url.get_backend_name() not in _PRODUCTS:
        raise section.error("本地库只能放在 SQLite、PostgreSQL、MySQL、MariaDB 里（来源不受此限）", "url")
    if url.get_backend_name() == "sqlite" and url.database:
        url = url.set(database=str(section.file.parent / url.database))
    return url.render_as_string(hide_password=False)


def storage(section: Section) -> Storage:
    return Storage(
        key=_store_key(section),
        keep_days=section.at_least("keep_days", 1, 60),
        disk_budget=section.at_least("disk_budget", 0, 0) * _MIB,
        disk_floor=section.at_least("disk_floor", 0, 1024) * _MIB,
    )


def _store_key(section: Section) -> str | Path | None:
    """A key file is handed on by its name: a new store makes it. Beside a server there is none to make it beside."""
    inner = section.optional("key")
    if inner is None:
        in_box = database_url(section, store_url(section)).get_backend_name() == "sqlite"
        return None if in_box else section.file.parent / "store.key"
    if set(inner.data) == {"file"}:
        return section.file.parent / inner.need("file", str)
    return section.secret("key")
