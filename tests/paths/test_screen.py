"""What an operator is told when a database or a platform is not to be had: what, since when, and what to do, each once."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support import district as district_of
from support.district import bureau

from demo.premises import Premises
from gateway.main import cli as gateway

HOSPITAL = "H99000100001"
KEY = f"targets.bureau.credentials.{HOSPITAL}.token"


@pytest.fixture
def district(tmp_path: Path) -> Premises:
    """A day of the demo district in the local databases; nothing sent yet."""
    return district_of.lived(tmp_path / "district", days=1)


def run(district: Premises, *words: str, columns: int = 80) -> Result:
    runner = CliRunner(env={"COLUMNS": str(columns)})
    result = runner.invoke(gateway, ["--config", str(district.gateways[HOSPITAL]), *words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result


@contextmanager
def away(district: Premises) -> Iterator[int]:
    """Every database of the site is somewhere else; yields how many there are."""
    for path in district.databases.values():
        path.rename(path.with_suffix(".away"))
    yield len(district.databases)
    for path in district.databases.values():
        path.with_suffix(".away").rename(path)


def test_a_source_that_was_never_read_is_neither_well_nor_in_balance(district: Premises) -> None:
    fresh = run(district, "status")
    assert fresh.exit_code == 0
    assert "—" in fresh.output
    assert "平\n" not in fresh.output
    with away(district), bureau(district):
        assert run(district, "run", "--once").exit_code == 1
        found = run(district, "status")
    assert found.exit_code == 1
    assert "平\n" not in found.output
    assert "读不到，自 20" in found.output


def test_a_source_that_is_lost_later_is_told_until_it_is_read_again(district: Premises) -> None:
    with bureau(district):
        assert run(district, "run", "--once").exit_code == 0
        assert run(district, "status").exit_code == 0
        with away(district):
            assert run(district, "run", "--once").exit_code == 1
            found = run(district, "status")
        assert found.exit_code == 1
        assert "平" in found.output
        told = [line for line in found.output.splitlines() if "读不到，自" in line]
        assert told
        assert run(district, "run", "--once").exit_code == 0
        mended = run(district, "status")
    assert (mended.exit_code, "读不到" in mended.output) == (0, False)


@pytest.mark.parametrize("command", [["check"], ["run", "--once"], ["status"]])
def test_one_cause_is_told_once_for_a_source_with_its_name_once(district: Premises, command: list[str]) -> None:
    with away(district):
        run(district, "run", "--once")
        found = run(district, *command)
    told = [line for line in found.output.splitlines() if "数据源" in line]
    assert told
    assert all(line.startswith("数据源 ") and line.count("数据源") == 1 for line in told)
    assert len({line.split(" 的 ")[0] for line in told}) == len(told)


def test_a_source_that_was_exchanged_is_named_once(district: Premises) -> None:
    with bureau(district):
        assert run(district, "run", "--once").exit_code == 0
    with closing(sqlite3.connect(district.gateways[HOSPITAL].parent / "gateway.db")) as store, store:
        store.execute("UPDATE source_mark SET identity = 'another', taken_at = '2026-01-01T00:00:00.000000Z'")
    found = run(district, "run", "--once")
    told = [line for line in found.output.splitlines() if "gateway brake release" in line]
    assert told
    assert [line for line in told if line.count("his 的") != 1] == []


def test_a_check_that_could_read_nothing_has_compared_nothing(district: Premises) -> None:
    with away(district):
        found = run(district, "check")
    assert found.exit_code == 1
    assert "没有读到数据，未核对" in found.output
    assert "没有发现" not in found.output


def test_the_error_of_a_mended_key_is_the_last_one_and_says_when_it_is_tried_again(district: Premises) -> None:
    token = district.gateways[HOSPITAL].parent / "token.txt"
    right = token.read_text(encoding="utf-8")
    with bureau(district):
        token.write_text("wrong" * 8, encoding="utf-8")
        first = run(district, "run", "--once")
        assert first.output.count(KEY) == 1, first.output
        token.write_text(right, encoding="utf-8")
        again = run(district, "run", "--once")
        assert again.exit_code == 1
        (told,) = [line for line in again.output.splitlines() if KEY in line]
        assert "上次：" in told
        assert "再试，或运行 gateway resume --target bureau 立即再试" in told
        assert run(district, "resume", "--target", "bureau").exit_code == 0
        assert "下一轮报送时再试" in run(district, "status").output
        assert run(district, "run", "--once").exit_code == 0


def test_a_sentence_is_one_line_of_a_file_however_narrow_the_window_was(district: Premises) -> None:
    narrow = run(district, "run", "--once", columns=40)
    assert narrow.exit_code == 1
    assert "" not in narrow.output.splitlines()
    (told,) = [line for line in narrow.output.splitlines() if "连接不上" in line]
    assert told.endswith("gateway resume --target bureau 立即再试")
