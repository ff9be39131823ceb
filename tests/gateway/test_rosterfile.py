"""A county's clinics and their keys stand in tables; whatever is wrong with a row is told with its number."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import openpyxl
import pytest

from gateway import config, rosterfile
from schemas.errors import SpecError

CONFIG = """
store: {url: "sqlite:///g.db"}
institutions: {file: 机构.csv}
targets:
  bureau:
    url: http://127.0.0.1:1/api/upload
    credentials: {file: 密钥.csv}
sources:
  - {name: cloud, profile: his/demo_his, url: "sqlite:///his.db", institution: H99000100001, institutions: all}
"""
CLINICS = "机构编号,机构名称,医保区划,休业\nH99000100001,甲诊所,990001,\nH99000100002,乙诊所,990001,周日、2026-10-01\n"
KEYS = "机构编号,应用编号,密钥\nH99000100001,app1,t1\nH99000100002,app2,t2\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in (("config.yaml", CONFIG), ("机构.csv", CLINICS), ("密钥.csv", KEYS)):
        (tmp_path / name).write_text(content, encoding="utf-8")
    return tmp_path


def test_institutions_and_keys_come_from_tables_and_a_source_may_hold_all(folder: Path) -> None:
    found = config.load(folder / "config.yaml")
    assert {code: each.name for code, each in found.institutions.items()} == {"H99000100001": "甲诊所", "H99000100002": "乙诊所"}
    credentials = found.targets["bureau"].credentials
    assert {code: (each.paasid, each.token) for code, each in credentials.items()} == {
        "H99000100001": ("app1", "t1"),
        "H99000100002": ("app2", "t2"),
    }
    assert found.sources[0].institutions == ("H99000100001", "H99000100002")
    assert "t1" not in repr(found) and "t2" not in repr(found)


def test_a_closed_cell_holds_several_days(folder: Path) -> None:
    closed = config.load(folder / "config.yaml").institutions["H99000100002"].closed
    assert [closed(date(2026, 10, day)) for day in (1, 2, 4)] == [True, False, True]  # the 4th is a Sunday


def test_a_closed_day_of_a_workbook_is_a_day(folder: Path) -> None:
    """Excel makes a moment of what a person types as a day."""
    book = openpyxl.Workbook()
    for row in (("机构编号", "机构名称", "医保区划", "休业"), ("H99000100001", "甲诊所", "990001", datetime(2026, 10, 1))):  # noqa: DTZ001
        book.active.append(row)
    book.save(folder / "机构.xlsx")
    (code,) = rosterfile.rows(folder / "机构.xlsx", rosterfile.INSTITUTION_COLUMNS)
    assert code.data["closed"] == ["2026-10-01"]


def test_a_key_that_excel_cut_is_told_with_its_row(folder: Path) -> None:
    book = openpyxl.Workbook()
    for row in (("机构编号", "应用编号", "密钥"), ("H99000100001", 1.90591108064919e17, "t1")):
        book.active.append(row)
    book.save(folder / "密钥.xlsx")
    with pytest.raises(SpecError, match=r"第 2 行.*超过 15 位"):
        list(rosterfile.rows(folder / "密钥.xlsx", rosterfile.CREDENTIAL_COLUMNS))


def test_a_workbook_will_do_and_a_code_of_digits_stays_a_code(folder: Path) -> None:
    book = openpyxl.Workbook()
    for row in (("机构编号", "机构名称", "医保区划"), ("H99000100001", "甲诊所", 990001), ("H99000100002", "乙诊所", 990001.0)):
        book.active.append(row)
    book.save(folder / "机构.xlsx")
    (folder / "config.yaml").write_text(CONFIG.replace("机构.csv", "机构.xlsx"), encoding="utf-8")
    assert {each.admvs for each in config.load(folder / "config.yaml").institutions.values()} == {"990001"}


@pytest.mark.parametrize(
    ("file", "content", "sentence"),
    [
        ("机构.csv", CLINICS.replace("医保区划", "区划"), "第一行没有列 医保区划"),
        ("机构.csv", f"{CLINICS}H99000100001,丙,990001,\n", "第 4 行：键 code：与第 2 行是同一家机构"),
        ("机构.csv", f"{CLINICS},丙,990001,\n", "第 4 行：键 code：缺少必填的键"),
        ("机构.csv", f"{CLINICS}H99000100003,丙,99000,\n", "第 4 行：键 admvs："),
        ("机构.csv", f"{CLINICS}H99000100003,丙,990001,明天\n", "第 4 行：键 closed："),
        ("密钥.csv", f"{KEYS}H99000100009,app9,t9\n", "机构 H99000100009 不在 institutions 里"),
        ("密钥.csv", KEYS.replace("app2", "应用"), "第 3 行：键 paasid：应用编号只能是英文字母"),
        ("密钥.csv", KEYS.replace("app2,t2", "app2,"), "第 3 行：键 token：缺少必填的键"),
        ("密钥.csv", "机构编号,应用编号,密钥\nH99000100001,app1,t1\n", "H99000100002"),
    ],
)
def test_a_row_that_is_wrong_is_told_with_its_number(folder: Path, file: str, content: str, sentence: str) -> None:
    (folder / file).write_text(content, encoding="utf-8")
    with pytest.raises(SpecError) as refusal:
        config.load(folder / "config.yaml")
    assert sentence in str(refusal.value)
    assert "t9" not in str(refusal.value)
