"""Binary floats of a service as the decimals that they stand for: gSOAP writes 0.3333, kept as a double, 0.33329999999999999."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from struct import pack
from typing import Any

#: digits that a decimal keeps through the format; one with more was written out of it
_KEPT = {"f": 6, "d": 15}
_MOST = 17


def shortened(tree: Any, formats: Mapping[str, str], at: str = "") -> Any:
    """The tree with each such text as the shortest decimal of the same float, if it has more digits than a decimal keeps."""
    if not formats:
        return tree
    if isinstance(tree, Mapping):
        return {name: shortened(value, formats, f"{at}.{name}" if at else name) for name, value in tree.items()}
    if isinstance(tree, list):
        return [shortened(each, formats, at) for each in tree]
    return _shortest(tree, formats[at]) if at in formats and isinstance(tree, str) else tree


def _shortest(text: str, code: str) -> str:
    digits = text.lower().partition("e")[0]
    if "." not in digits or sum(map(str.isdigit, digits)) <= _KEPT[code]:
        return text
    try:
        same = pack(code, float(text))
        shorter = (f"{float(text):.{length}g}" for length in range(_KEPT[code], _MOST + 1))
        return format(Decimal(next(each for each in shorter if pack(code, float(each)) == same)).normalize(), "f")
    except (ValueError, OverflowError):
        return text
