"""How often the right column is among the first three, on the databases of real products (bench/RESULTS.md has the table)."""

from __future__ import annotations

from typing import Any

import pytest

from adapters import profile
from adapters.connection import SiteDatabase
from adapters.proposing.survey import Survey
from bench.proposals import Measured, measure
from schemas import loader

pytestmark = pytest.mark.targets


def measured(target: Any, *datasets: str) -> list[Measured]:
    survey, shipped = Survey(SiteDatabase(target.url, 30)), profile.load(target.profile)
    return [measure(survey, shipped, loader.reference(), each) for each in datasets]


def test_every_column_of_the_dialysis_room_is_among_the_first_three(dialysis_room: Any) -> None:
    for found in measured(dialysis_room, "HD02", "HD03"):
        assert (found.among, found.rank) == (found.fields, 1), found


def test_three_in_four_of_openhis_though_its_drugs_lie_two_tables_away(openhis: Any) -> None:
    (found,) = measured(openhis, "RX01")
    assert found.among >= 9, found
    assert 1 <= found.rank <= 3


def test_three_in_four_of_jsherp_whose_movements_are_lines_of_a_document(jsherp: Any) -> None:
    found = measured(jsherp, "3503", "3505")
    assert sum(each.among for each in found) >= 15, found
    assert all(1 <= each.rank <= 3 for each in found)
