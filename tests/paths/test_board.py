"""The board through both deployables, by the commands that a clerk types: heartbeats, declarations, closed days, the workbook."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner, Result
from support import district as district_of
from support.district import bureau

from compliance import boardview, connection, serving
from compliance.days import DayCell, DayState
from compliance.main import cli as compliance
from compliance.store import database
from compliance.store.beats import StoredBeats
from demo.premises import Premises
from gateway import beating
from gateway import config as configuration
from gateway.main import cli as gateway
from gateway.main import now
from gateway.wiring import opened

HOSPITAL, PHARMACY = "H99000100001", "P99000100001"
DAY = timedelta(days=1)


@pytest.fixture
def district(tmp_path: Path) -> Premises:
    return district_of.lived(tmp_path / "district", days=2)


def beat(district: Premises, code: str = HOSPITAL) -> None:
    """The job of `gateway serve`, once."""
    with opened(configuration.load(district.gateways[code]), now) as working:
        (job,) = beating.jobs(working, lambda: False)
        job.do()


def run(district: Premises, *words: str, code: int = 0) -> Result:
    settings = str(district.folder / "bureau" / "compliance.yaml")
    result = CliRunner().invoke(compliance, ["--config", settings, *words])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    assert result.exit_code == code, result.output
    return result


def line_of(result: Result, *words: str) -> str:
    (line,) = (line for line in result.output.splitlines() if all(word in line for word in words))
    return line


def test_a_heartbeat_of_the_gateway_makes_its_institution_connected_and_is_no_data(district: Premises, tmp_path: Path) -> None:
    with bureau(district):
        before = run(district, "board", code=1)
        assert "从未连接" in line_of(before, HOSPITAL, "心跳")
        beat(district)
        beat(district)
    after = run(district, "board", "--institution", HOSPITAL, code=1)
    assert re.search(r"在线　.+（H99000100001）　最近心跳 .+前）", line_of(after, HOSPITAL, "心跳"))
    store = database.connect(f"sqlite:///{district.folder / 'bureau' / 'compliance.db'}")
    heard = StoredBeats(store).heard(HOSPITAL, now().date(), now())
    store.close()
    assert heard.here is not None
    assert heard.newest is not None
    assert (heard.here.beats, heard.newest.gateway_version) == (2, "0.1.0")
    assert abs(connection.offset_ms(heard.newest)) < 5000
    out = tmp_path / "out.xlsx"
    run(district, "export", "coverage", "--out", str(out))
    book = openpyxl.load_workbook(out)
    assert book.sheetnames == ["覆盖情况", "数据上传情况", "连接与心跳", "逐日报送", "申明与休业"]
    assert not any("OP02" in map(str, row) for row in book["数据上传情况"].iter_rows(values_only=True))
    assert any(HOSPITAL in row and "在线" in row for row in book["连接与心跳"].iter_rows(values_only=True))


def test_rows_a_declaration_and_a_closed_day_show_on_the_day_they_concern(district: Premises, tmp_path: Path) -> None:
    """The demo's days are the 2nd and 3rd of November: their limits are long over."""
    day, after = "2026-11-02", "2026-11-05"
    declared = ["declare", "outage", "--from", f"{after} 00:00", "--to", f"{after} 23:00", "--reason", "机房停电"]
    with bureau(district):
        for words in (["run", "--once"], declared, ["run", "--once"]):
            done = CliRunner().invoke(gateway, ["--config", str(district.gateways[HOSPITAL]), *words])
            assert done.exit_code in {0, 1}, done.output
    shown = run(district, "board", "--date", day, "--institution", HOSPITAL, code=1)
    assert "迟报" in line_of(shown, "HD03")
    late = run(district, "board", "--date", after, "--institution", HOSPITAL, code=1)
    assert "申明过晚" in line_of(late, "HD03")
    assert "静默" in line_of(run(district, "board", "--date", "2026-11-06", "--institution", HOSPITAL, code=1), "HD03")
    added = run(
        district, "closure", "add", HOSPITAL, "--from", "2026-11-06", "--to", "2026-11-07", "--reason", "设备检修", "--by", "张三"
    )
    assert "2026-11-06 至 2026-11-07休业，设备检修" in added.output
    assert "休业" in line_of(run(district, "board", "--date", "2026-11-06", "--institution", HOSPITAL, code=1), "HD03")
    assert "张三 录入于" in run(district, "closure", "list").output
    out = tmp_path / "看板.xlsx"
    run(district, "board", "--date", "2026-11-07", "--out", str(out), code=1)
    book = openpyxl.load_workbook(out)
    assert book.sheetnames == ["连接与心跳", "逐日报送", "申明与休业"]
    rows = [row for row in book["逐日报送"].iter_rows(values_only=True) if HOSPITAL in row and "HD03" in row]
    assert [each for each in rows[0] if each in {"迟", "晚", "休", "静"}][-6:] == ["迟", "迟", "静", "晚", "休", "休"]
    kinds = [row[3] for row in book["申明与休业"].iter_rows(values_only=True) if HOSPITAL in row]
    assert kinds == ["休业", "申明"]
    number = run(district, "closure", "list").output.partition("　")[0]
    assert "已撤销" in run(district, "closure", "remove", number).output
    assert "没有录入休业日" in run(district, "closure", "list").output


def cell(district: Premises, day: date, dataset: str = "HD03") -> DayCell:
    """One day of the hospital's, as of now."""
    store = database.connect(district.bureau.store)
    report = serving.board(district.bureau, store, boardview.asked(day, now(), 1), HOSPITAL)
    store.close()
    return next(row.last for row in report.rows if row.dataset == dataset)


def test_the_manifest_of_the_gateway_is_what_the_bureau_holds_until_something_is_lost_there(district: Premises) -> None:
    day = date(2026, 11, 2)
    with bureau(district):
        for words in (["run", "--once"], ["manifest", "--date", f"{day}"], ["run", "--once"]):
            CliRunner().invoke(gateway, ["--config", str(district.gateways[HOSPITAL]), *words])
    found = cell(district, day)
    assert found.live
    assert (found.stated, found.equal, found.on_time) == (found.live, True, 0)
    idle = cell(district, date(2026, 11, 20))
    assert idle.state is DayState.SILENT, "nobody stated a zero of that day"
    with closing(sqlite3.connect(district.folder / "bureau" / "compliance.db")) as connected:
        one = "SELECT key FROM record WHERE dataset = 'HD03' AND occurred_at LIKE '2026-11-02%' LIMIT 1"
        connected.execute(f"DELETE FROM record WHERE dataset = 'HD03' AND key = ({one})")
        connected.commit()
    lost = cell(district, day)
    assert (lost.state, lost.equal, lost.missing) == (DayState.DIFFERING, False, found.missing + 1)


def test_a_zero_of_the_gateway_is_a_zero_at_the_bureau(district: Premises) -> None:
    day = date(2026, 11, 20)
    with bureau(district):
        for words in (["run", "--once"], ["manifest", "--date", f"{day}"], ["run", "--once"]):
            CliRunner().invoke(gateway, ["--config", str(district.gateways[HOSPITAL]), *words])
    assert (cell(district, day).state, cell(district, day).stated) == (DayState.ZERO, 0)


def test_a_list_of_closed_days_is_imported_and_mistakes_are_told(district: Premises, tmp_path: Path) -> None:
    path = tmp_path / "休业.csv"
    path.write_text(f"机构编码,开始日期,结束日期,原因\n{HOSPITAL},2026-10-01,2026-10-07,国庆\n", encoding="utf-8")
    assert "已导入休业日 1 条" in run(district, "closure", "import", str(path)).output
    assert "已经录入过" in run(district, "closure", "import", str(path), code=1).output
    wrong = run(district, "closure", "add", HOSPITAL, "--from", "2026-12-01", "--weekday", "星期八", "--reason", "x", code=1)
    assert "星期八 不是星期几" in wrong.output
    assert "没有写到哪天为止" in run(district, "closure", "add", HOSPITAL, "--from", "2026-12-01", "--reason", "x", code=1).output
    assert "没有编码为 H0 的机构" in run(district, "board", "--institution", "H0", code=1).output


def test_old_heartbeats_are_tidied_and_the_board_says_the_same(district: Premises, monkeypatch: pytest.MonkeyPatch) -> None:
    with bureau(district):
        beat(district)
    assert "已压缩心跳 0 条" in run(district, "tidy").output
    later = now() + 9 * DAY
    monkeypatch.setattr(serving, "now", lambda: later)
    today = (later - 9 * DAY).date().isoformat()

    def shown() -> str:
        return line_of(run(district, "board", "--date", today, "--institution", HOSPITAL, code=1), HOSPITAL, "心跳")

    before = shown()
    assert before.startswith("  静默")
    assert "已压缩心跳 0 条" in run(district, "tidy").output  # the newest one stays
    assert shown() == before
    assert datetime.fromisoformat(today)
