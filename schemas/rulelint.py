"""Rules against an edition: a data set or field a rule names must be there, and be of a type the comparison can use."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from schemas.checks import Ref
from schemas.model import Dataset, Edition, Field, FieldType
from schemas.rules import Rule


def findings(edition: Edition, rules: Iterable[Rule]) -> tuple[str, ...]:
    """One Chinese sentence per mistake; empty when every rule fits the edition."""
    return tuple(sentence for rule in rules for sentence in misfits(edition, rule))


def misfits(edition: Edition, rule: Rule) -> tuple[str, ...]:
    """Why this rule cannot be evaluated under this edition; empty when it can."""
    return tuple(dict.fromkeys(_misfits(edition, rule)))


def _misfits(edition: Edition, rule: Rule) -> Iterator[str]:
    for code in rule.datasets:
        if code not in edition.datasets:
            yield f"规则 {rule.id}：没有数据集 {code}{_nearest(code, edition.datasets)}"
    for ref in rule.check.refs():
        dataset = edition.datasets.get(ref.dataset)
        if dataset is not None:
            yield from _field(rule, dataset, ref)
    if not rule.source.doc.strip() or not rule.source.ref.strip():
        yield f"规则 {rule.id}：来源 source 的 doc 和 ref 都要写明"


def _field(rule: Rule, dataset: Dataset, ref: Ref) -> Iterator[str]:
    spec = find(dataset, ref.field)
    if spec is None:
        yield f"规则 {rule.id}：数据集 {dataset.code} 没有字段 {ref.field}{_nearest(ref.field, _paths(dataset))}"
    elif spec.type not in ref.types:
        yield f"规则 {rule.id}：{dataset.code} 的 {ref.field} 是 {spec.type}，此处须为 {'、'.join(ref.types)}"


def find(dataset: Dataset, path: str) -> Field | None:
    """The field of that name, or the child field of `rows.field`."""
    name, _, child = path.partition(".")
    spec = next((each for each in dataset.fields if each.name == name), None)
    if spec is None or not child:
        return spec
    return next((each for each in spec.fields if each.name == child), None)


def _paths(dataset: Dataset) -> list[str]:
    children = [f"{spec.name}.{child.name}" for spec in dataset.fields for child in spec.fields]
    return [*(spec.name for spec in dataset.fields if spec.type is not FieldType.ROWS), *children]


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"，是否想写 {near[0]}？" if near else ""
