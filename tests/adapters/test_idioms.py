"""The queries of docs/sources.md compile in the dialects they are for, with what a source binds: some servers are not at hand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, bindparam, text
from sqlalchemy.dialects import mysql, oracle, postgresql, sqlite
from sqlalchemy.dialects.mssql.pymssql import MSDialect_pymssql

from adapters.databases.connection import SiteDatabase
from adapters.databases.sql import parameters

DIALECTS: dict[str, Any] = {
    "oracle": oracle.dialect,
    "dm": oracle.dialect,
    "mssql": lambda: MSDialect_pymssql(paramstyle="pyformat"),  # as with its driver
    "mysql": mysql.dialect,
    "mariadb": mysql.dialect,
    "postgresql": postgresql.dialect,
    "kingbase": postgresql.dialect,
    "sqlite": sqlite.dialect,
}
MANUAL = (Path(__file__).parents[2] / "docs" / "sources.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sql\n(-- ([^\n]+)\n.*?)```", MANUAL, re.DOTALL)
EACH = [(name, sql) for sql, names in BLOCKS for name in re.findall(r"[a-z]+", names) if name in DIALECTS]


def test_the_manual_shows_a_query_for_every_database_that_is_read() -> None:
    assert {name for name, _ in EACH} == DIALECTS.keys()


@pytest.mark.parametrize(("name", "sql"), EACH)
def test_the_query_of_the_manual_compiles_with_all_its_parameters(name: str, sql: str) -> None:
    assert parameters(sql) == {"after_time", "after_key", "limit"}
    compiled = text(sql).compile(dialect=DIALECTS[name]())
    assert set(compiled.params) == {"after_time", "after_key", "limit"}
    assert ":limit" not in str(compiled) or name in ("oracle", "dm", "sqlite")


@pytest.mark.parametrize("name", DIALECTS)
def test_a_look_up_compiles_with_a_list_of_keys(name: str) -> None:
    clause = text("SELECT id AS row_ref FROM visit WHERE id IN :keys").bindparams(bindparam("keys", ["1", "2"], expanding=True))
    compiled = clause.compile(dialect=DIALECTS[name](), compile_kwargs={"render_postcompile": True})
    assert sorted(compiled.params.values()) == ["1", "2"]
    assert "IN (" in str(compiled)


@pytest.mark.parametrize(("address", "library"), [("oracle", "oracledb"), ("mssql", "pymssql")])
def test_a_database_whose_server_is_not_at_hand_is_opened_by_its_driver(address: str, library: str) -> None:
    database = SiteDatabase(URL.create(address, "reader", "x", "his.example.invalid", 1521, "his"), 30)
    assert database.dialect_of_sql.driver == library
    assert database.dialect == address
