"""Single rows on a screen or a page: what is of a person is masked, what a clerk must compare stays to be seen.

A name keeps its first character. Numbers of persons are masked wherever they stand (gateway/redaction.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from adapters.introspection import namelike
from gateway import redaction
from schemas.model import Field, FieldType

#: fields of the interface that hold a person, by their label
_LABELS = re.compile(r"姓名|证件号码|证件号$|电话|手机|住址|地址|联系人|卡号|卡识别码|人员编号|身份|(委托人|受托人|操作员)$")
#: fields of words that a person writes: of the patient and the family as well
_REMARKS = re.compile(r"备注|原因|地点|说明|内容")
_NAMES = re.compile(r"(^|_)(psn_?name|certno|psn_no|tel|phone|addr)($|_)|_name$")
#: names that are of things
_THINGS = re.compile(r"目录名称|药品名称|商品名称|项目名称|诊断名称|病种名称|规则名称|供应商|厂家|耗材|物品|科室|材料")
#: columns of a site that may hold a person, by their names
_COLUMNS = re.compile(
    r"(^|_|\b)(xm|name|xingming|sfz|sfzh|sfzhm|zjhm|idcard|id_card|phone|tel|mobile|dianhua|lxdh|sjh|address|addr|dz|jtdz|contact"
    r"|lxr|(br|hz|bz|ys|hs|yh|lxr|czy|jbr|jsr|kdys|cfys)xm)($|_|\b)"
    r"|(patient|pat|person|psn|user|doctor|nurse|real|contact|family)_?name|姓名|证件|身份证|电话|手机|住址|地址|联系人",
    re.IGNORECASE,
)
#: columns whose names are of things all the same
_THING_COLUMNS = re.compile(
    r"(drug|med|medicine|item|goods|product|material|dept|department|org|ward|hospital|supplier|factory|company|unit|device|diag\w*)_?name",
    re.IGNORECASE,
)
_LONGEST = 60
_PERSONS_NUMBER = re.compile(r"(?<![0-9A-Za-z])(?:[1-9]\d{5}(?:18|19|20)\d{2}[01]\d[0-3]\d{4}[\dXx]|1[3-9]\d{9})(?![0-9A-Za-z])")
_OWN_NUMBER = re.compile(r"\d{16,20}")
#: 医疗服务项目编码, as long as the 身份证号 of old, which begins with its region: never with a nought
_ITEM_CODE = re.compile(r"00\d{13}(-\d{1,12})?")


def of_person(spec: Field) -> bool:
    """Whether a field of the interface holds a person's name, number or way to be reached."""
    if _THINGS.search(spec.label):
        return False
    return bool(_LABELS.search(spec.label) or (_NAMES.search(spec.name) and not _THINGS.search(spec.meaning)))


def column_of_person(name: str) -> bool:
    """Whether a column is called as one that holds a person."""
    return bool(_COLUMNS.search(name))


def column_of_thing(name: str) -> bool:
    """Whether a column is called as one that holds the name of a thing."""
    return bool(_THING_COLUMNS.search(name))


def masked(value: Any, *, person: bool, plain: bool = False) -> str:
    """One line that may be shown; a JSON text as its size only. `plain`: a long number is the database's own, of no person."""
    if value is None:
        return ""
    text = "真" if value is True else "假" if value is False else str(value)
    if isinstance(value, dict | list) or text.lstrip().startswith(("{", "[")):
        return f"（JSON，{len(text)} 个字符）"
    if person and text.strip():
        return f"{text.strip()[0]}***"
    seen = _ITEM_CODE.fullmatch(text.strip()) or (plain and _OWN_NUMBER.fullmatch(text))
    return text if seen else redaction.shown(text, _LONGEST)


def of_remarks(spec: Field) -> bool:
    """Whether a field is words of somebody's own, which may name anybody."""
    return spec.type is FieldType.TEXT and not spec.codes and bool(_REMARKS.search(spec.label)) and not _THINGS.search(spec.label)


def names_nobody(spec: Field) -> bool:
    """Whether no word of a field is a name: a code is one of a list, a thing is to be compared."""
    return bool(spec.codes or spec.name.endswith(("name", "unit")))


def row_number(ref: str) -> str:
    """A row's own number, by which it is found at the site; masked where the site numbers its rows by persons."""
    return namelike.masked(redaction.shown(ref) if _PERSONS_NUMBER.search(ref) else ref)


def own_number(value: Any) -> bool:
    """Whether a value is a whole number as long as the programs of today make their keys: nobody keeps a card or 身份证号 so."""
    return type(value) is int and bool(_OWN_NUMBER.fullmatch(str(value)))


def record(content: Mapping[str, Any], specs: Mapping[str, Field]) -> dict[str, Any]:
    """A wire record with the values of persons masked, its lines too; what is no field of the data set only by its numbers."""
    return {name: _value(value, specs.get(name)) for name, value in content.items()}


def _value(value: Any, spec: Field | None) -> Any:
    if isinstance(value, list):
        inner = {each.name: each for each in spec.fields} if spec else {}
        return [record(each, inner) if isinstance(each, dict) else _value(each, None) for each in value]
    if isinstance(value, dict):
        return record(value, {})
    if isinstance(value, str):
        return masked(value, person=spec is not None and of_person(spec)) if value else value
    return value


def printed(content: Mapping[str, Any]) -> str:
    """JSON for a person's eye."""
    return json.dumps(content, ensure_ascii=False, indent=2)
