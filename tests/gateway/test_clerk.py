"""The clerk's commands on a site that nobody knows: what is shown, what is masked, what is refused."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import yaml
from click.testing import CliRunner, Result
from sqlalchemy import URL, create_engine, text
from support import pairs, strangers

from adapters import children, profile
from adapters.databases import explaining
from adapters.origins import Column, SiteFacts
from adapters.profile import Site
from gateway.clerk import localvalues, masking
from gateway.clerk.preview import Looked, lines
from gateway.judging import Judge
from gateway.main import cli
from gateway.model import Cursor
from schemas import loader
from schemas.model import Edition, Violation
from schemas.wire import SHANGHAI

CODE = "H99000100001"
NOW = datetime(2026, 11, 25, tzinfo=SHANGHAI)
Run = Callable[..., Result]

MANIFEST = """
product: 测试
vendor: 测试
versions: ["1"]
kind: sql
dialects: [sqlite]
datasets:
  RH01:
    query: RH01.sql
    lookup: RH01.lookup.sql
    window: RH01.window.sql
    mapping: RH01.yaml
    takes: [after_key, limit]
    reading: rescan
    key: text
"""
SELECT = "SELECT HZBH AS row_ref, HZBH AS cursor_key, HZBH, HZXM, SFZH, TXH, CSRQ FROM XT_HZXX"
MAPPING = """
dataset: RH01
fields:
  rx_id: {column: HZBH}
  line_no: {fixed: "1", why: 一张一行}
  patn_id: {column: HZBH}
  psn_name: {column: HZXM}
  certno: {column: SFZH}
  med_list_codg: {fixed: TEST-RH-1, why: 只有一种}
  item_cnt: {fixed: "1", why: 一次}
  rx_end_date: {column: CSRQ}
  rx_time: {date: CSRQ, time: TXH}
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site whose rows hold names and numbers of persons."""
    strangers.create(tmp_path / "his.db")
    with create_engine(f"sqlite:///{tmp_path / 'his.db'}").begin() as connection:
        connection.execute(text("UPDATE XT_HZXX SET TXH = '08:30'"))
        connection.execute(text("UPDATE XT_HZXX SET TXH = '' WHERE HZBH = 'H0003'"))
    folder = tmp_path / "profile"
    folder.mkdir()
    files = {
        "manifest.yaml": MANIFEST,
        "RH01.yaml": MAPPING,
        "RH01.sql": f"{SELECT} WHERE HZBH > :after_key ORDER BY HZBH LIMIT :limit",
        "RH01.lookup.sql": f"{SELECT} WHERE HZBH IN :keys",
        "RH01.window.sql": f"{SELECT} WHERE CSRQ >= :from AND CSRQ < :to AND HZBH > :after_key ORDER BY HZBH LIMIT :limit",
    }
    for name, written in files.items():
        (folder / name).write_text(written, encoding="utf-8")
    (tmp_path / "token.txt").write_text("very-secret-token", encoding="utf-8")
    (tmp_path / "token.txt").chmod(0o600)
    settings = {
        "store": {"url": "sqlite:///gateway.db", "disk_floor": 0},
        "institutions": [{"code": CODE, "name": "测试机构", "admvs": "990001"}],
        "targets": {
            "bureau": {
                "url": "https://127.0.0.1:9/api/upload",
                "kind": "test",
                "credentials": {CODE: {"paasid": CODE, "token": {"file": "token.txt"}}},
            }
        },
        "sources": [{"name": "his", "profile": "profile", "url": "sqlite:///his.db", "institution": CODE}],
    }
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
    return tmp_path


@pytest.fixture
def run(site: Path) -> Run:
    return lambda *words: CliRunner(env={"COLUMNS": "200"}).invoke(cli, ["--config", str(site / "config.yaml"), *words])


def test_a_preview_shows_both_sides_and_masks_persons(run: Run) -> None:
    result = run("preview", "RH01", "--limit", "2")
    assert result.exit_code == 0, result.output
    assert result.output.count("去向：可报送") == 2
    assert "开方时间 rx_time = 1980-01-01 08:30:00　← CSRQ=1980-01-01；TXH=" in result.output
    assert "人员姓名 psn_name = 王***　← HZXM=王***" in result.output
    assert "王测试" not in result.output
    assert "19800101" not in result.output


def test_one_row_is_found_by_its_number_and_its_reason_stands_at_its_field(run: Run) -> None:
    result = run("preview", "RH01", "--ref", "H0003")
    assert result.output.count("本地行号") == 1
    assert "去向：待改正" in result.output
    assert "开方时间（rx_time）必填，当前为空" in result.output
    missing = run("preview", "RH01", "--ref", "H9999")
    assert missing.exit_code == 1
    assert run("preview", "HD03").exit_code == 2


def test_a_message_is_the_envelope_with_persons_masked_and_without_a_secret(run: Run) -> None:
    result = run("message", "--dataset", "RH01", "--key", "H0001|1")
    assert result.exit_code == 0, result.output
    body = json.loads(result.output[result.output.index("{") :])
    (record,) = body["input"]["data"]
    assert (body["infno"], body["fixmedins_code"], record["rx_id"]) == ("RH01", CODE, "H0001")
    assert (record["psn_name"], record["certno"]) == ("王***", "9***")
    assert "测试平台" in result.output
    assert "very-secret-token" not in result.output
    nobody = run("message", "--dataset", "RH01", "--key", "nobody", "--force")
    assert (nobody.exit_code, "没有业务主键是 nobody 的记录" in nobody.output) == (1, True)


def test_a_message_that_is_not_queued_is_looked_up_and_never_searched_for_unasked(run: Run, site: Path) -> None:
    """To read a whole table of a hospital for one record is for a person to decide."""
    query = (site / "profile" / "RH01.sql").read_text(encoding="utf-8")
    (site / "profile" / "RH01.sql").write_text(query.replace("XT_HZXX", "NO_SUCH_TABLE"), encoding="utf-8")
    assert run("message", "--dataset", "RH01", "--key", "H0001|1").exit_code == 0
    missing = run("message", "--dataset", "RH01", "--key", "H9999|1")
    assert (missing.exit_code, "加 --force" in missing.output, "NO_SUCH_TABLE" in missing.output) == (1, True, False)
    assert "查询用到的表不存在" in run("message", "--dataset", "RH01", "--key", "H9999|1", "--force").output


def test_a_message_is_found_by_its_local_number_or_by_reading_everything_where_that_is_wanted(run: Run, site: Path) -> None:
    mapping = site / "profile" / "RH01.yaml"
    mapping.write_text(
        mapping.read_text(encoding="utf-8").replace("rx_id: {column: HZBH}", "rx_id: {joined: [HZBH, HZBH], with: X}")
    )
    key = ("message", "--dataset", "RH01", "--key", "H0002XH0002|1")
    assert run(*key).exit_code == 1
    for more in (("--ref", "H0002"), ("--force",)):
        result = run(*key, *more)
        assert (result.exit_code, "还没有入队" in result.output) == (0, True), result.output


def test_the_report_has_the_account_the_reasons_and_masked_rows(run: Run, site: Path) -> None:
    result = run("check", "--report", str(site / "report"))
    assert result.exit_code == 0, result.output
    page = (site / "report" / "接口检查报告.html").read_text(encoding="utf-8")
    book = openpyxl.load_workbook(site / "report" / "接口检查报告.xlsx")
    assert book.sheetnames[:3] == ["请厂商修改", "总账", "原因"]
    assert [cell.value for cell in book["总账"][2]][:8] == ["his", "RH01 康复理疗开方信息", 3, 0, 0, 1, 2, "平"]
    assert book["原因"][2][2].value == 1
    assert "开方时间（rx_time）必填，当前为空" in page
    cells = " ".join(str(cell.value) for sheet in book for row in sheet.rows for cell in row)
    for secret in ("王测试", "19800101", "very-secret-token"):
        assert secret not in page + cells
    assert "http" not in page.replace("http-equiv", "")


def test_text_of_the_site_is_no_markup_and_no_formula(run: Run, site: Path) -> None:
    with create_engine(f"sqlite:///{site / 'his.db'}").begin() as connection:
        connection.execute(text("UPDATE XT_HZXX SET HZBH = '=1+1<b>' WHERE HZBH = 'H0001'"))
    assert run("check", "--report", str(site / "report")).exit_code == 0
    page = (site / "report" / "接口检查报告.html").read_text(encoding="utf-8")
    assert "=1+1&lt;b&gt;" in page
    assert "<b>" not in page
    book = openpyxl.load_workbook(site / "report" / "接口检查报告.xlsx")
    assert {cell.data_type for row in book["样例"].rows for cell in row if str(cell.value).startswith("=1+1")} == {"s"}


def test_a_draft_can_be_checked_and_is_never_reported(run: Run, site: Path) -> None:
    manifest = site / "profile" / "manifest.yaml"
    manifest.write_text(f"draft: true\n{MANIFEST}", encoding="utf-8")
    checked, sent = run("check"), run("run", "--once")
    assert checked.exit_code == 1
    assert "还是草稿" in checked.output
    assert sent.exit_code == 2
    assert "草稿只能 check 和 preview" in sent.output
    manifest.write_text(MANIFEST, encoding="utf-8")
    mapping = site / "profile" / "RH01.yaml"
    mapping.write_text(
        MAPPING.replace("  rx_end_date: {column: CSRQ}\n", "") + "absent: {rx_end_date: 请填写原因}\n", encoding="utf-8"
    )
    assert "处方有效期（rx_end_date） 的“请填写原因”还没有改" in run("check").output
    assert run("run", "--once").exit_code == 2


@pytest.mark.parametrize(("kind", "word"), [("test", "测试平台"), ("production", "生产平台")])
def test_every_command_that_matters_says_which_platform_it_is(run: Run, site: Path, kind: str, word: str) -> None:
    config = site / "config.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace("kind: test", f"kind: {kind}"), encoding="utf-8")
    for words in (("check",), ("status",)):
        assert word in run(*words).stdout.splitlines()[0]


def test_another_kind_of_target_is_refused(run: Run, site: Path) -> None:
    config = site / "config.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace("kind: test", "kind: trial"), encoding="utf-8")
    result = run("check")
    assert result.exit_code == 2
    assert "test（测试）或 production（生产）" in result.output


def test_the_doctor_says_what_is_wrong_and_what_to_do(run: Run, site: Path) -> None:
    (site / "token.txt").chmod(0o644)
    (site / "his.db").rename(site / "gone.db")
    result = run("doctor")
    assert result.exit_code == 1
    assert "正常　Python：" in result.output
    assert f"chmod 600 {site / 'token.txt'}" in result.output
    assert "不行　来源 his：数据库文件" in result.output
    assert "不行　目标 bureau：连不上 127.0.0.1:9" in result.output
    assert "very-secret-token" not in result.output


def test_the_doctor_speaks_to_a_platform_without_sending_a_byte(run: Run, site: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        config = site / "config.yaml"
        config.write_text(
            config.read_text(encoding="utf-8").replace("https://127.0.0.1:9", f"http://127.0.0.1:{port}"), encoding="utf-8"
        )
        result = run("doctor", "--target", "bureau")
        assert result.exit_code == 0, result.output
        assert f"正常　目标 bureau：127.0.0.1:{port} 连得上" in result.output
        assert "不加密" not in result.output  # nothing leaves this machine
        assert "正常　来源 his：能连上，以只读方式打开（sqlite" in result.output
        connection, _ = server.accept()
        with connection:
            connection.settimeout(5)
            assert connection.recv(1) == b""


def test_a_full_scan_of_a_large_table_is_told(site: Path) -> None:
    path = site / "his.db"
    with create_engine(f"sqlite:///{path}").begin() as connection:
        connection.execute(
            text(
                "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 20000) "
                "INSERT INTO XT_HZXX SELECT 'N' || x, '', '', '', '1990-01-01', '', '', '' FROM n"
            )
        )
    query = site / "profile" / "RH01.sql"
    query.write_text(f"{SELECT} WHERE HZBH || '' > :after_key ORDER BY HZBH || '' LIMIT :limit", encoding="utf-8")
    made = Site("his", URL.create("sqlite", database=str(path)), CODE)
    (source,) = profile.open_sources(profile.load(site / "profile"), made, loader.reference())
    told = explaining.sentences(source, datetime(2026, 11, 25, tzinfo=SHANGHAI))
    assert told == ["RH01.sql 会把约 20003 行的表 XT_HZXX 从头读到尾：请厂商给查询条件里的列加索引，或改 .sql"]


def test_names_of_things_are_shown_and_names_of_persons_are_not() -> None:
    datasets = loader.reference().datasets
    shown = {
        spec.name for code in ("RX01", "HD05", "3503", "3505", "HD04B") for spec in datasets[code].fields if masking.of_person(spec)
    }
    assert {"psn_name", "certno", "phar_name", "prsc_dr_name", "sel_retn_opter_name", "purc_retn_opter_name"} <= shown
    assert shown.isdisjoint({"med_list_name", "diag_name", "fixmedins_hilist_name", "spler_name", "prodentp_name", "item_name"})


def test_the_code_of_an_item_is_shown_and_a_number_of_a_person_as_long_is_not() -> None:
    """Whoever compares must see the code; no region of a 身份证号 begins with a nought."""
    assert masking.masked("009900000010101", person=False) == "009900000010101"
    assert masking.masked("990000800101001", person=False) == "***"
    assert masking.masked("009900000010101", person=True) == "0***"
    assert masking.masked("卡 009900000010101", person=False) == "卡 ***"
    assert masking.masked("009900000010101-990100001", person=False) == "009900000010101-990100001", (
        "the national code has two parts"
    )


def test_a_long_number_is_shown_only_where_the_database_keeps_it_as_a_number() -> None:
    assert masking.own_number(1897848038341640193)
    assert masking.masked(1897848038341640193, person=False, plain=True) == "1897848038341640193"
    assert not masking.own_number("990000198001010011")
    assert "***" in masking.masked("990000198001010011", person=False)
    assert masking.masked("王某某", person=True, plain=True) == "王***"
    assert masking.row_number("1897848038341640193") == "1897848038341640193"
    assert masking.row_number("990000198001010011") == "***"
    assert masking.row_number("990000198001010011|2") == "***|2", "a number of several parts may begin with a person's"


def reasons(site: Path) -> dict[str, tuple[str, str, str]]:
    """The reasons of the workbook: local columns, local numbers, and what stands there."""
    book = openpyxl.load_workbook(site / "report" / "接口检查报告.xlsx")
    rows = [[cell.value or "" for cell in row] for row in book["原因"].iter_rows(min_row=2)]
    return {row[4]: (row[6], row[7], row[8]) for row in rows}


def test_each_reason_names_its_local_columns_and_what_stands_there(run: Run, site: Path) -> None:
    """Without it the vendor has a field of the interface and no place in its own program."""
    with create_engine(f"sqlite:///{site / 'his.db'}").begin() as connection:
        connection.execute(text("UPDATE XT_HZXX SET CSRQ = '不详' WHERE HZBH = 'H0001'"))
        connection.execute(text("UPDATE XT_HZXX SET HZXM = '王某某' || hex(zeroblob(40)) WHERE HZBH = 'H0002'"))
    run("check", "--report", str(site / "report"))
    found = reasons(site)
    assert found["开方时间（rx_time）必填，当前为空"] == ("CSRQ、TXH", "H0003", "CSRQ=1980-01-01；TXH=（空）")
    (unreadable,) = (values for sentence, values in found.items() if sentence.startswith("处方有效期（rx_end_date）无法读懂"))
    assert unreadable == ("CSRQ", "H0001", "CSRQ=不详")
    (long,) = (values for sentence, values in found.items() if "psn_name" in sentence)
    assert long == ("HZXM", "H0002", "HZXM=王***（83 个字符）")
    page = (site / "report" / "接口检查报告.html").read_text(encoding="utf-8")
    assert "<code>H0003</code>　CSRQ=1980-01-01；TXH=（空）" in page
    assert "（本地列 CSRQ、TXH，1 行）" in page
    assert "王某某" not in page + str(found)


def test_a_code_without_a_translation_is_told_with_its_column(run: Run, site: Path) -> None:
    mapping = site / "profile" / "RH01.yaml"
    written = mapping.read_text(encoding="utf-8").replace("patn_id: {column: HZBH}", 'patn_id: {column: HZBH, codes: {H0001: "1"}}')
    mapping.write_text(written, encoding="utf-8")
    run("check", "--report", str(site / "report"))
    book = openpyxl.load_workbook(site / "report" / "接口检查报告.xlsx")
    found = {row[5].value: row[4].value for row in book["没有对照的代码"].iter_rows(min_row=2)}
    assert found == {"H0002": "HZBH", "H0003": "HZBH"}


def test_rules_of_the_profile_and_lines_of_a_record_name_their_columns_too(edition: Edition) -> None:
    folder = pairs.FOLDER
    mapping = profile.mapping(profile.load(folder), "HD03", edition)
    row: dict[str, Any] = {
        **pairs.treatment(1, 作废="是", 下机时间=""),
        children.place("drugs"): [{"药品编码": "", "剂量": "一片"}],
    }
    told = {
        Violation("", "void", "已作废"): "作废=是",
        Violation("", "not_ready", "透析尚未结束"): "下机时间=（空）",
        Violation("drugs[0].dose", "unreadable", "…"): "药品及使用信息第 1 条：剂量=一片",
        Violation("drugs[7].dose", "unreadable", "…"): "药品及使用信息第 8 条：剂量=（空）",
        Violation("key", "duplicate_key", "…"): "治疗号=S00001",
        Violation("nurse_codg", "length", "…"): "护士代码=N990000000001（13 个字符）",
        Violation("early_end_reason", "required", "…"): "",
        Violation("row_ref", "lost_head", "…"): "",
    }
    assert {each: localvalues.values(mapping, row, each) for each in told} == told


def test_of_lines_the_first_shows_what_fills_it(edition: Edition) -> None:
    mapping = profile.mapping(profile.load(pairs.FOLDER), "HD03", edition)
    row: dict[str, Any] = {**pairs.treatment(1), children.place("drugs"): [pairs.given(1, 1), pairs.given(1, 2, "D2")]}
    became = mapping.source_row({"row_ref": "S00001", "cursor_key": "1", **row}, Cursor(None, "1"), SiteFacts(CODE))
    looked = Looked(mapping, row, became)
    shown = {
        name: (reported, local)
        for name, reported, local, _ in lines(looked, Judge(loader.reference(), "HD03", "x").judge(became, NOW), {})
    }
    assert shown["drugs"] == ("2 行", "第 1 条：药品编码取 药品编码=D1；剂量取 剂量=1.5")
    assert localvalues.first_line(mapping, pairs.treatment(1), "drugs") == ""


def test_a_column_that_fills_a_field_of_a_person_is_masked_beside_every_field(edition: Edition) -> None:
    mapping = profile.mapping(profile.load(pairs.FOLDER), "HD03", edition)
    shared = {"psn_no": mapping.fields["psn_no"], "sess_id": replace(mapping.fields["sess_id"], origin=Column("人员编号"))}
    mapping = replace(mapping, fields={**mapping.fields, **shared})
    assert localvalues.values(mapping, pairs.treatment(1), Violation("sess_id", "length", "…")) == "人员编号=9***（12 个字符）"


def test_the_examples_of_a_source_that_cannot_be_asked_by_number_are_found_in_one_reading(run: Run, site: Path) -> None:
    manifest = site / "profile" / "manifest.yaml"
    written = manifest.read_text(encoding="utf-8").replace("    lookup: RH01.lookup.sql\n    window: RH01.window.sql\n", "")
    manifest.write_text(written, encoding="utf-8")
    run("check", "--report", str(site / "report"))
    assert reasons(site)["开方时间（rx_time）必填，当前为空"][2] == "CSRQ=1980-01-01；TXH=（空）"


HOSTILE = """
dataset: RH01
fields:
  rx_id: {joined: [HZBH, HZXM, SFZH], with: "-"}
  line_no: {column: GHXM}
  patn_id: {column: LXR}
  psn_name: {column: HZXM}
  certno: {column: SFZH}
  med_list_codg: {json: KZ, at: p.n}
  med_list_name: {column: drug_name}
  body_part: {column: BW}
  dr_codg: {column: YS}
  dept_codg: {column: JTDZ}
  item_cnt: {column: KH}
  rx_end_date: {column: CSRQ}
  rx_time: {date: CSRQ, time: SJ}
"""
#: what stands in the columns of a person, and in those of things by mistake
MISPLACED = {
    "GHXM": "周测试",
    "LXR": "李测试 0991-9990000",
    "KZ": '{"p": {"n": "孙测试"}}',
    "drug_name": "白芍",
    "dept_name": "左膝",
    "patient_name": "吴测试甲",
    "BW": "左膝，家属吴测试甲代诉：",
    "YS": "钱测试",
    "JTDZ": "示例区示例路 9 号",
    "KH": "9900001122334455667",
    "SJ": "",
}


def test_whatever_column_a_person_stands_in_nothing_of_it_is_in_the_report(run: Run, site: Path) -> None:
    """Fields of things filled from columns of persons, a number made of a name, a name in the row's own number."""
    with create_engine(f"sqlite:///{site / 'his.db'}").begin() as connection:
        for column, value in MISPLACED.items():
            connection.execute(text(f"ALTER TABLE XT_HZXX ADD COLUMN {column} TEXT"))
            connection.execute(text(f"UPDATE XT_HZXX SET {column} = :value"), {"value": value})
        connection.execute(text("UPDATE XT_HZXX SET BW = BW || HZXM"))
    columns = ", ".join(["HZXM || '|' || SFZH AS row_ref, HZBH AS cursor_key, HZBH, HZXM, SFZH, CSRQ", *MISPLACED])
    rest = {
        "": "HZBH > :after_key",
        "lookup.": "HZXM || '|' || SFZH IN :keys",
        "window.": "CSRQ >= :from AND CSRQ < :to AND HZBH > :after_key",
    }
    for kind, where in rest.items():
        end = "" if kind == "lookup." else " ORDER BY HZBH LIMIT :limit"
        query = f"SELECT {columns} FROM XT_HZXX WHERE {where}{end}"
        (site / "profile" / f"RH01.{kind}sql").write_text(query, encoding="utf-8")
    (site / "profile" / "RH01.yaml").write_text(HOSTILE, encoding="utf-8")
    result = run("check", "--report", str(site / "report"))
    assert result.exit_code == 0, result.output
    page = (site / "report" / "接口检查报告.html").read_text(encoding="utf-8")
    book = openpyxl.load_workbook(site / "report" / "接口检查报告.xlsx")
    cells = "\n".join(str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row)
    for person in (
        "王测试",
        "吴测试",
        "周测试",
        "李测试",
        "孙测试",
        "钱测试",
        "示例路",
        "0991-999",
        "99000011223344",
        "99000019800101",
    ):
        assert person not in page + cells, person
    assert "左膝，家属***代诉：***" in page, "as far as a column of the row says who that is"
    assert "drug_name=白芍" in page, "the name of a thing is to be compared"
    assert "SJ=（空）" in page


def test_a_remark_is_not_shown_and_a_name_is_cut_only_where_no_thing_has_one(edition: Edition) -> None:
    fields = {spec.name: spec for each in edition.datasets.values() for spec in each.fields}
    assert masking.of_remarks(fields["memo"])
    assert not masking.of_remarks(fields["diag_name"])
    assert masking.of_person(fields["agent"])
    assert masking.of_person(fields["owner"])
    assert not masking.of_person(fields["dise_name"])
    assert masking.names_nobody(fields["cnt_unit"])
    assert [name for name in ("BRXM", "patName", "LXR", "JTDZ", "jcxm", "machine_no", "bz") if masking.column_of_person(name)] == [
        *("BRXM", "patName", "LXR", "JTDZ"),
    ]
