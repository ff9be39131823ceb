"""A profile: one folder that teaches the gateway one product. Adding a product adds a folder and edits nothing else.

    manifest.yaml       product, versions seen, what a site must declare, and per data set its query and mapping
    queries/*.sql       sent as they are (contract: adapters/databases/sql.py)
    mapping/*.yaml      local column -> spec field (adapters/mappingfile.py)
    quality.yaml        done | todo | exempt, each with a sentence (adapters/quality.py)
    NOTES.md            what was found, the traps, what the site must declare

A site may keep its own profile anywhere: a built-in name is `his/openhis`, anything else is a path.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters import catalogue, mappingfile
from adapters.bounds import Window
from adapters.catalogue import Catalogue
from adapters.choices import nearest
from adapters.compiled import CompiledMapping
from adapters.databases.sql import Query
from adapters.databases.sqlplan import SqlPlan
from adapters.kinds import KINDS
from adapters.mapping import RowMapping
from adapters.origins import SiteFacts
from adapters.plan import Parts, Plan, Swift
from adapters.site import Site as Site
from adapters.watching import Watch, watching
from gateway.errors import ConfigError
from gateway.ports import SweptSource
from schemas import yamlfile
from schemas.errors import SpecError
from schemas.model import Edition
from schemas.yamlfile import Section

_BUILT_IN = Path(__file__).parent
_SHELVES = ("his", "pos")
#: of a manifest of whatever kind
_KEYS = ("product", "vendor", "versions", "kind", "constants", "catalogues", "datasets", "draft")
#: the part of a mapping that decides nothing of a record: another one, and nothing need be read again
_SHOWN = re.compile(r"^shown:.*\n?(?:[ \t]+.*\n?)*", re.MULTILINE)
#: `SELECT *` and `t.*` name no column
_EVERYTHING = re.compile(r"(?:\bselect\s+|\.)\*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Declaration:
    """Something the product does not hold, so a site may or must declare it."""

    name: str
    label: str  #: Chinese; what the site is asked
    values: tuple[str, ...] = ()  #: the only answers; empty: any text


@dataclass(frozen=True, slots=True)
class Directory:
    """A catalogue that a site may or must supply."""

    key: str  #: column that finds a row, of the query and of the catalogue
    label: str  #: Chinese; what the site is asked
    dates: tuple[str, str] = ("", "")  #: its columns of first and last day, if it may have them


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile folder, read and checked as far as it goes without an edition."""

    name: str
    folder: Path
    product: str
    vendor: str
    versions: tuple[str, ...]  #: versions of the product it was tried on
    kind: str  #: of its sources: a key of adapters.kinds
    constants: Mapping[str, Declaration]
    catalogues: Mapping[str, Directory]  #: by the column that finds a row
    plan: Plan
    mappings: Mapping[str, Path]
    draft: bool = False  #: as `gateway profile new` wrote it: nothing is reported until a person has looked at every field

    @property
    def queries(self) -> Mapping[str, Query]:
        """Of a profile of databases; none of another kind."""
        return self.plan.entries if isinstance(self.plan, SqlPlan) else {}

    @property
    def dialects(self) -> tuple[str, ...]:
        """The databases that its queries run on; none of another kind."""
        return self.plan.dialects if isinstance(self.plan, SqlPlan) else ()


def discover() -> dict[str, Path]:
    """Built-in profiles: name -> folder. A new folder with a manifest.yaml is found by itself."""
    manifests = (path for shelf in _SHELVES for path in sorted((_BUILT_IN / shelf).glob("*/manifest.yaml")))
    return {f"{path.parent.parent.name}/{path.parent.name}": path.parent for path in manifests}


def load(name: str | Path) -> Profile:
    """Read the built-in profile of that name, or the one at that path.

    ConfigError if there is none; SpecError names file and key of what is wrong in it.
    """
    built_in = discover()
    folder = built_in.get(str(name)) or Path(name)
    if not (folder / "manifest.yaml").is_file():
        raise ConfigError(f"没有适配包 {name}：既不是内置的（{'、'.join(built_in)}），也不是含 manifest.yaml 的目录")
    section = yamlfile.read(folder / "manifest.yaml")
    kind = KINDS.get(section.need("kind", str))
    if kind is None:
        raise section.error(f"只能是 {'、'.join(KINDS)} 之一", "kind")
    section.known(*_KEYS, *kind.keys)
    return Profile(
        name=str(name),
        folder=folder,
        product=section.need("product", str),
        vendor=section.need("vendor", str),
        versions=section.texts("versions"),
        kind=section.need("kind", str),
        constants={name: _declaration(name, each) for name, each in section.named("constants").items()},
        catalogues={key: _directory(key, each) for key, each in section.named("catalogues").items()},
        plan=kind.read(folder, section),
        mappings={code: folder / each.need("mapping", str) for code, each in section.named("datasets").items()},
        draft=bool(section.get("draft", bool, False)),
    )


def _directory(key: str, section: Section) -> Directory:
    section.known("label", "first", "last")
    dates = (section.text("first"), section.text("last"))
    if any(dates) and not all(dates):
        raise section.error("first 与 last 须一起写", "first")
    return Directory(key, section.need("label", str), dates)


def _declaration(name: str, section: Section) -> Declaration:
    section.known("label", "values")
    return Declaration(name, section.need("label", str), section.texts("values"))


def mapping(profile: Profile, dataset: str, edition: Edition) -> RowMapping:
    """The mapping of one data set, checked against the edition. SpecError names file and key."""
    path = profile.mappings[dataset]
    if dataset not in edition.datasets:
        raise ConfigError(
            f"规范 {edition.id} 没有数据集 {dataset}", file=profile.folder / "manifest.yaml", key=f"datasets.{dataset}"
        )
    rules = mappingfile.read(path, edition, dataset, profile.constants, profile.catalogues)
    if astray := sorted(rules.children.keys() ^ set(profile.plan.entries[dataset].children)):
        told = f"子表 {'、'.join(astray)} 须同时写在 {path.name} 的 children 和 manifest.yaml 的 children 里"
        raise ConfigError(told, file=profile.folder / "manifest.yaml", key=f"datasets.{dataset}.children")
    if query := profile.queries.get(dataset):
        _check_shown(rules, query, path)
    return rules


def _check_shown(rules: RowMapping, query: Query, path: Path) -> None:
    """A misspelt column would be noticed only with the first row: each statement that yields rows must name it."""
    found = {query.file: query.sql, **{each.file: each.sql for each in (query.window, query.lookup) if each}}
    for file, sql in found.items():
        for column in rules.shown.columns:
            if not re.search(rf"\b{re.escape(column)}\b", sql) and not _EVERYTHING.search(sql):
                raise SpecError(f"{file} 没有列 {column}", file=path, key="shown")


def open_sources(profile: Profile, site: Site, edition: Edition, watch: Watch | None = None) -> list[SweptSource]:
    """The sources of a site, one per data set. Nothing is read and no connection is opened yet.

    `watch` is shown every row as it was read, beside what became of it.

    ConfigError if the site's configuration does not fit the profile, SpecError if the profile is wrong.
    """
    opener = profile.plan.opener(profile.name, site)
    others, codes = frozenset(site.others), site.institution_codes
    facts = SiteFacts(site.institution, _declared(profile, site), _catalogues(profile, site), others, codes)
    window = Window(site.since, site.until)
    sources: list[SweptSource] = []
    for code in _wanted(profile, site):
        rules = mapping(profile, code, edition)
        swift: Swift = CompiledMapping(rules, facts, edition).content
        if watch is not None:
            rules, swift = watching(rules, watch), _unsure
        parts = Parts(site.name, rules, facts, window, _digest(profile, code, site, edition), swift)
        sources.append(opener(code, parts))
    return sources


def _unsure(row: Mapping[str, Any]) -> None:
    """Every row goes the way on which it can be watched."""


def _digest(profile: Profile, dataset: str, site: Site, edition: Edition) -> str:
    """Of the files, declarations and code tables that decide what a row of this data set becomes."""
    entry = profile.plan.entries[dataset]
    found = edition.datasets[dataset]
    codes = sorted({each.codes for each in found.fields if each.codes})
    parts: tuple[object, ...] = (
        *entry.decides(),
        _SHOWN.sub("", profile.mappings[dataset].read_text(encoding="utf-8")),
        [(key, _digest_of(path)) for key, path in sorted(site.catalogues.items())],
        [(key, each.dates) for key, each in sorted(profile.catalogues.items())],
        site.institution,
        sorted(site.constants.items()),
        edition.id,
        [(code, sorted(edition.codes[code].values.items())) for code in codes if code in edition.codes],
        [repr(each) for each in found.fields],
    )
    if site.since or site.until or site.others:
        parts = (*parts, repr((site.since, site.until, sorted(site.others))))
    if site.institution_codes:
        parts = (*parts, sorted(site.institution_codes.items()))
    if lines := entry.lines():
        parts = (*parts, lines)
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _digest_of(path: Path) -> str:
    """A national catalogue has tens of megabytes, and each data set asks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _wanted(profile: Profile, site: Site) -> tuple[str, ...]:
    for code in site.datasets:
        if code not in profile.mappings:
            raise ConfigError(f"数据源 {site.name}：适配包 {profile.name} 没有数据集 {code}（有：{'、'.join(profile.mappings)}）")
    return site.datasets or tuple(profile.mappings)


def _declared(profile: Profile, site: Site) -> Mapping[str, str]:
    for name, value in site.constants.items():
        known = profile.constants.get(name)
        if known is None:
            raise ConfigError(
                f"数据源 {site.name}：适配包 {profile.name} 不用常量 {name}{nearest(name, profile.constants)}",
                key=f"constants.{name}",
            )
        if known.values and value not in known.values:
            raise ConfigError(f"数据源 {site.name}：{known.label}，只能是 {'、'.join(known.values)}", key=f"constants.{name}")
    return site.constants


def _catalogues(profile: Profile, site: Site) -> Mapping[str, Catalogue]:
    found: dict[str, Catalogue] = {}
    known = "、".join(profile.catalogues) or "无"
    for name, path in site.catalogues.items():
        if not name and len(profile.catalogues) > 1:
            raise site.wrong(f"适配包 {profile.name} 的目录对照表有几个，请按查表用的列分别写：{known}", "catalogue")
        directory = profile.catalogues.get(name or next(iter(profile.catalogues), ""))
        if directory is None:
            raise site.wrong(f"适配包 {profile.name} 不用目录对照表{f' {name}' if name else ''}（有：{known}）", "catalogue")
        found[directory.key] = catalogue.read(path, directory.key, directory.dates)
    return found
