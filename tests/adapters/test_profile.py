"""A profile folder and a site's settings are read strictly; nothing is opened before it fits."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, make_url

from adapters import profile
from adapters.profile import Site
from gateway.errors import ConfigError
from schemas.errors import SpecError
from schemas.model import Edition
from schemas.wire import SHANGHAI

MANIFEST = """
product: 甲
vendor: 乙
versions: ["1"]
kind: sql
dialects: [sqlite]
catalogues: {bar: {label: 商品目录}}
constants:
  item_code: {label: 项目编码}
  counts: {label: 是否算数, values: ["yes", "no"]}
datasets:
  T1: {query: T1.sql, mapping: T1.yaml, takes: [after_key, limit], reading: rescan, key: integer}
"""
SQL = "SELECT id AS row_ref, id AS cursor_key, id, count, code FROM visit WHERE id > :after_key ORDER BY id LIMIT :limit\n"
MAPPING = "dataset: T1\nfields: {id: {column: id}, count: {column: count}, code: {column: code}}\nabsent: {lot: 没有}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A good profile outside the package."""
    place = tmp_path / "own"
    place.mkdir()
    for name, content in (("manifest.yaml", MANIFEST), ("T1.sql", SQL), ("T1.yaml", MAPPING)):
        (place / name).write_text(content, encoding="utf-8")
    return place


def site_of(path: Path, **more: Any) -> Site:
    return Site("门诊", URL.create("sqlite", database=str(path)), "H1", **more)


def test_a_profile_outside_the_package_is_opened_by_its_path(folder: Path, site: Path, edition: Edition) -> None:
    (source,) = profile.open_sources(profile.load(folder), site_of(site), edition)
    assert sum(len(page.rows) for page in source.pages(None, 5)) == 12


def test_another_institution_and_other_dates_of_a_catalogue_make_the_source_be_read_again(
    folder: Path, site: Path, edition: Edition
) -> None:
    """What was read before belongs to the wrong institution, or has the codes of today for March."""

    def digest(institution: str = "H1") -> str:
        (source,) = profile.open_sources(profile.load(folder), replace(site_of(site), institution=institution), edition)
        return source.digest

    before = digest()
    assert digest() == before != digest("H2")
    manifest = MANIFEST.replace("{label: 商品目录}", "{label: 商品目录, first: 起, last: 止}")
    (folder / "manifest.yaml").write_text(manifest, encoding="utf-8")
    assert digest() != before


def test_a_query_that_begins_with_a_byte_order_mark_is_read(folder: Path, site: Path, edition: Edition) -> None:
    (folder / "T1.sql").write_text(SQL, encoding="utf-8-sig")
    (source,) = profile.open_sources(profile.load(folder), site_of(site), edition)
    assert sum(len(page.rows) for page in source.pages(None, 5)) == 12


def test_what_the_site_declares_reaches_the_rows(folder: Path, site: Path, edition: Edition) -> None:
    (folder / "T1.yaml").write_text(MAPPING.replace("code: {column: code}", "code: {constant: item_code}"), encoding="utf-8")
    (source,) = profile.open_sources(profile.load(folder), site_of(site, constants={"item_code": "C9"}), edition)
    assert {row.values["code"] for page in source.pages(None, 5) for row in page.rows} == {"C9"}


def test_the_catalogue_of_the_site_reaches_the_rows(folder: Path, site: Path, edition: Edition, tmp_path: Path) -> None:
    (folder / "T1.sql").write_text(SQL.replace("code FROM", "code AS bar FROM"), encoding="utf-8")
    (folder / "T1.yaml").write_text(MAPPING.replace("code: {column: code}", "code: {catalogue: bar, take: yb}"), encoding="utf-8")
    (tmp_path / "c.csv").write_text("bar,yb\nX1,Y1\n", encoding="utf-8")
    (source,) = profile.open_sources(profile.load(folder), site_of(site, catalogues={"bar": tmp_path / "c.csv"}), edition)
    assert {row.values["code"] for page in source.pages(None, 5) for row in page.rows} == {"Y1"}


def test_another_first_day_or_further_institutions_make_the_source_be_read_again(
    folder: Path, site: Path, edition: Edition
) -> None:
    day = datetime(2026, 10, 2, tzinfo=SHANGHAI)
    sites = [site_of(site, **more) for more in ({}, {"since": day}, {"until": day}, {"others": ("H2",)})]
    digests = [each.digest for site in sites for each in profile.open_sources(profile.load(folder), site, edition)]
    assert len(set(digests)) == 4


SHOWN = MAPPING + "shown: {document: bill, department: ward}\n"


def test_by_what_the_sites_people_find_a_row_is_told_and_decides_nothing_of_it(folder: Path, site: Path, edition: Edition) -> None:
    (plain,) = profile.open_sources(profile.load(folder), site_of(site), edition)
    (folder / "T1.sql").write_text(SQL.replace("code FROM", "code, code AS bill, 7 AS ward FROM"), encoding="utf-8")
    (before,) = profile.open_sources(profile.load(folder), site_of(site), edition)
    (folder / "T1.yaml").write_text(SHOWN, encoding="utf-8")
    (source,) = profile.open_sources(profile.load(folder), site_of(site), edition)
    assert source.digest == before.digest != plain.digest
    assert source.filled_by("code") == ("code",)
    assert source.filled_by("nothing") == ()
    rows = [row for page in source.pages(None, 5) for row in page.rows]
    assert {(row.document, row.department) for row in rows} == {(row.values["code"], "7") for row in rows}


def test_a_shown_column_that_the_query_does_not_have_is_named_before_anything_is_read(
    folder: Path, site: Path, edition: Edition
) -> None:
    (folder / "T1.yaml").write_text(SHOWN, encoding="utf-8")
    with pytest.raises(SpecError, match=r"键 shown：T1\.sql 没有列 bill"):
        profile.open_sources(profile.load(folder), site_of(site), edition)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("kind: sql", "kind: sequel", "键 kind：只能是 sql"),
        ("vendor: 乙", "vendro: 乙", "是否想写 vendor"),
        ("reading: rescan", "reading: often", "只能是 incremental、rescan 之一"),
        ("key: integer", "key: number", "只能是 integer、text、uuid 之一"),
        ("[after_key, limit]", "[after_kye, limit]", "没有参数 after_kye，是否想写 after_key"),
        ("[after_key, limit]", "[after_key]", "参数不一致：:limit"),
        ("query: T1.sql", "query: T2.sql", "读不到 T2.sql"),
        ("label: 项目编码", "lable: 项目编码", "是否想写 label"),
    ],
)
def test_a_wrong_manifest_names_file_and_key(folder: Path, old: str, new: str, sentence: str) -> None:
    (folder / "manifest.yaml").write_text(MANIFEST.replace(old, new), encoding="utf-8")
    with pytest.raises(SpecError) as refusal:
        profile.load(folder)
    assert sentence in str(refusal.value)
    assert "manifest.yaml" in str(refusal.value)


@pytest.mark.parametrize(
    ("sql", "takes", "sentence"),
    [
        (SQL.replace("LIMIT :limit", ""), "[after_key]", "不能分页"),
        (SQL.replace("WHERE", "WHERE changed > :after_time AND"), "[after_key, after_time, limit]", "不用 :after_time"),
    ],
)
def test_a_query_that_cannot_be_paged_is_refused(folder: Path, sql: str, takes: str, sentence: str) -> None:
    (folder / "T1.sql").write_text(sql, encoding="utf-8")
    (folder / "manifest.yaml").write_text(MANIFEST.replace("[after_key, limit]", takes), encoding="utf-8")
    with pytest.raises(SpecError, match=sentence):
        profile.load(folder)


def test_a_profile_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"没有适配包 his/openhsi.*his/openhis"):
        profile.load("his/openhsi")


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"constants": {"itme_code": "1"}}, "不用常量 itme_code，是否想写 item_code"),
        ({"constants": {"counts": "是"}}, "是否算数，只能是 yes、no"),
        ({"datasets": ("T2",)}, "没有数据集 T2（有：T1）"),
        ({"url": make_url("postgresql+psycopg://u:s3cret@h/d")}, "只用于 sqlite，不用于 postgresql"),
        ({"url": make_url("db2+ibm_db://u:s3cret@h/d")}, "数据源 门诊：不认识的数据库 db2"),
        ({"url": make_url("mssql+pymssql://u:s3cret@h/d")}, "只用于 sqlite，不用于 mssql"),
        ({"encoding": "gbk"}, "encoding 只用于 MySQL、MariaDB"),
        (
            {"url": make_url("oracle+cx_oracle://u:s3cret@h/d")},
            "没有安装数据库驱动 cx_Oracle：地址的开头请写 oracle+oracledb://，或自行编译安装它",
        ),
        (
            {"url": make_url("mssql+pyodbc://u:s3cret@h/d")},
            "数据源 门诊：mssql 只用驱动 pymssql 连接：地址的开头请写 mssql+pymssql://",
        ),
        (
            {"url": make_url("mysql+nodriver://u:s3cret@h/d")},
            "数据源 门诊：mysql 只用驱动 pymysql 连接：地址的开头请写 mysql+pymysql://",
        ),
        ({"catalogues": {"": Path("none.csv")}}, "目录对照表不存在"),
    ],
)
def test_settings_that_do_not_fit_are_refused_before_anything_is_opened(
    folder: Path, site: Path, edition: Edition, more: dict[str, Any], sentence: str
) -> None:
    settings = {"name": "门诊", "url": URL.create("sqlite", database=str(site)), "institution": "H1", **more}
    with pytest.raises(ConfigError) as refusal:
        profile.open_sources(profile.load(folder), Site(**settings), edition)
    assert sentence in str(refusal.value)
    assert "s3cret" not in str(refusal.value)


def test_a_catalogue_where_none_is_used_is_refused(folder: Path, site: Path, edition: Edition) -> None:
    (folder / "manifest.yaml").write_text(MANIFEST.replace("catalogues: {bar: {label: 商品目录}}\n", ""), encoding="utf-8")
    with pytest.raises(ConfigError, match="不用目录对照表 bar（有：无）"):
        profile.open_sources(profile.load(folder), site_of(site, catalogues={"bar": site}), edition)


def test_a_data_set_the_edition_lacks_is_named(folder: Path, site: Path, edition: Edition) -> None:
    (folder / "manifest.yaml").write_text(MANIFEST.replace("  T1:", "  T9:"), encoding="utf-8")
    with pytest.raises(ConfigError, match="规范 test@1 没有数据集 T9"):
        profile.open_sources(profile.load(folder), site_of(site), edition)
