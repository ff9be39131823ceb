"""KingbaseES: its driver and our dialect, on a server that speaks its protocol, PostgreSQL. No KingbaseES was at hand."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL, NullPool, create_engine, inspect, make_url, text
from sqlalchemy.exc import DBAPIError
from support.databases import database

from adapters.databases import privileges, probing, sqlerrors
from adapters.databases.connection import SiteDatabase
from adapters.proposing.idioms import Idioms
from gateway.errors import SourceError
from schemas.wire import SHANGHAI

pytest.importorskip("ksycopg2", reason="the vendor publishes no driver for this system")

#: one of each type that a column of a HIS has, and values that have no place in Python's calendar
VALUES = """
    1 AS whole, 2.50::numeric(10,2) AS money, 1.5::float8 AS measured, true AS flag, 'a  '::char(3) AS code, '患者' AS text,
    '2026-10-21'::date AS day, '2026-10-21 08:00:01.5'::timestamp AS moment, '2026-10-21 08:00:00+00'::timestamptz AS zoned,
    '08:30'::time AS clock, '{"a": 1.5}'::jsonb AS tree, '\\x00ff'::bytea AS bytes, NULL::date AS nothing,
    '6f1fdc90-a080-4e8e-b0b5-6b168501df8c'::uuid AS ref, 'infinity'::timestamp AS never, '-infinity'::timestamptz AS ever,
    'infinity'::date AS late, '0044-03-15 BC'::date AS ides, '12345-01-01'::timestamp AS far
"""

_CUT = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'active' AND query LIKE '%pg_sleep%'
"""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[URL]:
    """A PostgreSQL database with one table, by the address of its usual driver."""
    with database("postgresql", tmp_path) as address:
        url = make_url(address)
        with create_engine(url, poolclass=NullPool).begin() as connection:
            connection.execute(text("CREATE TABLE visit (id INTEGER PRIMARY KEY, seen DATE, note TEXT)"))
            connection.execute(text("COMMENT ON COLUMN visit.seen IS '就诊日期'"))
            connection.execute(text("INSERT INTO visit VALUES (1, '2026-10-21', '甲'), (2, NULL, '100%')"))
        yield url


@pytest.fixture
def site(place: URL) -> SiteDatabase:
    return SiteDatabase(place.set(drivername="kingbase"), 5)


def rows(site: SiteDatabase, sql: str, **values: Any) -> list[dict[str, Any]]:
    with site.connect() as connection, site.reading(connection):
        return [dict(row) for row in connection.execute(text(sql), values).mappings()]


def told(site: SiteDatabase, sql: str) -> str:
    with pytest.raises(DBAPIError) as failure:
        rows(site, sql)
    return sqlerrors.told(failure.value, site.url)


def test_its_address_takes_its_driver_and_the_version_that_the_server_tells_in_the_protocol(site: SiteDatabase) -> None:
    with site.connect() as connection:
        assert site.url.drivername == "kingbase+ksycopg2"
        assert site.dialect == "kingbase"
        assert type(connection.connection.driver_connection).__module__.startswith("ksycopg2")
        number = int(connection.execute(text("SHOW server_version_num")).scalar_one())
        assert connection.dialect.server_version_info == divmod(number, 10_000)


@pytest.fixture
def named(place: URL) -> Callable[[str], None]:
    """Makes the server call itself something else in this database, as those do that grew out of PostgreSQL."""

    def name(version: str) -> None:
        with create_engine(place, poolclass=NullPool, isolation_level="AUTOCOMMIT").connect() as connection:
            connection.exec_driver_sql("SET allow_system_table_mods = on")
            connection.exec_driver_sql("ALTER FUNCTION pg_catalog.version() RENAME TO version_of_before")
            connection.exec_driver_sql(
                f"CREATE FUNCTION pg_catalog.version() RETURNS text LANGUAGE sql AS $$ SELECT '{version}' $$"
            )

    return name


def test_a_server_by_its_own_name_is_read_and_told_by_it(site: SiteDatabase, named: Callable[[str], None]) -> None:
    named("KingbaseES V008R006C008B0014 on x86_64-pc-linux-gnu, compiled by gcc (GCC) 4.8.5, 64-bit")
    assert len(rows(site, "SELECT id FROM visit")) == 2
    assert probing.probe(site, datetime.now(SHANGHAI)).version == "KingbaseES V008R006C008B0014"


@pytest.mark.parametrize("version", ["KingbaseES V008R006C008B0014", "(openGauss 6.0.0 build aee4abd5) compiled at 2024-09-29"])
def test_such_a_server_by_postgresqls_address_is_told(place: URL, named: Callable[[str], None], version: str) -> None:
    named(version)
    with pytest.raises(SourceError, match=r"127\.0\.0\.1 上的不是 PostgreSQL.*kingbase://.*openGauss"):
        probing.probe(SiteDatabase(place, 5), datetime.now(SHANGHAI))


def test_every_value_is_read_as_postgresqls_own_driver_reads_it(site: SiteDatabase, place: URL) -> None:
    (ours,), (usual,) = rows(site, f"SELECT {VALUES}"), rows(SiteDatabase(place, 5), f"SELECT {VALUES}")
    assert ours == usual
    assert {name: type(value) for name, value in ours.items()} == {name: type(value) for name, value in usual.items()}
    assert (ours["never"], ours["far"]) == ("infinity", "12345-01-01 00:00:00")


def test_midnight_at_the_end_of_a_day_stays_what_it_is(site: SiteDatabase) -> None:
    assert rows(site, "SELECT '24:00'::time AS clock") == [{"clock": "24:00:00"}]


def test_parameters_are_bound_also_beside_a_per_cent_sign(site: SiteDatabase) -> None:
    found = rows(
        site, "SELECT id FROM visit WHERE note LIKE '%' AND id > :after_key ORDER BY id LIMIT :limit", after_key=1, limit=5
    )
    assert found == [{"id": 2}]


def test_nothing_can_be_written(site: SiteDatabase) -> None:
    assert told(site, "DELETE FROM visit") == sqlerrors.WRITES.sentence
    assert len(rows(site, "SELECT id FROM visit")) == 2


def test_a_query_that_runs_too_long_is_stopped(place: URL) -> None:
    start = time.monotonic()
    assert told(SiteDatabase(place.set(drivername="kingbase"), 1), "SELECT pg_sleep(30)") == sqlerrors.TIMEOUT.sentence
    assert time.monotonic() - start < 20


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        ("SELECT * FROM nada", "查询用到的表不存在：nada"),
        ("SELECT yb FROM visit", "查询用到的列不存在：yb"),
        ("SELECT FROM WHERE", "SQL 语法有误"),
        ("SELECT 1 / 0", sqlerrors.BAD_QUERY.sentence),
    ],
)
def test_a_wrong_query_is_told_by_the_servers_code(site: SiteDatabase, sql: str, sentence: str) -> None:
    assert told(site, sql) == sentence


def test_a_server_that_is_not_there_or_has_no_such_database_is_told(place: URL) -> None:
    away = SiteDatabase(place.set(drivername="kingbase", port=1), 5)
    with pytest.raises(SourceError, match=r"连接不上数据库 127\.0\.0\.1"):
        probing.probe(away, datetime.now(SHANGHAI))
    with pytest.raises(SourceError, match="数据库 nada_of_ours 不存在"):
        probing.probe(SiteDatabase(place.set(drivername="kingbase", database="nada_of_ours"), 5), datetime.now(SHANGHAI))


@pytest.mark.parametrize(
    ("query", "told"), [({"nonsense": "1"}, "问号后面的参数写错了"), ({"client_encoding": "klingon"}, "问号后面的参数写错了")]
)
def test_a_wrong_parameter_of_the_address_is_told_as_such(place: URL, query: dict[str, str], told: str) -> None:
    with pytest.raises(SourceError, match=told):
        probing.probe(SiteDatabase(place.set(drivername="kingbase", query=query), 5), datetime.now(SHANGHAI))


def test_a_connection_that_breaks_while_it_is_read_is_told_as_lost(site: SiteDatabase, place: URL) -> None:
    def cut() -> None:
        deadline = time.monotonic() + 30
        with create_engine(place, poolclass=NullPool, isolation_level="AUTOCOMMIT").connect() as connection:
            while not connection.execute(text(_CUT)).all() and time.monotonic() < deadline:
                time.sleep(0.05)

    other = threading.Thread(target=cut)
    other.start()
    try:
        assert told(site, "SELECT pg_sleep(4)") == sqlerrors.LOST.sentence
    finally:
        other.join()


def test_it_is_probed_asked_for_its_rights_and_introspected(site: SiteDatabase) -> None:
    found = probing.probe(site, datetime.now(SHANGHAI))
    assert found.dialect == "kingbase"
    assert found.version.startswith("PostgreSQL")  # on a KingbaseES its own name
    assert found.ahead is not None
    with site.connect() as connection:
        with site.reading(connection):
            assert "全库（超级用户）" in privileges.writable(site, connection)
        columns = {each["name"]: each for each in inspect(connection).get_columns("visit")}
    assert list(columns) == ["id", "seen", "note"]
    assert columns["seen"]["comment"] == "就诊日期"


def test_a_draft_for_it_names_it(site: SiteDatabase) -> None:
    assert Idioms(site.dialect_of_sql).family == ("kingbase",)
