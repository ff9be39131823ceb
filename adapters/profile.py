"""A profile: one folder that teaches the gateway one product. Adding a product adds a folder and edits nothing else.

    manifest.yaml       product, versions seen, what a site must declare, and per data set its query and mapping
    queries/*.sql       sent as they are (contract: adapters/sql.py)
    mapping/*.yaml      local column -> spec field (adapters/mappingfile.py)
    quality.yaml        done | todo | exempt, each with a sentence (adapters/quality.py)
    NOTES.md            what was found, the traps, what the site must declare

A site may keep its own profile anywhere: a built-in name is `his/openhis`, anything else is a path.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

from sqlalchemy import URL

from adapters import catalogue, mappingfile
from adapters.catalogue import Catalogue
from adapters.compiled import CompiledMapping
from adapters.connection import SiteDatabase
from adapters.mapping import RowMapping
from adapters.origins import SiteFacts
from adapters.sql import (
    LOOKUP_PARAMETERS,
    PARAMETERS,
    WINDOW_PARAMETERS,
    KeyKind,
    Query,
    SqlSource,
    Statement,
    Window,
    parameters,
)
from gateway.errors import ConfigError
from gateway.model import Reading
from schemas import yamlfile
from schemas.model import Edition
from schemas.yamlfile import Section

E = TypeVar("E", bound=StrEnum)
_BUILT_IN = Path(__file__).parent
_SHELVES = ("his", "pos")


@dataclass(frozen=True, slots=True)
class Declaration:
    """Something the product does not hold, so a site may or must declare it."""

    name: str
    label: str  #: Chinese; what the site is asked
    values: tuple[str, ...] = ()  #: the only answers; empty: any text


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile folder, read and checked as far as it goes without an edition."""

    name: str
    folder: Path
    product: str
    vendor: str
    versions: tuple[str, ...]  #: versions of the product it was tried on
    dialects: tuple[str, ...]
    constants: Mapping[str, Declaration]
    catalogue_key: str  #: column that finds a row in the site's catalogue; empty: it needs none
    catalogue_dates: tuple[str, str]  #: its columns of first and last day, if a catalogue may have them; ("", ""): none
    queries: Mapping[str, Query]
    mappings: Mapping[str, Path]


@dataclass(frozen=True, slots=True)
class Site:
    """One database of one institution, as the site's configuration describes it."""

    name: str
    url: URL
    institution: str  #: fixmedins_code
    constants: Mapping[str, str] = field(default_factory=dict)
    catalogue: Path | None = None
    datasets: tuple[str, ...] = ()  #: empty: all that the profile has
    statement_timeout: int = 30  #: seconds
    since: datetime | None = None  #: business time before it is not reported; bound to :from
    until: datetime | None = None  #: nor business time from here on; bound to :to
    others: tuple[str, ...] = ()  #: further institutions whose rows the database holds
    password_from: str = ""  #: the file or the environment variable that the password is in, for messages


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
    section = yamlfile.read(folder / "manifest.yaml").known(
        *("product", "vendor", "versions", "kind", "dialects", "constants", "catalogue_key", "catalogue_dates", "datasets")
    )
    if section.need("kind", str) != "sql":
        raise section.error("目前只能是 sql", "kind")
    datasets = section.section("datasets")
    entries = {code: datasets.section(code) for code in datasets.data}
    return Profile(
        name=str(name),
        folder=folder,
        product=section.need("product", str),
        vendor=section.need("vendor", str),
        versions=section.texts("versions"),
        dialects=section.texts("dialects"),
        constants={name: _declaration(name, each) for name, each in section.named("constants").items()},
        catalogue_key=section.text("catalogue_key"),
        catalogue_dates=_catalogue_dates(section),
        queries={code: _query(folder, code, each) for code, each in entries.items()},
        mappings={code: folder / each.need("mapping", str) for code, each in entries.items()},
    )


def _catalogue_dates(section: Section) -> tuple[str, str]:
    inner = section.optional("catalogue_dates")
    if inner is None:
        return ("", "")
    inner.known("first", "last")
    return (inner.need("first", str), inner.need("last", str))


def _declaration(name: str, section: Section) -> Declaration:
    section.known("label", "values")
    return Declaration(name, section.need("label", str), section.texts("values"))


def _query(folder: Path, dataset: str, section: Section) -> Query:
    section.known("query", "mapping", "takes", "reading", "key", "window", "lookup", "mark", "count", "children")
    main = _statement(folder, section, "query", section.need("query", str))
    reading = _choice(section, "reading", Reading)
    query = Query(
        dataset=dataset,
        file=main.file,
        sql=main.sql,
        takes=_takes(section, main.sql, reading),
        reading=reading,
        key=_choice(section, "key", KeyKind),
        window=_optional(folder, section, "window", WINDOW_PARAMETERS),
        lookup=_optional(folder, section, "lookup", LOOKUP_PARAMETERS),
        mark=_optional(folder, section, "mark", frozenset()),
        count=_optional(folder, section, "count", parameters(main.sql) & {"from", "to"}),
        children=_children(folder, section),
    )
    if (query.window is None) is not (query.lookup is None):
        raise section.error("window 与 lookup 须一同写：少了哪一个，都不能确认一行是否真的没有了", "window")
    return query


def _children(folder: Path, section: Section) -> dict[str, Statement]:
    inner = section.optional("children")
    found = {name: _optional(folder, inner, name, LOOKUP_PARAMETERS) for name in inner.data} if inner else {}
    return {name: statement for name, statement in found.items() if statement}


def _statement(folder: Path, section: Section, key: str, file: str) -> Statement:
    try:
        return Statement(file, (folder / file).read_text(encoding=yamlfile.ENCODING))
    except (OSError, UnicodeDecodeError):
        raise section.error(f"读不到 {file}（须为 UTF-8 文本）", key) from None


def _optional(folder: Path, section: Section, key: str, takes: frozenset[str]) -> Statement | None:
    """A further query of the data set; it takes just what its kind takes."""
    file = section.text(key)
    if not file:
        return None
    statement = _statement(folder, section, key, file)
    found = parameters(statement.sql)
    if found != takes:
        wanted = "、".join(f":{name}" for name in sorted(takes)) or "没有参数"
        raise section.error(f"{file} 的参数应为 {wanted}（注释里的也算）", key)
    return statement


def _takes(section: Section, sql: str, reading: Reading) -> frozenset[str]:
    """The parameters the manifest names must be those the file has: a misspelt one would be bound to nothing."""
    takes = section.texts("takes")
    for name in takes:
        if name not in PARAMETERS:
            raise section.error(f"没有参数 {name}{_nearest(name, PARAMETERS)}；可用：{'、'.join(PARAMETERS)}", "takes")
    found = parameters(sql)
    if found != set(takes):
        differing = "、".join(f":{name}" for name in sorted(found ^ set(takes)))
        raise section.error(f"与 {section.text('query')} 里的参数不一致：{differing}（注释里的也算）", "takes")
    if not {"after_key", "limit"} <= found:
        raise section.error("查询须用到 :after_key 和 :limit，否则不能分页", "takes")
    if "after_time" in found and reading is Reading.RESCAN:
        raise section.error("每次从头重读（rescan）的查询不用 :after_time", "takes")
    return frozenset(takes)


def mapping(profile: Profile, dataset: str, edition: Edition) -> RowMapping:
    """The mapping of one data set, checked against the edition. SpecError names file and key."""
    path = profile.mappings[dataset]
    if dataset not in edition.datasets:
        raise ConfigError(
            f"规范 {edition.id} 没有数据集 {dataset}", file=profile.folder / "manifest.yaml", key=f"datasets.{dataset}"
        )
    rules = mappingfile.read(path, edition, dataset, profile.constants, profile.catalogue_key)
    if astray := sorted(rules.children.keys() ^ profile.queries[dataset].children.keys()):
        told = f"子表 {'、'.join(astray)} 须同时写在 {path.name} 的 children 和 manifest.yaml 的 children 里"
        raise ConfigError(told, file=profile.folder / "manifest.yaml", key=f"datasets.{dataset}.children")
    return rules


def open_sources(profile: Profile, site: Site, edition: Edition) -> list[SqlSource]:
    """The sources of a site, one per data set. Nothing is read and no connection is opened yet.

    ConfigError if the site's configuration does not fit the profile, SpecError if the profile is wrong.
    """
    try:
        database = SiteDatabase(site.url, site.statement_timeout, site.password_from)
    except ConfigError as error:
        raise ConfigError(f"数据源 {site.name}：{error}") from None
    if database.dialect not in profile.dialects:
        raise ConfigError(
            f"数据源 {site.name}：适配包 {profile.name} 只用于 {'、'.join(profile.dialects)}，不用于 {database.dialect}"
        )
    facts = SiteFacts(site.institution, _declared(profile, site), _catalogue(profile, site), frozenset(site.others))
    window = Window(site.since, site.until)
    sources: list[SqlSource] = []
    for code in _wanted(profile, site):
        rules = mapping(profile, code, edition)
        swift = CompiledMapping(rules, facts, edition).content
        digest = _digest(profile, code, site, edition)
        sources.append(SqlSource(site.name, profile.queries[code], rules, facts, database, window, digest, swift))
    return sources


def _digest(profile: Profile, dataset: str, site: Site, edition: Edition) -> str:
    """Of the files, declarations and code tables that decide what a row of this data set becomes."""
    query = profile.queries[dataset]
    found = edition.datasets[dataset]
    codes = sorted({each.codes for each in found.fields if each.codes})
    parts: tuple[object, ...] = (
        query.sql,
        query.window.sql if query.window else "",
        profile.mappings[dataset].read_text(encoding="utf-8"),
        site.catalogue.read_bytes().hex() if site.catalogue else "",
        sorted(site.constants.items()),
        edition.id,
        [(code, sorted(edition.codes[code].values.items())) for code in codes if code in edition.codes],
        [repr(each) for each in found.fields],
    )
    if site.since or site.until or site.others:
        parts = (*parts, repr((site.since, site.until, sorted(site.others))))
    if query.children:
        parts = (*parts, sorted((name, each.sql) for name, each in query.children.items()))
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _wanted(profile: Profile, site: Site) -> tuple[str, ...]:
    for code in site.datasets:
        if code not in profile.queries:
            raise ConfigError(f"数据源 {site.name}：适配包 {profile.name} 没有数据集 {code}（有：{'、'.join(profile.queries)}）")
    return site.datasets or tuple(profile.queries)


def _declared(profile: Profile, site: Site) -> Mapping[str, str]:
    for name, value in site.constants.items():
        known = profile.constants.get(name)
        if known is None:
            raise ConfigError(
                f"数据源 {site.name}：适配包 {profile.name} 不用常量 {name}{_nearest(name, profile.constants)}",
                key=f"constants.{name}",
            )
        if known.values and value not in known.values:
            raise ConfigError(f"数据源 {site.name}：{known.label}，只能是 {'、'.join(known.values)}", key=f"constants.{name}")
    return site.constants


def _catalogue(profile: Profile, site: Site) -> Catalogue | None:
    if site.catalogue is None:
        return None
    if not profile.catalogue_key:
        raise ConfigError(f"数据源 {site.name}：适配包 {profile.name} 不用目录对照表", key="catalogue")
    return catalogue.read(site.catalogue, profile.catalogue_key, profile.catalogue_dates)


def _choice(section: Section, key: str, kind: type[E]) -> E:
    try:
        return kind(section.need(key, str))
    except ValueError:
        raise section.error(f"只能是 {'、'.join(kind)} 之一", key) from None


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"，是否想写 {near[0]}？" if near else ""
