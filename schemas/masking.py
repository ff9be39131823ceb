"""Text of others (a sentence, a local value, an exception) made fit to be logged and shown, alike in both deployables.

Control characters go, what looks like a number of a person (身份证号, phone, card) is masked, and the rest is cut. A number that
is ours keeps its letters: H41900100001 and the msgids made of it are no phone and no card.
"""

from __future__ import annotations

import re
from collections.abc import MutableMapping
from typing import Any

LONGEST = 200  #: characters of one sentence; err_msg is C200 (interface facts §1.2)
_LONGEST_TRACE = 20_000
_MASK = "***"
#: C0, DEL, C1, line separators, and the marks that turn the direction of text or are not seen at all; line feed and tab apart
_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]+")
_FULL_WIDTH = str.maketrans("０１２３４５６７８９", "0123456789")
_BLANKS = re.compile(r"\s+")
_DAY = r"(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
_PERSONAL = re.compile(
    rf"(?<!\d)[1-9]\d{{5}}{_DAY}\d{{3}}[\dXx](?!\d)"  # 身份证号, GB 11643: region, birthday, serial, check
    r"|(?<![0-9A-Za-z])(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?![0-9A-Za-z])"  # mobile phone
    r"|(?<![0-9A-Za-z])\d{15,19}[Xx]?(?![0-9A-Za-z])"  # card, or the old 身份证号 of fifteen digits
    r"|(?<![0-9A-Za-z])\d{4}(?:[- ]\d{4}){2,3}[- ]\d{1,4}(?![0-9A-Za-z])"  # card, as it is printed
)


def shown(text: object, longest: int = LONGEST) -> str:
    """One line that may be logged and shown."""
    line = _BLANKS.sub(" ", _masked(str(text))).strip()
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def log_processor(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The last of structlog's processors before the line is written: whatever a caller gave it."""
    for name, value in event.items():
        event[name] = _masked(str(value))[-_LONGEST_TRACE:] if name == "exception" else _logged(value)
    return event


def _logged(value: Any) -> Any:
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, dict):
        return {shown(name): _logged(each) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_logged(each) for each in value]
    return value if value is None or isinstance(value, bool | int | float) else shown(value)


def _masked(text: str) -> str:
    """Unseen characters first: one of them inside a number must not hide it, nor may digits of full width."""
    return _PERSONAL.sub(_MASK, _UNSEEN.sub("", text).translate(_FULL_WIDTH))
