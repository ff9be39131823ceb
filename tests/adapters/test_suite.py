"""The contract suite finds each kind of broken profile, and says in Chinese what is wrong with it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from support import visits

from adapters import contract
from adapters.contract import BrokenContractError
from adapters.quality import RULES
from gateway.main import cli
from gateway.ports import SweptSource
from schemas.model import Edition

HEAD = "SELECT id AS row_ref, changed AS cursor_time, id AS cursor_key, id, count, code, changed FROM visit"
FILES = {
    "manifest.yaml": visits.manifest("after_time, after_key, limit", "incremental"),
    "T1.sql": f"{HEAD} WHERE changed > :after_time OR (changed = :after_time AND id > :after_key)"
    " ORDER BY changed, id LIMIT :limit",
    **visits.swept(HEAD),
    "T1.yaml": "dataset: T1\nfields:\n  id: {column: id}\n  count: {column: count}\n  code: {column: code}\n"
    "  begn: {column: changed}\n"
    "absent: {lot: 没有}\n",
    "NOTES.md": "# 甲\n",
    "quality.yaml": "".join(f"{rule}: {{standing: done}}\n" for rule in RULES),
    "fixtures/T1.yaml": "dataset: T1\nrow: {id: 1, count: 2, code: X, changed: '2026-10-01 08:00:00'}\ncases:\n"
    "  - {name: 一行, expected: {id: '1', count: '2', code: X, begn: '2026-10-01 08:00:00', lot: ''}}\n",
}
Broken = Callable[..., str]
CONFIG = """
store: {{url: "sqlite:///gateway.db"}}
institutions: [{{code: "H99000100001", name: 甲, admvs: "990001"}}]
targets:
  bureau:
    url: http://127.0.0.1:1/api/upload
    credentials: {{H99000100001: {{paasid: app, token: {{env: PATH}}}}}}
sources: [{{name: his, profile: own, url: "sqlite:///{database}", institution: "H99000100001"}}]
"""


@pytest.fixture
def broken(tmp_path: Path, site: Path, edition: Edition) -> Broken:
    """What the suite says of a good profile in which one text of one file was exchanged; "" if it is content."""

    def say(file: str = "", old: str = "", new: str = "") -> str:
        assert not file or old in FILES[file]
        files = {name: content.replace(old, new) if name == file else content for name, content in FILES.items()}
        folder = visits.written(tmp_path / "own", files)
        sources: list[SweptSource] = [*visits.opened(folder, site, edition)]
        try:
            contract.keep(folder, edition, sources)
        except BrokenContractError as error:
            return str(error)
        return ""

    return say


def test_a_good_profile_is_one_line_and_silent(broken: Broken) -> None:
    assert broken() == ""


@pytest.mark.parametrize(
    ("file", "old", "new", "sentence"),
    [
        ("T1.sql", "AND id > :after_key", "AND id > :after_key + 1", "每页 7 行与每页 500 行读到的不同，少了"),
        ("T1.sql", "id AS row_ref", "count AS row_ref", "row_ref 有重复：2（共 1 个）"),
        ("T1.yaml", "id: {column: id}", "id: {column: count}", "个业务主键有几行：本地行 98与99"),
        ("T1.yaml", "{column: code}", '{column: code, codes: {A: "A"}}', "本地代码 X1 没有对照（12 行）"),
        ("lookup.sql", "id IN :keys", "id IN :keys AND id > 95", "按行号查到的与主查询不同：89"),
        ("lookup.sql", "id, count", "id, count + 1 AS count", "按行号查到的与主查询不同"),
        ("window.sql", "changed < :to", "changed < :to AND id <> 90", "按业务时间查漏了 90（共 1 行）"),
        ("T1.sql", ", code", "", "结果缺少列 code（T1.yaml 要用）"),
        ("T1.sql", "FROM visit", "FROM visits", "T1 查询："),
        ("NOTES.md", "# 甲\n", "", "没有 NOTES.md"),
        ("quality.yaml", "paging", "pageing", "是否想写 paging"),
        ("fixtures/T1.yaml", "count: '2'", "count: '3'", "一行：count 应为 3，实为 2"),
        ("fixtures/T1.yaml", "code: X, changed", "code: null, changed", "一行：code 的原因应为 无，实为 required"),
        ("fixtures/T1.yaml", "code: X, changed", "changed", "一行：row 缺少列 code"),
        ("fixtures/T1.yaml", "name: 一行,", "name: 一行, state: void,", "一行：应为 void，实为 ready（可报送）"),
        ("fixtures/T1.yaml", "expected", "expects", "是否想写 expected"),
    ],
)
def test_a_broken_profile_is_told(broken: Broken, file: str, old: str, new: str, sentence: str) -> None:
    assert sentence in broken(file, old, new)


def test_a_source_that_is_away_is_no_broken_query(broken: Broken, site: Path) -> None:
    with closing(sqlite3.connect(site)):
        pass
    site.unlink()
    assert broken().startswith("T1 连接：")


def test_a_site_asks_for_the_contract_by_a_word(broken: Broken, tmp_path: Path, site: Path) -> None:
    """The same rules, said by `gateway check --contract`; the exit code tells whether they are kept."""
    assert "按行号查到的与主查询不同" in broken("lookup.sql", "id IN :keys", "id IN :keys AND id > 95")
    folder = tmp_path / "own"
    for file in ("manifest.yaml", "T1.yaml", "fixtures/T1.yaml"):
        text = (folder / file).read_text(encoding="utf-8").replace("T1", "RX01")
        text = text.replace("  id: {column: id}", "  rx_id: {column: id}\n  line_no: {column: id}\n  patn_id: {column: id}")
        text = text.replace("  count:", "  cnt:").replace("  code:", "  med_list_codg:").replace("  begn:", "  rx_time:")
        (folder / file).write_text(text.replace("absent: {lot: 没有}", ""), encoding="utf-8")
    for old, new in (("T1.sql", "RX01.sql"), ("T1.yaml", "RX01.yaml")):
        (folder / old).rename(folder / new)
    (tmp_path / "config.yaml").write_text(CONFIG.format(database=site), encoding="utf-8")
    result = CliRunner(env={"COLUMNS": "80"}).invoke(cli, ["--config", str(tmp_path / "config.yaml"), "check", "--contract"])
    assert result.exit_code == 1, result.output
    assert "his RX01 分页：守" in result.output
    assert "his RX01 按行号查：没有守　按行号查到的与主查询不同" in result.output
