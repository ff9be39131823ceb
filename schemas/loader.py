"""YAML under `两定接口/` -> `Edition`. Every error names file, line and key.

edition.yaml            code, version, cadences, limits, scenes
common.yaml             fields that every record carries, and the 公共报文头
datasets/<code>.yaml    one kind of record (HD01 …)
transactions/<infno>.yaml   one national transaction (3505 …)
codes/<table>.yaml      one code table
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TypeVar

from schemas import yamlfile
from schemas.model import (
    Cadence,
    CodeTable,
    Condition,
    Confidence,
    Dataset,
    DayOff,
    Edition,
    Empty,
    Encoding,
    Extra,
    Field,
    FieldType,
    Form,
    Node,
    Numbers,
    Parent,
    Replay,
    Severity,
    Source,
    Style,
    Success,
)
from schemas.yamlfile import Section

E = TypeVar("E", bound=StrEnum)
REFERENCE = Path(__file__).parent / "两定接口"


@cache
def reference() -> Edition:
    """The reference edition that ships with the product."""
    return load(REFERENCE)


def load(folder: Path) -> Edition:
    """Read a whole edition; SpecError says what is wrong and where."""
    head = yamlfile.read(folder / "edition.yaml").known(
        *("code", "version", "name", "infver", "body_limit", "scenes", "cadences", "style", "source")
    )
    common = yamlfile.read(folder / "common.yaml").known("source", "record", "header")
    return Edition(
        code=head.need("code", str),
        version=head.need("version", str),
        name=head.need("name", str),
        infver=head.need("infver", str),
        body_limit=head.at_least("body_limit", 1),
        scenes=head.texts("scenes"),
        style=read_style(head.optional("style")),
        cadences={name: read_cadence(name, each) for name, each in head.named("cadences").items()},
        source=read_source(head),
        common=_fields(common, "record", read_source(common)),
        header=_fields(common, "header", read_source(common)),
        datasets=_datasets(folder),
        codes=_code_tables(folder / "codes"),
    )


def read_style(section: Section | None, base: Style = Style()) -> Style:  # noqa: B008 - frozen
    """The style under `style:`; what it does not say is as in `base`."""
    if section is None:
        return base
    section.known("numbers", "empty", "extra", "date", "datetime", "charset")
    return Style(
        numbers=read_enum(section, "numbers", Numbers, base.numbers),
        empty=read_enum(section, "empty", Empty, base.empty),
        extra=read_enum(section, "extra", Extra, base.extra),
        date=section.text("date", base.date),
        datetime=section.text("datetime", base.datetime),
        charset=section.text("charset", base.charset),
    )


def _datasets(folder: Path) -> dict[str, Dataset]:
    found: dict[str, Dataset] = {}
    for path in sorted([*(folder / "datasets").glob("*.yaml"), *(folder / "transactions").glob("*.yaml")]):
        section = yamlfile.read(path)
        dataset = read_dataset(section)
        if dataset.code != path.stem:
            raise section.error(f"编号 {dataset.code} 与文件名 {path.stem} 不一致", "code")
        found[dataset.code] = dataset
    return found


def read_dataset(section: Section) -> Dataset:
    """One whole data set or transaction."""
    section.known(
        *("code", "name", "infno", "scene", "cadence", "key", "occurred", "replay", "batch", "source"),
        *("fields", "input", "output", "success", "alias_of", "forms", "parent"),
    )
    source = read_source(section)
    code = section.need("code", str)
    uploaded = "key" in section.data  # else a transaction that is called and answered on the spot
    return Dataset(
        code=code,
        name=section.need("name", str),
        infno=section.text("infno", code),
        scene=section.need("scene", str) if uploaded else section.text("scene"),
        cadence=section.need("cadence", str) if uploaded else "",
        key=section.texts("key"),
        occurred=section.need("occurred", str) if uploaded else "",
        replay=read_enum(section, "replay", Replay, Replay.PERSON),
        batch=section.at_least("batch", 1, 100),
        input=_input(section, source),
        output=_nodes(section, "output", source),
        success=tuple(read_success(each) for each in section.sections("success")),
        alias_of=section.text("alias_of"),
        forms=tuple(read_form(each) for each in section.sections("forms")),
        parent=read_parent(section.optional("parent")),
        source=source,
    )


def read_form(section: Section) -> Form:
    """Another wire form of the same transaction."""
    section.known("infno", "node", "encoding", "without")
    return Form(
        infno=section.need("infno", str),
        node=section.need("node", str),
        encoding=read_enum(section, "encoding", Encoding, Encoding.OBJECT),
        without=section.texts("without"),
    )


def read_parent(section: Section | None) -> Parent | None:
    """What must be at the platform first."""
    if section is None:
        return None
    by = section.known("dataset", "by").section("by")
    return Parent(section.need("dataset", str), tuple((name, by.need(name, str)) for name in by.data))


def read_success(section: Section) -> Success:
    """One condition of success."""
    section.known("path", "in", "optional", "sentence")
    optional = bool(section.get("optional", bool, False))
    return Success(section.need("path", str), section.texts("in"), optional, section.text("sentence"))


def _input(section: Section, source: Source) -> tuple[Node, ...]:
    """`fields:` is the short form of one node `data` holding an array of records."""
    if "fields" in section.data and "input" in section.data:
        raise section.error("fields 与 input 只能写一个", "input")
    if "fields" in section.data:
        return (Node("data", _fields(section, "fields", source)),)
    nodes = _nodes(section, "input", source)
    if not nodes:
        raise section.error("缺少 fields 或 input", "fields")
    return nodes


def _nodes(section: Section, key: str, source: Source) -> tuple[Node, ...]:
    return tuple(
        Node(
            name=each.known("node", "encoding", "fields").need("node", str),
            encoding=read_enum(each, "encoding", Encoding, Encoding.ARRAY),
            fields=_fields(each, "fields", source),
        )
        for each in section.sections(key)
    )


def _fields(section: Section, key: str, source: Source) -> tuple[Field, ...]:
    return tuple(read_field(each, source) for each in section.sections(key))


def read_field(section: Section, inherited: Source) -> Field:
    """One whole field; without a source of its own it has the `inherited` one."""
    section.known(
        *("name", "label", "type", "length", "scale", "codes", "required", "required_if", "blank_allowed"),
        *("least", "length_severity", "wire_name", "aliases", "format", "meaning", "source", "fields"),
    )
    condition = section.optional("required_if")
    source = read_source(section) if "source" in section.data else inherited
    return Field(
        name=section.need("name", str),
        label=section.need("label", str),
        type=read_enum(section, "type", FieldType, None),
        length=section.at_least("length", 1) if "length" in section.data else None,
        scale=section.at_least("scale", 0, 0),
        codes=section.get("codes", str),
        required=bool(section.get("required", bool, False)),
        required_if=read_condition(condition) if condition else None,
        blank_allowed=bool(section.get("blank_allowed", bool, False)),
        least=read_decimal(section, "least"),
        length_severity=read_enum(section, "length_severity", Severity, Severity.ERROR),
        wire_name=section.text("wire_name"),
        aliases=section.texts("aliases"),
        format=section.text("format"),
        meaning=section.text("meaning"),
        fields=_fields(section, "fields", source),
        source=source,
    )


def read_decimal(section: Section, key: str) -> Decimal | None:
    """A number written as text, so that YAML cannot round it."""
    text = section.get(key, str)
    if text is None:
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        raise section.error("应为数（写成文本）", key) from None


def read_condition(section: Section) -> Condition:
    """A `required_if`."""
    section.known("field", "in")
    return Condition(section.need("field", str), section.texts("in"))


def read_cadence(name: str, section: Section) -> Cadence:
    """One cadence: exactly one rule."""
    section.known("label", "minutes", "days", "day_of_next_month", "skip", "postpone")
    rules = {key: section.get(key, int) for key in ("minutes", "days", "day_of_next_month")}
    if sum(value is not None for value in rules.values()) != 1:
        raise section.error("minutes、days、day_of_next_month 须且只须写一个")
    if not 1 <= (rules["day_of_next_month"] or 1) <= 28:
        raise section.error("应为 1 至 28，每个月都有的日子", "day_of_next_month")
    skip, postpone = _days_off(section, "skip"), _days_off(section, "postpone")
    if rules["minutes"] is not None and (skip or postpone):
        raise section.error("以分钟计的时限不数日子，不能写 skip、postpone", "skip" if skip else "postpone")
    if idle := set(skip) & set(postpone):
        raise section.error(f"{'、'.join(sorted(idle))} 已写在 skip 里，本来就不会是最后一天", "postpone")
    return Cadence(name, section.need("label", str), **rules, skip=skip, postpone=postpone)


def _days_off(section: Section, key: str) -> tuple[DayOff, ...]:
    for text in section.texts(key):
        if text not in tuple(DayOff):
            raise section.error(f"只能是 {'、'.join(DayOff)}", key)
    return tuple(map(DayOff, section.texts(key)))


def _code_tables(folder: Path) -> dict[str, CodeTable]:
    tables = (read_code_table(yamlfile.read(path), path.stem) for path in sorted(folder.glob("*.yaml")))
    return {table.name: table for table in tables}


def read_code_table(section: Section, stem: str) -> CodeTable:
    """One whole code table, whose name must be `stem`."""
    section.known("name", "label", "source", "values", "on_wire")
    if section.need("name", str) != stem:
        raise section.error("表名与文件名不一致", "name")
    values = section.section("values")
    for code in values.data:
        values.need(code, str)
    return CodeTable(stem, section.need("label", str), dict(values.data), read_source(section), _code_map(section, values))


def _code_map(section: Section, values: Section) -> dict[str, str]:
    """`on_wire`: our code -> the region's. A code that is not of the table is a slip."""
    inner = section.optional("on_wire")
    if inner is None:
        return {}
    inner.known(*values.data)
    return {code: inner.need(code, str) for code in inner.data}


def read_source(section: Section) -> Source:
    """The `source` of a section; absent is an error."""
    inner = section.section("source").known("doc", "ref", "confidence", "dated")
    return Source(
        doc=inner.need("doc", str),
        ref=inner.need("ref", str),
        confidence=read_enum(inner, "confidence", Confidence, None),
        dated=inner.text("dated"),
    )


def read_enum(section: Section, key: str, kind: type[E], default: E | None) -> E:
    """A text of a closed list; without a default it must be there."""
    text = section.get(key, str)
    if text is None and default is not None:
        return default
    try:
        return kind(section.need(key, str))
    except ValueError:
        raise section.error(f"只能是 {'、'.join(kind)} 之一", key) from None
