"""What the tables of products that nobody had seen taught: keyless heads, tables beside a table, halves of a document."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL

from adapters import profile, unfinished
from adapters.databases.connection import SiteDatabase
from adapters.introspection.contents import Content, content
from adapters.introspection.shapes import Shape
from adapters.introspection.tables import Column, Kind, plain
from adapters.proposing import folder
from adapters.proposing.folder import Product
from adapters.proposing.offers import Offers
from adapters.proposing.ranking import Ranking
from adapters.proposing.scoring import score
from adapters.proposing.sides import Offered, wanted
from adapters.proposing.survey import Survey
from adapters.proposing.vocabulary import aside, essence, vocabulary, words
from schemas import loader

EDITION = loader.reference()
SHOP = """
CREATE TABLE t_user (id INTEGER PRIMARY KEY, real_name TEXT);
CREATE TABLE t_goods (id INTEGER PRIMARY KEY, goods_nm TEXT, is_delete TEXT);
CREATE TABLE t_goods_drug (id INTEGER PRIMARY KEY, goods_id INTEGER, medical_insurance_num TEXT);
CREATE TABLE t_goods_price (id INTEGER PRIMARY KEY, goods_id INTEGER, price NUMERIC);
CREATE TABLE t_sale (id INTEGER PRIMARY KEY, sale_no TEXT, sale_time TEXT, sale_state TEXT, is_cancel TEXT);
CREATE TABLE t_sale_item (id INTEGER PRIMARY KEY, sale_id INTEGER, goods_id INTEGER, shop_id INTEGER, quantity INTEGER,
 expiry_date TEXT, batch TEXT, seller INTEGER, create_by TEXT)
"""


def surveyed(path: Path, script: str, *rows: tuple[str, list[tuple[Any, ...]]]) -> Survey:
    """What a draft sees of a database made by this script and of these rows, each kind with its statement."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
        for statement, some in rows:
            connection.executemany(statement, some)
        connection.commit()
    return Survey(SiteDatabase(URL.create("sqlite", database=str(path)), 30))


@pytest.fixture
def shop(tmp_path: Path) -> Survey:
    """Forty sales of ten goods; what the insurance calls them stands in a table beside the goods, with one row each."""
    with closing(sqlite3.connect(tmp_path / "shop.db")) as connection:
        connection.executescript(SHOP)
        connection.executemany("INSERT INTO t_user VALUES (?, ?)", [(number, f"店员{number}") for number in range(1, 4)])
        for number in range(1, 11):
            connection.execute("INSERT INTO t_goods VALUES (?, '测试胶囊', ?)", (number, "N" if number % 4 else "Y"))
            connection.execute("INSERT INTO t_goods_drug VALUES (?, ?, ?)", (number + 50, number, f"XA01AAA{number:016}"))
            connection.executemany("INSERT INTO t_goods_price (goods_id, price) VALUES (?, 9)", [(number,)] * 2)
        for number in range(1, 41):
            sale = (number, f"LS{number:05}", f"2026-11-{number % 20 + 1:02} 09:00:00", "done", "0" if number % 9 else "1")
            connection.execute("INSERT INTO t_sale VALUES (?, ?, ?, ?, ?)", sale)
            expiry = "2028-06-30" if number % 5 else "0000-00-00"
            line = (
                number,
                number,
                number % 10 + 1,
                1,
                number % 3 + 1,
                expiry,
                f"B{number % 7}" if number % 6 else "-",
                number % 3 + 1,
            )
            connection.execute("INSERT INTO t_sale_item VALUES (?, ?, ?, ?, ?, ?, ?, ?, '1')", line)
        connection.commit()
    return Survey(SiteDatabase(URL.create("sqlite", database=str(tmp_path / "shop.db")), 30))


def drafted(survey: Survey, out: Path, dataset: str, table: str) -> tuple[str, str]:
    """The mapping and the query that are written."""
    folder.write(survey, EDITION, [dataset], [table], out, Product("陌生的系统", "测试", "1"), date(2026, 11, 26))
    mapping, query = out / "mapping" / f"{dataset}.yaml", out / "queries" / f"{dataset}.sql"
    return mapping.read_text(encoding="utf-8"), query.read_text(encoding="utf-8")


def shown(survey: Survey, dataset: str, table: str, field: str) -> list[str]:
    return [each.shown for each in Ranking(survey, EDITION, dataset).fields(table)[field]]


def test_a_table_beside_the_goods_with_one_row_for_each_is_reached_and_one_with_several_is_not(
    shop: Survey, tmp_path: Path
) -> None:
    assert [each.table for each in shop.extensions("t_goods")] == ["t_goods_drug"]
    mapping, query = drafted(shop, tmp_path / "draft", "3505", "t_sale_item")
    assert "med_list_codg: {column: medical_insurance_num}" in mapping
    assert "JOIN t_goods_drug" in query
    assert ".goods_id = t" in query
    assert "t_goods_price" not in query, "it would read a sale twice"


def test_who_entered_a_row_is_no_row_of_a_register_and_a_seller_is_one_of_the_users(shop: Survey) -> None:
    links = {each.column: each.table for each in shop.links("t_sale_item")}
    assert links["seller"] == "t_user"
    assert "create_by" not in links
    assert shown(shop, "3505", "t_sale_item", "sel_retn_opter_name")[0] == "t_user.real_name"


def test_goods_that_are_no_longer_sold_were_sold_all_the_same_and_the_head_of_the_document_is_asked(
    shop: Survey, tmp_path: Path
) -> None:
    mapping, _ = drafted(shop, tmp_path / "draft", "3505", "t_sale_item")
    assert "is_delete" not in mapping, "the flag of the goods would withdraw the sale"
    assert '- {column: is_cancel, in: ["1"], reason: 已作废或删除}' in mapping
    assert "请核对：状态列 sale_state：抽样见到的是 done" in mapping, "it stands in the other half of the document"
    assert "那张表若是目录" not in mapping


def test_a_table_that_does_not_say_what_the_data_set_is_about_is_to_be_asked_for(shop: Survey, tmp_path: Path) -> None:
    """A shop has no dialysis, and the likeliest table is a table all the same."""
    folder.write(shop, EDITION, ["HD02"], [], tmp_path / "draft", Product("陌生的系统", "测试", "1"), date(2026, 11, 26))
    notes = (tmp_path / "draft" / "NOTES.md").read_text(encoding="utf-8")
    assert "的表名和注释都没有说到“血透排班信息”，只是列有些像：先问清本系统有没有这项业务" in notes
    folder.write(
        shop, EDITION, ["3505"], ["t_sale_item"], tmp_path / "named", Product("陌生的系统", "测试", "1"), date(2026, 11, 26)
    )
    assert "都没有说到" not in (tmp_path / "named" / "NOTES.md").read_text(encoding="utf-8")


def test_a_drug_that_is_called_as_its_prescription_withdraws_none_before_a_person_has_said_so(tmp_path: Path) -> None:
    """medication and medication_request: by their names alone the halves of a document, and no such thing."""
    requests = [(number, f"RX{number}", f"P{number}", number % 2 + 1, 2, "2026-11-01 08:00:00", "0") for number in range(1, 9)]
    survey = surveyed(
        tmp_path / "his.db",
        "CREATE TABLE med_drug (id INTEGER PRIMARY KEY, drug_name TEXT, status TEXT, delete_flag TEXT);"
        "CREATE TABLE med_drug_request (id INTEGER PRIMARY KEY, prescription_no TEXT, patient_id TEXT, drug_id INTEGER,"
        " quantity INTEGER, prescribe_time TEXT, delete_flag TEXT);"
        "CREATE TABLE adm_patient (id INTEGER PRIMARY KEY, name TEXT); CREATE TABLE adm_org (id INTEGER PRIMARY KEY, name TEXT)",
        ("INSERT INTO med_drug VALUES (?, '测试片', '1', ?)", [(1, "0"), (2, "1")]),
        ("INSERT INTO med_drug_request VALUES (?, ?, ?, ?, ?, ?, ?)", requests),
    )
    mapping, _ = drafted(survey, tmp_path / "draft", "RX01", "med_drug_request")
    assert '- {column: delete_flag, in: ["1"], reason: 已作废或删除}   # 请核对；见到的是 0' in mapping
    assert "请核对：作废标志 med_drug_delete_flag：抽样见到的是" in mapping
    assert "column: med_drug_delete_flag, in" not in mapping
    assert mapping.count("它是 med_drug 的：那张表若是目录") == 2
    assert mapping.count("不该报的写进 exclude") == 1, "what to do with them all is told once"
    told = list(unfinished.sentences(profile.load(tmp_path / "draft"), []))
    assert any("作废标志 med_drug_delete_flag" in each for each in told)


def test_whose_rows_a_table_holds_is_to_be_asked_of_the_whole_table_and_the_check_says_so(shop: Survey, tmp_path: Path) -> None:
    mapping, query = drafted(shop, tmp_path / "draft", "3505", "t_sale_item")
    assert "# 请核对：机构列 shop_id：这张表里不止一家机构的" in mapping
    assert "SELECT shop_id, COUNT(*) FROM t_sale_item GROUP BY shop_id" in mapping
    assert "h.shop_id AS shop_id" in query
    told = list(unfinished.sentences(profile.load(tmp_path / "draft"), []))
    assert any("机构列 shop_id" in each and "在全表有哪些值还没有核对" in each for each in told)


def test_what_stands_for_nothing_is_written_as_empty_where_it_was_met_and_not_where_it_means_something(
    shop: Survey, tmp_path: Path
) -> None:
    mapping, _ = drafted(shop, tmp_path / "draft", "3505", "t_sale_item")
    assert 'manu_lotnum: {column: batch, empty: ["-"]}' in mapping
    assert 'expy_end: {column: expiry_date, empty: ["0000-00-00"]}' in mapping
    assert content(["无", "肝素", "0", "1900-01-01 00:00:00"], "knj").fillers == ("1900-01-01 00:00:00", "无")
    (tmp_path / "dialysis").mkdir()
    survey = surveyed(
        tmp_path / "dialysis.db",
        "CREATE TABLE dialysis_record (id INTEGER PRIMARY KEY, patient_id TEXT, begin_time TEXT, anticoagulant TEXT, bed TEXT);"
        "INSERT INTO dialysis_record VALUES (1, 'P1', '2026-11-01 08:00:00', '无', '无');"
        "INSERT INTO dialysis_record VALUES (2, 'P2', '2026-11-01 08:00:00', '肝素', '2')",
    )
    mapping, _ = drafted(survey, tmp_path / "dialysis" / "draft", "HD03", "dialysis_record")
    assert "anticoagulant: {column: anticoagulant}" in mapping, "no heparin is an answer there"


def test_a_stay_that_has_not_ended_waits_and_a_document_that_is_one_row_has_one_line(tmp_path: Path) -> None:
    survey = surveyed(
        tmp_path / "his.db",
        "CREATE TABLE inpt_visit (id INTEGER PRIMARY KEY, in_no TEXT, discharge_time TEXT);"
        "INSERT INTO inpt_visit VALUES (1, 'ZY1', '2026-11-01 08:00:00'), (2, 'ZY2', NULL);"
        "CREATE TABLE dialysis_recipe (recipe_id TEXT PRIMARY KEY, patient_id TEXT, recipe_date TEXT);"
        "INSERT INTO dialysis_recipe VALUES ('R1', 'P1', '2026-11-01 08:00:00'), ('R2', 'P2', '2026-11-02 08:00:00')",
    )
    mapping, _ = drafted(survey, tmp_path / "stay", "IP02", "inpt_visit")
    assert "- {column: discharge_time, is: blank, reason: 尚未结束}" in mapping
    mapping, _ = drafted(survey, tmp_path / "recipe", "HD01", "dialysis_recipe")
    assert "rx_id: {column: recipe_id}" in mapping
    assert 'line_no: {fixed: "1", why: 主表一行就是一张单据}\n  #   请核对：' in mapping
    assert "line_no: 请填写原因" not in mapping
    made = profile.load(tmp_path / "recipe")
    assert "line_no" in profile.mapping(made, "HD01", EDITION).fields


def test_a_uuid_without_dashes_is_followed_into_a_head_that_declares_no_key(tmp_path: Path) -> None:
    survey = surveyed(
        tmp_path / "his.db",
        "CREATE TABLE outpt_prescribe (id TEXT NOT NULL, doctor_id TEXT, written_time TEXT);"
        "CREATE TABLE outpt_line (id TEXT NOT NULL, op_id TEXT, group_no INTEGER, num NUMERIC)",
        ("INSERT INTO outpt_prescribe VALUES (?, 'D1', '2026-11-01 08:00:00')", [(number_of(f"p{each}"),) for each in range(60)]),
        (
            "INSERT INTO outpt_line VALUES (?, ?, ?, 1)",
            [(number_of(f"l{each}"), number_of(f"p{each}"), each % 3 + 1) for each in range(60)],
        ),
    )
    (link,) = survey.links("outpt_line")
    assert (link.column, link.table, link.target) == ("op_id", "outpt_prescribe", "id")
    assert "outpt_prescribe.written_time" in shown(survey, "RX01", "outpt_line", "rx_time")
    found = Ranking(survey, EDITION, "RX01").fields("outpt_line")["rx_id"]
    assert all("有重复" in each.score.reasons for each in found if each.shown == "outpt_line.group_no"), (
        "three numbers for sixty lines"
    )


def test_the_halves_of_a_document_are_called_alike_but_for_the_last_word(shop: Survey) -> None:
    offers = Offers(shop, vocabulary())
    assert offers.halves("t_sale", "t_sale_item")
    assert offers.halves("t_goods_drug", "t_goods_price")
    assert not offers.halves("t_sale_item", "t_goods")


def number_of(row: str) -> str:
    """As products write theirs: 32 hexadecimal digits."""
    return hashlib.md5(row.encode(), usedforsecurity=False).hexdigest()


def offered(name: str, comment: str, kind: Kind = Kind.TEXT, seen: Content | None = None) -> Offered:
    known, comment = vocabulary(), plain(comment)
    told, said = known.of_text(essence(comment)), known.of_text(aside(comment))
    column = Column(name, kind, comment)
    return Offered("t", column, seen or Content(), known.of_name(name), told, frozenset(), frozenset(words(name)), by_aside=said)


def worth(dataset: str, field: str, column: Offered) -> float:
    return score(wanted(EDITION.datasets[dataset].field(field), None, vocabulary()), column, vocabulary()).value


def test_the_code_of_a_kind_is_nobodys_number() -> None:
    assert worth("VS01", "patn_id", offered("profile_id", "个人档案ID")) > worth(
        "VS01", "patn_id", offered("patient_code", "病人类型代码（BRLX）")
    )
    assert worth("VS01", "setl_id", offered("payment_way_code", "支付 方式 代码")) < 0.55


def test_money_is_no_quantity_whatever_its_english_name_means() -> None:
    quantity, amount = offered("quantity", "数量", Kind.NUMBER), offered("amount", "金额", Kind.NUMBER)
    assert worth("3502", "cnt", quantity) > worth("3502", "cnt", amount) + 0.2


def test_what_a_comment_says_in_brackets_counts_if_it_is_a_plain_name() -> None:
    assert worth("RX01", "rx_time", offered("crte_time", "创建时间（开方日期）", Kind.DATETIME)) > 0.8
    assert aside("创建时间（开方日期）") == "开方日期"
    assert aside("项目ID（药品/材料）") == aside("总数量（数量*频率*用药天数）") == ""


def test_the_last_day_of_a_lot_is_not_the_day_on_which_it_came_in() -> None:
    entered, valid = offered("create_date", "", Kind.DATETIME), offered("valid_date", "", Kind.DATETIME)
    assert worth("HD04A", "stoin_time", entered) > worth("HD04A", "stoin_time", valid)
    assert worth("HD04A", "expiry_date", valid) > 0.5


def test_a_thing_is_not_called_by_a_person_and_a_person_not_by_a_thing() -> None:
    assert worth("3503", "fixmedins_hilist_name", offered("audit_name", "审核人姓名")) < 0.5
    assert worth("3505", "sel_retn_opter_name", offered("common_nm", "通用 名称")) < 0.5


def test_what_does_not_fit_is_told_but_not_of_a_code_that_is_translated() -> None:
    long = content([f"{number:032x}a"[:32] for number in range(20)], "id")
    field = wanted(EDITION.datasets["3501"].field("fixmedins_bchno"), None, vocabulary())
    assert "放不下" in score(field, offered("id", "", seen=long), vocabulary()).reasons
    coded = wanted(EDITION.datasets["HD02"].field("shift"), EDITION.codes["shift"], vocabulary())
    assert "放不下" not in score(coded, offered("shift", "", seen=content(["morning", "evening"], "shift")), vocabulary()).reasons


def test_blanks_that_a_modelling_tool_leaves_between_chinese_words_say_nothing() -> None:
    assert plain("商品 编码") == "商品编码"
    assert plain("商品 批次 SKU ID\r\n第二行") == "商品批次 SKU ID 第二行"
    assert content(["0123456789abcdef0123456789abcdef"], "id").share(Shape.UUID) == 1


def test_the_order_of_a_sell_order_item_is_the_sell_order(tmp_path: Path) -> None:
    """Small numbers are found in any table; an order_id would be the shorter name's otherwise."""
    survey = surveyed(
        tmp_path / "shop.db",
        "CREATE TABLE shop_order (id INTEGER PRIMARY KEY, num TEXT);"
        "CREATE TABLE shop_sell_order (id INTEGER PRIMARY KEY, num TEXT);"
        "CREATE TABLE shop_sell_order_item (id INTEGER PRIMARY KEY, order_id INTEGER);"
        "INSERT INTO shop_order VALUES (1, 'A'), (2, 'B'); INSERT INTO shop_sell_order VALUES (1, 'A'), (2, 'B');"
        "INSERT INTO shop_sell_order_item VALUES (1, 1), (2, 2)",
    )
    assert [each.table for each in survey.links("shop_sell_order_item")] == ["shop_sell_order"]
