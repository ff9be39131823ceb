"""`gateway check` promises what a run would queue, no row more."""

from __future__ import annotations

from decimal import Decimal

from support.delivery import Clock, Rows, prescription

from gateway.checking import Cause, CheckReport, Owners, check
from gateway.intake import accept
from gateway.judging import Judge
from gateway.model import AsideState, Tally
from gateway.store import Store
from schemas.model import Edition, Violation


def checked(edition: Edition, owners: Owners, source: Rows) -> CheckReport:
    return check(source, Judge(edition, "RX01", "check"), clock=Clock(), owners=owners)


def test_a_key_of_two_sources_is_the_first_ones_as_in_a_run(edition: Edition, store: Store) -> None:
    old = Rows([prescription(number) for number in range(1, 10)], name="old")
    new = Rows([prescription(number, cnt=Decimal(9)) for number in (9, 10)], name="new")
    owners: Owners = {}
    reports = [checked(edition, owners, source) for source in (old, new)]
    judge = Judge(edition, "RX01", store.rid)
    run = [accept(source, judge, store, targets=("bureau",), clock=Clock()) for source in (old, new)]
    assert [report.tally for report in reports] == run == [Tally(read=9, queued=9), Tally(read=2, quarantined=1, queued=1)]
    (cause,) = reports[1].causes
    assert (cause.state, cause.examples) == (AsideState.QUARANTINED, ["id=9"])
    assert [reason.message for reason in cause.reasons] == ["业务主键与来源 old 的一行相同，不能确定该报哪一行"]
    (told,) = store.grievances()
    assert told.reason == cause.reasons[0].message
    assert all(report.balanced for report in reports)


def test_two_rows_of_one_source_with_one_key_are_told_as_in_a_run_and_a_row_read_twice_is_none(edition: Edition) -> None:
    rows = [prescription(1), prescription(1), prescription(2, rx_id="RX00001")]
    report = checked(edition, {}, Rows(rows))
    assert report.tally == Tally(read=3, quarantined=1, queued=2)
    assert [reason.message for reason in report.causes[0].reasons] == ["业务主键与本地另一行相同，不能确定该报哪一行"]


def test_each_reason_is_told_once_with_the_rows_that_only_it_holds_up() -> None:
    """Two rows lack the code, one of them the number too, a third only the number: mending the code frees one."""
    code, number = Violation("med_list_codg", "required", "没有编码"), Violation("cnt", "required", "没有数量")
    causes = [
        Cause(AsideState.QUARANTINED, (code,), 1, ["1"]),
        Cause(AsideState.QUARANTINED, (code, number), 4, ["2", "3", "4"]),
        Cause(AsideState.QUARANTINED, (number,), 1, ["5"]),
    ]
    report = CheckReport("his", "RX01", "门诊处方信息", Tally(6, quarantined=6), causes)
    assert told(report) == {"没有编码": (5, 1, ["1", "2", "3"]), "没有数量": (5, 1, ["2", "3", "4"])}


def told(report: CheckReport) -> dict[str, tuple[int, int, list[str]]]:
    return {each.message: (each.rows, each.alone, [ref for ref, _ in each.examples]) for each in report.reasons}


def test_a_row_two_of_whose_lines_lack_the_same_is_one_row() -> None:
    lines = tuple(Violation(f"drugs[{number}].dose", "unreadable", "剂量无法读懂") for number in range(2))
    report = CheckReport("his", "HD03", "透析治疗", Tally(1, quarantined=1), [Cause(AsideState.QUARANTINED, lines, 1, ["1"])])
    assert told(report) == {"剂量无法读懂": (1, 1, ["1"])}
    assert [each.field for reason in report.reasons for _, each in reason.examples] == ["drugs[0].dose"]
