"""Whole products read through KingbaseES's driver come out as through PostgreSQL's: the rows, their order and their cursors."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from adapters import profile
from adapters.databases.sql import SqlSource
from schemas import loader

pytest.importorskip("ksycopg2", reason="the vendor publishes no driver for this system")
pytestmark = pytest.mark.targets


def by_kingbase(target: Any) -> dict[str, SqlSource]:
    """The same profile, as a site writes it whose product moved to KingbaseES."""
    found = profile.load(target.profile)
    moved = replace(found, plan=replace(found.plan, dialects=("kingbase",)))
    site = replace(target.site, url=target.url.set(drivername="kingbase"))
    return {source.dataset: source for source in profile.open_sources(moved, site, loader.reference())}


@pytest.mark.parametrize("name", ["openhis", "dialysis_room"])
def test_every_row_of_every_data_set_is_the_same(request: pytest.FixtureRequest, name: str) -> None:
    target = request.getfixturevalue(name)
    for dataset, source in by_kingbase(target).items():
        rows = [row for page in source.pages(None, 7) for row in page.rows]
        assert rows, dataset
        assert rows == target.rows(dataset), dataset
