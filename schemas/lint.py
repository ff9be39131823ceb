"""Cross-file checks of an edition: what the loader cannot see in one file. `python -m schemas.lint [folder]`.

Every finding is told, not only the first; any finding ends with exit code 1.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from schemas import loader
from schemas.errors import SpecError
from schemas.model import CodeTable, Dataset, Edition, Field, FieldType, Source

_CLOCK_TYPES = (FieldType.DATE, FieldType.DATETIME)


def findings(edition: Edition) -> tuple[str, ...]:
    """One Chinese sentence per mistake; empty when the edition is sound."""
    return tuple(_findings(edition))


def _findings(edition: Edition) -> Iterator[str]:
    yield from _source("edition.yaml", edition.source)
    yield from _fields(edition, "common.yaml record", edition.common)
    yield from _fields(edition, "common.yaml header", edition.header)
    for dataset in edition.datasets.values():
        yield from _dataset(edition, dataset)
    yield from _numbers(edition)
    for table in edition.codes.values():
        yield from _code_table(edition, table)


def _dataset(edition: Edition, dataset: Dataset) -> Iterator[str]:
    place = dataset.code
    yield from _source(place, dataset.source)
    if dataset.cadence not in edition.cadences:
        yield f"{place}：edition.yaml 中没有报送频次 {dataset.cadence}"
    if dataset.scene not in edition.scenes:
        yield f"{place}：edition.yaml 中没有场景 {dataset.scene}"
    yield from _key(dataset)
    for node in (*dataset.input, *dataset.output):
        yield from _fields(edition, place, node.fields)
    common = {spec.name for spec in edition.common}
    for spec in dataset.fields:
        if spec.name in common:
            yield f"{place}：字段 {spec.name} 与 common.yaml 的公共字段同名"


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
        yield f"{where}：没有代码表 {spec.codes}"
    if spec.codes and spec.type is not FieldType.TEXT:
        yield f"{where}：只有 C 类型可以带代码表"
    if spec.blank_allowed and spec.type is not FieldType.TEXT:
        yield f"{where}：只有 C 类型可以允许空文本"
    yield from _shape(where, spec)


def _shape(where: str, spec: Field) -> Iterator[str]:
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
    for infno in _doubled(dataset.infno for dataset in edition.datasets.values()):
        codes = "、".join(dataset.code for dataset in edition.datasets.values() if dataset.infno == infno)
        yield f"交易编号 {infno} 被多个数据集使用：{codes}"


def _code_table(edition: Edition, table: CodeTable) -> Iterator[str]:
    place = f"代码表 {table.name}"
    yield from _source(place, table.source)
    if not table.values:
        yield f"{place}：没有取值"
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
