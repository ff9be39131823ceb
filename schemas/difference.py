"""What changed between two editions, told to a site in Chinese: what it must change, what it should look at, what it may ignore.

A site's work is its mapping: canonical names, values and deadlines. How messages are written is the gateway's own affair, so
a renamed node or another date format is told, but as 不影响.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from schemas import build, fielddifference
from schemas.fielddifference import Finding, Weight
from schemas.model import Cadence, Dataset, Edition, Extra, Node

__all__ = ["Change", "Rejection", "Weight", "changes", "lines", "rejected_now"]

_EVERYWHERE = "各数据集"
_ORDER = tuple(Weight)
_SHOWN = 5  #: lines of what does not concern the site, in one block
_ROW = re.compile(r"\[[0-9]+\]")


@dataclass(frozen=True, slots=True)
class Change:
    """One difference; `dataset` is "" when it concerns every record or message."""

    dataset: str
    name: str  #: of the data set
    field: str  #: path of the field; "" when it concerns the whole data set
    weight: Weight
    sentence: str


@dataclass(frozen=True, slots=True)
class Rejection:
    """Records that the old edition took and the new one refuses for one reason."""

    dataset: str
    field: str
    rule: str
    sentence: str
    count: int


class _Kind(StrEnum):
    """Rule ids of what no field rule covers."""

    DATASET = "dataset"  #: the new edition has no such data set


def changes(old: Edition, new: Edition) -> tuple[Change, ...]:
    """Every difference, most pressing first, then data set by data set."""
    found = [
        *(_change(None, finding) for finding in _everywhere(old, new)),
        *(change for code in _codes(old, new) for change in _of_dataset(old, new, code)),
    ]
    return tuple(sorted(found, key=lambda change: _ORDER.index(change.weight)))


def lines(found: Iterable[Change]) -> tuple[str, ...]:
    """The differences as a site reads them: one block per data set, the most pressing first; of what the gateway does by
    itself, only the first few."""
    blocks: dict[str, list[Change]] = {}
    for change in found:
        blocks.setdefault(f"{change.dataset} {change.name}".strip(), []).append(change)
    return tuple(line for title, block in blocks.items() for line in (title, *_block(block)))


def _block(block: list[Change]) -> Iterator[str]:
    quiet = [change for change in block if change.weight is Weight.NONE]
    rest = len(quiet) - _SHOWN if len(quiet) > _SHOWN + 1 else 0
    for change in block[: len(block) - rest]:
        yield f"  〔{change.weight}〕{change.sentence}"
    if rest:
        yield f"  〔{Weight.NONE}〕另有 {rest} 处，多为报文写法，网关自动照办"


def rejected_now(old: Edition, new: Edition, records: Iterable[tuple[str, Mapping[str, Any]]]) -> tuple[Rejection, ...]:
    """Of (data set, record) pairs, those `old` takes and `new` refuses, counted by data set, field and rule.

    A record with several faults counts once under each.
    """
    count: Counter[tuple[str, str, str, str]] = Counter()
    for code, record in records:
        if code in old.datasets and not build.validator(old, code).violations(record):
            count.update(_reasons(new, code, record))
    return tuple(Rejection(*reason, times) for reason, times in count.most_common())


def _reasons(new: Edition, code: str, record: Mapping[str, Any]) -> set[tuple[str, str, str, str]]:
    if code not in new.datasets:
        return {(code, "", _Kind.DATASET, f"新版没有数据集 {code}")}
    found = build.validator(new, code).violations(record)
    return {(code, _anywhere(each.field), each.rule, _anywhere(each.message)) for each in found}


def _anywhere(text: str) -> str:
    """Without row numbers, so that the same fault in another row counts as the same."""
    return _ROW.sub("[]", text)


def _codes(old: Edition, new: Edition) -> tuple[str, ...]:
    return (*old.datasets, *(code for code in new.datasets if code not in old.datasets))


def _change(dataset: Dataset | None, finding: Finding) -> Change:
    code, name = (dataset.code, dataset.name) if dataset else ("", _EVERYWHERE)
    return Change(code, name, finding.field, finding.weight, finding.sentence)


def _everywhere(old: Edition, new: Edition) -> Iterator[Finding]:
    yield from fielddifference.fields(old, new, old.common, new.common)
    for each in fielddifference.fields(old, new, old.header, new.header):
        yield Finding(f"报文头.{each.field}", Weight.LOOK, f"报文头：{each.sentence.partition('：')[0]}")  # no mapping fills it
    if replace(old.style, extra=new.style.extra) != new.style:
        yield Finding("", Weight.NONE, "报文的写法（日期、数值、空值或字符集）变了，网关自动照新写法写")
    if old.style.extra != new.style.extra:
        strict = new.style.extra is Extra.REJECT
        yield Finding("", Weight.MUST, "规范以外的字段改为拒收") if strict else Finding("", Weight.NONE, "规范以外的字段改为放行")
    if old.infver != new.infver:
        yield Finding("", Weight.NONE, f"接口版本号由 {old.infver} 改为 {new.infver}，网关自动照写")
    if old.body_limit != new.body_limit:
        yield Finding("", Weight.NONE, f"一个报文的上限由 {old.body_limit} 字节改为 {new.body_limit} 字节，网关自动分批")


def _of_dataset(old: Edition, new: Edition, code: str) -> Iterator[Change]:
    before, after = old.datasets.get(code), new.datasets.get(code)
    dataset = after or before
    if before and after:
        for finding in (*_rules(old, new, before, after), *_writing(before, after), *_content(old, new, before, after)):
            yield _change(dataset, finding)
    elif after:
        weight = Weight.MUST if after.uploaded else Weight.LOOK
        what = "新增数据集，须补上映射并开始报送" if after.uploaded else "新增交易，由网关调用"
        yield _change(dataset, Finding("", weight, what))
    elif before:
        weight = Weight.MUST if before.uploaded else Weight.LOOK
        yield _change(dataset, Finding("", weight, "新版没有这个数据集或交易，须停止报送并去掉映射"))


def _content(old: Edition, new: Edition, before: Dataset, after: Dataset) -> Iterator[Finding]:
    """An uploaded record is its first node, whatever the node is called; the others are matched by name."""
    if before.uploaded:
        yield from fielddifference.fields(old, new, before.fields, after.fields)
        return
    for ours, theirs in ((before.input, after.input), (before.output, after.output)):
        if len(ours) != len(theirs):
            yield Finding("", Weight.LOOK, f"节点由 {_names(ours)} 改为 {_names(theirs)}")
        for node in ours:
            yield from _node(old, new, node, _same(node, ours, theirs))


def _names(nodes: tuple[Node, ...]) -> str:
    return "、".join(node.name for node in nodes) or "（无）"


def _same(node: Node, ours: tuple[Node, ...], theirs: tuple[Node, ...]) -> Node | None:
    """The node of that name; else, if no node came or went, the one at its place: it was renamed."""
    named = next((each for each in theirs if each.name == node.name), None)
    return named or (theirs[ours.index(node)] if len(ours) == len(theirs) else None)


def _node(old: Edition, new: Edition, node: Node, other: Node | None) -> Iterator[Finding]:
    """A called transaction is made by the gateway or the till, never mapped: there is something to look at, at most."""
    if other is None:
        yield Finding(node.name, Weight.LOOK, f"节点 {node.name} 不再有")
        return
    if (node.name, node.encoding) != (other.name, other.encoding):
        yield Finding(node.name, Weight.NONE, f"节点 {node.name}（{node.encoding}）改为 {other.name}（{other.encoding}）")
    for each in fielddifference.fields(old, new, node.fields, other.fields):
        weight = Weight.LOOK if each.weight is Weight.MUST else each.weight
        yield Finding(f"{node.name}.{each.field}", weight, f"节点 {node.name}：{each.sentence}")


def _rules(old: Edition, new: Edition, before: Dataset, after: Dataset) -> Iterator[Finding]:
    """What the site or its timetable must obey."""
    if before.key != after.key:
        yield Finding("", Weight.MUST, f"主键由 {'、'.join(before.key)} 改为 {'、'.join(after.key)}：已报记录的主键都会变")
    if before.occurred != after.occurred:
        yield Finding("", Weight.MUST, f"业务时间由 {before.occurred} 改为 {after.occurred}：报送时限从新字段起算")
    if before.uploaded and after.uploaded:
        yield from _deadline(old.cadences[before.cadence], new.cadences[after.cadence])
    if before.replay is not after.replay:
        yield Finding("", Weight.LOOK, f"结果不明时的处理由 {before.replay} 改为 {after.replay}，网关照办；转人工的会多或会少")
    if before.parent != after.parent:
        yield Finding("", Weight.NONE, f"须先收下的上级由{_above(before)}改为{_above(after)}，网关照办")
    if before.name != after.name:
        yield Finding("", Weight.NONE, f"名称由“{before.name}”改为“{after.name}”")


def _above(dataset: Dataset) -> str:
    return f" {dataset.parent.dataset} " if dataset.parent else "（无）"


def _deadline(before: Cadence, after: Cadence) -> Iterator[Finding]:
    if _minutes(before) == _minutes(after):
        return
    tighter = _minutes(after) < _minutes(before)
    advice = "时限变紧，须核对机构的录入和网关的读取间隔" if tighter else "时限变宽"
    yield Finding("", Weight.MUST if tighter else Weight.LOOK, f"报送频次由{before.label}改为{after.label}，{advice}")


def _minutes(cadence: Cadence) -> int:
    """Roughly how long a record may take; only the order of two cadences is read from it."""
    if cadence.minutes is not None:
        return cadence.minutes
    days = cadence.days if cadence.days is not None else 31 + (cadence.day_of_next_month or 1)
    left_out = len(cadence.skip) * (days + 1) + len(cadence.postpone)
    return (days + 1) * 24 * 60 + left_out


def _writing(before: Dataset, after: Dataset) -> Iterator[Finding]:
    """What the gateway does by itself."""
    pairs: list[tuple[str, object, object]] = [("交易编号", before.infno, after.infno)]
    if before.uploaded:  # of the others, the nodes are told one by one
        pairs.append(("一次最多条数", before.batch, after.batch))
        pairs.append(("报送节点", before.input[0].name, after.input[0].name))
        pairs.append(("节点写法", before.input[0].encoding, after.input[0].encoding))
    for what, one, other in pairs:
        if one != other:
            yield Finding("", Weight.NONE, f"{what}由 {one} 改为 {other}，网关自动照写")
    if before.success != after.success:
        yield Finding("", Weight.NONE, "判断成功的条件变了，网关自动照新条件判断")
