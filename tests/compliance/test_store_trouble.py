"""Every trouble of the store is told by its own cause, sorted by who can help, and without the driver's words."""

from __future__ import annotations

import re
import sqlite3
import uuid
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import IntegrityError, OperationalError
from support.bureau import START
from support.databases import database as empty_database

from compliance.errors import StoreAddressError, StoreError
from compliance.main import cli
from compliance.store import database, trouble
from compliance.store.database import Database
from compliance.store.tables import nonce

AWAY, LOGIN = "连不上数据库服务器", "拒绝登录"


@pytest.mark.parametrize(
    ("words", "told", "kind"),
    [
        ("database or disk is full", "磁盘已满", StoreError),
        ("database is locked", "被别的程序占用", StoreError),
        ("attempt to write a readonly database", "只读", StoreError),
        ("database disk image is malformed", "已损坏。请停止服务，从备份恢复", StoreError),
        ("unable to open database file", "打不开", StoreAddressError),
        ("file is not a database", "不是存储库", StoreAddressError),
        ("no such table: record", "缺少表", StoreError),
        ('connection failed: FATAL:  password authentication failed for user "秘密"', LOGIN, StoreAddressError),
        ('connection failed: FATAL:  role "秘密" does not exist', LOGIN, StoreAddressError),
        ('connection failed: FATAL:  database "秘密" does not exist', "没有 store 所写的库", StoreAddressError),
        ("connection failed: Connection refused", AWAY, StoreError),
        ("something 秘密 never heard of", "原因不明", StoreError),
    ],
)
def test_each_cause_has_its_sentence_and_its_remedy(words: str, told: str, kind: type[StoreError]) -> None:
    found = trouble.failure(OperationalError("SELECT 秘密", None, sqlite3.OperationalError(words)))
    assert told in str(found)
    assert type(found) is kind
    assert not re.search("秘密|Error", str(found))


def bureau(folder: Path, store: str, *command: str) -> Result:
    """The command on a configuration with that store."""
    path = folder / "compliance.yaml"
    path.write_text(f'district: 测试市\nstore: "{store}"\ncredentials: credentials.yaml\n', encoding="utf-8")
    return CliRunner().invoke(cli, ["--config", str(path), *command])


@pytest.mark.parametrize(
    ("store", "told"),
    [
        ("sqlite:///no/such/folder/bureau.db", "打不开"),
        ("oracle://somewhere/x", "只支持 sqlite 与 postgresql"),
        ("postgresql://db:54x2/x", "写法不对"),
    ],
)
def test_a_store_that_is_configured_wrongly_names_file_and_key_and_ends_with_2(tmp_path: Path, store: str, told: str) -> None:
    result = bureau(tmp_path, store, "init")
    assert result.exit_code == 2
    assert re.match(rf"配置有误：.*compliance\.yaml：键 store：.*{told}", result.output)
    assert "Error" not in result.output


def test_a_file_that_is_no_store_is_told(tmp_path: Path) -> None:
    (tmp_path / "bureau.db").write_text("序号,机构\n" * 200, encoding="utf-8")
    result = bureau(tmp_path, "sqlite:///bureau.db", "init")
    assert (result.exit_code, "不是存储库" in result.output) == (2, True)


def test_a_server_that_does_not_answer_is_worth_another_try(tmp_path: Path) -> None:
    result = bureau(tmp_path, "postgresql://bureau@127.0.0.1:1/none", "init")
    assert result.exit_code == 1
    assert AWAY in result.output
    assert "Error" not in result.output


def test_a_database_that_was_not_made_is_the_configurations_fault(tmp_path: Path) -> None:
    with empty_database("postgresql", tmp_path) as url:
        absent = make_url(url).set(drivername="postgresql", database=f"absent_{uuid.uuid4().hex}")
        result = bureau(tmp_path, absent.render_as_string(hide_password=False), "init")
    assert result.exit_code == 2
    assert "键 store：数据库服务器上没有 store 所写的库" in result.output


def test_a_user_without_rights_on_the_tables_is_told_and_is_no_bug_of_ours(tmp_path: Path) -> None:
    role = f"liangding_{uuid.uuid4().hex[:12]}"
    with empty_database("postgresql", tmp_path) as url:
        store = database.connect(url)
        store.create()
        store.close()
        owner = create_engine(url, isolation_level="AUTOCOMMIT")
        with owner.connect() as connection:
            connection.execute(text(f"CREATE ROLE {role} LOGIN"))
            try:
                mine = database.connect(make_url(url).set(username=role).render_as_string(hide_password=False))
                with pytest.raises(StoreError, match="没有所需的权限"):
                    mine.check()
                mine.close()
            finally:
                connection.execute(text(f"DROP OWNED BY {role}"))
                connection.execute(text(f"DROP ROLE {role}"))
        owner.dispose()


def test_a_table_that_vanished_is_told_on_both_databases(store: Database) -> None:
    with store.write("test") as connection:
        connection.execute(text("DROP TABLE nonce"))
    with pytest.raises(StoreError, match="缺少表"), store.read() as connection:
        connection.execute(nonce.select())


def test_a_doubled_key_stays_a_mistake_of_ours(store: Database) -> None:
    row = {"paasid": "p", "nonce": "n", "until": START}
    with pytest.raises(IntegrityError), store.write("test") as connection:
        connection.execute(nonce.insert(), [row, row])
