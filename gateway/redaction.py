"""The one place where text of others is made fit to be logged and shown: `schemas.masking`, and reasons of violations."""

from __future__ import annotations

import re
from dataclasses import replace

from schemas.masking import LONGEST, log_processor, shown
from schemas.model import Field, FieldType, Violation

__all__ = ["LONGEST", "log_processor", "reason", "shown", "value"]

_LONGEST_VALUE = 60
_MASK = "***"
#: what stands for something and says nothing by itself
_CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z._:/|+ -]{0,99}")
#: fields that tell one person from all others
_OF_PERSON = re.compile(r"(?:cert_?no|psn_no|_name|^name|tel|phone|mobile|addr|owner|agent|operator)$")


def value(spec: Field, text: str) -> str:
    """What of a field's value may be shown to whoever has to mend it: numbers, dates and codes. Of words only how many they are.

    Words may be a name whatever the field is called; what names a person by a number is never shown.
    """
    plain = spec.type in (FieldType.NUMBER, FieldType.DATE, FieldType.DATETIME) or bool(spec.codes)
    if plain or (_CODE.fullmatch(text) and not _OF_PERSON.search(spec.name)):
        return shown(text, _LONGEST_VALUE)
    return f"{_MASK}（{len(text)} 个字符）"


def reason(violation: Violation) -> Violation:
    """A reason that carries text of others, e.g. the platform's or a local code."""
    clean = replace(violation, field=shown(violation.field), rule=shown(violation.rule), message=shown(violation.message))
    return violation if clean == violation else clean
