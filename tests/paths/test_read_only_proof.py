"""`gateway check` reads nothing with an account that can write, unless the site says why; `gateway grants` prints the way out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from support import sites
from support.databases import database
from support.deployment import Deployment, deployed

INSTITUTION = "H41000000001"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Callable[..., Deployment]]:
    """A gateway that reads a MariaDB as its owner."""
    with database("mariadb", tmp_path) as address, ExitStack() as stack:
        profile = sites.profile(tmp_path / "profile")
        sites.Source(address, seed=1).insert(5)

        def make(**more: Any) -> Deployment:
            entry = {"profile": str(profile), "url": {"file": "database.url"}, **more}
            return stack.enter_context(deployed(tmp_path / "site", INSTITUTION, entry, {"database.url": address}))

        yield make


def test_an_account_that_can_write_is_refused_with_the_script(site: Callable[..., Deployment]) -> None:
    result = site().run("check")
    assert result.exit_code == 2
    assert "来源 local 的数据库账号不只能读" in result.output
    assert "GRANT SELECT ON" in result.output
    assert "读到" not in result.output


def test_an_account_that_the_site_accepts_is_told_and_used(site: Callable[..., Deployment]) -> None:
    result = site(accept_writable="厂商只给这个账号").run("check")
    assert result.exit_code == 0
    assert "已按配置接受（厂商只给这个账号）" in result.output.replace("\n", "")
    assert "读到" in result.output


def test_the_script_names_the_tables_that_the_profile_reads(site: Callable[..., Deployment]) -> None:
    result = site().run("grants", "--source", "local")
    assert result.exit_code == 0
    assert ".rx_line TO" in result.output
