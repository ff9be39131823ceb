"""What a draft's queries look like on each database, those too for which no server is at hand."""

from __future__ import annotations

import pytest
from sqlalchemy.dialects import mssql, mysql, oracle, postgresql, sqlite
from sqlalchemy.engine import Dialect

from adapters.databases.sql import KeyKind
from adapters.introspection.tables import Column, Kind
from adapters.proposing.idioms import Bound, Idioms, bound_of, key_kind

DIALECTS: dict[str, Dialect] = {
    "mssql": mssql.dialect(),
    "mysql": mysql.dialect(),
    "oracle": oracle.dialect(),
    "postgresql": postgresql.dialect(),
    "sqlite": sqlite.dialect(),
}


@pytest.mark.parametrize(
    ("name", "page"),
    [
        ("mssql", "OFFSET 0 ROWS FETCH NEXT :limit ROWS ONLY"),
        ("mysql", "LIMIT :limit"),
        ("oracle", "FETCH FIRST :limit ROWS ONLY"),
        ("postgresql", "LIMIT :limit"),
        ("sqlite", "LIMIT :limit"),
    ],
)
def test_each_database_has_its_way_to_say_so_many_rows(name: str, page: str) -> None:
    assert Idioms(DIALECTS[name]).page == page


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("mssql", "h.k COLLATE Latin1_General_BIN2"),
        ("mysql", "BINARY h.k"),
        ("oracle", "h.k"),
        ("postgresql", 'h.k COLLATE "C"'),
        ("sqlite", "h.k"),
    ],
)
def test_a_text_key_is_ordered_by_its_bytes_and_compared_alike(name: str, order: str) -> None:
    idioms = Idioms(DIALECTS[name])
    assert idioms.ordered("h.k", KeyKind.TEXT) == order
    assert idioms.after("h.k", KeyKind.TEXT) == f"{order} > :after_key"
    assert idioms.ordered("h.k", KeyKind.INTEGER) == "h.k"


def test_a_name_is_quoted_only_where_the_database_needs_it() -> None:
    assert [Idioms(DIALECTS[name]).quoted("order") for name in ("mssql", "mysql", "oracle", "postgresql")] == [
        *("[order]", "`order`"),
        *('"order"', '"order"'),
    ]
    assert Idioms(DIALECTS["postgresql"]).quoted("visit") == "visit"


def test_a_span_of_time_is_compared_as_the_column_holds_it() -> None:
    postgres = Idioms(DIALECTS["postgresql"])
    assert postgres.within("h.t", Bound.DAY) == "h.t >= CAST(:from AS date)\n    AND h.t < CAST(:to AS date)"
    assert "AT TIME ZONE 'Asia/Shanghai'" in postgres.within("h.t", Bound.ZONED)
    assert Idioms(DIALECTS["mysql"]).within("h.t", Bound.MOMENT) == "h.t >= :from\n    AND h.t < :to"
    assert bound_of(Column("t", Kind.DATETIME, zoned=True)) is Bound.ZONED
    assert key_kind(Column("id", Kind.UUID)) is KeyKind.UUID
