"""The work list as it is typed, over a day of the demo district: from the first look to the workbook, and what no line may show."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from openpyxl import load_workbook
from support.district import bureau, lived

from demo.premises import Premises
from gateway.main import cli

HOSPITAL = "H99000100001"


@pytest.fixture
def district(tmp_path: Path) -> Premises:
    """Six days, read and sent."""
    built = lived(tmp_path / "district", days=6)
    with bureau(built):
        assert run(built, "run", "--once").exit_code == 0
    return built


def run(district: Premises, *words: str, columns: int = 160) -> Result:
    runner = CliRunner(env={"COLUMNS": str(columns)})
    found = runner.invoke(cli, ["--config", str(district.gateways[HOSPITAL]), *words])
    assert found.exception is None or isinstance(found.exception, SystemExit), found.output
    return found


def change(district: Premises, statement: str) -> int:
    with closing(sqlite3.connect(district.databases[f"his:{HOSPITAL}"])) as connection, connection:
        return connection.execute(statement).rowcount


def persons(district: Premises) -> set[str]:
    """Names and insurance numbers of the patients."""
    with closing(sqlite3.connect(district.databases[f"his:{HOSPITAL}"])) as connection:
        return {value for row in connection.execute("SELECT full_name, insured_no FROM patient") for value in row if value}


def test_from_the_first_look_to_the_last_row_that_is_mended(district: Premises, tmp_path: Path) -> None:
    listed = run(district, "todo", "list")
    assert listed.exit_code == 0
    total = int(re.findall(r"共 (\d+) 件", listed.output)[0])
    assert total > 5
    assert f"待办 {total} 件，已超期 0 件" in run(district, "status").output
    number = re.findall(r"(TX\d+)", listed.output)[0]

    shown = run(district, "todo", "show", number)
    assert shown.exit_code == 0
    for words in ("类别：待改正", "本地列 ", "怎么改：", "最迟 "):
        assert words in shown.output

    assert run(district, "todo", "assign", number, "--to-whom", "血透室", "--by", "信息科").exit_code == 0
    refused = run(district, "todo", "note", number, "--text", "患者电话 13900000000")
    assert (refused.exit_code, "证件号、电话、卡号" in refused.output) == (2, True)
    assert run(district, "todo", "note", number, "--text", "等护士补录", "--by", "信息科").exit_code == 0
    assert "共 1 件" in run(district, "todo", "list", "--owner", "血透室").output
    assert "信息科：负责人 血透室，备注：等护士补录" in run(district, "todo", "show", number).output

    out = tmp_path / "待改正.xlsx"
    assert f"已导出 {total} 件" in run(district, "todo", "export", "--out", str(out)).output
    book = load_workbook(out)
    text = "\n".join(str(cell.value) for sheet in book for row in sheet for cell in row if cell.value)
    assert number in text
    spoken = text + listed.output + shown.output
    assert [person for person in persons(district) if person in spoken] == []

    assert (
        change(district, f"UPDATE dialysis_session SET weight_before = '60.5', end_note = NULL WHERE session_no = '{number}'") == 1
    )
    tried = run(district, "todo", "replay", number, "--dry-run")
    assert "其中 1 行已合格" in tried.output
    assert run(district, "todo", "show", number).exit_code == 0
    assert "其中 1 行已合格，自动放行" in run(district, "todo", "replay", number).output
    assert run(district, "todo", "show", number).exit_code == 1
    with bureau(district):
        assert run(district, "run", "--once").exit_code == 0
    assert run(district, "status").exit_code == 0


def test_rates_are_told_for_each_day_and_in_all(district: Premises, tmp_path: Path) -> None:
    out = tmp_path / "q.xlsx"
    found = run(district, "quality", "--from", "2026-11-02", "--to", "2026-11-07", "--dataset", "HD03", "--out", str(out))
    assert found.exit_code == 0
    sums = re.findall(r"HD03 +合计 +(\d+) +(\d+) +([\d.]+)% +([\d.]+)% +(\d+)", found.output)
    assert len(sums) == 1
    records, judged, first, final, quarantined = sums[0]
    assert (records, first) == (judged, final)
    assert f"{(int(judged) - int(quarantined)) / int(judged):.2%}" == f"{final}%"
    assert load_workbook(out).sheetnames == ["合格率"]
    narrow = run(district, "quality", "--from", "2026-11-02", "--to", "2026-11-07", "--dataset", "HD03", columns=40)
    assert "his HD03 合计：条数" in narrow.output


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["todo", "show", "没有这个号"], 1, "没有符合的待办"),
        (["todo", "assign", "--to-whom", "药房"], 2, "请写明是哪些"),
        (["todo", "replay"], 2, "请写明是哪些"),
        (["todo", "note", "--text", "好", "--reason", "没有这种原因"], 1, "没有符合的待办"),
        (["todo", "list", "--from", "2026-11-07", "--to", "2026-11-02"], 2, "--from 应不晚于 --to"),
        (["quality", "--from", "2026-11-07", "--to", "2026-11-02"], 2, "--from 应不晚于 --to"),
        (["quality", "--from", "2020-01-01", "--to", "2020-01-02"], 0, "没有数据"),
        (["todo", "list", "--department", "没有这个科"], 0, "没有要改正的数据"),
        (["todo", "export", "--out", "没有的文件夹/a.xlsx"], 1, "没有这个文件或文件夹"),
    ],
)
def test_what_does_not_fit_is_one_sentence(district: Premises, words: list[str], code: int, told: str) -> None:
    found = run(district, *words)
    assert (found.exit_code, told in found.output) == (code, True), found.output
