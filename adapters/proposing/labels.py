"""Local codes by their words: “状态 0=未开始 1=执行中” says 0 is 未开始, and `morning` is the 上午 of a code table."""

from __future__ import annotations

import re
from functools import lru_cache

from adapters.proposing.vocabulary import vocabulary
from schemas.model import CodeTable

_PAIR = re.compile(r"(?<![0-9A-Za-z])([0-9A-Za-z]{1,4})\s*[=＝:：、.\-—\s]?\s*([\u4e00-\u9fff]{1,10})")
_LEAST = 2


def listed(comment: str) -> dict[str, str]:
    """Local code -> its word; {} if the comment lists none."""
    found = dict(_PAIR.findall(comment))
    return found if len(found) >= _LEAST else {}


def best_label(local: str, table: CodeTable) -> str:
    """The code whose label says the same as a local one; "" if none surely does."""
    meant = meaning(local)
    for code, label in table.values.items():
        if label == local or (meant and meant & meaning(label)):
            return code
    return ""


@lru_cache(maxsize=4096)
def meaning(text: str) -> frozenset[str]:
    known = vocabulary()
    found = known.of_text(text) or known.of_name(text)
    return frozenset().union(*found) - known.heads if found else frozenset()
