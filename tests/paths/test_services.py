"""A REST and a SOAP service from their templates to the bureau: sent once, edited as the next version, gone and withdrawn."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.deployment import Deployment, deployed
from support.services import BEGAN, PASSWORD, USER, Reply, RestHis, SoapHis, served, session, treatment

import adapters
from gateway.outbox import State
from schemas.wire import SHANGHAI

INSTITUTION, DATASET = "H41000000001", "HD03"
TEMPLATES = Path(adapters.__path__[0]) / "templates"


@dataclass
class Hospital:
    """A service with seven dialyses, and the gateway that asks it."""

    site: Deployment
    rows: list[dict[str, Any]]
    row: Callable[..., dict[str, Any]]
    break_off: Callable[[], None]
    mend: Callable[[], None]


@pytest.fixture(params=["rest", "soap"])
def hospital(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hospital]:
    """Each kind in turn."""
    with ExitStack() as stack:
        row: Callable[..., dict[str, Any]] = session if request.param == "rest" else treatment
        rows = [row(number) for number in range(7)]
        his: Any = RestHis(rows) if request.param == "rest" else SoapHis(rows)
        down: list[bool] = []

        def answer(asked: Any) -> Reply | None:
            return None if down else his.answer(asked)

        url = stack.enter_context(served(answer))
        folder = shutil.copytree(TEMPLATES / request.param, tmp_path / "profile")
        service = {"url": url, "user": USER, "password": {"file": "his.password"}, "read_timeout": 3}
        entry = {"profile": str(folder), "service": service, "constants": {"org_code": "07"}, "datasets": [DATASET]}
        site = stack.enter_context(deployed(tmp_path / "site", INSTITUTION, entry, {"his.password": PASSWORD}))
        yield Hospital(site, rows, row, lambda: down.append(True), down.clear)


def versions(site: Deployment) -> list[int]:
    return sorted(len(found) for found in site.held(DATASET).values())


def test_rows_are_sent_once_and_an_edited_one_as_its_next_version(hospital: Hospital) -> None:
    assert hospital.site.run("check").exit_code == 0
    hospital.site.send()
    hospital.site.send()
    assert versions(hospital.site) == [1] * 7
    later = str(BEGAN + timedelta(hours=9)).replace(" ", "T" if hospital.row is treatment else " ")
    hospital.rows[3] = hospital.row(3, machine="另一台", updatedAt=later)
    hospital.site.send()
    assert versions(hospital.site) == [1] * 6 + [2]
    assert hospital.site.account(DATASET).states[State.ACCEPTED] >= 7


def test_what_the_service_has_no_more_is_withdrawn_after_two_looks(hospital: Hospital) -> None:
    hospital.site.send()
    del hospital.rows[3]
    for hours in (30, 31):
        hospital.site.sweep(BEGAN.replace(tzinfo=SHANGHAI) + timedelta(hours=hours))
    hospital.site.send()
    (gone,) = (found for found in hospital.site.held(DATASET).values() if len(found) == 2)
    assert [body["vali_flag"] for body in gone] == ["1", "0"]


def test_a_service_that_is_away_costs_nothing_but_time(hospital: Hospital) -> None:
    hospital.break_off()
    result = hospital.site.run("run", "--once")
    assert result.exit_code == 1
    told = result.output.replace("\n", "")
    assert "数据源 local 的 HD03" in told
    assert PASSWORD not in told
    hospital.mend()
    hospital.site.send()
    assert versions(hospital.site) == [1] * 7
