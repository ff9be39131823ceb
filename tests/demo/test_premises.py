"""The demo's folder: only what a demo made is removed, and what is in the way is told in one sentence."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from demo import __main__ as demo
from demo import premises
from demo.premises import PremisesError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the demo would build, started from an empty folder."""
    monkeypatch.chdir(tmp_path)
    return Path("demo-output")


def told(capsys: pytest.CaptureFixture[str]) -> str:
    """The one sentence of a demo that cannot begin."""
    assert demo.main() == 1
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_a_file_of_the_folders_name_is_told_and_stays(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder.touch()
    assert told(capsys).startswith("demo-output 是文件")
    assert folder.is_file()


def test_a_workbook_that_is_open_is_told_and_nothing_was_removed_yet(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows refuses to remove a file that Excel holds."""
    workbook = premises.build(folder).workbook
    workbook.touch()

    def held(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(13, "held", str(path))

    monkeypatch.setattr(Path, "unlink", held)
    assert f"{workbook} 删不掉，请关闭正打开它的程序" in told(capsys)
    assert (folder / "bureau" / "compliance.yaml").exists()


def test_a_folder_that_cannot_be_made_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "no space")

    monkeypatch.setattr(Path, "mkdir", full)
    with pytest.raises(PremisesError, match="写不进去"):
        premises.build(folder)


def test_what_no_demo_made_is_left_alone(folder: Path) -> None:
    built = premises.build(folder)
    (folder / "笔记.txt").write_text("mine", encoding="utf-8")
    (built.folder / "bureau" / "left.txt").touch()
    again = premises.build(folder)
    assert (folder / "笔记.txt").read_text(encoding="utf-8") == "mine"
    assert not (again.folder / "bureau" / "left.txt").exists()
    shutil.rmtree(folder)
