"""`gateway check` on the demo's local databases: findings across sources, and an exit code that does not depend on them."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from demo import premises, story
from gateway.main import cli

HOSPITAL = "H99000100001"


@pytest.mark.requirement("J-101")
def test_check_tells_what_does_not_agree_and_still_ends_well(tmp_path: Path) -> None:
    built = premises.build(tmp_path / "district")
    for name, path in built.databases.items():
        with closing(sqlite3.connect(path)) as connection:
            story.play(connection, (each for each in story.changes(7, date(2026, 11, 2), 3) if each.database == name))
    result = CliRunner(env={"COLUMNS": "160"}).invoke(cli, ["--config", str(built.gateways[HOSPITAL]), "check"])
    assert result.exit_code == 0, result.output
    accounts, _, compared = result.output.partition("跨记录核对")
    assert "可报送" in accounts
    assert "X-HD03-10" in compared
    assert "治疗时长不足" in compared


def test_check_does_not_promise_a_row_whose_key_another_source_has(tmp_path: Path) -> None:
    built = premises.build(tmp_path / "district")
    for name, path in built.databases.items():
        with closing(sqlite3.connect(path)) as connection:
            story.play(connection, (each for each in story.changes(7, date(2026, 11, 2), 1) if each.database == name))
    path = built.gateways[HOSPITAL]
    settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    settings["sources"].append({**settings["sources"][0], "name": "second"})
    path.write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
    result = CliRunner(env={"COLUMNS": "160"}).invoke(cli, ["--config", str(path), "check", "--source", "second"])
    assert "的一行相同" not in result.output
    result = CliRunner(env={"COLUMNS": "160"}).invoke(cli, ["--config", str(path), "check"])
    first = settings["sources"][0]["name"]
    assert f"业务主键与来源 {first} 的一行相同，不能确定该报哪一行" in result.output
    promised = re.findall(r"可报送 (\d+)", result.output.partition("second")[2].partition("跨记录核对")[0])
    assert promised
    assert set(promised) == {"0"}
