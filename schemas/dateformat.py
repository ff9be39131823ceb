"""How a region writes a date or time, e.g. yyyyMMddHHmmss, against the one text of schemas/wire.py (interface facts §10.9)."""

from __future__ import annotations

import re
from functools import cache

from schemas.errors import WireError
from schemas.model import FieldType

#: how schemas/wire.py writes them: the form inside the product
CANONICAL = {FieldType.DATE: "yyyy-MM-dd", FieldType.DATETIME: "yyyy-MM-dd HH:mm:ss"}
_DIGITS = {"yyyy": 4, "MM": 2, "dd": 2, "HH": 2, "mm": 2, "ss": 2, "SSS": 3}
_NEEDED = {FieldType.DATE: ("yyyy", "MM", "dd"), FieldType.DATETIME: ("yyyy", "MM", "dd", "HH", "mm", "ss")}
_PIECE = re.compile(r"'(?P<quoted>[^']*)'|(?P<part>yyyy|MM|dd|HH|mm|SSS|ss)|(?P<mark>.)", re.DOTALL)
_TEXT = re.compile(r"(?P<yyyy>[0-9]{4})-(?P<MM>[0-9]{2})-(?P<dd>[0-9]{2})( (?P<HH>[0-9]{2}):(?P<mm>[0-9]{2}):(?P<ss>[0-9]{2}))?")
_MIDNIGHT = {"HH": "00", "mm": "00", "ss": "00", "SSS": "000"}


class DateFormat:
    """A pattern of yyyy MM dd HH mm ss SSS, marks, and letters in single quotes. WireError if it cannot say the type."""

    def __init__(self, pattern: str, kind: FieldType) -> None:
        pieces = list(_PIECE.finditer(pattern))
        parts = [piece["part"] for piece in pieces if piece["part"]]
        missing = [part for part in _NEEDED[kind] if part not in parts]
        letters = [piece["mark"] for piece in pieces if piece["mark"] and piece["mark"].isalnum()]
        if missing or letters or len(set(parts)) != len(parts):
            reason = f"缺少 {'、'.join(missing)}" if missing else f"不认识 {letters[0]}" if letters else "同一部分写了两次"
            raise WireError(f"日期格式 {pattern} 用不了：{reason}")
        self._kind, self._same = kind, pattern == CANONICAL[kind]
        self._template = "".join(f"{{{piece['part']}}}" if piece["part"] else _braces(_literal(piece)) for piece in pieces)
        self._shape = re.compile("".join(_group(piece) for piece in pieces))

    def write(self, text: str) -> str:
        """The region's text of a wire text. What is no date stays as it is: judging is not done here."""
        found = None if self._same else _TEXT.fullmatch(text)
        if found is None:
            return text
        return self._template.format(**_MIDNIGHT | {part: digits for part, digits in found.groupdict().items() if digits})

    def read(self, text: str) -> str:
        """The wire text of a region's text; one that does not fit stays as it is and is refused as malformed later."""
        found = None if self._same else self._shape.fullmatch(text)
        if found is None:
            return text
        said = _MIDNIGHT | found.groupdict()
        if self._kind is FieldType.DATETIME:
            return "{yyyy}-{MM}-{dd} {HH}:{mm}:{ss}".format(**said)
        if any(int(said[part]) for part in _MIDNIGHT):
            return text  # a date cannot hold a time of day; dropping it would change the record
        return "{yyyy}-{MM}-{dd}".format(**said)


@cache
def dateformat(pattern: str, kind: FieldType) -> DateFormat:
    """The format of that pattern, made once."""
    return DateFormat(pattern, kind)


def _literal(piece: re.Match[str]) -> str:
    return str(piece["mark"] if piece["quoted"] is None else piece["quoted"])


def _braces(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _group(piece: re.Match[str]) -> str:
    part = piece["part"]
    return f"(?P<{part}>[0-9]{{{_DIGITS[part]}}})" if part else re.escape(_literal(piece))
