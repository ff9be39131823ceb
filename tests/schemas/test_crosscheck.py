"""Every rule of the reference edition fires where it must, is silent where it must, and right at its boundary."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.crossrecords import Row, row, session, sold

from schemas import crosscheck, fake, loader, rulefile
from schemas.crosscheck import Finding
from schemas.model import Severity
from schemas.rules import Case

RULES = {rule.id: rule for rule in rulefile.reference()}


class Fires(NamedTuple):
    """Records of which the rule tells exactly one, under this key."""

    rule: str
    key: str
    records: Sequence[Row]
    case: Case = Case.BROKEN


class Silent(NamedTuple):
    """Records of which the rule says nothing."""

    rule: str
    why: str
    records: Sequence[Row]


def day(count: str) -> Row:
    """A stocktake at the end of January."""
    return row("HD04C", month="2026-01-31", cnt=count, stock_time="2026-01-31 20:00:00")


#: a month that adds up: 5 + 10 - 4 = 11
FEBRUARY = [day("5"), row("HD04A"), row("HD04B"), row("HD04C")]
#: a stocktake that counted the item and did not find the lot that comes in later
OTHER_LOT = row("HD04C", month="2026-01-31", lot_no="L0", stock_time="2026-01-31 20:00:00")


def perfused(mode: str) -> Row:
    """The order of a session."""
    return row("HD01", dialysis_mode=mode)


FIRING = [
    Fires("X-HD03-01", "S1", [row("HD02", shift="2"), row("HD03")]),
    Fires("X-HD03-01", "S1", [row("HD02"), session(1, "01-05 04:59", "01-05 09:00")]),
    Fires("X-HD03-01", "S1", [row("HD02"), session(1, "01-05 13:01", "01-05 17:00")]),
    Fires("X-HD03-01", "S1", [row("HD02", shift="3"), session(1, "01-06 03:01", "01-06 06:00")]),
    Fires("X-HD03-01", "S1", [row("HD02", shift="3"), row("HD03", schd_id=None)]),
    Fires("X-HD03-01", "S1", [row("HD02", schd_id="SC2"), row("HD03")], Case.MISSING),
    Fires("X-HD03-01", "S1", [row("HD02", schd_date="2026-01-06"), row("HD03", schd_id=None)], Case.MISSING),
    Fires("X-HD03-01", "S1", [row("HD02", vali_flag="0"), row("HD03")], Case.MISSING),
    Fires("X-HD03-01", "S1", [row("HD03")], Case.UNKNOWN),
    Fires("X-HD03-02", "S1", [row("HD02", patn_id="P2"), row("HD03")]),
    Fires("X-HD03-03", "S1", [row("HD02", schd_stas="3"), row("HD03")]),
    Fires("X-HD03-04", "S1", [row("HD01", rx_end_date="2026-01-04"), row("HD03")]),
    Fires("X-HD03-04", "S1", [row("HD01", rx_begn_date="2026-01-06"), row("HD03")]),
    Fires("X-HD03-04", "S1", [row("HD01", rx_id="RX2"), row("HD03")], Case.MISSING),
    Fires("X-HD03-04", "S1", [row("HD03"), row("HD03", sess_id="S2")], Case.UNKNOWN),
    Fires("X-HD03-05", "S1", [row("HD01", patn_id="P2"), row("HD03")]),
    Fires("X-HD03-06", "S1", [row("HD01"), row("HD03", med_list_codg="ITEM2")]),
    Fires("X-HD03-07", "S3", [row("HD01"), *(session(n, f"01-0{n} 08:00", f"01-0{n} 12:00") for n in (3, 2, 1))]),
    Fires("X-HD03-08", "S1", [session(1, "01-05 12:00", "01-05 08:00")]),
    Fires("X-HD03-08", "S1", [session(1, "01-05 12:00", "01-05 12:00")]),
    Fires("X-HD03-09", "S1", [row("HD03", duration_min="246")]),
    Fires("X-HD03-10", "S1", [row("HD03", duration_min="239")]),
    Fires("X-HD03-10", "S1", [perfused("HD"), row("HD03", duration_min="239")]),
    Fires("X-HD03-10", "S1", [row("HD01", rx_id="RX2", dialysis_mode="HP"), row("HD03", duration_min="239")]),
    Fires("X-HD03-11", "S1", [row("HD03", pre_weight_kg="60.29")]),
    Fires("X-HD03-12", "S2", [session(1, "01-05 08:00", "01-05 12:00"), session(2, "01-05 11:59", "01-05 16:00", machine_no="M2")]),
    Fires("X-HD03-13", "S2", [session(1, "01-05 08:00", "01-05 12:00"), session(2, "01-05 11:59", "01-05 16:00", patn_id="P2")]),
    Fires("X-HD01-01", "RX1|1", [row("HD01", rx_begn_date="2026-02-01")]),
    Fires("X-HD01-02", "RX1|1", [row("HD01", rx_end_date="2025-12-31")]),
    Fires("X-HD04-01", "2026-02-28|C1|L1", [*FEBRUARY, row("HD04B", stoout_id="OUT2", cnt="0.01")]),
    Fires("X-HD04-01", "2026-02-28|C1|L1", FEBRUARY[1:], Case.UNKNOWN),
    Fires("X-HD04-01", "2026-02-28|C1|L1", [*FEBRUARY[:3], row("HD04C", unit="盒")], Case.UNKNOWN),
    Fires("X-HD04-01", "2026-01-31|C1|L1", [*FEBRUARY[:3], row("HD04C", item_codg="C2", cnt="0")]),
    Fires("X-HD04-02", "OUT1|1", [OTHER_LOT, row("HD04A"), row("HD04B", stoout_time="2026-02-03 08:59:59")]),
    Fires("X-HD04-02", "OUT1|1", [row("HD04A"), row("HD04B", stoout_time="2026-02-03 08:59:59")], Case.UNKNOWN),
    Fires("X-HD04-02", "OUT1|1", [row("HD04A"), row("HD04B", stoout_time="2026-02-03 08:59:59"), row("HD04C")], Case.UNKNOWN),
    Fires("X-HD04-03", "IN1|1", [row("HD04A", expiry_date="2026-02-02")]),
    Fires("X-HD04-04", "OUT1|1", [row("HD03", sess_id="S2"), row("HD04B")], Case.MISSING),
    Fires("X-HD04-04", "OUT1|1", [row("HD04B")], Case.UNKNOWN),
    Fires("X-RH01-01", "RX1|1", [row("RH01", rx_end_date="2025-12-31")]),
    Fires("X-RH02-01", "T1", [row("RH01", rx_end_date="2026-01-04"), row("RH02")]),
    Fires("X-RH02-01", "T1", [row("RH01", rx_id="RX2"), row("RH02")], Case.MISSING),
    Fires("X-RH02-01", "T1", [row("RH02")], Case.UNKNOWN),
    Fires("X-RH02-02", "T1", [row("RH01", patn_id="P2"), row("RH02")]),
    Fires(
        "X-RH02-03", "T3", [row("RH01"), *(row("RH02", treat_id=f"T{n}", begn_time=f"2026-01-0{n} 08:00:00") for n in (1, 2, 3))]
    ),
    Fires("X-RH02-04", "T1", [row("RH02", end_time="2026-01-05 08:00:00")]),
    Fires("X-RH02-05", "T1", [row("RH02", minutes="36")]),
    Fires("X-RH02-06", "T1", [row("RH02", minutes="9")]),
    Fires(
        "X-RH02-07",
        "T2",
        [row("RH02"), row("RH02", treat_id="T2", begn_time="2026-01-05 08:29:00", end_time="2026-01-05 09:00:00")],
    ),
    Fires("X-RX01-01", "RX1|1", [row("RX01", rx_end_date="2026-01-04")]),
    Fires("X-IP02-01", "A1", [row("IP01"), row("IP02", dscg_time="2026-01-05 07:59:59")]),
    Fires("X-IP02-02", "A1", [row("IP01", adm_id="A2"), row("IP02")], Case.MISSING),
    Fires("X-IP02-02", "A1", [row("IP02")], Case.UNKNOWN),
    Fires("X-BI03-01", "D1|E1", [row("BI03", to="2026-01-05 07:59:59")]),
    Fires("X-BI04-01", "E1", [row("BI04", valid_until="2026-01-04")]),
    Fires("X-ALL-01", "S1", [row("HD03"), row("HD03", content_hash="sha256:other")]),
    Fires("X-3505-01", "B6", [row("3501"), row("3503"), sold("B5", "15"), sold("B6", "0.01", sel_retn_time="2026-01-06 10:00:00")]),
    Fires("X-3505-01", "B5", [row("3503"), sold("B5", "10.01")], Case.UNKNOWN),
    Fires("X-3505-01", "B5", [row("3503", manu_lotnum="L2"), sold("B5", "1")], Case.UNKNOWN),
    Fires("X-3505-02", "B5", [row("3501"), row("3502"), row("3504"), sold("B5", "5.01")]),
    Fires("X-3505-02", "B5", [row("3503"), sold("B5", "10.01")], Case.UNKNOWN),
    Fires("X-3505-03", "B5", [row("3501", manu_lotnum="L2"), row("3503"), row("3505", sel_retn_time="2026-01-02 08:59:59")]),
    Fires("X-3505-03", "B5", [row("3503"), row("3505", sel_retn_time="2026-01-02 08:59:59")], Case.UNKNOWN),
    Fires(
        "X-3505-03",
        "B5",
        [row("3501", fixmedins_hilist_id="G2"), row("3503"), row("3505", sel_retn_time="2026-01-02 08:59:59")],
        Case.UNKNOWN,
    ),
    Fires("X-3505-04", "B5", [row("3505", expy_end="2026-01-04")]),
    Fires("X-3505-05", "B6", [row("3505"), sold("B6", "1", sel_retn_time="2026-01-05 10:01:00")]),
    Fires("X-3505-06", "B6", [row("3505"), sold("B6", "2", sel_retn_time="2026-01-07 10:00:00")]),
    Fires("X-3505-07", "B5", [row("PH01", rtal_docno="R2"), row("3505")], Case.MISSING),
    Fires("X-3505-07", "B5", [row("3505")], Case.UNKNOWN),
    Fires("X-3505-08", "B5", [row("3505", expy_end="2025-06-01")]),
    Fires("X-3503-01", "B3", [row("3503", expy_end="2025-06-01")]),
    Fires("X-3503-02", "B3", [row("3503", manu_date="2026-01-03")]),
    Fires("X-3503-03", "B3", [row("3503", expy_end="2026-01-01")]),
]

SILENT = [
    Silent("X-HD03-01", "in its shift", [row("HD02"), row("HD03")]),
    Silent("X-HD03-01", "at the first moment", [row("HD02"), session(1, "01-05 05:00", "01-05 09:00")]),
    Silent("X-HD03-01", "at the last moment", [row("HD02"), session(1, "01-05 13:00", "01-05 17:00")]),
    Silent(
        "X-HD03-01", "night shift after midnight", [row("HD02", shift="3"), session(1, "01-06 02:59", "01-06 06:00", schd_id=None)]
    ),
    Silent(
        "X-HD03-01", "one of two shifts that day", [row("HD02", shift="2", schd_id="X"), row("HD02"), row("HD03", schd_id=None)]
    ),
    Silent("X-HD03-02", "same patient", [row("HD02"), row("HD03")]),
    Silent("X-HD03-02", "the parent missing is another rule's", [row("HD02", schd_id="SC2"), row("HD03")]),
    Silent("X-HD03-03", "came", [row("HD02"), row("HD03")]),
    Silent("X-HD03-03", "no status kept", [row("HD02", schd_stas=None), row("HD03")]),
    Silent("X-HD03-04", "on the last day", [row("HD01", rx_end_date="2026-01-05"), row("HD03")]),
    Silent("X-HD03-04", "on the first day", [row("HD01", rx_begn_date="2026-01-05"), row("HD03")]),
    Silent("X-HD03-04", "no first day kept", [row("HD01", rx_begn_date=None), row("HD03")]),
    Silent("X-HD03-04", "no order named", [row("HD01"), row("HD03", rx_id=None)]),
    Silent("X-HD03-05", "same patient", [row("HD01"), row("HD03")]),
    Silent("X-HD03-06", "on another line of the order", [row("HD01"), row("HD01", line_no="2", med_list_codg="X"), row("HD03")]),
    Silent("X-HD03-07", "as many as ordered", [row("HD01"), *(row("HD03", sess_id=f"S{n}") for n in (1, 2))]),
    Silent(
        "X-HD03-07", "a void one does not count", [row("HD01", item_cnt="1"), row("HD03"), row("HD03", sess_id="S2", vali_flag="0")]
    ),
    Silent(
        "X-HD03-07",
        "two lines add up",
        [row("HD01", item_cnt="1"), row("HD01", line_no="2", item_cnt="1"), row("HD03"), row("HD03", sess_id="S2")],
    ),
    Silent("X-HD03-08", "a second later", [row("HD03", end_time="2026-01-05 08:00:01")]),
    Silent("X-HD03-09", "within the slack", [row("HD03", duration_min="245")]),
    Silent("X-HD03-10", "just enough", [row("HD03", duration_min="240")]),
    Silent("X-HD03-10", "a reason is given", [row("HD03", duration_min="100", early_end_reason="测试原因")]),
    Silent("X-HD03-10", "a perfusion is short", [perfused("HP"), row("HD03", duration_min="120")]),
    Silent("X-HD03-10", "perfusion before dialysis", [perfused("HD+HP"), row("HD03", duration_min="120")]),
    Silent("X-HD03-11", "a perfusion takes no water", [perfused("HP"), row("HD03", pre_weight_kg="60")]),
    Silent("X-HD03-11", "just enough", [row("HD03", pre_weight_kg="60.3")]),
    Silent("X-HD03-11", "not weighed", [row("HD03", pre_weight_kg=None)]),
    Silent(
        "X-HD03-12",
        "one begins when the other ends",
        [session(1, "01-05 08:00", "01-05 12:00"), session(2, "01-05 12:00", "01-05 16:00")],
    ),
    Silent("X-HD03-12", "in another institution", [row("HD03"), row("HD03", sess_id="S2", fixmedins_code="H00000000002")]),
    Silent("X-HD03-13", "two machines", [row("HD03"), row("HD03", sess_id="S2", machine_no="M2")]),
    Silent("X-HD01-01", "one day", [row("HD01", rx_begn_date="2026-01-31")]),
    Silent("X-HD01-02", "until the same day", [row("HD01", rx_end_date="2026-01-01")]),
    Silent("X-HD04-01", "adds up", FEBRUARY),
    Silent("X-HD04-01", "the month is not closed yet", FEBRUARY[1:3]),
    Silent(
        "X-HD04-01",
        "lots are kept on one side only: by item",
        [day("5"), row("HD04A", lot_no=None), row("HD04B", lot_no="L9"), row("HD04C")],
    ),
    Silent("X-HD04-02", "at the same moment", [row("HD04A"), row("HD04B", stoout_time="2026-02-03 09:00:00")]),
    Silent("X-HD04-02", "it was in stock before", [day("5"), row("HD04A"), row("HD04B", stoout_time="2026-02-01 09:00:00")]),
    Silent("X-HD04-03", "on the last day", [row("HD04A", expiry_date="2026-02-03")]),
    Silent("X-HD04-04", "its session is there", [row("HD03"), row("HD04B")]),
    Silent("X-HD04-04", "not used in a session", [row("HD03", sess_id="S2"), row("HD04B", stoout_type="2")]),
    Silent("X-RH01-01", "until the same day", [row("RH01", rx_end_date="2026-01-01")]),
    Silent("X-RH02-01", "on the last day", [row("RH01", rx_end_date="2026-01-05"), row("RH02")]),
    Silent("X-RH02-02", "same patient", [row("RH01"), row("RH02")]),
    Silent("X-RH02-03", "as many as ordered", [row("RH01"), row("RH02"), row("RH02", treat_id="T2")]),
    Silent("X-RH02-04", "no end kept", [row("RH02", end_time=None)]),
    Silent("X-RH02-05", "within the slack", [row("RH02", minutes="35")]),
    Silent("X-RH02-06", "just enough", [row("RH02", minutes="10")]),
    Silent(
        "X-RH02-07",
        "one begins when the other ends",
        [row("RH02"), row("RH02", treat_id="T2", begn_time="2026-01-05 08:30:00", end_time="2026-01-05 09:00:00")],
    ),
    Silent("X-RX01-01", "until the same day", [row("RX01", rx_end_date="2026-01-05")]),
    Silent("X-IP02-01", "at the same moment", [row("IP01"), row("IP02", dscg_time="2026-01-05 08:00:00")]),
    Silent("X-IP02-02", "admitted", [row("IP01"), row("IP02")]),
    Silent("X-BI03-01", "at the same moment", [row("BI03", to="2026-01-05 08:00:00")]),
    Silent("X-BI04-01", "one day", [row("BI04", valid_until="2026-01-05")]),
    Silent("X-ALL-01", "two versions of one key", [row("HD03"), row("HD03", version="2")]),
    Silent("X-ALL-01", "one key in two institutions", [row("HD03"), row("HD03", fixmedins_code="H00000000002")]),
    Silent("X-3505-01", "all of it", [row("3501"), row("3503"), sold("B5", "15")]),
    Silent("X-3505-01", "one came back", [row("3503"), sold("B5", "11"), row("3506")]),
    Silent(
        "X-3505-01",
        "sold before the stocktake",
        [row("3501"), sold("B4", "99", sel_retn_time="2025-12-31 10:00:00"), sold("B5", "5")],
    ),
    Silent("X-3505-02", "all of it", [row("3501"), row("3502"), row("3504"), sold("B5", "5")]),
    Silent("X-3505-03", "at the same moment", [row("3503"), row("3505", sel_retn_time="2026-01-02 09:00:00")]),
    Silent("X-3505-03", "it was in stock before", [row("3501"), row("3503"), row("3505", sel_retn_time="2026-01-01 09:00:00")]),
    Silent("X-3505-04", "on the last day", [row("3505", expy_end="2026-01-05")]),
    Silent("X-3505-05", "a second too late", [row("3505"), sold("B6", "1", sel_retn_time="2026-01-05 10:01:01")]),
    Silent("X-3505-05", "another box", [row("3505"), sold("B6", "1", drugtracinfo=[{"drug_trac_codg": "TRACE2"}])]),
    Silent(
        "X-3505-06",
        "came back and was sold again",
        [row("3505"), sold("B6", "1", sel_retn_time="2026-01-07 10:00:00"), row("3506")],
    ),
    Silent("X-3505-06", "a split pack", [row("3505", trdn_flag="1"), sold("B6", "1", trdn_flag="1")]),
    Silent("X-3505-07", "checked", [row("PH01"), row("3505")]),
    Silent("X-3505-07", "not insured", [row("PH01", rtal_docno="R2"), row("3505", mdtrt_setl_type="2")]),
    Silent("X-3505-08", "a day later", [row("3505", expy_end="2025-06-02")]),
    Silent("X-3503-01", "a day later", [row("3503", expy_end="2025-06-02")]),
    Silent("X-3503-02", "on the same day", [row("3503", manu_date="2026-01-02")]),
    Silent("X-3503-03", "on the last day", [row("3503", expy_end="2026-01-02")]),
]


def told(rule: str, records: Sequence[Row]) -> tuple[Finding, ...]:
    """What this one rule says."""
    return crosscheck.check(loader.reference(), [RULES[rule]], records)


@pytest.mark.requirement("J-101")
@pytest.mark.requirement("J-102")
@pytest.mark.requirement("H-020")
@pytest.mark.parametrize("example", FIRING, ids=lambda each: f"{each.rule}-{each.case}")
def test_a_rule_tells_exactly_the_record_that_breaks_it(example: Fires) -> None:
    assert [(found.key, found.case) for found in told(example.rule, example.records)] == [(example.key, example.case)]


@pytest.mark.requirement("J-101")
@pytest.mark.requirement("J-102")
@pytest.mark.parametrize("example", SILENT, ids=lambda each: f"{each.rule}-{each.why}")
def test_a_rule_is_silent_where_nothing_is_wrong(example: Silent) -> None:
    assert told(example.rule, example.records) == ()


@pytest.mark.parametrize("rule", sorted(RULES))
def test_every_rule_has_an_example_of_every_sentence_and_a_silent_one(rule: str) -> None:
    """A new rule without examples fails here."""
    fired = {example.case for example in FIRING if example.rule == rule}
    assert fired == set(RULES[rule].sentences)
    assert any(example.rule == rule for example in SILENT)


def test_only_a_contradiction_can_stop_a_record() -> None:
    for example in FIRING:
        (found,) = told(example.rule, example.records)
        stops = example.case is Case.BROKEN and RULES[example.rule].severity is Severity.ERROR
        assert (found.severity is Severity.ERROR) is stops, example.rule


def test_the_sentence_carries_the_figures_and_the_related_keys() -> None:
    (found,) = told("X-HD04-01", [*FEBRUARY, row("HD04B", stoout_id="OUT2", cnt="0.50")])
    assert found.message == "2026-02 上月结存 5 ＋入库 10 －出库 4.5 与本月结存 11 相差 -0.5"
    assert found.related == ("HD04A IN1|1", "HD04B OUT1|1", "HD04B OUT2|1", "HD04C 2026-01-31|C1|L1")


def test_sums_are_decimal() -> None:
    """0.1 + 0.2 is 0.3 here."""
    records = [day("0.1"), row("HD04A", cnt="0.2"), row("HD04C", cnt="0.3")]
    assert told("X-HD04-01", records) == ()


def test_an_item_the_stocktake_does_not_list_is_none_in_stock() -> None:
    """A lot that came in this month has no opening; that is no reason not to check it."""
    other = row("HD04C", month="2026-01-31", item_codg="C2", lot_no="", cnt="0", stock_time="2026-01-31 20:00:00")
    records = [other, row("HD04A"), row("HD04B"), row("HD04C", cnt="7")]
    (found,) = told("X-HD04-01", records)
    assert found.message == "2026-02 上月结存 0 ＋入库 10 －出库 4 与本月结存 7 相差 -1"


def test_a_month_without_an_opening_is_told_once_for_all_items() -> None:
    records = [row("HD04C", item_codg=f"C{n}") for n in range(4)] + [row("HD04A", item_codg="C4")]
    (found,) = told("X-HD04-01", records)
    assert (found.case, found.message) == (Case.UNKNOWN, "2026-02 有 5 种耗材（或批次）没有上月结存或单位不一，无法核对")


def test_what_moved_after_the_count_belongs_to_the_next_month() -> None:
    """Both counts are taken on the 25th; 10 came in on the 27th of January and 4 went out on the 26th of February."""
    january = row("HD04C", month="2026-01-01", cnt="5", stock_time="2026-01-25 18:00:00")
    february = row("HD04C", month="2026-02-01", cnt="15", stock_time="2026-02-25 18:00:00")
    march = row("HD04C", month="2026-03-01", cnt="11", stock_time="2026-03-25 18:00:00")
    moved = [row("HD04A", stoin_time="2026-01-27 09:00:00"), row("HD04B", stoout_time="2026-02-26 09:00:00")]
    assert told("X-HD04-01", [january, february, march, *moved]) == ()
    late = row("HD04A", stoin_time="2026-01-25 18:00:00")
    assert [found.key for found in told("X-HD04-01", [january, february, march, late, moved[1]])] == [
        "2026-01-01|C1|L1",
        "2026-02-01|C1|L1",
    ]


def test_a_count_on_the_first_day_of_the_next_month_holds_the_night_before_it() -> None:
    january = row("HD04C", month="2026-01-01", cnt="5", stock_time="2026-02-01 12:00:00")
    february = row("HD04C", month="2026-02-01", cnt="1", stock_time="2026-03-01 12:00:00")
    moved = [row("HD04B", stoout_time="2026-03-01 09:00:00")]
    assert told("X-HD04-01", [january, february, *moved]) == ()


def test_january_opens_with_december() -> None:
    december = row("HD04C", month="2025-12-31", cnt="3")
    assert told("X-HD04-01", [december, day("3")]) == ()
    assert [found.key for found in told("X-HD04-01", [december, day("4")])] == ["2026-01-31|C1|L1"]


def test_a_month_whose_opening_was_left_out_is_told_even_if_nothing_moved() -> None:
    december = row("HD04C", month="2025-12-31")
    assert [(found.key, found.case) for found in told("X-HD04-01", [december, row("HD04C")])] == [
        ("2026-02-28|C1|L1", Case.UNKNOWN)
    ]


def test_the_stocktakes_own_day_speaks_for_the_site() -> None:
    """Nobody says whether the count came before or after: a purchase of that day counts, a sale does not."""
    bought = row("3503", purc_retn_stoin_time="2026-01-01 09:00:00")
    early = sold("B4", "99", sel_retn_time="2026-01-01 10:00:00")
    assert told("X-3505-01", [row("3501"), bought, early, sold("B5", "15")]) == ()
    (found,) = told("X-3505-01", [row("3501"), bought, early, sold("B5", "16")])
    assert found.message.startswith("这一批号已销售 16，盘存加采购只有 15，多 1")


def test_the_first_stocktake_opens_the_account() -> None:
    """A later one is no second opening: what was sold in between would be forgotten."""
    later = row("3501", fixmedins_bchno="B9", invdate="2026-01-20", inv_cnt="99")
    (found,) = told("X-3505-01", [later, row("3501"), sold("B5", "6")])
    assert found.message.startswith("这一批号已销售 6，盘存加采购只有 5，多 1")
    assert found.related == ("3501 B1",)


def test_a_long_session_overlaps_every_later_one_it_covers() -> None:
    spans = [("01-05 08:00", "01-05 20:00"), ("01-05 09:00", "01-05 10:00"), ("01-05 11:00", "01-05 12:00")]
    found = told("X-HD03-12", [session(number, *span) for number, span in enumerate(spans, 1)])
    assert [(each.key, each.related) for each in found] == [("S2", ("HD03 S1",)), ("S3", ("HD03 S1",))]


def test_a_parent_of_another_institution_is_no_parent() -> None:
    elsewhere = {"fixmedins_code": "H00000000002"}
    records = [row("HD02"), row("HD03", **elsewhere), row("HD02", schd_id="SC2", **elsewhere)]
    assert [(found.institution, found.case) for found in told("X-HD03-01", records)] == [("H00000000002", Case.MISSING)]


def test_a_newer_version_replaces_the_older_whichever_comes_first() -> None:
    records = [row("HD03", duration_min="100"), row("HD03", version="2")]
    assert told("X-HD03-10", records) == told("X-HD03-10", records[::-1]) == ()


def test_a_void_version_withdraws_the_record() -> None:
    records = [row("HD03", version="2", vali_flag="0"), row("HD03", duration_min="100")]
    assert told("X-HD03-10", records) == ()


@pytest.mark.parametrize("value", ["二百", "", None, 100, "1e2"])
def test_an_unreadable_value_is_left_to_validation(value: Any) -> None:
    assert told("X-HD03-10", [row("HD03", duration_min=value)]) == ()


def test_unknown_data_sets_are_passed_over() -> None:
    assert crosscheck.check(loader.reference(), RULES.values(), [("ZZ99", {"key": "1"})]) == ()


def test_no_finding_carries_a_person() -> None:
    edition = loader.reference()
    secret = {"patn_id": "秘密患者", "psn_no": "秘密人员", "psn_name": "秘密姓名", "certno": "秘密证件"}
    for example in FIRING:
        rows = []
        for code, record in example.records:
            names = {spec.name for spec in edition.datasets[code].fields}
            rows.append((code, {**record, **{name: text for name, text in secret.items() if name in names}}))
        assert "秘密" not in repr(crosscheck.check(edition, RULES.values(), rows))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), shuffle=st.randoms(use_true_random=False))
def test_the_order_of_the_records_does_not_change_the_findings(seed: int, shuffle: random.Random) -> None:
    """Over everything that fires, and repeated, re-versioned and withdrawn copies of it."""
    chance = random.Random(seed)
    records = [each for example in FIRING for each in example.records]
    records = chance.sample(records, 40)
    records += [(code, {**record, "version": chance.choice("123"), "vali_flag": chance.choice("011")}) for code, record in records]
    expected = crosscheck.check(loader.reference(), RULES.values(), records)
    assert expected
    shuffle.shuffle(records)
    assert crosscheck.check(loader.reference(), RULES.values(), records) == expected


@settings(max_examples=20, deadline=None)
@given(shuffle=st.randoms(use_true_random=False))
def test_invented_records_give_the_same_findings_in_any_order(shuffle: random.Random) -> None:
    edition = loader.reference()
    records = [(code, each) for code in ("HD01", "HD02", "HD03", "HD04A", "HD04C") for each in fake.valid(edition, code, 5, 20)]
    expected = crosscheck.check(edition, RULES.values(), records)
    assert expected
    shuffle.shuffle(records)
    assert crosscheck.check(edition, RULES.values(), records) == expected
