"""Edition -> marshmallow Schema classes: the authority on what a valid record is.

Gateway and bureau judge the same wire record by the same class, so a record accepted here is accepted there.
All violations of a record are told at once, each with its rule id and a Chinese sentence that never carries the value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from marshmallow import EXCLUDE, INCLUDE, RAISE, Schema, ValidationError, fields, missing, validates_schema

from schemas import wire
from schemas.errors import RecordInvalidError, WireError
from schemas.model import CodeTable, Dataset, Edition, Extra, Field, FieldType, Node, Severity, Violation
from schemas.record import business_key, content_hash

#: every rule id and its sentence
_MESSAGES = {
    "required": "必填，当前为空",
    "required_if": "在 {field} 为 {values} 时必填，当前为空",
    "type": "类型不对：{detail}",
    "format": "格式不对：{detail}",
    "length": "超长：最多 {limit} 个字符",
    "least": "太小：至少为 {least}",
    "precision": "超出精度：整数位最多 {whole} 位、小数最多 {scale} 位",
    "code": "不在代码表《{table}》内",
    "unknown": "规范中没有这个字段",
    "key": "与记录的主键字段 {fields} 不符",
    "content_hash": "与内容不符，记录在途中被改动或编码不一致",
}


class _SpecField(fields.Field[Any]):
    """A field of the edition: wire text in, value out."""

    def __init__(self, spec: Field, table: CodeTable | None) -> None:
        super().__init__(required=spec.required, allow_none=False)
        self.spec, self.table = spec, table

    def deserialize(self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any) -> Any:
        """Absent, null and blank are one case: nothing was given."""
        return super().deserialize(value if _given(self.spec, value) else missing, attr, data, **kwargs)

    def make_error(self, key: str, **kwargs: Any) -> ValidationError:
        """The only built-in refusal left is that of a required field without a value."""
        return self.refuse("required")

    def refuse(self, rule: str, **details: Any) -> ValidationError:
        """A ValidationError carrying (rule, sentence); the path is added when the errors are collected."""
        return ValidationError([_Refusal(self.spec, rule, details)])

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        parsed = self._decode(value)
        self._check(value, parsed)
        return parsed

    def _decode(self, value: Any) -> Any:
        try:
            return wire.decode(self.spec, value)
        except WireError as error:
            raise self.refuse("format" if isinstance(value, str) else "type", detail=str(error)) from None

    def _check(self, text: str, parsed: Any) -> None:
        """One refusal at most. What is only told comes last: it must not hide an error."""
        checks = (self._check_size, self._check_value)
        for check in checks if self.spec.length_severity is Severity.ERROR else reversed(checks):
            check(text, parsed)

    def _check_size(self, text: str, parsed: Any) -> None:
        spec = self.spec
        if spec.type is FieldType.TEXT and spec.length and len(text) > spec.length:
            raise self.refuse("length", limit=spec.length)
        if spec.type is FieldType.NUMBER and spec.length and not _fits(text, spec.length, spec.scale):
            raise self.refuse("precision", whole=spec.length - spec.scale, scale=spec.scale)

    def _check_value(self, text: str, parsed: Any) -> None:
        spec = self.spec
        if spec.least is not None and parsed < spec.least:
            raise self.refuse("least", least=spec.least)
        if self.table and text not in self.table.values and text != "":
            raise self.refuse("code", table=self.table.label)


def _given(spec: Field, value: Any) -> bool:
    """Whether a wire value says anything. Some senders leave a field out, some send null, some "" (interface facts §10)."""
    if isinstance(value, str):
        return spec.blank_allowed or bool(value.strip())
    return value is not missing and value is not None and value != []


def _fits(text: str, digits: int, scale: int) -> bool:
    """N p,s: at most p-s digits before and s after the point; zeros at either end do not count.

    Counted on the text, because Decimal rounds to 28 digits as soon as it computes.
    """
    whole, _, places = text.removeprefix("-").partition(".")
    return len(whole.lstrip("0")) <= digits - scale and len(places.rstrip("0")) <= scale


class _Rows(_SpecField):
    """A child array; each row is judged by its own schema."""

    def __init__(self, spec: Field, rows: type[Schema]) -> None:
        super().__init__(spec, None)
        self.rows = rows

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
            raise self.refuse("type", detail="应为数组")
        return self.rows(many=True).load(value)


class _Refusal:
    """Why one field was refused; becomes a Violation once its path is known."""

    __slots__ = ("details", "rule", "spec")

    def __init__(self, spec: Field, rule: str, details: Mapping[str, Any]) -> None:
        self.spec, self.rule, self.details = spec, rule, details

    def at(self, path: str) -> Violation:
        """The violation at `path`."""
        return violation(self.spec, self.rule, path, **self.details)


def violation(spec: Field, rule: str, path: str = "", **details: Any) -> Violation:
    """A violation of `rule` with the standard sentence: 「标签（字段）…」."""
    path = path or spec.name
    severity = spec.length_severity if rule in ("length", "precision") else Severity.ERROR
    return Violation(path, rule, f"{spec.label}（{path}）{_MESSAGES[rule].format(**details)}", severity)


class _RecordSchema(Schema):
    """Adds what marshmallow does not know: required_if."""

    spec_fields: tuple[Field, ...] = ()

    class Meta:
        unknown = RAISE
        register = False  # marshmallow's registry is global and would keep every edition alive

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _required_if(self, data: Mapping[str, Any], original: Mapping[str, Any], **kwargs: Any) -> None:
        """Judged on what was sent: a field that is there but wrong has been told already."""
        refusals = {
            spec.name: [
                _Refusal(spec, "required_if", {"field": spec.required_if.field, "values": "、".join(spec.required_if.values)})
            ]
            for spec in self.spec_fields
            if spec.required_if
            and original.get(spec.required_if.field) in spec.required_if.values
            and not _given(spec, original.get(spec.name))
        }
        if refusals:
            raise ValidationError(refusals)


class _Lenient(_RecordSchema.Meta):
    """For a region whose messages carry more than its document says."""

    unknown = INCLUDE


def schema_class(edition: Edition, specs: tuple[Field, ...], name: str) -> type[Schema]:
    """A marshmallow Schema class for these fields. KeyError if a field names a code table the edition does not have."""
    members: dict[str, Any] = {spec.name: _member(edition, spec, f"{name}.{spec.name}") for spec in specs}
    members["spec_fields"] = specs
    members["Meta"] = _Lenient if edition.style.extra is Extra.KEEP else _RecordSchema.Meta
    return type(name, (_RecordSchema,), members)


def _member(edition: Edition, spec: Field, name: str) -> _SpecField:
    if spec.type is FieldType.ROWS:
        return _Rows(spec, schema_class(edition, spec.fields, name))
    return _SpecField(spec, edition.codes[spec.codes] if spec.codes else None)


class Validator:
    """Judges wire records of one data set."""

    def __init__(self, edition: Edition, dataset: Dataset) -> None:
        self.dataset = dataset
        self._specs = (*edition.common, *dataset.fields)
        self._schema = schema_class(edition, self._specs, dataset.code)()
        self._content = schema_class(edition, dataset.fields, dataset.code)(unknown=EXCLUDE)

    def violations(self, record: Mapping[str, Any]) -> tuple[Violation, ...]:
        """Everything that is wrong with a whole record; empty when it is valid.

        Key and digest are compared only when the fields are right: they would be wrong for the same cause.
        """
        found = tuple(each for each in self._judge(self._schema, record) if each.severity is Severity.ERROR)
        if found:
            return found
        if record["key"] != business_key(self.dataset, record):
            return (self._violation("key", fields="、".join(self.dataset.key)),)
        if record["content_hash"] != content_hash(self.dataset, record):
            return (self._violation("content_hash"),)
        return ()

    def warnings(self, record: Mapping[str, Any]) -> tuple[Violation, ...]:
        """What is told of a record that may travel all the same."""
        return tuple(each for each in self._judge(self._schema, record) if each.severity is Severity.WARN)

    def content_violations(self, content: Mapping[str, Any]) -> tuple[Violation, ...]:
        """What is wrong with the data set's own fields, before the common ones are known."""
        return tuple(each for each in self._judge(self._content, content) if each.severity is Severity.ERROR)

    def load(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """The record's values. RecordInvalidError carries every violation."""
        found = self.violations(record)
        if found:
            raise RecordInvalidError(found)
        given = (spec for spec in self._specs if _given(spec, record.get(spec.name)))
        return {spec.name: wire.decode(spec, record[spec.name]) for spec in given}

    def _judge(self, schema: Schema, record: Mapping[str, Any]) -> tuple[Violation, ...]:
        try:
            schema.load(record)
        except ValidationError as error:
            return tuple(_flatten(error.messages_dict, ""))
        return ()

    def _violation(self, name: str, **details: Any) -> Violation:
        """Of a common field whose rule has the field's own name."""
        return next(violation(spec, name, **details) for spec in self._specs if spec.name == name)


def _flatten(messages: Any, path: str) -> Iterator[Violation]:
    """marshmallow's nested {field: {index: {field: [refusal]}}} -> violations with paths."""
    if isinstance(messages, dict):
        for name, inner in messages.items():
            yield from _flatten(inner, _below(path, name))
        return
    for refusal in messages:
        if isinstance(refusal, _Refusal):
            yield refusal.at(path)
        else:  # marshmallow's own sentence: only for a name the edition does not have
            yield Violation(path, "unknown", f"{path}：{_MESSAGES['unknown']}")


def _below(path: str, name: str | int) -> str:
    if isinstance(name, int):
        return f"{path}[{name}]"
    return f"{path}.{name}" if path else name


def node_violations(edition: Edition, node: Node, content: Mapping[str, Any]) -> tuple[Violation, ...]:
    """What is wrong with one row of a node of a transaction that is called: errors and warnings, without the common fields."""
    try:
        _node_schema(edition, node).load(content)
    except ValidationError as error:
        return tuple(_flatten(error.messages_dict, ""))
    return ()


@cache
def _node_schema(edition: Edition, node: Node) -> Schema:
    return schema_class(edition, node.fields, node.name)()


@cache
def validator(edition: Edition, code: str) -> Validator:
    """The validator of one data set; built once per edition. KeyError if the edition has no such data set."""
    return Validator(edition, edition.datasets[code])
