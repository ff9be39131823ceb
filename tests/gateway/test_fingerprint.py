"""A changed source is told from ordinary work on it."""

from __future__ import annotations

import pytest

from gateway.fingerprint import Tolerance, change
from gateway.model import Mark

BEFORE = Mark("db:1", 5000, 4800)


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (Mark("db:2", 5000, 4800), "不是原来那一个（换了服务器、重建过、文件被替换，或投放文件夹、文件的名字改过）"),
        (Mark("db:1", None, 0), "一行也没有了"),
        (Mark("db:1", 4900, 4700), "由 5000 退到 4900"),
        (Mark("db:1", 4996, 4796), "像是恢复过备份"),
        (Mark("db:1", 5000, 4751), "由 4800 减到 4751"),
    ],
)
def test_another_database_an_emptied_table_and_a_restored_backup_are_told(now: Mark, told: str) -> None:
    assert told in change(BEFORE, now, Tolerance())


@pytest.mark.parametrize(
    "now",
    [
        Mark("db:1", 5000, 4800),
        Mark("db:1", 6000, 5800),
        Mark("db:1", 4997, 4797),  # the newest three were deleted
        Mark("db:1", 5000, 4752),  # one in a hundred
        Mark("db:1", 5100, 4790),
    ],
)
def test_growing_and_ordinary_deleting_are_not(now: Mark) -> None:
    assert change(BEFORE, now, Tolerance()) == ""


def test_without_a_count_any_step_back_is_told() -> None:
    assert "退到" in change(Mark("db:1", 10), Mark("db:1", 9), Tolerance())


def test_keys_without_an_order_in_time_tell_only_by_their_number() -> None:
    assert change(Mark("db:1", "ff", 50), Mark("db:1", "00", 50), Tolerance()) == ""
    assert "减到" in change(Mark("db:1", None, 50), Mark("db:1", None, 29), Tolerance())


def test_a_table_that_was_empty_may_stay_so() -> None:
    assert change(Mark("db:1", None, 0), Mark("db:1", None, 0), Tolerance()) == ""
