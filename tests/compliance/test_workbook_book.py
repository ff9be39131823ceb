"""A workbook reaches its place whole or not at all, and its 校验码 names its figures."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from openpyxl import load_workbook

from compliance.coverage import CoverageReport
from compliance.workbook.coverage import write
from compliance.workbook.digest import digest
from compliance.workbook.errors import WorkbookError
from schemas.wire import SHANGHAI

REPORT = CoverageReport("测试市", datetime(2026, 11, 25, 18, 0, tzinfo=SHANGHAI), "测试版 1", ("门诊",), (), ())


def test_an_existing_workbook_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "覆盖情况.xlsx"
    path.write_text("old", encoding="utf-8")
    write(REPORT, path)
    assert load_workbook(path).sheetnames == ["覆盖情况", "数据上传情况"]
    assert list(tmp_path.iterdir()) == [path]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorkbookError, match=r"文件夹 .*没有这个文件夹 不存在"):
        write(REPORT, tmp_path / "没有这个文件夹" / "x.xlsx")


def test_a_folder_that_is_a_file_is_explained(tmp_path: Path) -> None:
    (tmp_path / "文件").write_text("", encoding="utf-8")
    with pytest.raises(WorkbookError, match="无法写入"):
        write(REPORT, tmp_path / "文件" / "x.xlsx")


def test_a_target_held_open_by_excel_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows refuses to replace an open file; elsewhere the refusal is played."""
    path = tmp_path / "x.xlsx"
    path.write_text("old", encoding="utf-8")

    def refuse(self: Path, target: Path) -> Path:
        raise PermissionError(13, "The process cannot access the file", str(target))

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(WorkbookError, match=r"x\.xlsx 正被打开.*请先在 Excel 或 WPS 中关闭它"):
        write(REPORT, path)
    assert path.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_target_that_is_a_folder_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    path.mkdir()
    with pytest.raises(WorkbookError, match="文件夹"):
        write(REPORT, path)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write everywhere; Windows has other rights")
def test_a_folder_without_write_permission_is_explained(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(WorkbookError, match="请检查磁盘空间和文件夹权限"):
        write(REPORT, tmp_path / "x.xlsx")


def test_the_digest_is_the_same_for_the_same_figures_only() -> None:
    elsewhere = replace(REPORT, as_of=REPORT.as_of.astimezone(UTC))
    assert digest(elsewhere) == digest(REPORT)
    assert digest(replace(REPORT, edition="测试版 2")) != digest(REPORT)
    assert len(digest(REPORT)) == 16


def test_a_cut_off_without_zone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="zone"):
        write(replace(REPORT, as_of=datetime(2026, 11, 25)), tmp_path / "x.xlsx")  # noqa: DTZ001
