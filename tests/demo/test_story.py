import re
import sqlite3
from collections import Counter
from datetime import date, datetime, time, timedelta

import pytest

from demo import story
from demo.dirt import DIRT, Fate
from demo.district import DISTRICT
from demo.rows import Change
from schemas.wire import SHANGHAI

SEED, START = 20261021, date(2026, 10, 21)
Expected = dict[tuple[str, str], Counter[Fate]]


def test_the_same_seed_tells_the_same_story(told: list[Change]) -> None:
    assert list(story.changes(SEED, START)) == told


def test_another_seed_tells_another_story(told: list[Change]) -> None:
    other = list(story.changes(SEED + 1, START, 3))
    assert other != told[: len(other)]


def test_a_shorter_story_is_the_beginning_of_a_longer_one(told: list[Change]) -> None:
    week = list(story.changes(SEED, START, 7))
    assert week == told[: len(week)]


def test_changes_come_in_storage_order_and_inside_the_story(told: list[Change]) -> None:
    times = [change.at for change in told]
    assert times == sorted(times)
    opening = datetime.combine(START, time(), SHANGHAI)
    assert times[0] >= opening
    assert times[-1] < opening + timedelta(days=story.DAYS)


def test_rows_are_numbered_in_the_order_they_are_stored(told: list[Change]) -> None:
    inserted: dict[tuple[str, str], int] = Counter()
    for change in told:
        found = re.match(r"INSERT INTO (\w+) ", change.sql)
        if found and "id" in change.params and "updated_at" in change.params:
            inserted[change.database, found[1]] += 1
            assert change.params["id"] == inserted[change.database, found[1]]


@pytest.mark.parametrize("seed", [1, 7, SEED])
def test_every_kind_of_dirt_occurs_and_is_the_smaller_part(seed: int) -> None:
    counts = story.dirt_counts(seed, START)
    assert counts.keys() == DIRT.keys()
    rows = sum(sum(fates.values()) for fates in story.expected(seed, START).values())
    assert 4_500 <= rows <= 10_000
    assert sum(counts.values()) < rows / 5


def test_every_institution_has_clean_rows_of_each_of_its_data_sets(expected: Expected) -> None:
    for institution in DISTRICT.connected:
        for dataset in institution.datasets:
            assert expected[institution.code, dataset][Fate.CLEAN] > 0
    assert len(expected) == sum(len(institution.datasets) for institution in DISTRICT.connected)


def test_people_are_recognisably_made_up(told: list[Change]) -> None:
    for change in told:
        for name in ("full_name", "staff_name", "clerk_name"):
            assert str(change.params.get(name, "测试")).startswith("测试")


#: (institution, data set) -> plain SQL on the played database that counts each fate, written without the mapping
_GENERAL, _PHARMACY = "H99000100001", "P99000100001"
_ORACLE = {
    ("HD02", "dialysis_schedule"): """
        SELECT CASE WHEN delete_flag = '1' OR plan_state = 'cancelled' THEN 'void'
                    WHEN shift NOT IN ('morning', 'afternoon', 'night') THEN 'quarantined'
                    ELSE 'clean' END, count(*) FROM dialysis_schedule GROUP BY 1""",
    ("HD03", "dialysis_session"): """
        SELECT CASE WHEN delete_flag = '1' THEN 'void'
                    WHEN off_clock IS NULL THEN 'not_ready'
                    WHEN weight_before GLOB '*[^0-9.]*' OR weight_after GLOB '*[^0-9.]*' OR length(end_note) > 200
                        THEN 'quarantined'
                    ELSE 'clean' END, count(*) FROM dialysis_session GROUP BY 1""",
    ("RX01", "clinic_prescription"): """
        SELECT CASE WHEN rx_kind <> 'drug' THEN 'excluded'
                    WHEN delete_flag = '1' OR rx_state = 'cancelled' THEN 'void'
                    WHEN prescribed_at IS NULL THEN 'quarantined'
                    WHEN NOT EXISTS (SELECT 1 FROM charge_item c WHERE c.id = item_id AND yb_no IS NOT NULL) THEN 'quarantined'
                    WHEN EXISTS (SELECT 1 FROM clinic_prescription other WHERE other.rx_no = p.rx_no AND other.seq = p.seq
                                 AND other.id < p.id) THEN 'quarantined'
                    ELSE 'clean' END, count(*) FROM clinic_prescription p GROUP BY 1""",
}


@pytest.mark.parametrize("site", [_GENERAL], indirect=True)
@pytest.mark.parametrize(("dataset", "table"), list(_ORACLE))
def test_what_was_put_in_is_what_plain_sql_finds(site: sqlite3.Connection, expected: Expected, dataset: str, table: str) -> None:
    found = Counter({Fate(fate): count for fate, count in site.execute(_ORACLE[dataset, table])})
    assert found == expected[_GENERAL, dataset]


@pytest.mark.parametrize("site", [_PHARMACY], indirect=True)
def test_what_was_put_into_the_pharmacy_is_what_plain_sql_finds(site: sqlite3.Connection, expected: Expected) -> None:
    found = site.execute("""
        SELECT CASE WHEN d.doc_type <> 'sale' OR g.goods_class = 'sundry' THEN 'excluded'
                    WHEN d.doc_state = 'cancelled' THEN 'void'
                    WHEN d.sold_at IS NULL OR d.pay_kind = 'voucher' OR g.insure_code IS NULL OR lot.lot_key IS NULL
                        THEN 'quarantined'
                    ELSE 'clean' END, count(*)
        FROM sale_line l JOIN sale_doc d USING (doc_no) LEFT JOIN goods g ON g.goods_no = l.goods_no
        LEFT JOIN stock_lot lot ON lot.lot_key = l.lot_key GROUP BY 1""")
    assert Counter({Fate(fate): count for fate, count in found}) == expected[_PHARMACY, "3505"]


@pytest.mark.parametrize("site", [_GENERAL], indirect=True)
def test_every_change_moves_the_stamp(site: sqlite3.Connection, told: list[Change]) -> None:
    updated = {
        (change.sql.split()[1], change.params["row_key"])
        for change in told
        if change.database == f"his:{_GENERAL}" and change.sql.startswith("UPDATE")
    }
    tables = ("dialysis_order", "dialysis_schedule", "dialysis_session", "rehab_order", "rehab_treatment", "clinic_prescription")
    moved = {(table, key) for table in tables for (key,) in site.execute(f"SELECT id FROM {table} WHERE updated_at > created_at")}
    assert moved == updated


@pytest.mark.parametrize("site", [_GENERAL], indirect=True)
def test_a_late_entry_is_stored_one_to_four_days_after_it_happened(site: sqlite3.Connection) -> None:
    days = [
        (datetime.fromisoformat(stored) - datetime.fromisoformat(happened)).days
        for happened, stored in site.execute(
            "SELECT prescribed_at, created_at FROM clinic_prescription WHERE prescribed_at IS NOT NULL"
        )
    ]
    late = [count for count in days if count]
    assert late
    assert max(late) <= 4
