"""Path 1 into path 4, by the commands an operator types: local row -> gateway -> receiver -> workbook."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner, Result

from compliance import serving
from compliance.main import cli as compliance
from compliance.store import database
from demo import premises, story
from demo.premises import Premises
from gateway.main import cli as gateway

HOSPITAL, PHARMACY = "H99000100001", "P99000100001"
DAYS = 3


@pytest.fixture
def district(tmp_path: Path) -> Premises:
    """Three days of the demo district in the local databases; nothing sent yet."""
    built = premises.build(tmp_path / "district")
    for name, path in built.databases.items():
        with closing(sqlite3.connect(path)) as connection:
            story.play(connection, (each for each in story.changes(7, date(2026, 11, 2), DAYS) if each.database == name))
    return built


@contextmanager
def bureau(district: Premises) -> Iterator[None]:
    with serving.Server(serving.build(district.bureau), district.bureau.host, district.bureau.port):
        yield


def run(district: Premises, *words: str, code: str = HOSPITAL) -> Result:
    return CliRunner().invoke(gateway, ["--config", str(district.gateways[code]), *words])


def held(district: Premises, dataset: str) -> dict[str, int]:
    """What the bureau holds: key -> newest version."""
    with closing(sqlite3.connect(district.folder / "bureau" / "compliance.db")) as connection:
        query = "SELECT key, MAX(version) FROM record WHERE dataset = ? GROUP BY key"
        return dict(connection.execute(query, (dataset,)).fetchall())


def edit(district: Premises, sql: str) -> None:
    with closing(sqlite3.connect(district.databases[f"his:{HOSPITAL}"])) as connection:
        assert connection.execute(sql).rowcount == 1
        connection.commit()


def one_sentence(result: Result) -> str:
    """What the operator was told: one line, no traceback."""
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert "Traceback" not in result.output
    lines = [line for line in result.output.splitlines() if line.strip()]
    return lines[-1]


@pytest.mark.requirement("J-101")
def test_a_row_arrives_once_and_an_edited_row_arrives_as_version_2(district: Premises) -> None:
    with bureau(district):
        assert run(district, "run", "--once").exit_code == 0
        first = held(district, "HD03")
        assert first
        assert set(first.values()) == {1}

        assert "没有要发的" in run(district, "run", "--once", "--from-start").output
        assert held(district, "HD03") == first

        one = f"SELECT id FROM dialysis_session WHERE session_no = '{min(first)}'"
        edit(district, f"UPDATE dialysis_session SET end_note = '患者要求', updated_at = '2026-11-25 08:00:00' WHERE id = ({one})")
        run(district, "run", "--once")
        assert [version for version in held(district, "HD03").values() if version == 2] == [2]


@pytest.mark.requirement("J-028", "J-030")
def test_the_workbook_counts_what_arrived(district: Premises, tmp_path: Path) -> None:
    with bureau(district):
        for code in (HOSPITAL, PHARMACY):
            run(district, "run", "--once", code=code)
    out = tmp_path / "coverage.xlsx"
    settings = str(district.folder / "bureau" / "compliance.yaml")
    result = CliRunner().invoke(compliance, ["--config", settings, "export", "coverage", "--out", str(out)])
    assert result.exit_code == 0, result.output
    rows = list(openpyxl.load_workbook(out)["数据上传情况"].iter_rows(values_only=True))
    sales = next(row for row in rows if PHARMACY in row and "3505" in row)
    assert len(held(district, "3505")) in sales


def test_check_sends_nothing_and_accounts_for_every_row(district: Premises) -> None:
    with bureau(district):
        result = run(district, "check")
    assert result.exit_code == 0
    assert result.output.count("平") >= 6
    assert held(district, "HD03") == {}
    assert not (district.folder / HOSPITAL / "gateway.db").exists()


def test_status_balances_before_and_after_sending(district: Premises) -> None:
    run(district, "run", "--once")
    assert run(district, "status").exit_code == 0
    with bureau(district):
        run(district, "run", "--once")
        after = run(district, "status")
    assert after.exit_code == 0
    assert "不平" not in after.output


def test_a_bureau_that_is_down_is_one_sentence_and_nothing_is_lost(district: Premises) -> None:
    result = run(district, "run", "--once", code=PHARMACY)
    assert result.exit_code == 1
    assert "连接不上" in one_sentence(result)
    assert "还有" in run(district, "status", code=PHARMACY).output


def test_a_wrong_key_of_the_institution_is_one_sentence_and_rejects_no_record(district: Premises) -> None:
    (district.folder / PHARMACY / "token.txt").write_text("not-the-right-token", encoding="utf-8")
    with bureau(district):
        result = run(district, "run", "--once", code=PHARMACY)
    assert result.exit_code == 1
    assert "密钥" in one_sentence(result) or "签名" in one_sentence(result)
    assert "退回" not in one_sentence(result)
    assert held(district, "3505") == {}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (('"sources":', '"source":'), "sources"),
        (('"institution":', "institution: [\n"), "YAML"),
        (('"his/demo_his"', '"his/no_such"'), "no_such"),
        (('"institution": "H', '"institution": "X'), "X99000100001"),
        (("token.txt", "no-such-file.txt"), "no-such-file.txt"),
        (('"store":', '"schedule": {"read_every": -5}\n"store":'), "schedule.read_every"),
    ],
)
def test_a_mistake_in_the_configuration_is_one_sentence_that_names_it(
    district: Premises, change: tuple[str, str], told: str
) -> None:
    path = district.gateways[HOSPITAL]
    text = path.read_text(encoding="utf-8")
    assert change[0] in text
    path.write_text(text.replace(*change, 1), encoding="utf-8")
    result = run(district, "check")
    assert result.exit_code == 2
    assert told in one_sentence(result)


def test_a_local_database_that_is_missing_is_one_sentence_naming_the_source(district: Premises) -> None:
    district.databases[f"his:{HOSPITAL}"].unlink()
    result = run(district, "run", "--once")
    assert result.exit_code == 1
    assert "his" in result.output
    assert "Traceback" not in result.output


def test_the_bureau_holds_exactly_what_the_gateway_says_was_accepted(district: Premises) -> None:
    with bureau(district):
        for code in district.gateways:
            run(district, "run", "--once", code=code)
    store = database.connect(district.bureau.store)
    report = serving.coverage(district.bureau, store, serving.now())
    store.close()
    received = {(line.code, line.dataset): line.received for line in report.uploads if line.received}
    clean = {place: fates["clean"] for place, fates in story.expected(7, date(2026, 11, 2), DAYS).items() if fates["clean"]}
    assert received == clean
