"""Real products' rows through both deployables: the bureau holds and the gateway tells what ../shared/targets/README.md says."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support.deployment import Deployment

from adapters import profile
from gateway.model import AsideState
from gateway.outbox import State
from gateway.standing import Standing
from schemas.wire import SHANGHAI

pytestmark = pytest.mark.targets
LIVE, VOID = "1", "0"


class Figures(NamedTuple):
    """What becomes of the rows of one data set, and a sum that the receiver's records must come to."""

    product: str
    dataset: str
    read: int
    accepted: int
    excluded: int
    not_ready: int
    quarantined: int
    field: str
    total: str


FIGURES = [
    Figures("openhis", "RX01", 37, 17, 0, 0, 20, "cnt", "26"),
    Figures("dialysis_room", "HD02", 108, 106, 2, 0, 0, "", "0"),
    Figures("dialysis_room", "HD03", 80, 77, 0, 2, 1, "duration_min", "18085"),
    Figures("jsherp", "3503", 29, 28, 1, 0, 0, "purc_retn_cnt", "473"),
    Figures("jsherp", "3505", 13, 11, 2, 0, 0, "sel_retn_cnt", "232"),
]


class Change(NamedTuple):
    """What a site's users do to one line that was reported, and what the bureau must be told of it."""

    product: str
    dataset: str
    key: str
    edit: str
    field: str
    value: str
    delete: str
    restore: str


_ITEM = "UPDATE jsh_depot_item SET {} WHERE id = {}"
_REQUEST = "UPDATE med_medication_request SET {} WHERE id = 4"
_SCHEDULE = "02e842ae-dcdb-428d-bcd1-b388476ec0ec"
_SCHEDULED = f"UPDATE schedules SET {{}} WHERE id = '{_SCHEDULE}'"
CHANGES = [
    Change(
        *("openhis", "RX01", "P00000004|4"),
        *(_REQUEST.format("quantity = 9"), "cnt", "9"),
        *(_REQUEST.format("delete_flag = '1'"), _REQUEST.format("delete_flag = '0'")),
    ),
    Change(
        *("dialysis_room", "HD02", _SCHEDULE),
        *(_SCHEDULED.format("shift = 'evening'"), "shift", "3"),
        *(_SCHEDULED.format("status = 'cancelled'"), _SCHEDULED.format("status = 'completed'")),
    ),
    Change(
        *("jsherp", "3503", "198"),
        *(_ITEM.format("oper_number = 13", 198), "purc_retn_cnt", "13"),
        *(_ITEM.format("delete_flag = '1'", 198), _ITEM.format("delete_flag = '0'", 198)),
    ),
    Change(
        *("jsherp", "3505", "202"),
        *(_ITEM.format("oper_number = 21", 202), "sel_retn_cnt", "21"),
        *(_ITEM.format("delete_flag = '1'", 202), _ITEM.format("delete_flag = '0'", 202)),
    ),
]


def expected(figures: Figures) -> dict[str, int]:
    """The account as it must be."""
    return {
        "read": figures.read,
        "accepted": figures.accepted,
        AsideState.EXCLUDED: figures.excluded,
        AsideState.NOT_READY: figures.not_ready,
        AsideState.QUARANTINED: figures.quarantined,
    }


def told(standing: Standing) -> dict[str, int]:
    """The account as the gateway gives it. Rows in any further state would be missing from the sum."""
    assert standing.balanced
    asides = {state: standing.asides.get(state, 0) for state in AsideState}
    return {"read": standing.read, "accepted": standing.states.get(State.ACCEPTED, 0), **asides}


@pytest.mark.parametrize("figures", FIGURES, ids=lambda each: f"{each.product}-{each.dataset}")
def test_the_bureau_holds_and_the_gateway_tells_the_figures_of_the_product(
    figures: Figures, deploy: Callable[..., Deployment], request: pytest.FixtureRequest
) -> None:
    site = deploy(request.getfixturevalue(figures.product), datasets=[figures.dataset])
    site.send()
    held = site.newest(figures.dataset)
    assert len(held) == figures.accepted
    assert {(body["version"], body["vali_flag"]) for body in held} == {("1", LIVE)}
    assert sum(Decimal(body.get(figures.field, 0)) for body in held) == Decimal(figures.total)
    assert told(site.account(figures.dataset)) == expected(figures)


@pytest.mark.parametrize("product", ["openhis", "dialysis_room", "jsherp"])
def test_a_second_run_sends_nothing_not_even_from_the_start(
    product: str, deploy: Callable[..., Deployment], request: pytest.FixtureRequest
) -> None:
    site = deploy(request.getfixturevalue(product))
    site.send()
    datasets = [figures.dataset for figures in FIGURES if figures.product == product]
    before = {dataset: (site.held(dataset), site.account(dataset)) for dataset in datasets}
    assert all(held for held, _ in before.values())
    assert "没有要发的" in site.send().output
    assert "没有要发的" in site.run("run", "--once", "--from-start").output
    assert {dataset: (site.held(dataset), site.account(dataset)) for dataset in datasets} == before


def test_the_twenty_lines_of_openhis_are_told_with_their_reasons(openhis: Any, deploy: Callable[..., Deployment]) -> None:
    site = deploy(openhis)
    site.send()
    assert Counter({each.reason: each.rows for each in site.grievances()}) == {
        "医疗目录编码（med_list_codg）必填，当前为空：无医保码": 12,
        "医疗目录编码（med_list_codg）为空：药品在目录中查不到": 8,
        "开方时间（rx_time）必填，当前为空：医嘱没有开立时间": 8,
    }


def test_a_treatment_without_its_time_is_told_and_two_without_an_end_wait(
    dialysis_room: Any, deploy: Callable[..., Deployment]
) -> None:
    site = deploy(dialysis_room)
    site.send()
    assert [(each.dataset, each.reason, each.rows) for each in site.grievances()] == [
        ("HD03", "上机时间（begn_time）必填，当前为空：没有上机时间", 1),
        ("HD05", "诊断编码（diag_codg）：本行没有 primary_diagnosis，不能查目录对照表", 1),
        ("HD05", "诊断名称（diag_name）必填，当前为空：没有诊断", 1),
        ("HD05", "透析方案（dialysis_plan）必填，当前为空：没有当前的透析处方", 1),
    ]


def test_without_catalogue_and_constants_nothing_of_jsherp_arrives_and_each_line_says_what_is_missing(
    jsherp: Any, deploy: Callable[..., Deployment]
) -> None:
    site = deploy(jsherp, constants={}, catalogue=None)
    site.send()
    assert site.held("3503") == site.held("3505") == {}
    for figures in FIGURES[3:]:
        undeclared = figures._replace(accepted=0, quarantined=figures.accepted)
        assert told(site.account(figures.dataset)) == expected(undeclared)
    missing = {each.reason: each.rows for each in site.grievances() if each.dataset == "3505"}
    assert missing["药师姓名（phar_name）：站点尚未声明 phar_name"] == 11
    assert missing["医疗目录编码（med_list_codg）：站点尚未提供按 bar_code 查的目录对照表"] == 11


@pytest.mark.parametrize("change", CHANGES, ids=lambda each: f"{each.product}-{each.dataset}")
def test_an_edited_row_is_version_2_a_deleted_one_withdrawn_and_a_restored_one_live_again(
    change: Change, own: Callable[[str], Any], deploy: Callable[..., Deployment]
) -> None:
    target = own(change.product)
    site = deploy(target, datasets=[change.dataset])
    site.send()
    others = len(site.held(change.dataset)) - 1
    for statement in (change.edit, change.delete, change.restore):
        assert target.execute(statement) == 1
        site.send()
    held = site.held(change.dataset)
    first, edited, withdrawn, restored = held.pop(change.key)
    assert [body["version"] for body in (first, edited, withdrawn, restored)] == ["1", "2", "3", "4"]
    assert first[change.field] != edited[change.field] == change.value
    assert first["content_hash"] != edited["content_hash"]
    assert [body["vali_flag"] for body in (first, edited, withdrawn, restored)] == [LIVE, LIVE, VOID, LIVE]
    assert withdrawn[change.field] == restored[change.field] == change.value
    assert len(held) == others
    assert {len(versions) for versions in held.values()} == {1}


def test_a_deleted_bill_withdraws_every_line_of_it_and_the_account_says_so(
    own: Callable[[str], Any], deploy: Callable[..., Deployment]
) -> None:
    target = own("jsherp")
    site = deploy(target, datasets=["3503"])
    site.send()
    ((bill, count),) = Counter(body["dynt_no"] for body in site.newest("3503")).most_common(1)
    lines = {body["key"] for body in site.newest("3503") if body["dynt_no"] == bill}
    assert len(lines) == count > 1
    assert target.execute(f"UPDATE jsh_depot_head SET delete_flag = '1' WHERE number = '{bill}'") == 1
    site.send()
    assert {body["key"] for body in site.newest("3503") if body["vali_flag"] == VOID} == lines
    account = site.account("3503")
    assert account.voided == len(lines)
    assert told(account) == expected(FIGURES[3])


def test_a_row_deleted_before_it_was_ever_sent_is_owed_to_nobody(
    own: Callable[[str], Any], deploy: Callable[..., Deployment]
) -> None:
    target = own("openhis")
    site = deploy(target)
    assert target.execute("UPDATE med_medication_request SET delete_flag = '1' WHERE id = 4") == 1
    site.send()
    assert "P00000004|4" not in site.held("RX01")
    assert told(site.account("RX01")) == expected(FIGURES[0]._replace(accepted=16, excluded=1))


def test_a_treatment_that_is_gone_from_the_database_is_withdrawn_after_two_looks(
    own: Callable[[str], Any], deploy: Callable[..., Deployment]
) -> None:
    """The treatments have no deletion flag: only the nightly look can tell."""
    target = own("dialysis_room")
    site = deploy(target, datasets=["HD03"])
    site.send()
    gone = sorted(site.held("HD03"))[0]
    assert target.execute(f"DELETE FROM dialysis_records WHERE id = '{gone}'") == 1
    night = datetime(2026, 10, 28, 2, 0, tzinfo=SHANGHAI)
    for look in range(2):
        site.send()
        assert site.held("HD03")[gone][-1]["vali_flag"] == LIVE
        site.sweep(night + timedelta(days=look))
    site.send()
    assert [body["key"] for body in site.newest("HD03") if body["vali_flag"] == VOID] == [gone]
    assert site.account("HD03").balanced


@pytest.mark.parametrize(
    ("product", "dataset", "old", "new", "there", "read"),
    [
        ("openhis", "RX01", "LEFT JOIN med_medication_definition", "JOIN med_medication_definition", 37, 29),
        ("jsherp", "3505", "LEFT JOIN jsh_depot_head", "JOIN jsh_depot_head", 13, 12),
        ("dialysis_room", "HD03", "WHERE r.id >", "WHERE r.start_time IS NOT NULL AND r.id >", 80, 79),
    ],
)
def test_a_query_that_drops_rows_does_not_balance_and_check_says_how_many_there_are(
    product: str,
    dataset: str,
    old: str,
    new: str,
    there: int,
    read: int,
    deploy: Callable[..., Deployment],
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    target = request.getfixturevalue(product)
    folder = Path(shutil.copytree(profile.load(target.profile).folder, tmp_path / "profile"))
    query = folder / "queries" / f"{dataset}.sql"
    text = query.read_text(encoding="utf-8")
    assert old in text
    site = deploy(target, profile=str(folder), datasets=[dataset])
    assert site.run("check").exit_code == 0
    query.write_text(text.replace(old, new), encoding="utf-8")
    result = site.run("check")
    assert result.exit_code == 1
    assert f"主表有 {there} 行，查询读到 {read} 行" in result.output
    assert "不平" in result.output
