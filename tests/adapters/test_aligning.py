"""What a person changes in the main query goes into the others, and what they ask for stays theirs."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import URL

from adapters.databases.aligning import aligned
from adapters.databases.connection import SiteDatabase
from adapters.proposing import folder
from adapters.proposing.folder import Product
from adapters.proposing.survey import Survey
from gateway.errors import ConfigError
from gateway.main import cli
from schemas import loader

MAIN = """-- 主
SELECT h.id AS row_ref,
       p.name AS name
FROM visit h
LEFT JOIN person p ON p.id = h.person_id
WHERE h.id > :after_key
ORDER BY h.id
LIMIT :limit
"""
WINDOW = """-- 核对用；WHERE 不动
SELECT h.id AS row_ref
FROM visit h
WHERE h.day >= :from
    AND h.day < :to
LIMIT :limit
"""


def test_columns_and_joins_are_taken_over_and_the_rows_stay() -> None:
    found = aligned(MAIN, WINDOW, "V.window.sql")
    assert found.startswith(
        "-- 核对用；WHERE 不动\nSELECT h.id AS row_ref,\n       p.name AS name\nFROM visit h\nLEFT JOIN person p"
    )
    assert found.endswith("WHERE h.day >= :from\n    AND h.day < :to\nLIMIT :limit\n")
    assert aligned(MAIN, found, "V.window.sql") == found


@pytest.mark.parametrize(
    ("main", "other", "told"),
    [
        (MAIN, WINDOW.replace("h.day", "d.day"), "V.window.sql 的 WHERE 用了主查询没有的表 d"),
        (MAIN.replace("FROM visit h", "FROM visit h\nUNION ALL SELECT 1, 2"), WINDOW, "主查询 不是一句查询"),
        ("SELECT * FROM (\n    SELECT h.id AS row_ref FROM visit h\n)\nWHERE ROWNUM <= :limit\n", WINDOW, "主查询 不是一句查询"),
        (MAIN, "SELECT TOP (:limit) h.id AS row_ref\nFROM visit h\nWHERE h.day >= :from\n", "V.window.sql 不是一句查询"),
        (MAIN, "SELECT h.id AS row_ref FROM visit h", "V.window.sql 不是一句查询"),
    ],
)
def test_what_cannot_be_told_apart_is_left_as_it_is(main: str, other: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        aligned(main, other, "V.window.sql")


def test_the_command_writes_the_queries_that_differ_and_nothing_the_second_time(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "his.db")) as connection:
        connection.executescript(
            "CREATE TABLE dialysis_schedule (schd_id INTEGER PRIMARY KEY, schd_date DATE, shift TEXT, patient_id TEXT);"
            "INSERT INTO dialysis_schedule VALUES (1, '2026-11-01', '1', 'P1'), (2, '2026-11-02', '2', 'P2')"
        )
    out = tmp_path / "draft"
    survey = Survey(SiteDatabase(URL.create("sqlite", database=str(tmp_path / "his.db")), 30))
    folder.write(survey, loader.reference(), ["HD02"], [], out, Product("陌生的系统", "测试", "1"), date(2026, 11, 26))
    main = out / "queries" / "HD02.sql"
    others = [out / "queries" / "HD02.window.sql", out / "queries" / "HD02.lookup.sql"]
    main.write_text(main.read_text(encoding="utf-8").replace("\nFROM", ",\n       1 AS added\nFROM"), encoding="utf-8")
    before = [path.read_text(encoding="utf-8").partition("\nWHERE")[2] for path in others]
    run = CliRunner().invoke(cli, ["profile", "align", str(out), "HD02"])
    assert run.exit_code == 0, run.output
    assert all("1 AS added\nFROM" in path.read_text(encoding="utf-8") for path in others)
    assert [path.read_text(encoding="utf-8").partition("\nWHERE")[2] for path in others] == before
    assert "不用改" in CliRunner().invoke(cli, ["profile", "align", str(out), "HD02"]).output
    refused = CliRunner().invoke(cli, ["profile", "align", str(out), "3505"])
    assert refused.exit_code != 0
    assert "没有用 SQL 读的数据集 3505" in refused.output
