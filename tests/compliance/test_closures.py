"""休业: days that excuse silence, and limits that leave them out, whenever they are entered."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from support.bureau import INSTITUTION
from support.watched import Watched, counting_days

from compliance import closing, closuresheet
from compliance.closing import Closure
from compliance.errors import ComplianceError
from compliance.store.closures import StoredClosures
from compliance.store.database import Database
from compliance.store.tables import closure as table
from compliance.store.tables import record
from schemas.model import Edition
from schemas.wire import SHANGHAI

MONDAY = datetime(2026, 11, 9, 8, 0, tzinfo=SHANGHAI)
NOW = MONDAY + timedelta(hours=6)


def closure(first: str, last: str | None = "", weekdays: tuple[int, ...] = (), institution: str = INSTITUTION) -> Closure:
    end = first if last == "" else last
    return Closure(
        institution, date.fromisoformat(first), date.fromisoformat(end) if end else None, frozenset(weekdays), "装修", "test", NOW
    )


@pytest.fixture
def region(edition: Edition) -> Edition:
    return counting_days(edition)


@pytest.fixture
def watched(region: Edition, store: Database) -> Watched:
    return Watched(region, store)


@pytest.fixture
def closures(region: Edition, store: Database) -> StoredClosures:
    return StoredClosures(store, region)


def dues(store: Database) -> list[str]:
    with store.read() as connection:
        found = connection.execute(select(record.c.due_at).where(record.c.dataset == "HD03").order_by(record.c.key))
        return [f"{due:%m-%d %H:%M}" for due in found.scalars()]


def test_a_working_saturday_counts_and_a_holiday_does_not(watched: Watched, store: Database) -> None:
    """2026-10-01 to 10-07 are holidays; Saturday 10-10 is worked in exchange."""
    for day in ("2026-09-30", "2026-10-08", "2026-10-09", "2026-10-10"):
        watched.sessions(datetime.fromisoformat(f"{day}T09:00:00+08:00"), NOW)
    assert dues(store) == ["10-09 00:00", "10-10 00:00", "10-11 00:00", "10-13 00:00"]


def test_a_closure_that_is_known_moves_the_limit_of_what_comes(watched: Watched, closures: StoredClosures, store: Database) -> None:
    assert closures.add([closure("2026-11-10", "2026-11-11")]) == 0
    watched.sessions(MONDAY, NOW)
    assert dues(store) == ["11-13 00:00"]


def test_a_closure_entered_afterwards_judges_again_what_came_before(
    watched: Watched, closures: StoredClosures, store: Database
) -> None:
    watched.sessions(MONDAY, MONDAY + timedelta(days=3))  # Thursday: late without the closure
    assert dues(store) == ["11-11 00:00"]
    late = MONDAY + timedelta(days=4)
    assert (watched.cell(late, MONDAY.date()).late, watched.cell(late, MONDAY.date()).on_time) == (1, 0)
    assert closures.add([closure("2026-11-10", "2026-11-11")]) == 1
    assert dues(store) == ["11-13 00:00"]
    assert (watched.cell(late, MONDAY.date()).late, watched.cell(late, MONDAY.date()).on_time) == (0, 1)
    (known,) = closures.all()
    assert closures.remove(known.id, "test", NOW)[1] == 1
    assert dues(store) == ["11-11 00:00"]


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_figures_do_not_depend_on_what_came_first(order: tuple[int, ...], watched: Watched, store: Database) -> None:
    closures = StoredClosures(store, watched.edition)
    steps = (
        lambda: watched.sessions(MONDAY, NOW) and watched.sessions(MONDAY + timedelta(days=4), NOW),
        lambda: closures.add([closure("2026-11-10")]),
        lambda: closures.add([closure("2026-11-01", None, (5, 6, 0))]),
    )
    for number in order:
        steps[number]()
    assert dues(store) == ["11-12 00:00", "11-18 00:00"]


def test_the_closed_days_of_one_institution_move_nothing_of_another(
    watched: Watched, closures: StoredClosures, store: Database
) -> None:
    watched.sessions(MONDAY, NOW)
    assert closures.add([closure("2026-11-10", "2026-11-11", institution="H00000000002")]) == 0
    assert dues(store) == ["11-11 00:00"]


def test_an_edition_that_does_not_count_them_moves_no_limit(edition: Edition, store: Database) -> None:
    watched = Watched(edition, store)
    watched.sessions(MONDAY, NOW)
    assert StoredClosures(store, edition).add([closure("2026-11-10", "2026-11-11")]) == 0
    assert dues(store) == ["11-11 00:00"]


def test_records_of_another_edition_keep_the_limit_they_had(watched: Watched, store: Database, region: Edition) -> None:
    watched.sessions(MONDAY, NOW)
    assert StoredClosures(store, replace(region, version="2099.1")).add([closure("2026-11-10")]) == 0
    assert dues(store) == ["11-11 00:00"]


def test_what_is_removed_stays_as_history(closures: StoredClosures, store: Database) -> None:
    closures.add([closure("2026-11-10")])
    (known,) = closures.all(INSTITUTION)
    closures.remove(known.id, "李四", NOW)
    assert closures.all() == ()
    with store.read() as connection:
        (row,) = connection.execute(select(table)).all()
    assert (row.removed_by, row.removed_at, row.reason) == ("李四", NOW, "装修")
    with pytest.raises(ComplianceError, match="没有编号为"):
        closures.remove(known.id, "李四", NOW)


def test_all_are_entered_or_none(closures: StoredClosures) -> None:
    closures.add([closure("2026-11-10")])
    with pytest.raises(ComplianceError, match="已经录入过"):
        closures.add([closure("2026-12-01", institution="H00000000002"), closure("2026-11-10")])
    assert len(closures.all()) == 1


@pytest.mark.parametrize(
    "endless", [closure("2026-01-01", "2027-06-01"), closure("2026-01-01", None, tuple(range(7)))], ids=["a span", "every weekday"]
)
def test_nobody_is_closed_for_ever(closures: StoredClosures, endless: Closure) -> None:
    with pytest.raises(ComplianceError, match="连续休业超过 366 天"):
        closures.add([endless])
    assert closures.all() == ()


def test_days_are_told_as_a_person_says_them() -> None:
    told = [each.days for each in (closure("2026-11-10"), closure("2026-11-10", "2026-11-12"), closure("2026-11-01", None, (5, 6)))]
    assert told == ["2026-11-10", "2026-11-10 至 2026-11-12", "2026-11-01 起，每周六、周日"]


def test_a_file_of_closed_days_is_taken_whole_or_told_row_by_row(tmp_path: Path) -> None:
    path = tmp_path / "休业.csv"
    heading = "机构编码,开始日期,结束日期,每周,原因\n"
    path.write_text(
        f"{heading}{INSTITUTION},2026-10-01,2026/10/07,,国庆\n{INSTITUTION},2026-01-01,,周六、周日,周末不营业\n", "utf-8"
    )
    first, weekly = closuresheet.read(path, "张三", NOW)
    assert (first.days, first.reason, first.entered_by) == ("2026-10-01 至 2026-10-07", "国庆", "张三")
    assert closing.calendar([weekly])(date(2026, 11, 14))
    assert not closing.calendar([weekly])(date(2026, 11, 13))
    rows = f"{INSTITUTION},国庆,2026-10-07,,国庆\nh1,2026-10-07,2026-10-01,,\n{INSTITUTION},2026-10-01,,星期八,x\n"
    path.write_text(heading + rows, "utf-8")
    with pytest.raises(ComplianceError) as caught:
        closuresheet.read(path, "张三", NOW)
    told = str(caught.value).splitlines()
    assert told[0] == "休业日未导入，共 3 处问题："
    assert "第 2 行：开始日期 国庆 不是日期" in told[1]
    assert "机构编码" in told[2]
    assert "星期八 不是星期几" in told[3]
    path.write_text("机构编码,开始日期\n", "utf-8")
    with pytest.raises(ComplianceError, match="缺少列 结束日期、原因"):
        closuresheet.read(path, "张三", NOW)
