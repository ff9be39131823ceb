"""Data set -> JSON Schema 2020-12 of one record, for those who check records without our code.

It states what a sender writes, in wire text: a field without a value is left out. Stricter than the marshmallow classes there
(those also read null and blanks as nothing given), and weaker where JSON Schema has no word: key and digest of the whole
record, days that no calendar has, and a lower bound other than zero or one.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from schemas.model import Dataset, Edition, Extra, Field, FieldType, Severity

Schema = dict[str, Any]
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_PRINTABLE = "[^\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f]"
_MONTH, _DAY = "(0[1-9]|1[0-2])", "(0[1-9]|[12][0-9]|3[01])"
_YEAR = "(19|20|21)[0-9]{2}"  # schemas.wire.YEARS
_DATE = f"{_YEAR}-{_MONTH}-{_DAY}"
_PATTERNS = {
    FieldType.DATE: f"^{_DATE}$",
    FieldType.DATETIME: f"^{_DATE} ([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$",
}


def schema(edition: Edition, dataset: Dataset) -> Schema:
    """The schema of one whole record, common fields included; of a transaction that is called, of one row of its first node."""
    common = edition.common if dataset.uploaded else ()
    return {
        "$schema": _DIALECT,
        "$id": f"urn:liangding:{edition.id}:{dataset.code}",
        "title": f"{dataset.code} {dataset.name}",
        **_object(edition, (*common, *dataset.fields)),
    }


def _object(edition: Edition, fields: tuple[Field, ...]) -> Schema:
    found: Schema = {
        "type": "object",
        "properties": {spec.name: _property(edition, spec) for spec in fields},
        "required": [spec.name for spec in fields if spec.required],
        "additionalProperties": edition.style.extra is Extra.KEEP,
    }
    conditions = list(_conditions(fields))
    return {**found, "allOf": conditions} if conditions else found


def _conditions(fields: tuple[Field, ...]) -> Iterable[Schema]:
    for spec in fields:
        if spec.required_if:
            holds = {"enum": list(spec.required_if.values)}
            other = spec.required_if.field
            yield {"if": {"properties": {other: holds}, "required": [other]}, "then": {"required": [spec.name]}}


def _property(edition: Edition, spec: Field) -> Schema:
    named = {"title": spec.label} | ({"description": spec.meaning} if spec.meaning else {})
    return {**named, **_shape(edition, spec)}


def _shape(edition: Edition, spec: Field) -> Schema:
    match spec.type:
        case FieldType.ROWS:
            return {"type": "array", "minItems": 1, "items": _object(edition, spec.fields)}
        case FieldType.NUMBER:
            return {"type": "string", "pattern": _number(spec)}
        case FieldType.TEXT:
            return _text(edition, spec)
        case _:
            return {"type": "string", "pattern": _PATTERNS[spec.type]}


def _text(edition: Edition, spec: Field) -> Schema:
    """Not blank, unless the field may be; free of control characters."""
    found: Schema = {"type": "string"}
    if spec.length and spec.length_severity is Severity.ERROR:
        found["maxLength"] = spec.length
    if spec.codes:
        return {**found, "enum": [*edition.codes[spec.codes].values, *([""] if spec.blank_allowed else [])]}
    seen = "" if spec.blank_allowed else "(?=[\\s\\S]*\\S)"
    return {**found, "pattern": f"^{seen}{_PRINTABLE}*$"}


def _number(spec: Field) -> str:
    """Zeros at either end do not count as digits; a bound of zero or one shows in the sign."""
    least = spec.least
    sign = "-?" if least is None or least < 0 else ""
    positive = "(?=[0-9.]*[1-9])" if least is not None and least > 0 else ""
    if least is not None and least >= Decimal(1):
        positive = "(?=0*[1-9])"
    if spec.length is None or spec.length_severity is Severity.WARN:
        return f"^{sign}{positive}[0-9]+(\\.[0-9]+)?$"
    whole = spec.length - spec.scale
    return f"^{sign}{positive}(?=[0-9])0*[0-9]{{0,{whole}}}(\\.(?=[0-9])[0-9]{{0,{spec.scale}}}0*)?$"
