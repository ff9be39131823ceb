"""Read the site's configuration once; `main` hands the parts on. Unknown keys are errors; secrets are never literal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway import oversight
from gateway.config.institutions import Institution, institution, listed
from gateway.config.listening import ROOMS, Console, Http, Push, console, http, push
from gateway.config.schedule import Schedule, schedule
from gateway.config.sources import Source, address_in, source
from gateway.config.storage import Storage, storage, store_url
from gateway.config.targets import Target, TargetKind, target
from gateway.config.tiers import SECTIONS, Tiers, tiers
from gateway.oversight import Alerts
from schemas import callers, logfile, overlay, yamlfile
from schemas.callers import Callers
from schemas.errors import SpecError
from schemas.logfile import LogFile
from schemas.yamlfile import Section

__all__ = [
    "Config",
    "Console",
    "Http",
    "Institution",
    "Push",
    "Schedule",
    "Source",
    "Storage",
    "Target",
    "TargetKind",
    "Tiers",
    "address_in",
    "load",
]

_SECTIONS = ("store", "edition", "institutions", "targets", "sources", "schedule", *ROOMS, *SECTIONS, "log", "alerts")


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration."""

    store_url: str = field(repr=False)  #: may hold a password
    storage: Storage
    edition: str | Path  #: for `schemas.overlay.load`
    institutions: Mapping[str, Institution]
    targets: Mapping[str, Target]
    sources: tuple[Source, ...]
    schedule: Schedule
    tiers: Tiers
    http: Http | None = None  #: None: nothing is listened to
    push: Push | None = None
    log: LogFile | None = None  #: beside standard error
    monitoring: Callers = field(default_factory=Callers)
    alerts: Alerts = field(default_factory=Alerts)
    console: Console | None = None
    secret_files: tuple[Path, ...] = ()  #: that passwords and keys are taken from


def load(path: Path) -> Config:
    """Read `path`. SpecError names file, line and key of the first mistake; relative paths count from its folder."""
    section = yamlfile.read(path).known(*_SECTIONS)
    institutions = {each.code: each for each in map(institution, listed(section))}
    targets = {name: target(name, each, institutions) for name, each in section.named("targets").items()}
    sources = tuple(source(each, institutions, targets) for each in section.sections("sources"))
    for key, found in (("institutions", institutions), ("targets", targets), ("sources", sources)):
        if not found:
            raise section.error("至少要有一项", key)
    _refuse_doubled(section, sources)
    _refuse_unsendable(section, sources, targets)
    return Config(
        store_url=store_url(section.section("store")),
        storage=storage(section.section("store")),
        edition=overlay.named(section),
        institutions=institutions,
        targets=targets,
        sources=sources,
        schedule=schedule(section.optional("schedule"), section.file),
        tiers=tiers(section),
        http=http(section),
        push=push(section.optional("push")),
        log=logfile.log_file(section.optional("log")),
        monitoring=callers.callers(section.optional("monitoring")),
        alerts=oversight.alerts(section.optional("alerts"), "、".join(each.name for each in institutions.values())[:40]),
        console=console(section.optional("console")),
        secret_files=tuple(dict.fromkeys(_secret_files(section.data, section.file.parent))),
    )


def _secret_files(data: Any, folder: Path) -> Iterator[Path]:
    """Files that a secret is taken from: `{file: …}` anywhere but where a table of institutions is named."""
    for key, value in data.items():
        found = value if isinstance(value, list) else [value]
        for each in found:
            if isinstance(each, dict) and set(each) == {"file"} and key != "institutions":
                yield folder / str(each["file"])
            elif isinstance(each, dict):
                yield from _secret_files(each, folder)


def _refuse_unsendable(section: Section, sources: tuple[Source, ...], targets: Mapping[str, Target]) -> None:
    """Without a key for it, an institution's rows would be read in and wait for ever."""
    for each in sources:
        for name in each.targets:
            for code in each.institutions:
                if code not in targets[name].credentials:
                    told = f"来源 {each.name} 把机构 {code} 的数据报送到目标 {name}，但目标 {name} 没有机构 {code} 的密钥"
                    raise section.section("targets").section(name).error(told, "credentials")


def _refuse_doubled(section: Section, sources: tuple[Source, ...]) -> None:
    names = [source.name for source in sources]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise SpecError(f"来源名称重复：{'、'.join(doubled)}", file=section.file, key="sources")
