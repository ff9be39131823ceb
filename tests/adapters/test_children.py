"""Lines of a record come from a query of their own, in the page's transaction, in an order that is theirs."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from support import visits

from adapters import children
from adapters.databases.sql import SqlSource
from gateway.advice import advice
from gateway.errors import ConfigError, SourceQueryError
from schemas.errors import SpecError
from schemas.model import Edition
from schemas.wire import SHANGHAI

HEAD = "SELECT id AS row_ref, id AS cursor_key, id, count, code FROM visit"
FILES = {
    "manifest.yaml": visits.manifest("after_key, limit", "rescan", "    children: {drugs: drugs.sql}\n"),
    "T1.sql": f"{HEAD} WHERE id > :after_key ORDER BY id LIMIT :limit",
    **visits.swept(HEAD),
    "drugs.sql": "SELECT visit_id AS row_ref, line AS line_key, drug FROM given WHERE visit_id IN :keys ORDER BY drug",
    "T1.yaml": "dataset: T1\nfields: {id: {column: id}, count: {column: count}, code: {column: code}}\n"
    "children: {drugs: {fields: {drug: {column: drug}}}}\nabsent: {lot: 没有}\n",
}


@pytest.fixture
def folder(tmp_path: Path, site: Path) -> Path:
    """A profile whose visits have drugs: visit 100 two of them, entered in the order of their names, numbered the other way."""
    with closing(sqlite3.connect(site)) as connection:
        connection.execute("CREATE TABLE given (visit_id INTEGER, line INTEGER, drug TEXT)")
        connection.executemany("INSERT INTO given VALUES (?, ?, ?)", [(100, 10, "甲"), (100, 9, "乙"), (99, 1, "丙")])
        connection.commit()
    return visits.written(tmp_path / "own", FILES)


def opened(folder: Path, site: Path, edition: Edition) -> SqlSource:
    (source,) = visits.opened(folder, site, edition)
    return source


def lines(source: SqlSource, size: int) -> dict[str, Any]:
    return {row.ref: row.values.get("drugs") for page in source.pages(None, size) for row in page.rows}


@pytest.mark.parametrize("size", [1, 5, 100])
def test_every_row_has_its_own_lines_in_the_order_of_their_keys(folder: Path, site: Path, edition: Edition, size: int) -> None:
    found = lines(opened(folder, site, edition), size)
    assert (found["100"], found["99"], found["98"]) == ([{"drug": "乙"}, {"drug": "甲"}], [{"drug": "丙"}], None)
    assert len(found) == 12


def test_a_look_up_and_a_window_read_the_same_lines(folder: Path, site: Path, edition: Edition) -> None:
    source = opened(folder, site, edition)
    by_page = {row.ref: row for page in source.pages(None, 100) for row in page.rows}
    start, end = datetime(2026, 10, 1, tzinfo=SHANGHAI), datetime(2026, 11, 1, tzinfo=SHANGHAI)
    by_window = {row.ref: row for page in source.window(start, end, 5) for row in page.rows}
    assert {ref: dict(row.values) for ref, row in by_page.items()} == {ref: dict(row.values) for ref, row in by_window.items()}
    assert [dict(row.values) for row in source.lookup(["99", "100"])] == [dict(by_page[ref].values) for ref in ("99", "100")]


def test_a_fault_of_a_line_is_told_with_its_place(folder: Path, site: Path, edition: Edition) -> None:
    with closing(sqlite3.connect(site)) as connection:
        connection.execute("UPDATE given SET drug = X'00FF' WHERE line = 10")
        connection.commit()
    rows = {row.ref: row for page in opened(folder, site, edition).pages(None, 100) for row in page.rows}
    assert [(fault.field, fault.rule) for fault in rows["100"].faults] == [("drugs[1].drug", "unreadable")]


def test_lines_of_another_type_of_key_are_nobodys_and_are_refused(folder: Path, site: Path, edition: Edition) -> None:
    (folder / "drugs.sql").write_text(FILES["drugs.sql"].replace("visit_id AS", "CAST(visit_id AS TEXT) AS"), encoding="utf-8")
    with pytest.raises(SourceQueryError, match=r"drugs\.sql.*须与主查询的 row_ref 同一类型"):
        lines(opened(folder, site, edition), 100)


def test_a_column_that_the_lines_lack_is_named(folder: Path, site: Path, edition: Edition) -> None:
    (folder / "drugs.sql").write_text(FILES["drugs.sql"].replace(", drug FROM", " FROM"), encoding="utf-8")
    with pytest.raises(SourceQueryError, match=r"drugs\.sql.*结果缺少列 drug（T1\.yaml 的 children\.drugs 要用）"):
        lines(opened(folder, site, edition), 100)


def test_a_line_without_a_key_has_no_place(folder: Path, site: Path, edition: Edition) -> None:
    with closing(sqlite3.connect(site)) as connection:
        connection.execute("UPDATE given SET line = NULL WHERE line = 10")
        connection.commit()
    with pytest.raises(SourceQueryError, match="line_key 为空，不能确定子行的次序"):
        lines(opened(folder, site, edition), 100)


def test_lines_of_one_key_are_a_fault_of_their_record_only(folder: Path, site: Path, edition: Edition) -> None:
    """A join that doubles them would be sent as a second dose, and their order may be another with each reading."""
    with closing(sqlite3.connect(site)) as connection:
        connection.execute("UPDATE given SET line = 9 WHERE line = 10")
        connection.commit()
    rows = {row.ref: row for page in opened(folder, site, edition).pages(None, 100) for row in page.rows}
    assert [(fault.field, fault.rule) for fault in rows["100"].faults] == [("drugs", "line_key")]
    assert "排序号（line_key）相同" in rows["100"].faults[0].message
    assert advice("line_key", ours=True).startswith("由信息科改适配包里子表")
    assert rows["99"].faults == ()


def test_numbers_of_oracle_order_lines_by_their_size_whatever_type_they_come_in() -> None:
    keys = [Decimal(10), 9, Decimal(2)]
    assert [line["line_key"] for line in children.ordered([{"line_key": key} for key in keys])] == [2, 9, 10]


def test_children_stand_in_both_files_or_in_none(folder: Path, site: Path, edition: Edition) -> None:
    (folder / "manifest.yaml").write_text(
        FILES["manifest.yaml"].replace("    children: {drugs: drugs.sql}\n", ""), encoding="utf-8"
    )
    with pytest.raises(ConfigError, match=r"子表 drugs 须同时写在 T1\.yaml 的 children 和 manifest\.yaml 的 children 里"):
        opened(folder, site, edition)


def test_a_change_of_the_lines_query_makes_the_source_be_read_again(folder: Path, site: Path, edition: Edition) -> None:
    before = opened(folder, site, edition).digest
    (folder / "drugs.sql").write_text(FILES["drugs.sql"] + "\n-- 改过", encoding="utf-8")
    assert opened(folder, site, edition).digest != before


def test_lines_read_on_by_change_times_need_the_queries_that_see_their_edits(folder: Path, site: Path, edition: Edition) -> None:
    """A line that is changed alone leaves its head as it was: no cursor would ever come to it."""
    manifest = FILES["manifest.yaml"].replace("reading: rescan", "reading: incremental")
    (folder / "manifest.yaml").write_text(manifest, encoding="utf-8")
    assert lines(opened(folder, site, edition), 100)["99"] == [{"drug": "丙"}]
    queries = "    window: window.sql\n    lookup: lookup.sql\n"
    (folder / "manifest.yaml").write_text(manifest.replace(queries, ""), encoding="utf-8")
    with pytest.raises(SpecError, match="只改了子表的，靠它们才发现"):
        opened(folder, site, edition)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("children: {drugs:", "children: {drug:", "没有这个子表，有：drugs"),
        ("{drug: {column: drug}}", "{durg: {column: drug}}", "没有字段 durg，是否想写 drug"),
        ("{fields: {drug: {column: drug}}}", "{field: {}}", "是否想写 fields"),
        ("absent: {lot: 没有}", "absent: {lot: 没有, drugs: 没有}", "既映射又声明缺失：drugs"),
    ],
)
def test_a_mistake_is_told_with_its_file(folder: Path, site: Path, edition: Edition, old: str, new: str, sentence: str) -> None:
    (folder / "T1.yaml").write_text(FILES["T1.yaml"].replace(old, new), encoding="utf-8")
    with pytest.raises(SpecError) as refusal:
        opened(folder, site, edition)
    assert sentence in str(refusal.value) and "T1.yaml" in str(refusal.value)
