"""A region that counts working days, and an institution that is closed: what a record is due by, and what a person is told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from support.databases import KEY
from support.delivery import INSTITUTION, START, Clock, Rows, prescription

from gateway import config as configuration
from gateway import deadlines
from gateway.config import Tiers
from gateway.deadlines import NEVER, Closure
from gateway.intake import accept
from gateway.judging import Judge
from gateway.lookback import Bounds
from gateway.model import Mark
from gateway.store import Store, open_store
from gateway.tiers import Reader
from gateway.voiding import Guards
from schemas import overlay
from schemas.errors import SpecError
from schemas.model import Edition
from schemas.wire import SHANGHAI
from schemas.writer import write

OVERLAY = """
code: "mine"
version: "1"
name: 我的地区
base: reference
source: {doc: 测试文本, ref: 全文, confidence: O}
cadences:
  work: {label: D+1个工作日, days: 1, skip: [rest_days, closed_days]}
datasets:
  "RX01": {cadence: work}
"""
BEFORE_HOLIDAY = datetime(2026, 9, 30, 15, 0, tzinfo=SHANGHAI)


class Watched(Rows):
    """A source whose database can be told from another."""

    sweeps = False

    def mark(self) -> Mark:
        return Mark("site")


@pytest.fixture
def region(tmp_path: Path) -> Edition:
    path = tmp_path / "mine.yaml"
    path.write_text(OVERLAY, encoding="utf-8")
    return overlay.load(path)


@pytest.fixture
def store(tmp_path: Path, region: Edition) -> Iterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path / 'gateway.db'}", region, START, KEY)
    yield opened
    opened.close()


def first_due(store: Store, edition: Edition, closures: dict[str, Closure]) -> datetime:
    judge = Judge(edition, "RX01", store.rid, closures)
    accept(Rows([prescription(1, rx_time=BEFORE_HOLIDAY)]), judge, store, targets=("bureau",), clock=Clock())
    oldest = store.queue("bureau").oldest_due
    assert oldest
    return oldest


def test_a_record_from_before_the_national_day_is_due_after_it_where_working_days_are_counted(
    store: Store, region: Edition
) -> None:
    assert first_due(store, region, {}) == datetime(2026, 10, 9, tzinfo=SHANGHAI)


def test_a_day_the_institution_is_closed_is_not_counted_where_the_cadence_says_so(store: Store, region: Edition) -> None:
    closed = Closure(days=frozenset({date(2026, 10, 8)}))
    assert first_due(store, region, {INSTITUTION: closed}) == datetime(2026, 10, 10, tzinfo=SHANGHAI)


def test_whoever_reads_for_the_gateway_knows_the_closed_days(store: Store, region: Edition) -> None:
    closed = {INSTITUTION: Closure(days=frozenset({date(2026, 10, 8)}))}
    tiers = Tiers(timedelta(), 300, 2, 45, Bounds(timedelta(days=3), timedelta(days=31)), Guards())
    source = Watched([prescription(1, rx_time=BEFORE_HOLIDAY)])
    Reader(cast("Any", source), region, store, ("bureau",), 100, tiers, Clock(), closures=closed).hot()
    assert store.queue("bureau").oldest_due == datetime(2026, 10, 10, tzinfo=SHANGHAI)


def test_the_closed_days_of_one_institution_are_not_those_of_another(store: Store, region: Edition) -> None:
    closed = Closure(days=frozenset({date(2026, 10, 8)}))
    assert first_due(store, region, {"H99000100002": closed}) == datetime(2026, 10, 9, tzinfo=SHANGHAI)


def test_the_overlay_survives_being_written_as_an_edition_of_its_own(tmp_path: Path, region: Edition) -> None:
    write(region, tmp_path / "whole")
    assert overlay.load(tmp_path / "whole").cadences == region.cadences


def test_a_year_nobody_knows_and_a_closed_day_are_told(edition: Edition, region: Edition) -> None:
    ahead = datetime(2100, 1, 4, 9, 0, tzinfo=SHANGHAI)
    (told,) = deadlines.remarks(region, {}, ahead)
    assert "2100 年" in told
    assert deadlines.remarks(edition, {}, ahead) == []  # the reference edition counts no working days
    closures = {INSTITUTION: Closure(weekdays=frozenset({0})), "H99000100002": NEVER}
    assert deadlines.remarks(edition, closures, ahead) == [f"机构 {INSTITUTION} 今天休业（按配置 institutions 的 closed）"]
    assert deadlines.remarks(edition, closures, datetime(2100, 1, 5, 9, 0, tzinfo=SHANGHAI)) == []


def _configured(tmp_path: Path, closed: str) -> Path:
    (tmp_path / "token").write_text("synthetic\n", encoding="utf-8")
    path = tmp_path / "config.yaml"
    path.write_text(
        f"""
store: {{url: "sqlite:///gateway.db"}}
institutions:
  - {{code: "{INSTITUTION}", name: 测试医院, admvs: "990001", closed: {closed}}}
targets:
  bureau:
    url: "https://10.0.0.1:8600/api/upload"
    credentials: {{"{INSTITUTION}": {{paasid: "x", token: {{file: token}}}}}}
sources:
  - {{name: his, profile: his/demo_his, url: "sqlite:///his.db", institution: "{INSTITUTION}"}}
""",
        encoding="utf-8",
    )
    return path


def test_closed_days_are_dates_and_days_of_the_week(tmp_path: Path) -> None:
    config = configuration.load(_configured(tmp_path, '["2026-10-08", "周日"]'))
    closed = config.institutions[INSTITUTION].closed
    assert [closed(date(2026, 10, day)) for day in (8, 9, 11)] == [True, False, True]


@pytest.mark.parametrize(
    ("closed", "told"),
    [
        ('["2026-02-30"]', "应为加引号的日期或周几"),
        ('["星期天"]', "应为加引号的日期或周几"),
        ('["周一", "周二", "周三", "周四", "周五", "周六", "周日"]', "不能天天休业"),
    ],
)
def test_a_closed_day_that_is_none_is_told_with_its_key(tmp_path: Path, closed: str, told: str) -> None:
    with pytest.raises(SpecError, match=rf"institutions\[0\].closed：{told}"):
        configuration.load(_configured(tmp_path, closed))
