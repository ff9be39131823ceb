"""The command line: Chinese sentences, exit codes, and no token on the screen."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import openpyxl
import pytest
import requests
from click.testing import CliRunner, Result
from support.bureau import INSTITUTION

from compliance import credentials
from compliance.main import cli

CONFIG = """district: 测试市
store: sqlite:///bureau.db
credentials: keys/credentials.yaml
listen: {port: 0}
"""
ROSTER = "序号,医疗机构名称,门诊场景,血透场景,缓建\n1,测试甲医院,1,1,0\n2,测试乙医院,1,0,1\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "compliance.yaml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "roster.csv").write_text(ROSTER, encoding="utf-8")
    return tmp_path


def run(place: Path, *arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(cli, ["--config", str(place / "compliance.yaml"), *arguments])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


def test_a_bureau_is_set_up_from_nothing_to_a_workbook(place: Path) -> None:
    assert "存储已建立" in run(place, "init").output
    assert "没有改动" in run(place, "init").output
    output = run(place, "roster", "import", str(place / "roster.csv")).output
    assert "新增 2 家" in output
    assert "规划建设 3 个场景，不含缓建 2 个" in output
    run(place, "roster", "code", "测试甲医院", INSTITUTION)
    run(place, "key", "issue", INSTITUTION)
    output = run(place, "export", "coverage", "--out", str(place / "coverage.xlsx")).output
    assert "应建 2 个场景，接收中 0 个" in output
    book = openpyxl.load_workbook(place / "coverage.xlsx")
    assert any(cell == "测试甲医院" for row in book.worksheets[0].iter_rows(values_only=True) for cell in row)


def test_issuing_a_key_shows_no_token_and_warns_of_a_code_without_institution(place: Path) -> None:
    run(place, "init")
    output = run(place, "key", "issue", INSTITUTION).output
    (issued,) = credentials.read(place / "keys" / "credentials.yaml")
    assert issued.credential.paasid in output
    assert issued.credential.token not in output
    assert f"名册中没有编码 {INSTITUTION}" in output
    handover = place / "keys" / f"{issued.credential.paasid}.token"
    assert str(handover) in output
    assert handover.read_text(encoding="utf-8").strip() == issued.credential.token


def test_a_credential_without_roster_row_is_told_with_the_workbook(place: Path) -> None:
    run(place, "init")
    run(place, "key", "issue", INSTITUTION)
    output = run(place, "export", "coverage", "--out", str(place / "coverage.xlsx")).output
    assert f"{INSTITUTION} 有密钥或报送记录，但不在名册中" in output


def test_a_bad_roster_lists_its_faults_and_ends_with_1(place: Path) -> None:
    run(place, "init")
    (place / "roster.csv").write_text(ROSTER + "x,,5,0,0\n", encoding="utf-8")
    output = run(place, "roster", "import", str(place / "roster.csv"), code=1).output
    assert "名册未导入，共 3 处问题" in output


def test_a_bad_configuration_ends_with_2(place: Path) -> None:
    (place / "compliance.yaml").write_text(CONFIG + "distict: x\n", encoding="utf-8")
    assert "是否想写 district" in run(place, "init", code=2).output
    (place / "compliance.yaml").unlink()
    assert "文件不存在" in run(place, "serve", code=2).output


def test_a_store_that_was_not_created_ends_with_1(place: Path) -> None:
    for command in (["serve"], ["roster", "code", "甲", INSTITUTION], ["key", "issue", INSTITUTION]):
        assert "请先运行 compliance init" in run(place, *command, code=1).output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--nothing"], "没有选项 --nothing"),
        (["nothing"], "没有命令 nothing"),
        (["roster", "code", "甲"], "缺少 编码"),
        (["export", "coverage"], "缺少 --out"),
    ],
)
def test_a_mistake_in_typing_is_told_in_chinese(place: Path, arguments: list[str], told: str) -> None:
    output = run(place, *arguments, code=2).output
    assert told in output
    assert not re.search(r"\b(Error|Usage|Try)\b", output)


@pytest.mark.parametrize("arguments", [["--help"], ["roster", "--help"], ["key", "issue", "--help"]])
def test_the_help_is_chinese(place: Path, arguments: list[str]) -> None:
    output = run(place, *arguments).output
    assert "用法：" in output
    assert not re.search(r"\b(Usage|Options|Commands|Show)\b", output)


@pytest.mark.skipif(os.name != "posix", reason="Windows stops services otherwise")
def test_the_service_starts_answers_and_stops_when_told(place: Path) -> None:
    run(place, "init")
    command = [sys.executable, "-c", "from compliance.main import cli; cli()", "--config", str(place / "compliance.yaml"), "serve"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, encoding="utf-8") as process:
        assert process.stdout
        line = process.stdout.readline()
        found = re.search(r"http://\S+(?=/api/upload)", line)
        assert found, line
        assert requests.get(f"{found[0]}/healthz", timeout=10).status_code == 200
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
        assert time.monotonic() - started < 10
        assert "接收服务已停止" in process.stdout.read()
