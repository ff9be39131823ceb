"""Mistakes in typing, of both programs: what was typed, what was meant, exit code 2; and consoles that cannot write Chinese."""

from __future__ import annotations

import builtins
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

import compliance.__main__
import gateway.__main__
from compliance.main import cli as bureau
from gateway.main import cli as site


@pytest.mark.parametrize(
    ("program", "typed", "told"),
    [
        (site, ["stauts"], "没有命令 stauts，是否想写 status；用法见 gateway --help"),
        (site, ["brake", "lst"], "没有命令 lst，是否想写 list；用法见 gateway brake --help"),
        (site, ["zzzz"], "没有命令 zzzz；用法见 gateway --help"),
        (site, ["run", "--onec"], "没有选项 --onec，是否想写 --once；用法见 gateway run --help"),
        (site, ["--cofig", "x", "run"], "没有选项 --cofig，是否想写 --config；用法见 gateway --help"),
        (site, ["status", "all"], "多写了 all；用法见 gateway status --help"),
        (site, ["late", "--date", "24.11."], "--date 应写作 yyyy-MM-dd，例：2026-11-24：24.11.；用法见 gateway late --help"),
        (
            site,
            ["late", "--date", "0202-11-24"],
            "--date 年份应在 1990 到 2199 之间，例：2026-11-24：0202-11-24；用法见 gateway late --help",
        ),
        (
            bureau,
            ["board", "--date", "9999-12-31"],
            "--date 年份应在 1990 到 2199 之间，例：2026-11-24：9999-12-31；用法见 compliance board --help",
        ),
        (site, ["check", "--source"], "选项 --source 缺少值；用法见 gateway check --help"),
        (bureau, ["roster", "improt"], "没有命令 improt，是否想写 import；用法见 compliance roster --help"),
        (bureau, ["export", "coverage", "--aut", "x"], "没有选项 --aut，是否想写 --out；用法见 compliance export coverage --help"),
        (bureau, ["export", "coverage", "--out", "."], "--out 应为文件，这是文件夹：.；用法见 compliance export coverage --help"),
    ],
)
def test_a_mistake_in_typing_names_the_word_and_the_nearest_and_ends_with_2(
    program: click.Group, typed: list[str], told: str
) -> None:
    name = "gateway" if program is site else "compliance"
    result = CliRunner().invoke(program, typed, prog_name=name)
    assert (result.exit_code, result.stderr.strip()) == (2, told)


@pytest.mark.parametrize(("program", "name"), [(gateway.__main__, "gateway"), (compliance.__main__, "compliance")])
def test_an_installation_without_its_libraries_is_told_the_command_of_the_manual(
    program: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(module: str, *args: Any) -> Any:
        if module == f"{name}.main":
            raise ModuleNotFoundError("no", name="flask")
        return real(module, *args)

    real = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(SystemExit) as caught:
        program.main()
    assert f"pip install --no-index --find-links wheelhouse 'liangding-gateway[{name}]'" in str(caught.value)


@pytest.mark.parametrize("program", ["gateway", "compliance"])
@pytest.mark.parametrize("page", ["cp1252", "latin-1"])
def test_a_console_without_chinese_is_no_traceback(program: str, page: str, tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONUTF8": "0", "PYTHONIOENCODING": page}
    for words, code in ((["--help"], 0), (["--config", "none.yaml", "serve"], 2), (["服务"], 2)):
        command = [sys.executable, "-m", program, *words]
        result = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, check=False)
        assert (result.returncode, b"Traceback" in result.stderr) == (code, False), result.stderr
        assert b"?" in result.stdout + result.stderr


def test_a_run_does_not_import_what_only_other_commands_need() -> None:
    """Time and memory of every start: pinyin, Excel, a hundred kinds of channels, web pages."""
    heavy = ("apprise", "flask", "lxml", "openpyxl", "prometheus_client", "pypinyin", "zeep")
    code = f"import sys, gateway.main; print([name for name in {heavy!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_every_command_that_is_put_off_is_where_it_is_said_to_be() -> None:
    context = click.Context(site)
    for name in site.list_commands(context):
        found = site.get_command(context, name)
        assert found is not None and found.name == name
