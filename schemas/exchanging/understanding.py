"""What a cell of anybody's field table means: types, lengths, yes and no, codes written into the cell. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from schemas.exchanging.layout import plain
from schemas.model import Condition, FieldType

_TYPE_WORDS = {
    FieldType.DATETIME: "日期时间型 日期时间 时间日期型 时间型 时间 DATETIME TIMESTAMP DT",
    FieldType.DATE: "日期型 日期 DATE D",
    FieldType.TEXT: "字符串型 字符串 字符型 字符 文本型 文本 "
    "NVARCHAR2 VARCHAR2 NVARCHAR VARCHAR NCHAR CHAR STRING TEXT AN A C S1 S2 S3 S",
    FieldType.NUMBER: "数值型 数值 数字型 数字 浮点型 整数型 整型 整数 金额 "
    "NUMERIC NUMBER DECIMAL DOUBLE FLOAT BIGINT INTEGER INT N",
    FieldType.ROWS: "子节点 子数组 对象数组 数组 列表 集合 节点 ARRAY LIST ROWS",
}
_BY_WORD = {word: kind for kind, words in _TYPE_WORDS.items() for word in words.split()}
_SIZE = r"\(?\s*\.{0,2}\s*(?P<length>\d+)(?:\s*,\s*(?P<scale>\d+))?\s*(?:CHAR|BYTE|位)?\s*\)?"
_TYPE = re.compile(
    rf"(?P<word>{'|'.join(sorted(_BY_WORD, key=len, reverse=True))})(?![A-Z])\s*(?:{_SIZE})?(?P<rest>.*)", re.IGNORECASE | re.DOTALL
)
_LENGTH = re.compile(
    r"\(?(?:≤|<=|最长|最大|不超过|\.\.)?\s*(?P<length>\d+)(?:\.0+)?(?:\s*,\s*(?P<scale>\d+))?\s*\)?\s*(?:位|个?字符|字节)?(?P<rest>.*)",
    re.DOTALL,
)
_NO_LENGTH = frozenset({"", "-", "--", "—", "/", "无", "不限", "不定长"})
#: how a date is written when its length says so
_FORMATS = {
    (FieldType.DATE, 8): "yyyyMMdd",
    (FieldType.DATETIME, 14): "yyyyMMddHHmmss",
    (FieldType.DATETIME, 15): "yyyyMMddTHHmmss",
    (FieldType.DATETIME, 12): "yyyyMMddHHmm",
}
_PATTERN = re.compile(r"y{4}[-/年.]?M{2}[-/月.]?d{2}日?(?:[ T]?H{2}:?m{2}(?::?s{2})?)?", re.IGNORECASE)
_YES = frozenset({"是", "Y", "YES", "TRUE", "√", "✓", "✔", "☑", "●", "必填", "必须", "必传", "必", "必填项", "M", "R", "1", "非空"})
_NO = frozenset(
    {
        "",
        "否",
        "N",
        "NO",
        "FALSE",
        "×",
        "X",
        "✗",
        "非必填",
        "选填",
        "可选",
        "可空",
        "不必填",
        "非必须",
        "O",
        "0",
        "-",
        "/",
        "空",
        "无",
    }
)
_CONDITIONAL = frozenset({"条件必填", "有条件必填", "条件", "C", "CM", "视情况", "按条件", "条件可选"})
_CODE = r"[0-9A-Za-z_]{1,12}\s*[-—–:=.、]"
_CODE_ITEM = re.compile(r"([0-9A-Za-z_]{1,12})\s*[-—–:=.、]\s*([^\d\s].*)", re.DOTALL)
#: a code right before what it means; not `1位` or `30个字符`
_BARE_ITEM = re.compile(r"(\d{1,2})\s*((?![位个条字天次元年月日时分秒])[\u4e00-\u9fff]{1,12})")
_CODE_BREAK = re.compile(rf"[;,|\n]+|[、\s/]\s*(?={_CODE})|(?<=\S)\s+(?={_CODE})")
_CONDITION = re.compile(
    r"([A-Za-z_]\w*)\s*(?:==?|取值为|等于|为|是)\s*[\"“'‘]?([0-9A-Za-z_]+(?:[\"”'’]?\s*(?:[、,/|]|或)\s*[\"“'‘]?[0-9A-Za-z_]+)*)"
)


@dataclass(frozen=True, slots=True)
class TypeCell:
    """A type, with the length and format some tables write beside it."""

    type: FieldType
    length: int | None = None
    scale: int = 0
    format: str = ""
    rest: str = ""  #: what else stands in the cell: a note in the wrong column


def read_type(text: str) -> TypeCell | None:
    """字符型(30), C..30, VARCHAR2(30), 数值型 16,4, N16,2, 日期型, DT14 …; None if it is no type."""
    found = _TYPE.fullmatch(plain(text))
    if found is None:
        return None
    kind = _BY_WORD[found["word"].upper()]
    length = int(found["length"]) if found["length"] else None
    rest = found["rest"].strip()
    pattern = _PATTERN.search(rest)
    if kind not in (FieldType.DATE, FieldType.DATETIME):
        return TypeCell(kind, length, int(found["scale"] or 0), rest=_note(rest))
    if pattern:
        rest = rest.replace(pattern[0], "")
        kind = FieldType.DATETIME if "H" in pattern[0].upper() else FieldType.DATE
        return TypeCell(kind, format=_format(pattern[0], kind), rest=_note(rest))
    return TypeCell(kind, format=_FORMATS.get((kind, length or 0), ""), rest=_note(rest))


def _format(pattern: str, kind: FieldType) -> str:
    usual = "yyyy-MM-dd" if kind is FieldType.DATE else "yyyy-MM-dd HH:mm:ss"
    return "" if pattern.lower() == usual.lower() else pattern


def _note(rest: str) -> str:
    return rest.strip(" ()，,;。:")


@dataclass(frozen=True, slots=True)
class LengthCell:
    """A length, and a note that does not belong there."""

    length: int | None
    scale: int = 0
    rest: str = ""
    guessed: bool = False


def read_length(text: str, kind: FieldType) -> LengthCell | None:
    """30, 30.0, `16,4`, (16，2), ..30, ≤30; None if it is no length. 16.4 of a number is what Excel makes of `16,4`."""
    bare = plain(text)
    if bare in _NO_LENGTH:
        return LengthCell(None)
    point = re.fullmatch(r"(\d+)\.(\d+)", bare)
    if point and int(point[2]):
        return LengthCell(int(point[1]), int(point[2]), guessed=True) if kind is FieldType.NUMBER else None
    decimals = re.fullmatch(r",(\d+)", bare)
    if decimals:
        return LengthCell(None, int(decimals[1]))
    found = _LENGTH.fullmatch(bare)
    if found is None or not int(found["length"]):
        return None
    return LengthCell(int(found["length"]), int(found["scale"] or 0), _note(found["rest"]))


@dataclass(frozen=True, slots=True)
class RequiredCell:
    """Whether a field is required, and a note that stands beside the answer."""

    required: bool
    conditional: bool = False
    rest: str = ""


def read_required(text: str) -> RequiredCell | None:
    """是, Y, √, 必填, M, O, 条件必填 …; None if it is no answer."""
    bare = plain(text).upper().rstrip("。")
    answer = _answer(bare)
    if answer:
        return answer
    head = re.match(r"(条件必填|非必填|必填|选填|是|否|Y|N|M|O)\s*[(,;:\s]\s*(.*)", plain(text), re.IGNORECASE | re.DOTALL)
    answer = _answer(head[1].upper()) if head else None
    return RequiredCell(answer.required, answer.conditional, _note(head[2])) if head and answer else None


def _answer(bare: str) -> RequiredCell | None:
    if bare in _CONDITIONAL:
        return RequiredCell(required=False, conditional=True)
    if bare in _YES or bare in _NO:
        return RequiredCell(bare in _YES)
    return None


def inline_codes(text: str) -> dict[str, str]:
    """`1-是;0-否` or `1:是，2:否` -> codes; {} unless the whole text is such a list."""
    bare = re.sub(r"^(?:代码|取值|值域)\s*:\s*(?=\S)", "", plain(text)).rstrip("。.;,")
    items = [_CODE_ITEM.fullmatch(part.strip()) for part in _CODE_BREAK.split(bare) if part.strip()]
    codes = {item[1]: item[2].strip() for item in items if item}
    return codes if items and len(codes) == len(items) else _unsigned_codes(bare)


def _unsigned_codes(bare: str) -> dict[str, str]:
    """`1男 2女`, `1 是 2 否`: codes without a sign between them and what they mean, two at least and in rising order."""
    parts = [part for part in re.split(r"[;,|、\s/]+(?=\d)", bare) if part]
    items = [_BARE_ITEM.fullmatch(part) for part in parts]
    codes = {item[1]: item[2] for item in items if item}
    numbers = [int(code) for code in codes]
    return codes if len(codes) == len(parts) > 1 and numbers == sorted(numbers) else {}


def codes_within(text: str) -> dict[str, str]:
    """Codes listed somewhere in a note; {} unless there are at least two of them."""
    bare = plain(text)
    for start in re.finditer(rf"(?<![0-9A-Za-z_.]){_CODE}", bare):
        for tail in (bare[start.start() :], re.split(r"[。)]", bare[start.start() :])[0]):
            codes = inline_codes(tail)
            if len(codes) > 1:
                return codes
    return {}


def condition_within(text: str) -> Condition | None:
    """`mdtrt_setl_type 为 1 时必填` -> a condition; None if the note states none."""
    found = _CONDITION.search(plain(text))
    if found is None:
        return None
    return Condition(found[1], tuple(re.findall(r"[0-9A-Za-z_]+", found[2])))
