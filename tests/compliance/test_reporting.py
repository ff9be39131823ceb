"""Coverage and timeliness from roster and records, on both databases."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from support.bureau import INSTITUTION, START, Maker

from compliance import reporting
from compliance.coverage import Cell, CellState, CoverageReport, UploadLine
from compliance.model import Institution
from compliance.receiving import Receiver
from compliance.store.archive import StoredArchive
from compliance.store.database import Database
from compliance.store.roll import StoredRoll
from compliance.store.standing import StoredStanding
from schemas import wire
from schemas.model import Edition

LATER = START + timedelta(days=60)
STRANGER = "P00000000009"


class Bureau:
    """A bureau with a small roster, told by the test what comes in."""

    def __init__(self, edition: Edition, store: Database) -> None:
        self._edition, self._store = edition, store
        self._receiver = Receiver(edition, StoredArchive(store))
        with StoredRoll(store).writing() as page:
            page.put(
                [
                    Institution(1, "测试甲医院", INSTITUTION, False, ("血透", "门诊")),
                    Institution(2, "测试乙医院", "H00000000002", True, ("血透",)),
                    Institution(3, "测试丙医院", "", False, ("康复理疗",)),
                ]
            )

    def receive(self, maker: Maker, records: list[dict[str, Any]], now: datetime, code: str = "HD03") -> None:
        self._receiver.receive((maker.institution,), maker.message(records, code, now), "reference", now)

    def report(self, as_of: datetime = LATER) -> CoverageReport:
        return reporting.coverage(
            self._edition,
            StoredRoll(self._store),
            StoredStanding(self._store),
            credentialed={INSTITUTION, STRANGER},
            district="测试市",
            as_of=as_of,
        )

    def cell(self, row: int, scene: str) -> Cell:
        return next(cell for cell in self.report().institutions[row].cells if cell.scene == scene)

    def line(self, code: str = "HD03", institution: str = INSTITUTION, as_of: datetime = LATER) -> UploadLine:
        return next(line for line in self.report(as_of).uploads if (line.code, line.dataset) == (institution, code))


@pytest.fixture
def bureau(edition: Edition, store: Database) -> Bureau:
    return Bureau(edition, store)


def due(record: dict[str, Any]) -> datetime:
    """24:00 of the day after the session."""
    return wire.decode_datetime(f"{record['begn_time'][:10]} 00:00:00") + timedelta(days=2)


def test_a_planned_cell_is_not_started_until_a_record_is_accepted(bureau: Bureau, maker: Maker) -> None:
    assert bureau.cell(0, "血透") == Cell("血透", CellState.NOT_STARTED)
    (record,) = maker.records()
    bureau.receive(maker, [{**record, "machine_no": ""}], START)
    assert bureau.cell(0, "血透").state is CellState.NOT_STARTED
    bureau.receive(maker, [record], START)
    assert bureau.cell(0, "血透") == Cell("血透", CellState.RECEIVING, 1, START)
    report = bureau.report()
    assert (report.planned, report.assessed, report.receiving) == (4, 3, 1)


def test_deferred_and_unplanned_cells_stay_so_whatever_comes_in(bureau: Bureau, edition: Edition) -> None:
    deferred = Maker(edition, "H00000000002")
    bureau.receive(deferred, deferred.records(), START)
    bureau.receive(deferred, deferred.records("RX01"), START, "RX01")
    assert bureau.cell(1, "血透") == Cell("血透", CellState.DEFERRED, 1, START)
    assert bureau.cell(1, "门诊") == Cell("门诊", CellState.NOT_PLANNED, 1, START)


def test_who_is_not_on_the_roster_gets_a_row_in_which_nothing_is_planned(bureau: Bureau, edition: Edition) -> None:
    reporter = Maker(edition, "H00000000077")
    bureau.receive(reporter, reporter.records(), START)
    rows = bureau.report().institutions[3:]
    assert [(row.number, row.code, row.name) for row in rows] == [
        (4, "H00000000077", "（未列入名册）"),
        (5, STRANGER, "（未列入名册）"),
    ]
    assert {cell.state for row in rows for cell in row.cells} == {CellState.NOT_PLANNED}
    assert bureau.line(institution="H00000000077").received == 1


def test_a_voided_record_no_longer_makes_a_cell_receive(bureau: Bureau, maker: Maker) -> None:
    (record,) = maker.records()
    bureau.receive(maker, [record], START)
    bureau.receive(maker, [maker.changed(record, version="2", vali_flag="0")], START)
    assert (bureau.cell(0, "血透").state, bureau.cell(0, "血透").records) == (CellState.NOT_STARTED, 0)
    assert bureau.cell(0, "血透").withdrawn
    assert (bureau.line().received, bureau.line().withdrawn) == (1, 1)


def test_a_void_that_arrives_before_the_older_version_stays_in_force(bureau: Bureau, maker: Maker) -> None:
    (record,) = maker.records()
    bureau.receive(maker, [maker.changed(record, version="2", vali_flag="0")], START)
    bureau.receive(maker, [record], START + timedelta(minutes=1))
    assert bureau.cell(0, "血透").records == 0


@pytest.mark.requirement("J-101")
def test_the_last_moment_is_on_time_and_the_next_is_late(bureau: Bureau, maker: Maker) -> None:
    first, second = maker.records(count=2)
    bureau.receive(maker, [first], due(first))
    bureau.receive(maker, [second], due(second) + timedelta(milliseconds=1))
    line = bureau.line()
    assert (line.received, line.on_time, line.late, line.cadence) == (2, 1, 1, "D+1日")
    assert line.last_received == max(due(first), due(second) + timedelta(milliseconds=1))


def test_a_later_correction_makes_nothing_late(bureau: Bureau, maker: Maker) -> None:
    (record,) = maker.records()
    bureau.receive(maker, [record], due(record))
    bureau.receive(maker, [maker.changed(record, version="2", patn_id="TEST-MENDED")], due(record) + timedelta(days=9))
    assert (bureau.line().received, bureau.line().on_time, bureau.line().late) == (1, 1, 0)


def test_an_open_rejection_counts_once_and_closes_when_it_is_mended(bureau: Bureau, maker: Maker) -> None:
    held, never = maker.records(count=2)
    bureau.receive(maker, [held], START)
    wrong = maker.changed(held, version="2", machine_no="")
    bureau.receive(maker, [wrong, wrong, {**never, "machine_no": ""}], START)
    assert (bureau.line().received, bureau.line().rejected) == (1, 2)
    bureau.receive(maker, [maker.changed(held, version="2", machine_no="TEST-M2"), never], START)
    assert (bureau.line().received, bureau.line().rejected) == (2, 0)


def test_a_report_shows_what_was_known_at_its_cut_off(bureau: Bureau, maker: Maker) -> None:
    first, second = maker.records(count=2)
    bureau.receive(maker, [first], START)
    bureau.receive(maker, [second, {**second, "key": "TEST-BAD"}], START + timedelta(days=1))
    assert (bureau.line(as_of=START).received, bureau.line(as_of=START).rejected) == (1, 0)
    assert (bureau.line().received, bureau.line().rejected) == (2, 1)


def test_a_planned_data_set_with_nothing_in_it_shows_zeros(bureau: Bureau) -> None:
    assert {(line.code, line.dataset) for line in bureau.report().uploads} == {
        (INSTITUTION, code) for code in ("HD01", "HD02", "HD03", "HD04A", "HD04B", "HD04C", "HD05", "RX01")
    }
    assert (bureau.line("RX01").received, bureau.line("RX01").last_received) == (0, None)
