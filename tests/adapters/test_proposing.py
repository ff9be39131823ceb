"""An unknown database: what is proposed, what the draft reads, and what is never shown of it."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import URL
from support import strangers

from adapters import profile, unfinished
from adapters.databases.connection import SiteDatabase
from adapters.introspection.contents import content
from adapters.introspection.shapes import Shape, shape
from adapters.profile import Site
from adapters.proposing import doubts, folder
from adapters.proposing.folder import Drafted, Product
from adapters.proposing.labels import listed
from adapters.proposing.ranking import Ranking
from adapters.proposing.survey import Survey
from gateway.errors import ConfigError
from gateway.model import RowState, SourceRow
from schemas import loader

PRODUCT = Product("陌生的系统", "测试", "1")
TODAY = date(2026, 11, 25)


@pytest.fixture
def url(tmp_path: Path) -> URL:
    return URL.create("sqlite", database=str(strangers.create(tmp_path / "stranger.db")))


@pytest.fixture
def survey(url: URL) -> Survey:
    return Survey(SiteDatabase(url, 30))


def drafted(survey: Survey, out: Path, *datasets: str, tables: tuple[str, ...] = ()) -> list[Drafted]:
    return folder.write(survey, loader.reference(), datasets, tables, out, PRODUCT, TODAY)


def read(out: Path, url: URL, dataset: str) -> list[SourceRow]:
    sources = profile.open_sources(profile.load(out), Site("his", url, "H99000100001"), loader.reference())
    (source,) = (each for each in sources if each.dataset == dataset)
    return [row for page in source.pages(None, 7) for row in page.rows]


@pytest.mark.parametrize(("dataset", "table"), [("HD03", "XT_TXJL"), ("HD02", "XT_PBB")])
def test_the_table_is_found_by_pinyin_and_by_what_it_covers(survey: Survey, dataset: str, table: str) -> None:
    assert Ranking(survey, loader.reference(), dataset).tables()[0].table.name == table


@pytest.mark.parametrize(
    ("field", "column"),
    [
        ("sess_id", "JLBH"),
        ("schd_id", "PBBH"),
        ("rx_id", "CFH"),
        ("patn_id", "HZBH"),
        ("dialysis_no", "TXH"),
        ("machine_no", "TXJH"),
        ("duration_min", "ZLSC"),
        ("pre_weight_kg", "TQTZ"),
        ("post_weight_kg", "THTZ"),
        ("uf_volume_ml", "CLL"),
        ("anticoagulant", "KNJ"),
    ],
)
def test_the_right_column_is_among_the_first_three(survey: Survey, field: str, column: str) -> None:
    found = Ranking(survey, loader.reference(), "HD03").fields("XT_TXJL")[field][:3]
    assert column in {each.offered.column.name for each in found}
    assert all(each.score.value <= 1 for each in found)


def test_a_day_and_a_clock_in_two_columns_are_proposed_together(survey: Survey) -> None:
    best = Ranking(survey, loader.reference(), "HD03").fields("XT_TXJL")["begn_time"][0]
    assert best.clock is not None
    assert (best.offered.column.name, best.clock.column.name) == ("TXRQ", "SJSJ")


def test_a_link_without_a_foreign_key_is_found_by_its_values(survey: Survey) -> None:
    links = {each.column: each for each in survey.links("XT_TXJL")}
    assert (links["HZBH"].table, links["HZBH"].declared) == ("XT_HZXX", False)


def test_the_draft_loads_reads_every_row_and_says_what_is_left(survey: Survey, url: URL, tmp_path: Path) -> None:
    out = tmp_path / "draft"
    drafted(survey, out, "HD03", "HD02")
    rows = read(out, url, "HD03")
    assert len(rows) == 36
    assert [row.state for row in rows].count(RowState.VOID) == 2
    assert [row.state for row in rows].count(RowState.NOT_READY) == 1
    overnight = next(row for row in rows if row.ref == "3")
    assert overnight.values["end_time"].isoformat() == "2026-11-02T00:35:00+08:00"
    assert overnight.values["pre_weight_kg"] == pytest.approx(63.5, abs=0) or str(overnight.values["pre_weight_kg"]) == "63.5"
    made, edition = profile.load(out), loader.reference()
    told = list(unfinished.sentences(made, [profile.mapping(made, code, edition) for code in made.mappings]))
    assert "还是草稿" in told[0]
    assert any("med_list_codg" in sentence and "请填写原因" in sentence for sentence in told)


def test_what_a_good_name_may_get_wrong_is_told_beside_the_rule_and_by_the_check(survey: Survey, tmp_path: Path) -> None:
    """The number of the patient is not that of the dialysis room; a draft takes it, for want of anything better."""
    out = tmp_path / "draft"
    drafted(survey, out, "HD03")
    text = (out / "mapping" / "HD03.yaml").read_text(encoding="utf-8")
    assert "#   请核对：XT_TXJL.HZBH 也取作患者编码（patn_id），两个字段多半只有一个对" in text
    made = profile.load(out)
    (told,) = (each for each in unfinished.sentences(made, []) if "拿不准" in each)
    assert told.startswith("HD03（HD03.yaml）：dialysis_no 拿不准"), "and no field of which nothing was said"
    (out / "mapping" / "HD03.yaml").write_text(re.sub(r"^ *# *请核对：.*\n", "", text, flags=re.MULTILINE), encoding="utf-8")
    assert not any("拿不准" in each for each in unfinished.sentences(made, []))


@pytest.mark.parametrize(
    ("columns", "sentence"),
    [
        ("seq INTEGER, item_id INTEGER REFERENCES charge_item", ""),
        ("item_id INTEGER REFERENCES charge_item", "clinic_prescription.rx_no 也取作处方号（rx_id），两个字段多半只有一个对"),
        ("line_no INTEGER, row_no INTEGER", "clinic_prescription.row_no（0.90） 几乎一样像"),
    ],
)
def test_the_number_of_a_line_is_no_row_of_another_table(tmp_path: Path, columns: str, sentence: str) -> None:
    with closing(sqlite3.connect(tmp_path / "his.db")) as connection:
        connection.executescript(
            "CREATE TABLE charge_item (id INTEGER PRIMARY KEY, name TEXT);"
            "CREATE TABLE clinic_prescription (id INTEGER PRIMARY KEY, rx_no TEXT, patient_id INTEGER, quantity TEXT,"
            f" prescribed_at TEXT, {columns});"
            "INSERT INTO charge_item VALUES (1, 'a'), (2, 'b');"
        )
        names = [each.split()[0] for each in columns.split(", ")]
        rows = "".join(
            f"INSERT INTO clinic_prescription (rx_no, patient_id, quantity, prescribed_at, {', '.join(names)})"
            f" VALUES ('RX{number // 2}', 1, '2', '2026-11-01 08:00:00', {', '.join([str(number % 2 + 1)] * len(names))});"
            for number in range(20)
        )
        connection.executescript(rows)
    survey = Survey(SiteDatabase(URL.create("sqlite", database=str(tmp_path / "his.db")), 30))
    (made,) = drafted(survey, tmp_path / "draft", "RX01", tables=("clinic_prescription",))
    spec = made.draft.dataset.field("line_no")
    told = list(doubts.of(made.draft, spec))
    assert (told == []) if not sentence else any(sentence in each for each in told), (told, made.draft.active.get("line_no"))


def test_a_duration_without_a_column_is_offered_by_the_two_moments_and_loads(survey: Survey, url: URL, tmp_path: Path) -> None:
    """To write SQL for it is what a clerk cannot do; whether it is the time that is meant, only a person can say."""
    out = tmp_path / "draft"
    drafted(survey, out, "HD03")
    path = out / "mapping" / "HD03.yaml"
    text = path.read_text(encoding="utf-8")
    assert "  #   duration_min: {minutes: [begn_time, end_time]}   # 备选：上机时间到下机时间的分钟数" in text
    path.write_text(
        text.replace("  #   duration_min: {minutes", "  duration_min: {minutes").replace("  duration_min: 请填写原因", "  #"),
        encoding="utf-8",
    )
    rows = {row.ref: row for row in read(out, url, "HD03")}
    assert rows["3"].values["duration_min"] > 0
    assert not [each for each in rows["3"].faults if each.field == "duration_min"]


@pytest.fixture
def clinic(tmp_path: Path) -> Survey:
    """Prescriptions whose moment and number have odd names; the oldest row is of a state that the newest 200 do not have."""
    with closing(sqlite3.connect(tmp_path / "clinic.db")) as connection:
        connection.executescript(
            "CREATE TABLE clinic_prescription (id INTEGER PRIMARY KEY, rx_no TEXT, seq INTEGER, patient_id TEXT, yb_no TEXT,"
            " dose_total NUMERIC, penned TEXT, rx_kind TEXT, rx_state TEXT, created_at TEXT);"
            "CREATE TABLE drug (id INTEGER PRIMARY KEY, rx_time TEXT)"
        )
        rows = [
            (
                *(number, f"CF{number}", 1, f"P{number % 7}", "XZ99AAZ301A001010100001", number % 3 + 1),
                *(f"2026-11-0{number % 9 + 1} 08:00:00", "exam" if number % 40 == 0 else "drug"),
                *("cancelled" if number == 1 else "signed", "2026-11-10 09:00:00"),
            )
            for number in range(1, 260)
        ]
        connection.executemany(f"INSERT INTO clinic_prescription VALUES ({', '.join('?' * 10)})", rows)
        connection.commit()
    return Survey(SiteDatabase(URL.create("sqlite", database=str(tmp_path / "clinic.db")), 30))


def test_the_sorts_of_rows_that_a_look_at_some_may_miss_are_to_be_asked_of_the_whole_table(clinic: Survey, tmp_path: Path) -> None:
    """A cancelled prescription that no rule names is reported like any other: the draft says so until a person has looked."""
    out = tmp_path / "draft"
    drafted(clinic, out, "RX01")
    path = out / "mapping" / "RX01.yaml"
    text = path.read_text(encoding="utf-8")
    assert "请核对：状态列 rx_state：抽样见到的是 signed；" in text, "the cancelled one was not looked at"
    assert "请核对：种类列 rx_kind：抽样见到的是 drug、exam；" in text
    assert "SELECT rx_state, COUNT(*) FROM clinic_prescription GROUP BY rx_state" in text
    made = profile.load(out)
    (told,) = (each for each in unfinished.sentences(made, []) if "在全表有哪些值还没有核对" in each)
    assert told.startswith("RX01（RX01.yaml）：种类列 rx_kind、状态列 rx_state 在全表")
    path.write_text(re.sub(r"^# 请核对：.*\n", "", text, flags=re.MULTILINE), encoding="utf-8")
    assert not any("在全表有哪些值" in each for each in unfinished.sentences(made, []))


def test_a_required_field_that_no_name_answers_is_offered_what_its_content_could_be(clinic: Survey, tmp_path: Path) -> None:
    """The query reads it already, so that one line of the mapping is all there is to change."""
    out = tmp_path / "draft"
    drafted(clinic, out, "RX01")
    text = (out / "mapping" / "RX01.yaml").read_text(encoding="utf-8")
    told = "备选：clinic_prescription.penned：名称认不出、内容像日期时间，抽样 200 行填了 200\n"
    assert f"#   rx_time: {{column: penned}}   # {told}" in text
    assert not re.search(r"rx_time: .*created_at", text), "when it was entered is not offered for want of a name"
    assert "h.penned AS penned" in (out / "queries" / "RX01.sql").read_text(encoding="utf-8")


def test_the_last_day_of_a_drug_is_known_and_an_empty_table_ranks_behind_one_with_rows(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "his.db")) as connection:
        connection.executescript(
            "CREATE TABLE delivery (id INTEGER PRIMARY KEY, end_date TEXT, expiry_end TEXT);"
            "CREATE TABLE stock (id INTEGER PRIMARY KEY, delivery_id INTEGER REFERENCES delivery, quantity INTEGER,"
            " expiration_date TEXT);"
            "INSERT INTO stock VALUES (1, 1, 5, '2027-01-31'), (2, 2, 6, '2027-02-28')"
        )
    found = Ranking(Survey(SiteDatabase(URL.create("sqlite", database=str(tmp_path / "his.db")), 30)), loader.reference(), "3501")
    shown = [(each.shown, each.score.reasons) for each in found.fields("stock")["expy_end"]]
    assert shown[0][0] == "stock.expiration_date"
    assert dict(shown)["delivery.expiry_end"][-1] == "这张表是空的"


def test_a_column_of_which_no_value_was_seen_is_doubtful_however_good_its_name(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "his.db")) as connection:
        connection.executescript(
            "CREATE TABLE stock (id INTEGER PRIMARY KEY, inv_cnt INTEGER, manu_date DATE, inv_date TEXT);"
            "INSERT INTO stock VALUES (1, 5, NULL, '2026-11-01')"
        )
    (each,) = drafted(Survey(SiteDatabase(URL.create("sqlite", database=str(tmp_path / "his.db")), 30)), tmp_path / "draft", "3501")
    told = {spec.name: list(doubts.of(each.draft, spec)) for spec in each.draft.dataset.fields}
    assert "抽样里这一列一个值也没有，看不出它存的是什么" in told["manu_date"]
    assert told["inv_cnt"] == []


def test_words_for_codes_are_translated_by_what_they_mean(survey: Survey, url: URL, tmp_path: Path) -> None:
    drafted(survey, tmp_path / "draft", "HD02")
    assert {row.values["shift"] for row in read(tmp_path / "draft", url, "HD02")} == {"1", "2", "3"}


def test_no_value_of_a_person_stands_in_the_draft(survey: Survey, tmp_path: Path) -> None:
    out = tmp_path / "draft"
    drafted(survey, out, "HD03", "HD02", "RH01", tables=("XT_TXJL", "XT_PBB", "XT_HZXX"))
    written = "".join(path.read_text(encoding="utf-8") for path in out.rglob("*") if path.is_file())
    assert "HZXM" in written
    for secret in ("王测试", "19800101", "测试护士"):
        assert secret not in written


def test_a_folder_that_holds_something_is_not_written_over(survey: Survey, tmp_path: Path) -> None:
    (tmp_path / "draft").mkdir()
    (tmp_path / "draft" / "manifest.yaml").write_text("mine", encoding="utf-8")
    with pytest.raises(ConfigError, match="不是空的"):
        drafted(survey, tmp_path / "draft", "HD03")


def test_a_data_set_without_a_table_says_so_and_nothing_is_written(survey: Survey, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="gateway spec list"):
        drafted(survey, tmp_path / "draft", "HD99")
    with pytest.raises(ConfigError, match="没有表或视图"):
        drafted(survey, tmp_path / "draft", "HD03", tables=("NOWHERE",))
    assert not (tmp_path / "draft").exists()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026/1/5", Shape.DATE),
        ("2026-01-05 08:00:00", Shape.MOMENT),
        ("08:30", Shape.CLOCK),
        ("63.5kg", Shape.AMOUNT),
        ("99000019800101001X", Shape.PERSON_NUMBER),
        ("N18.500", Shape.DISEASE),
        ("XA00AAA000A000010000001", Shape.DRUG),
        ("D999900000001", Shape.STAFF),
        ("-1.50", Shape.DECIMAL),
        ('{"a": 1}', Shape.JSON),
        ("已完成", Shape.CHINESE),
        (None, None),
        ("NULL", None),
    ],
)
def test_a_value_is_known_by_its_shape(value: object, expected: Shape | None) -> None:
    assert shape(value) is expected


def test_codes_are_kept_and_names_are_not() -> None:
    assert content(["0", "1", "1", None], "ZT").codes == ("0", "1")
    assert content(["已完成", "进行中"], "ZT").codes == ("已完成", "进行中")
    assert content(["王某", "李某某"], "ZT").codes == ()
    assert content(["0", "1"], "doctor_name").codes == ()
    assert content(["13800000000"], "ZT").codes == ()


def test_units_and_names_inside_json_are_kept_and_those_of_persons_are_not() -> None:
    assert content(["65.5kg", "70 kg", "61kg", "80斤", "81斤", "77斤"], "tz").units == ("kg", "斤")
    for remarks in (["3床张三", "4床李四", "5床王五"], ["3 张三", "3 张三", "5 张三"]):
        assert content(remarks, "bz").units == ()
    assert content(["65kg", "66kg", "67kg"], "patient_name").units == ()
    people = content(['{"张三": 1, "vital": {"w": 2}}', '{"李四": 1, "990000199001011234": 3}'], "info").paths
    assert list(people) == ["vital.w"]


def test_ways_to_write_a_day_are_named_only_if_they_read_every_value() -> None:
    assert content(["2026/1/5", "2026-01-06"], "rq").notations == ("yyyy/M/d", "yyyy-MM-dd")
    assert content(["2026-01-05", "2026-01-06"], "rq").notations == ()
    assert content(["05.01.2026", "2026-01-06"], "rq").notations == ()


def test_the_codes_of_a_comment_are_read() -> None:
    assert listed("执行状态 0=待执行 1=执行 2=取消本次") == {"0": "待执行", "1": "执行", "2": "取消本次"}
    assert listed("删除标记，0未删除，1删除") == {"0": "未删除", "1": "删除"}
    assert listed("住院号") == {}
