"""A store that cannot be used says why, and what helps: mend and wait, restore, or call us."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, insert, make_url, text
from support.databases import KEY, database
from support.delivery import START, Clock, Rows, prescription

from gateway.errors import StoreError
from gateway.intake import accept
from gateway.judging import Judge
from gateway.store import Store, open_store
from gateway.store.engine import write
from gateway.store.tables import rotation
from gateway.store.trouble import Remedy, diagnosis
from schemas.model import Edition

SERVERS = ("postgresql", "mariadb")


def filled(place: Path, edition: Edition, clock: Clock) -> str:
    url = f"sqlite:///{place}"
    store = open_store(url, edition, START, KEY)
    rows = Rows([prescription(number) for number in range(1, 201)])
    accept(rows, Judge(edition, "RX01", store.rid), store, targets=("bureau",), clock=clock)
    store.close()
    return url


def refusal(url: str, edition: Edition) -> str:
    with pytest.raises(StoreError) as caught:
        open_store(url, edition, START, KEY)
    return str(caught.value)


def test_a_damaged_file_is_to_be_restored_and_does_not_mend_itself(tmp_path: Path, edition: Edition, clock: Clock) -> None:
    url = filled(tmp_path / "gateway.db", edition, clock)
    whole = (tmp_path / "gateway.db").read_bytes()
    (tmp_path / "gateway.db").write_bytes(whole[:4096] + b"\x55" * (len(whole) - 4096))
    said = refusal(url, edition)
    assert "文件已损坏" in said
    assert "gateway restore" in said
    assert "自动继续" not in said


def test_a_file_that_is_no_store_is_to_be_restored(tmp_path: Path, edition: Edition) -> None:
    (tmp_path / "gateway.db").write_bytes(b"not a store at all" * 1000)
    said = refusal(f"sqlite:///{tmp_path / 'gateway.db'}", edition)
    assert "文件不是本地库" in said
    assert "gateway restore" in said


@pytest.mark.parametrize("kind", SERVERS)
def test_a_server_that_is_away_is_waited_for(kind: str, tmp_path: Path, edition: Edition) -> None:
    driver = {"postgresql": "postgresql+psycopg", "mariadb": "mysql+pymysql"}[kind]
    for url in (f"{driver}://gateway@127.0.0.1:9/store", f"{driver}://gateway@store.invalid/store"):
        said = refusal(url, edition)
        assert "连不上数据库服务器" in said
        assert "自动继续" in said


@pytest.mark.parametrize("kind", SERVERS)
def test_a_server_that_refuses_the_login_or_lacks_the_database_says_so(kind: str, tmp_path: Path, edition: Edition) -> None:
    with database(kind, tmp_path) as url:
        parsed = make_url(url)
        stranger = parsed.set(username="nobody_we_know").render_as_string(hide_password=False)
        absent = parsed.set(database="liangding_absent").render_as_string(hide_password=False)
        assert "拒绝登录" in refusal(stranger, edition)
        assert "请先建库" in refusal(absent, edition)


def test_a_server_that_goes_away_while_we_work_is_waited_for(tmp_path: Path, edition: Edition) -> None:
    with database("postgresql", tmp_path) as url:
        store = open_store(url, edition, START, KEY)

        def cut(connection: Connection) -> None:
            own = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
            killer = create_engine(url, isolation_level="AUTOCOMMIT")
            with killer.connect() as other:
                other.execute(text("SELECT pg_terminate_backend(:own)"), {"own": own})
            killer.dispose()
            connection.execute(text("SELECT 1"))

        with pytest.raises(StoreError, match=r"连不上数据库服务器.*自动继续"):
            write(store._engine, cut)
        store.close()


def test_content_that_the_database_does_not_take_is_ours_and_no_waiting_helps(store: Store) -> None:
    def twice(connection: Connection) -> None:
        connection.execute(insert(rotation), [{"target": "a", "institution": ""}] * 2)

    with pytest.raises(StoreError, match=r"数据库不接受所写的内容（(IntegrityError|UniqueViolation)）") as caught:
        write(store._engine, twice)
    assert "自动继续" not in str(caught.value)
    assert "交给实施人员" in str(caught.value)


@pytest.mark.parametrize("kind", SERVERS)
def test_what_is_too_long_is_ours_too_and_its_value_is_not_told(kind: str, tmp_path: Path, edition: Edition) -> None:
    with database(kind, tmp_path) as url:
        store = open_store(url, edition, START, KEY)
        with pytest.raises(StoreError, match="数据库不接受所写的内容") as caught:
            write(store._engine, lambda connection: connection.execute(insert(rotation).values(target="张三" * 99, institution="")))
        assert "张三" not in str(caught.value)
        store.close()


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("database disk image is malformed", Remedy.RESTORE),
        ("database or disk is full", Remedy.MEND),
        ("attempt to write a readonly database", Remedy.MEND),
        ("(1034, \"Index for table 'outbox' is corrupt; try to repair it\")", Remedy.RESTORE),
        ("(1040, 'Too many connections')", Remedy.MEND),
        ("(1290, 'The MariaDB server is running with the --read-only option')", Remedy.MEND),
        ("ERROR: invalid page in block 3 of relation base/1/2", Remedy.RESTORE),
    ],
)
def test_each_trouble_has_its_remedy(said: str, remedy: Remedy) -> None:
    told, found = diagnosis(Exception(said))
    assert found is remedy
    assert "Exception" not in told
