"""Who is measured: each maps a local row onto the 20 fields and validates it; None for a row that is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson
from marshmallow import Schema, ValidationError, fields, validate

from adapters.compiled import CompiledMapping
from bench import handwritten
from bench.sessions import CLOCKS, CODES, COLUMNS, DATASET, EDITION, FACTS, FIELDS, MAPPING
from gateway.judging import Judge
from gateway.judging import Judged as Judgement
from gateway.model import Cursor
from schemas import build, compiled, wire
from schemas.model import Field, FieldType

Row = dict[str, Any]
Judged = Callable[[Row], Any]
NOW = datetime(2026, 11, 25, 8, tzinfo=wire.SHANGHAI)


def _written(value: Any) -> str | None:
    return None if value is None else str(value).strip()


def _take(name: str) -> Callable[[Row], str | None]:
    """How a straw man reads one field: as plainly as a mapping can be written."""
    if name == "begn_time":
        return lambda row: f"{row['session_date']} {str(row['on_clock']).zfill(8)}"
    if name == "end_time":
        return lambda row: (
            f"{row['session_date'] + timedelta(days=row['off_clock'] < row['on_clock'])} {str(row['off_clock']).zfill(8)}"
        )
    column = COLUMNS[name]
    if name in CODES:
        codes = CODES[name]
        return lambda row: codes.get(row[column], row[column])
    return lambda row: _written(row[column])


_TAKES = {spec.name: _take(spec.name) for spec in FIELDS}


def _loaded(schema: Schema) -> Judged:
    def judge(row: Row) -> Any:
        content = {name: text for name, take in _TAKES.items() if (text := take(row)) is not None}
        try:
            schema.load(content)
        except ValidationError:
            return None
        return content

    return judge


def straw_man() -> Judged:
    """A dict comprehension, then `load` of the schema class that is the authority."""
    return _loaded(build.schema_class(EDITION, FIELDS, "bench")())


def plain_marshmallow() -> Judged:
    """The same with marshmallow's own fields, which know neither blanks, calendars nor `required_if`."""
    return _loaded(Schema.from_dict({spec.name: _plain(spec) for spec in FIELDS})())


def _plain(spec: Field) -> fields.Field[Any]:
    match spec.type:
        case FieldType.NUMBER:
            return fields.Decimal(required=spec.required, validate=validate.Range(min=spec.least) if spec.least else None)
        case FieldType.DATE:
            return fields.Date(required=spec.required)
        case FieldType.DATETIME:
            return fields.DateTime(format="%Y-%m-%d %H:%M:%S", required=spec.required)
    rule = validate.OneOf(list(EDITION.codes[spec.codes].values)) if spec.codes else validate.Length(max=spec.length)
    return fields.String(required=spec.required, validate=rule)


def hand_written() -> Judged:
    """See `bench.handwritten`."""
    return handwritten.content


def generated() -> Judged:
    """The compiled mapping and the compiled check; what they are not sure of goes the long way."""
    content, slow = CompiledMapping(MAPPING, FACTS, EDITION).content, _desk()

    def run(row: Row) -> Any:
        found = content(row)
        if found is not None:
            return found
        judged = slow(row)
        return judged.content if judged.record else None

    return run


def _desk() -> Callable[[Row], Judgement]:
    """The gateway's judge on mapped rows: common fields, key, digest, and every reason of a refusal."""
    desk, cursor = Judge(EDITION, "BENCH", "bench"), Cursor(None, 0)
    return lambda row: desk.judge(MAPPING.source_row(row, cursor, FACTS), NOW)


def judge() -> Judged:
    """The record of the gateway's judge."""
    desk = _desk()
    return lambda row: desk(row).record or None


def whole_record() -> Judged:
    """Compiled all the way to the bytes of the outbox: common fields, key, digest, JSON."""
    content, judged = CompiledMapping(MAPPING, FACTS, EDITION).content, compiled.validator(EDITION, "BENCH")
    slow = judge()

    def run(row: Row) -> bytes | None:
        found = content(row)
        record = _completed(found, judged) if found is not None else None
        if record is None or not judged.fields_valid(record):
            record = slow(row)
        return orjson.dumps(record) if record else None

    return run


def _completed(content: Mapping[str, str], judged: compiled.CompiledValidator) -> dict[str, str]:
    record = {
        **content,
        "fixmedins_code": FACTS.institution,
        "key": judged.key(content),
        "version": "1",
        "vali_flag": "1",
        "edition": EDITION.id,
        "seen_at": "2026-11-25 08:00:00",
        "rid": "bench",
        "occurred_at": content[DATASET.occurred],
    }
    record["content_hash"] = judged.digest(record)
    return record


#: in the order in which they are shown: name -> (what it is, how it is made)
CONTESTANTS: dict[str, tuple[str, Callable[[], Judged]]] = {
    "straw": ("稻草人：字典推导 + marshmallow load", straw_man),
    "plain": ("同上，marshmallow 自带字段", plain_marshmallow),
    "hand": ("手写函数", hand_written),
    "compiled": ("编译：映射 + 校验", generated),
    "judge": ("网关现路径：逐字段映射 + Judge（校验已编译）", judge),
    "whole": ("编译到 outbox 字节：加公共字段、主键、摘要、JSON", whole_record),
}


def encoders() -> dict[str, Callable[[Any], Any]]:
    """Who writes the record as JSON."""
    return {"orjson": orjson.dumps, "json": lambda record: json.dumps(record, ensure_ascii=False).encode()}


__all__ = ["CLOCKS", "CONTESTANTS", "encoders"]
