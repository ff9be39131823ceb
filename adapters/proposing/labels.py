"""The codes that a comment lists: “状态 0=未开始 1=执行中” says 0 is 未开始."""

from __future__ import annotations

import re

_PAIR = re.compile(r"(?<![0-9A-Za-z])([0-9A-Za-z]{1,4})\s*[=＝:：、.\-—\s]?\s*([\u4e00-\u9fff]{1,10})")
_LEAST = 2


def listed(comment: str) -> dict[str, str]:
    """Local code -> its word; {} if the comment lists none."""
    found = dict(_PAIR.findall(comment))
    return found if len(found) >= _LEAST else {}
