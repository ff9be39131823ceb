"""The site's catalogue as Excel and CSV leave it."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest

from adapters import catalogue
from adapters.origins import CatalogueValue, Missing, SiteFacts
from gateway.errors import ConfigError

TEXT = "bar,名称,code\n1001,甲,X1\n1002, ,X2\n\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
def test_a_csv_is_read_in_the_encodings_excel_writes(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "目录.csv"
    path.write_text(TEXT, encoding=encoding)
    found = catalogue.read(path, "bar")
    assert found.columns == {"bar", "名称", "code"}
    assert found.find("1001") == {"bar": "1001", "名称": "甲", "code": "X1"}
    assert found.rows["1002"]["名称"] == ""
    assert found.find("9") is None


def test_a_workbook_keeps_a_number_as_a_bar_code_and_a_date_as_a_date(tmp_path: Path) -> None:
    path = tmp_path / "目录.xlsx"
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for line in (("bar", "made", None), (6901234567890, datetime(2026, 1, 2), None), (12.0, None, None)):  # noqa: DTZ001
        sheet.append(line)
    book.save(path)
    found = catalogue.read(path, "bar")
    assert found.rows == {"6901234567890": {"bar": "6901234567890", "made": "2026-01-02"}, "12": {"bar": "12", "made": ""}}


@pytest.mark.parametrize(
    ("cell", "sentence"),
    [("#N/A", "第 3 行.*Excel 的错误值 #N/A"), (1.90591108064919e17, "第 3 行有一格号码超过 15 位")],
)
def test_what_excel_made_of_a_cell_is_not_taken_for_a_code(tmp_path: Path, cell: object, sentence: str) -> None:
    path = tmp_path / "目录.xlsx"
    book = openpyxl.Workbook()
    for line in (("bar", "code"), ("1", "X1"), ("2", cell)):
        book.worksheets[0].append(line)
    book.save(path)
    with pytest.raises(ConfigError, match=sentence):
        catalogue.read(path, "bar")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("bar,code\n1,X\n1,Y\n", "第 3 行与第 2 行的 bar 重复"),
        ("bar,code\n,X\n", "第 2 行的 bar 为空"),
        ("bar,code\n1,X,Z\n", "第 2 行的列数多于表头"),
        ("barcode,code\n1,X\n", "第一行没有列 bar"),
        ("", "第一行没有列 bar"),
        ("bar,code,code\n1,X,Y\n", "列名重复：code"),
    ],
)
def test_a_wrong_catalogue_is_refused_with_the_row_at_fault(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "c.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=sentence) as refusal:
        catalogue.read(path, "bar")
    assert "c.csv" in str(refusal.value)


def test_files_that_are_no_catalogue_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="不存在"):
        catalogue.read(tmp_path / "none.csv", "bar")
    (tmp_path / "broken.xlsx").write_bytes(b"PK not a workbook")
    with pytest.raises(ConfigError, match="不是 Excel 工作簿"):
        catalogue.read(tmp_path / "broken.xlsx", "bar")
    (tmp_path / "binary.csv").write_bytes(b"\xff\xff\xff\x00")
    with pytest.raises(ConfigError, match="既不是 UTF-8 也不是 GBK"):
        catalogue.read(tmp_path / "binary.csv", "bar")


def test_a_damaged_table_is_a_wrong_configuration(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text('bar,code\n1,"X\n2,Y\n', encoding="utf-8")
    with pytest.raises(ConfigError, match=r"目录对照表 .*c\.csv 第 2 行：引号不成对"):
        catalogue.read(path, "bar")


DATED = "bar,yb,起,止\n1,Y1,,2026-03-31\n1,Y2,2026-04-01,\n2,Z1,2026-04-01,2026-04-30\n"


def dated(tmp_path: Path, text: str = DATED) -> catalogue.Catalogue:
    (tmp_path / "c.csv").write_text(text, encoding="utf-8")
    return catalogue.read(tmp_path / "c.csv", "bar", ("起", "止"))


@pytest.mark.parametrize(
    ("key", "day", "code"),
    [
        ("1", date(2026, 3, 31), "Y1"),
        ("1", date(2026, 4, 1), "Y2"),
        ("1", date(2030, 1, 1), "Y2"),
        ("2", date(2026, 4, 30), "Z1"),
        ("2", date(2026, 5, 1), None),
        ("3", date(2026, 5, 1), None),
    ],
)
def test_a_dated_catalogue_answers_by_the_day(tmp_path: Path, key: str, day: date, code: str | None) -> None:
    found = dated(tmp_path).find(key, day)
    assert (found["yb"] if found else None) == code


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("1,Y3,2026-05-01,2026-05-31", "第 5 行与第 3 行的 bar 相同，生效的日期又有重叠"),
        ("9,Y3,2026-05-02,2026-05-01", "第 5 行的 止 早于 起"),
        ("9,Y3,明天,", "第 5 行的 起 应为日期 yyyy-MM-dd"),
    ],
)
def test_dates_that_cannot_be_are_told(tmp_path: Path, line: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        dated(tmp_path, f"{DATED}{line}\n")


def test_one_column_of_dates_without_the_other_is_a_slip_and_is_told(tmp_path: Path) -> None:
    """Its rows would count as if they had no dates: a backfill of March would be sent by today's codes."""
    with pytest.raises(ConfigError, match="目录对照表有列 起，没有列 止：两列日期要么都有，要么都没有"):
        dated(tmp_path, "bar,yb,起\n1,Y1,2026-01-01\n")


def test_a_line_that_ends_early_has_nothing_in_the_columns_behind(tmp_path: Path) -> None:
    """As other programs than Excel write empty cells at the end; the look-up must say so and not fail."""
    path = tmp_path / "目录.csv"
    path.write_text("bar,code,yb\n1,X1\n2,X2,Y2\n", encoding="utf-8")
    found = catalogue.read(path, "bar")
    assert found.rows["1"] == {"bar": "1", "code": "X1", "yb": ""}
    told = CatalogueValue("bar", "yb").find({"bar": "1"}, SiteFacts("H1", catalogues={"bar": found}))
    assert told == Missing("catalogue", "目录对照表中这一行的 yb 为空")


def test_without_those_columns_a_catalogue_has_no_dates(tmp_path: Path) -> None:
    assert not dated(tmp_path, "bar,yb\n1,Y1\n").dated
