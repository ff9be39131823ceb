"""The board's limits are data: each with its source and date, and none is taken without."""

from __future__ import annotations

from pathlib import Path

import pytest

from compliance import thresholds
from schemas.errors import SpecError

GOOD = Path(thresholds.__file__).parent / "policy" / "board.yaml"


def test_the_shipped_ones_load() -> None:
    found = thresholds.shipped()
    assert (found.late_after, found.silent_after, found.day_coverage) == (2, 6, 98)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("{value: 2, source: 本产品拟定：许丢一次心跳, ", "{value: 2, ", "late_after.source"),
        ("late_after: {value: 2,", "late_after: {value: 0,", "应不小于 1"),
        ("late_after: {value: 2,", "late_after: {value: 6,", "应大于 late_after"),
        ("late_after:", "later_after:", "是否想写 late_after"),
        ('满分 98％, dated: "2026-11-25"', '满分 98％, dated: "去年"', "应为加引号的日期"),
    ],
)
def test_a_limit_that_nobody_can_trace_is_refused(tmp_path: Path, old: str, new: str, told: str) -> None:
    text = GOOD.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "board.yaml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(SpecError, match=told):
        thresholds.load(path)
