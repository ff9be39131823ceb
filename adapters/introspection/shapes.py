"""What one value looks like, never what it is."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from adapters.conversion import is_blank, visible


class Shape(StrEnum):
    """How a value is written."""

    DATE = "日期"
    MOMENT = "日期时间"
    CLOCK = "时刻"
    INTEGER = "整数"
    DECIMAL = "小数"
    AMOUNT = "带单位的数"
    PERSON_NUMBER = "身份证号"
    PHONE = "电话"
    DISEASE = "疾病编码"
    DRUG = "医保药品编码"
    SERVICE = "医保项目编码"
    STAFF = "国家医师护士编码"
    TRACE = "追溯码"
    BARCODE = "条形码"
    JSON = "JSON"
    UUID = "UUID"
    CIPHER = "密文"
    WORD = "短代码"
    CHINESE = "中文"
    TEXT = "文本"


#: asked in this order, whole value
_PATTERNS: tuple[tuple[Shape, re.Pattern[str]], ...] = tuple(
    (shape, re.compile(pattern))
    for shape, pattern in (
        (Shape.PERSON_NUMBER, r"[1-9]\d{5}(?:18|19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx]"),
        (Shape.PHONE, r"1[3-9]\d{9}"),
        (
            Shape.MOMENT,
            r"\d{4}[-/.年]?\d{1,2}[-/.月]?\d{1,2}日?[ T]?\d{1,2}[:：时]?\d{2}(?:[:：分]?\d{2}秒?)?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?",
        ),
        (Shape.DATE, r"(?:19|20)\d{2}(?:[-/.年]\d{1,2}[-/.月]\d{1,2}日?|(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01]))"),
        (Shape.CLOCK, r"(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d+)?)?"),
        (Shape.DRUG, r"[XZT][A-Z0-9]{19,26}"),
        (Shape.SERVICE, r"\d{12,15}-\d{9,}|[0-9]{2}[0-9]{7}[0-9-]{6,}"),
        (Shape.STAFF, r"[DNY][0-9]{12}"),
        (Shape.TRACE, r"8\d{19}"),
        (Shape.BARCODE, r"69\d{11}"),
        (Shape.DISEASE, r"[A-Z]\d{2}(?:\.[0-9A-Za-z]{1,4})?(?:[x+*][0-9A-Za-z]*)?"),
        (Shape.UUID, r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|(?=.*[a-fA-F])[0-9a-fA-F]{32}"),
        (Shape.INTEGER, r"[+-]?\d+"),
        (Shape.DECIMAL, r"[+-]?\d*\.\d+"),
        (Shape.AMOUNT, r"[+-]?\d+(?:\.\d+)?\s*[A-Za-z%\u4e00-\u9fff/]{1,6}"),
        (Shape.JSON, r"\s*[\[{].*[\]}]\s*"),
        (Shape.CIPHER, r"(?=.*[a-z])(?=.*[A-Z0-9+/=])[A-Za-z0-9+/_-]{24,}={0,2}"),
        (Shape.WORD, r"[A-Za-z][A-Za-z0-9_+./-]{0,19}"),
    )
)
_CHINESE = re.compile(r"[\u4e00-\u9fff]")


def shape(value: Any) -> Shape | None:
    """None for nothing."""
    if is_blank(value):
        return None
    if isinstance(value, str):
        return _written(visible(value))
    for kind, found in _DRIVEN:
        if isinstance(value, kind):
            return found
    return Shape.TEXT


def _written(text: str) -> Shape:
    for found, pattern in _PATTERNS:
        if pattern.fullmatch(text):
            return found
    return Shape.CHINESE if _CHINESE.search(text) else Shape.TEXT


#: what drivers give as more than text; a bool is an int, a datetime a date
_DRIVEN: tuple[tuple[Any, Shape], ...] = (
    (bool, Shape.WORD),
    (datetime, Shape.MOMENT),
    (date, Shape.DATE),
    ((time, timedelta), Shape.CLOCK),
    (int, Shape.INTEGER),
    ((float, Decimal), Shape.DECIMAL),
    (UUID, Shape.UUID),
    ((dict, list), Shape.JSON),
)
#: ways to write a day or a moment that a mapping must name (`formats`); the first that fits all values is proposed
NOTATIONS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (notation, re.compile(pattern))
    for notation, pattern in (
        ("yyyy/M/d", r"\d{4}/\d{1,2}/\d{1,2}"),
        ("yyyy-M-d", r"\d{4}-\d{1,2}-\d{1,2}"),
        ("yyyyMMdd", r"\d{8}"),
        ("yyyy.M.d", r"\d{4}\.\d{1,2}\.\d{1,2}"),
        ("yyyy年M月d日", r"\d{4}年\d{1,2}月\d{1,2}日"),
        ("yyyy/M/d H:mm:ss", r"\d{4}/\d{1,2}/\d{1,2} \d{1,2}:\d{2}:\d{2}"),
        ("yyyy/M/d H:mm", r"\d{4}/\d{1,2}/\d{1,2} \d{1,2}:\d{2}"),
        ("yyyyMMddHHmmss", r"\d{14}"),
        ("yyyyMMddHHmm", r"\d{12}"),
    )
)
#: written so that no notation need be named
PLAIN = re.compile(r"\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?")
