"""The same data in three tables of MariaDB, UTF-8, GBK and GBK bytes that the server calls latin1, gives the same bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest
from sqlalchemy import URL, NullPool, create_engine, make_url, text
from support.databases import database

from adapters import profile
from adapters.databases import mislabelled
from adapters.databases.connection import SiteDatabase
from adapters.databases.sql import SqlSource
from adapters.introspection.shapes import Shape, shape
from adapters.profile import Site
from adapters.proposing.survey import Survey
from gateway.errors import ConfigError, SourceError
from gateway.model import Cursor
from schemas.model import Edition

#: characters whose second byte in GBK is a backslash, a backtick, a brace; a quotation mark; what is taken for UTF-8 by many
NAMES = ("张三", "誠實、構造", "李\\四", "镕", "O'Neil", "", "联通")
TABLES = {"utf8mb4": "CHARACTER SET utf8mb4", "gbk": "CHARACTER SET gbk", "latin1": "CHARACTER SET latin1"}
MANIFEST = """
product: 甲
vendor: 乙
versions: ["1"]
kind: sql
dialects: [mysql]
datasets:
  T1:
    {query: T1.sql, lookup: T1.lookup.sql, window: T1.window.sql, mapping: T1.yaml, takes: [after_key, limit], reading: rescan,
     key: text}
"""
SELECT = (
    "-- 就诊：镕、誠（注释里的字不碍事）\nSELECT ref AS row_ref, ref AS cursor_key, ref, 1 AS count, 'C' AS code, name FROM visit_"
)
MAPPING = """
dataset: T1
fields: {id: {column: ref}, count: {column: count}, code: {column: code}, title: {column: name}}
absent: {lot: 没有}
"""


@dataclass
class Copies:
    """One database with a table of each kind."""

    url: URL
    folder: Path
    edition: Edition

    def source(self, kind: str, encoding: str = "") -> SqlSource:
        """What reads the table of that kind."""
        place = self.folder / f"{kind}{encoding}"
        place.mkdir(exist_ok=True)
        where = f"{SELECT}{kind} WHERE"
        order = "ORDER BY ref COLLATE {} LIMIT :limit".format({"gbk": "gbk_bin", "latin1": "latin1_bin"}.get(kind, "utf8mb4_bin"))
        files = {
            "manifest.yaml": MANIFEST,
            "T1.sql": f"{where} ref > :after_key {order}",
            "T1.lookup.sql": f"{where} ref IN :keys",
            "T1.window.sql": f"{where} :from < :to AND ref > :after_key {order}",
            "T1.yaml": MAPPING,
        }
        for name, content in files.items():
            (place / name).write_text(content, encoding="utf-8")
        site = Site("门诊", self.url, "H1", encoding=encoding)
        (source,) = profile.open_sources(profile.load(place), site, self.edition)
        assert isinstance(source, SqlSource)
        return source


@pytest.fixture
def copies(tmp_path: Path, edition: Edition) -> Iterator[Copies]:
    """Filled as such systems fill them: the latin1 one by a client that never said which characters it sends."""
    with database("mariadb", tmp_path) as address:
        url = make_url(address)
        engine = create_engine(url, poolclass=NullPool)
        with engine.begin() as connection:
            for kind, charset in TABLES.items():
                collation = {"utf8mb4": "utf8mb4_bin", "gbk": "gbk_bin", "latin1": "latin1_bin"}[kind]
                connection.execute(
                    text(f"CREATE TABLE visit_{kind} (ref VARCHAR(40) PRIMARY KEY, name VARCHAR(40)) {charset} COLLATE {collation}")
                )
                for number, name in enumerate(NAMES):
                    values = {"ref": f"V{number}" if number else "誠1", "name": name}
                    if kind == "latin1":
                        values = {key: value.encode("gbk") for key, value in values.items()}  # type: ignore[misc]
                    connection.execute(text(f"INSERT INTO visit_{kind} VALUES (:ref, :name)"), values)
        yield Copies(url, tmp_path, edition)


def records(source: SqlSource, size: int = 3) -> list[bytes]:
    """What is sent, byte for byte."""
    rows = [row for page in source.pages(None, size) for row in page.rows]
    assert all(row.content is not None and not row.faults for row in rows), [row.faults for row in rows]
    return sorted(orjson.dumps(dict(row.content or {}), option=orjson.OPT_SORT_KEYS) for row in rows)


def test_three_copies_give_byte_identical_records(copies: Copies) -> None:
    found = [records(copies.source("utf8mb4")), records(copies.source("gbk")), records(copies.source("latin1", "gbk"))]
    assert found[0] == found[1] == found[2]
    assert any("誠實、構造".encode() in record for record in found[0])
    assert len(found[0]) == len(NAMES)


def test_without_the_word_of_the_site_the_third_is_refused_and_nothing_of_it_is_taken(copies: Copies) -> None:
    """What the server makes of such bytes when it is believed would be reported as it stands: nobody would notice."""
    with pytest.raises(SourceError, match="像是存成 latin1 的 GBK（列 name），一行也没有收：请在这个来源里写 encoding: gbk"):
        next(iter(copies.source("latin1").pages(None, 9)))
    with pytest.raises(ConfigError, match=r"表 visit_latin1（列 name）里读到的中文是乱码.*请加 --encoding gbk 再来一次"):
        Survey(SiteDatabase(copies.url, 30)).contents("visit_latin1")
    assert Survey(SiteDatabase(copies.url, 30, encoding="gbk")).contents("visit_latin1")["name"].share(Shape.CHINESE) > 0.5
    assert Survey(SiteDatabase(copies.url, 30)).contents("visit_gbk")["name"].share(Shape.CHINESE) > 0.5


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["张三", "李四"], True),
        (["张三"], False),
        (["张三", "李四", None, "V1", 3], True),
        (["Müller", "Björn", "naïve façade", "Ærøskøbing"], False),
        (["°C", "±5", "½", "×3"], False),
        (["99××××××1234", "99××××××1235", "····", "±±±±"], False),
        (["µg/L", "Ⅱ型", "β-内酰胺", "ｱｲｳ", "😀", "Ménière", "№1", "①", "㎎", "Nguyễn"], False),
        ([], False),
    ],
)
def test_only_several_texts_that_are_gbk_byte_for_byte_are_garbled(texts: list[object], expected: bool) -> None:
    read = [
        each.encode("gbk").decode("latin1") if isinstance(each, str) and Shape.CHINESE is shape(each) else each for each in texts
    ]
    column = [[each] for each in read]
    assert mislabelled.garbled(column) == ([0] if expected else [])
    assert not mislabelled.garbled([*column, ["一行好的中文"]]), "beside proper Chinese it is the site's own mistake"
    beside = [["男", each] for each in read]
    assert mislabelled.garbled(beside) == ([1] if expected else []), "Chinese of the query itself says nothing of the column"


@pytest.mark.parametrize("remark", ["\u00ce\u00de\u00d2\u00ec\u00b3\u00a3", "??"])
@pytest.mark.parametrize("encoding", ["", "gbk"])
def test_a_few_spoilt_remarks_among_many_rows_stop_nothing(remark: str, encoding: str) -> None:
    """They are reported as they stand: somebody typed or imported them so, and the rows beside them are right."""
    his = SiteDatabase(URL.create("mysql", "reader", "x", "127.0.0.1", 1, "his"), 30, encoding=encoding)
    rows = [("左卡尼汀", remark if number in (7, 9) else None) for number in range(500)]
    assert his.misread(["name", "remark"], rows) == ""
    assert bool(his.misread(["name", "remark"], rows[7:10])) is ((encoding == "gbk") is (remark == "??"))


def test_a_dead_column_of_a_table_that_is_kept_well_stops_no_draft(copies: Copies) -> None:
    with create_engine(copies.url, poolclass=NullPool).begin() as connection:
        connection.execute(text("ALTER TABLE visit_utf8mb4 ADD old VARCHAR(40)"))
        connection.execute(text("UPDATE visit_utf8mb4 SET old = :old"), {"old": "张三".encode("gbk").decode("latin1")})
    assert Survey(SiteDatabase(copies.url, 30)).contents("visit_utf8mb4")["name"].share(Shape.CHINESE) > 0.5


def test_chinese_that_the_query_itself_writes_does_not_hide_what_is_garbled_beside_it(copies: Copies) -> None:
    source = copies.source("latin1")
    query = copies.folder / "latin1" / "T1.sql"
    query.write_text(query.read_text(encoding="utf-8").replace("name FROM", "name, '男' AS sex FROM"), encoding="utf-8")
    (source,) = profile.open_sources(profile.load(query.parent), Site("门诊", copies.url, "H1"), copies.edition)
    with pytest.raises(SourceError, match="（列 name）"):
        next(iter(source.pages(None, 9)))


def test_garbled_lines_of_a_record_are_told_as_its_own_columns_are(copies: Copies) -> None:
    copies.source("utf8mb4")
    place = copies.folder / "utf8mb4"
    manifest = MANIFEST.replace("key: text}", "key: text, children: {drugs: drugs.sql}}")
    mapping = MAPPING.replace("absent:", "children: {drugs: {fields: {drug: {column: drug}}}}\nabsent:")
    lines = "SELECT l.name AS drug, u.ref AS row_ref, l.ref AS line_key FROM visit_utf8mb4 u, visit_latin1 l WHERE u.ref IN :keys"
    for name, content in {"manifest.yaml": manifest, "T1.yaml": mapping, "drugs.sql": lines}.items():
        (place / name).write_text(content, encoding="utf-8")
    (source,) = profile.open_sources(profile.load(place), Site("门诊", copies.url, "H1"), copies.edition)
    with pytest.raises(SourceError, match=r"drugs\.sql.*乱码.*（列 drug"):
        next(iter(source.pages(None, 9)))


@pytest.mark.parametrize(
    ("encoding", "told", "column", "mended"),
    [
        ("", "是乱码，像是存成 latin1 的 GBK（列 old）", "old", "CONVERT(CAST({} AS BINARY) USING gbk)"),
        ("gbk", "成了问号（列 new）", "new", "CONVERT(CAST(CONVERT({} USING gbk) AS BINARY) USING latin1)"),
    ],
)
def test_columns_of_two_kinds_in_one_query_are_told_and_read_as_the_sentence_says(
    copies: Copies, encoding: str, told: str, column: str, mended: str
) -> None:
    names = ["张三", "李四"]
    with create_engine(copies.url, poolclass=NullPool).begin() as connection:
        connection.execute(text("CREATE TABLE both_kinds (old TEXT CHARACTER SET latin1, new TEXT CHARACTER SET utf8mb4)"))
        for name in names:
            values = {"old": name.encode("gbk"), "new": name}
            connection.execute(text("INSERT INTO both_kinds VALUES (:old, :new)"), values)
    his = SiteDatabase(copies.url, 30, encoding=encoding)

    def asked(old: str = "old", new: str = "new") -> list[tuple[str, ...]]:
        with his.connect() as connection:
            return [tuple(row) for row in connection.execute(text(f"SELECT {old}, {new} FROM both_kinds"))]

    sentence = his.misread(["old", "new"], asked())
    assert told in sentence
    assert mended.format("列") in sentence
    assert asked(**{column: mended.format(column)}) == [(name, name) for name in names]
    assert his.misread(["old", "new"], asked(**{column: mended.format(column)})) == ""


def test_a_row_is_found_by_a_key_that_ends_in_a_backslash_in_gbk(copies: Copies) -> None:
    assert "誠".encode("gbk").endswith(b"\\")
    source = copies.source("latin1", "gb18030")
    assert {row.ref for row in source.lookup(["誠1", "V2", "' OR 1=1 -- 誠"])} == {"誠1", "V2"}
    everything = [row.ref for page in source.pages(None, 2) for row in page.rows]
    assert [row.ref for page in source.pages(Cursor(None, everything[-2]), 2) for row in page.rows] == everything[-1:]


def test_bytes_that_are_no_characters_set_only_their_row_aside(copies: Copies) -> None:
    engine = create_engine(copies.url, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("UPDATE visit_latin1 SET name = :name WHERE ref = 'V2'"), {"name": b"\xff\xff"})
    rows = {row.ref: row for page in copies.source("latin1", "gbk").pages(None, 9) for row in page.rows}
    assert [ref for ref, row in rows.items() if row.faults] == ["V2"]
    assert "应为文本" in rows["V2"].faults[0].message


def test_a_query_in_which_the_server_would_read_a_backslash_is_refused(copies: Copies) -> None:
    place = copies.folder / "latin1gbk"
    copies.source("latin1", "gbk")
    (place / "T1.sql").write_text(f"{SELECT}latin1 WHERE name <> '誠' AND ref > :after_key LIMIT :limit", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"T1\.sql 里的“誠”字在 GBK 里带反斜杠"):
        profile.open_sources(profile.load(place), Site("门诊", copies.url, "H1", encoding="gbk"), copies.edition)
