"""Dropped files: each is read whole or not at all, taken in once, put away; what is no good says why in Chinese."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
from support import dropped
from support.dropped import AFTER, BEGAN, drop, refs, table, treatment

from adapters import profile
from adapters.dropped import dropfolder, filexls
from adapters.dropped.files import FileSource
from adapters.dropped.filetext import BadFileError, Encoding
from adapters.profile import Site
from gateway.errors import ConfigError, SourceError, SourceQueryError
from gateway.model import RowState
from schemas import loader
from schemas.errors import SpecError
from schemas.wire import SHANGHAI


def test_a_gbk_and_a_utf8_file_of_the_same_rows_give_the_same_records(inbox: Path, opened: Callable[..., FileSource]) -> None:
    found = []
    for encoding in ("gbk", "utf-8", "utf-8-sig", "gb18030"):
        source = opened(("encoding: gbk", "encoding: detect"))
        drop(inbox, "HD03_1.csv", table([treatment(n) for n in range(5)], encoding))
        rows = [row for page in source.pages(AFTER, 2) for row in page.rows]
        assert all(row.state is RowState.READY and not row.faults for row in rows), rows[0].faults
        found.append([(row.ref, dict(row.content or {})) for row in rows])
        source.put_away()
    assert found == [found[0]] * 4
    assert found[0][0][1]["dialyzer"] == "聚砜膜透析器，1.4 平方"


def test_rows_carry_when_they_were_entered_and_changed(inbox: Path, opened: Callable[..., FileSource]) -> None:
    drop(inbox, "HD03_1.csv", table([treatment(1)]))
    (row,) = (row for page in opened().pages(AFTER, 5) for row in page.rows)
    assert row.entered_at == BEGAN + timedelta(seconds=10)
    assert row.changed_at == BEGAN + timedelta(hours=4, seconds=30)


def test_looking_moves_nothing_and_taking_in_moves_the_file_to_the_archive(inbox: Path, opened: Callable[..., FileSource]) -> None:
    path = drop(inbox, "HD03_1.csv", table([treatment(n) for n in range(5)]))
    source = opened()
    assert refs(source) == refs(source) == [f"S{n:05d}" for n in range(5)]
    assert path.exists()
    source.put_away()
    assert not path.exists()
    (kept,) = source.folder.archive.iterdir()
    assert kept.name.endswith("-HD03_1.csv")
    assert refs(source) == []


def test_a_file_is_not_put_away_before_its_last_page_was_taken_in(inbox: Path, opened: Callable[..., FileSource]) -> None:
    path = drop(inbox, "HD03_1.csv", table([treatment(n) for n in range(5)]))
    source = opened()
    pages = source.pages(AFTER, 2)
    next(pages)
    pages.close()  # the store could not take the second page
    source.put_away()
    assert path.exists()
    assert refs(opened()) == [f"S{n:05d}" for n in range(5)]


def test_a_file_that_was_replaced_while_it_was_read_is_read_too(inbox: Path, opened: Callable[..., FileSource]) -> None:
    drop(inbox, "HD03_1.csv", table([treatment(1)]))
    source = opened()
    assert refs(source) == ["S00001"]
    drop(inbox, "HD03_1.csv", table([treatment(1), treatment(2)]))
    source.put_away()
    assert refs(source) == ["S00001", "S00002"]
    source.put_away()
    assert not list(inbox.glob("*.csv"))


def test_a_marker_says_that_a_file_is_complete(inbox: Path, opened: Callable[..., FileSource]) -> None:
    source = opened(("complete: rename", "complete: marker"))
    drop(inbox, "HD03_1.csv", table([treatment(1)]))
    assert refs(source) == []
    (inbox / "HD03_1.csv.ok").touch()
    assert refs(source) == ["S00001"]
    source.put_away()
    assert not list(inbox.glob("HD03*"))


def test_a_marker_that_a_crash_left_behind_says_nothing_of_the_next_file(inbox: Path, opened: Callable[..., FileSource]) -> None:
    """The next file of that name may be written half; half a whole file would look like deleting."""
    source = opened(("complete: rename", "complete: marker"))
    marker = inbox / "HD03_1.csv.ok"
    marker.touch()
    os.utime(marker, (1_700_000_000, 1_700_000_000))
    drop(inbox, "HD03_1.csv", table([treatment(1)]))
    assert refs(source) == []
    marker.touch()
    assert refs(source) == ["S00001"]


def test_the_marker_of_the_next_file_stays_when_the_last_one_is_put_away(
    inbox: Path, opened: Callable[..., FileSource], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = opened(("complete: rename", "complete: marker"))
    drop(inbox, "HD03_1.csv", table([treatment(1)]))
    marker = inbox / "HD03_1.csv.ok"
    marker.touch()
    os.utime(marker, (1_900_000_000, 1_900_000_000))
    assert refs(source) == ["S00001"]
    held = dropfolder._holds

    def meanwhile(path: Path, digest: str) -> bool:
        """The HIS writes the next one as soon as the last one is moved."""
        drop(inbox, "HD03_1.csv", table([treatment(2)]))
        marker.touch()
        return held(path, digest)

    monkeypatch.setattr(dropfolder, "_holds", meanwhile)
    source.put_away()
    assert refs(opened(("complete: rename", "complete: marker"))) == ["S00002"]


def test_a_file_that_still_grows_is_left_alone_until_it_is_still(inbox: Path, opened: Callable[..., FileSource]) -> None:
    source = opened(("complete: rename", "complete: still"))
    now = 0.0
    content = table([treatment(1), treatment(2)])
    path = inbox / "HD03_1.csv"
    path.write_bytes(content[:-200])

    def pause(seconds: float) -> None:
        nonlocal now
        now += seconds
        if path.stat().st_size < len(content):
            path.write_bytes(content)

    source.folder.arrivals.ticks, source.folder.arrivals.pause = lambda: now, pause
    assert refs(source) == []  # it grew while we waited
    assert refs(source) == ["S00001", "S00002"]
    assert now == 10


def test_whole_files_tell_what_is_gone_and_the_newest_one_counts(inbox: Path, opened: Callable[..., FileSource]) -> None:
    source = opened()
    drop(inbox, "HD03_1.csv", table([treatment(n) for n in range(6)]))
    assert len(refs(source)) == 6
    source.put_away()
    start, end = BEGAN - timedelta(days=1), BEGAN + timedelta(days=1)
    assert len([row for page in source.window(start, end, 4) for row in page.rows]) == 6
    drop(inbox, "HD03_2.csv", table([treatment(n) for n in (0, 1, 2, 4, 5)]))
    assert [row.ref for row in source.lookup(["S00003", "S00004"])] == ["S00004"]
    assert source.mark().rows == 5
    assert list(source.window(end, end + timedelta(days=1), 4)) == []


def test_of_several_files_of_changes_each_row_is_what_the_newest_says_when_all_is_read_again(
    inbox: Path, opened: Callable[..., FileSource]
) -> None:
    source = opened(("snapshot: whole", "snapshot: changes"))
    for number, machine in enumerate(("甲", "乙", "丙")):
        path = drop(inbox, f"HD03_{number}.csv", table([treatment(1, 机器号=machine), treatment(10 + number)]))
        os.utime(path, (1_700_000_000 + number, 1_700_000_000 + number))
        if number < 2:
            assert len(refs(source)) == 2
            source.put_away()
    rows = {row.ref: row.values["machine_no"] for page in source.pages(None, 9) for row in page.rows}
    assert rows["S00001"] == "丙"
    assert rows.keys() == {"S00001", "S00010", "S00011", "S00012"}
    assert not source.sweeps


LINES = ("    mapping: mapping/HD03.yaml\n", "    mapping: mapping/HD03.yaml\n    children: {drugs: {line_key: 用药序号}}\n")
DRUGS = (
    "absent:\n  drugs: 导出文件里没有用药",
    "children:\n  drugs:\n    fields: {drug_codg: {column: 药品编码}, dose: {column: 剂量}}\n",
)


def given(number: int, line: object, drug: str = "", **more: object) -> dict[str, object]:
    return treatment(number, 用药序号=line, 药品编码=drug, 剂量="1.5" if drug else "", **more)


def test_a_record_stands_once_for_each_of_its_lines(inbox: Path, opened: Callable[..., FileSource]) -> None:
    """As a query with a join exports it; ten comes after nine."""
    source = opened(LINES, mapping=DRUGS)
    drop(inbox, "HD03_1.csv", table([given(1, 10, "D10"), given(2, "", ""), given(1, 9, "D9"), given(3, 1, "D1")]))
    rows = {row.ref: row for page in source.pages(AFTER, 2) for row in page.rows}
    assert {ref: [line["drug_codg"] for line in row.values.get("drugs", [])] for ref, row in rows.items()} == {
        "S00001": ["D9", "D10"],
        "S00002": [],
        "S00003": ["D1"],
    }
    assert all(row.faults == () for row in rows.values())
    assert source.mark().rows == 3
    assert [row.ref for row in source.lookup(["S00001"])] == ["S00001"]


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([given(1, 1, "D1"), given(1, 2, "D2", 透后体重="60")], "第 2 行数据与前面的一行是同一条记录，而 透后体重 不同"),
        ([given(1, 1, "D1"), given(1, "")], "其中一行的 用药序号 为空"),
        ([given(1, ""), given(1, 1, "D1")], "其中一行的 用药序号 为空"),
        ([treatment(1)], "缺少列 剂量、用药序号、药品编码"),
    ],
)
def test_lines_that_say_something_else_of_their_record_are_refused_with_the_file(
    inbox: Path, opened: Callable[..., FileSource], rows: list[dict[str, object]], sentence: str
) -> None:
    source = opened(LINES, mapping=DRUGS)
    drop(inbox, "HD03_1.csv", table(rows))
    with pytest.raises(SourceQueryError, match=sentence):
        list(source.pages(AFTER, 2))


def test_a_line_that_stands_there_twice_is_its_records_fault(inbox: Path, opened: Callable[..., FileSource]) -> None:
    source = opened(LINES, mapping=DRUGS)
    drop(inbox, "HD03_1.csv", table([given(1, 1, "D1"), given(1, 1, "D1"), given(2, 1, "D1")]))
    rows = [row for page in source.pages(AFTER, 5) for row in page.rows]
    assert [[fault.rule for fault in row.faults] for row in rows] == [["line_key"], []]


@pytest.mark.parametrize("key", ["9" * 5000, "\u200b1"], ids=["no number there is", "a number with what nobody sees"])
def test_whatever_orders_the_lines_the_record_is_read(inbox: Path, opened: Callable[..., FileSource], key: str) -> None:
    source = opened(LINES, ("encoding: gbk", "encoding: gb18030"), mapping=DRUGS)
    drop(inbox, "HD03_1.csv", table([given(1, 2, "D2"), given(1, key, "D1")], "gb18030"))
    (row,) = (row for page in source.pages(AFTER, 5) for row in page.rows)
    found = [line["drug_codg"] for line in row.values["drugs"]]
    assert (sorted(found), row.faults) == (["D1", "D2"], ())
    assert len(key) > 2 or found == ["D1", "D2"]


def test_a_file_brings_the_lines_of_one_field(opened: Callable[..., FileSource]) -> None:
    with pytest.raises(SpecError, match="一份文件只能带一个子表"):
        opened((LINES[0], LINES[1].replace("}}", "}, more: {line_key: a}}")), mapping=DRUGS)


def test_excel_files_are_read_and_their_dates_are_dates(inbox: Path, opened: Callable[..., FileSource]) -> None:
    source = opened(("form: csv", "form: xlsx"), ("HD03_*.csv", "HD03_*.xlsx"))
    moments = {"上机时间": BEGAN.replace(tzinfo=None), "时长": 240, "透前体重": 65.5}
    dropped.workbook(inbox / "HD03_1.xlsx", [treatment(1, **moments)])
    (row,) = (row for page in source.pages(AFTER, 5) for row in page.rows)
    assert row.faults == ()
    assert row.values["begn_time"] == BEGAN


def test_old_excel_files_are_read_as_newer_ones_are(inbox: Path, opened: Callable[..., FileSource]) -> None:
    source = opened(("form: csv", "form: xls"), ("HD03_*.csv", "HD03_*.xls"))
    moment = BEGAN.replace(tzinfo=None)
    rows = [treatment(1, 上机时间=moment, 时长=240, 透前体重=65.5), treatment(2, 上机时间=moment, 时长=None, 透前体重=65)]
    drop(inbox, "HD03_1.xls", dropped.old_workbook(rows, {"上机时间": "yyyy/m/d h:mm"}))
    (row, other) = (row for page in source.pages(AFTER, 5) for row in page.rows)
    assert row.faults == ()
    assert (row.values["begn_time"], str(row.values["duration_min"]), row.values["dialyzer"]) == (
        BEGAN,
        "240",
        "聚砜膜透析器，1.4 平方",
    )
    assert [fault.field for fault in other.faults] == ["duration_min"]
    source.put_away()
    assert [path.suffix for path in source.folder.archive.iterdir()] == [".xls"]


def test_cells_of_an_old_workbook_are_what_they_are_in_a_newer_one() -> None:
    cells = {"int": 12, "long": 1.5e17, "part": 0.5, "yes": True, "day": date(2026, 1, 5), "clock": time(8, 30), "none": None}
    content = dropped.old_workbook([cells], {"day": "yyyy-mm-dd", "clock": "h:mm"})
    _, (_, found) = filexls.rows(content, Encoding.UTF8)
    assert found == [12, 1.5e17, 0.5, True, datetime(2026, 1, 5), time(8, 30), None]  # noqa: DTZ001
    assert [type(found[index]) for index in (0, 1, 3)] == [int, float, bool]


def test_a_short_row_of_an_old_workbook_is_filled_up_and_a_day_before_all_days_is_told() -> None:
    content = dropped.old_workbook([{"a": 1, "b": None, "c": None}, {"a": 2, "b": 3, "c": None}])
    assert [cells for _, cells in filexls.rows(content, Encoding.UTF8)] == [["a", "b", "c"], [1, None, None], [2, 3, None]]
    with pytest.raises(BadFileError, match="第 2 行有一格的日期不在日历里"):
        list(filexls.rows(dropped.old_workbook([{"a": -0.5}], {"a": "h:mm"}), Encoding.UTF8))


@pytest.mark.parametrize(
    ("charset", "codepage", "encoding", "boxed"),
    [
        ("gbk", None, "gbk", True),
        ("gbk", None, "gbk", False),
        ("gb18030", None, "gb18030", True),
        ("gbk", 936, "gbk", True),
        ("gbk", 936, "utf-8", True),
    ],
)
def test_a_workbook_of_before_1997_is_read_in_the_characters_that_it_or_the_manifest_names(
    charset: str, codepage: int | None, encoding: str, boxed: bool
) -> None:
    content = dropped.oldest_workbook([{"姓名": "肾内科", "数": 12}], charset, codepage, boxed=boxed)
    assert [list(cells) for _, cells in filexls.rows(content, Encoding(encoding))] == [["姓名", "数"], ["肾内科", 12]]


@pytest.mark.parametrize(
    ("charset", "codepage", "encoding", "sentence"),
    [
        ("gbk", None, "utf-8", "没有写明字符集：请在 manifest.yaml 写明 encoding"),
        ("gbk", None, "detect", "没有写明字符集：请在 manifest.yaml 写明 encoding"),
        ("big5", 950, "gbk", "文件写明的代码页是 950，适配包写的是 gbk"),
        ("gbk", 1252, "gbk", "文件写明的代码页是 1252，适配包写的是 gbk"),
        ("gbk", 1252, "utf-8", "文件写明的代码页是 1252，里面却像是 GBK 的中文"),
        ("gbk", 1252, "detect", "文件写明的代码页是 1252，里面却像是 GBK 的中文"),
        ("utf-8", None, "gbk", "有不是 gbk 的字节"),
        ("utf-8", 65001, "utf-8", "代码页程序不认识"),
    ],
)
def test_a_workbook_whose_characters_nobody_names_is_refused_not_guessed(
    charset: str, codepage: int | None, encoding: str, sentence: str
) -> None:
    with pytest.raises(BadFileError, match=sentence):
        list(filexls.rows(dropped.oldest_workbook([{"姓名": "透析室"}], charset, codepage), Encoding(encoding)))


def test_a_workbook_of_another_country_is_read_in_the_code_page_that_it_names() -> None:
    content = dropped.oldest_workbook([{"Größe": "Ménière", "N": 5}, {"Größe": "Crème", "N": 6}], "cp1252", 1252)
    found = [list(cells) for _, cells in filexls.rows(content, Encoding.UTF8)]
    assert found == [["Größe", "N"], ["Ménière", 5], ["Crème", 6]]


def test_letters_and_figures_alone_need_no_characters_named() -> None:
    content = dropped.oldest_workbook([{"ID": "S1", "N": 5}], "ascii", None)
    assert [list(cells) for _, cells in filexls.rows(content, Encoding.UTF8)] == [["ID", "N"], ["S1", 5]]


def test_the_library_for_old_workbooks_is_named_where_it_is_missing(
    opened: Callable[..., FileSource], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("adapters.dropped.filesplan.find_spec", lambda name: None)
    assert opened()
    with pytest.raises(ConfigError, match=r"没有安装读 旧格式的 Excel 文件（\.xls） 的程序库.*gateway,xls"):
        opened(("form: csv", "form: xls"), ("HD03_*.csv", "HD03_*.xls"))


def test_dbase_files_are_read_and_deleted_records_are_not_there(inbox: Path, opened: Callable[..., FileSource]) -> None:
    names = {"HD03_*.csv": "HD03_*.dbf", "form: csv": "form: dbf"}
    source = opened(*names.items())
    source.mapping = _dbase_mapping(source)
    source.entry = _entry_of(source)
    _dbase(inbox / "HD03_1.dbf", ["S1", "S2", "S3"], deleted="S2")
    rows = [row for page in source.pages(AFTER, 5) for row in page.rows]
    assert [row.ref for row in rows] == ["S1", "S3"]
    assert rows[0].values["dialyzer"] == "聚砜膜透析器"
    assert rows[0].values["patn_id"] == "A1"


def _dbase(path: Path, numbers: list[str], deleted: str = "") -> None:
    dropped.dbase(path, {"SESS": 20, "PATN": 20, "DIALYZER": 40}, [(n, f"A{n[1:]}", "聚砜膜透析器") for n in numbers], deleted)


def _dbase_mapping(source: FileSource):  # type: ignore[no-untyped-def]
    from dataclasses import replace

    from adapters.fieldrule import FieldRule
    from adapters.origins import Column

    columns = {"sess_id": "SESS", "patn_id": "PATN", "dialyzer": "DIALYZER"}
    rules = {name: FieldRule(source.mapping.dataset.field(name), Column(column)) for name, column in columns.items()}
    return replace(source.mapping, fields=rules, states=())


def _entry_of(source: FileSource):  # type: ignore[no-untyped-def]
    from dataclasses import replace

    return replace(source.entry, row_ref=("SESS",), entered_at="", changed_at="")


def bomb() -> bytes:
    """An .xlsx that says it unpacks to more than the machine has."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        block = bytes(1 << 20)
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
            for _ in range(520):
                part.write(block)
    return packed.getvalue()


BAD = [
    pytest.param("HD03_1.csv", table([treatment(1)])[:-60], (), "没有写完", id="half written"),
    pytest.param("HD03_1.csv", table([treatment(1)], "utf-8"), (), "文件是 UTF-8，不是适配包写的 gbk", id="another charset"),
    pytest.param("HD03_1.csv", b"\xff" + table([treatment(1)]), (), "不是 gbk 的字节", id="a byte that is no character"),
    pytest.param(
        "HD03_1.csv",
        table([treatment(n) for n in range(9)], "utf-8")[:-1].replace("肝".encode(), "肝".encode()[:2], 1),
        (("encoding: gbk", "encoding: detect"),),
        "像是 UTF-8，但有损坏",
        id="damaged UTF-8 is not read as GBK",
    ),
    pytest.param("HD03_1.csv", table([treatment(1, 透析器="锟斤拷")]), (), "被替换掉的字", id="mojibake of the export"),
    pytest.param("HD03_1.csv", table([treatment(1, 机器号="M\0")]), (), "NUL", id="a NUL"),
    pytest.param("HD03_1.csv", table([treatment(1)]).replace("治疗号".encode("gbk"), b"zlh"), (), "缺少列 治疗号", id="no column"),
    pytest.param(
        "HD03_1.csv", table([treatment(1), treatment(1)]), (), "第 2 行数据的 治疗号 与前面的一行相同", id="a doubled row"
    ),
    pytest.param("HD03_1.csv", table([treatment(1, 治疗号=" ")]), (), "为空，认不出是哪一行", id="a row without its key"),
    pytest.param("HD03_1.csv", b"", (), "文件是空的", id="empty"),
    pytest.param("HD03_1.csv", table([treatment(1, 机器号='M"')]).replace(b'""', b'"x'), (), "引号不成对", id="an open quote"),
    pytest.param("HD03_1.xlsx", bomb(), (("form: csv", "form: xlsx"), ("HD03_*.csv", "HD03_*.xlsx")), "解压后过大", id="zip bomb"),
    pytest.param(
        "HD03_1.xlsx", b"PK", (("form: csv", "form: xlsx"), ("HD03_*.csv", "HD03_*.xlsx")), "不是 Excel 工作簿", id="no xlsx"
    ),
    *(
        pytest.param("HD03_1.xls", content, (("form: csv", "form: xls"), ("HD03_*.csv", "HD03_*.xls")), sentence, id=name)
        for name, content, sentence in (
            ("a page called xls", b"<html><table></table></html>", "只是名字叫 .xls 的"),
            ("an xlsx called xls", b"PK\x03\x04" + bytes(60), "只是名字叫 .xls 的"),
            ("half an xls", dropped.old_workbook([treatment(n) for n in range(40)])[:3000], "不是旧格式的 Excel 工作簿"),
            (
                "a formula that came to nothing",
                dropped.old_workbook([treatment(1, 机器号="#DIV/0!")]),
                "第 2 行有一格是 Excel 的错误值 #DIV/0!",
            ),
        )
    ),
    pytest.param(
        "HD03_1.dbf", b"\x03" * 90, (("form: csv", "form: dbf"), ("HD03_*.csv", "HD03_*.dbf")), "不是 dBase 文件", id="no dbf"
    ),
    pytest.param(
        "HD03_1.dbf",
        dropped.dbase_bytes({"SESS": 20}, [("S1",), ("S2",)])[:-30],
        (("form: csv", "form: dbf"), ("HD03_*.csv", "HD03_*.dbf")),
        "文件没有写完",
        id="half a dbf",
    ),
]


@pytest.mark.parametrize(("name", "content", "changes", "sentence"), BAD)
def test_a_file_that_is_no_good_sends_nothing_and_says_why_beside_it(
    inbox: Path,
    opened: Callable[..., FileSource],
    name: str,
    content: bytes,
    changes: tuple[tuple[str, str], ...],
    sentence: str,
) -> None:
    source = opened(*changes)
    drop(inbox, name, content)
    pages = []
    with pytest.raises(SourceQueryError, match=sentence):
        pages.extend(source.pages(AFTER, 2))
    assert pages == []
    source.put_away()
    assert not (inbox / name).exists()
    moved = {path.suffix: path for path in source.folder.bad.iterdir()}
    assert moved[Path(name).suffix].read_bytes() == content
    assert sentence in moved[".txt"].read_text(encoding="utf-8-sig")


def test_a_good_file_beside_a_bad_one_is_taken_in(inbox: Path, opened: Callable[..., FileSource]) -> None:
    source = opened(("snapshot: whole", "snapshot: changes"))
    drop(inbox, "HD03_1.csv", b"")
    drop(inbox, "HD03_2.csv", table([treatment(2)]))
    found = []
    with pytest.raises(SourceQueryError, match=r"HD03_1\.csv：文件是空的"):
        found.extend(row.ref for page in source.pages(AFTER, 2) for row in page.rows)
    assert found == ["S00002"]
    source.put_away()
    assert refs(source) == []


def test_a_whole_file_that_comes_after_a_newer_one_is_told_and_not_read(inbox: Path, opened: Callable[..., FileSource]) -> None:
    source = opened()
    os.utime(drop(inbox, "HD03_2.csv", table([treatment(1), treatment(2)])), (2_000_000, 2_000_000))
    assert refs(source) == ["S00001", "S00002"]
    source.put_away()
    os.utime(drop(inbox, "HD03_1.csv", table([treatment(1)])), (1_000_000, 1_000_000))
    with pytest.raises(SourceQueryError, match=r"HD03_1\.csv 写于 1970-01-12 .*旧，没有读入.*请移出投放文件夹"):
        refs(source)
    source.put_away()
    assert source.mark().rows == 2
    assert (inbox / "HD03_1.csv").exists()


def test_a_wrong_value_is_its_rows_fault_only(inbox: Path, opened: Callable[..., FileSource]) -> None:
    drop(inbox, "HD03_1.csv", table([treatment(1, 时长="四小时"), treatment(2)]))
    rows = [row for page in opened().pages(AFTER, 5) for row in page.rows]
    assert [[fault.field for fault in row.faults] for row in rows] == [["duration_min"], []]


def test_the_archive_is_kept_for_its_days_and_the_newest_file_for_ever(inbox: Path, opened: Callable[..., FileSource]) -> None:
    source = opened()
    for number, day in enumerate((1, 2, 90)):
        source.folder.clock = lambda day=day: datetime(2026, 1, 1, tzinfo=SHANGHAI) + timedelta(days=day)  # type: ignore[misc]
        drop(inbox, f"HD03_{number}.csv", table([treatment(number)]))
        refs(source)
        source.put_away()
    assert [each.path.name[-10:] for each in source.folder.archived()] == ["HD03_2.csv"]


def test_a_clock_that_was_set_back_does_not_make_an_older_file_the_newest(inbox: Path, opened: Callable[..., FileSource]) -> None:
    """A sweep would take last week's whole file for what there is, and withdraw what came since."""
    for number, day in enumerate((9, 2)):
        source = opened()  # a restarted program
        source.folder.clock = lambda day=day: datetime(2026, 1, day, tzinfo=SHANGHAI)  # type: ignore[misc]
        drop(inbox, f"HD03_{number}.csv", table([treatment(number)]))
        refs(source)
        source.put_away()
    assert [each.path.name[-10:] for each in opened().folder.archived()] == ["HD03_1.csv", "HD03_0.csv"]


def test_a_name_as_long_as_a_file_system_takes_is_put_away_all_the_same(inbox: Path, opened: Callable[..., FileSource]) -> None:
    path = drop(inbox, f"HD03_{'透' * 80}.csv", table([treatment(1)]))
    source = opened()
    assert refs(source) == ["S00001"]
    source.put_away()
    assert not path.exists()
    (kept,) = source.folder.archived()
    assert kept.path.name.endswith("透.csv")


def test_a_link_is_not_followed_and_is_told(inbox: Path, tmp_path: Path, opened: Callable[..., FileSource]) -> None:
    """What it leads to may be any file of this machine, and may change after it was put away."""
    (tmp_path / "elsewhere.csv").write_bytes(table([treatment(1)]))
    (inbox / "HD03_1.csv").symlink_to(Path("..") / "elsewhere.csv")
    source = opened()
    with pytest.raises(SourceQueryError, match=r"HD03_1\.csv：是指向别处的链接"):
        refs(source)
    source.put_away()
    assert (tmp_path / "elsewhere.csv").exists()
    with pytest.raises(SourceQueryError, match="链接"):  # it stays until a person takes it away: elsewhere it leads nowhere
        refs(opened())


def test_a_folder_that_is_not_there_is_told(opened: Callable[..., FileSource], inbox: Path) -> None:
    inbox.rmdir()
    with pytest.raises(SourceError, match="打不开：没有这个文件或文件夹"):
        refs(opened())


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("complete: rename", "complete: soon", "只能是 rename、still、marker"),
        ("row_ref: [治疗号]", "row_ref: []", "认出一行"),
        ('files: "HD03_*.csv"', 'files: "../HD03_*.csv"', "只写文件名"),
        ("[yyyy/M/d H:mm:ss]", "[y/M/d]", "不认识 y"),
        ('delimiter: ","', 'delimiter: "||"', "应为一个字符"),
    ],
)
def test_a_wrong_manifest_names_file_and_key(opened: Callable[..., FileSource], old: str, new: str, sentence: str) -> None:
    with pytest.raises(SpecError, match=sentence):
        opened((old, new))


def test_a_profile_of_files_wants_an_inbox() -> None:
    with pytest.raises(ConfigError, match="数据源 导出：适配包读的是投放的文件，请写 inbox"):
        profile.open_sources(profile.load(dropped.FOLDER), Site("导出", None, "H1"), loader.reference())
