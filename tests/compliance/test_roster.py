"""The roster import: every spelling a clerk uses, every fault at once, nothing half-imported."""

from __future__ import annotations

from pathlib import Path

import openpyxl
import pytest

from compliance import roster
from compliance.errors import ComplianceError, RosterError
from compliance.model import Institution
from compliance.store.database import Database
from compliance.store.roll import StoredRoll

JIYUAN = Path(__file__).parents[3] / "shared" / "data" / "roster-jiyuan.csv"
SMALL = """序号,医疗机构名称,门诊场景,血透场景,缓建,医药机构编码
1,测试甲医院,1,是,0,H00000000001
2,测试乙医院,√,,是,
3,测试丙医院,0,否,否,
"""


def write(folder: Path, text: str = SMALL, encoding: str = "utf-8", name: str = "roster.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def faults(path: Path) -> tuple[str, ...]:
    with pytest.raises(RosterError) as caught:
        roster.read(path)
    return caught.value.faults


@pytest.mark.requirement("J-044")
@pytest.mark.requirement("J-063")
@pytest.mark.skipif(not JIYUAN.exists(), reason="the bureau's own roster is not beside the repository")
def test_the_annex_of_jiyuan_has_twenty_institutions_and_its_two_totals(store: Database) -> None:
    done = roster.load(JIYUAN, StoredRoll(store))
    assert (len(done.added), done.planned, done.assessed, done.ignored) == (20, 63, 57, ())
    stored = StoredRoll(store).institutions()
    assert [each.number for each in stored] == list(range(1, 21))
    assert sum("血透" in each.scenes for each in stored) == 3
    assert sum(each.deferred for each in stored) == 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk"])
def test_a_csv_of_any_usual_encoding_is_read(tmp_path: Path, encoding: str) -> None:
    rows, ignored = roster.read(write(tmp_path, encoding=encoding))
    assert rows == (
        Institution(1, "测试甲医院", "H00000000001", False, ("门诊", "血透"), "roster.csv"),
        Institution(2, "测试乙医院", "", True, ("门诊",), "roster.csv"),
        Institution(3, "测试丙医院", "", False, (), "roster.csv"),
    )
    assert ignored == ()


def test_an_excel_file_with_a_title_above_the_heading_is_read(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (
        ["测试市智能场景监控建设名册"],
        [],
        ["序号", "机构名称", "康复理疗场景", "缓建", "备注"],
        [1, "测试甲医院", 1, None, "x"],
        [2.0, "测试乙医院", True, False, None],
    ):
        sheet.append(row)
    book.save(tmp_path / "roster.xlsx")
    rows, ignored = roster.read(tmp_path / "roster.xlsx")
    assert [(row.number, row.name, row.scenes, row.deferred) for row in rows] == [
        (1, "测试甲医院", ("康复理疗",), False),
        (2, "测试乙医院", ("康复理疗",), False),
    ]
    assert ignored == ("备注",)


def test_every_bad_row_is_told_at_once_and_nothing_is_imported(store: Database, tmp_path: Path) -> None:
    text = SMALL + "x,测试甲医院,2,1,也许,H00000000001\n5,,1,1,1,短\n"
    with pytest.raises(RosterError) as caught:
        roster.load(write(tmp_path, text), StoredRoll(store))
    assert set(caught.value.faults) == {
        "第 5 行，列 序号：应为整数",
        "第 5 行，列 门诊场景：应为 1、0、是、否、√ 或空白",
        "第 5 行，列 缓建：应为 1、0、是、否、√ 或空白",
        "第 6 行：没有机构名称",
        "第 6 行，列 医药机构编码：应为 6 至 12 位大写字母和数字",
        "医疗机构名称 测试甲医院 出现了 2 次",
        "医药机构编码 H00000000001 出现了 2 次",
    }
    assert StoredRoll(store).institutions() == ()


@pytest.mark.parametrize(
    ("heading", "told"),
    [
        ("医疗机构名称,门诊场景,缓建", "缺少列 序号"),
        ("序号,医疗机构名称,门诊场景", "缺少列 缓建"),
        ("序号,医疗机构名称,缓建", "至少要有一个场景列"),
        ("序号,医疗机构名称,门诊场景,血透场竟,血析场景,缓建", "不认识的场景列 血析场景，是否指 血透场景？"),
        ("序号,医疗机构名称,门诊场景,门诊场景,缓建", "列 门诊场景 出现了 2 次"),
        ("序号,医院,门诊场景,缓建", "没有表头"),
        ("序号,医疗机构名称,门诊场景,缓建", "没有一家机构"),
    ],
)
def test_a_bad_heading_is_told(tmp_path: Path, heading: str, told: str) -> None:
    assert any(told in fault for fault in faults(write(tmp_path, heading + "\n")))


def test_an_import_again_updates_and_reports_but_keeps_what_is_missing(store: Database, tmp_path: Path) -> None:
    roll = StoredRoll(store)
    roster.load(write(tmp_path), roll)
    again = "序号,医疗机构名称,血透场景,缓建\n1,测试甲医院,0,1\n9,测试丁医院,1,0\n"
    done = roster.load(write(tmp_path, again), roll)
    assert (done.added, done.updated, done.missing) == (("测试丁医院",), ("测试甲医院",), ("测试乙医院", "测试丙医院"))
    stored = {each.name: each for each in roll.institutions()}
    assert stored["测试甲医院"] == Institution(1, "测试甲医院", "H00000000001", True, (), "roster.csv")
    assert stored["测试乙医院"].scenes == ("门诊",)


def test_a_new_name_under_a_known_code_is_a_renaming(store: Database, tmp_path: Path) -> None:
    roll = StoredRoll(store)
    roster.load(write(tmp_path), roll)
    done = roster.load(write(tmp_path, SMALL.replace("测试甲医院", "测试甲中心医院")), roll)
    assert (done.renamed, done.added, done.missing) == ((("测试甲医院", "测试甲中心医院"),), (), ())
    assert {each.name: each.code for each in roll.institutions()}["测试甲中心医院"] == "H00000000001"


def test_two_institutions_may_swap_their_codes(store: Database, tmp_path: Path) -> None:
    roll = StoredRoll(store)
    both = "序号,医疗机构名称,门诊场景,缓建,医药机构编码\n1,测试甲医院,1,0,{}\n2,测试乙医院,1,0,{}\n"
    roster.load(write(tmp_path, both.format("H00000000001", "H00000000002")), roll)
    roster.load(write(tmp_path, both.format("H00000000002", "H00000000001")), roll)
    assert [each.code for each in roll.institutions()] == ["H00000000002", "H00000000001"]


def test_a_code_that_a_kept_institution_holds_is_a_fault(store: Database, tmp_path: Path) -> None:
    roll = StoredRoll(store)
    roster.load(write(tmp_path), roll)
    before = roll.institutions()
    taking = "序号,医疗机构名称,门诊场景,缓建,医药机构编码\n1,测试甲医院,1,0,\n7,测试戊医院,1,0,H00000000001\n"
    with pytest.raises(RosterError, match="H00000000001 出现了 2 次"):
        roster.load(write(tmp_path, taking), roll)
    assert roll.institutions() == before


def test_a_code_is_bound_by_hand(store: Database, tmp_path: Path) -> None:
    roll = StoredRoll(store)
    roster.load(write(tmp_path), roll)
    roll.bind("测试乙医院", "H00000000002")
    assert [each.code for each in roll.institutions()] == ["H00000000001", "H00000000002", ""]
    with pytest.raises(ComplianceError, match="已绑定给 测试乙医院"):
        roll.bind("测试丙医院", "H00000000002")
    with pytest.raises(ComplianceError, match="是否指 测试丙医院"):
        roll.bind("测试丙院", "H00000000003")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("roster.xlsx", b"no zip", "不是 Excel 工作簿"),
        ("roster.xls", b"old", "旧格式"),
        ("roster.csv", b'a,b\n1,"x\n2,y\n', "第 2 行：引号不成对"),
        ("roster.csv", b"a,b\n1,x\0\n", "第 2 行：含有空字符"),
        ("roster.csv", b"\xff\xff\xff", "既不是 UTF-8 也不是 GBK"),
    ],
)
def test_a_file_that_is_no_table_is_told(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ComplianceError, match=told):
        roster.read(tmp_path / name)


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ComplianceError, match="文件读不出来"):
        roster.read(tmp_path / "nowhere.csv")
