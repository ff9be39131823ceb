"""Cross-file checks of an edition: what the loader cannot see in one file. `python -m schemas.lint [folder]`.

Every finding is told, not only the first; any finding ends with exit code 1.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from schemas import loader
from schemas.dateformat import dateformat
from schemas.errors import SpecError, WireError
from schemas.model import CodeTable, Dataset, Edition, Field, FieldType, Node, Severity, Source
from schemas.rendering import ambiguities

_CLOCK_TYPES = (FieldType.DATE, FieldType.DATETIME)
_TOLD = 5
_PATH = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")


def findings(edition: Edition) -> tuple[str, ...]:
    """One Chinese sentence per mistake; empty when the edition is sound."""
    return tuple(_findings(edition))


def told(edition: Edition) -> str:
    """What is wrong with an edition in one sentence, the first few findings of it; "" when it is sound."""
    found = findings(edition)
    more = "；……" if len(found) > _TOLD else ""
    return f"规范 {edition.id} 有 {len(found)} 处不妥：{'；'.join(found[:_TOLD])}{more}" if found else ""


def _findings(edition: Edition) -> Iterator[str]:
    yield from _source("edition.yaml", edition.source)
    yield from _fields(edition, "common.yaml record", edition.common)
    yield from _fields(edition, "common.yaml header", edition.header)
    for dataset in edition.datasets.values():
        yield from _dataset(edition, dataset)
    yield from _numbers(edition)
    yield from _style(edition)
    yield from ambiguities(edition)
    for table in edition.codes.values():
        yield from _code_table(edition, table)


def _dataset(edition: Edition, dataset: Dataset) -> Iterator[str]:
    place = dataset.code
    yield from _source(place, dataset.source)
    if dataset.scene and dataset.scene not in edition.scenes:
        yield f"{place}：edition.yaml 中没有场景 {dataset.scene}"
    yield from _journey(edition, dataset)
    yield from _nodes(edition, place, dataset.input)
    yield from _nodes(edition, place, dataset.output)
    yield from _success(dataset)
    yield from _forms(dataset)
    yield from _parent(edition, dataset)
    if dataset.alias_of and (dataset.alias_of == place or dataset.alias_of not in edition.datasets):
        yield f"{place}：alias_of 所指的 {dataset.alias_of} 不是另一个数据集"


def _journey(edition: Edition, dataset: Dataset) -> Iterator[str]:
    """A record that is uploaded has a key, a business time and a cadence; a transaction that is called has none of them."""
    if not (dataset.key or dataset.cadence or dataset.occurred):
        return
    if dataset.cadence not in edition.cadences:
        yield f"{dataset.code}：edition.yaml 中没有报送频次 {dataset.cadence}"
    yield from _key(dataset)
    if not dataset.input[0].many and dataset.batch != 1:
        yield f"{dataset.code}：报送的节点 {dataset.input[0].name} 须能放多条记录（array、json_text），否则 batch 须为 1"
    common = {spec.name for spec in edition.common}
    for spec in dataset.fields:
        if spec.name in common:
            yield f"{dataset.code}：字段 {spec.name} 与 common.yaml 的公共字段同名"


def _nodes(edition: Edition, place: str, nodes: tuple[Node, ...]) -> Iterator[str]:
    for name in _doubled(node.name for node in nodes):
        yield f"{place}：节点 {name} 写了两次"
    for node in nodes:
        if not node.fields:
            yield f"{place}：节点 {node.name} 没有字段"
        yield from _fields(edition, place, node.fields)


def _success(dataset: Dataset) -> Iterator[str]:
    for rule in dataset.success:
        for path in (rule.path, *([rule.sentence] if rule.sentence else [])):
            if not _PATH.fullmatch(path):
                yield f"{dataset.code}：成功条件的路径“{path}”应写成用点连接的字段名，如 output.result.retRslt"


def _forms(dataset: Dataset) -> Iterator[str]:
    """A form that leaves out a key field could not say which record it means."""
    names = {spec.name for spec in dataset.fields}
    for form in dataset.forms:
        for name in form.without:
            if name not in names:
                yield f"{dataset.code}：形式 {form.infno} 的 without 所写的字段 {name} 不存在"
            if name in dataset.key:
                yield f"{dataset.code}：形式 {form.infno} 不能去掉主键字段 {name}"


def _parent(edition: Edition, dataset: Dataset) -> Iterator[str]:
    """A parent that is not named by its whole key could not be found."""
    if dataset.parent is None:
        return
    above = edition.datasets.get(dataset.parent.dataset)
    if above is None or not above.uploaded or above is dataset:
        yield f"{dataset.code}：上级 {dataset.parent.dataset} 不是另一个报送的数据集"
        return
    names = {spec.name for spec in dataset.fields}
    for child, _ in dataset.parent.by:
        if child not in names:
            yield f"{dataset.code}：parent 所写的字段 {child} 不在字段表内"
    if {field for _, field in dataset.parent.by} != set(above.key):
        yield f"{dataset.code}：parent 须写全上级 {above.code} 的主键 {'、'.join(above.key)}"


def _key(dataset: Dataset) -> Iterator[str]:
    """A record without key or business time can be neither told apart nor timed."""
    if not dataset.key:
        yield f"{dataset.code}：没有写主键 key"
    specs = {spec.name: spec for spec in dataset.fields}
    for role, name in (*(("主键", name) for name in dataset.key), ("业务时间", dataset.occurred)):
        spec = specs.get(name)
        if spec is None:
            yield f"{dataset.code}：{role}字段 {name} 不在字段表内"
        elif not spec.required:
            yield f"{dataset.code}：{role}字段 {name} 须为必填"
    clock = specs.get(dataset.occurred)
    if clock and clock.type not in _CLOCK_TYPES:
        yield f"{dataset.code}：业务时间字段 {clock.name} 的类型须为 D 或 DT"


def _fields(edition: Edition, place: str, specs: tuple[Field, ...]) -> Iterator[str]:
    for name in _doubled(spec.name for spec in specs):
        yield f"{place}：字段 {name} 写了两次"
    for spec in specs:
        where = f"{place} 字段 {spec.name}"
        yield from _field(edition, where, spec)
        yield from _condition(edition, where, spec, specs)
        yield from _fields(edition, where, spec.fields)


def _field(edition: Edition, where: str, spec: Field) -> Iterator[str]:
    yield from _source(where, spec.source)
    if not spec.label.strip():
        yield f"{where}：没有中文名称 label"
    if spec.codes and spec.codes not in edition.codes:
        yield f"{where}：没有代码表 {spec.codes}，应有文件 codes/{spec.codes}.yaml"
    if spec.codes and spec.type is not FieldType.TEXT:
        yield f"{where}：只有 C 类型可以带代码表"
    if spec.blank_allowed and spec.type is not FieldType.TEXT:
        yield f"{where}：只有 C 类型可以允许空文本"
    yield from _shape(where, spec)
    yield from _writing(where, spec)


def _writing(where: str, spec: Field) -> Iterator[str]:
    """How the region writes the field."""
    if spec.least is not None and spec.type is not FieldType.NUMBER:
        yield f"{where}：只有 N 类型可以写最小值 least"
    if spec.length_severity is not Severity.ERROR and spec.length is None:
        yield f"{where}：没有写 length，length_severity 就没有意义"
    if spec.on_wire in spec.aliases:
        yield f"{where}：别名 {spec.on_wire} 就是它在报文中的名字"
    if spec.format and spec.type not in _CLOCK_TYPES:
        yield f"{where}：只有 D、DT 类型可以写格式 format"
    elif spec.format:
        yield from _pattern(where, spec.format, spec.type)


def _pattern(where: str, pattern: str, kind: FieldType) -> Iterator[str]:
    try:
        dateformat(pattern, kind)
    except WireError as error:
        yield f"{where}：{error}"


def _shape(where: str, spec: Field) -> Iterator[str]:
    if spec.length is not None and spec.type not in (FieldType.TEXT, FieldType.NUMBER):
        yield f"{where}：只有 C、N 类型可以写长度 length"
    if spec.scale and spec.type is not FieldType.NUMBER:
        yield f"{where}：只有 N 类型可以写小数位数 scale"
    if spec.type is FieldType.ROWS and not spec.fields:
        yield f"{where}：子节点没有字段"
    if spec.type is not FieldType.ROWS and spec.fields:
        yield f"{where}：只有 ROWS 类型可以有子字段"
    if spec.type is FieldType.NUMBER and spec.length is None:
        yield f"{where}：数值没有写总位数 length"
    if spec.type is FieldType.NUMBER and spec.length is not None and spec.scale > spec.length:
        yield f"{where}：小数位数 scale 大于总位数 length"


def _condition(edition: Edition, where: str, spec: Field, siblings: tuple[Field, ...]) -> Iterator[str]:
    if spec.required_if is None:
        return
    other = next((each for each in siblings if each.name == spec.required_if.field), None)
    if other is None:
        yield f"{where}：required_if 所指的字段 {spec.required_if.field} 不存在"
        return
    if spec.required:
        yield f"{where}：required 与 required_if 只能写一个"
    if not spec.required_if.values:
        yield f"{where}：required_if 没有写取值 in"
    table = edition.codes.get(other.codes or "")
    strange = [code for code in spec.required_if.values if code not in table.values] if table else []
    for code in strange:
        yield f"{where}：required_if 的取值 {code} 不在代码表 {other.codes} 内"


def _numbers(edition: Edition) -> Iterator[str]:
    """A transaction number says which data set a message is for, so it stands for one only."""
    owners = [(infno, dataset.code) for dataset in edition.datasets.values() for infno in _own_numbers(dataset)]
    for infno in _doubled(infno for infno, _ in owners):
        codes = "、".join(code for number, code in owners if number == infno)
        yield f"交易编号 {infno} 被多个数据集使用：{codes}"


def _own_numbers(dataset: Dataset) -> Iterator[str]:
    yield dataset.infno
    yield from (form.infno for form in dataset.forms)


def _style(edition: Edition) -> Iterator[str]:
    yield from _pattern("edition.yaml style 的 date", edition.style.date, FieldType.DATE)
    yield from _pattern("edition.yaml style 的 datetime", edition.style.datetime, FieldType.DATETIME)


def _code_table(edition: Edition, table: CodeTable) -> Iterator[str]:
    place = f"代码表 {table.name}"
    yield from _source(place, table.source)
    if not table.values:
        yield f"{place}：没有取值"
    for code in _doubled(table.on_wire.get(code, code) for code in table.values):
        yield f"{place}：on_wire 使两个代码在报文中都写作 {code}"
    if table.name not in {spec.codes for spec in _every_field(edition)}:
        yield f"{place}：没有字段使用"


def _every_field(edition: Edition) -> Iterator[Field]:
    nodes = (node for dataset in edition.datasets.values() for node in (*dataset.input, *dataset.output))
    stack = [*edition.common, *edition.header, *(spec for node in nodes for spec in node.fields)]
    while stack:
        spec = stack.pop()
        yield spec
        stack.extend(spec.fields)


def _source(place: str, source: Source) -> Iterator[str]:
    if not source.doc.strip() or not source.ref.strip():
        yield f"{place}：来源 source 的 doc 和 ref 都要写明"


def _doubled(names: Iterable[str]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]


def main(folder: Path) -> int:
    """Print every finding about the edition in `folder`; the exit code."""
    try:
        edition = loader.load(folder)
    except SpecError as error:
        click.echo(str(error), err=True)
        return 1
    found = findings(edition)
    for sentence in found:
        click.echo(sentence, err=True)
    if not found:
        click.echo(f"{edition.name} {edition.id}：{len(edition.datasets)} 个数据集、{len(edition.codes)} 个代码表，未发现问题")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else loader.REFERENCE))
