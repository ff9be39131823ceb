"""compliance.yaml, read once in `main` and handed on in parts. Secrets only from a file or the environment."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from compliance import epochs
from compliance.errors import ConfigError
from schemas import address, callers, identity, logfile, overlay, signature, yamlfile
from schemas.callers import Callers
from schemas.errors import SpecError
from schemas.logfile import LogFile
from schemas.yamlfile import Section

_KEYS = (
    "district",
    "admdvs",
    "store",
    "listen",
    "edition",
    "credentials",
    "clock_tolerance_seconds",
    "fencing_days",
    "log",
    "monitoring",
)
_SQLITE = "sqlite:///"
_HOST, _PORT = "127.0.0.1", 8600
_ADMDVS = "000000"


@dataclass(frozen=True, slots=True)
class Config:
    """What one bureau decided. Paths are absolute, `store` is a resolved URL."""

    district: str
    store: str
    credentials: Path
    admdvs: str = _ADMDVS  #: six digits of the district, first part of every inf_refmsgid
    host: str = _HOST
    port: int = _PORT
    edition: str | Path = "reference"  #: for `schemas.overlay.load`
    tolerance: timedelta = timedelta(seconds=signature.TOLERANCE)
    fencing: timedelta = epochs.WINDOW  #: how long after one gateway's last message a second one is refused
    log: LogFile | None = None  #: beside standard error
    monitoring: Callers = field(default_factory=Callers)  #: who may ask for `/metrics`

    def __repr__(self) -> str:
        return f"Config(district={self.district!r}, store=***)"


def load(path: Path) -> Config:
    """Read the file. ConfigError names file, line and key. Relative paths count from the file's folder."""
    try:
        return _config(yamlfile.read(path).known(*_KEYS), path.resolve().parent)
    except SpecError as error:
        raise ConfigError(str(error)) from None


def _config(section: Section, folder: Path) -> Config:
    listen = section.optional("listen")
    host, port = _listen(listen) if listen else (_HOST, _PORT)
    admdvs = section.text("admdvs", _ADMDVS)
    if fault := identity.district_fault(admdvs):
        raise section.error(fault, "admdvs")
    return Config(
        district=section.need("district", str),
        admdvs=admdvs,
        store=_store_url(section, folder),
        host=host,
        port=port,
        edition=overlay.named(section),
        credentials=folder / section.need("credentials", str),
        tolerance=_tolerance(section),
        fencing=_fencing(section),
        log=logfile.log_file(section.optional("log")),
        monitoring=callers.callers(section.optional("monitoring")),
    )


def _listen(section: Section) -> tuple[str, int]:
    section.known("host", "port")
    port = section.get("port", int, _PORT)
    if port is None or not 0 <= port <= 65535:
        raise section.error("端口应在 0 至 65535 之间", "port")
    return section.text("host", _HOST), port


def _tolerance(section: Section) -> timedelta:
    key = "clock_tolerance_seconds"
    seconds = section.get(key, int, signature.TOLERANCE)
    if seconds is None or not 1 <= seconds <= 3600:
        raise section.error("应在 1 至 3600 秒之间", key)
    return timedelta(seconds=seconds)


def _fencing(section: Section) -> timedelta:
    days = section.get("fencing_days", int, epochs.WINDOW.days)
    if days is None or not 1 <= days <= 366:
        raise section.error("应在 1 至 366 天之间", "fencing_days")
    return timedelta(days=days)


def _store_url(section: Section, folder: Path) -> str:
    if isinstance(section.data.get("store"), dict):
        url = section.secret("store")
    else:
        url = section.need("store", str)
        if address.holds_secret(url):
            raise section.error("地址里有口令，不得写在配置文件中，请改用 {env: 变量名} 或 {file: 文件}", "store")
    if address.in_memory(url):
        raise section.error("不能用内存里的存储：程序一停就没有了；请写成 sqlite:///文件", "store")
    path = url.removeprefix(_SQLITE)
    return f"{_SQLITE}{folder / path}" if path != url and path else url
