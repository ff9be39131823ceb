"""The manifest of a database: which `.sql` files read each data set (contract: sql.py), and on which products they run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from adapters.choices import choice, nearest
from adapters.databases import mislabelled
from adapters.databases.connection import SiteDatabase
from adapters.databases.sql import (
    LOOKUP_PARAMETERS,
    PARAMETERS,
    WINDOW_PARAMETERS,
    KeyKind,
    Query,
    SqlSource,
    Statement,
    parameters,
)
from adapters.plan import Opener, Parts
from adapters.site import Site
from gateway.errors import ConfigError
from gateway.model import Reading
from schemas import yamlfile
from schemas.yamlfile import Section


@dataclass(frozen=True, slots=True)
class SqlPlan:
    """The queries of every data set."""

    dialects: tuple[str, ...]
    entries: Mapping[str, Query]

    def opener(self, profile: str, site: Site) -> Opener:
        """See adapters.plan."""
        database = _database(site)
        if database.dialect not in self.dialects:
            raise site.wrong(f"适配包 {profile} 只用于 {'、'.join(self.dialects)}，不用于 {database.dialect}")
        if site.encoding:
            self._refuse_perilous(site)

        def opened(dataset: str, parts: Parts) -> SqlSource:
            return SqlSource(
                parts.name, self.entries[dataset], parts.mapping, parts.facts, database, parts.bounds, parts.digest, parts.swift
            )

        return opened

    def _refuse_perilous(self, site: Site) -> None:
        """A query with a character that the server would read a backslash in says something else than what was written."""
        for statement in (each for query in self.entries.values() for each in _statements(query)):
            if found := mislabelled.perilous(statement.sql):
                raise site.wrong(f"{statement.file} 里的“{found}”字在 GBK 里带反斜杠，写了 encoding 就不能用，请换个写法")


def _statements(query: Query) -> tuple[Statement, ...]:
    main = Statement(query.file, query.sql)
    further = (query.window, query.lookup, query.mark, query.count, *query.children.values())
    return (main, *(each for each in further if each))


def _database(site: Site) -> SiteDatabase:
    if site.url is None:
        raise site.wrong("适配包读的是数据库，请写 url", "url")
    try:
        return SiteDatabase(
            site.url, site.statement_timeout, site.password_from, encoding=site.encoding, oracle_client=site.oracle_client
        )
    except ConfigError as error:
        raise site.wrong(str(error)) from None


def read(folder: Path, section: Section) -> SqlPlan:
    """The plan of a manifest of kind sql. SpecError names file and key."""
    return SqlPlan(
        dialects=section.texts("dialects"),
        entries={code: _query(folder, code, each) for code, each in section.named("datasets").items()},
    )


def _query(folder: Path, dataset: str, section: Section) -> Query:
    section.known("query", "mapping", "takes", "reading", "key", "window", "lookup", "mark", "count", "children", "snapshot")
    main = _statement(folder, section, "query", section.need("query", str))
    reading = choice(section, "reading", Reading)
    query = Query(
        dataset=dataset,
        file=main.file,
        sql=main.sql,
        takes=_takes(section, main.sql, reading),
        reading=reading,
        key=choice(section, "key", KeyKind),
        window=_optional(folder, section, "window", WINDOW_PARAMETERS),
        lookup=_optional(folder, section, "lookup", LOOKUP_PARAMETERS),
        mark=_optional(folder, section, "mark", frozenset()),
        count=_optional(folder, section, "count", parameters(main.sql) & {"from", "to"}),
        children=_children(folder, section),
        snapshot=section.text("snapshot"),
    )
    if (query.window is None) is not (query.lookup is None):
        raise section.error("window 与 lookup 须一同写：少了哪一个，都不能确认一行是否真的没有了", "window")
    if query.snapshot and query.window:
        raise section.error("只报现在情况的数据集没有 window 和 lookup", "snapshot")
    if query.children and reading is Reading.INCREMENTAL and not query.window:
        told = "有子表又接着读（incremental）的须写 window 和 lookup：只改了子表的，靠它们才发现；不能写就用 rescan"
        raise section.error(told, "children")
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
            raise section.error(f"没有参数 {name}{nearest(name, PARAMETERS)}；可用：{'、'.join(PARAMETERS)}", "takes")
    found = parameters(sql)
    if found != set(takes):
        differing = "、".join(f":{name}" for name in sorted(found ^ set(takes)))
        raise section.error(f"与 {section.text('query')} 里的参数不一致：{differing}（注释里的也算）", "takes")
    if not {"after_key", "limit"} <= found:
        raise section.error("查询须用到 :after_key 和 :limit，否则不能分页", "takes")
    if "after_time" in found and reading is Reading.RESCAN:
        raise section.error("每次从头重读（rescan）的查询不用 :after_time", "takes")
    return frozenset(takes)
