"""The pages say what the edition says, and are told to be stale when they do not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from schemas import docs, loader
from schemas.model import Edition


def test_the_committed_pages_say_what_the_reference_edition_says(reference: Edition) -> None:
    assert docs.stale(reference, docs.PAGES) == (), "run python -m schemas.docs"


def test_there_is_a_page_per_data_set_and_the_index_links_each(reference: Edition) -> None:
    found = docs.pages(reference)
    assert found.keys() == {"README.md", "common.md", *(f"{code}.md" for code in reference.datasets)}
    for code in reference.datasets:
        assert f"[{code}]({code}.md)" in found["README.md"]


def test_a_page_names_every_field_code_and_source(edition: Edition) -> None:
    page = docs.pages(edition)["T1.md"]
    for passage in (
        "# T1 测试数据集",
        "| 报送周期 | 实时 |",
        "| 主键 | `rx_id`、`line_no` |",
        "| `rx_id` | 处方号 | C 8 | 是 |",
        "| `line_no` | 行号 | C 8 | 是 |  | 可以是空文本 |",
        "| `cnt` | 数量 | N 6,2 |",
        "| `reason` | 原因 | C 20 | shift 为 3 时 |",
        "| `drugs[].dose` | 剂量 | N 6,2 |",
        "### shift 班次",
        "| 3 | 夜间 |",
        "1. 测试文本，第一条（可信度 O：本参考版拟定，以统筹地区下发文本为准，2026-01-01）",
        '"rx_id": "TEST-0',
    ):
        assert passage in page


def test_a_bar_in_a_text_does_not_break_the_table(edition: Edition) -> None:
    table = replace(edition.codes["shift"], values={"1": "上|午\n早"})
    assert "| 1 | 上｜午 早 |" in docs.pages(replace(edition, codes={"shift": table}))["T1.md"]


def test_writing_makes_every_page_fresh(edition: Edition, tmp_path: Path) -> None:
    assert len(docs.stale(edition, tmp_path / "spec")) == 3
    assert docs.write(edition, tmp_path / "spec") == 3
    assert docs.stale(edition, tmp_path / "spec") == ()


def test_a_changed_field_makes_its_page_stale(spoil: Callable[[str, str, str], Path], edition: Edition, tmp_path: Path) -> None:
    docs.write(edition, tmp_path / "spec")
    newer = loader.load(spoil("datasets/T1.yaml", "label: 数量", "label: 件数"))
    assert docs.stale(newer, tmp_path / "spec") == ("T1.md：与规范不一致",)


def test_a_generated_page_of_a_data_set_that_is_gone_goes_and_a_written_one_stays(edition: Edition, tmp_path: Path) -> None:
    docs.write(edition, tmp_path)
    (tmp_path / "T1.md").rename(tmp_path / "T9.md")
    (tmp_path / "notes.md").write_text("# 手写\n", encoding="utf-8")
    assert set(docs.stale(edition, tmp_path)) == {"T1.md：还没有生成", "T9.md：规范中已没有，应删除"}
    docs.write(edition, tmp_path)
    assert {path.name for path in tmp_path.glob("*.md")} == {"README.md", "common.md", "T1.md", "notes.md"}


def test_the_command_fails_when_a_page_is_stale(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, edition: Edition) -> None:
    monkeypatch.setattr(loader, "reference", lambda: edition)
    monkeypatch.setattr(docs, "PAGES", tmp_path)
    runner = CliRunner()
    refused = runner.invoke(docs.main, ["--check"])
    assert (refused.exit_code, "T1.md：还没有生成" in refused.stderr) == (1, True)
    assert runner.invoke(docs.main, []).exit_code == 0
    assert runner.invoke(docs.main, ["--check"]).output == "页面与规范一致\n"
