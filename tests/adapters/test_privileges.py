"""That an account cannot write is proven by asking the database, and the printed script makes one of which it is true."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import URL, NullPool, create_engine, make_url, text
from sqlalchemy.dialects import mssql, oracle
from sqlalchemy.exc import DBAPIError
from support.databases import database

from adapters.databases import grants, privileges
from adapters.databases.connection import SiteDatabase
from adapters.databases.grants import USER, script, tables

SERVERS = ["mariadb", "postgresql"]
PASSWORD = "not-a-real-password"


@pytest.fixture(params=SERVERS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[URL]:
    """A database with two tables, as its owner reaches it."""
    with database(request.param, tmp_path) as address:
        url = make_url(address)
        execute(url, "CREATE TABLE visit (id INTEGER PRIMARY KEY)", "CREATE TABLE person (id INTEGER PRIMARY KEY)")
        yield url


def execute(url: URL, *statements: str) -> None:
    with create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT").connect() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def asked(url: URL) -> list[str]:
    site = SiteDatabase(url, 5)
    with site.connect() as connection, site.reading(connection):
        return privileges.writable(site, connection)


@pytest.fixture
def made(place: URL) -> Iterator[Callable[[], URL]]:
    """Makes an account by the script as it is printed, its gaps filled in; it is dropped afterwards."""
    name = f"reader_{uuid.uuid4().hex[:8]}"
    accounts: list[str] = []

    def make() -> URL:
        printed = script(place.get_backend_name(), place.database or "", ["visit"], 5)
        filled = printed.replace("<另行设定的口令>", PASSWORD).replace("<网关的地址>", "localhost").replace(USER, name)
        lines = "\n".join(line for line in filled.splitlines() if not line.startswith("--"))
        accounts.append(name)
        execute(place, *(statement.strip() for statement in lines.split(";") if statement.strip()))
        return place.set(username=name, password=PASSWORD)

    yield make
    for each in accounts:
        if place.get_backend_name() == "postgresql":
            execute(place, f"DROP OWNED BY {each}", f"DROP ROLE {each}")
        else:
            execute(place, f"DROP USER '{each}'@'localhost'")


def test_an_owner_is_told_where_it_may_write(place: URL) -> None:
    assert asked(place)
    assert any("全库" in each or "ALL PRIVILEGES" in each for each in asked(place))


def test_the_account_of_the_script_reads_its_tables_and_is_proven_to_write_nowhere(place: URL, made: Callable[[], URL]) -> None:
    reader = made()
    execute(reader, "SELECT * FROM visit")
    with pytest.raises(DBAPIError):
        execute(reader, "SELECT * FROM person")
    with pytest.raises(DBAPIError):
        execute(reader, "INSERT INTO visit VALUES (1)")
    assert asked(reader) == []


def test_one_right_too_many_is_named(place: URL, made: Callable[[], URL]) -> None:
    reader = made()
    who = reader.username if place.get_backend_name() == "postgresql" else f"'{reader.username}'@'localhost'"
    execute(place, f"GRANT UPDATE (id) ON visit TO {who}")
    (told,) = asked(reader)
    assert "visit" in told
    assert "UPDATE" in told


def test_a_sqlite_file_is_read_only_whoever_may_write_it(tmp_path: Path) -> None:
    path = tmp_path / "his.db"
    execute(URL.create("sqlite", database=str(path)), "CREATE TABLE visit (id INTEGER)")
    assert asked(URL.create("sqlite", database=str(path))) == []


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("GRANT USAGE ON *.* TO `u`@`%` IDENTIFIED BY PASSWORD '*94BDCEBE19083CE2A1F959FD02F964C7AF4CFC29'", []),
        ("GRANT SELECT, SHOW VIEW ON `his`.* TO `u`@`%`", []),
        ("GRANT SELECT (`id`, `name`) ON `his`.`visit` TO `u`@`%`", []),
        ("GRANT SELECT, INSERT, UPDATE ON `his`.* TO `u`@`%`", ["`his`.*：INSERT、UPDATE"]),
        ("GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost` WITH GRANT OPTION", ["*.*：ALL PRIVILEGES、GRANT OPTION"]),
        ("GRANT EXECUTE ON PROCEDURE `his`.`close_day` TO `u`@`%`", ["`his`.`close_day`：EXECUTE"]),
        ("GRANT LOCK TABLES ON `his`.* TO `u`@`%`", ["`his`.*：LOCK TABLES"]),
        ("GRANT `app_role`@`%` TO `u`@`%`", ["角色 `app_role`@`%`：看不出它能不能写"]),
    ],
)
def test_what_show_grants_says_is_read_without_the_digest_of_a_password(line: str, told: list[str]) -> None:
    assert list(privileges.granted(line)) == told


def test_the_tables_of_a_query_are_those_it_reads() -> None:
    sql = """
    -- FROM nowhere
    WITH last (id) AS (SELECT MAX(id) FROM dbo.visit), more AS (SELECT 1)
    SELECT * FROM [HIS].[dbo].[处方] AS r LEFT JOIN `item` ON 1 = 1 JOIN last ON 1 = 1, more
    WHERE id IN (SELECT id FROM "Person") /* JOIN gone */
    """
    assert tables([sql]) == {"dbo.visit", "[HIS].[dbo].[处方]", "`item`", '"Person"'}


@pytest.mark.parametrize(
    ("sql", "read"),
    [
        ("SELECT id FROM visit WHERE seen >= CAST(:from AS timestamp) AND seen < CAST(:to AS timestamp)", {"visit"}),
        ("SELECT EXTRACT(YEAR FROM seen), TRIM(BOTH '0' FROM code) FROM visit", {"visit"}),
        ("SELECT SUBSTRING(COALESCE(code, note) FROM 2) FROM visit", {"visit"}),
        ("SELECT id FROM visit WHERE code IS NOT DISTINCT FROM note", {"visit"}),
        ("SELECT '来自 FROM nowhere' FROM visit WHERE note = 'it''s FROM nada'", {"visit"}),
        ("SELECT v.id FROM his.visit v, his.person AS p, item WHERE v.id = p.id", {"his.visit", "his.person", "item"}),
        ("SELECT id FROM visit ORDER BY id, code", {"visit"}),
        ("SELECT n FROM generate_series(1, 9) n JOIN JSON_TABLE (a, b) ON 1 = 1 JOIN visit ON 1 = 1", {"visit"}),
        ("SELECT TRIM((SELECT name FROM person)) FROM dual", {"person"}),
    ],
)
def test_what_only_looks_like_a_table_is_none_and_every_listed_one_is(sql: str, read: set[str]) -> None:
    assert tables([sql]) == read


def test_the_script_of_every_shipped_profile_names_tables_only() -> None:
    """A word too many makes the whole GRANT fail at the hospital's DBA."""
    words = {"as", "select", "from", "where", "lateral"}
    for folder in [
        path.parent for kind in ("his", "pos") for path in Path(grants.__file__).parent.joinpath(kind).glob("*/manifest.yaml")
    ]:
        named = tables(path.read_text(encoding="utf-8") for path in folder.glob("queries/*.sql"))
        assert named, folder.name
        assert not {name.lower() for name in named} & words, folder.name


def test_the_script_for_kingbase_is_for_its_administrator() -> None:
    told = script("kingbase", "his", ["visit"], 30)
    assert "由 KingbaseES 的管理员" in told
    assert "PostgreSQL" not in told


@pytest.mark.parametrize("dialect", sorted(grants._SCRIPTS))
def test_every_database_has_a_script_that_gives_reading_only(dialect: str) -> None:
    told = script(dialect, "his", ["visit", "dbo.person"], 30)
    statements = [line for line in told.splitlines() if not line.startswith("--")]
    rights = {line.split()[1] for line in statements if line.startswith("GRANT ")}
    assert rights <= {"SELECT", "USAGE", "CONNECT", "CREATE"}
    assert "CREATE SESSION" in told or "CREATE" not in rights
    assert PASSWORD not in told


@pytest.mark.parametrize(("dialect", "questions"), [(oracle, privileges._ORACLE), (mssql, privileges._SQL_SERVER)])
def test_the_questions_for_servers_that_are_not_at_hand_compile(dialect: object, questions: tuple[str, ...]) -> None:
    for question in questions:
        compiled = text(question).compile(dialect=dialect.dialect())  # type: ignore[attr-defined]
        assert compiled.params == {}
