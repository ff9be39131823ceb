"""The sheets of the board: one mark a state, totals that are formulas, nothing unknown shown as zero."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet
from support.watched import Watched

from compliance.days import DayState
from compliance.store import database
from compliance.workbook import board as workbook
from compliance.workbook.daily import MARKS
from schemas.model import Edition
from schemas.wire import SHANGHAI

EIGHT = datetime(2026, 11, 24, 8, 0, tzinfo=SHANGHAI)
HOUR = timedelta(hours=1)


@pytest.fixture
def path(edition: Edition, tmp_path: Path) -> Path:
    """Three days of one institution: silent, matched, overdue; and four hours of heartbeats."""
    store = database.connect(f"sqlite:///{tmp_path / 'bureau.db'}")
    store.create()
    watched = Watched(edition, store)
    first, second = watched.sessions(EIGHT, EIGHT), watched.sessions(EIGHT + 24 * HOUR, EIGHT + 24 * HOUR)
    watched.state(EIGHT.date(), EIGHT + 24 * HOUR, first)
    watched.state(EIGHT.date() + timedelta(days=1), EIGHT + 48 * HOUR, second, queued=1)
    watched.beats(EIGHT + 24 * HOUR, EIGHT + 28 * HOUR)
    watched.declare(EIGHT + 30 * HOUR, EIGHT + 29 * HOUR, affected=[{"dataset": "HD02"}])
    report = watched.board(EIGHT + 72 * HOUR, EIGHT.date() + timedelta(days=1), length=3)
    store.close()
    workbook.write(report, tmp_path / "board.xlsx")
    return tmp_path / "board.xlsx"


def row_with(sheet: Worksheet, *words: str) -> list[object]:
    (found,) = (list(row) for row in sheet.iter_rows(values_only=True) if set(words) <= set(row))
    return found


def test_every_state_has_a_mark_of_its_own() -> None:
    assert set(MARKS) == set(DayState)
    assert len(set(MARKS.values())) == len(DayState)
    assert {len(mark) for mark in MARKS.values()} == {1}


def test_the_days_stand_beside_each_other_and_their_sums_are_formulas(path: Path) -> None:
    sheet = load_workbook(path, data_only=True)["逐日报送"]
    assert row_with(sheet, "HD03")[5:15] == ["静", "√", "逾", 1, 1, 3, 2, 0, 1, pytest.approx(2 / 3)]
    assert row_with(sheet, "HD02")[5:10] == ["静", "申", "申", 0, "无"]  # of the 24th it was due while the outage lasted
    formulas = load_workbook(path)["逐日报送"]
    assert str(row_with(formulas, "合计")[10]).startswith("=SUM(K5:K")
    assert row_with(sheet, "合计")[10] == 3


def test_the_connection_says_what_is_known_and_leaves_open_what_is_not(path: Path) -> None:
    sheet = load_workbook(path, data_only=True)["连接与心跳"]
    line = row_with(sheet, "测试甲医院")
    assert line[3:8] == ["静默", (EIGHT + 28 * HOUR).replace(tzinfo=None), 49, 960, 250], "one data set was declared"
    assert line[8] == pytest.approx(250 / 960)
    assert line[9:12] == [710, 0, 0]
    assert line[12] is None  # nothing waits, so there is no oldest


def test_who_declared_what_is_told_with_both_times(path: Path) -> None:
    sheet = load_workbook(path, data_only=True)["申明与休业"]
    line = row_with(sheet, "申明")
    assert line[5:7] == ["HD02", "2026-11-25 13:00 至 尚未恢复（最多算 7 天）"]
    assert line[8] == line[9] == (EIGHT + 30 * HOUR).replace(tzinfo=None)
