"""What a process starts with is not walked again."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from jobs import garbage


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """The collector of the tests stays as it was."""
    seldom = gc.get_threshold()
    yield
    gc.set_threshold(*seldom)
    gc.unfreeze()


def test_what_is_there_is_spared_and_rings_are_still_found() -> None:
    garbage.spare()
    assert gc.get_freeze_count() > 1000
    assert gc.get_threshold()[0] > 700
    ring: list[object] = []
    ring.append(ring)
    del ring
    assert gc.collect() >= 1
