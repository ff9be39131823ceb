"""Head file and line file: read together or not at all, never with the wrong partner, put away as one; whoever waits is told."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from support import dropped, pairs
from support.dropped import AFTER, BEGAN, refs, table
from support.pairs import drop, given, item, pair, prescription, source, treatment

from adapters import profile
from adapters.dropped import setaside
from adapters.dropped.files import FileSource
from adapters.site import Site
from gateway.errors import SourceError, SourceQueryError
from gateway.judging import Judge
from gateway.model import AsideState, RowState, SourceRow
from schemas import loader
from schemas.errors import SpecError
from schemas.wire import SHANGHAI

WROTE = datetime.fromtimestamp(1_700_000_000, SHANGHAI)


def rows(found: FileSource, after: Any = AFTER) -> dict[str, SourceRow]:
    return {row.ref: row for page in found.pages(after, 2) for row in page.rows}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))


def soon(found: FileSource) -> FileSource:
    """Asked two minutes after the files were written."""
    return at(found, timedelta(minutes=2))


def at(found: FileSource, later: timedelta) -> FileSource:
    found.folder.clock = found._clock = lambda: WROTE + later
    return found


@pytest.fixture
def edited(tmp_path: Path) -> Callable[..., Path]:
    """The template with its manifest changed as told."""

    def make(*changes: tuple[str, str]) -> Path:
        folder = tmp_path / f"pairs-{abs(hash(changes))}"
        shutil.copytree(pairs.FOLDER, folder)
        text = (folder / "manifest.yaml").read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        (folder / "manifest.yaml").write_text(text, encoding="utf-8")
        return folder

    return make


def test_lines_of_the_other_file_stand_under_their_record(inbox: Path) -> None:
    drop(inbox, "HD03_01.csv", [treatment(1), treatment(2), treatment(3)], 0)
    drop(inbox, "HD03_yy_01.csv", [given(3, 10, "D10"), given(1, 1, "D1"), given(3, 9, "D9")], 1)
    found = source(inbox)
    read = rows(found)
    assert {ref: [line["drug_codg"] for line in row.values.get("drugs", [])] for ref, row in read.items()} == {
        "S00001": ["D1"],
        "S00002": [],
        "S00003": ["D9", "D10"],
    }
    assert all(row.faults == () for row in read.values())
    found.put_away()
    assert names(inbox / "archive") == ["HD03_01.csv", "HD03_yy_01.csv"]
    assert not list(inbox.glob("*.csv"))
    assert refs(found) == []
    assert found.mark().rows == 3
    assert [line["drug_codg"] for line in found.lookup(["S00003"])[0].values["drugs"]] == ["D9", "D10"]


def test_each_line_has_its_head_beside_it(inbox: Path) -> None:
    drop(inbox, "RX01_01.csv", [prescription(1), prescription(2, 状态="作废")], 0)
    drop(inbox, "RX01_mx_01.csv", [item(1, 1), item(1, 2), item(2, 1)], 1)
    read = rows(source(inbox, "RX01"))
    assert [read[ref].state for ref in ("R00001|1", "R00001|2", "R00002|1")] == [RowState.READY, RowState.READY, RowState.VOID]
    judged = Judge(loader.reference(), "RX01", "test").judge(read["R00001|2"], BEGAN)
    assert judged.reasons == ()
    assert (judged.content["patn_id"], judged.content["line_no"], judged.content["dr_codg"]) == ("A00001", "2", "D990000000001")


@pytest.mark.parametrize(
    ("dataset", "ref", "column"), [("HD03", "S00002", "治疗号"), ("RX01", "R00002|1", "处方号")], ids=["lines", "heads"]
)
def test_a_row_whose_head_is_missing_is_set_aside_with_that_reason_alone(inbox: Path, dataset: str, ref: str, column: str) -> None:
    drop(inbox, "HD03_01.csv", [treatment(1)], 0)
    drop(inbox, "HD03_yy_01.csv", [given(1, 1), given(2, 1), given(2, 2)], 1)
    drop(inbox, "RX01_01.csv", [prescription(1)], 0)
    drop(inbox, "RX01_mx_01.csv", [item(1, 1), item(2, 1)], 1)
    found = source(inbox, dataset)
    read = rows(found)
    judge = Judge(loader.reference(), dataset, "test")
    lost = judge.judge(read[ref], BEGAN)
    assert lost.aside is AsideState.QUARANTINED
    assert [(reason.field, reason.rule) for reason in lost.reasons] == [("row_ref", "lost_head")]
    assert lost.reasons[0].message == f"主表文件里没有这一行的主表行（按 {column} 找）"
    (other,) = (row for each, row in read.items() if each != ref)
    assert judge.judge(other, BEGAN).aside is None
    assert found.folder.archive not in [each.path.parent for each in found.folder.waiting()]
    found.put_away()
    assert not list(inbox.glob(f"{dataset}*"))


def test_a_row_without_its_head_is_no_row_of_the_site_but_is_not_gone_either(inbox: Path) -> None:
    """What was reported of it must not be withdrawn; and a head file that was cut short is told by its few rows."""
    drop(inbox, "HD03_01.csv", [treatment(1)], 0)
    drop(inbox, "HD03_yy_01.csv", [given(1, 1), given(2, 1)], 1)
    found = source(inbox)
    assert found.mark().rows == 1
    assert [row.ref for row in found.lookup(["S00002", "S00003"])] == ["S00002"]


def test_a_head_waits_for_its_lines_and_a_person_is_told_in_time(inbox: Path) -> None:
    drop(inbox, "HD03_01.csv", [treatment(1)], 0)
    assert refs(soon(source(inbox))) == []
    found = at(source(inbox), timedelta(minutes=90))
    with pytest.raises(SourceQueryError, match=r"HD03_01\.csv 在等与它成对的 HD03_yy_01\.csv：还没有来.*已等 90 分钟"):
        refs(found)
    found.put_away()
    assert (inbox / "HD03_01.csv").exists()
    drop(inbox, "HD03_yy_01.csv", [given(1, 1)], 1)
    assert refs(found) == ["S00001"]


def test_lines_that_come_first_wait_too(inbox: Path) -> None:
    drop(inbox, "HD03_yy_01.csv", [given(1, 1)], 0)
    found = at(source(inbox), timedelta(hours=3))
    with pytest.raises(SourceQueryError, match=r"HD03_yy_01\.csv 在等与它成对的 HD03_01\.csv.*已等 3 小时"):
        refs(found)


def test_two_pairs_are_never_crossed(inbox: Path) -> None:
    pair(inbox, "01", [1], 0, "甲")
    pair(inbox, "02", [1, 2], 10, "乙")
    read = rows(source(inbox))
    assert {ref: row.values["drugs"][0]["drug_codg"] for ref, row in read.items()} == {"S00001": "乙", "S00002": "乙"}


def test_a_new_head_is_not_read_with_the_lines_of_the_export_before(inbox: Path) -> None:
    """A name that is used again: which one is written last says that the other half is still to come."""
    pair(inbox, "01", [1], 0, "甲")
    drop(inbox, "HD03_01.csv", [treatment(1), treatment(2)], 100)
    found = at(source(inbox), timedelta(hours=3))
    with pytest.raises(SourceQueryError, match=r"HD03_01\.csv 在等 HD03_yy_01\.csv：现有的那一份比它旧"):
        refs(found)
    drop(inbox, "HD03_yy_01.csv", [given(1, 1, "乙"), given(2, 1, "乙")], 101)
    read = rows(found)
    assert {row.values["drugs"][0]["drug_codg"] for row in read.values()} == {"乙"}


def test_nothing_is_withdrawn_while_one_half_is_of_the_next_export(inbox: Path) -> None:
    """The power may have gone between intake and archive: then what the overwritten half said is nowhere but in the store."""
    pair(inbox, "01", [1, 2], 0)
    found = soon(source(inbox))
    refs(found)
    found.put_away()
    pair(inbox, "01", [1, 2, 3], 50)
    drop(inbox, "HD03_01.csv", [treatment(1)], 100)
    with pytest.raises(SourceQueryError, match="凑齐之前不核对有没有删除"):
        list(found.window(BEGAN, BEGAN + timedelta(hours=1), 5))
    drop(inbox, "HD03_yy_01.csv", [given(1, 1)], 101)
    assert [row.ref for page in found.window(BEGAN, BEGAN + timedelta(hours=1), 5) for row in page.rows] == ["S00001"]


def test_how_long_a_file_waits_is_no_reason_to_read_everything_again(inbox: Path, edited: Callable[..., Path]) -> None:
    as_it_is = source(inbox).digest
    assert source(inbox, folder=edited(("wait_minutes: 60", "wait_minutes: 90"))).digest == as_it_is
    assert source(inbox, folder=edited(("parent: [治疗号]", "parent: [治疗编号]"))).digest != as_it_is


def test_where_the_head_is_written_last_new_lines_wait_for_it(inbox: Path, edited: Callable[..., Path]) -> None:
    folder = edited(("last: lines", "last: head"))
    drop(inbox, "HD03_yy_01.csv", [given(1, 1, "甲")], 0)
    drop(inbox, "HD03_01.csv", [treatment(1)], 1)
    assert refs(source(inbox, folder=folder)) == ["S00001"]
    drop(inbox, "HD03_yy_01.csv", [given(1, 1, "乙")], 100)
    assert refs(soon(source(inbox, folder=folder))) == []
    drop(inbox, "HD03_01.csv", [treatment(1)], 101)
    assert refs(source(inbox, folder=folder)) == ["S00001"]


def test_files_that_have_no_row_in_common_are_no_pair(inbox: Path) -> None:
    drop(inbox, "HD03_01.csv", [treatment(1), treatment(2)], 0)
    drop(inbox, "HD03_yy_01.csv", [given(8, 1), given(9, 1)], 1)
    found = source(inbox)
    with pytest.raises(SourceQueryError, match="子表没有一行在主表文件里找得到"):
        refs(found)
    found.put_away()
    assert names(inbox / "bad") == ["HD03_01.csv", "HD03_yy_01.csv", "原因.txt"]


SPOILT = [
    pytest.param(lambda head, lines: (head, lines[:-9]), r"HD03_yy_01\.csv 里：.*没有写完", id="half the lines"),
    pytest.param(lambda head, lines: (head[:-60], lines), r"HD03_01\.csv 里：.*没有写完", id="half the heads"),
    pytest.param(lambda head, lines: (head, lines.replace("剂量".encode("gbk"), b"jl")), "缺少列 剂量（子表文件", id="a column"),
    pytest.param(
        lambda head, lines: (head, table([given(1, 1, 治疗号="")])),
        "第 1 行数据的 治疗号 为空，认不出是哪一行",
        id="whose line it is",
    ),
    pytest.param(lambda head, lines: (head, table([given(1, "")])), "子表文件第 1 行数据的 用药序号 为空", id="the lines' order"),
    pytest.param(lambda head, lines: (table([treatment(1), treatment(1)]), lines), "与前面的一行相同", id="a doubled head"),
]


@pytest.mark.parametrize(("spoil", "sentence"), SPOILT)
def test_a_spoilt_half_takes_both_aside_with_one_reason(
    inbox: Path, spoil: Callable[[bytes, bytes], tuple[bytes, bytes]], sentence: str
) -> None:
    head, lines = spoil(table([treatment(1), treatment(2)]), table([given(1, 1), given(2, 1)]))
    for name, content in (("HD03_01.csv", head), ("HD03_yy_01.csv", lines)):
        dropped.drop(inbox, name, content)
    found = source(inbox)
    read: list[str] = []
    with pytest.raises(SourceQueryError, match=sentence):
        read.extend(row.ref for page in found.pages(AFTER, 2) for row in page.rows)
    assert read == []
    found.put_away()
    (parcel,) = (inbox / "bad" / "HD03").iterdir()
    assert (parcel / "HD03_01.csv").read_bytes() == head
    assert (parcel / "HD03_yy_01.csv").read_bytes() == lines
    told = (parcel / "原因.txt").read_text(encoding="utf-8-sig")
    assert "HD03_01.csv 和 HD03_yy_01.csv 没有读入，一行也没有报送" in told
    assert "名字合 HD03_yy_*.csv 的那一份最后再存一遍" in told
    assert not list(inbox.glob("*.csv"))
    assert refs(found) == []


def test_whoever_mends_the_half_that_must_not_be_newer_is_told_to_save_the_other_one(inbox: Path) -> None:
    drop(inbox, "HD03_01.csv", [treatment(1)], 5)
    lines = drop(inbox, "HD03_yy_01.csv", [given(1, 1)], 1)
    found = soon(source(inbox))
    assert refs(found) == []
    assert "（确是同一次导出的，把 HD03_yy_01.csv 重新存一遍）" in "".join(found.held_back())
    lines.touch()
    assert refs(found) == ["S00001"]


def test_a_spoilt_pair_is_told_with_its_names_and_what_to_do(inbox: Path) -> None:
    drop(inbox, "HD03_01.csv", [treatment(1)], 0)
    drop(inbox, "HD03_yy_01.csv", [given(1, "")], 1)
    with pytest.raises(
        SourceQueryError, match=r"HD03_01\.csv 和 HD03_yy_01\.csv：子表文件第 1 行数据的 .*。改好放回，或请厂商重新导出"
    ):
        rows(source(inbox))


@pytest.mark.parametrize(
    ("number", "words"),
    [(errno.ENOSPC, "磁盘已满"), (errno.EROFS, "只读"), (errno.EIO, "磁盘或系统出错")],
    ids=["full", "read-only", "other"],
)
def test_what_keeps_a_file_from_being_put_away_is_told(
    inbox: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    pair(inbox, "01", [1], 0)
    found = source(inbox)
    assert refs(found) == ["S00001"]

    def refuse(*_: object) -> bool:
        raise OSError(number, "refused")

    monkeypatch.setattr(setaside, "put", refuse)
    with pytest.raises(SourceError, match=f"HD03_01.csv 移不到 .*{words}.*内容已读入，移走之前每次会重读"):
        found.put_away()
    assert len(list(inbox.glob("*.csv"))) == 2


def test_a_doubled_head_of_lines_is_refused(inbox: Path) -> None:
    drop(inbox, "RX01_01.csv", [prescription(1), prescription(1)], 0)
    drop(inbox, "RX01_mx_01.csv", [item(1, 1)], 1)
    with pytest.raises(SourceQueryError, match="主表文件第 2 行数据的 处方号 与前面的一行相同"):
        refs(source(inbox, "RX01"))


def test_a_file_that_is_replaced_while_the_pair_is_read_is_not_read_with_the_other(
    inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from adapters.dropped import filetable

    pair(inbox, "01", [1], 0, "甲")
    found = soon(source(inbox))
    read = filetable.read

    def meanwhile(path: Path, content: bytes, layout: Any) -> Any:
        if "yy" in path.name:  # the HIS begins its next export after we have the head
            drop(inbox, "HD03_01.csv", [treatment(1), treatment(2)], 50)
        return read(path, content, layout)

    with monkeypatch.context() as patched:
        patched.setattr(filetable, "read", meanwhile)
        assert refs(found) == []
    found.put_away()
    drop(inbox, "HD03_yy_01.csv", [given(1, 1, "乙"), given(2, 1, "乙")], 51)
    assert {row.values["drugs"][0]["drug_codg"] for row in rows(found).values()} == {"乙"}


def test_what_was_replaced_after_it_was_read_is_read_too_and_the_archive_has_what_was_taken_in(inbox: Path) -> None:
    pair(inbox, "01", [1], 0, "甲")
    found = source(inbox)
    assert refs(found) == ["S00001"]
    pair(inbox, "01", [1, 2], 100, "乙")
    found.put_away()
    assert sorted(path.name for path in inbox.glob("*.csv")) == ["HD03_01.csv", "HD03_yy_01.csv"]
    (kept,) = found.folder.archived()
    assert kept.path.read_bytes() == table([treatment(1)])
    assert refs(found) == ["S00001", "S00002"]
    found.put_away()
    assert not list(inbox.glob("*.csv"))


def test_changes_wait_for_the_pair_before_them(inbox: Path) -> None:
    """The lines of the first come late: what the second says of a row is newer, and must be read after it."""
    drop(inbox, "RX01_01.csv", [prescription(1)], 0)
    drop(inbox, "RX01_02.csv", [prescription(1, 状态="作废")], 10)
    drop(inbox, "RX01_mx_02.csv", [item(1, 1)], 11)
    found = soon(source(inbox, "RX01"))
    assert refs(found) == []
    late = at(source(inbox, "RX01"), timedelta(hours=2))
    with pytest.raises(SourceQueryError, match=r"后来的文件也在等它：RX01_01\.csv 在等与它成对的 RX01_mx_01\.csv"):
        refs(late)
    drop(inbox, "RX01_mx_01.csv", [item(1, 1)], 30)
    states = [row.state for page in found.pages(AFTER, 9) for row in page.rows]
    assert states == [RowState.READY, RowState.VOID]


def test_of_whole_pairs_the_newest_counts_and_what_still_waits_before_it_is_put_aside(inbox: Path) -> None:
    drop(inbox, "HD03_01.csv", [treatment(1)], 0)
    pair(inbox, "02", [1, 2], 10)
    drop(inbox, "HD03_03.csv", [treatment(9)], 20)
    found = soon(source(inbox))
    assert refs(found) == ["S00001", "S00002"]
    found.put_away()
    assert names(inbox / "bad") == ["HD03_01.csv", "原因.txt"]
    assert [path.name for path in inbox.glob("*.csv")] == ["HD03_03.csv"]
    assert [row.ref for page in found.window(BEGAN, BEGAN + timedelta(hours=1), 5) for row in page.rows] == ["S00001", "S00002"]


def test_a_whole_pair_that_comes_after_a_newer_one_does_not_bring_back_what_that_has_changed(inbox: Path) -> None:
    pair(inbox, "02", [1, 2], 100, "新")
    found = soon(source(inbox))
    assert refs(found) == ["S00001", "S00002"]
    found.put_away()
    pair(inbox, "01", [1], 0, "旧")
    for again in (found, soon(source(inbox))):
        with pytest.raises(
            SourceQueryError,
            match=r"HD03_01\.csv 和 HD03_yy_01\.csv 写于 2023-11-15 06:13:20，比已经读入的一份（写于 2023-11-15 06:15:00）旧",
        ):
            rows(again)
        again.put_away()
        assert [row.values["drugs"][0]["drug_codg"] for row in again.lookup(["S00001"])] == ["新"]
        assert again.mark().rows == 2
    pair(inbox, "03", [1, 2, 3], 200, "更新")
    read: dict[str, SourceRow] = {}
    with pytest.raises(SourceQueryError, match="没有读入，免得把新的改回去"):
        read.update((row.ref, row) for page in found.pages(AFTER, 5) for row in page.rows)
    assert sorted(read) == ["S00001", "S00002", "S00003"], "what is newer is read all the same"
    found.put_away()
    assert names(inbox) and sorted(path.name for path in inbox.glob("*.csv")) == ["HD03_01.csv", "HD03_yy_01.csv"]
    for path in inbox.glob("*.csv"):
        path.unlink()
    assert refs(found) == []


def test_of_late_changes_only_that_is_taken_of_which_nothing_newer_was_read(inbox: Path) -> None:
    def prescribed(part: str, second: float, numbers: list[int], unit: str) -> None:
        drop(inbox, f"RX01_{part}.csv", [prescription(number) for number in numbers], second)
        drop(inbox, f"RX01_mx_{part}.csv", [item(number, 1, 单位=unit) for number in numbers], second + 1)

    prescribed("02", 100, [1, 2], "新")
    found = soon(source(inbox, "RX01"))
    assert refs(found) == ["R00001|1", "R00002|1"]
    found.put_away()
    prescribed("01", 0, [2, 3], "旧")
    late = rows(found)
    assert {ref: row.values["cnt_unit"] for ref, row in late.items()} == {"R00003|1": "旧"}
    beginning = {"R00001|1": "新", "R00002|1": "新", "R00003|1": "旧"}
    assert {ref: row.values["cnt_unit"] for ref, row in rows(found, None).items()} == beginning, "before it was put away"
    found.put_away()
    assert not list(inbox.glob("*.csv"))
    assert {ref: row.values["cnt_unit"] for ref, row in rows(found, None).items()} == beginning, "and after"


def test_the_same_export_dropped_once_more_is_read_once_more(inbox: Path) -> None:
    pair(inbox, "01", [1], 0)
    found = soon(source(inbox))
    assert refs(found) == ["S00001"]
    found.put_away()
    pair(inbox, "01", [1], 0)
    assert refs(found) == ["S00001"]


def test_from_the_start_each_row_is_what_the_newest_pair_says(inbox: Path) -> None:
    for number, drug in enumerate("甲乙丙"):
        drop(inbox, f"RX01_{number}.csv", [prescription(1), prescription(10 + number)], number * 10)
        drop(inbox, f"RX01_mx_{number}.csv", [item(1, 1, 药品名称=drug), item(10 + number, 1)], number * 10 + 1)
        if number < 2:
            found = source(inbox, "RX01")
            assert len(refs(found)) == 2
            found.put_away()
    read = rows(source(inbox, "RX01"), None)
    assert read["R00001|1"].values["med_list_name"] == "丙"
    assert len(read) == 4


def test_the_marker_stands_beside_the_one_that_is_written_last(inbox: Path, edited: Callable[..., Path]) -> None:
    folder = edited(("complete: rename", "complete: marker"))
    pair(inbox, "01", [1], 0)
    found = soon(source(inbox, folder=folder))
    assert refs(found) == []
    (inbox / "HD03_01.csv.ok").touch()
    assert refs(found) == []
    (inbox / "HD03_yy_01.csv.ok").touch()
    assert refs(found) == ["S00001"]
    found.put_away()
    assert not [path for path in inbox.iterdir() if path.is_file()]


def test_a_pair_of_which_one_half_still_grows_is_left_alone(inbox: Path, edited: Callable[..., Path]) -> None:
    found = soon(source(inbox, folder=edited(("complete: rename", "complete: still"))))
    pair(inbox, "01", [1], 0)
    now = 0.0

    def pause(seconds: float) -> None:
        nonlocal now
        now += seconds
        if now < 6:
            drop(inbox, "HD03_yy_01.csv", [given(1, 1), given(1, 2)], 2)

    found.folder.arrivals.ticks, found.folder.arrivals.pause = lambda: now, pause
    assert refs(found) == []
    assert refs(found) == ["S00001"]


def on(day: int) -> Callable[[], datetime]:
    return lambda: datetime(2026, 1, 1, tzinfo=SHANGHAI) + timedelta(days=day)


def test_old_pairs_are_deleted_after_their_days_and_the_newest_stays(inbox: Path) -> None:
    for number, day in enumerate((1, 2, 90)):
        found = source(inbox)
        found.folder.clock = on(day)
        pair(inbox, f"0{number}", [number], number * 10)
        refs(found)
        found.put_away()
    assert names(inbox / "archive") == ["HD03_02.csv", "HD03_yy_02.csv"]


def test_a_site_that_exported_one_file_before_keeps_its_archive_in_order(inbox: Path) -> None:
    """And the other way round: what stands there of the other kind is neither read nor in the way, and is deleted in its time."""
    pair(inbox, "01", [1], 0)
    found = source(inbox)
    refs(found)
    found.put_away()
    place = found.folder.archive / "20200101T000000.000000-000001-0123456789ab-HD03_0.csv"
    place.write_bytes(table([treatment(5)]))
    assert [each.path.name for each in found.folder.archived()] == ["HD03_01.csv"]
    found.folder.prune()
    assert not place.exists()
    single = profile.open_sources(
        profile.load(dropped.FOLDER), Site("导出", None, "H1", inbox=inbox, datasets=("HD03",)), loader.reference()
    )[0]
    assert isinstance(single, FileSource)
    assert list(single.folder.archived()) == []
    assert single.mark().rows is None
    for look in (lambda: list(single.window(BEGAN, BEGAN + timedelta(hours=1), 5)), lambda: single.lookup(["S00001"])):
        with pytest.raises(SourceQueryError, match="只有照以前的适配包存档的文件，新的一份到了才能核对"):
            look()


def test_a_link_is_not_followed(inbox: Path, tmp_path: Path) -> None:
    dropped.drop(inbox, "HD03_01.csv", table([treatment(1)]))
    (tmp_path / "elsewhere.csv").write_bytes(table([given(1, 1)]))
    (inbox / "HD03_yy_01.csv").symlink_to(tmp_path / "elsewhere.csv")
    found = source(inbox)
    with pytest.raises(SourceQueryError, match=r"HD03_yy_01\.csv 里：是指向别处的链接"):
        refs(found)
    found.put_away()
    assert (tmp_path / "elsewhere.csv").exists()
    assert names(inbox / "bad") == []


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("        last: lines", "        last: soon", "只能是 head、lines 之一"),
        ("        last: lines             # 两份", "        # 两份", "缺少必填的键"),
        ("parent: [治疗号]", "parent: [治疗号, 序号]", "次序与 row_ref 相同"),
        ("key: [处方号]", "key: []", "key 写主表文件里认出一行的列"),
        ("# by: [处方编号]", "by: [处方编号, 序号]", "一样多"),
        ('"HD03_yy_*.csv"', '"HD03_yy.csv"', "各写一个"),
        ('"HD03_yy_*.csv"', '"HD03_yy_?.csv"', "各写一个"),
        ('"HD03_yy_*.csv"', '"*_yy.csv"', "分不清是哪一份"),
        ('"HD03_yy_*.csv"', '"HD03_*.csv"', "分不清是哪一份"),
        ("    head:\n", "    children: {a: {line_key: b, file: c, parent: [d, e], last: head}}\n    head:\n", "只写一个"),
        ("wait_minutes: 60        #", "wait_minutes: 0        #", "应不小于 1"),
    ],
)
def test_a_wrong_manifest_names_file_and_key(inbox: Path, edited: Callable[..., Path], old: str, new: str, sentence: str) -> None:
    with pytest.raises(SpecError, match=sentence):
        profile.load(edited((old, new)))


@pytest.fixture
def sharing(tmp_path: Path) -> Path:
    """A profile in which the heads of the treatments are heads of the prescriptions too."""
    return pairs.sharing(tmp_path / "sharing")


def both(inbox: Path, folder: Path) -> tuple[FileSource, FileSource]:
    """Both data sets of one source."""
    found = pairs.sources(inbox, folder)
    return soon(found["HD03"]), soon(found["RX01"])


@pytest.mark.parametrize("turn", [0, 1])
def test_a_file_that_two_data_sets_read_stays_until_both_have_put_it_away(inbox: Path, sharing: Path, turn: int) -> None:
    pair(inbox, "01", [1, 2], 0)
    drop(inbox, "RX01_mx_01.csv", [item(1, 1), item(2, 1)], 2)
    sources = both(inbox, sharing)
    first, second = sources[turn], sources[1 - turn]
    assert len(refs(first)) == 2
    first.put_away()
    assert (inbox / "HD03_01.csv").exists()
    assert refs(first) == []
    assert len(refs(second)) == 2
    second.put_away()
    assert not list(inbox.glob("*.csv"))
    first.put_away()
    assert names(inbox / "archive") == ["HD03_01.csv", "HD03_01.csv", "HD03_yy_01.csv", "RX01_mx_01.csv"]
    assert not list((inbox / "archive").rglob("*.leaving"))


def test_one_of_two_readers_may_wait_or_refuse_without_holding_up_the_other(inbox: Path, sharing: Path) -> None:
    pair(inbox, "01", [1], 0)
    treatments, prescriptions = both(inbox, sharing)
    refs(treatments)
    treatments.put_away()
    assert refs(prescriptions) == []  # its own half is still to come
    pair(inbox, "02", [1, 2], 10)
    assert refs(treatments) == ["S00001", "S00002"]
    treatments.put_away()
    assert sorted(path.name for path in inbox.glob("*.csv")) == ["HD03_01.csv", "HD03_02.csv"]
    drop(inbox, "RX01_mx_01.csv", [item(1, 1, 序号="")], 20)
    drop(inbox, "RX01_mx_02.csv", [item(1, 1)], 21)
    with pytest.raises(SourceQueryError, match="为空"):
        refs(prescriptions)
    prescriptions.put_away()
    treatments.put_away()
    assert not list(inbox.glob("*.csv"))
    assert names(inbox / "bad") == ["HD03_01.csv", "RX01_mx_01.csv", "原因.txt"]


def test_what_another_data_set_has_still_to_read_does_not_become_new_again_when_its_days_are_over(
    inbox: Path, sharing: Path
) -> None:
    treatments, _ = both(inbox, sharing)
    for number in range(3):
        pair(inbox, f"0{number}", [number], number * 10)
        refs(treatments)
        treatments.put_away()
    treatments.folder.keep_days = -100_000
    treatments.folder.prune()
    assert len(list(inbox.glob("*.csv"))) == 3
    assert refs(treatments) == []


def test_where_the_site_reads_one_of_two_data_sets_the_other_is_not_waited_for(inbox: Path, sharing: Path) -> None:
    pair(inbox, "01", [1], 0)
    found = source(inbox, folder=sharing)
    refs(found)
    found.put_away()
    assert not list(inbox.glob("*.csv"))


def test_the_marker_stays_as_long_as_the_file(inbox: Path, tmp_path: Path) -> None:
    """Two data sets of single files; the second would never see it complete without."""
    folder = shutil.copytree(dropped.FOLDER, tmp_path / "singles")
    manifest = folder / "manifest.yaml"
    text = manifest.read_text(encoding="utf-8").replace("complete: rename", "complete: marker").replace("RX01_*.xlsx", "HD03_*.csv")
    text = text.replace("form: xlsx", "form: csv\n    encoding: gbk").replace("row_ref: [处方号, 序号]", "row_ref: [治疗号]")
    manifest.write_text(text, encoding="utf-8")
    mapping = (folder / "mapping" / "RX01.yaml").read_text(encoding="utf-8")
    columns = {
        "处方号": "治疗号",
        "序号": "透析号",
        "药品名称": "透析器",
        "院内编码": "机器号",
        "数量": "时长",
        "单位": "抗凝剂",
        "状态": "作废",
    }
    columns |= {
        "状态": "作废",
        "开方时间": "录入时间",
        "有效期": "录入时间",
        "医师代码": "护士代码",
        "科室代码": "机器号",
        "诊断编码": "机器号",
    }
    for old, new in columns.items():
        mapping = mapping.replace(f"column: {old}", f"column: {new}")
    (folder / "mapping" / "RX01.yaml").write_text(mapping, encoding="utf-8")
    drop(inbox, "HD03_1.csv", [treatment(1)], 0)
    (inbox / "HD03_1.csv.ok").touch()
    for number, found in enumerate(both(inbox, folder)):
        assert refs(found) == ["S00001"]
        found.put_away()
        assert (inbox / "HD03_1.csv.ok").exists() is (number == 0)
    assert not [path for path in inbox.iterdir() if path.is_file()]
    assert [row.ref for row in both(inbox, folder)[0].lookup(["S00001"])] == ["S00001"]


def test_dbase_files_with_fixed_names_and_memos_go_together(inbox: Path, edited: Callable[..., Path]) -> None:
    """As programs of the nineties export: the same two names every day."""
    from dataclasses import replace

    from adapters.fieldrule import FieldRule, FieldRules
    from adapters.origins import Column

    changes = (('"HD03_*.csv"', '"ZL.DBF"'), ('"HD03_yy_*.csv"', '"ZLYY.DBF"'), ("form: csv", "form: dbf"), ("RX01_mx_*", "RX_*"))
    found = source(inbox, folder=edited(*changes))
    rules = {name: FieldRule(found.mapping.dataset.field(name), Column(column)) for name, column in (("sess_id", "ID"),)}
    drugs = found.mapping.children["drugs"]
    code = next(spec for spec in drugs.spec.fields if spec.name == "drug_codg")
    lines = replace(drugs, fields=FieldRules({"drug_codg": FieldRule(code, Column("DRUG"))}, {}))
    found.mapping = replace(found.mapping, fields=rules, states=(), children={"drugs": lines})
    assert found.entry.partner
    partner = replace(found.entry.partner, key=("HEAD",), by=("ID",))
    found.entry = replace(found.entry, row_ref=("ID",), entered_at="", changed_at="", children={"drugs": "NR"}, partner=partner)
    dropped.dbase(inbox / "ZL.DBF", {"ID": 10}, [("S1",), ("S2",)])
    (inbox / "ZL.FPT").write_bytes(b"memo")
    dropped.dbase(inbox / "ZLYY.DBF", {"HEAD": 10, "NR": 4, "DRUG": 20}, [("S1", "1", "D1"), ("S2", "1", "D2")])
    read = rows(found)
    assert {ref: row.values["drugs"][0]["drug_codg"] for ref, row in read.items()} == {"S1": "D1", "S2": "D2"}
    found.put_away()
    assert names(inbox / "archive") == ["ZL.DBF", "ZL.FPT", "ZLYY.DBF"]
    assert not [path for path in inbox.iterdir() if path.is_file()]
    assert [row.ref for row in found.lookup(["S2"])] == ["S2"]


def test_a_parcel_that_nobody_of_ours_put_there_is_no_parcel(tmp_path: Path) -> None:
    (tmp_path / "somebody's").mkdir()
    assert setaside.members(tmp_path / "somebody's") == []
