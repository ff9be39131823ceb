"""An overlay changes what it says and nothing else; every slip in one is told with file, line, key and a sentence."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from schemas import build, datasetpatch, difference, fake, loader, overlay, patch
from schemas.errors import SpecError
from schemas.model import Edition, Encoding, Numbers, Replay, Severity

YUNXI = Path(__file__).parent / "overlays" / "yunxi.yaml"
HEAD = 'code: "mine"\nversion: "1"\nname: 我的地区\nbase: reference\nsource: {doc: 测试文本, ref: 全文, confidence: O}\n'
Write = Callable[..., Path]


@pytest.fixture(scope="module")
def yunxi() -> Edition:
    return overlay.load(YUNXI)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Put an overlay on disk; its path."""

    def put(body: str, head: str = HEAD, name: str = "mine") -> Path:
        path = tmp_path / f"{name}.yaml"
        path.write_text(head + body, encoding="utf-8")
        return path

    return put


def test_every_overlay_that_ships_with_the_product_loads_and_says_what_it_stands_on(reference: Edition) -> None:
    assert overlay.names() == ("hubei", "jilin", "nmg")
    for name in overlay.names():
        assert overlay.load(name).id == f"{name}@2026.1+{reference.id}"


def test_reference_is_the_edition_without_any_difference(reference: Edition) -> None:
    assert overlay.load("reference") is reference


def test_a_folder_is_a_whole_edition_of_its_own(folder: Path) -> None:
    assert overlay.load(folder).id == "test@1"


def test_jilin_demands_what_its_transcription_demands(reference: Edition) -> None:
    jilin = overlay.load("jilin")
    demanded = {"expy_end", "hi_feesetl_type", "psn_cert_type", "rx_circ_flag"}
    before = {spec.name for spec in reference.datasets["3505"].fields if spec.required}
    after = {spec.name: spec for spec in jilin.datasets["3505"].fields if spec.required}
    assert after.keys() - before == demanded
    assert {after[name].source.doc for name in demanded} == {"两定接口规范（公开转录，吉林）"}
    assert jilin.datasets["3503"].field("prod_geay_flag").required
    assert jilin.datasets["3502"].field("trdn_flag").required
    assert [rule.path for rule in jilin.datasets["3505"].success] == ["infcode", "output.result.retRslt"]


def test_hubei_demands_and_leaves_out_what_its_transcription_does(reference: Edition) -> None:
    before, after = (
        {spec.name for spec in edition.datasets["3505"].fields if spec.required} for edition in (reference, overlay.load("hubei"))
    )
    assert after - before == {"hi_feesetl_type", "psn_cert_type", "mdtrt_setl_type"}
    assert before - after == {"med_list_codg", "phar_name", "phar_prac_cert_no"}


def test_a_record_names_its_institution_as_long_as_the_header_does() -> None:
    nmg = overlay.load("nmg")
    lengths = {spec.length for spec in (*nmg.common, *nmg.header) if spec.name == "fixmedins_code"}
    assert lengths == {30}


def test_no_overlay_refers_to_a_query_that_the_edition_does_not_have() -> None:
    for name in overlay.names():
        assert not [each.code for each in overlay.load(name).datasets.values() if each.uploaded and each.replay is Replay.QUERY]


def test_what_an_overlay_does_not_say_stays_the_very_same(reference: Edition) -> None:
    jilin = overlay.load("jilin")
    assert jilin.datasets["HD03"] is reference.datasets["HD03"]
    assert jilin.common == reference.common
    assert jilin.datasets["3505"].field("certno") == reference.datasets["3505"].field("certno")


def test_a_record_that_the_reference_takes_is_refused_where_the_region_demands_more(reference: Edition) -> None:
    record = next(each for each in fake.valid(reference, "3505", 1, 50) if "expy_end" not in each)
    rules = {(each.field, each.rule) for each in build.validator(overlay.load("jilin"), "3505").violations(record)}
    assert ("expy_end", "required") in rules


def test_every_kind_of_difference_is_merged(yunxi: Edition) -> None:
    sale = yunxi.datasets["3505"]
    assert (sale.infno, sale.batch, sale.replay, sale.cadence) == ("8504", 20, Replay.DELETE_AND_RESEND, "hourly")
    assert (sale.input[0].name, sale.input[0].encoding) == ("saleList", Encoding.JSON_TEXT)
    names = [spec.name for spec in sale.fields]
    assert "sale_channel" in names
    assert not {"shelf_posi", "memo", "rx_circ_flag"} & set(names)
    assert sale.field("med_list_codg").length_severity is Severity.WARN
    setl = sale.field("setl_id")
    assert setl.required_if is not None
    assert (setl.required_if.field, setl.required_if.values) == ("hi_feesetl_type", ("1", "2"))
    assert [child.name for child in sale.field("drugtracinfo").fields] == ["drug_trac_codg", "min_prcunt_type"]
    assert yunxi.style.numbers is Numbers.NUMBER
    assert yunxi.datasets["YX01"].uploaded


def test_a_single_form_of_a_transaction_takes_one_record_and_not_what_it_cannot_carry(yunxi: Edition, reference: Edition) -> None:
    dataset = yunxi.datasets["3502"]
    assert (dataset.infno, dataset.input[0].name, dataset.batch) == ("3502", "invinfo", 1)
    left_out = {spec.name for spec in reference.datasets["3502"].fields} - {spec.name for spec in dataset.fields}
    assert left_out == {"drugtracinfo"}


def test_a_table_whose_last_field_went_away_goes_with_it(write: Write, reference: Edition) -> None:
    edition = overlay.load(write('datasets: {"HD01": {remove: [dialysis_mode]}}\n'))
    assert set(reference.codes) - set(edition.codes) == {"dialysis_mode"}


def test_names_are_written_in_the_case_of_the_region(yunxi: Edition) -> None:
    assert yunxi.datasets["HD01"].field("med_list_codg").on_wire == "medListCodg"
    drugs = yunxi.datasets["HD03"].field("drugs")
    assert (drugs.on_wire, drugs.fields[0].on_wire) == ("DRUGS", "DRUG_CODG")


def test_an_output_node_of_a_called_transaction_may_differ_too(yunxi: Edition) -> None:
    node = yunxi.datasets["1101"].output[0]
    assert (node.name, node.encoding) == ("baseInfo", Encoding.ARRAY)


def test_required_false_takes_the_condition_of_the_base_away(write: Write) -> None:
    edition = overlay.load(write('datasets: {"HD02": {fields: {absence_reason: {required: false}}}}\n'))
    assert edition.datasets["HD02"].field("absence_reason").required_if is None


def test_a_condition_replaces_an_unconditional_demand(write: Write) -> None:
    body = 'datasets: {"3505": {fields: {phar_name: {required_if: {field: rx_flag, in: ["1"]}}}}}\n'
    spec = overlay.load(write(body)).datasets["3505"].field("phar_name")
    assert not spec.required
    assert spec.required_if is not None


def test_an_overlay_may_stand_on_another(write: Write) -> None:
    path = write("", HEAD.replace("base: reference", "base: jilin"))
    edition = overlay.load(path)
    assert edition.id == f"mine@1+{overlay.load('jilin').id}"
    assert edition.datasets["3505"].field("expy_end").required


def test_a_base_beside_the_file_is_found_first(write: Write) -> None:
    write("", HEAD.replace('"mine"', '"jilin"'), "jilin")
    assert overlay.load(write("", HEAD.replace("base: reference", "base: jilin"))).base == f"jilin@1+{loader.reference().id}"


def test_a_circle_of_overlays_is_told_by_its_names(write: Write) -> None:
    write("", HEAD.replace('"mine"', '"b"').replace("base: reference", "base: c"), "b")
    write("", HEAD.replace('"mine"', '"c"').replace("base: reference", "base: b"), "c")
    path = write("", HEAD.replace("base: reference", "base: b"))
    with pytest.raises(SpecError, match=r"c\.yaml 第 4 行：键 base：地区差异互为上级，绕成了一圈：b → c → b$"):
        overlay.load(path)


def test_an_unknown_name_tells_the_nearest() -> None:
    with pytest.raises(SpecError, match="没有名为 jilim 的规范版本或地区差异，是否想写 jilin？"):
        overlay.load("jilim")


#: (text of the overlay, or its whole head; line; key; sentence)
SLIPS = {
    "unknown key": ("datasetz: {}\n", 6, "datasetz", "不认识的键，是否想写 datasets？"),
    "unknown key of a data set": ('datasets:\n  "3505":\n    bach: 3\n', 8, "datasets.3505.bach", "是否想写 batch？"),
    "unknown key of a field": (
        'datasets:\n  "3505":\n    fields:\n      certno: {lenght: 3}\n',
        9,
        "datasets.3505.fields.certno.lenght",
        "是否想写 length？",
    ),
    "unknown data set": ('datasets:\n  "350S": {}\n', 7, "datasets.350S", "上级版本中没有数据集或交易 350S，是否想写 350"),
    "data set read as a number": ("datasets:\n  3505: {}\n", 7, "datasets.3505", "键须为文本（请加引号）"),
    "unknown field": (
        'datasets:\n  "3505":\n    fields:\n      cert_no: {length: 3}\n',
        9,
        "datasets.3505.fields.cert_no",
        "上级版本中没有字段 cert_no，是否想写 certno？",
    ),
    "unknown child field": (
        'datasets:\n  "3505":\n    fields:\n      drugtracinfo:\n        fields:\n          trac_codg: {length: 3}\n',
        11,
        "drugtracinfo.fields.trac_codg",
        "是否想写 drug_trac_codg？",
    ),
    "unknown field to remove": ('datasets:\n  "3505":\n    remove: [memmo]\n', 8, "remove", "没有字段 memmo，是否想写 memo？"),
    "changed and removed": (
        'datasets:\n  "3505":\n    remove: [memo]\n    fields: {memo: {length: 3}}\n',
        9,
        "fields.memo",
        "字段已写在 remove 里，不能再改",
    ),
    "field added twice": (
        'datasets:\n  "3505":\n    add:\n      - {name: memo, label: 备注, type: C}\n',
        9,
        "add[0].name",
        "字段 memo 在上级版本中已有，要改它请写在 fields 下",
    ),
    "unknown table of a field": (
        'datasets:\n  "3505":\n    fields:\n      certno:\n        codes: psn_cert_typ\n',
        10,
        "certno.codes",
        "没有代码表 psn_cert_typ，是否想写 psn_cert_type？",
    ),
    "unknown table": ("codes:\n  shft: {}\n", 7, "codes.shft", "上级版本中没有代码表 shft，是否想写 shift？"),
    "code read as a number": ("codes:\n  shift:\n    values: {1: 早}\n", 8, "codes.shift.values.1", "键须为文本（请加引号）"),
    "region's code read as a number": (
        'codes:\n  shift:\n    on_wire: {"1": 7}\n',
        8,
        "on_wire.1",
        "应为文本（请加引号），实为整数",
    ),
    "code of no table": ('codes:\n  shift:\n    on_wire: {"8": "7"}\n', 8, "on_wire.8", "没有代码表 shift 的代码 8"),
    "code to remove": ('codes:\n  shift:\n    remove: ["8"]\n', 8, "shift.remove", "没有代码表 shift 的代码 8"),
    "two codes written alike": (
        'codes:\n  shift:\n    on_wire: {"1": "2"}\n',
        8,
        "shift.on_wire",
        "代码 1 与 2 在报文中都写作 2，读回来分不清",
    ),
    "date format": ("style:\n  date: yyyyMM\n", 7, "style.date", "日期格式 yyyyMM 用不了：缺少 dd"),
    "date format of a field": (
        'datasets:\n  "3505":\n    fields:\n      manu_date: {format: yyyy-MM-ddX}\n',
        9,
        "manu_date.format",
        "用不了：不认识 X",
    ),
    "format of no date": ('datasets:\n  "3505":\n    fields:\n      memo: {format: yyyyMMdd}\n', 9, "memo.format", "只有 D 和 DT"),
    "charset": ("style:\n  charset: gbk2312\n", 7, "style.charset", "不认识的字符集 gbk2312"),
    "numbers": ("style:\n  numbers: float\n", 7, "style.numbers", "只能是 text、number 之一"),
    "case": ('datasets:\n  "3505": {case: kebab}\n', 7, "3505.case", "只能是 snake、camel、upper 之一"),
    "form": ('datasets:\n  "3502":\n    form: "3502X"\n', 8, "3502.form", "没有报文形式 3502X，是否想写 3502"),
    "batch of one object": ('datasets:\n  "3505":\n    encoding: object\n    batch: 5\n', 9, "3505.batch", "一次只能报一条"),
    "node": ('datasets:\n  "1101":\n    nodes:\n      basinfo: {}\n', 9, "nodes.basinfo", "没有节点 basinfo，是否想写 baseinfo？"),
    "taking away a common field": ("common:\n  remove: [key]\n", 7, "common.remove", "不认识的键"),
    "doubled key": ("infver: '1'\ninfver: '2'\n", 7, "infver", "同一个键写了两次"),
    "least as a number": ('datasets:\n  "3505":\n    fields:\n      sel_retn_cnt: {least: 0}\n', 9, "least", "应为文本"),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_told_with_file_line_key_and_a_sentence(write: Write, slip: str) -> None:
    body, line, key, sentence = SLIPS[slip]
    with pytest.raises(SpecError) as caught:
        overlay.load(write(body))
    where, _, what = str(caught.value).partition("：键 ")
    assert where.endswith(f"mine.yaml 第 {line} 行")
    assert key in what.split("：")[0]
    assert sentence in what


@pytest.mark.parametrize(
    ("head", "sentence"),
    [
        (HEAD.replace("source:", "# source:"), "键 source：缺少必填的键"),
        (HEAD.replace("doc: 测试文本, ", ""), "键 source.doc：缺少必填的键"),
        (HEAD.replace("confidence: O", "confidence: Z"), "第 5 行：键 source.confidence：只能是 A、B、C、O 之一"),
        (HEAD.replace("base: reference\n", ""), "键 base：缺少必填的键"),
        (
            HEAD.replace("base: reference", "base: jilim"),
            "第 4 行：键 base：上级版本中没有规范版本或地区差异 jilim，是否想写 jilin",
        ),
        (HEAD.replace('"mine"', '"yours"'), "第 1 行：键 code：编号 yours 与文件名 mine 不一致"),
        (HEAD.replace('"1"', "1"), "第 2 行：键 version：应为文本（请加引号），实为整数"),
        (HEAD.replace('code: "mine"', "code: [mine"), "YAML 语法错误"),
    ],
)
def test_a_head_that_lacks_something_says_what(write: Write, head: str, sentence: str) -> None:
    with pytest.raises(SpecError) as caught:
        overlay.load(write("", head))
    assert sentence in str(caught.value)


def test_an_overlay_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"nowhere\.yaml：文件不存在"):
        overlay.load(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize(
    ("body", "finding"),
    [
        ('datasets: {"3505": {remove: [fixmedins_bchno]}}\n', "3505：主键字段 fixmedins_bchno 不在字段表内"),
        ('datasets: {"3505": {cadence: weekly}}\n', "3505：edition.yaml 中没有报送频次 weekly"),
        ('datasets: {"3505": {fields: {certno: {wire_name: psn_no}}}}\n', "字段 psn_no 与 certno 在报文中都叫 psn_no"),
        ('codes: {schd_stas: {remove: ["3"]}}\n', "required_if 的取值 3 不在代码表 schd_stas 内"),
    ],
)
def test_a_merged_edition_is_linted_as_a_whole(write: Write, body: str, finding: str) -> None:
    path = write(body)
    with pytest.raises(SpecError) as caught:
        overlay.load(path)
    assert str(caught.value).startswith(f"{path}：与上级版本合并后有 1 处不妥：")
    assert finding in str(caught.value)


@pytest.mark.parametrize("number", [0, 1])
def test_the_examples_of_the_manual_load(write: Write, number: int) -> None:
    manual = Path(__file__).parents[2] / "docs" / "overlays.md"
    blocks = re.findall(r"```yaml\n(.*?)```", manual.read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 2
    block = blocks[number]
    assert overlay.load(write(block, "" if block.startswith("code:") else HEAD)).code == "mine"


def test_the_manual_names_every_key_of_an_overlay() -> None:
    manual = (Path(__file__).parents[2] / "docs" / "overlays.md").read_text(encoding="utf-8")
    keys = {*overlay.KEYS, *datasetpatch.DATASET_KEYS, *datasetpatch.NODE_KEYS, *patch.FIELD_KEYS, *patch.TABLE_KEYS}
    assert {key for key in keys if f"`{key}" not in manual and f"{key}:" not in manual} == set()


def test_the_difference_the_manual_shows_is_the_difference_of_today(reference: Edition) -> None:
    manual = (Path(__file__).parents[2] / "docs" / "overlays.md").read_text(encoding="utf-8")
    shown = re.findall(r"```text\n(.*?)```", manual, re.DOTALL)[0].splitlines()
    told = difference.lines(difference.changes(reference, overlay.load("jilin")))
    assert set(shown) <= set(told)
