"""How an institution and a district are written, on both sides: what one side lets pass the other must not refuse."""

from __future__ import annotations

import re

_INSTITUTION = re.compile(r"[A-Z0-9]{6,12}")
_DISTRICT = re.compile(r"[0-9]{6}")


def institution_fault(code: str) -> str:
    """Why this is no 定点医药机构编号; "" if it is one."""
    return "" if _INSTITUTION.fullmatch(code) else "应为 6 至 12 位大写字母和数字"


def district_fault(code: str) -> str:
    """Why this is no 医保区划; "" if it is one."""
    return "" if _DISTRICT.fullmatch(code) else "应为六位数字的区划代码（请加引号）"
