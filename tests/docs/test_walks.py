"""The walks of docs/adding-a-*.md: their very commands are run, their very edits made, and what they show is what comes out."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from support import strangers

from gateway.main import cli

BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Walk:
    """One page, done from top to bottom in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.output, self.commands = folder, "", 0

    def go(self, page: str) -> None:
        for kind, name, text in BLOCK.findall(page):
            match kind, name:
                case "sh", _:
                    for line in text.strip().splitlines():
                        self._run(line, fails=name == "fails")
                case "diff", _:
                    self._edit(self.folder / name, text)
                case "text", "":
                    self._shown(text)
                case _:
                    (self.folder / name).write_text(text, encoding="utf-8")

    def _run(self, line: str, *, fails: bool) -> None:
        program, *words = shlex.split(line)
        assert program == "gateway"
        result = CliRunner(env={"COLUMNS": "160"}).invoke(cli, words)
        self.output, self.commands = result.output, self.commands + 1
        assert (result.exit_code != 0) is fails, result.output
        assert result.exception is None or isinstance(result.exception, SystemExit), result.output

    def _edit(self, path: Path, text: str) -> None:
        """Lines of the file that contain what is taken out; what stands after it on the line stays."""
        taken = [line[1:] for line in text.splitlines() if line.startswith("-")]
        given = [line[1:] for line in text.splitlines() if line.startswith("+")]
        content = path.read_text(encoding="utf-8")
        first = taken[0]
        lines = content.splitlines()
        (place,) = (number for number, line in enumerate(lines) if first in line)
        for offset, each in enumerate(taken):
            assert each in lines[place + offset], (each, lines[place + offset])
        if len(taken) == len(given) == 1:
            lines[place] = lines[place].replace(first, given[0])
        else:
            lines[place : place + len(taken)] = given
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _shown(self, text: str) -> None:
        squeezed = re.sub(r"\s+", "", self.output)
        for line in text.strip().splitlines():
            assert re.sub(r"\s+", "", line) in squeezed, (line, self.output)


@pytest.fixture
def walk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Walk]:
    monkeypatch.chdir(tmp_path)
    return lambda: Walk(tmp_path)


def test_an_unknown_his_is_connected_as_the_page_says(walk: Callable[[], Walk], root: Path, tmp_path: Path) -> None:
    strangers.create(tmp_path / "his.db")
    made = walk()
    made.go((root / "docs" / "adding-a-his.md").read_text(encoding="utf-8"))
    assert made.commands >= 6
    report = (tmp_path / "report" / "接口检查报告.html").read_text(encoding="utf-8")
    assert "实际治疗时长" in report
    assert (tmp_path / "report" / "接口检查报告.xlsx").is_file()
    for secret in ("王测试", "19800101", "测试护士"):
        assert secret not in report + made.output


def test_an_unknown_till_is_connected_as_the_page_says(walk: Callable[[], Walk], root: Path, tmp_path: Path) -> None:
    strangers.shop(tmp_path / "pos.db")
    made = walk()
    made.go((root / "docs" / "adding-a-pos.md").read_text(encoding="utf-8"))
    assert made.commands == 3
