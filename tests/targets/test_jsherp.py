"""jshERP's own sample data: what moved, what was deleted, and what the product does not hold."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from gateway.model import RowState
from schemas import loader, wire
from schemas.build import validator

pytestmark = pytest.mark.targets
#: data set, quantity field, rows read, excluded, live lines, their quantity
FIGURES = [
    ("3503", "purc_retn_cnt", 29, 1, 28, 473),
    ("3505", "sel_retn_cnt", 13, 2, 11, 232),
    ("3504", "purc_retn_cnt", 3, 1, 2, 3),
    ("3506", "sel_retn_cnt", 4, 1, 3, 7),
    ("3502", "cnt", 4, 1, 3, 5),
]


@pytest.mark.parametrize(("dataset", "quantity", "read", "excluded", "live", "total"), FIGURES)
def test_with_catalogue_and_constants_every_live_line_is_valid(
    jsherp: Any, dataset: str, quantity: str, read: int, excluded: int, live: int, total: int
) -> None:
    rows = jsherp.rows(dataset)
    ready = [row for row in rows if row.state is RowState.READY]
    assert (len(rows), len(rows) - len(ready), len(ready)) == (read, excluded, live)
    assert sum(row.values[quantity] for row in ready) == Decimal(total)
    edition = loader.reference()
    for row in ready:
        assert row.faults == ()
        content = wire.encode_record(edition.datasets[dataset].fields, row.values)
        assert validator(edition, dataset).content_violations(content) == ()


def test_what_is_excluded_is_counted_with_its_reason(jsherp: Any) -> None:
    orphan = "单据头不存在，无法判断业务类型"
    reasons = {
        code: Counter(row.reason for row in jsherp.rows(code) if row.state in (RowState.EXCLUDED, RowState.VOID))
        for code in ("3502", "3503", "3504", "3505", "3506")
    }
    only = {orphan: 1}
    assert reasons == {"3502": only, "3503": only, "3504": only, "3505": {**only, "单据已删除": 1}, "3506": only}


def test_the_direction_of_an_other_document_is_its_kind_of_change(jsherp: Any) -> None:
    """入库 其它 is 其他入库, 出库 其它 is 其他出库; a transfer between own stores is no movement and is not read."""
    found = Counter(row.values["inv_chg_type"] for row in jsherp.rows("3502") if row.state is RowState.READY)
    assert found == {"106": 2, "107": 1}


@pytest.mark.parametrize(("dataset", "quantity", "read", "excluded", "live", "total"), FIGURES)
def test_without_them_no_line_is_clean_and_each_says_what_is_missing(
    jsherp: Any, dataset: str, quantity: str, read: int, excluded: int, live: int, total: int
) -> None:
    ready = [row for row in jsherp.rows(dataset, declared=False) if row.state is RowState.READY]
    assert len(ready) == live
    common = {"not_ready", "med_list_codg", "rx_flag"}
    own = {
        "3502": set(),
        "3503": {"manu_lotnum", "manu_date", "aprvno", "expy_end", "purc_retn_opter_name"},
        "3504": {"manu_date", "expy_end", "purc_invo_no", "purc_retn_opter_name"},
        "3505": {"manu_lotnum", "manu_date", "prsc_dr_name", "phar_name", "phar_prac_cert_no", "trdn_flag", "sel_retn_opter_name"},
        "3506": {"manu_lotnum", "manu_date", "trdn_flag", "sel_retn_opter_name"},
    }
    for row in ready:
        assert {fault.field for fault in row.faults} - {"prodentp_name"} == common | own[dataset]


def test_the_missing_pharmacist_is_named_by_label_and_field(jsherp: Any) -> None:
    row = next(row for row in jsherp.rows("3505", declared=False) if row.state is RowState.READY)
    assert "药师姓名（phar_name）：站点尚未声明 phar_name" in [fault.message for fault in row.faults]


def test_where_unaudited_does_not_count_every_line_waits(jsherp: Any) -> None:
    waiting = replace(jsherp, constants={**jsherp.constants, "unaudited_counts": "no"})
    assert Counter(row.state for row in waiting.rows("3505")) == {RowState.NOT_READY: 11, RowState.EXCLUDED: 1, RowState.VOID: 1}


def test_each_line_has_a_batch_number_of_its_own(jsherp: Any) -> None:
    for dataset in ("3503", "3505"):
        numbers = [row.values["fixmedins_bchno"] for row in jsherp.rows(dataset)]
        assert len(set(numbers)) == len(numbers)
