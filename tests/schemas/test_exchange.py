"""The Excel field table: nothing lost on the way out and back, other people's tables read with every guess told, bombs refused."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, fields, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from schemas import exchange, overlay
from schemas.errors import SpecError
from schemas.exchange import Kind, Report
from schemas.lint import findings
from schemas.model import (
    Cadence,
    CodeTable,
    Condition,
    Confidence,
    Dataset,
    DayOff,
    Edition,
    Empty,
    Encoding,
    Extra,
    Field,
    FieldType,
    Form,
    Node,
    Numbers,
    Parent,
    Replay,
    Severity,
    Source,
    Style,
    Success,
)

HEADER = ("序号", "字段", "名称", "类型", "长度", "必填", "代码表", "说明")
Rows = list[tuple[Any, ...]]


def source(ref: str) -> Source:
    return Source("测试文本；第二版，“引号”", ref, Confidence.INFERRED, "2026-01-02")


def full(name: str, **changes: Any) -> Field:
    """A field with every attribute set that a text field can have."""
    return replace(
        Field(
            name=name,
            label=f"标签（{name}）",
            type=FieldType.TEXT,
            source=source(name),
            length=30,
            scale=2,
            codes="01_table",
            required=True,
            required_if=Condition("other", ("1", "a、b", "c,d；e\\f", "")),
            blank_allowed=True,
            least=Decimal("-0.50"),
            length_severity=Severity.WARN,
            wire_name="fixName",
            aliases=("a", "b、c"),
            format="yyyyMMdd HH:mm",
            meaning="=1+1；说明，1-是;0-否，参照第二表\n第二行",
        ),
        **changes,
    )


@pytest.fixture
def everything() -> Edition:
    """An edition in which every attribute of every part says something other than its default."""
    rows = full("drugs", type=FieldType.ROWS, fields=(full("dose", type=FieldType.ROWS, fields=(full("deep"),)),))
    nodes = (
        Node("data", (full("a"), rows), Encoding.JSON_TEXT),
        Node("more", (full("other", length=None),), Encoding.OBJECT),
    )
    return Edition(
        code="full",
        version="7",
        name="全版",
        source=source("版"),
        common=(full("fixmedins_code"),),
        header=(full("infno", source=source("头")),),
        datasets={
            "X-1": Dataset(
                code="X-1",
                name="名称",
                infno="3505A",
                scene="血透",
                cadence="d1",
                key=("a", "b、c"),
                occurred="a",
                input=nodes,
                output=(Node("result", (full("r"),)),),
                source=source("集"),
                replay=Replay.DELETE_AND_RESEND,
                batch=7,
                success=(
                    Success("infcode", ("0", "00"), optional=True, sentence="output.err"),
                    Success("output.flag", (), optional=False),
                ),
                alias_of="3505",
                forms=(Form("3505", "selinfo", Encoding.JSON_TEXT, ("a", "b")),),
                parent=Parent("HD02", (("a", "schd_id"), ("b、c", "other"))),
            )
        },
        codes={
            "01_table": CodeTable("01_table", "第一表", {"01": "是", "1": "否", "名称": "=A1"}, source("表"), {"01": "Y"}),
            "other": CodeTable("other", "第二表", {"0": "零"}, source("表二")),
        },
        cadences={
            "d1": Cadence("d1", "次日", days=1),
            "now": Cadence("now", "实时", minutes=5),
            "month": Cadence("month", "每月", day_of_next_month=5),
            "work": Cadence("work", "工作日", days=2, skip=(DayOff.REST, DayOff.CLOSED)),
            "later": Cadence("later", "顺延", days=2, postpone=(DayOff.REST,)),
        },
        body_limit=12345,
        infver="V2.0",
        scenes=("血透", "购药"),
        style=Style(Numbers.NUMBER, Empty.BLANK, Extra.KEEP, "yyyyMMdd", "yyyyMMddHHmmss", "gb18030"),
        base="reference@1",
    )


def test_the_edition_of_these_tests_sets_every_attribute(everything: Edition) -> None:
    """So a new attribute of the model fails here until the field table carries it."""
    dataset = everything.datasets["X-1"]
    parts = [
        everything,
        dataset,
        dataset.input[0],
        dataset.success[0],
        dataset.forms[0],
        everything.codes["01_table"],
        everything.style,
    ]
    parts += [full("x", fields=(full("y"),)), everything.source, *everything.cadences.values()]
    seen: dict[type, set[str]] = {}
    for part in parts:
        values = {each.name: getattr(part, each.name) for each in fields(part)}
        seen.setdefault(type(part), set()).update(name for name, value in values.items() if value not in (None, "", (), False))
    assert {kind.__name__: {each.name for each in fields(kind)} - names for kind, names in seen.items()} == {
        kind.__name__: set() for kind in seen
    }


def test_every_attribute_survives_the_way_to_excel_and_back(everything: Edition, tmp_path: Path) -> None:
    exchange.write(everything, tmp_path / "x.xlsx")
    back, report = exchange.read(tmp_path / "x.xlsx", everything)
    assert asdict(back) == asdict(everything)
    assert report.remarks == []


def test_the_reference_edition_survives_the_way_to_excel_and_back(reference: Edition, tmp_path: Path) -> None:
    exchange.write(reference, tmp_path / "x.xlsx")
    back, report = exchange.read(tmp_path / "x.xlsx", reference)
    assert asdict(back) == asdict(reference)
    assert report.remarks == []
    assert report.fields_in == report.fields_out > 900


@pytest.mark.parametrize("name", overlay.names())
def test_what_a_region_differs_in_survives_the_way_to_excel_and_back(name: str, reference: Edition, tmp_path: Path) -> None:
    edition = overlay.load(name)
    changed = {code: dataset for code, dataset in edition.datasets.items() if dataset != reference.datasets.get(code)}
    assert changed
    exchange.write(edition, tmp_path / "x.xlsx", frozenset(changed))
    back, report = exchange.read(tmp_path / "x.xlsx", edition)
    assert back.datasets == changed
    assert (back.id, back.style, back.common, back.header) == (edition.id, edition.style, edition.common, edition.header)
    assert back.codes == {name: table for name, table in edition.codes.items() if name in back.codes}
    assert report.remarks == []


def test_one_data_set_travels_with_its_code_tables_only(reference: Edition, tmp_path: Path) -> None:
    exchange.write(reference, tmp_path / "x.xlsx", frozenset({"HD02"}))
    back, _ = exchange.read(tmp_path / "x.xlsx", reference)
    assert back.datasets == {"HD02": reference.datasets["HD02"]}
    assert back.codes.keys() == {"shift", "schd_stas", "vali_flag", "opter_type"}


def test_the_sheet_looks_as_bureaux_issue_it(reference: Edition, tmp_path: Path) -> None:
    exchange.write(reference, tmp_path / "x.xlsx", frozenset({"HD03"}))
    sheet = openpyxl.load_workbook(tmp_path / "x.xlsx")["HD03 透析信息"]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert rows[0][0] == "HD03 透析信息"
    assert ["交易编号", "HD03"] in [row[:2] for row in rows]
    assert ["报送周期", "d1", "D+1日"] in [row[:3] for row in rows]
    assert ["主键", "sess_id"] in [row[:2] for row in rows]
    heads = next(row for row in rows if row[0] == "序号")
    assert [head for head in heads if head in (*HEADER, "字段名", "字段中文名", "数据类型", "是否必填", "来源")][:4] == [
        "序号",
        "字段名",
        "字段中文名",
        "数据类型",
    ]
    dose = next(row for row in rows if row[1] == "drugs.dose")
    assert dose[2:6] == ["剂量", "数值型", "16,4", "否"]
    assert sheet.column_dimensions["K"].hidden, "a column that nobody needs"


def test_codes_stay_text_in_excel(reference: Edition, tmp_path: Path) -> None:
    """Else Excel shows 01 as 1, and the next clerk saves it so."""
    exchange.write(reference, tmp_path / "x.xlsx", frozenset({"3505"}))
    sheet = openpyxl.load_workbook(tmp_path / "x.xlsx")["代码 psn_cert_type"]
    codes = [row[0] for row in sheet.iter_rows() if row[0].value == "01"]
    assert [(cell.data_type, cell.number_format) for cell in codes] == [("s", "@")]


def test_an_unknown_data_set_is_told(reference: Edition, tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="没有数据集 HD99"):
        exchange.write(reference, tmp_path / "x.xlsx", frozenset({"HD99"}))


def test_a_text_that_excel_cannot_hold_is_told_and_not_cut(everything: Edition, tmp_path: Path) -> None:
    long = replace(everything, common=(full("x", meaning="长" * 40_000),))
    with pytest.raises(SpecError, match="Excel 写不下"):
        exchange.write(long, tmp_path / "x.xlsx")
    with pytest.raises(SpecError, match="Excel 写不下"):
        exchange.write(replace(everything, name="铃\x07"), tmp_path / "x.xlsx")


# --- tables of other people ---


@pytest.fixture
def foreign(tmp_path: Path, reference: Edition) -> Callable[..., tuple[Edition, Report]]:
    """Read a table that somebody else made: sheet name -> rows."""

    def read(sheets: dict[str, Rows], dress: Callable[[Any], None] = lambda book: None) -> tuple[Edition, Report]:
        book = openpyxl.Workbook()
        book.remove(book.active)
        for name, rows in sheets.items():
            sheet = book.create_sheet(name)
            for row in rows:
                sheet.append(row)
        dress(book)
        book.save(tmp_path / "市医保局字段表.xlsx")
        return exchange.read(tmp_path / "市医保局字段表.xlsx", reference)

    return read


def one(edition: Edition, code: str = "X001") -> dict[str, Field]:
    """The fields of the first node by name."""
    return {spec.name: spec for spec in edition.datasets[code].fields}


def told(report: Report) -> Iterator[tuple[str, str, str]]:
    for remark in report.remarks:
        yield remark.kind, remark.cell, remark.sentence


TOP: Rows = [("交易编号：X001",), HEADER]


@pytest.mark.parametrize(
    ("type_", "length", "expected"),
    [
        ("字符型(30)", None, (FieldType.TEXT, 30, 0)),
        ("字符型（３０）", None, (FieldType.TEXT, 30, 0)),
        ("C..30", None, (FieldType.TEXT, 30, 0)),
        ("C(30)", None, (FieldType.TEXT, 30, 0)),
        ("C30", None, (FieldType.TEXT, 30, 0)),
        ("Ｃ", "３０ ", (FieldType.TEXT, 30, 0)),
        ("an..30", None, (FieldType.TEXT, 30, 0)),
        ("VARCHAR2(30)", None, (FieldType.TEXT, 30, 0)),
        ("varchar2(30 char)", None, (FieldType.TEXT, 30, 0)),
        ("字符串", 30.0, (FieldType.TEXT, 30, 0)),
        ("字符型", "30.0", (FieldType.TEXT, 30, 0)),
        ("字符型", "≤30位", (FieldType.TEXT, 30, 0)),
        ("字符型", "-", (FieldType.TEXT, None, 0)),
        ("数值型 16,4", None, (FieldType.NUMBER, 16, 4)),
        ("N16,2", None, (FieldType.NUMBER, 16, 2)),
        ("数值型", "16，4", (FieldType.NUMBER, 16, 4)),
        ("数值型", "(16,4)", (FieldType.NUMBER, 16, 4)),
        ("数值型", 16.4, (FieldType.NUMBER, 16, 4)),
        ("NUMBER(16,2)", None, (FieldType.NUMBER, 16, 2)),
        ("整数", 5, (FieldType.NUMBER, 5, 0)),
        ("日期型", None, (FieldType.DATE, None, 0)),
        ("日期时间型", None, (FieldType.DATETIME, None, 0)),
        ("DT", None, (FieldType.DATETIME, None, 0)),
        ("日期型 yyyy-MM-dd HH:mm:ss", None, (FieldType.DATETIME, None, 0)),
        ("数组", None, (FieldType.ROWS, None, 0)),
    ],
)
def test_types_and_lengths_are_read_as_people_write_them(
    foreign: Callable[..., tuple[Edition, Report]], type_: str, length: Any, expected: tuple[FieldType, int | None, int]
) -> None:
    edition, report = foreign({"表": [*TOP, (1, "a", "甲", type_, length, "是", None, "说明")]})
    spec = one(edition)["a"]
    assert (spec.type, spec.length, spec.scale) == expected
    assert report.balanced


@pytest.mark.parametrize(
    ("type_", "format_"), [("DT14", "yyyyMMddHHmmss"), ("D8", "yyyyMMdd"), ("日期型(yyyy/MM/dd)", "yyyy/MM/dd")]
)
def test_a_date_written_otherwise_keeps_its_format(
    foreign: Callable[..., tuple[Edition, Report]], type_: str, format_: str
) -> None:
    edition, _ = foreign({"表": [*TOP, (1, "a", "甲", type_, None, "是", None, None)]})
    assert one(edition)["a"].format == format_


@pytest.mark.parametrize(
    ("text", "required"),
    [
        *((word, True) for word in ("是", "Y", "y", "√", "必填", "M", "１", "Ｙ ", True)),
        *((word, False) for word in ("否", "N", "O", "选填", "×", "", None, False)),
    ],
)
def test_yes_and_no_are_read_as_people_write_them(
    foreign: Callable[..., tuple[Edition, Report]], text: Any, required: bool
) -> None:
    edition, report = foreign({"表": [*TOP, (1, "a", "甲", "C", 3, text, None, None)]})
    assert one(edition)["a"].required is required
    assert [remark for remark in report.remarks if remark.cell == "F3"] == []


def test_a_column_that_asks_whether_a_field_may_be_empty_is_turned_round(foreign: Callable[..., tuple[Edition, Report]]) -> None:
    rows = [
        ("交易编号", "X001"),
        ("字段代码", "中文名称", "类型", "长度", "是否可空"),
        ("a", "甲", "C", 3, "否"),
        ("b", "乙", "C", 3, "是"),
    ]
    edition, _ = foreign({"表": rows})
    assert [spec.required for spec in edition.datasets["X001"].fields] == [True, False]


def test_a_condition_in_a_note_becomes_a_condition(foreign: Callable[..., tuple[Edition, Report]]) -> None:
    rows = [
        *TOP,
        (1, "flag", "标志", "C", 3, "是", None, None),
        (2, "a", "甲", "C", 3, "条件必填", None, "flag=1或2 时必填"),
        (3, "b", "乙", "C", 3, "条件必填", None, "医保病人必填"),
    ]
    edition, report = foreign({"表": rows})
    assert one(edition)["a"].required_if == Condition("flag", ("1", "2"))
    assert (Kind.GUESSED, "F4", "条件取自说明：flag=1、2 时必填") in list(told(report))
    assert one(edition)["b"].required_if is None
    assert (Kind.NOT_UNDERSTOOD, "F5", "没有看懂何时必填，按选填") in list(told(report))


@pytest.mark.parametrize("column", ["codes", "note"])
@pytest.mark.parametrize(
    "text", ["1-是;0-否", "1:是，2:否", "1、是 2、否", "1：是；\n2：否", "1=是,2=否。", "1是 2否", "1 是 2 否", "1是，2否"]
)
def test_codes_written_into_a_cell_become_a_table(foreign: Callable[..., tuple[Edition, Report]], column: str, text: str) -> None:
    cells = (text, None) if column == "codes" else (None, text)
    edition, report = foreign({"表": [*TOP, (1, "flag", "标志", "C", 3, "是", *cells)]})
    table = edition.codes[one(edition)["flag"].codes or ""]
    assert list(table.values.values()) == ["是", "否"]
    assert any("取值写在单元格里" in sentence for _, _, sentence in told(report))


def test_two_fields_with_the_same_codes_share_a_table_and_others_get_their_own(
    foreign: Callable[..., tuple[Edition, Report]],
) -> None:
    rows = [
        *TOP,
        (1, "a", "甲", "C", 3, "是", "1-是;0-否", None),
        (2, "b", "乙", "C", 3, "是", "1-是;0-否", None),
        (3, "list", "丙", "数组", None, "否", None, None),
        (4, "list.a", "丁", "C", 3, "是", "1-男;2-女", None),
    ]
    edition, _ = foreign({"表": rows})
    found = one(edition)
    assert (found["a"].codes, found["b"].codes, found["list"].fields[0].codes) == ("a", "a", "a_2")


def test_a_code_table_is_found_by_its_name_its_label_or_a_reference(foreign: Callable[..., tuple[Edition, Report]]) -> None:
    rows = [
        *TOP,
        (1, "a", "甲", "C", 6, "是", "psn_cert_type", None),
        (2, "b", "乙", "C", 6, "是", "人员证件类型", None),
        (3, "c", "丙", "C", 6, "是", "Y", "参照人员证件类型"),
        (4, "shift", "丁", "C", 6, "是", "Y", None),
        (5, "e", "戊", "C", 6, "是", "Y", None),
        (6, "f", "己", "C", 6, "是", "见附录", None),
    ]
    edition, report = foreign({"表": rows})
    assert [spec.codes for spec in edition.datasets["X001"].fields] == [*["psn_cert_type"] * 3, "shift", None, None]
    assert {"psn_cert_type", "shift"} <= edition.codes.keys()
    lost = [(remark.cell, remark.content) for remark in report.remarks if remark.kind is Kind.NOT_UNDERSTOOD]
    assert lost == [("G7", "Y"), ("G8", "见附录")]


def test_code_tables_on_sheets_of_their_own_and_in_one_long_list(foreign: Callable[..., tuple[Edition, Report]]) -> None:
    fields_ = [*TOP, (1, "a", "甲", "C", 6, "是", "sex", None), (2, "b", "乙", "C", 6, "是", "班次代码", None)]
    edition, report = foreign(
        {
            "字段": fields_,
            "性别(sex)": [("代码", "名称"), ("1", "男"), ("2", "女"), ("2", "重复")],
            "字典": [("类别", "代码", "名称"), ("班次(work_shift)", 1, "上午"), ("班次(work_shift)", 3, "夜间")],
        }
    )
    assert dict(edition.codes["sex"].values) == {"1": "男", "2": "女"}
    assert dict(edition.codes["work_shift"].values) == {"1": "上午", "3": "夜间"}
    assert (Kind.NOT_UNDERSTOOD, "A4", "代码写了两次，只取第一个") in list(told(report))
    assert (Kind.GUESSED, "B2", "代码存成了数，前导零可能已丢失，请核对") in list(told(report))


def mess(book: Any) -> None:
    sheet = book["商品销售"]
    sheet.merge_cells("A1:H1")
    sheet.merge_cells("H7:H8")
    sheet["B14"] = "=B7"


MESS: Rows = [
    ("3505 商品销售",),
    (),
    ("交易编号", "3505", None, "报送周期", "Ｄ＋１日", None, "示例编制单位：测试"),
    (),
    ("输入参数（节点标识：selinfoDetail）",),
    ("序号", "参数代码", "参数名称", "参数类型", "参数长度", "是否必填", "代码标识", "说明", "示例值"),
    (1.0, "fixmedins_bchno ", "批次流水号", "字符型", 30.0, "Y", None, "两行共用的说明", "TEST1"),
    (2.0, "ｓｅｌ_retn_time", "销售时间", "日期时间型", None, "√", None, None, "TEST2"),
    (),
    (3.0, "trdn_flag", "拆零标志", "字符型", 3.0, "必填", "1-是;0-否", None),
    (4.0, "memo", "备注", "字符型", "500（建议）", "医保病人填写", None, None),
    (5.0, "memo", "备注二", "字符型", 500, "否", None, None),
    (6.0, "销售数量", "数量", "数值型", "16,4", "是", None, None),
    (7.0, "x", "公式", "字符型", 3, "是", None, None),
    (8.0, "shelf", "货架", "大对象", 3, "否", None, None),
    (9.0, "finl_trns_pric", None, "数值型", "16.4", "否", None, None),
    (10.0, "drugtracinfo", "追溯码", "数组", None, "否", None, None),
    (None, "  └drug_trac_codg", "追溯码", "字符型", "二十", "是", None, None),
    (None, None, None, None, None, None, None, "每码一行"),
    (None, "orphan.dose", "剂量", "数值型", "6,2", "否", None, None),
    ("注：以上字段以平台为准",),
]


def test_a_messy_table_is_read_and_nothing_is_dropped_in_silence(foreign: Callable[..., tuple[Edition, Report]]) -> None:
    edition, report = foreign({"商品销售": MESS, "填表说明": [("请勿外传",)]}, mess)
    dataset = edition.datasets["3505"]
    assert (dataset.name, dataset.cadence, dataset.input[0].name) == ("商品销售", "d1", "selinfoDetail")
    assert [spec.name for spec in dataset.fields] == [
        *("fixmedins_bchno", "sel_retn_time", "trdn_flag", "memo", "finl_trns_pric", "drugtracinfo"),
    ]
    found = one(edition, "3505")
    assert found["sel_retn_time"].meaning == "两行共用的说明"
    assert found["memo"].meaning == "建议；医保病人填写"
    assert found["finl_trns_pric"].label == "finl_trns_pric"
    assert [(child.name, child.meaning) for child in found["drugtracinfo"].fields] == [("drug_trac_codg", "二十；每码一行")]
    lost = {(remark.cell, remark.sentence) for remark in report.remarks if remark.lost}
    assert lost == {
        ("B12", "字段没有采用：与 B11 的字段同名（内容不同），只取第一个"),
        ("B13", "字段没有采用：字段名须由字母、数字和下划线组成"),
        ("B14", "字段没有采用：单元格 B14 是公式，请改成值"),
        ("D15", "字段没有采用：看不懂的数据类型"),
        ("B20", "字段没有采用：上级字段没有出现，或不是子节点"),
    }
    assert (report.fields_in, report.fields_out, report.lost) == (12, 7, 5)
    spoken = {remark.cell for remark in report.remarks}
    assert {"G3", "I6", "G10", "E11", "F11", "C16", "E16", "E18", "H19", "A21"} <= spoken
    assert ("填表说明", "A1") in {(remark.sheet, remark.cell) for remark in report.remarks}


def test_a_yes_in_the_code_column_with_the_codes_in_the_note(foreign: Callable[..., tuple[Edition, Report]]) -> None:
    edition, report = foreign(
        {"表": [*TOP, (1, "gend", "性别", "C", 3, "是", "Y", "1男 2女"), (2, "no", "编号", "C", 9, "是", None, "长度 30 位")]}
    )
    assert dict(edition.codes[one(edition)["gend"].codes or ""].values) == {"1": "男", "2": "女"}
    assert one(edition)["no"].codes is None
    assert [kind for kind, cell, _ in told(report) if cell == "H3"] == [Kind.GUESSED]


def test_a_meaning_beside_a_field_code_is_its_name_where_there_is_no_other(foreign: Callable[..., tuple[Edition, Report]]) -> None:
    header = ("序号", "字段", "含义", "类型", "长度", "备注")
    edition, _ = foreign({"表": [("交易编号：X001",), header, (1, "psn_no", "人员编号", "C", 30, "测试备注")]})
    spec = one(edition)["psn_no"]
    assert (spec.label, spec.meaning) == ("人员编号", "测试备注")


def test_a_form_of_the_base_leaves_out_no_field_that_the_table_does_not_have(
    foreign: Callable[..., tuple[Edition, Report]],
) -> None:
    """The base's 3505 leaves drugtracinfo out of its one-row form."""
    edition, report = foreign(
        {"商品销售": [("交易编号：3505A",), HEADER, (1, "fixmedins_bchno", "批次流水号", "C", 30, "是", None, None)]}
    )
    assert [form.without for dataset in edition.datasets.values() for form in dataset.forms] == [()]
    assert any("不再提到它们" in sentence for _, _, sentence in told(report))
    assert not [sentence for sentence in findings(edition) if "without" in sentence]


def test_what_a_foreign_table_never_says_comes_from_the_base(
    foreign: Callable[..., tuple[Edition, Report]], reference: Edition
) -> None:
    edition, report = foreign({"商品销售": MESS}, mess)
    dataset = edition.datasets["3505"]
    assert (dataset.key, dataset.occurred, dataset.scene) == (("fixmedins_bchno",), "sel_retn_time", "购药")
    assert edition.common == reference.common
    assert findings(edition) == ()
    assert any(f"取自 {reference.id}" in sentence for _, _, sentence in told(report))


def test_input_and_output_of_several_transactions_on_one_sheet(foreign: Callable[..., tuple[Edition, Report]]) -> None:
    rows: Rows = [
        ("交易编号：Y001",),
        ("输入（节点标识：data）",),
        HEADER,
        (1, "a", "甲", "C", 3, "是", None, None),
        ("输出（节点标识：result）",),
        HEADER,
        (1, "b", "乙", "C", 3, "是", None, None),
        ("交易编号：Y002",),
        HEADER,
        (1, "c", "丙", "C", 3, "是", None, None),
    ]
    edition, report = foreign({"接口": rows})
    first, second = edition.datasets["Y001"], edition.datasets["Y002"]
    assert [(node.name, [spec.name for spec in node.fields]) for node in (*first.input, *first.output)] == [
        ("data", ["a"]),
        ("result", ["b"]),
    ]
    assert [spec.name for spec in second.fields] == ["c"]
    assert report.balanced


def test_names_and_labels_are_told_apart_by_their_content(foreign: Callable[..., tuple[Edition, Report]]) -> None:
    edition, report = foreign({"X001": [("字段名", "字段代码", "类型", "长度"), ("甲", "a", "C", 3), ("乙", "b", "C", 3)]})
    assert [(spec.name, spec.label) for spec in edition.datasets["X001"].fields] == [("a", "甲"), ("b", "乙")]
    assert any("按内容判断" in sentence for _, _, sentence in told(report))


def test_a_long_content_is_shortened_in_the_report(foreign: Callable[..., tuple[Edition, Report]]) -> None:
    _, report = foreign({"表": [*TOP, (1, "a", "甲", "C", 3, "说" * 200, None, None)]})
    assert max(len(remark.content) for remark in report.remarks) <= 31


# --- files that are none ---


def packed(path: Path, parts: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def refused(path: Path, edition: Edition) -> str:
    with pytest.raises(SpecError) as caught:
        exchange.read(path, edition)
    sentence = str(caught.value)
    assert sentence.startswith(str(path))
    assert "\n" not in sentence
    return sentence


def test_files_that_are_no_workbook_are_refused_in_one_sentence(reference: Edition, tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    assert "读不出来" in refused(path, reference)
    assert "读不出来" in refused(tmp_path, reference)
    path.write_bytes(b"")
    assert "不是 Excel 工作簿" in refused(path, reference)
    path.write_bytes("字段,名称\n".encode("gb18030"))
    assert "不是 Excel 工作簿" in refused(path, reference)
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600)
    assert "旧格式 .xls 或加了密码" in refused(path, reference)
    assert "工作簿" in refused(packed(path, {"a.txt": b"x"}), reference)
    whole = packed(path, {"[Content_Types].xml": b"<Types", "xl/workbook.xml": b"<"}).read_bytes()
    assert "工作簿" in refused(path, reference)
    path.write_bytes(whole[:-30])
    assert "工作簿" in refused(path, reference)


def test_an_archive_that_unpacks_too_large_is_refused_before_it_is_unpacked(reference: Edition, tmp_path: Path) -> None:
    path = packed(tmp_path / "bomb.xlsx", {f"xl/worksheets/sheet{n}.xml": b"\0" * 2**23 for n in range(10)})
    assert path.stat().st_size < 2**20
    assert "解压后过大" in refused(path, reference)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (b"</sheetData>", b'</sheetData><mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells>', "合并单元格的范围过大"),
        (b"</sheetData>", b'<row r="1048576"><c r="XFD1048576" t="n"><v>1</v></c></row></sheetData>', "过大"),
        (b"<worksheet", b'<!DOCTYPE x [<!ENTITY a "a">]><worksheet', "XML 声明"),
    ],
)
def test_a_small_sheet_that_claims_to_be_huge_is_refused(
    reference: Edition, tmp_path: Path, old: bytes, new: bytes, sentence: str
) -> None:
    book = openpyxl.Workbook()
    book.active.append(HEADER)
    book.save(tmp_path / "good.xlsx")
    with zipfile.ZipFile(tmp_path / "good.xlsx") as archive:
        parts = {each: archive.read(each) for each in archive.namelist()}
    assert old in parts["xl/worksheets/sheet1.xml"]
    parts["xl/worksheets/sheet1.xml"] = parts["xl/worksheets/sheet1.xml"].replace(old, new, 1)
    assert sentence in refused(packed(tmp_path / "huge.xlsx", parts), reference)


def test_a_workbook_without_a_field_table_is_refused(foreign: Callable[..., tuple[Edition, Report]]) -> None:
    with pytest.raises(SpecError, match="没有找到字段表"):
        foreign({"表": [("你好", "世界")]})


def test_a_cover_that_a_clerk_spoilt_names_the_line(reference: Edition, tmp_path: Path) -> None:
    path = tmp_path / "x.xlsx"
    exchange.write(reference, path, frozenset({"HD03"}))
    book = openpyxl.load_workbook(path)
    line = next(row for row in book["封面"].iter_rows() if row[0].value == "报文上限（字节）")
    line[1].value = "很大"
    book.save(path)
    assert "“报文上限（字节）”应为正整数" in refused(path, reference)
