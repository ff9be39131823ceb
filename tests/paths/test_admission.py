"""What stops a whole gateway at the platform's door leaves every record in the queue, and once mended all of them arrive."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support import district as district_of
from support.district import bureau

from demo.premises import Premises
from gateway.main import cli as gateway
from schemas import loader

HOSPITAL = "H99000100001"
_OTHER_EDITION = """
code: "ahead"
version: "1"
name: 下一版
base: reference
source: {doc: 测试, ref: 全文, confidence: O, dated: "2026-01-01"}
"""


@pytest.fixture
def district(tmp_path: Path) -> Premises:
    """A day of the demo district in the local databases; nothing sent yet."""
    return district_of.lived(tmp_path / "district", days=1)


def run(district: Premises, *words: str) -> Result:
    result = CliRunner().invoke(gateway, ["--config", str(district.gateways[HOSPITAL]), *words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result


def change(district: Premises, old: str, new: str) -> None:
    path = district.gateways[HOSPITAL]
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def count(district: Premises, table: str) -> int:
    with closing(sqlite3.connect(district.folder / "bureau" / "compliance.db")) as connection:
        return int(connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0])


@pytest.mark.parametrize("path", ["/api/uplaod", "/healthz"])
def test_a_mistyped_address_rejects_nothing_and_what_waits_goes_out_once_it_is_mended(district: Premises, path: str) -> None:
    change(district, "/api/upload", path)
    with bureau(district):
        for _ in range(3):
            stopped = run(district, "run", "--once")
            assert stopped.exit_code == 1
            run(district, "resume", "--target", "bureau")
        assert "请核对目标的 url" in stopped.output
        assert "平台退回" not in stopped.output
        assert count(district, "record") == count(district, "rejection") == 0

        change(district, path, "/api/upload")
        assert run(district, "resume", "--target", "bureau").exit_code == 0
        mended = run(district, "run", "--once")
        assert mended.exit_code == 0, mended.output
    assert count(district, "record") > 0
    assert count(district, "rejection") == 0


def test_a_gateway_of_another_edition_waits_and_is_told_which(district: Premises, tmp_path: Path) -> None:
    ahead = tmp_path / "ahead.yaml"
    ahead.write_text(_OTHER_EDITION, encoding="utf-8")
    path = district.gateways[HOSPITAL]
    path.write_text(path.read_text(encoding="utf-8") + f'\n"edition": "{ahead}"\n', encoding="utf-8")
    with bureau(district):
        result = run(district, "run", "--once")
    assert result.exit_code == 1
    assert f"平台现行 {loader.reference().id}" in "".join(result.output.split("\n"))
    assert count(district, "record") == count(district, "rejection") == 0


def test_a_round_in_which_rows_wait_says_so_and_does_not_pass_for_done(district: Premises) -> None:
    assert run(district, "run", "--once").exit_code == 1
    again = run(district, "run", "--once")
    assert again.exit_code == 1, "nothing was due, but rows wait"
    assert "没有要发的" not in again.output
    assert "条未送达" in again.output
