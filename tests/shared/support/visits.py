"""A profile over the table `visit` of the adapters' tests: its manifest, its folder, the sources opened from it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import URL

from adapters import profile
from adapters.databases.sql import SqlSource
from adapters.profile import Site
from schemas.model import Edition


def manifest(takes: str, reading: str, more: str = "") -> str:
    """Of a data set T1 that sweeps."""
    return f"""
product: 甲
vendor: 乙
kind: sql
dialects: [sqlite]
datasets:
  T1:
    query: T1.sql
    window: window.sql
    lookup: lookup.sql
    mapping: T1.yaml
    takes: [{takes}]
    reading: {reading}
    key: integer
{more}"""


def swept(head: str) -> dict[str, str]:
    """The two queries by which it sweeps, over the columns of `head`."""
    return {
        "window.sql": f"{head} WHERE changed >= :from AND changed < :to AND id > :after_key ORDER BY id LIMIT :limit",
        "lookup.sql": f"{head} WHERE id IN :keys ORDER BY id",
    }


def written(folder: Path, files: Mapping[str, str]) -> Path:
    """The folder with these files."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")
    return folder


def opened(folder: Path, site: Path, edition: Edition) -> list[SqlSource]:
    """Its sources on a SQLite site."""
    return profile.open_sources(profile.load(folder), Site("门诊", URL.create("sqlite", database=str(site)), "H1"), edition)
