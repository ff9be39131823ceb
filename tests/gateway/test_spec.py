"""`gateway spec`: every command in Chinese, and a clerk's afternoon with the field table."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import CliRunner, Result

from gateway.main import cli
from schemas import loader
from schemas.build import validator
from schemas.model import Edition


def spec(*arguments: Any, columns: int = 200) -> Result:
    result = CliRunner().invoke(cli, ["spec", *map(str, arguments)], env={"COLUMNS": str(columns)})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    return result


def test_list_names_every_data_set(edition: Edition) -> None:
    result = spec("list")
    assert result.exit_code == 0
    for dataset in edition.datasets.values():
        assert dataset.name in result.output


def test_show_names_fields_key_cadence_and_codes() -> None:
    output = spec("show", "hd02").output
    for passage in (
        "HD02 血透排班信息",
        "报送周期 D+1日，主键 schd_id",
        "bed_no",
        "C 30",
        "1 上午；2 下午；3 夜间",
        "济管医保办〔2024〕15号",
    ):
        assert passage in output


def test_a_sentence_is_one_line_however_narrow_the_window(edition: Edition) -> None:
    lines = spec("show", "HD02", columns=30).output.splitlines()
    source = edition.datasets["HD02"].source
    assert f"来源 {source.doc}，{source.ref}（可信度 {source.confidence.value}）" in lines
    table = next(each for each in edition.codes.values() if "夜间" in each.values.values())
    assert any(line.endswith("；".join(f"{code} {label}" for code, label in table.values.items())) for line in lines)


def test_show_prints_a_json_schema() -> None:
    found = json.loads(spec("show", "HD03", "--schema").output)
    assert found["title"] == "HD03 透析信息"
    assert found["properties"]["sess_id"]["maxLength"] == 64


def test_lint_of_the_shipped_edition_finds_nothing() -> None:
    result = spec("lint")
    assert (result.exit_code, "未发现问题" in result.output) == (0, True)


def test_lint_tells_what_is_wrong_and_fails(tmp_path: Path, edition: Edition) -> None:
    assert spec("export", "--out", tmp_path / "x.xlsx", "--dataset", "hd02").exit_code == 0
    assert spec("import", tmp_path / "x.xlsx", "--out", tmp_path / "new", "--version", "9").exit_code == 0
    path = tmp_path / "new" / "datasets" / "HD02.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("scene: 血透", "scene: 无此场景"), encoding="utf-8")
    result = spec("lint", "--edition", tmp_path / "new")
    assert (result.exit_code, "无此场景" in result.stderr) == (1, True)


def test_docs_writes_pages_and_tells_stale_ones(tmp_path: Path) -> None:
    assert spec("docs", "--out", tmp_path / "spec", "--check").exit_code == 1
    assert spec("docs", "--out", tmp_path / "spec").exit_code == 0
    assert spec("docs", "--out", tmp_path / "spec", "--check").exit_code == 0
    assert (tmp_path / "spec" / "HD03.md").is_file()


def test_fake_gives_the_same_valid_records_for_the_same_seed(edition: Edition) -> None:
    output = spec("fake", "HD03", "--count", "5", "--seed", "7").output
    records = [json.loads(line) for line in output.splitlines()]
    assert len(records) == 5
    assert [validator(edition, "HD03").violations(record) for record in records] == [()] * 5
    assert spec("fake", "HD03", "--count", "5", "--seed", "7").output == output


def test_fake_faulty_says_which_field_breaks_which_rule(edition: Edition) -> None:
    lines = [json.loads(line) for line in spec("fake", "HD02", "--faulty", "--count", "30").output.splitlines()]
    assert len(lines) == 30
    for line in lines:
        found = validator(edition, "HD02").violations(line["record"])
        assert [(each.field, each.rule) for each in found] == [(line["field"], line["rule"])]


def test_fake_of_a_transaction_that_is_called_gives_rows_of_its_node(edition: Edition) -> None:
    (line,) = spec("fake", "1101").output.splitlines()
    assert json.loads(line).keys() <= {field.name for field in edition.datasets["1101"].fields}


@pytest.mark.parametrize(
    ("arguments", "code", "passage"),
    [
        (("list", "--edition", "nowhere"), 2, "没有名为 nowhere"),
        (("lint", "--edition", "{tmp}"), 2, "edition.yaml"),
        (("show", "HD99"), 1, "没有数据集 HD99"),
        (("fake", "HD99"), 1, "没有数据集 HD99"),
        (("export", "--out", "{tmp}/x.xlsx", "--dataset", "HD99"), 1, "没有数据集 HD99"),
        (("export", "--out", "{tmp}/no/x.xlsx"), 1, "写不下：没有这个文件或文件夹"),
        (("import", "{tmp}/none.xlsx", "--out", "{tmp}/new"), 1, "读不出来：没有这个文件"),
        (("diff", "reference", "{tmp}/none"), 2, "规范有误"),
        (("docs", "--out", "{tmp}/file/spec"), 1, "写不下"),
    ],
)
def test_what_goes_wrong_is_one_sentence(tmp_path: Path, arguments: tuple[str, ...], code: int, passage: str) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    result = spec(*(argument.replace("{tmp}", str(tmp_path)) for argument in arguments))
    assert (result.exit_code, passage in result.stderr) == (code, True), result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


# --- the clerk ---


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An edition of two data sets in a folder: the whole one takes seconds."""
    folder = tmp_path_factory.mktemp("small")
    spec("export", "--out", folder / "x.xlsx", "--dataset", "HD02", "--dataset", "HD03")
    assert spec("import", folder / "x.xlsx", "--out", folder / "edition", "--version", "small").exit_code == 0
    return folder / "edition"


@pytest.fixture
def edited(small: Path, tmp_path: Path) -> Callable[..., Path]:
    """The table after the clerk's changes by hand."""

    def change(*hands: Callable[[Any], None], edition: str | Path = small) -> Path:
        path = tmp_path / "字段表.xlsx"
        assert spec("export", "--out", path, "--edition", edition).exit_code == 0
        book = openpyxl.load_workbook(path)
        for hand in hands:
            hand(book)
        book.save(path)
        return path

    return change


def row_of(sheet: Any, text: str) -> int:
    return next(cell.row for row in sheet.iter_rows(max_col=2) for cell in row if cell.value == text)


def add_a_field(book: Any) -> None:
    sheet = book["HD03 透析信息"]
    sheet.append([27.0, "dialysis_room ", "透析室", "字符型（30）", None, "√", None, None, "治疗所在的透析室"])


def shorten_a_field(book: Any) -> None:
    sheet = book["HD02 血透排班信息"]
    sheet.cell(row_of(sheet, "bed_no"), 5).value = 8.0


def remove_a_code(book: Any) -> None:
    sheet = book["代码 shift"]
    sheet.delete_rows(row_of(sheet, "3"))


def test_a_clerk_changes_the_table_by_hand_and_sees_what_that_means(edited: Callable[..., Path], tmp_path: Path) -> None:
    """The whole reference edition: a field added, a length changed, a code removed; the diff, and what the gateway now rejects."""
    table = edited(add_a_field, shorten_a_field, remove_a_code, edition="reference")
    imported = spec("import", table, "--out", tmp_path / "new", "--version", "2026.9")
    assert imported.exit_code == 0, imported.output
    assert "未采用 0　平" in imported.output
    assert "未看懂 0 处\n推测 0 处" in imported.output

    told = spec("diff", "reference", tmp_path / "new", "--sample", "60").output
    differences, _, rejections = told.partition("编造")
    assert "：3 处不同" in differences
    for passage in ("透析室（dialysis_room）", "床位号（bed_no）", "班次（shift）"):
        assert passage in differences
    rows = [line.split() for line in rejections.splitlines() if line[:2] in ("HD", "RH", "RX", "BI", "35")]
    counts = {tuple(row[:3]): int(row[3]) for row in rows}
    assert counts.keys() == {("HD03", "dialysis_room", "required"), ("HD02", "bed_no", "length"), ("HD02", "shift", "code")}
    assert counts["HD03", "dialysis_room", "required"] == 60, "every record lacks the new field"
    assert 0 < counts["HD02", "shift", "code"] < counts["HD02", "bed_no", "length"] < 60, "one code in three; an optional field"


def test_an_unchanged_table_comes_back_as_the_same_edition(edited: Callable[..., Path], small: Path, tmp_path: Path) -> None:
    assert spec("import", edited(), "--out", tmp_path / "new", "--edition", small).exit_code == 0
    assert "内容相同" in spec("diff", small, tmp_path / "new", "--sample", "5").output


def test_a_code_that_a_condition_needs_is_told_by_the_lint(edited: Callable[..., Path], tmp_path: Path) -> None:
    def remove(book: Any) -> None:
        sheet = book["代码 schd_stas"]
        sheet.delete_rows(row_of(sheet, "3"))

    result = spec("import", edited(remove), "--out", tmp_path / "new")
    assert (result.exit_code, "absence_reason：required_if 的取值 3 不在代码表 schd_stas 内" in result.stderr) == (1, True)


def test_other_content_under_the_same_name_is_told(edited: Callable[..., Path], small: Path, tmp_path: Path) -> None:
    """Else the same record would have two digests under one edition."""
    result = spec("import", edited(shorten_a_field), "--out", tmp_path / "new", "--edition", small)
    assert (result.exit_code, "请用 --version 另给版本号" in result.stderr) == (1, True)
    assert loader.load(tmp_path / "new").datasets["HD02"].field("bed_no").length == 8


def test_a_field_the_import_could_not_take_ends_with_exit_code_one(edited: Callable[..., Path], tmp_path: Path) -> None:
    def spoil(book: Any) -> None:
        sheet = book["HD02 血透排班信息"]
        sheet.cell(row_of(sheet, "bed_no"), 4).value = "大对象"

    result = spec("import", edited(spoil), "--out", tmp_path / "new", "--version", "2026.9")
    assert result.exit_code == 1
    assert "未采用 1　平" in result.output
    assert "看不懂的数据类型" in result.output


def test_an_import_does_not_write_into_a_folder_with_files(edited: Callable[..., Path], tmp_path: Path) -> None:
    result = spec("import", edited(), "--out", tmp_path)
    assert (result.exit_code, "不是空的" in result.stderr) == (1, True)
