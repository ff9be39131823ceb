"""What stands in an address and cannot be connected with is a sentence, whatever its driver raises of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import URL, make_url

from adapters.databases import connection
from adapters.databases.connection import SiteDatabase
from gateway.errors import ConfigError, SourceError
from schemas import address


@pytest.mark.parametrize(
    "text",
    [
        "mysql://u@127.0.0.1:1/his?nonsense=1",
        "mysql://u@127.0.0.1:1/his?charset=klingon",
        "mysql://u@127.0.0.1:1/his?ssl_ca=/nowhere.pem",
        "oracle://u@127.0.0.1:1/his?nonsense=1",
        "mssql://u@127.0.0.1:1/his?nonsense=1",
    ],
)
def test_a_parameter_that_its_driver_does_not_take_is_told_as_such(text: str) -> None:
    with pytest.raises(SourceError, match="问号后面的参数写错了"), SiteDatabase(make_url(text), 5).connect():
        pass


def test_a_fault_of_our_own_is_not_blamed_on_an_address_without_parameters(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    site = SiteDatabase(URL.create("sqlite", database=str(tmp_path / "x.db")), 5)
    monkeypatch.setattr(site, "_engine", object())
    with pytest.raises(AttributeError), site.connect():
        pass


def test_a_password_for_a_file_is_no_missing_driver() -> None:
    with pytest.raises(ConfigError, match="SQLite 只写文件，没有用户和密码"):
        SiteDatabase(URL.create("sqlite", password="not-a-real-password", database="x.db"), 5)


def test_every_product_that_an_address_may_name_has_its_way_to_read_only() -> None:
    assert set(connection._READ_ONLY) == set(connection._SNAPSHOT) == set(address._DRIVERS)
