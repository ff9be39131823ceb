"""A month of three institutions by a script of troubles: manifests, board and alarms said each day what the script caused."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.month import playing, sites, verdict


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], list[str]]:
    """What was said otherwise than the script makes right; and lateness charged to the wrong party."""
    folder: Path = tmp_path_factory.mktemp("month")
    with sites.running(folder / "month") as district:
        said = playing.play(district)
        return list(verdict.differences(said)), list(verdict.charged(district))


def test_every_day_is_said_to_be_what_it_was(month: tuple[list[str], list[str]]) -> None:
    assert month[0] == []


def test_lateness_is_charged_to_whoever_caused_it(month: tuple[list[str], list[str]]) -> None:
    assert month[1] == []
