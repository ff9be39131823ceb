"""What changed between two editions' fields of one record, with what it means for a site."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from schemas.model import CodeTable, Edition, Extra, Field, FieldType, Severity


class Weight(StrEnum):
    """What a site does about a change; the order is the order of telling."""

    MUST = "必须改"
    LOOK = "建议看"
    NONE = "不影响"


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference of one field."""

    field: str
    weight: Weight
    sentence: str


def fields(old: Edition, new: Edition, before: tuple[Field, ...], after: tuple[Field, ...]) -> Iterator[Finding]:
    """Fields gone, come, renamed and changed, with those of child rows; paths as in violations, without row numbers."""
    ours, theirs = {spec.name: spec for spec in before}, {spec.name: spec for spec in after}
    renamed = _renamed(ours, theirs)
    for name, spec in ours.items():
        if name in theirs:
            yield from _field(old, new, spec, theirs[name])
        elif name in renamed:
            yield Finding(name, Weight.MUST, f"字段 {_title(spec)}改名为 {renamed[name]}：映射改用新名称")
            yield from _field(old, new, spec, theirs[renamed[name]])
        else:
            yield _gone(new, spec)
    for name, spec in theirs.items():
        if name not in ours and name not in renamed.values():
            yield _come(spec)


def _renamed(ours: Mapping[str, Field], theirs: Mapping[str, Field]) -> dict[str, str]:
    """Old name -> new name, where the new field says it was the old one, or bears its label and type alone."""
    gone = [spec for name, spec in ours.items() if name not in theirs]
    come = [spec for name, spec in theirs.items() if name not in ours]
    found: dict[str, str] = {}
    for spec in gone:
        same = [each for each in come if spec.name in (each.wire_name, *each.aliases)]
        same = same or [each for each in come if (each.label, each.type) == (spec.label, spec.type)]
        if len(same) == 1 and same[0].name not in found.values():
            found[spec.name] = same[0].name
    return found


def _gone(new: Edition, spec: Field) -> Finding:
    if new.style.extra is Extra.KEEP:
        return Finding(spec.name, Weight.LOOK, f"去掉字段 {_title(spec)}：再报也放行，但已无用处")
    return Finding(spec.name, Weight.MUST, f"去掉字段 {_title(spec)}：再报会被拒收，请从映射中去掉")


def _come(spec: Field) -> Finding:
    if spec.required:
        return Finding(spec.name, Weight.MUST, f"新增必填字段 {_title(spec)}：映射须补上{_limit(spec)}")
    if spec.required_if:
        return Finding(spec.name, Weight.MUST, f"新增字段 {_title(spec)}，{_when(spec)}必填：映射须补上{_limit(spec)}")
    return Finding(spec.name, Weight.LOOK, f"新增选填字段 {_title(spec)}：机构有这项数据就补上映射{_limit(spec)}")


def _field(old: Edition, new: Edition, before: Field, after: Field) -> Iterator[Finding]:
    found = (
        *_demand(before, after),
        *_type(before, after),
        *_length(before, after),
        *_least(before, after),
        *_codes(old, new, before, after),
        *_words(before, after),
    )
    for weight, sentence in found:
        yield Finding(after.name, weight, f"{_title(after)}{sentence}")
    for each in fields(old, new, before.fields, after.fields):
        yield Finding(f"{after.name}.{each.field}", each.weight, f"{_title(after)}的子字段：{each.sentence}")


Said = Iterator[tuple[Weight, str]]


def _demand(before: Field, after: Field) -> Said:
    if before.required and not after.required:
        yield (Weight.NONE, f"改为{_when(after)}才必填") if after.required_if else (Weight.NONE, "不再必填")
    elif after.required and not before.required:
        yield Weight.MUST, "改为必填：逐行都要有值"
    elif before.required_if != after.required_if:
        if after.required_if is None:
            yield Weight.NONE, f"不再{_when(before)}必填"
        else:
            yield Weight.MUST, f"改为{_when(after)}必填"
    if before.blank_allowed and not after.blank_allowed and after.required:
        yield Weight.MUST, "不再接受空文本"


def _type(before: Field, after: Field) -> Said:
    if before.type is not after.type:
        yield Weight.MUST, f"类型由 {before.type} 改为 {after.type}：映射的转换要改"


def _length(before: Field, after: Field) -> Said:
    """Where the type changed, the two lengths say nothing of each other."""
    if before.type is not after.type or after.type not in (FieldType.TEXT, FieldType.NUMBER):
        return
    one, other = _room(before), _room(after)
    if one != other:
        shorter = any(left is not None and (right is None or left < right) for right, left in zip(one, other, strict=True))
        if not shorter:
            yield Weight.NONE, f"长度由 {_size(before)} 放宽到 {_size(after)}"
        elif after.length_severity is Severity.WARN:
            yield Weight.LOOK, f"长度由 {_size(before)} 缩短到 {_size(after)}，超长只提醒"
        else:
            yield Weight.MUST, f"长度由 {_size(before)} 缩短到 {_size(after)}：超长会被拒收，不得截断，请核对数据"
    if before.length_severity is not after.length_severity:
        strict = after.length_severity is Severity.ERROR
        yield (Weight.MUST, "超长由提醒改为拒收") if strict else (Weight.NONE, "超长由拒收改为提醒")


def _room(spec: Field) -> tuple[int | None, ...]:
    """Of C the characters; of N the digits before and after the point. None: no limit."""
    if spec.length is None:
        return (None, None)
    return (spec.length - spec.scale, spec.scale) if spec.type is FieldType.NUMBER else (spec.length, 0)


def _size(spec: Field) -> str:
    if spec.length is None:
        return "不限"
    return f"{spec.length},{spec.scale}" if spec.type is FieldType.NUMBER else str(spec.length)


def _least(before: Field, after: Field) -> Said:
    if before.least == after.least:
        return
    if after.least is None:
        yield Weight.NONE, "不再限制最小值"
    elif before.least is None or after.least > before.least:
        yield Weight.MUST, f"改为不得小于 {after.least}"
    else:
        yield Weight.NONE, f"最小值放宽到 {after.least}"


def _codes(old: Edition, new: Edition, before: Field, after: Field) -> Said:
    one, other = _table(old, before), _table(new, after)
    if other is None:
        if one is not None:
            yield Weight.NONE, f"不再限于代码表《{one.label}》"
    elif one is None:
        yield Weight.MUST, f"改为只能取代码表《{other.label}》的代码：映射须补上对照"
    else:
        yield from _values(one, other)


def _table(edition: Edition, spec: Field) -> CodeTable | None:
    return edition.codes[spec.codes] if spec.codes else None


def _values(one: CodeTable, other: CodeTable) -> Said:
    gone = [code for code in one.values if code not in other.values]
    come = [code for code in other.values if code not in one.values]
    moved = [code for code, label in one.values.items() if other.values.get(code, label) != label]
    if gone:
        yield Weight.MUST, f"的代码表《{other.label}》去掉 {_listed(one, gone)}：再报会被拒收，对照要改"
    if moved:
        told = "、".join(f"{code} 由“{one.values[code]}”改为“{other.values[code]}”" for code in moved)
        yield Weight.MUST, f"的代码表《{other.label}》改了含义：{told}"
    if come:
        yield Weight.LOOK, f"的代码表《{other.label}》增加 {_listed(other, come)}：有这类业务就补上对照"
    if one.on_wire != other.on_wire:
        yield Weight.NONE, f"的代码表《{other.label}》在报文中换了写法，网关自动换写"


def _listed(table: CodeTable, codes: list[str]) -> str:
    return "、".join(f"{code} {table.values[code]}" for code in codes)


def _words(before: Field, after: Field) -> Said:
    if before.label != after.label:
        yield Weight.LOOK, f"的中文名称由“{before.label}”改为“{after.label}”，请核对含义"
    elif before.meaning != after.meaning:
        yield Weight.LOOK, f"的说明改为：{after.meaning or '（无）'}"
    if (before.on_wire, before.format) != (after.on_wire, after.format):
        yield Weight.NONE, f"在报文中写作 {after.on_wire}{f'，格式 {after.format}' if after.format else ''}，网关自动换写"
    if set(before.aliases) != set(after.aliases):
        yield Weight.NONE, "能读的别名变了，机构不必改"


def _title(spec: Field) -> str:
    return f"{spec.label}（{spec.name}）"


def _limit(spec: Field) -> str:
    kind = f"{spec.type} {_size(spec)}" if spec.length else str(spec.type)
    return f"（{kind}{f'，代码表 {spec.codes}' if spec.codes else ''}）"


def _when(spec: Field) -> str:
    condition = spec.required_if
    return f"在 {condition.field} 为 {'、'.join(condition.values)} 时" if condition else ""
